"""One request to one OpenAI-compatible server over HTTP, and what its status means."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import Hypothesis
from langadapt_plugins.translators.completions import (
    AgainError,
    Ask,
    Completions,
    decoded,
    explained,
    refusal,
    too_long,
)

_CONNECT_S = 10.0
_LONGEST_PAUSE_S = 600.0
"""Who asks for a longer one has no more to give: a quota is used up."""
_ENDS = {
    401: "does not accept the key",
    402: "asks to be paid",
    403: "does not let this key in",
    404: "does not know the model or the address",
    405: "does not know the address",
}


class RefusedError(AgainError):
    """No connection to the server."""


class StrainedError(AgainError):
    """The server asks for fewer requests."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How servers are asked, whichever they are. `key_from` is the variable that holds the key.

    `sample` is a prompt with its tokens, which the server's own tokenizer must agree with. `items` is what asks for a text in
    a chat whose one item names the languages, and the same with languages that there are not, which no template takes.
    """

    completions: Completions
    in_flight: int
    timeout: float
    retries: int
    key_from: str | None = None
    sample: tuple[str, list[int]] | None = None
    items: tuple[Ask, Ask] | None = None


class Exchange:
    """A session with servers; it alone holds the key."""

    def __init__(self, terms: Terms, key: str) -> None:
        """To be made where an event loop runs."""
        import aiohttp

        self._terms, self._key = terms, key
        self._folds: set[str] = set()
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=aiohttp.ClientTimeout(total=terms.timeout, sock_connect=min(_CONNECT_S, terms.timeout)),
            connector=aiohttp.TCPConnector(limit=0),
            trust_env=False,  # or a .netrc would name another user, or one where no key is sent; proxies are asked for below
        )

    async def close(self) -> None:
        """Close all connections; what is under way is given up."""
        await self._session.close()

    async def greet(self, url: str) -> str:
        """Whose server it is, as far as it says; raises `RefusedError` where nobody answers, `LangAdaptError` where it cannot be used."""
        try:
            status, head, raw = await self._sent("GET", f"{url}/models", None, _CONNECT_S)
        except RefusedError:
            raise
        except AgainError as error:
            raise RefusedError(str(error)) from error
        if status in (502, 503, 504):
            raise RefusedError(f"{status}, {explained(raw)}")
        brand = _brand(raw, head, self._terms.completions.model) if status == 200 else ""
        if self._terms.completions.beams > 1 and brand != "vllm":
            raise ConfigError(
                f"{url} does not say that it is vLLM's server, the only one known to search with beams",
                hint="set `beams` to 1, or take the engine `transformers` or `vllm`",
            )
        if self._terms.sample and brand == "vllm":
            await self._compare(url, *self._terms.sample)
        if self._terms.items:
            await self._try_items(url, brand, *self._terms.items)
        return brand

    async def ask(self, url: str, ask: Ask, brand: str, *, again: bool) -> Hypothesis:
        """What the server says to one text.

        Raises `AgainError` for what may go better next time, `ComponentError` for what goes wrong for every text.
        """
        status, head, raw = await self._said(url, ask, brand, again=again)
        if status == 200:
            return self._terms.completions.read(decoded(raw, head.get("kind", "")), ask.limit)
        said = explained(raw)
        spent = status == 429 and b"insufficient_quota" in raw  # as OpenAI says it; no pause helps
        if status in _ENDS or 300 <= status < 400 or spent:
            raise self._end(url, status, said)
        if status == 429 or status >= 500 or status < 300:
            wait = _seconds(head.get("wait"))
            if wait and wait > _LONGEST_PAUSE_S:
                raise ComponentError(
                    f"the server {url} asks for a pause of {wait:.0f} s ({status}, {said})",
                    hint="run again then; finished translations are kept in the memory",
                )
            raise (StrainedError if status in (429, 503) else AgainError)(f"{status}, {said}", wait)
        found = refusal(status, said)
        return replace(found, without_context=found.finish == "too-long" and ask.context)

    async def _said(
        self, url: str, ask: Ask, brand: str, *, again: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The server's answer; one whose template knows no system message, and says 400, has it said by the user from then on."""
        folded = ask.folded
        if folded and url in self._folds:
            return await self._put(url, folded, brand, again=again)
        first = await self._put(url, ask, brand, again=again)
        if not folded or first[0] != 400 or too_long(first[2]):
            return first
        second = await self._put(url, folded, brand, again=again)
        if second[0] == 400 and not too_long(second[2]):
            return first  # the system message was not the reason
        if second[0] == 200:
            self._folds.add(url)
        return second

    async def _put(
        self, url: str, ask: Ask, brand: str, *, again: bool
    ) -> tuple[int, Mapping[str, str], bytes]:
        completions = self._terms.completions
        body = completions.body(ask, brand, again=again)
        return await self._sent("POST", url + completions.path, body, self._terms.timeout)

    async def _sent(
        self, method: str, url: str, body: bytes | None, seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, kind of content and wished pause, and body of an answer."""
        import aiohttp

        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers={"Content-Type": "application/json"} if body else {},
                allow_redirects=False,
                proxy=_proxy(url),
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=min(_CONNECT_S, seconds)),
            ) as answer:
                raw = self._clean(await answer.read())
                head = {"kind": answer.content_type, "wait": answer.headers.get("Retry-After", "")}
                return answer.status, head, raw
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise RefusedError(f"no connection ({_cause(error)})") from error
        except TimeoutError as error:
            raise AgainError(f"no answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise AgainError(f"the answer broke off ({type(error).__name__})") from error

    async def _compare(self, url: str, text: str, tokens: list[int]) -> None:
        """Whether vLLM's server makes the same tokens of a prompt; others have no agreed way to ask."""
        asked = {"model": self._terms.completions.model, "prompt": text}
        where = f"{url.removesuffix('/v1')}/tokenize"
        status, head, raw = await self._sent("POST", where, json.dumps(asked).encode(), _CONNECT_S)
        if status == 200 and decoded(raw, head.get("kind", "")).get("tokens") != tokens:
            raise ComponentError(
                f"`tokenizer` is not that of the model which {url} serves: its tokens are others",
                hint="name the folder or the Hub id that the server was started with, or leave `tokenizer` out",
            )

    async def _try_items(self, url: str, brand: str, known: Ask, unknown: Ask) -> None:
        """Whether the server gives its template all that an item holds: else it would translate into whatever language."""
        for ask in (unknown, known):
            status, _, raw = await self._put(url, ask, brand, again=False)
            said = "" if status == 200 else f"{status}, {explained(raw)}"
            if status in (429, 502, 503, 504):
                raise AgainError(said)
            if status in _ENDS or 300 <= status < 400:
                raise self._end(url, status, said)
            if (status == 200) != (ask is known):
                raise ComponentError(
                    f"the server {url} does not give the chat template the languages that an item names "
                    f"({said or 'it takes languages that there are not'}), and models of the family "
                    f"{self._terms.completions.family.name!r} are told them in no other way",
                    hint="take a server that does, such as a newer vLLM, or the engine `transformers` or `vllm`",
                )

    def _end(self, url: str, status: int, said: str) -> ComponentError:
        model, variable = self._terms.completions.model, self._terms.key_from
        key = f"the key in ${variable}" if variable else "`api_key_env`, which names no variable now"
        hint = f"check {key}"
        if status in (404, 405) or 300 <= status < 400:
            hint = f"check the model's name, {model}, and `base_urls`: most end in /v1; and {key}"
        return ComponentError(
            f"the server {url} {_ENDS.get(status, 'cannot be used')} ({status}, {said})", hint=hint
        )

    def _clean(self, raw: bytes) -> bytes:
        """What a server sent, without the key, should it say it back."""
        return raw.replace(self._key.encode(), b"***") if self._key else raw


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


def _brand(raw: bytes, head: Mapping[str, str], model: str) -> str:
    """`owned_by` of the model in a list of models, which is the server's own name in vLLM, SGLang and llama.cpp."""
    try:
        listed = decoded(raw, head.get("kind", "")).get("data")
    except AgainError:
        return ""
    rows: list[Any] = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    own = [one for one in rows if one.get("id") == model]
    return next((str(one.get("owned_by")) for one in own or rows), "")


def _cause(error: Exception) -> str:
    """Why there is no connection, as the system says it."""
    cause = getattr(error, "os_error", error)
    return os.strerror(cause.errno) if isinstance(cause, ConnectionError) and cause.errno else str(cause)


def _seconds(wish: str | None) -> float | None:
    """What `Retry-After` asks for: seconds, or a date."""
    if not wish:
        return None
    try:
        seconds = float(wish)
    except ValueError:
        try:
            date = parsedate_to_datetime(wish)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None

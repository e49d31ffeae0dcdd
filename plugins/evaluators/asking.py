"""Who is asked for verdicts.

A server with OpenAI's interface (a hosted one, vLLM's, SGLang's, llama.cpp's) or a model that transformers runs here; a
model of one's own under vLLM is asked through vLLM's server.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

from langadapt.errors import ComponentError, ConfigError
from langadapt.identity import model_identity
from langadapt.interfaces import Checkpoint, Hypothesis, ModelRef
from langadapt.models import Family
from langadapt_plugins.generation import ChatModel, Prompt, Turn
from langadapt_plugins.translators.completions import Ask, Completions
from langadapt_plugins.translators.exchange import Terms
from langadapt_plugins.translators.servers import Servers
from langadapt_plugins.translators.streaming import Deliver, Streaming

OPENAI = "https://api.openai.com/v1"
_CHAT = Family(name="judge", models=(), prompt="{text}", reads="all", license="", source="", chat=True)
_LEFT_OUT = _HEAT, _LIMIT = "temperature", "max_tokens"
_REFUSED = re.compile(r"server: 4\d\d\b")
"""How `Hypothesis.reason` begins for a request that a server will not take; another try would not help."""


@dataclass(frozen=True, kw_only=True)
class Said(Hypothesis):
    """What a judge wrote; `model` is what its server calls it. `tries` is how often it was asked.

    `warm` says that it takes no temperature 0, and was asked at its own.
    """

    model: str = ""
    warm: bool = False

    @property
    def answered(self) -> bool:
        """Whether the judge itself said this, be it nothing; else the request was refused or never arrived."""
        return bool(self.text or self.model) or self.finish == "length" or self.reason == "empty"

    @property
    def refused(self) -> bool:
        """Whether the request will never be taken."""
        return self.finish == "too-long" or bool(_REFUSED.match(self.reason))


Keep = Callable[[int, Said], None]


class Respondent(Protocol):
    """Chats to replies."""

    @property
    def name(self) -> str:
        """What a signature calls it."""

    def check(self) -> None:
        """Raise `ConfigError` for what would stop it."""

    def ask(self, chats: Sequence[Sequence[Turn]], keep: Keep) -> Iterator[int]:
        """Give each reply to `keep`, by the chat's index, and then the index; in any order."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server with OpenAI's interface. After 429, 5xx, time-outs and broken answers it is asked again, ever later.

    One that refuses temperature 0, as OpenAI's reasoning models do, or the older name of the limit is asked without them from
    then on. Without `url` it is OpenAI's own. The key is read from the environment variable `key_from` when it is needed.
    """

    model: str
    url: str | None = None
    key_from: str | None = None
    in_flight: int = 8
    timeout: float = 180.0
    retries: int = 12
    max_tokens: int = 2048

    @property
    def name(self) -> str:
        """The model's name, as the server knows it."""
        return self.model

    def check(self) -> None:
        """The key must be there where one is needed."""
        self._key()

    def ask(self, chats: Sequence[Sequence[Turn]], keep: Keep) -> Iterator[int]:
        """Ask with at most `in_flight` requests under way; raises `ComponentError` where nobody ever answers."""
        refused = {_LIMIT} if self.url is None else set()
        completions = _Verdicts(
            model=self.model, family=_CHAT, temperature=0.0, seed=0, beams=1, refused=refused
        )
        terms = Terms(
            completions=completions,
            in_flight=self.in_flight,
            timeout=self.timeout,
            retries=self.retries,
            key_from=self._variable,
        )
        servers = Servers([self.url or OPENAI], terms, self._key())
        asks = [
            Ask(index, [dict(turn) for turn in chat], self.max_tokens) for index, chat in enumerate(chats)
        ]

        async def work(deliver: Deliver[int]) -> None:
            again: list[Ask] = []
            seen = set(refused)

            async def kept(item: tuple[int, Hypothesis]) -> None:
                index, said = item[0], _said(item[1])
                said = replace(said, warm=_HEAT in completions.without.pop(index, ()))
                if said.refused and (named := {key for key in _LEFT_OUT if _names(key, said.reason)} - seen):
                    refused.update(named)
                    again.append(asks[index])
                    return
                keep(index, said)  # before this request's place is given to another
                await deliver(index)

            waiting = asks
            while waiting:
                await servers.answer(waiting, kept)
                seen |= refused  # who refuses it still does not mean it
                waiting, again = again, []

        try:
            yield from Streaming[int](work, len(asks) + 1).items()
        except ComponentError as error:
            key = f" and ${self._variable}" if self._variable else ""
            raise ComponentError(
                f"the judge {self.model}: {error}",
                hint=f"check `judge`, `base_url`{key}; run again: verdicts so far are kept",
            ) from error

    @property
    def _variable(self) -> str | None:
        """A key of OpenAI's is for nobody else unless it is named."""
        return self.key_from or (None if self.url else "OPENAI_API_KEY")

    def _key(self) -> str:
        if not self._variable:
            return ""
        key = os.environ.get(self._variable, "").strip()
        if not (key and key.isascii() and key.isprintable()):
            raise ConfigError(
                f"${self._variable} holds no key for the judge", hint=f"export {self._variable}=..."
            )
        return key


@dataclass(frozen=True, kw_only=True)
class LocalModel:
    """A causal model with a chat template that transformers runs here, greedily."""

    model: ModelRef
    dtype: str = "auto"
    batch_size: int = 8
    max_tokens: int = 2048

    @property
    def name(self) -> str:
        """The model's name with its content's hash or its revision."""
        identity = model_identity(self.model)
        known = identity.removeprefix("sha256:") if self.model.folder else identity.rpartition("@")[2]
        return f"{Path(self.model.name).name if self.model.folder else self.model.name}@{known[:12]}"

    def check(self) -> None:
        """It must be there; what else stops it shows when it is loaded."""
        _ = self.name

    def ask(self, chats: Sequence[Sequence[Turn]], keep: Keep) -> Iterator[int]:
        """Ask in batches; a template that knows no system message has it said by the user."""
        model = ChatModel.load(Checkpoint(name=self.name, model=self.model), self.dtype)
        try:
            folds = _folds(model, chats[0]) if chats else False
            asked = [_folded(chat) if folds else chat for chat in chats]
            for start in range(0, len(asked), self.batch_size):
                batch = asked[start : start + self.batch_size]
                found = model.replies(
                    [Prompt(messages=chat) for chat in batch], max_new_tokens=self.max_tokens
                )
                for index, (chat, reply) in enumerate(zip(batch, found, strict=True), start):
                    keep(
                        index,
                        Said(
                            text=reply.text,
                            finish=reply.finish,
                            reason="" if reply.text else "empty",
                            tokens_in=model.length(chat),
                            tokens_out=reply.tokens,
                            model=self.name,
                        ),
                    )
                    yield index
        except ConfigError as error:
            raise ConfigError(
                f"the judge {error}", hint="name a judge_model that has a chat template of its own"
            ) from error
        finally:
            model.close()


@dataclass(frozen=True, kw_only=True)
class _Verdicts(Completions):
    """`refused` is what the server will not take; the limit then has its newer name, which most servers do not know.

    All tries of one ask leave out the same (`without`, by index): else the one with its system message said by the user might be
    taken for another reason than that.
    """

    refused: set[str]
    without: dict[int, frozenset[str]] = field(default_factory=dict)

    def body(self, ask: Ask, brand: str, *, again: bool) -> bytes:
        asked = json.loads(super().body(ask, brand, again=again))
        without = self.without.setdefault(ask.index, frozenset(self.refused))
        if _HEAT in without:
            asked.pop(_HEAT, None)
        if _LIMIT in without:
            asked["max_completion_tokens"] = asked.pop(_LIMIT)
        return json.dumps(asked).encode()

    def read(self, answer: Mapping[str, Any], limit: int) -> Hypothesis:
        return _said(super().read(answer, limit), str(answer.get("model") or self.model))


def _names(key: str, reason: str) -> bool:
    """Whether a refusal says that the server does not take a key of the request."""
    lacks = r"unsupported|not support|n['\u2019]t support|not allowed|unrecognized|unknown|deprecated"
    return bool(re.search(rf"\b{key}\b.{{0,60}}({lacks})|({lacks}).{{0,40}}\b{key}\b", reason, re.IGNORECASE))


def _said(found: Hypothesis, model: str = "") -> Said:
    if isinstance(found, Said):
        return found
    return Said(**{item.name: getattr(found, item.name) for item in fields(Hypothesis)}, model=model)


def _folds(model: ChatModel, chat: Sequence[Turn]) -> bool:
    try:
        model.length(chat)
    except ConfigError:
        return True
    return False


def _folded(chat: Sequence[Turn]) -> list[Turn]:
    first, *rest = chat
    if first["role"] != "system" or not rest:
        return list(chat)
    return [{"role": "user", "content": f"{first['content']}\n\n{rest[0]['content']}".strip()}, *rest[1:]]

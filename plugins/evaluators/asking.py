"""Who is asked for verdicts, and how what they say is kept: each reply is on disk before the next one is asked for.

A server with OpenAI's interface (a hosted one, vLLM's, SGLang's, llama.cpp's) or a model that transformers runs here; a
model of one's own under vLLM is asked through vLLM's server.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from langadapt.errors import ComponentError, ConfigError
from langadapt.identity import model_identity
from langadapt.interfaces import Checkpoint, Hypothesis, ModelRef, Progress
from langadapt.models import Family
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.answers import append, rows_of
from langadapt_plugins.generation import ChatModel, Prompt, Turn, short_hash
from langadapt_plugins.translators.completions import Ask, Completions
from langadapt_plugins.translators.exchange import Terms
from langadapt_plugins.translators.servers import Servers
from langadapt_plugins.translators.streaming import Deliver, Streaming

OPENAI = "https://api.openai.com/v1"
_CHAT = Family(name="judge", models=(), prompt="{text}", reads="all", license="", source="", chat=True)
_REFUSED = re.compile(r"server: 4\d\d\b")
"""How `Hypothesis.reason` begins for a request that a server will not take; another try would not help."""


@dataclass(frozen=True, kw_only=True)
class Said(Hypothesis):
    """What a judge wrote; `model` is what its server calls it. `tries` is how often it was asked."""

    model: str = ""

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

    Without `url` it is OpenAI's own. The key is read from the environment variable `key_from` when it is needed.
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
        terms = Terms(
            completions=_Verdicts(
                model=self.model,
                family=_CHAT,
                temperature=0.0,
                seed=0,
                beams=1,
                newer=self.url is None,
            ),
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
            async def kept(item: tuple[int, Hypothesis]) -> None:
                keep(item[0], _said(item[1]))  # before this request's place is given to another
                await deliver(item[0])

            await servers.answer(asks, kept)

        try:
            yield from Streaming[int](work, len(asks) + 1).items()
        except ComponentError as error:
            key = f" and ${self._variable}" if self._variable else ""
            raise ComponentError(
                f"the judge {self.model}: {error}",
                hint=f"check mt-bench.judge, mt-bench.base_url{key}; run again: verdicts so far are kept",
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
        """Whatever stops it shows when it is loaded."""

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
        finally:
            model.close()


@dataclass(frozen=True, kw_only=True)
class _Verdicts(Completions):
    """`newer` asks as OpenAI's newer models want it, which most other servers do not know."""

    newer: bool

    def body(self, ask: Ask, brand: str, *, again: bool) -> bytes:
        raw = super().body(ask, brand, again=again)
        return raw.replace(b'"max_tokens":', b'"max_completion_tokens":', 1) if self.newer else raw

    def read(self, answer: Mapping[str, Any], limit: int) -> Hypothesis:
        found = super().read(answer, limit)
        return _said(found, str(answer.get("model") or self.model))


def kept_replies(who: Respondent, asks: Sequence[Row], path: Path, progress: Progress) -> list[Row]:
    """A row for each ask, in order: the ask without its `messages`, with `reply` and how it came.

    `path` holds what was said before, of whatever judge and answers, and is added to; only what is missing is asked for. The
    replies to these asks are the last ones in it. Without a `reply`, but with a `reason`: what the server will not take, which
    is asked for again another time. Raises `ComponentError` where some never came.
    """
    marks = [short_hash([who.name, ask]) for ask in asks]
    before = rows_of(path)
    known = {row["hash"]: row for row in before if isinstance(row.get("reply"), str)}
    missing = [index for index, mark in enumerate(marks) if mark not in known]
    wanted = set(marks)
    path.parent.mkdir(parents=True, exist_ok=True)
    here = [known[mark] for mark in marks if mark in known]
    write_rows(path, [*(row for row in before if row["hash"] not in wanted), *here])
    lost: list[Said] = []

    def keep(place: int, said: Said) -> None:
        mark, ask = marks[missing[place]], asks[missing[place]]
        row = _row(mark, ask, who.name, said)
        if said.answered:
            append(path, [row])
            known[mark] = row
        elif said.refused:
            known[mark] = {**row, "reply": None}
        else:
            lost.append(said)

    if missing:
        with progress.task(f"verdicts of {who.name}", len(missing)) as task:
            for _ in who.ask([asks[index]["messages"] for index in missing], keep):
                task.advance()
    refused = [row for row in known.values() if row["reply"] is None]
    if lost or len(refused) == len(asks) > 0:
        why = lost[0].reason if lost else refused[0]["reason"]
        raise ComponentError(
            f"{len(lost) or len(refused)} of {len(asks)} verdicts of {who.name} did not come: {why}",
            hint="see to the judge, and run again: the verdicts so far are kept",
        )
    return [known[mark] for mark in marks]


def cost(rows: Sequence[Row]) -> dict[str, int]:
    """What verdicts took: requests, tries at them, and tokens in and out as the judge counts them."""
    return {
        "verdicts": len(rows),
        "calls": sum(row.get("calls", 0) for row in rows),
        "tokens_in": sum(row.get("tokens_in", 0) for row in rows),
        "tokens_out": sum(row.get("tokens_out", 0) for row in rows),
    }


def _row(mark: str, ask: Row, judge: str, said: Said) -> Row:
    return {
        "hash": mark,
        **{key: value for key, value in ask.items() if key != "messages"},
        "judge": judge,
        "answered_by": said.model,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "finish": said.finish,
        "reason": said.reason,
        "calls": said.tries,
        "tokens_in": said.tokens_in,
        "tokens_out": said.tokens_out,
        "reply": said.text,
    }


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

"""What is asked of an OpenAI-compatible server for one text, and how its answer is read."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, cast

from langadapt.interfaces import Finish, Hypothesis
from langadapt.models import Family
from langadapt_plugins.translators.prompts import joined

Prompt = str | list[int] | list[dict[str, Any]]

_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|too (long|large)|longer than|max_model_len|exceed\w* .{0,60}(token|length|limit)"
    r"|(token|length|input|prompt)\w*`?( \w+){0,3} (exceed|must be (<|less|at most|have less))",
    re.IGNORECASE | re.DOTALL,
)
"""How servers say that a text is too long: vLLM, SGLang, llama.cpp, TGI and hosted ones each have their own words."""
_UNDONE = ("abort", "error")
"""What vLLM says of a request that it gave up; its text is a part of something."""
_STOPS = 4
"""The most stop strings that OpenAI's own interface takes; reading the answer ends it at the others."""
_SHOWN = 300
_OWN = ("vllm", "sglang")
"""Whose servers take keys that OpenAI's interface does not have."""
_PLAIN = {"repetition_penalty": 1.0, "top_k": -1, "top_p": 1.0, "min_p": 0.0}
"""What a checkpoint's own generation settings may not decide: such servers take them for whatever a request leaves open."""


class AgainError(Exception):
    """No answer that could be used; the text is asked again. `wait` is what the server asked for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class BlankError(AgainError):
    """A model that ended without a word."""


@dataclass(frozen=True)
class Ask:
    """One prompt, as text, in tokens or as a chat, and how many tokens its answer may take.

    `context` is whether it says what stands before the text.
    """

    index: int
    prompt: Prompt
    limit: int
    context: bool = False

    @property
    def folded(self) -> Self | None:
        """The same chat with its system message said by the user; none where there is no such message."""
        chat = cast("list[dict[str, Any]]", self.prompt)
        return replace(self, prompt=joined(chat)) if self._begins_with_system else None

    @property
    def _begins_with_system(self) -> bool:
        first = self.prompt[0] if self.prompt else None
        return isinstance(first, dict) and first["role"] == "system"


@dataclass(frozen=True, kw_only=True)
class Completions:
    """How a model of a family is asked: in a chat where the family is tuned for it, with its raw prompt else."""

    model: str
    family: Family
    temperature: float
    seed: int
    beams: int

    @property
    def path(self) -> str:
        """Where it is asked, after the server's base URL."""
        return "/chat/completions" if self.family.chat else "/completions"

    def body(self, ask: Ask, brand: str, *, again: bool) -> bytes:
        """The request. `brand` is whose server it is, as far as it says; asked `again`, an empty first line is no end."""
        asked: dict[str, Any] = {
            "model": self.model,
            "max_tokens": ask.limit,
            "temperature": self.temperature,
            "stream": False,
        }
        asked["messages" if self.family.chat else "prompt"] = ask.prompt
        line = ["\n"] if self.family.reads == "first-line" and not again else []
        if stops := [*line, *self.family.stop][:_STOPS]:
            asked["stop"] = stops
        if self.temperature:
            asked["seed"] = self.seed
        if self.beams > 1:
            asked |= {"n": self.beams, "use_beam_search": True}
        if brand in _OWN:
            asked |= _PLAIN
            if self.family.chat and self.family.template:
                asked["chat_template_kwargs"] = dict(self.family.template)
        return json.dumps(asked).encode()

    def read(self, answer: Mapping[str, Any], limit: int) -> Hypothesis:
        """The hypothesis in an answer; raises `AgainError` where the answer holds none."""
        written, ended = self._written(answer)
        usage = answer.get("usage")
        tokens = [_count(usage, key) for key in ("prompt_tokens", "completion_tokens")]
        text = self.family.read(written)
        finish: Finish = "stop"
        reason = ""
        if ended in _UNDONE:
            raise AgainError(f"the server gave it up ({ended})")
        if ended == "content_filter":
            finish, reason = "error", "the server's content filter ended it"
        elif ended == "stop" or self._whole(written, text):
            if not text:
                raise BlankError("empty")
        elif ended == "length":
            finish, reason = "length", f"not at its end after {tokens[1] or limit} tokens"
        else:
            finish, reason = "error", f"server: finish_reason {ended!r:.40} does not say that the model ended"
        return Hypothesis(text=text, finish=finish, reason=reason, tokens_in=tokens[0], tokens_out=tokens[1])

    def _written(self, answer: Mapping[str, Any]) -> tuple[str, Any]:
        """What the model wrote, and what the server says of its end."""
        choices = answer.get("choices")
        if not isinstance(choices, list) or not all(isinstance(one, dict) for one in choices):
            raise AgainError(f"an answer without choices: {message(answer)}")
        if len(choices) != self.beams:
            raise AgainError(f"{len(choices)} choices where {self.beams} should be")
        first = next((one for one in choices if one.get("index") == 0), choices[0])
        said = first.get("message") if self.family.chat else first
        text = said.get("content" if self.family.chat else "text") if isinstance(said, dict) else None
        if not isinstance(text, str | None):
            raise AgainError("a choice without text")
        try:
            (text or "").encode()
        except UnicodeEncodeError as error:
            raise AgainError("text that is no Unicode") from error
        return text or "", first.get("finish_reason")

    def _whole(self, written: str, text: str) -> bool:
        """Whether the reading shows the end, whatever the server says."""
        line = self.family.reads == "first-line" and "\n" in written.lstrip() and bool(text)
        return line or any(stop in written for stop in self.family.stop)


def decoded(raw: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object of a body; raises `AgainError` where it is none."""
    if not content_type.endswith("json"):
        raise AgainError(f"{content_type or 'something'} instead of JSON")
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise AgainError(f"JSON that cannot be read, {len(raw)} bytes") from error
    if not isinstance(found, dict):
        raise AgainError("JSON that is no object")
    return found


def message(answer: object) -> str:
    """What a server says about an error, in one short line; each wraps it otherwise."""
    found = answer
    while isinstance(found, Mapping):
        found = next((found[key] for key in ("error", "message", "detail") if found.get(key)), "no message")
    return " ".join(str(found).split())[:_SHOWN]


def explained(raw: bytes) -> str:
    """What the body of a refusal says."""
    try:
        return message(json.loads(raw))
    except ValueError:
        return message(raw[: 4 * _SHOWN].decode(errors="replace"))


def too_long(raw: bytes) -> bool:
    """Whether a refusal's body says that the prompt is too long."""
    return bool(_TOO_LONG.search(explained(raw)))


def refusal(status: int, said: str) -> Hypothesis:
    """What becomes of a text that a server will not take; asking again would not help."""
    if status == 413 or _TOO_LONG.search(said):
        return Hypothesis(text="", finish="too-long", reason=f"too-long: {said}")
    return Hypothesis(text="", finish="error", reason=f"server: {status}, {said}")


def _count(usage: object, key: str) -> int:
    found = usage.get(key) if isinstance(usage, Mapping) else None
    return found if isinstance(found, int) and found > 0 else 0

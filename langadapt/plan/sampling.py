"""What the rows of the sample are asked: route, segments, which of them are new, tokens in the real tokenizers."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from langadapt.config import unwrapped
from langadapt.errors import ComponentError, LangAdaptError, MachineError
from langadapt.identity import component_identity, digest, pinned
from langadapt.interfaces import ModelRef, Segment, Translator
from langadapt.languages import Language
from langadapt.memory import Entry, Remembering, normal
from langadapt.models.tokens import TokenCounter
from langadapt.plan.counting import Lines
from langadapt.prepare.routing import Router
from langadapt.prepare.spoken import covers
from langadapt.records import Preference, Record, Text
from langadapt.segments import Document

_TOKENIZED_AT_MOST = 2_000_000
_LONG = 1_000_000_000


@dataclass(frozen=True)
class Sent:
    """A segment of a row; `times` is how often its line stands in all data, None where that was not counted."""

    segment: Segment
    times: int | None
    known: bool = False

    @property
    def size(self) -> int:
        """Its characters."""
        return len(self.segment.text)


@dataclass(frozen=True)
class Sampled:
    """A row of the sample: what becomes of it, its segments where it is translated, tokens as trained and as limited."""

    stratum: int
    record: Record
    action: str
    characters: int
    tokens: int = 0
    longest: int = 0
    segments: tuple[Sent, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether *prepare* lets it through."""
        return self.action not in ("long", "gated")


@dataclass(frozen=True)
class Asking:
    """What the rows of the sample are asked with; without `count` tokens are reckoned from characters."""

    languages: tuple[Language, Language]
    router: Router
    mode: str
    context: int
    lines: Lines
    counter: TokenCounter | None
    at_most: int | None
    per_token: float

    def asked(self, stratum: int, record: Record) -> Sampled:
        """One row."""
        characters = sum(map(len, record.texts))
        longest, tokens = self._tokens(record)
        made = Sampled(stratum, record, "translate", characters, tokens, longest)
        if self.at_most is not None and longest > self.at_most and not isinstance(record, Text):
            return replace(made, action="long")
        if record.language not in ("", self.languages[0].code):
            here = covers(self.languages[1].code, record.language)
            return replace(made, action="already" if here else "held")
        route = self.router.route(record)
        if route.action != "translate":
            return replace(made, action=route.action)
        return replace(made, segments=tuple(s for text in record.texts for s in self._segments(text)))

    def _tokens(self, record: Record) -> tuple[int, int]:
        """The longest side with its prompt, which is limited, and all that is trained on."""
        if self.counter is None:
            sides = [sum(map(len, texts)) for texts in _sides(record)]
            return round(max(sides) / self.per_token), round(sum(sides) / self.per_token)
        longest = self.counter.count(record)
        if not isinstance(record, Preference):
            return longest, longest
        return longest, sum(
            self.counter.count(replace(record, chosen=side, rejected=side))
            for side in (record.chosen, record.rejected)
        )

    def _segments(self, text: str) -> Iterator[Sent]:
        """What is sent of a text, as *translate* sends it."""
        slots = Document(text, self.mode).slots
        stand = [" ".join(slot.filled(slot.sent).split()) for slot in slots] if self.context else []
        for number, slot in enumerate(slots):
            before = "\n".join(stand[max(0, number - self.context) : number]) if self.context else ""
            yield Sent(
                Segment(text=slot.sent, context=before), self.lines.times(_line(text, slot.start, slot.end))
            )


def _sides(record: Record) -> list[list[str]]:
    """The texts that are trained on together."""
    if not isinstance(record, Preference):
        return [list(record.texts)]
    return [
        [*_bare(record, record.prompt), *_bare(record, side)] for side in (record.chosen, record.rejected)
    ]


def _bare(record: Record, side: Any) -> list[str]:
    del record
    return [side] if isinstance(side, str) else [message.content for message in side]


def _line(text: str, start: int, end: int) -> str:
    """The longest whole line that a part of the text stands in."""
    at = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    return max(text[at : stop if stop >= 0 else len(text)].split("\n"), key=len)


class _All(Collection[int]):
    """Holds everything: what is looked up for a plan saves nobody work."""

    def __contains__(self, _: object) -> bool:
        return True

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


def known_segments(
    rows: Sequence[Sampled], translator: Translator | None, languages: tuple[Language, Language]
) -> list[Sampled]:
    """The rows with what the memory holds marked; raises `MachineError` where it cannot be read."""
    if not isinstance(translator, Remembering) or not translator.memory.path.exists():
        return list(rows)
    identity = digest(component_identity(translator.inner, "memory"))
    codes = (languages[0].code, languages[1].code)

    def entry(segment: Segment) -> Entry:
        return Entry(identity, *codes, normal(segment.text), segment.context)

    wanted = dict.fromkeys(entry(sent.segment) for row in rows for sent in row.segments)
    found = {one for one, _ in translator.memory.recall(wanted, _All())}
    if not found:
        return list(rows)
    return [
        replace(
            row, segments=tuple(replace(sent, known=entry(sent.segment) in found) for sent in row.segments)
        )
        for row in rows
    ]


def bare(translator: Any) -> Any:
    """A translator without wrappers, and the one that it spreads or stands for."""
    found: Any = unwrapped(translator)
    while hasattr(type(found), "stands_for"):
        found = unwrapped(getattr(found, type(found).stands_for))
    return found


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of a translation model."""

    model: ModelRef
    _failed: list[str] = field(default_factory=list)

    @cached_property
    def _count(self) -> Callable[[list[str]], int] | None:
        try:
            from transformers import AutoTokenizer

            exact = pinned(self.model)
            made = AutoTokenizer.from_pretrained(exact.name, revision=exact.revision, trust_remote_code=False)
        except (LangAdaptError, OSError, ValueError, ImportError):
            return None
        made.model_max_length = _LONG
        return lambda texts: sum(map(len, made(texts, add_special_tokens=False)["input_ids"]))

    def per_character(self, rows: Sequence[Sampled]) -> float | None:
        """Tokens of a character of the sample's segments; None where there is no tokenizer, or nothing to count."""
        texts: list[str] = []
        left = _TOKENIZED_AT_MOST
        for row in rows:
            texts += [sent.segment.text.encode("utf-8", "replace").decode() for sent in row.segments]
            left -= sum(sent.size for sent in row.segments)
            if left < 0:
                break
        characters = sum(map(len, texts))
        if not characters or self._count is None:
            return None
        return self._count(texts) / characters


def base_counter(base: str | None, template: str | None) -> TokenCounter | None:
    """The base's tokenizer through the recipe's template; None where it is not here and cannot be fetched."""
    if base is None:
        return None
    made = TokenCounter(ModelRef.parse(base), Path(template) if template else None)
    with contextlib.suppress(MachineError, ComponentError, OSError, ValueError, ImportError):
        made.tokenizer.model_max_length = _LONG
        return made
    return None

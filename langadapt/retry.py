"""Splits and sends again what was too long, was cut or lost a placeholder: a Translator around a Translator."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, ClassVar

from langadapt.interfaces import SPEED, Hypothesis, Segment, Translator
from langadapt.languages import Language
from langadapt.memory import Remembering, TranslationMemory
from langadapt.segments import fault, sentences

_LETTER = re.compile(r"[^\W\d_]")
_PLACEHOLDER = re.compile(r"(<x\d+>)")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """`inner`, with what did not come back whole sent again: without its context where that left no room, then in parts, by
    sentence and around each protected span.

    A text is split at most `splits` times; what still fails then comes back unfinished, with the reason. Parts are
    texts like any other: each is sent once, and with a `memory` looked up there first and remembered.
    """

    output_version: ClassVar[int] = 2
    inner: Translator
    memory: Annotated[TranslationMemory | None, SPEED] = field(default=None, repr=False)
    splits: Annotated[int, SPEED] = 3

    @property
    def deterministic(self) -> bool:
        """As the inner translator."""
        return self.inner.deterministic

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Finished hypotheses as they come; the rest once their parts are there, or cannot be had."""
        failed: dict[int, _Parts] = {}
        for index, told in self.inner.translate(texts, source=source, target=target):
            hypothesis = _checked(texts[index].text, told)
            parts = _Parts(
                hypothesis, [] if hypothesis.finished else _pieces(texts[index], hypothesis, source)
            )
            if self.splits and parts.to_send:
                failed[index] = parts
            else:
                yield index, hypothesis
        places: dict[Segment, list[tuple[int, int]]] = {}
        for index, parts in failed.items():
            for number in parts.to_send:
                context = "" if _crowded(parts.failure) else texts[index].context
                part = Segment(text=parts.pieces[number].strip(), context=context)
                places.setdefault(part, []).append((index, number))
        sent = list(places)
        for place, told in self._again.translate(sent, source=source, target=target) if sent else ():
            hypothesis = told
            for index, number in places[sent[place]]:
                parts = failed[index]
                parts.got[number] = hypothesis
                hypothesis = replace(told, tokens_in=0, tokens_out=0)  # paid for once
                if len(parts.got) == len(parts.to_send):
                    yield index, _checked(texts[index].text, failed.pop(index).joined())

    @cached_property
    def _again(self) -> Translator:
        """What parts are sent to."""
        rest = replace(self, splits=self.splits - 1)
        return Remembering(inner=rest, memory=self.memory) if self.memory else rest

    def close(self) -> None:
        """Close the inner translator."""
        self.inner.close()


@dataclass(frozen=True)
class _Parts:
    """A text that failed, its pieces, and what has come back of those that hold words."""

    failure: Hypothesis
    pieces: list[str]
    got: dict[int, Hypothesis] = field(default_factory=dict)

    @cached_property
    def to_send(self) -> list[int]:
        """Which pieces hold words."""
        return [n for n, piece in enumerate(self.pieces) if _LETTER.search(_PLACEHOLDER.sub("", piece))]

    def joined(self) -> Hypothesis:
        """One hypothesis, with the white space that stood between the pieces; its tokens are those of every try."""
        made = [self.failure, *(one for one in self.got.values() if one.origin == "model")]
        unfinished = next((one for one in self.got.values() if not one.finished), None)
        texts = [
            piece.replace(piece.strip(), self.got[number].text.strip(), 1) if number in self.got else piece
            for number, piece in enumerate(self.pieces)
        ]
        return Hypothesis(
            text="" if unfinished else "".join(texts),
            finish=unfinished.finish if unfinished else "stop",
            reason=unfinished.reason or "in a part of it" if unfinished else "",
            tokens_in=sum(one.tokens_in for one in made),
            tokens_out=sum(one.tokens_out for one in made),
            tries=1 + max(one.tries for one in self.got.values()),
            without_context=_crowded(self.failure) or any(one.without_context for one in self.got.values()),
        )


def _crowded(failure: Hypothesis) -> bool:
    """Whether there may be room for the text without its context."""
    return failure.finish == "too-long" and failure.without_context


def _pieces(segment: Segment, failure: Hypothesis, language: Language) -> list[str]:
    """The text whole where its context alone was too much; else its sentences, or what stands around the placeholders of one."""
    if _crowded(failure):
        return [segment.text]
    whole = sentences(segment.text, language.code)
    pieces = whole if len(whole) > 1 else [piece for piece in _PLACEHOLDER.split(segment.text) if piece]
    return pieces if len(pieces) > 1 else []


def _checked(sent: str, hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis, no longer finished where it lost a placeholder or became several lines."""
    reason = fault(sent, hypothesis.text.strip()) if hypothesis.finished else ""
    return replace(hypothesis, finish="error", reason=reason) if reason else hypothesis

"""Splits and sends again what was too long, was cut or lost a placeholder: a Translator around a Translator."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from langadapt.interfaces import Hypothesis, Segment, Translator
from langadapt.languages import Language
from langadapt.segments import fault, sentences

SPLITS = 3
_LETTER = re.compile(r"[^\W\d_]")
_PLACEHOLDER = re.compile(r"(<x\d+>)")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """`inner`, with what did not come back whole sent again in parts: by sentence, then around each protected span.

    A text is split at most `SPLITS` times; what still fails then comes back unfinished, with the reason.
    """

    output_version: ClassVar[int] = 2
    inner: Translator

    @property
    def deterministic(self) -> bool:
        """As the inner translator."""
        return self.inner.deterministic

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Finished hypotheses as they come; the rest once their parts are there, or cannot be had."""
        yield from self._attempt(texts, (source, target), SPLITS)

    def close(self) -> None:
        """Close the inner translator."""
        self.inner.close()

    def _attempt(
        self, texts: Sequence[Segment], languages: tuple[Language, Language], splits: int
    ) -> Iterator[tuple[int, Hypothesis]]:
        failed: dict[int, _Parts] = {}
        for index, told in self.inner.translate(texts, source=languages[0], target=languages[1]):
            hypothesis = _checked(texts[index].text, told)
            pieces = [] if hypothesis.finished or not splits else _pieces(texts[index].text, languages[0])
            if len(pieces) > 1:
                failed[index] = _Parts(hypothesis, pieces)
            else:
                yield index, hypothesis
        if not failed:
            return
        places = [(index, number) for index, parts in failed.items() for number in parts.to_send]
        sent = [replace(texts[index], text=failed[index].pieces[number].strip()) for index, number in places]
        for place, hypothesis in self._attempt(sent, languages, splits - 1):
            index, number = places[place]
            failed[index].got[number] = hypothesis
            if len(failed[index].got) == len(failed[index].to_send):
                yield index, _checked(texts[index].text, failed.pop(index).joined())


@dataclass(frozen=True)
class _Parts:
    """A text that failed, its pieces, and what has come back of those that hold words."""

    failure: Hypothesis
    pieces: list[str]
    got: dict[int, Hypothesis] = field(default_factory=dict)

    @property
    def to_send(self) -> list[int]:
        """Which pieces hold words."""
        return [n for n, piece in enumerate(self.pieces) if _LETTER.search(_PLACEHOLDER.sub("", piece))]

    def joined(self) -> Hypothesis:
        """One hypothesis, with the white space that stood between the pieces; its tokens count every try."""
        unfinished = next((one for one in self.got.values() if not one.finished), None)
        texts = [
            piece.replace(piece.strip(), self.got[number].text.strip(), 1) if number in self.got else piece
            for number, piece in enumerate(self.pieces)
        ]
        return Hypothesis(
            text="" if unfinished else "".join(texts),
            finish=unfinished.finish if unfinished else "stop",
            reason=f"a part of it: {unfinished.reason or unfinished.finish}" if unfinished else "",
            tokens_in=self.failure.tokens_in + sum(one.tokens_in for one in self.got.values()),
            tokens_out=self.failure.tokens_out + sum(one.tokens_out for one in self.got.values()),
            tries=1 + max(one.tries for one in self.got.values()),
        )


def _pieces(text: str, language: Language) -> list[str]:
    """The sentences of a text, or what stands around the placeholders of a single one."""
    whole = sentences(text, language.code)
    return whole if len(whole) > 1 else [piece for piece in _PLACEHOLDER.split(text) if piece]


def _checked(sent: str, hypothesis: Hypothesis) -> Hypothesis:
    """The hypothesis, no longer finished where it lost a placeholder or became several lines."""
    reason = fault(sent, hypothesis.text.strip()) if hypothesis.finished else ""
    return replace(hypothesis, finish="error", reason=reason) if reason else hypothesis

"""Does the translation loop? Words or characters that come again and again where those of the source do not."""

import itertools
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from annotated_types import Ge, Gt

from langadapt.interfaces import SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise
from langadapt_plugins.filters.wording import extent

_LETTERS = 14
"""A text whose words are longer on average has none: it is read character by character."""


class Loop(NamedTuple):
    """Pieces `start` to `end` of a text that stood there before, `period` pieces earlier."""

    start: int
    end: int
    period: int

    @property
    def times(self) -> float:
        """How often the piece that comes again stands there in a row; 2 where it comes again elsewhere."""
        return (
            min(2.0, 1.0 + (self.end - self.start) / self.period)
            if self.end - self.start < self.period
            else 1.0 + (self.end - self.start) / self.period
        )


@dataclass(frozen=True, kw_only=True)
class Repetition(Segmentwise):
    """Drops a record with a segment that repeats itself far more than its source, or that came back for two sources."""

    times: Annotated[
        int, Ge(2), "a word that stands there so often in a row is a loop; a phrase, once less"
    ] = 4
    words: Annotated[
        int,
        Ge(2),
        "so many words that come again are a fault, in a script without spaces three times as many characters",
    ] = 6
    run: Annotated[int, Ge(5), "the same character so often in a row is a fault"] = 10
    compression: Annotated[
        float, Gt(0), "smallest share of the source's zlib ratio that a longer target may have"
    ] = 0.62
    alike: Annotated[
        int, Ge(1), "two segments of so many characters may not come back alike for different sources"
    ] = 30

    def _judge(self, item: Translation, source: Language, pack: LanguagePack) -> Verdict:
        verdict = super()._judge(item, source, pack)
        return self._twins(item.pairs) if verdict.keep and item.translated else verdict

    def _twins(self, pairs: Sequence[SegmentPair]) -> Verdict:
        seen: dict[str, str] = {}
        for index, pair in enumerate(pairs):
            if len(pair.target) >= self.alike:
                before = seen.setdefault(pair.target, pair.source)
                if before != pair.source and _plain(before) != _plain(pair.source):
                    reason = f"repetition: {pair.target[:40]!r} came back for two different segments"
                    return Verdict(keep=False, reason=reason, segment=index, span=(0, len(pair.target)))
        return Verdict(keep=True)

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """The part of the target that comes again."""
        sent, came = pair.source, pair.target
        return (
            self._row(sent, came)
            or self._loop(sent, came)
            or self._density(sent, came, source, pack.language)
        )

    def _row(self, sent: str, came: str) -> Fault | None:
        step = self.run // 2
        if not any(a == b == c for a, b, c in zip(came[::step], came[1::step], came[2::step], strict=False)):
            return None
        found = re.search(rf"(\S)\1{{{self.run - 1},}}", came)
        if found is None or found[1] * (self.run // 2) in sent:
            return None
        length = found.end() - found.start()
        return Fault(f"repetition: {found[1]!r} {length} times in a row", found.span(), float(length))

    def _loop(self, sent: str, came: str) -> Fault | None:
        pieces = came.split()
        by_word = len(came) < _LETTERS * (len(pieces) + 1)
        if by_word:
            if len(pieces) - len(set(itertools.pairwise(pieces))) < 3:
                return None
            need, size = self.words, 1
        else:
            pieces, need, size = list("".join(pieces)), 3 * self.words, 3
            if (
                len(pieces) - len(set(zip(pieces, pieces[1:], pieces[2:], pieces[3:], strict=False)))
                < need // 2
            ):
                return None
        found = worst(pieces, need, size * (self.times - 1), self.times)
        if found is None:
            return None
        origin = worst(sent.split(), 3, self.times - 1, self.times)
        if origin and (origin.end - origin.start + 1) * 2 >= (found.end - found.start) / (
            1 if by_word else 3
        ):
            return None
        joint = " " if by_word else ""
        text = joint.join(pieces[found.start : found.end])
        what = joint.join(pieces[found.start : min(found.end, found.start + found.period)])
        at = came.rfind(text)
        return Fault(
            f"repetition: {what[:60]!r} comes again",
            (at, at + len(text)) if at >= 0 else None,
            round(found.times, 1),
        )

    def _density(self, sent: str, came: str, source: Language, language: Language) -> Fault | None:
        if len(came) < 60 or (
            len(came) < 1.2 * len(sent) and extent(came, language) < 1.3 * extent(sent, source)
        ):
            return None
        after = _ratio(came)
        if after >= self.compression or after >= self.compression * (before := _ratio(sent)):
            return None
        return Fault(
            f"repetition: compresses to {after:.0%}, its source to {before:.0%}",
            (0, len(came)),
            round(after / before, 3),
        )


def worst(pieces: Sequence[str], need: int, row: int, times: int) -> Loop | None:
    """The longest part that stood there before: `need` pieces anywhere, or a shorter one that comes `times` times in a row."""
    last: dict[str, int] = {}
    best: Loop | None = None
    start, period = 0, 0
    for at, piece in enumerate([*pieces, ""]):
        if period and at < len(pieces) and pieces[at - period] == piece:
            last[piece] = at
            continue
        if (
            period
            and (
                at - start >= need
                or (at - start >= row and at - start >= (times - (1 if period == 1 else 2)) * period)
            )
            and (best is None or at - start > best.end - best.start)
        ):
            best = Loop(start, at, period)
        before = last.get(piece)
        start, period = (at, at - before) if before is not None else (at + 1, 0)
        last[piece] = at
    return best


def _ratio(text: str) -> float:
    """How small zlib makes a text, one byte for each character whatever the script."""
    raw = text[:20_000].encode("utf-16-le", "surrogatepass")[::2]
    return len(zlib.compress(raw, 1)) / max(1, len(raw))


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))

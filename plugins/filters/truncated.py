"""Does the translation stop before its source does? By its last mark, its brackets, and what its sentences leave over."""

# ruff: noqa: RUF001 - marks of many scripts

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.phrases import ends_asking
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise
from langadapt_plugins.filters.wording import OPENERS, QUESTIONS, STOPS, ending, extent, sentences

_FULL = frozenset(STOPS) - frozenset(";:：；")
_OPEN_ENDED = frozenset(",،、，-–—" + OPENERS)
_UNMARKED = frozenset({"Thai", "Laoo", "Khmr", "Tibt"})
_BRACKETS = ("()", "（）", "[]", "「」", "『』", "«»", "【】")
_MARKS = ".!?。！？؟۔।॥።։\n"
_ELLIPSES = ("...", "…")
_SMOOTHING = 12
_SPREAD, _UNEVEN = 0.16, 0.3
"""How far the length of a good translation strays from what is usual, and that of one sentence from the others."""


@dataclass(frozen=True, kw_only=True)
class Truncated(Segmentwise):
    """Drops a record with a segment that breaks off: no final mark where the source has one, or sentences missing at the end."""

    characters: Annotated[int, Ge(0), "a shorter source is not asked for its final mark"] = 12
    at_least: Annotated[
        float, Ge(0), "smallest length, of what is usual, of a segment that has no final mark to lose"
    ] = 0.5
    evidence: Annotated[
        float, "how much likelier it must be that the last sentences are missing than that some were joined"
    ] = 0.5
    most: Annotated[int, Ge(1), "sentences of a source, above which they are not compared"] = 60

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """Where the target breaks off."""
        sent, came = pair.source, pair.target
        if not came.strip():
            return Fault("truncated: nothing came back", (0, 0)) if sent.strip() else None
        return self._broken_off(sent, came, pack) or self._short(sent, came, source, pack)

    def _broken_off(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        last, wanted = ending(came), ending(sent)
        end = (max(0, len(came.rstrip()) - 20), len(came))
        if wanted in _FULL and last not in _FULL and len(sent) >= self.characters:
            asks = wanted in QUESTIONS and ends_asking(came, pack.language.code)
            marked = pack.language.script not in _UNMARKED and not asks
            if last in _OPEN_ENDED or (marked and last.isalnum()):
                return Fault(
                    f"truncated: ends in {came.rstrip()[-20:]!r}, without the final mark of its source", end
                )
        if wanted in ":：" and last.isalnum() and extent(came, pack) < 0.8 * len(sent):
            return Fault(f"truncated: ends in {came.rstrip()[-20:]!r}, without the colon of its source", end)
        if last and last in _OPEN_ENDED and wanted not in _OPEN_ENDED and wanted.isalnum():
            return Fault(f"truncated: ends in {last!r}", end)
        if came.rstrip().endswith(_ELLIPSES) and wanted in _FULL and not _trails(sent):
            return Fault("truncated: ends in an ellipsis that its source does not have", end)
        for opening, closing in map(tuple, _BRACKETS):
            left = came.count(opening) - came.count(closing) if opening in came else 0
            if left > 0 and left > sent.count(opening) - sent.count(closing):
                at = came.rfind(opening)
                if closing not in came[at:]:
                    return Fault(f"truncated: {opening!r} is not closed", (at, len(came)))
        return None

    def _short(self, sent: str, came: str, source: Language, pack: LanguagePack) -> Fault | None:
        if len(sent) < 40:
            return None
        if stops(came) < stops(sent):
            parts, kept = sentences(sent), sentences(came)
            if len(kept) < len(parts) <= self.most:
                before = [extent(sent[part.start : part.end], source) for part in parts]
                after = [extent(came[part.start : part.end], pack) for part in kept]
                found = missing(before, after)
                if found > self.evidence:
                    reason = f"truncated: {len(parts)} sentences became {len(kept)}, the last are missing"
                    return Fault(reason, (kept[-1].start, len(came)), round(found, 2))
        if len(came) < self.at_least * len(sent):
            share = extent(came, pack) / extent(sent, source)
            if share < self.at_least:
                return Fault(f"truncated: {share:.0%} of the usual length", (0, len(came)), round(share, 3))
        return None


def missing(before: Sequence[float], after: Sequence[float]) -> float:
    """How much likelier it is that the last of some sentences are missing than that neighbours were joined, as a logarithm."""
    count = len(after)
    cut, cut_mean = _unevenness(before[:count], after)
    joined = list(before)
    while len(joined) > count:
        joined = min(
            ([*joined[:at], joined[at] + joined[at + 1], *joined[at + 2 :]] for at in range(len(joined) - 1)),
            key=lambda sizes: _unevenness(sizes[:count], after)[0],
        )
    whole, whole_mean = _unevenness(joined, after)
    return ((whole_mean**2 - cut_mean**2) / _SPREAD**2 + (whole - cut) / _UNEVEN**2) / 2


def _unevenness(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """How the logarithms of lengths after over before scatter, and what they are in all."""
    mean = _log(sum(after), sum(before))
    return sum((_log(b, a) - mean) ** 2 for a, b in zip(before, after, strict=True)), mean


def stops(text: str) -> int:
    """How many marks may end a sentence: soon counted, and seldom fewer in a whole translation than in its source."""
    return sum(map(text.count, _MARKS))


def _log(after: float, before: float) -> float:
    return math.log((after + _SMOOTHING) / (before + _SMOOTHING))


def _trails(text: str) -> bool:
    tail = text.rstrip(" \"'”’»)*_")[-4:]
    return any(map(tail.__contains__, _ELLIPSES)) or tail.endswith(("etc.", ":"))

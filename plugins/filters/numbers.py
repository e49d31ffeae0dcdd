# ruff: noqa: RUF001 - marks and letters of many scripts
"""Are the figures of the translation those of the source, and their units?"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair
from langadapt.languages import Language, LanguagePack
from langadapt.segments import PLACEHOLDER
from langadapt_plugins.filters.figures import Figure, decimal_wrong, figures, label, units
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise
from langadapt_plugins.filters.spelled import Spelled
from langadapt_plugins.filters.writing import Writing, writing

_DIGIT = re.compile(r"\d")
_MASKED = re.compile(rf"{PLACEHOLDER.pattern}|&#x?[\da-fA-F]{{1,7}};")
_IDIOM = re.compile(r"\b(?:24\s?/\s?7|50\s?[/-]\s?50|9(?:\s?[-–]\s?|\sto\s|-to-)5|101)\b")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_MOST = 64
_NEAR = 8


@dataclass(frozen=True, kw_only=True)
class Numbers(Segmentwise):
    """Drops a record where a figure of the source is missing, changed or has another unit, or where one is invented.

    Figures are compared by value, as each language writes them: 1,250.5 is 1.250,5 in German and १,२५०.५ in Hindi, 3 pm is
    15 Uhr, 1.5 million is 150万, a small number may be a word and March a 3. A segment with many figures that have no
    like is judged without looking for words.
    """

    unmatched: Annotated[int, Ge(0), "figures of a segment that may be missing or invented"] = 0
    check_units: Annotated[bool, "whether 5 km may not become 5 miles, nor 5 million 5 billion"] = True

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """The first figure that is not as the source says."""
        if not _DIGIT.search(pair.source) and not _DIGIT.search(pair.target):
            return None
        wrote, writes = writing(source), writing(pack)
        sent, came = _Side(_masked(pair.source), wrote, writes), _Side(_masked(pair.target), writes)
        matched = _matched(sent, came)
        wrong = _other_mark(sent, came, matched) or (
            _other_unit(sent, came, matched) if self.check_units else None
        )
        return wrong or self._other_figures(sent, came, matched)

    def _other_figures(
        self, sent: "_Side", came: "_Side", matched: Sequence[tuple[Figure, Figure]]
    ) -> Fault | None:
        if len(matched) == len(sent.found) == len(came.found):
            return None
        missing, extra = _unmatched(sent, came, matched)
        if len(missing) + len(extra) <= self.unmatched:
            return None
        score = round(1 - max(len(missing), len(extra)) / max(len(sent.found), len(came.found)), 3)
        lost = sent.quoted(missing[0]) if missing else ""
        if not extra:
            return Fault(f"numbers: {lost} is missing", score=score)
        new = came.quoted(extra[0])
        what = f"{lost} became {new}" if lost else f"{new} is not in the source"
        return Fault(f"numbers: {what}", (extra[0].start, extra[0].end), score)


class _Side:
    """One text with its figures."""

    def __init__(self, text: str, how: Writing, other: Writing | None = None) -> None:
        self.text, self.how = text, how
        self.found = figures(text, how, other)

    @cached_property
    def values(self) -> AbstractSet[str]:
        return {value for figure in self.found for value in figure.values}

    @cached_property
    def spelled(self) -> Spelled:
        return Spelled(self.text, self.how)

    def quoted(self, figure: Figure, more: int = 0) -> str:
        return self.text[figure.start : max(figure.end, figure.after) + more][:40].strip()


def _masked(text: str) -> str:
    return _MASKED.sub(lambda match: " " * len(match.group()), text) if "<x" in text or "&#" in text else text


def _matched(sent: _Side, came: _Side) -> list[tuple[Figure, Figure]]:
    """Figures that may mean the same, each once; where several of the other side do, the one with the same unit."""
    places: dict[str, deque[int]] = {}
    for place, figure in enumerate(came.found):
        for value in dict.fromkeys(figure.values):
            places.setdefault(value, deque()).append(place)
    used: set[int] = set()
    pairs = []
    for figure in sent.found:
        near: list[int] = []
        for value in figure.values:
            queue = places.get(value)
            while queue and queue[0] in used:
                queue.popleft()
            near += [place for place in islice(queue or (), _NEAR) if place not in used]
        if near:
            chosen = near[0]
            if len(near) > 1 and (unit := units(sent.text, figure, sent.how)):
                chosen = _fitting(unit, near, came)
            used.add(chosen)
            pairs.append((figure, came.found[chosen]))
    return pairs


def _fitting(unit: AbstractSet[str], places: Sequence[int], came: _Side) -> int:
    """The first of some figures that has a unit, or else one of which no unit is known, or else the first."""
    known: list[AbstractSet[str]] = []
    for place in places:
        known.append(units(came.text, came.found[place], came.how))
        if unit & known[-1]:
            return place
    return next((place for place, said in zip(places, known, strict=True) if not said), places[0])


def _other_mark(sent: _Side, came: _Side, matched: Iterable[tuple[Figure, Figure]]) -> Fault | None:
    """A figure that is right but for its decimal mark, where its like in the source is written as its language does."""
    for before, after in matched:
        if not decimal_wrong(came.text, after, came.how) or decimal_wrong(sent.text, before, sent.how):
            continue
        if not label(sent.text, before, sent.how):
            reason = f"numbers: {sent.quoted(before)} became {came.quoted(after)}, with a mark that means something else"
            return Fault(reason, (after.start, after.end), 0.0)
    return None


def _other_unit(sent: _Side, came: _Side, matched: Iterable[tuple[Figure, Figure]]) -> Fault | None:
    for before, after in matched:
        wrong = before.scale > 0 < after.scale and before.values[0] not in after.values
        if not wrong and (unit := units(sent.text, before, sent.how)):
            new = units(came.text, after, came.how)
            wrong = bool(new) and not unit & new
        if wrong:
            reason = f"numbers: {sent.quoted(before, 8)!r} became {came.quoted(after, 8)!r}"
            return Fault(reason, (after.start, min(after.after + 8, len(came.text))), 0.0)
    return None


def _unmatched(
    sent: _Side, came: _Side, matched: Sequence[tuple[Figure, Figure]]
) -> tuple[list[Figure], list[Figure]]:
    """The figures of the source that the target does not say in any way, and those of the target that nothing explains."""
    missing = _rest(sent.found, {before.start for before, _ in matched})
    extra = _rest(came.found, {after.start for _, after in matched})
    if len(missing) + len(extra) > _MOST:
        return missing, extra
    split = _parts(missing, came), _parts(extra, sent)
    missing = [one for one in missing if not _said(one, came, sent, split[1])]
    extra = [one for one in extra if not (_said(one, sent, came, split[0]) or came.quoted(one) == "00")]
    missing, extra = _without_short_years(missing, extra, sent, came)
    if not missing:
        extra = [one for one in extra if "1" not in one.values and not sent.spelled.may_say(one.values[-1])]
    if not extra:
        idioms = [match.span() for match in _IDIOM.finditer(sent.text)] if missing else []
        missing = [one for one in missing if not _optional(one, sent, came, idioms)]
    return missing, extra


def _rest(figures: Iterable[Figure], matched: AbstractSet[int]) -> list[Figure]:
    return [figure for figure in figures if figure.start not in matched]


def _parts(unmatched: Iterable[Figure], other: _Side) -> set[str]:
    """Parts of dates, times and lists of which the other side says every part by itself."""
    return {part for one in unmatched if _apart(one, other) for part in one.parts}


def _apart(figure: Figure, other: _Side) -> bool:
    return bool(figure.parts) and all(
        part in other.values or other.spelled.says(part) for part in figure.parts
    )


def _said(figure: Figure, other: _Side, own: _Side, parts: AbstractSet[str]) -> bool:
    if any(value in other.values or value in parts for value in figure.values) or _apart(figure, other):
        return True
    return any(
        other.spelled.says(value)
        and not (own.spelled.times(value) and own.spelled.times(value) >= other.spelled.times(value))
        for value in figure.values
        if not value.startswith("=")
    )


def _without_short_years(
    missing: list[Figure], extra: list[Figure], sent: _Side, came: _Side
) -> tuple[list[Figure], list[Figure]]:
    """The same without pairs such as '24 and 2024."""
    for one in list(missing):
        for other in list(extra):
            short, long = sorted((one.values[0], other.values[0]), key=len)
            text, figure = (sent.text, one) if short == one.values[0] else (came.text, other)
            if len(short) == 2 and len(long) == 4 and long[:2] in ("19", "20") and long.endswith(short):
                before, behind = (
                    text[max(0, figure.start - 1) : figure.start],
                    text[figure.end : figure.end + 1],
                )
                if before in ("/", "'", "’", ".", "-") or behind.isalpha():
                    missing, extra = [m for m in missing if m != one], [e for e in extra if e != other]
                    break
    return missing, extra


def _optional(figure: Figure, sent: _Side, came: _Side, idioms: Sequence[tuple[int, int]]) -> bool:
    """Whether a figure may go without harm: no and one, those of idioms, what is mostly said in words."""
    value = figure.values[-1]
    if value in ("0", "1") or came.spelled.may_say(value):
        return True
    if any(start <= figure.start < end for start, end in idioms):
        return True
    ordinal = _ORDINAL.match(sent.text, figure.end) is not None
    return ordinal and len(value) <= 2 and int(value) <= 31

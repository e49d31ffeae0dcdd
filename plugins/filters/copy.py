"""Was a part of the source left as it was? By the words that stand there as in the source, one after another."""

# ruff: noqa: RUF001 - marks of many scripts

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from operator import or_
from typing import Annotated, NamedTuple

from annotated_types import Ge

from langadapt.interfaces import SegmentPair
from langadapt.languages import Language, LanguagePack, read_toml
from langadapt_plugins.filters.phrases import lists
from langadapt_plugins.filters.segmentwise import DATA, Fault, Segmentwise
from langadapt_plugins.filters.wording import sentences

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^“”\n]{1,400}”|„[^„“”\n]{1,400}[“”]|«[^«»\n]{1,400}»|`[^`\n]{1,400}`"
    r"|(?<!\w)'[^'\n]{1,400}'(?!\w)|(?<!\w)‘[^‘’\n]{1,400}’(?!\w)"
)
_ROW = 3
_UNUSUAL = 0.15


class _Lists(NamedTuple):
    """Small words of a language: those that only it has, those that others have too, those that titles do not capitalise."""

    own: frozenset[str]
    shared: frozenset[str]
    titles: frozenset[str]


class _Word(NamedTuple):
    """A word of the target in small letters and where it stands; whether three or two words of the source hold it in a row."""

    low: str
    match: re.Match[str]
    left: bool
    known: bool


@dataclass(frozen=True, kw_only=True)
class Copy(Segmentwise):
    """Drops a record with a segment, or a sentence of one, that was left in the source language.

    Words are compared, not case and marks; names, titles and what its source quotes may stay. The score is the share of
    the words concerned that stand so in the source.
    """

    at_least: Annotated[
        float, Ge(0), "smallest share of a sentence's words, as they follow one another in the source"
    ] = 0.7
    small: Annotated[float, Ge(0), "smallest share of small words such as `the` among them"] = 0.2
    words: Annotated[
        int, Ge(3), "so many words in a row are a fault in a sentence that is translated, too"
    ] = 6

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """The words that were left."""
        if lists(source.code) == lists(pack.language.code):
            return None
        small = _small(lists(source.code))
        found = set(_WORD.findall(pair.target.lower()))
        if not found & small.own and pair.source.lower() != pair.target.lower():
            return None
        words = _compared(pair.source, pair.target)
        return self._whole(pair, words, small) or self._part(pair.target, words, small)

    def _whole(self, pair: SegmentPair, words: Sequence[_Word], small: _Lists) -> Fault | None:
        if len(words) < 2 or [w.low for w in words] != [w.lower() for w in _WORD.findall(pair.source)]:
            return None
        if _title(words, small) or not _little(words, small, self.small / 2):
            return None
        return Fault(f"copy: {pair.target[:60]!r} is its source", (0, len(pair.target)), 1.0)

    def _part(self, came: str, words: Sequence[_Word], small: _Lists) -> Fault | None:
        at = 0
        for start, end in sentences(came):
            first = at
            while at < len(words) and words[at].match.start() < end:
                at += 1
            fault = self._sentence(words[first:at], small)
            if fault:
                span = (start + len(came[start:end]) - len(came[start:end].lstrip()), end)
                return Fault(
                    f"copy: {came[slice(*span)].strip()[:60]!r} {fault}", span, _share(words[first:at])
                )
        run: list[_Word] = []
        for word in [*words, None]:
            if word and word.left:
                run.append(word)
                continue
            if len(run) >= self.words and _little(run, small, self.small) and not _title(run, small):
                span = (run[0].match.start(), run[-1].match.end())
                return Fault(f"copy: {came[slice(*span)][:60]!r} stands so in its source", span, 1.0)
            run = []
        return None

    def _sentence(self, words: Sequence[_Word], small: _Lists) -> str:
        """What is wrong with a sentence of such words, if anything is."""
        if len(words) < _ROW:
            return ""
        left = [word for word in words if word.left]
        least = self.at_least if len(words) > 4 else 1.0
        if len(left) >= least * len(words):
            return (
                ""
                if _title(words, small) or not _little(left, small, self.small)
                else "stands so in its source"
            )
        strange = [word.low for word in words if not word.known and word.low in small.own]
        if len(words) > 4 and len(set(strange)) > 1 and len(strange) >= _UNUSUAL * len(words):
            return "is in the language of its source"
        return ""


def _compared(sent: str, came: str) -> list[_Word]:
    """The words of the target, those marked that three or more words of the source hold in a row."""
    every = _WORD.findall(sent.lower())
    told = _WORD.findall(_QUOTED.sub(" 0 ", sent.lower()))
    origin = told if len(told) > 1 and came != sent else every
    rows = set(zip(origin, origin[1:], origin[2:], strict=False))
    joined = set(pairwise(every))
    matches = list(_WORD.finditer(came))
    lows = [match[0].lower() for match in matches]
    left = [False] * len(lows)
    for at, row in enumerate(zip(lows, lows[1:], lows[2:], strict=False)):
        if row in rows:
            left[at] = left[at + 1] = left[at + 2] = True
    same = [row in joined for row in pairwise(lows)]
    known = map(or_, [False, *same], [*same, False])
    return list(map(_Word, lows, matches, left, known))


def _little(words: Sequence[_Word], small: _Lists, least: float) -> bool:
    """Whether there are small words enough, one of them in no other language or two."""
    own = sum(word.low in small.own for word in words)
    every = own + sum(word.low in small.shared for word in words)
    return every >= (1 if own else 2) and every >= least * len(words)


def _share(words: Sequence[_Word]) -> float:
    return round(sum(word.left for word in words) / len(words), 3)


def _title(words: Sequence[_Word], small: _Lists) -> bool:
    """Whether the words are written as in a title, or are all names."""
    return all(word.match[0][0].isupper() or word.low in small.titles for word in words)


@cache
def _small(code: str) -> _Lists:
    more = read_toml(DATA / "copy.toml").get(code, {})
    own, shared, titles = (frozenset(more.get(kind, "").split()) for kind in ("own", "shared", "titles"))
    own |= frozenset(read_toml(DATA / "small_words.toml").get(code, "").split())
    return _Lists(own - shared, shared, titles)

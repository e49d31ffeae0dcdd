"""Which item of a benchmark a text repeats: word for word, in another order, or as another translator would put it.

An index over the items' words and the pieces of words, weighted by how rare they are among the items, so that a template weighs
nothing. No stretch of a text can have more of an item's weight than the text has: so few items are looked at closely.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from langadapt.interfaces import Item
from langadapt_plugins.filters.folded import unspaced, words
from langadapt_plugins.filters.rarity import Rarity
from langadapt_plugins.filters.runs import Runs
from langadapt_plugins.filters.stretches import Part, Seen, Stretch, alike, best_stretch

_LONG = 100
_BLOCK, _STEP = 600, 400
_CLOSE_LOOKS = 24
_EVIDENCE = 0.6
_BOTH = 0.78
_FALLS, _AT_LEAST = 0.035, 0.7
_ALL_ANSWERS, _SOME_OF_IT = 0.9, 0.25
_SLACK = 1e-4


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What counts as repeated: the settings of the gate."""

    run: int
    question: float
    together: float
    answers: float
    density: float
    words: int


class Match(NamedTuple):
    """The item that a text repeats, how much of it (0 to 1), and how that was found."""

    item: Item
    share: float
    how: str


class _Unit(NamedTuple):
    """A question, or a part of a long one, and its answers, as words."""

    item: Item
    asked: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]
    whole: bool

    @property
    def words(self) -> set[str]:
        return set(self.asked).union(*self.answers)


class Index:
    """The items, ready to be looked for."""

    def __init__(self, items: Iterable[Item], limits: Limits, small: Iterable[str] = ()) -> None:
        """`small` are words that are common in the items' language."""
        self._limits = limits
        self._units = _units(items)
        self._rarity = Rarity([u.words for u in self._units], [w for text in small for w in words(text)])
        self._telling = [self._rarity.telling(u.asked) for u in self._units]
        bare = [
            u
            for u, telling in zip(self._units, self._telling, strict=True)
            if u.whole and self._is_short(u, telling)
        ]
        self._short = {unit.asked: unit for unit in reversed(bare)}
        most = max(8, len(self._units) // 200)
        packed = {number: mostly_unspaced(u.asked) for number, u in enumerate(self._units)}
        self._runs = [
            Runs(
                limits.run * (1 + dense),
                {n: self._units[n].asked for n, one in packed.items() if one == dense},
                most,
            )
            for dense in (False, True)
        ]
        self._fill()
        self._tables = lru_cache(256)(self._table)

    def __len__(self) -> int:
        return len(self._units)

    def find(self, texts: Sequence[str]) -> Match | None:
        """The item that the texts repeat most, if any; they are read as one, since an answer follows its question."""
        found = [words(text) for text in texts]
        for said in found:
            if len(said) <= _LONG and (unit := self._short.get(tuple(said))):
                return Match(unit.item, 1.0, "the whole text")
        every = [word for said in found for word in said]
        starts = range(0, max(1, len(every) - _BLOCK + _STEP), _STEP)
        matches = (match for start in starts if (match := self._in_block(every[start : start + _BLOCK])))
        return max(matches, key=lambda match: match.share, default=None)

    def share(self, item: Item, text: str) -> float:
        """How much of an item's different words a text has, 0 to 1."""
        own = set(words("\n".join((item.text, *item.answers))))
        return len(own.intersection(words(text))) / max(len(own), 1)

    def _in_block(self, said: Sequence[str]) -> Match | None:
        for runs in self._runs:
            if found := runs.find(said):
                return Match(self._units[found[0]].item, 1.0, f"{self._limits.run} words in a row")
        text = f" {' '.join(said)} "
        matches = (
            match for number in self._candidates(said) if (match := self._compared(number, said, text))
        )
        return max(matches, key=lambda match: match.share, default=None)

    def _fill(self) -> None:
        """Which texts each piece of a word stands in, with its share: questions are 0, 2, 4 ..., their answers 1, 3, 5 ..."""
        what, where, weight = array("i"), array("i"), array("f")
        for number, unit in enumerate(self._units):
            sums: tuple[dict[int, float], dict[int, float]] = ({}, {})
            for piece, part in self._parts(unit):
                sums[part.side][piece] = sums[part.side].get(piece, 0.0) + part.share
            for side, found in enumerate(sums):
                what.extend(found)
                where.extend([2 * number + side] * len(found))
                weight.extend(found.values())
        order = np.argsort(np.asarray(what, np.int32), kind="stable")
        self._where = np.asarray(where, np.int32)[order]
        self._weight = np.asarray(weight, np.float32)[order]
        self._begins = np.searchsorted(np.asarray(what, np.int32)[order], np.arange(len(self._rarity) + 1))
        worth = [sum(map(self._rarity.weight, set(unit.asked))) for unit in self._units]
        whole = [
            w + sum(map(self._rarity.weight, set().union(*u.answers)))
            for w, u in zip(worth, self._units, strict=True)
        ]
        self._part = np.asarray(worth) / np.maximum(whole, _SLACK)
        self._telling_weight = np.asarray(whole) / self._rarity.most
        # The more telling words a question has, the less likely is it that others have many of them by chance.
        more = np.asarray(self._telling) - self._limits.words - 1
        falling = self._limits.question - _FALLS * np.where(more > 1, more, 0)
        self._enough = np.maximum(falling, _AT_LEAST * self._limits.question)

    def _candidates(self, said: Iterable[str]) -> list[int]:
        """Units of which the text has enough for a close look, those first of which it has most."""
        met: set[int] = set()
        for word in set(said):
            met.update(self._rarity.known(word))
        if not met:
            return []
        numbers = np.fromiter(met, np.int64, len(met))
        begins = self._begins[numbers]
        sizes = self._begins[numbers + 1] - begins
        ends = np.cumsum(sizes)
        places = np.arange(ends[-1]) + np.repeat(begins - ends + sizes, sizes)
        sums = np.bincount(self._where[places], self._weight[places], minlength=2 * len(self._units)) + _SLACK
        asked, answers = sums[0::2], sums[1::2]
        both = (answers >= self._limits.answers) & (
            asked * self._part + answers * (1 - self._part) >= self._limits.together
        )
        found = np.flatnonzero(both | (asked >= self._enough))
        most = (asked + answers)[found]
        return [int(number) for number in found[np.argsort(-most, kind="stable")][:_CLOSE_LOOKS]]

    def _compared(self, number: int, said: Sequence[str], text: str) -> Match | None:
        """The unit if the text repeats it, looked at in stretches about as long as it is."""
        unit, telling, limits = self._units[number], self._telling[number], self._limits
        if not self._is_short(unit, telling) and f" {' '.join(unit.asked)} " in text:
            return Match(
                unit.item, 1.0, "its question word for word" if unit.whole else "a part of it word for word"
            )
        seen = self._seen(said, self._tables(number))
        found = best_stretch(seen, 8 + len(unit.asked) * 3 // 2, 1.0, 0.0)
        if telling >= limits.words and found.asked >= self._enough[number]:
            return Match(unit.item, found.asked, f"{found.asked:.0%} of its question")
        if (
            2 <= telling < limits.words
            and (near := best_stretch(seen, len(unit.asked) + 2, 1.0, 0.0)).asked > 1 - _SLACK
        ):
            return Match(unit.item, near.asked, "all words of its question")
        if unit.answers and self._rarity.telling(unit.words) >= limits.words:
            return self._answered(number, said, seen)
        return None

    def _answered(self, number: int, said: Sequence[str], seen: Sequence[Seen]) -> Match | None:
        """The unit if the text repeats its question together with its answers."""
        unit, limits, part = self._units[number], self._limits, float(self._part[number])
        length = len(unit.asked) + sum(map(len, unit.answers))
        found = best_stretch(seen, 6 + length * 5 // 4, 1.0, 1.0)
        share = found.asked * part + found.answered * (1 - part)
        every = found.answered >= _ALL_ANSWERS and found.asked >= _SOME_OF_IT
        if not every and share * self._telling_weight[number] < _EVIDENCE * limits.words:
            return None
        density = self._density(said, seen, found)
        scarce = found.answered < limits.answers or share < limits.together
        if scarce or density < max(limits.density, _BOTH - share):
            return None
        return Match(
            unit.item, share, f"{found.asked:.0%} of its question and {found.answered:.0%} of its answers"
        )

    def _density(self, said: Sequence[str], seen: Iterable[Seen], place: Stretch) -> float:
        """The share of the words of a stretch, less small ones, that are of the item."""
        met = {one.at for one in seen}
        own = [at for at in range(place.begin, place.end) if not self._rarity.small(said[at])]
        return sum(at in met for at in own) / max(1, len(own))

    def _is_short(self, unit: _Unit, telling: int) -> bool:
        """Whether a text may have the question's words within it by chance."""
        return telling < 1 or len(unit.asked) < self._limits.words + (1, 1, -1)[min(telling, 2)]

    def _parts(self, unit: _Unit) -> Iterator[tuple[int, Part]]:
        """The pieces of a unit's words with their shares of the question, or of all answers."""
        number = 0
        for side, said in enumerate((unit.asked, [word for answer in unit.answers for word in answer])):
            own = dict.fromkeys(said)
            whole = sum(map(self._rarity.weight, own)) or 1.0
            for word in own:
                weight = self._rarity.weight(word) / whole
                for piece, part in self._rarity.weights(word):
                    yield piece, Part(number, side, part / whole, weight)
                number += 1

    def _table(self, number: int) -> Mapping[int, Sequence[Part]]:
        table: dict[int, list[Part]] = {}
        for piece, part in self._parts(self._units[number]):
            table.setdefault(piece, []).append(part)
        return table

    def _seen(self, said: Sequence[str], table: Mapping[int, Sequence[Part]]) -> list[Seen]:
        """Where a text has words of an item, in whichever form."""
        met = {word: alike(self._rarity.known(word), table) for word in set(said)}
        return [Seen(at, met[word]) for at, word in enumerate(said) if met[word]]


def mostly_unspaced(said: Sequence[str]) -> bool:
    """Whether most words are pieces of a text without spaces, which are as many as its characters."""
    return 2 * sum(map(unspaced, said)) > len(said)


def _units(items: Iterable[Item]) -> list[_Unit]:
    """One for each text that is asked, however many tasks ask it; long texts in parts, the last one with the answers."""
    found: dict[Any, _Unit] = {}
    for item in items:
        asked = tuple(words(item.text))
        answers = tuple(tuple(said) for answer in item.answers if (said := words(answer)))
        count = math.ceil(len(asked) / (_LONG * (1 + mostly_unspaced(asked))))
        size = math.ceil(len(asked) / max(count, 1))
        for part in range(count):
            own, last = asked[part * size : (part + 1) * size], part == count - 1
            unit = _Unit(item, own, answers if last else (), count == 1)
            found.setdefault((unit.asked, unit.answers), unit)
    return list(found.values())

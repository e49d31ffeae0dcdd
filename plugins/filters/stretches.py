"""What a text has of the words of one item, in whichever form, and where it has most of them close together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_SAME_WORD, _PART_OF_WORD = 0.5, 0.2


class Part(NamedTuple):
    """A piece of a word of an item: which word of which side (0 asked, 1 answers), its share of the side and that of the word."""

    word: int
    side: int
    share: float
    whole: float


class Seen(NamedTuple):
    """What one word of a text has of an item."""

    at: int
    parts: Sequence[tuple[int, Part]]


class Stretch(NamedTuple):
    """Words of a text, and what they have of a question and of its answers."""

    begin: int
    end: int
    asked: float
    answered: float


def alike(numbers: Iterable[int], table: Mapping[int, Sequence[Part]]) -> list[tuple[int, Part]]:
    """The pieces of an item's words that one word has, where it has at least a part of the word that they stand in."""
    found = [(piece, part) for piece in numbers for part in table.get(piece, ())]
    sums: dict[int, float] = {}
    for _, part in found:
        sums[part.word] = sums.get(part.word, 0.0) + part.share
    return [(piece, part) for piece, part in found if sums[part.word] >= _PART_OF_WORD * part.whole]


def best_stretch(seen: Sequence[Seen], spread: int, asked: float, answered: float) -> Stretch:
    """The stretch of `spread` words that has most of the question and of the answers, each counted as it is worth."""
    best, most, end = Stretch(0, 0, 0.0, 0.0), 0.0, 0
    for number, first in enumerate(seen):
        before = end
        while end < len(seen) and seen[end].at < first.at + spread:
            end += 1
        if end > before:
            shares = _shares(seen[number:end])
            total = shares[0] * asked + shares[1] * answered
            if total > most:
                best, most = Stretch(first.at, seen[end - 1].at + 1, *shares), total
    return best


def _shares(seen: Iterable[Seen]) -> tuple[float, float]:
    """Of the question and of the answers, each word counted as far as its pieces are there, and only where half of it is."""
    met = {(piece, part.word): part for one in seen for piece, part in one.parts}
    sums: dict[int, float] = {}
    for part in met.values():
        sums[part.word] = sums.get(part.word, 0.0) + part.share
    shares = [0.0, 0.0]
    for part in {part.word: part for part in met.values()}.values():
        if sums[part.word] >= _SAME_WORD * part.whole:
            shares[part.side] += sums[part.word]
    return shares[0], shares[1]

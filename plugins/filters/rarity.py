"""How much a word tells among many texts, and the pieces by which another form of it is known."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from langadapt_plugins.filters.folded import pieces, unspaced

_BACKGROUND = 1000
_RARE, _SMALL = 0.5, 200.0
"""In how many of `_BACKGROUND` further texts a word is thought to stand: a few texts alone tell little of how common it is."""
_BY_LENGTH = {1: _SMALL, 2: _SMALL, 3: _SMALL, 4: 20.0, 5: 5.0}
_TELLING = 0.01
_TEMPLATE = 200, 60
_KNOWN_WORDS = 200_000


class Rarity:
    """The words of some texts with their weights, the square of the inverse document frequency: as in a product of tf-idf vectors."""

    def __init__(self, texts: Sequence[Collection[str]], small: Iterable[str]) -> None:
        """`texts` are the different words of each; `small` are words that are common in the language."""
        self._total = len(texts) + _BACKGROUND
        self._small = frozenset(small)
        counts = Counter(word for text in texts for word in text)
        own = {word: pieces(word) for word in counts}
        common = Counter(piece for text in texts for piece in {piece for word in text for piece in own[word]})
        most = max(_TEMPLATE[0], len(texts) // _TEMPLATE[1])
        kept = (piece for piece, count in common.items() if count <= most)
        self._numbers = {piece: number for number, piece in enumerate(kept)}
        self._telling = {
            word for word, count in counts.items() if (count + self._usual(word)) / self._total <= _TELLING
        }
        self._weights: dict[str, tuple[tuple[int, float], ...]] = {}
        for word, count in counts.items():
            rarities = {self._numbers[p]: self._rarity(common[p]) for p in own[word] if p in self._numbers}
            weight, whole = self._rarity(count + self._usual(word)), sum(rarities.values())
            self._weights[word] = tuple((piece, weight * one / whole) for piece, one in rarities.items())
        self._known: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """How many pieces are numbered."""
        return len(self._numbers)

    def weights(self, word: str) -> tuple[tuple[int, float], ...]:
        """The pieces of one of the texts' words, with what each adds to its weight; none for a word of templates."""
        return self._weights[word]

    def weight(self, word: str) -> float:
        """What one of the texts' words weighs."""
        return sum(part for _, part in self._weights[word])

    @property
    def most(self) -> float:
        """What a word weighs that stands in one text only."""
        return self._rarity(1 + _RARE)

    def small(self, word: str) -> bool:
        """Whether a word is as common in the language as small words are."""
        return self._usual(word) >= _BY_LENGTH[4]

    def telling(self, words: Iterable[str]) -> int:
        """How many different words stand in few texts."""
        return len(self._telling.intersection(words))

    def known(self, word: str) -> tuple[int, ...]:
        """The pieces of any word that some text has too."""
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= _KNOWN_WORDS:
                self._known.clear()
            numbers = map(self._numbers.get, pieces(word))
            found = self._known[word] = tuple(number for number in numbers if number is not None)
        return found

    def _rarity(self, count: float) -> float:
        return math.log(self._total / min(count, self._total)) ** 2

    def _usual(self, word: str) -> float:
        if word.isdecimal():
            return _RARE if len(word) > 2 else 10 * _RARE
        if word in self._small or all("\u3040" <= one <= "\u309f" for one in word):
            return _SMALL
        return _RARE if unspaced(word) else _BY_LENGTH.get(len(word), _RARE)

"""Words in a row that a text has in common with one of many others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class Runs:
    """Every `size` words in a row of some texts, as sorted hashes: 12 bytes each."""

    def __init__(self, size: int, texts: Mapping[int, Sequence[str]], at_most: int) -> None:
        """`texts` by their numbers; what stands in more than `at_most` of them is a template and left out."""
        self._size = size
        self._texts = {number: text for number, text in texts.items() if len(text) >= size}
        names = dict.fromkeys(word for text in self._texts.values() for word in text)
        self._ids = {word: number for number, word in enumerate(names, 1)}
        made = [np.unique(self._hashes(text)) for text in self._texts.values()]
        hashes = np.concatenate(made) if made else np.empty(0, np.uint64)
        owners = np.repeat(np.fromiter(self._texts, np.int32, len(self._texts)), [len(one) for one in made])
        order = np.argsort(hashes, kind="stable")
        self._known, first, counts = np.unique(hashes[order], return_index=True, return_counts=True)
        kept = counts <= at_most
        self._known, self._owners = self._known[kept], owners[order][first[kept]]

    def find(self, said: Sequence[str]) -> tuple[int, int] | None:
        """The number of a text that has a row of words in common with this one, and where the row begins."""
        if len(said) < self._size or not len(self._known):
            return None
        made = self._hashes(said)
        near = np.minimum(np.searchsorted(self._known, made), len(self._known) - 1)
        for hit in np.flatnonzero(self._known[near] == made).tolist():
            number = int(self._owners[near[hit]])
            row = " ".join(said[hit : hit + self._size])
            if row in " ".join(self._texts[number]):  # two rows may have one hash
                return number, hit
        return None

    def _hashes(self, said: Sequence[str]) -> Any:
        """A hash of each row, all at once, modulo 2 to the 64."""
        numbers = np.fromiter((self._ids.get(word, 0) for word in said), np.uint64, len(said))
        count = len(numbers) - self._size + 1
        made = np.zeros(count, np.uint64)
        for at in range(self._size):
            made = made * np.uint64(6364136223846793005) + numbers[at : at + count] * np.uint64(
                11400714819323198485
            )
        return made

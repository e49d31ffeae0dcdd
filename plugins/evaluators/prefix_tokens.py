"""Texts that begin alike, tokenised from shortly before where they part.

Otherwise the examples before a question are tokenised again for each of its choices, which takes a tenth of the time of a
model 512 wide. A text's tokens are those of a beginning that it has in common with the text before it, up to the last words
of this beginning, and then those of these words with the rest. That is what the whole text has where the words come out as
they did before, and the tokens of the text before end as its own last words and rest do; else the whole text is tokenised.
"""

from collections.abc import Callable
from dataclasses import dataclass

_OVERLAP = 64
"""Characters of a beginning that are tokenised again, at least: several words, and tokens hang on their neighbours at most."""
_WORTH = 128
"""Characters that a further beginning has to have in common with the text before it."""
_REMEMBERED = 8
"""Texts whose tokens are remembered: the choices of a question follow each other, and have its context in common."""

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class _Beginning:
    text: str
    tokens: list[int]
    """Those of `text`, but for the overlap's."""
    overlap: str
    overlapping: list[int]


class Texts:
    """Tokens of one text after the other: the same as `whole` gives of each."""

    def __init__(self, whole: Encode, plain: Encode) -> None:
        """`whole` tokenises as it is asked for, `plain` adds nothing (no token that begins or ends a text)."""
        self._whole, self._plain = whole, plain
        self._beginnings: list[_Beginning] = []
        self._known: dict[str, list[int]] = {}
        self._last = ""

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text."""
        if text not in self._known:
            found = self._shared(text) or self._whole(text)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text], self._last = found, text
        return list(self._known[text])

    def _shared(self, text: str) -> list[int] | None:
        """The tokens of a text by what it has in common with those before it; None where that cannot be told."""
        while self._beginnings and not text.startswith(self._beginnings[-1].text):
            self._beginnings.pop()
        alike = _common(self._last, text)
        more = alike - (len(self._beginnings[-1].text) if self._beginnings else 0)
        if more > max(_WORTH, len(self._last) - alike) and (found := self._beginning(alike)):
            self._beginnings.append(found)
        if not self._beginnings:
            return None
        begun = self._beginnings[-1]
        rest = self._plain(begun.overlap + text[len(begun.text) :])
        return begun.tokens + rest if _starts(rest, begun.overlapping) else None

    def _beginning(self, most: int) -> _Beginning | None:
        """The words within the first `most` characters of the last text; None where its tokens cannot be cut there."""
        cut = self._last.rfind(" ", 0, most)
        space = self._last.rfind(" ", 0, max(0, cut - _OVERLAP))
        whole = self._known[self._last]
        for start in (space, space + 1) if space > 0 else ():  # most tokenizers begin a word with its space
            overlap = self._last[start:cut]
            overlapping, rest = self._plain(overlap), self._plain(self._last[start:])
            if _starts(rest, overlapping) and whole[-len(rest) :] == rest:
                return _Beginning(self._last[:cut], whole[: -len(rest)], overlap, overlapping)
        return None


def _starts(tokens: list[int], beginning: list[int]) -> bool:
    return bool(beginning) and tokens[: len(beginning)] == beginning


def _common(a: str, b: str) -> int:
    """How many characters two texts have in common at their start, by halves: slices are compared faster than characters."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle - 1)
    return low

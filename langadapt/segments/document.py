"""A text as protected pieces and segments, its reassembly, and the proof of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from langadapt.errors import ConfigError
from langadapt.segments import newline
from langadapt.segments.spans import PLACEHOLDER, hide, show

Splitter = Callable[[str], Iterator[tuple[str, bool]]]
MODES: Mapping[str, Splitter] = {"newline": newline.pieces}
_LETTER = re.compile(r"[^\W\d_]")


class Damage(Exception):  # noqa: N818 - a finding about a text, which the stages turn into a held row
    """What a translation did to protected text; `segment` is the index of the segment, where one is to blame."""

    def __init__(self, reason: str, segment: int | None = None) -> None:
        super().__init__(reason)
        self.segment = segment


@dataclass(frozen=True)
class _Piece:
    text: str
    spans: tuple[str, ...] = ()
    translate: bool = False


@dataclass(frozen=True)
class Document:
    """A text cut by one of `MODES`."""

    text: str
    mode: str = "newline"

    @cached_property
    def _pieces(self) -> tuple[_Piece, ...]:
        if self.mode not in MODES:
            raise ConfigError(f"no segmentation is called {self.mode!r}", hint=f"modes: {', '.join(MODES)}")
        return tuple(_piece(text, wanted) for text, wanted in MODES[self.mode](self.text) if text)

    @property
    def segments(self) -> tuple[str, ...]:
        """What is sent to a model, in order."""
        return tuple(piece.text for piece in self._pieces if piece.translate)

    def assemble(self, translations: Sequence[str]) -> str:
        """The text with each segment replaced; raises `Damage` unless everything protected came back unchanged."""
        rest = iter(enumerate(translations))
        out = []
        for piece in self._pieces:
            if not piece.translate:
                out.append(piece.text)
                continue
            index, translation = next(rest)
            try:
                out.append(show(translation.strip(), piece.spans))
            except ValueError as error:
                raise Damage(str(error), index) from error
        result = "".join(out)
        if Document(result, self.mode).skeleton != self.skeleton:
            raise Damage("structure: a protected span, a table row or a line is not where it was")
        return result

    @cached_property
    def skeleton(self) -> tuple[object, ...]:
        """What must be the same before and after: protected pieces in order, spans of each segment in any order."""
        merged: list[object] = []
        for piece in self._pieces:
            part: object = tuple(sorted(piece.spans)) if piece.translate else piece.text
            if isinstance(part, str) and merged and isinstance(merged[-1], str):
                merged[-1] += part
            else:
                merged.append(part)
        return tuple(merged)


def _piece(text: str, wanted: bool) -> _Piece:
    if not wanted:
        return _Piece(text)
    hidden, spans = hide(text)
    if not _LETTER.search(PLACEHOLDER.sub("", hidden)):
        return _Piece(text)
    return _Piece(hidden, spans, translate=True)

"""The curves of a training as JSON Lines in its folder, a line for each point, while it runs."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

CURVES = "curves.jsonl"


class Curves:
    """The file of points. What was written after the state that a training goes on from goes when it begins."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CURVES

    def begin(self, points: Iterable[Mapping[str, float]]) -> None:
        """Hold these points and no others."""
        draft = self._file.with_suffix(".part")
        draft.write_text("".join(map(_line, points)), encoding="utf-8")
        draft.replace(self._file)

    def add(self, point: Mapping[str, float]) -> None:
        """One point more, written at once and as a whole line."""
        with self._file.open("ab", buffering=0) as out:
            out.write(_line(point).encode())


def _line(point: Mapping[str, float]) -> str:
    """A number that JSON does not know, such as the loss of a training that has diverged, as null."""
    return json.dumps({name: value if math.isfinite(value) else None for name, value in point.items()}) + "\n"

"""A figure beside what is asked of it, and the table that a benchmark prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured figure; `met` says whether it reaches what is asked."""

    name: str
    measured: str
    asked: str = "-"
    met: bool = True

    def __str__(self) -> str:
        return f"{self.name:<58}  {self.measured:>20}  {self.asked:>14}{'' if self.met else '  MISSED'}"


def heading() -> str:
    """The line above a table."""
    return str(Figure("figure", "measured", "asked"))


def summed_up(found: Sequence[Figure]) -> int:
    """Print how many figures are met, and give the exit code."""
    asked = [figure for figure in found if figure.asked != "-"]
    missed = [figure.name for figure in asked if not figure.met]
    print(
        f"{len(asked) - len(missed)} of {len(asked)} figures met"
        + "".join(f"; missed: {name}" for name in missed)
    )
    return 1 if missed else 0

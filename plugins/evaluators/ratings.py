"""Ratings to scores, as FastEval counts them, and what may be wrong with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from langadapt.interfaces import Score
from langadapt.records import Row
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.verdicts import HIGH, LOW

_FEWEST = 5
"""A correlation of fewer says nothing."""


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What a judge gave the answer to one turn (1 or 2); None where its verdict could not be read.

    `length` is the answer's, in characters, where it is known.
    """

    id: str
    category: str
    turn: int
    value: float | None
    length: int | None = None

    def to_row(self, metric: str) -> Row:
        """The rating as a row on disk."""
        where: Row = {"id": self.id, "category": self.category, "turn": self.turn}
        return {**where, "metric": metric, "value": self.value, "length": self.length}


def scores_of(task: str, ratings: Sequence[Rating], *, metric: str, signature: str) -> list[Score]:
    """The average (mean of the two turns' means), then each turn, then each category over both turns' ratings.

    A question is one item, of which `n` counts those with a rating: intervals are over questions, whose turns
    are not independent of each other.
    """
    scale = (LOW, HIGH) if metric == "rating" else (0.0, 100.0)
    read = [item for item in ratings if item.value is not None]
    parts = {f"{task}/turn-{turn}": [item for item in read if item.turn == turn] for turn in (1, 2)}
    for name in dict.fromkeys(item.category for item in read):
        parts[f"{task}/{name}"] = [item for item in read if item.category == name]
    return [
        Score(
            task=name,
            metric=metric,
            value=value,
            n=len(_by_question(items)),
            interval=_interval(items, scale, over_turns=name == task),
            higher_is_better=True,
            signature=signature,
        )
        for name, items, value in [
            (task, read, _average(read)),
            *((name, items, _mean(items)) for name, items in parts.items() if items),
        ]
    ]


def bounds(ratings: Sequence[Rating]) -> Mapping[str, float] | None:
    """The average if every verdict that could not be read were the lowest, or the highest; None where all were read."""
    if all(item.value is not None for item in ratings):
        return None
    return {
        "lowest": _average([_given(item, LOW) for item in ratings]),
        "highest": _average([_given(item, HIGH) for item in ratings]),
    }


def length_bias(ratings: Sequence[Rating]) -> dict[str, Any] | None:
    """Spearman's correlation of rating and length of the answer, pooled over turns and categories.

    A judge that likes long answers shows here, and so do answers that are better because they say more. None where fewer
    than five are known, or all are the same.
    """
    pairs = [
        (item.length, item.value) for item in ratings if item.length is not None and item.value is not None
    ]
    if len(pairs) < _FEWEST or any(len(set(side)) < 2 for side in zip(*pairs, strict=True)):
        return None
    from scipy.stats import spearmanr

    found = spearmanr([length for length, _ in pairs], [value for _, value in pairs])
    return {"rho": float(found.statistic), "p": float(found.pvalue), "n": len(pairs)}


def _given(item: Rating, value: float) -> Rating:
    return (
        item
        if item.value is not None
        else Rating(id=item.id, category=item.category, turn=item.turn, value=value)
    )


def _average(read: Sequence[Rating]) -> float:
    turns = [[item for item in read if item.turn == turn] for turn in (1, 2)]
    return fmean(_mean(items) for items in turns if items)


def _mean(items: Iterable[Rating]) -> float:
    return fmean(item.value for item in items if item.value is not None)


def _by_question(items: Sequence[Rating]) -> list[float]:
    names: dict[str, list[Rating]] = {}
    for item in items:
        names.setdefault(item.id, []).append(item)
    return [_mean(found) for found in names.values()]


def _interval(
    items: Sequence[Rating], scale: tuple[float, float], *, over_turns: bool
) -> tuple[float, float] | None:
    """Over questions, within the scale; for the average around the mean of the turns' means."""
    return mean_interval(
        [item.value for item in items if item.value is not None],
        clusters=[item.id for item in items],
        parts=[item.turn for item in items] if over_turns else None,
        bounds=scale,
    )

"""Whether what an evaluator writes by item can be compared in pairs, as `langadapt compare` reads it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from langadapt.interfaces import Score
from langadapt.testing.bench import finite

KEYS = ("id", "metric", "value")
_PLACES = ("task", "category", "turn", "order")
_PARTS = (("turn", "order"), ("task",), ())


def unpaired(scores: Sequence[Score], files: Mapping[str, Sequence[Any]]) -> str:
    """What keeps every score from being compared item by item; empty where one can be. Parts of a test (`test/part`) are not asked."""
    whole = [score for score in scores if "/" not in score.task] or list(scores)
    rows = [row for listed in files.values() for one in listed for row in _values(one)]
    if not rows:
        return "no row holds `id`, `metric` and `value`"
    metrics = {row["metric"] for row in rows}
    named = [score for score in whole if score.metric in metrics]
    if not named:
        return f"rows are of the metric {', '.join(sorted(metrics))}, and scores of {', '.join(sorted({s.metric for s in whole}))}"
    told = [_is_mean(score, [row for row in rows if row["metric"] == score.metric]) for score in named]
    if not any(told):
        return f"{named[0].metric} of {named[0].task} is {named[0].value}, which is not the mean of its rows' values"
    return ""


def repeated(files: Mapping[str, Sequence[Any]]) -> str:
    """An id that two rows of one file bear, where nothing else tells them apart; empty where there is none."""
    for name, listed in files.items():
        seen = set()
        for row in (row for one in listed for row in _values(one)):
            key = tuple(str(row.get(part)) for part in (*_PLACES, "id", "metric", "filter"))
            if key in seen:
                return f"{name} holds two values of {row['metric']} for the id {row['id']!r}"
            seen.add(key)
    return ""


def _values(row: Any) -> Iterator[Mapping[str, Any]]:
    """A row's values: one, or of a row of `metrics` each."""
    if not isinstance(row, Mapping):
        return
    if isinstance(row.get("metrics"), Mapping):
        for metric, value in row["metrics"].items():
            yield {**row, "id": row.get("id", row.get("doc_id")), "metric": metric, "value": value}
    elif row.keys() >= set(KEYS) and isinstance(row["metric"], str) and finite(row["value"]):
        yield row


def _is_mean(score: Score, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the score is the mean of its rows, or of the means of its turns, orders or tasks."""
    own = [row for row in rows if row.get("task") in (None, "", score.task)] or list(rows)
    for keys in _PARTS:
        groups: dict[tuple[Any, ...], list[float]] = {}
        for row in own:
            groups.setdefault(tuple(row.get(key) for key in keys), []).append(float(row["value"]))
        mean = math.fsum(math.fsum(one) / len(one) for one in groups.values()) / max(len(groups), 1)
        if own and math.isclose(mean, score.value, rel_tol=1e-6, abs_tol=1e-9):
            return True
    return False

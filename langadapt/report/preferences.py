"""How ratings became pairs, as lines of a table: the rule, how others would choose, length and models of what was chosen."""

from collections.abc import Iterator, Mapping
from typing import Any

from langadapt.report.formats import count, finite, one_line, share, value

MODELS = 5
_LABELS = {
    "rows": "rated rows",
    "missing": "ratings that are missing",
    "ties": "ties after choosing",
    "without_pair": "rows without a pair",
    "left_out": "pairs left out",
    "chosen_equals_rejected": "chosen equals rejected",
}
_FIGURES = 60


def lines(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Labels and values of a report as prepare's manifest holds it; what is not known here is shown as it stands."""
    for key, facts in told.items():
        if key == "differs" and isinstance(facts, list):
            for one in facts:
                yield from _differs(one)
        elif key == "length" and isinstance(facts, Mapping):
            yield from _length(facts)
        elif key == "models" and isinstance(facts, Mapping):
            yield from (
                (f"models {one_line(side)}", _models(counted)) for side, counted in facts.items() if counted
            )
        elif key == "equal_ratings" and isinstance(facts, Mapping):
            yield "equal ratings", f"{count(facts.get('pairs'))} of {count(facts.get('of'))} rated pairs"
        elif facts not in ({}, [], None):
            yield _LABELS.get(key, one_line(key).replace("_", " ")), _plain(facts)


def _differs(one: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(one, Mapping):
        return
    rules = " and ".join(map(one_line, one.get("rules", ())))
    margin = f" {one['margin']}" if "margin" in one else ""
    for key, what in (("chosen", "choose another"), ("pair", "make another pair")):
        yield (
            f"{rules}{margin} {what}",
            _share(one.get(key), one.get("rows"), one.get(f"{key}_interval"), "rows"),
        )


def _length(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if told:
        yield (
            "chosen is longer than rejected",
            _share(told.get("longer"), told.get("pairs"), told.get("longer_interval"), "pairs"),
        )
        yield "length of chosen over rejected, median", value(told.get("median_ratio"))


def _share(part: Any, whole: Any, interval: Any, what: str) -> str:
    """A part of a whole with the confidence interval of its share, in per cent."""
    some, all_ = finite(part) or 0, finite(whole) or 0
    low, high = (
        (finite(end) for end in interval)
        if isinstance(interval, list | tuple) and len(interval) == 2
        else (None, None)
    )
    ends = "" if low is None or high is None else f" (95 %: {100 * low:.1f} to {100 * high:.1f})"
    return f"{share(some, all_)} of {count(whole)} {what}{ends}"


def _models(counted: Any) -> str:
    if not isinstance(counted, Mapping):
        return _plain(counted)
    most = sorted(counted.items(), key=lambda item: -(finite(item[1]) or 0))
    shown = ", ".join(f"{one_line(name)} {count(number)}" for name, number in most[:MODELS])
    return f"{shown}, {len(most) - MODELS} more" if len(most) > MODELS else shown


def _plain(told: Any) -> str:
    """Nested facts on one line."""
    if isinstance(told, Mapping):
        shown = [
            f"{one_line(key).replace('_', ' ')} {_plain(inner)}"
            for key, inner in told.items()
            if inner is not None
        ]
        return "; ".join(shown[:_FIGURES])
    if isinstance(told, list | tuple):
        return ", ".join(map(_plain, told[:_FIGURES]))
    return one_line(f"{told:.4g}" if isinstance(told, float) else told)

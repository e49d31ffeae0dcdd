"""Pairs to scores, and what the judge's verdicts hang on beside the answers' worth: place and length."""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from langadapt.interfaces import Score
from langadapt.statistics import mean_interval
from langadapt.statistics.groups import grouped
from langadapt_plugins.evaluators.pairwise_lengths import Controlled, Known, controlled, counted
from langadapt_plugins.evaluators.pairwise_pairs import METRIC, Pair

_FEWEST = 5
Interval = tuple[float, float]


def win_rates(task: str, pairs: Sequence[Pair], *, signature: str) -> list[Score]:
    """The win rate in percent over all pairs, then of turns where there are two, and of named categories; `n` counts questions.

    Ties count half. Intervals are over questions, whose turns are not independent of each other.
    """
    read = [pair for pair in pairs if pair.value is not None]
    parts: dict[str, list[Pair]] = {task: read}
    turns = {pair.turn for pair in read}
    for turn in sorted(turns) if len(turns) > 1 else ():
        parts[f"{task}/turn-{turn}"] = [pair for pair in read if pair.turn == turn]
    for name in dict.fromkeys(pair.category for pair in read):
        if name != "other":
            parts[f"{task}/{name}"] = [pair for pair in read if pair.category == name]
    return [
        Score(
            task=name,
            metric=METRIC,
            value=100 * fmean(_values(found)),
            n=len({pair.id for pair in found}),
            interval=_percent(
                _interval([(pair.id, value) for pair, value in zip(found, _values(found), strict=True)])
            ),
            higher_is_better=True,
            signature=signature,
        )
        for name, found in parts.items()
        if found
    ]


def length_controlled(
    task: str, pairs: Sequence[Pair], known: Known | None, *, signature: str
) -> tuple[list[Score], Controlled | None]:
    """AlpacaEval's length-controlled win rate in percent, over all pairs; nothing where lengths cannot be told apart."""
    whole = [pair for pair in pairs if pair.lengths]
    found = controlled(
        [None if pair.value is None else 1 + pair.value for pair in whole],
        [pair.lengths for pair in whole if pair.lengths],
        clusters=[pair.id for pair in whole],
        known=known,
        indices=[pair.index for pair in whole],
    )
    if found is None or len(whole) < len(pairs):
        return [], None
    score = Score(
        task=task,
        metric="length_controlled_winrate",
        value=100 * found.value,
        n=len({pair.id for pair in whole if pair.value is not None}),
        interval=_percent(found.interval),
        higher_is_better=True,
        signature=f"{signature}|lc:{'difficulty' if known else 'minimal'}",
    )
    return [score], found


def numbers(pairs: Sequence[Pair], found: Controlled | None) -> dict[str, float | int | None]:
    """AlpacaEval's own numbers under its own names, None where there are too few pairs for one.

    `avg_length` is of the checkpoint's answers, in characters.
    """
    rates = counted([None if p.value is None else 1 + p.value for p in pairs])
    told = {key: None if math.isnan(value) else value for key, value in rates.items()}
    lengths = [pair.lengths[0] for pair in pairs if pair.lengths]
    told["avg_length"] = int(fmean(lengths)) if lengths else None
    told["length_controlled_winrate"] = 100 * found.value if found else None
    told["lc_standard_error"] = 100 * found.error if found else None
    return told


def standard_error(pairs: Sequence[Pair]) -> float | None:
    """The win rate's standard error in percent, over questions; AlpacaEval's own is over pairs."""
    import numpy as np

    found = grouped(np.asarray(_values(pairs)), [pair.id for pair in pairs if pair.value is not None], None)
    return 100 * found.spread / float(found.values.size) ** 0.5 if found else None


def biases(pairs: Sequence[Pair], found: Controlled | None) -> dict[str, Any]:
    """How verdicts hang on place and length, as shares with 95 % intervals over questions; None where nothing tells.

    `first`: the answer that stood first is preferred, ties half; 0.5 without bias. `consistent`: both orders agree. `longer`: of
    pairs with a winner, the longer answer is it. `length_odds`: by which factor the odds of a win grow for an answer that
    is longer by one standard deviation of the differences, by the regression of the length-controlled rate.
    """
    both = [pair for pair in pairs if pair.asked and len(pair.orders) == 2]
    first = [
        (p.id, n if order else 1 - n)
        for p in both
        for order, n in ((1, p.orders[0]), (0, p.orders[1]))
        if n is not None
    ]
    agree = [(p.id, float(p.orders[0] == p.orders[1])) for p in both if p.value is not None]
    longer = [
        (p.id, float((p.lengths[0] > p.lengths[1]) == (p.value > 0.5)))
        for p in pairs
        if p.lengths and p.lengths[0] != p.lengths[1] and p.value not in (None, 0.5)
        if p.value is not None
    ]
    return {
        "first": _share(first),
        "consistent": _share(agree),
        "longer": _share(longer),
        "length_odds": _odds(found) if found and found.length is not None else None,
        "length_rho": _correlation(pairs),
    }


def told(bias: Mapping[str, Any]) -> Iterator[str]:
    """The same in words."""
    names = {
        "first": "the answer shown first is preferred (50 % without bias)",
        "consistent": "both orders give one verdict (else a tie)",
        "longer": "of pairs with a winner, the longer answer won",
    }
    for key, words in names.items():
        if one := bias[key]:
            yield f"{words}: {one['share']:.1%}{_range(one['interval'], '.1%')} of {one['n']}"
    if odds := bias["length_odds"]:
        yield f"odds of an answer longer by one standard deviation: times {odds['odds']:.2f}{_range(odds['interval'], '.2f')}"


def bounds(pairs: Sequence[Pair]) -> Mapping[str, float] | None:
    """The win rate in percent if every pair that could not be read were lost, or won; None where all were read."""
    values = [pair.value for pair in pairs]
    if None not in values:
        return None
    return {
        "lowest": 100 * fmean(0.0 if one is None else one for one in values),
        "highest": 100 * fmean(1.0 if one is None else one for one in values),
    }


def _share(values: Sequence[tuple[str, float]]) -> dict[str, Any] | None:
    if not values:
        return None
    return {"share": fmean(one for _, one in values), "interval": _interval(values), "n": len(values)}


def _odds(found: Controlled) -> dict[str, Any]:
    step = math.tanh(1)
    limits = found.length_interval and tuple(
        math.exp(min(700.0, step * one)) for one in found.length_interval
    )
    return {"odds": math.exp(min(700.0, step * (found.length or 0.0))), "interval": limits}


def _correlation(pairs: Sequence[Pair]) -> dict[str, Any] | None:
    """Spearman's correlation of the length difference and the verdict, over pairs."""
    known = [(p.lengths[0] - p.lengths[1], p.value) for p in pairs if p.lengths and p.value is not None]
    if len(known) < _FEWEST or any(len(set(side)) < 2 for side in zip(*known, strict=True)):
        return None
    from scipy.stats import spearmanr

    found = spearmanr(*zip(*known, strict=True))
    return {"rho": float(found.statistic), "p": float(found.pvalue), "n": len(known)}


def _values(pairs: Sequence[Pair]) -> list[float]:
    return [pair.value for pair in pairs if pair.value is not None]


def _interval(values: Sequence[tuple[str, float]]) -> Interval | None:
    return mean_interval([one for _, one in values], clusters=[name for name, _ in values], bounds=(0.0, 1.0))


def _percent(interval: Interval | None) -> Interval | None:
    return interval and (100 * interval[0], 100 * interval[1])


def _range(interval: Interval | None, form: str) -> str:
    return f" [{interval[0]:{form}}, {interval[1]:{form}}]" if interval else ""

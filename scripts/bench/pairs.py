"""Do the win rates' own intervals hold? Simulated judges of pairs whose truth is known, at least 5,000 runs of each.

A judge sees which of two answers is better, with noise, likes the one that stands first and the longer one, and says A, B or a tie.
Each pair is shown in both orders; verdicts, pairs, rates and intervals are the evaluator's own. Intervals are for what that
judge would say of ever more questions. Bias of place makes ties and moves no rate; bias of length moves the win rate, and
is what the length-controlled one takes out. Prints `figure  measured  asked`, and fails where one is missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
from figures import Figure, heading, summed_up

from langadapt_plugins.evaluators.pairwise_pairs import Pair
from langadapt_plugins.evaluators.pairwise_scores import biases, length_controlled, win_rates

RUNS, SEED, FITS = 5000, 17, 1000
COVERED, FALSE = (0.93, 0.97), (0.04, 0.06)
PLACE, TASTE = 0.6, 0.5
"""What a judge adds for standing first, and for being longer by one standard deviation, in those of answers' worth."""
Draw = np.random.Generator


def judged(
    draw: Draw, shape: tuple[int, int, int], *, better: float = 0.0, longer: float = 0.0, place: float = PLACE
) -> Any:
    """Verdicts for the checkpoint by run, question, turn and order, and both lengths by run, question and turn."""
    lengths = np.exp(draw.normal([6 + longer, 6], 0.5, (*shape, 2))).astype(int) + 1
    apart = np.log(lengths[..., 0] / lengths[..., 1]) / 0.7
    question = draw.normal(0, 0.7, (*shape[:2], 1))
    gap = better + question + draw.normal(0, 0.7, shape) + TASTE * apart
    seen = gap[..., None] + place * np.array([1, -1]) + draw.normal(0, 0.7, (*shape, 2))
    return np.where(seen > 0.25, 1.0, np.where(seen < -0.25, 0.0, 0.5)), lengths


def pairs(verdicts: Any, lengths: Any) -> list[Pair]:
    return [
        Pair(
            id=str(question),
            turn=turn + 1,
            orders=tuple(verdicts[question, turn].tolist()),
            lengths=tuple(lengths[question, turn].tolist()),
        )
        for question in range(verdicts.shape[0])
        for turn in range(verdicts.shape[1])
    ]


def rate(verdicts: Any) -> float:
    """The win rate in percent: orders that disagree are ties."""
    return float(100 * np.where(verdicts[..., 0] == verdicts[..., 1], verdicts[..., 0], 0.5).mean())


def intervals(draw: Draw, runs: int, shape: tuple[int, int], **how: float) -> Iterator[tuple[float, float]]:
    for _ in range(runs):
        found = win_rates(
            "pairwise", pairs(*(one[0] for one in judged(draw, (1, *shape), **how))), signature=""
        )
        if found[0].interval:
            yield found[0].interval


def holding(found: list[tuple[float, float]], truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in found]))


def between(name: str, value: float, ends: tuple[float, float]) -> Figure:
    return Figure(name, f"{value:.4f}", f"{ends[0]:.2f} to {ends[1]:.2f}", ends[0] <= value <= ends[1])


def rates(draw: Draw, runs: int) -> Iterator[Figure]:
    cases = {
        "80 questions": ((80, 1), {"better": 0.5}),
        "80 questions, two turns": ((80, 2), {"better": 0.5}),
        "400 questions, far better": ((400, 1), {"better": 1.5}),
        "80 questions, place is nearly all": ((80, 2), {"better": 0.3, "place": 1.5}),
        "80 questions, half again as long": ((80, 2), {"better": 0.2, "longer": 0.4}),
    }
    for name, (shape, how) in cases.items():
        truth = rate(judged(draw, (20, 50_000, shape[1]), **how)[0])
        yield between(
            f"coverage: {name}, {truth:.0f} % won",
            holding(list(intervals(draw, runs, shape, **how)), truth),
            COVERED,
        )
    for shape in ((80, 1), (80, 2), (400, 1)):
        alarms = 1 - holding(list(intervals(draw, runs, shape)), 50.0)
        yield between(f"false alarms: {shape[0]} questions, {shape[1]} turns, equally good", alarms, FALSE)
    alarms = 1 - holding(list(intervals(draw, runs, (80, 2), longer=0.4)), 50.0)
    yield Figure("false alarms had one answered half again as long", f"{alarms:.4f}")
    once = [
        win_rates(
            "p",
            [
                Pair(id=p.id, orders=p.orders[:1])
                for p in pairs(*(one[0] for one in judged(draw, (1, 80, 1))))
            ],
            signature="",
        )
        for _ in range(runs)
    ]
    alarms = 1 - holding([found[0].interval for found in once if found[0].interval], 50.0)
    yield Figure("false alarms had one order been asked", f"{alarms:.4f}")


def lengths(draw: Draw, runs: int) -> Iterator[Figure]:
    """Length-controlled rates are fitted 51 times each, so there are fewer runs."""
    for questions, longer in ((80, 0.0), (80, 0.4), (400, 0.4)):
        ends, moved = [], []
        for _ in range(runs):
            (score,), _ = length_controlled(
                "p",
                pairs(*(one[0] for one in judged(draw, (1, questions, 1), longer=longer))),
                None,
                signature="",
            )
            ends.append(score.interval)
            moved.append(score.value)
        name = f"{questions} questions" + (", half again as long" if longer else "")
        yield Figure(f"LC, false alarms: {name}", f"{1 - holding(ends, 50.0):.4f}")
        yield Figure(f"LC, mean rate (50): {name}", f"{np.mean(moved):.2f}")


def biased(draw: Draw, runs: int) -> Iterator[Figure]:
    """Whether the reported bias of place holds the judge's own."""
    truth = judged(draw, (20, 50_000, 1))[0]
    first = float((truth[..., 0] + 1 - truth[..., 1]).mean() / 2)
    found = [
        biases(pairs(*(one[0] for one in judged(draw, (1, 80, 1)))), None)["first"]["interval"]
        for _ in range(runs)
    ]
    yield between(
        f"coverage: share that prefers what stands first, {first:.2f}", holding(found, first), COVERED
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="simulated evaluations for each figure")
    parser.add_argument("--fits", type=int, default=FITS, help="the same for length-controlled rates")
    parser.add_argument("--seed", type=int, default=SEED, help="what they are drawn with")
    given = parser.parse_args()
    print(heading(), flush=True)
    found = []
    for part, runs in ((rates, given.runs), (biased, given.runs), (lengths, given.fits)):
        for figure in part(np.random.default_rng(given.seed), runs):
            print(figure, flush=True)
            found.append(figure)
    return summed_up(found)


if __name__ == "__main__":
    raise SystemExit(main())

"""Do the report's own intervals and tests hold? Simulated benchmarks and judges whose truth is known, at least 5,000 runs of each.

A simulated judge rates from 1 to 10, in whole numbers, questions that differ in difficulty, in two turns that hang together, and
is biased by length and by the place of an answer, with noise. Intervals are for what that judge would say of ever more
questions: bias stays in the score, and no interval tells of it; what it must not do is to spoil coverage or tests. Where few pairs
differ at all, no test can use up its 5 %: there the asked figure is an upper end. Prints `figure  measured  asked`, and fails
where one is missed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from figures import Figure, heading, summed_up

from langadapt.statistics import holm, mean_interval, paired, paired_bootstrap

RUNS, SEED, DRAWS = 5000, 11, 999
COVERED, FALSE, SEEN = (0.93, 0.97), (0.04, 0.06), (0.77, 0.83)
LIKED = 0.6
"""What a judge adds for an answer of twice the usual length, in points of ten."""
Draw = np.random.Generator


def between(name: str, value: float, ends: tuple[float, float]) -> Figure:
    return Figure(name, f"{value:.4f}", f"{ends[0]:.2f} to {ends[1]:.2f}", ends[0] <= value <= ends[1])


def told(name: str, value: float) -> Figure:
    return Figure(name, f"{value:.4f}")


def holds(interval: tuple[float, float] | None, truth: float) -> bool:
    return interval is not None and interval[0] <= truth <= interval[1]


def ratings(draw: Draw, runs: int, questions: int, *, level: float = 7.0) -> Any:
    """By run, question and turn, whole numbers from 1 to 10: difficulty, a harder second turn, the judge's taste for length."""
    difficulty = draw.normal(0, 1.5, (runs, questions, 1))
    length = draw.lognormal(0, 0.5, (runs, questions, 2))
    noise = draw.normal(0, 1.2, (runs, questions, 2))
    score = level + difficulty + np.array([0.0, -1.0]) + LIKED * (length - 1) + noise
    return np.clip(np.round(score), 1, 10)


def verdicts(draw: Draw, runs: int, questions: int, *, better: float = 0.0, place: float = 0.6) -> Any:
    """By run, question and order: 1, 0.5 or 0 for the second model, from a judge who likes what stands first."""
    gap = draw.normal(better, 1.0, (runs, questions, 1))
    seen = gap + np.array([place, -place]) + draw.normal(0, 0.7, (runs, questions, 2))
    return np.where(seen > 0.25, 1.0, np.where(seen < -0.25, 0.0, 0.5))


def pair_of_runs(
    draw: Draw, runs: int, questions: int, *, better: float = 0.0, alike: float = 1.0
) -> tuple[Any, Any]:
    """Two models' ratings of the same questions; `alike` is how much less the judge varies between them than between questions."""
    difficulty = draw.normal(0, 1.5, (runs, questions, 1)) + np.array([7.0, 6.0])
    bias = LIKED * (draw.lognormal(0, 0.5, (2, runs, questions, 2)) - 1)
    own = alike * draw.normal(0, 0.8, (2, runs, questions, 2)) + alike * bias
    first, second = difficulty + own[0], difficulty + own[1] + better
    return np.clip(np.round(first), 1, 10), np.clip(np.round(second), 1, 10)


def choices(draw: Draw, runs: int, items: int, more: float, less: float) -> Any:
    """Differences of right (1) and wrong (0): the shares that only the second model and only the first gets right."""
    seen = draw.random((runs, items))
    return np.where(seen < more, 1.0, np.where(seen < more + less, -1.0, 0.0))


def turns(questions: int) -> dict[str, list[int]]:
    return {"clusters": [q for q in range(questions) for _ in (0, 1)], "parts": [0, 1] * questions}


def coverage(draw: Draw, runs: int) -> Iterator[Figure]:
    for items in (200, 500, 1000):
        for low, high in ((0.22, 0.28), (0.45, 0.65), (0.95, 0.99)):
            truth = draw.uniform(low, high, runs)
            right = draw.random((runs, items)) < truth[:, None]
            hits = [holds(mean_interval(row), p) for row, p in zip(right.astype(float), truth, strict=True)]
            yield between(
                f"coverage: {items} choices, accuracy {low} to {high}", float(np.mean(hits)), COVERED
            )
    for level, name in ((7.0, "middling"), (8.5, "near the top"), (2.5, "near the bottom")):
        truth = float(ratings(draw, 20, 50_000, level=level).mean())
        for questions in (16, 80):
            rows = ratings(draw, runs, questions, level=level).reshape(runs, -1)
            hang = turns(questions)
            hits = [holds(mean_interval(row, bounds=(1, 10), **hang), truth) for row in rows]
            yield between(
                f"coverage: {questions} questions, two turns, {name}", float(np.mean(hits)), COVERED
            )
    hits = [holds(mean_interval(row), truth) for row in rows]
    yield told("coverage had turns counted as items of their own", float(np.mean(hits)))
    yield from lost(draw, runs)
    for questions in (80, 400):
        truth = float(verdicts(draw, 20, 50_000, better=0.5).mean())
        rows, hang = (
            verdicts(draw, runs, questions, better=0.5).reshape(runs, -1),
            turns(questions)["clusters"],
        )
        hits = [holds(mean_interval(row, clusters=hang), truth) for row in rows]
        yield between(f"coverage: win rate of {questions} pairs, both orders", float(np.mean(hits)), COVERED)
    far = np.where(
        draw.random((runs, 16)) < 0.85, draw.normal(9, 0.7, (runs, 16)), draw.normal(4, 2, (runs, 16))
    )
    far = np.clip(np.round(far), 1, 10)
    hits = [holds(mean_interval(row), float(far.mean())) for row in far]
    yield told("coverage: 16 ratings of 9, but for one in seven", float(np.mean(hits)))


def lost(draw: Draw, runs: int) -> Iterator[Figure]:
    """A tenth of the verdicts cannot be read; three ratings of each answer."""
    rows, truth = ratings(draw, runs, 80), ratings(draw, 20, 50_000).mean()
    read = draw.random(rows.shape) < 0.9
    hang = {key: np.array(value) for key, value in turns(80).items()}
    hits = [
        holds(mean_interval(row[kept], **{key: value[kept] for key, value in hang.items()}), float(truth))
        for row, kept in zip(rows.reshape(runs, -1), read.reshape(runs, -1), strict=True)
    ]
    yield between("coverage: 80 questions, a tenth unreadable", float(np.mean(hits)), COVERED)
    base = draw.normal(6.5, 1.5, (runs, 80, 1))
    three = np.clip(np.round(base + draw.normal(0, 1, (runs, 80, 3))), 1, 10)
    many = np.clip(np.round(draw.normal(6.5, 1.5, (10**6, 1)) + draw.normal(0, 1, (10**6, 3))), 1, 10)
    names = [q for q in range(80) for _ in range(3)]
    hits = [holds(mean_interval(row, clusters=names), float(many.mean())) for row in three.reshape(runs, -1)]
    yield between("coverage: 80 answers, three ratings each", float(np.mean(hits)), COVERED)
    for share in (0.6, 0.95):
        edge = float(np.quantile(draw.normal(size=10**6), share))
        both = draw.normal(0, 0.7, (runs, 80, 1)) + draw.normal(0, 0.51**0.5, (runs, 80, 2)) < edge
        rows = both.reshape(runs, -1).astype(float)
        hits = [holds(mean_interval(row, clusters=turns(80)["clusters"]), share) for row in rows]
        yield between(f"coverage: yes or no, two turns, {share:.0%} yes", float(np.mean(hits)), COVERED)


def tested(first: Any, second: Any, hang: dict[str, Any]) -> list[Any]:
    return [
        paired(one, other, seed=number, resamples=DRAWS, **hang)
        for number, (one, other) in enumerate(zip(first, second, strict=True))
    ]


def bootstrapped(first: Any, second: Any, hang: dict[str, Any]) -> list[bool]:
    """Whether the paired bootstrap's percentiles hold the true difference, which is none."""
    drawn = (
        paired_bootstrap(one, other, seed=number, resamples=DRAWS, **hang)
        for number, (one, other) in enumerate(zip(first, second, strict=True))
    )
    return [holds(one[0], 0) for one in drawn if one]


def differences(draw: Draw, runs: int) -> Iterator[Figure]:
    """Coverage of the difference's interval, and false alarms where there is none."""
    for items, share in ((200, 0.2), (1000, 0.2), (200, 0.05), (1000, 0.02)):
        rows = choices(draw, runs, items, share, share)
        found = tested(np.zeros_like(rows), rows, {})
        name = f"{items} choices, {share:.0%} turn either way"
        yield between(f"false alarms: {name}", float(np.mean([one.p <= 0.05 for one in found])), FALSE)
        rows = choices(draw, runs, items, share * 1.25, share * 0.75)
        hits = [holds(one.interval, share / 2) for one in tested(np.zeros_like(rows), rows, {})]
        yield between(f"coverage: difference, {name}", float(np.mean(hits)), COVERED)
    rows = choices(draw, runs, 200, 0.015, 0.015)
    alarms = float(np.mean([one.p <= 0.05 for one in tested(np.zeros_like(rows), rows, {})]))
    yield Figure("false alarms: 200 choices, 6 that turn", f"{alarms:.4f}", "<= 0.06", alarms <= 0.06)
    for questions, alike in ((16, 1.0), (80, 1.0), (80, 0.4)):
        first, second = pair_of_runs(draw, runs, questions, alike=alike)
        found = tested(first.reshape(runs, -1), second.reshape(runs, -1), turns(questions))
        name = f"{questions} questions, two turns" + (", most ratings equal" if alike < 1 else "")
        yield between(f"false alarms: {name}", float(np.mean([one.p <= 0.05 for one in found])), FALSE)
        if questions == 16:
            drawn = bootstrapped(first.reshape(runs, -1), second.reshape(runs, -1), turns(questions))
            yield told("coverage of the bootstrap's percentiles there", float(np.mean(drawn)))
        first, second = pair_of_runs(draw, 20, 50_000, better=0.4, alike=alike)
        truth = float((second - first).mean())
        first, second = pair_of_runs(draw, runs, questions, better=0.4, alike=alike)
        found = tested(first.reshape(runs, -1), second.reshape(runs, -1), turns(questions))
        yield between(
            f"coverage: difference, {name}",
            float(np.mean([holds(one.interval, truth) for one in found])),
            COVERED,
        )
    rows = verdicts(draw, runs, 80)
    both = tested(1 - rows.reshape(runs, -1), rows.reshape(runs, -1), {"clusters": turns(80)["clusters"]})
    yield between(
        "false alarms: 80 pairs, both orders", float(np.mean([one.p <= 0.05 for one in both])), FALSE
    )
    once = tested(1 - rows[:, :, 0], rows[:, :, 0], {})
    yield told("false alarms had one order been asked", float(np.mean([one.p <= 0.05 for one in once])))
    first, second = pair_of_runs(draw, runs, 80, better=LIKED * 0.5)
    longer = tested(first.reshape(runs, -1), second.reshape(runs, -1), turns(80))
    yield told(
        "false alarms had one answered half again as long", float(np.mean([one.p <= 0.05 for one in longer]))
    )


def family(draw: Draw, runs: int) -> Iterator[Figure]:
    """Three equal checkpoints on three tasks, nine comparisons: any false alarm at all."""
    alarms, plain = 0, 0
    for _ in range(runs):
        right = (draw.random((3, 3, 300)) < draw.random((1, 3, 300))).astype(float)
        values = [
            paired(right[a, task], right[b, task], seed=0).p
            for task in range(3)
            for a, b in ((0, 1), (0, 2), (1, 2))
        ]
        alarms += min(holm(values)) <= 0.05
        plain += min(values) <= 0.05
    yield told("any false alarm of nine, without Holm", plain / runs)
    yield Figure(
        "any false alarm of nine, with Holm", f"{alarms / runs:.4f}", "<= 0.06", alarms / runs <= 0.06
    )


def seen(draw: Draw, runs: int) -> Iterator[Figure]:
    """How often a true difference of the size that `smallest` names is seen, and whether one run names it well."""
    for items, share in ((200, 0.4), (1000, 0.4), (1000, 0.05)):
        factor = (1.959964 + 0.841621) ** 2 / items
        gap = float((share * factor / (1 + factor)) ** 0.5)
        rows = choices(draw, runs, items, (share + gap) / 2, (share - gap) / 2)
        name = f"{items} choices, {share:.0%} turn"
        yield from power(name, tested(np.zeros_like(rows), rows, {}), gap)
    for questions in (16, 80):
        first, second = pair_of_runs(draw, 20, 50_000)
        spread = float((second - first).mean(axis=-1).std())
        found = paired(np.zeros(questions), spread * unit(questions), seed=0, resamples=DRAWS)
        gap = found.smallest()
        first, second = (rows.reshape(runs, -1) for rows in pair_of_runs(draw, runs, questions))
        yield from power(
            f"{questions} questions, two turns", tested(first, second + gap, turns(questions)), gap
        )


def unit(size: int) -> Any:
    """Numbers of mean 0 and standard deviation 1."""
    line = np.arange(size) - (size - 1) / 2
    return line / line.std(ddof=1)


def power(name: str, found: list[Any], gap: float) -> Iterator[Figure]:
    yield between(f"seen: {name}, {gap:.3f} apart", float(np.mean([one.p <= 0.05 for one in found])), SEEN)
    named = float(np.median([one.smallest() for one in found])) / gap
    yield between(f"named by one run / true: {name}", named, (0.9, 1.1))


PARTS: tuple[Callable[[Draw, int], Iterator[Figure]], ...] = (coverage, differences, family, seen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="simulated evaluations for each figure")
    parser.add_argument("--seed", type=int, default=SEED, help="what they are drawn with")
    given = parser.parse_args()
    print(heading(), flush=True)
    found = []
    for part in PARTS:
        for figure in part(np.random.default_rng(given.seed), given.runs):
            print(figure, flush=True)
            found.append(figure)
    return summed_up(found)


if __name__ == "__main__":
    raise SystemExit(main())

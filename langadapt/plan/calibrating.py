"""The sample's segments really translated, through memory and retries as a run does it, and what that tells of the rest.

Engines take what is longest first, in batches, and a batch takes as long as its longest answer. A sample fills batches
otherwise than a whole window does: texts of different lengths stand together, which wastes time, and so fewer of them
compete for the longest answer, which saves some. Both follow from the lengths and the answers of the sample itself: what
its batches had for a longest answer, and what batches of the same size among many texts of equal length would have.
The time until the model is loaded is told apart, too.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from langadapt.interfaces import Hypothesis, Segment, Translator
from langadapt.languages import Language

Clock = Callable[[], float]
_WARM = 2
_FEW = 12
_UNSURE = 0.3


@dataclass(frozen=True)
class Heard:
    """What came back, segment by segment, and how long it took: all in seconds of the clock that was given.

    `load` is spent once, `waste` in every call, `rate` on every character; `noise` is the standard deviation of the rate
    as a share of it. `seconds` is all that the calibration took.
    """

    hypotheses: dict[Segment, Hypothesis] = field(default_factory=dict)
    load: float = 0.0
    waste: float = 0.0
    rate: float = 0.0
    noise: float = _UNSURE
    seconds: float = 0.0

    @property
    def characters(self) -> int:
        """Characters of what was sent, which is not sent again."""
        return sum(len(segment.text) for segment in self.hypotheses)


def heard(
    translator: Translator,
    segments: Sequence[Segment],
    languages: tuple[Language, Language],
    *,
    size: int | None,
    clock: Clock,
) -> Heard:
    """Translate distinct segments: the shortest ones to load the model, then all others in one call; `size` is the engine's batch."""
    ordered = sorted(segments, key=lambda segment: len(segment.text))
    found: dict[Segment, Hypothesis] = {}
    first = _call(translator, ordered[:_WARM], languages, clock, found)
    arrivals = _call(translator, ordered[_WARM:], languages, clock, found)
    warm, main = _last(first), _last(arrivals)
    characters = sum(one.size for one in arrivals)
    if not characters:
        return Heard(found, rate=warm / max(1, sum(one.size for one in first)), seconds=warm)
    waste, noise = _told(arrivals, size)
    rate = (main - waste) / characters
    load = max(0.0, warm - rate * sum(one.size for one in first))
    return Heard(found, load, max(0.0, waste), rate, noise, warm + main)


def _call(
    translator: Translator,
    segments: Sequence[Segment],
    languages: tuple[Language, Language],
    clock: Clock,
    found: dict[Segment, Hypothesis],
) -> list["_Arrival"]:
    """What came back, in order; a text's size is its characters."""
    if not segments:
        return []
    begun = clock()
    arrivals = []
    for index, hypothesis in translator.translate(segments, source=languages[0], target=languages[1]):
        found[segments[index]] = hypothesis
        arrivals.append(_Arrival(clock() - begun, len(segments[index].text), hypothesis.tokens_out))
    return arrivals


@dataclass(frozen=True)
class _Arrival:
    """One answer: seconds after the call began, characters of its text, tokens of the answer."""

    at: float
    size: int
    tokens: int


def _last(arrivals: Sequence[_Arrival]) -> float:
    return max((one.at for one in arrivals), default=0.0)


def _told(arrivals: Sequence[_Arrival], size: int | None) -> tuple[float, float]:
    """What the call took beyond its texts, in seconds, below zero where it took less; and how unsure its rate is, as a share."""
    groups = _groups(arrivals, size)
    whole = _last(arrivals)
    if len(arrivals) < _FEW or whole <= 0:
        return 0.0, _UNSURE
    if len(arrivals) < 2 * len(groups):
        noise = max(_spread(_merged(groups, most)) for most in (24, 12, 6))
        waste = max(0.0, _stream(arrivals) - noise * whole)
        return waste, min(_UNSURE, math.hypot(noise, waste / whole / 4))
    if len(groups) < 3:
        return 0.0, _UNSURE
    return whole * (1 - _denser(groups)), max(_spread(groups), _spread(_merged(groups, 8)))


def _groups(arrivals: Sequence[_Arrival], size: int | None) -> list[list[_Arrival]]:
    """What came back together: by the batch where its size is known, by the clock otherwise."""
    if size:
        return [list(arrivals[start : start + size]) for start in range(0, len(arrivals), size)]
    gap = 0.25 * _last(arrivals) / max(len(arrivals), 1)
    groups: list[list[_Arrival]] = []
    before = -math.inf
    for one in arrivals:
        if one.at - before > gap:
            groups.append([])
        groups[-1].append(one)
        before = one.at
    return groups


def _denser(groups: Sequence[Sequence[_Arrival]]) -> float:
    """How long the same texts take in batches of texts as long as they are, beside how long they took."""
    import numpy as np

    rng = np.random.default_rng(0)
    batch = max(map(len, groups))
    longest = dense = 0.0
    for number, group in enumerate(groups):
        near = [one for other in groups[max(0, number - 1) : number + 2] for one in other]
        ratios = np.array([one.tokens / max(one.size, 1) for one in near])
        most = float(rng.choice(ratios, size=(64, batch)).max(axis=1).mean())
        longest += max(one.tokens for one in group)
        dense += most * sum(one.size for one in group) / batch
    if not (longest and dense):
        return 1.0
    return min(1.3, max(0.5, dense / longest))


def _stream(arrivals: Sequence[_Arrival]) -> float:
    """The time at both ends, where fewer texts than usual are under way: all of it less what the middle's rate says."""
    low, high = len(arrivals) // 5, len(arrivals) * 4 // 5
    seconds = arrivals[high].at - arrivals[low].at
    characters = sum(one.size for one in arrivals[low + 1 : high + 1])
    whole = _last(arrivals)
    if seconds <= 0 or not characters:
        return 0.0
    return min(max(0.0, whole - sum(one.size for one in arrivals) * seconds / characters), 0.7 * whole)


def _merged(groups: Sequence[list[_Arrival]], most: int) -> list[list[_Arrival]]:
    step = math.ceil(len(groups) / most)
    return [
        [one for group in groups[start : start + step] for one in group]
        for start in range(0, len(groups), step)
    ]


def _spread(groups: Sequence[Sequence[_Arrival]]) -> float:
    """The standard error of the rate, from what neighbours differ by: how it changes with the length is no noise."""
    ends = [0.0, *(_last(group) for group in groups)]
    sizes = [sum(one.size for one in group) for group in groups]
    rates = [
        (after - before) / size for (before, after), size in zip(pairwise(ends), sizes, strict=True) if size
    ]
    if len(rates) < 3:
        return _UNSURE
    mean = sum(rates) / len(rates)
    steps = sum((after - before) ** 2 for before, after in pairwise(rates)) / (len(rates) - 1)
    return min(_UNSURE, math.sqrt(steps / 2) / mean / math.sqrt(len(rates))) if mean else _UNSURE

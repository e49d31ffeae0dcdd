"""A figure with its interval, and what can be done with one."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """What is expected, between low and high; all three are of one unit and not below zero."""

    low: float
    expected: float
    high: float

    def __add__(self, other: "Estimate") -> "Estimate":
        """The sum; lows and highs are taken to come together, which is the wider of the two ways."""
        return Estimate(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, other: "Estimate | float") -> "Estimate":
        factor = other if isinstance(other, Estimate) else exact(other)
        return Estimate(self.low * factor.low, self.expected * factor.expected, self.high * factor.high)

    def __truediv__(self, other: "Estimate | float") -> "Estimate":
        """The quotient: the most over the least is the high one."""
        by = other if isinstance(other, Estimate) else exact(other)
        return Estimate(self.low / by.high, self.expected / by.expected, self.high / by.low)

    def told(self) -> dict[str, float]:
        """As JSON holds it, to four digits."""
        return {"low": short(self.low), "expected": short(self.expected), "high": short(self.high)}


NOTHING = Estimate(0.0, 0.0, 0.0)


def exact(value: float) -> Estimate:
    """A figure that is known."""
    return Estimate(value, value, value)


def total(found: Iterable[Estimate]) -> Estimate:
    """The sum of all; nothing where there is none."""
    return sum(found, NOTHING)


def around(expected: float, draws: Sequence[float], sampled: float, more: float = 0.0) -> Estimate:
    """An estimate of a whole from draws of the bootstrap over its sample, a 95 % interval.

    `sampled` is the share of the whole that was seen: that share is not uncertain. `more` is a standard deviation that
    the draws do not hold, as a share of what is expected.
    """
    import numpy as np

    spread = np.asarray(draws, dtype=float) - expected if len(draws) else np.zeros(1)
    known = math.sqrt(max(0.0, 1.0 - sampled))
    below, above = -1.96 * float(np.std(spread)), 1.96 * float(np.std(spread))
    low, high = float(np.quantile(spread, 0.025)), float(np.quantile(spread, 0.975))
    down = math.hypot(known * min(below, low), 1.96 * more * expected)
    up = math.hypot(known * max(above, high), 1.96 * more * expected)
    return Estimate(max(0.0, expected - down), expected, expected + up)


def short(value: float) -> float:
    """Four digits that count; a whole number where it is one of as many."""
    if not math.isfinite(value) or value == 0:
        return 0.0 if value == 0 else value
    digits = 3 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded

"""Two models on the same items: how far apart, how sure, and what could have been seen."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langadapt.statistics.groups import NEAR, Groups, grouped
from langadapt.statistics.intervals import CONFIDENCE, hall, normal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

POWER, RESAMPLES = 0.8, 9999
_CELLS = 4_000_000
_MOST_DRAWS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Paired:
    """The second model against the first on the same items.

    `difference` (second less first) and its 95 % `interval` are in the score's unit; `p` is two-sided, and without correction for
    other comparisons. `spread` is the standard deviation of the clusters' differences, with `freedom` degrees. `step` is what
    one item changes where differences have one size, else 0.
    """

    difference: float
    interval: tuple[float, float] | None
    p: float
    spread: float
    items: int
    clusters: int
    freedom: int
    step: float

    def smallest(self, *, level: float = 1 - CONFIDENCE, power: float = POWER) -> float | None:
        """The smallest true difference that a test at `level` would have seen with this power; None where nothing tells."""
        from scipy.special import stdtrit

        least = math.ceil(
            math.log2(1 / level)
        )  # clusters that must differ, all to one side, for p to reach the level
        if least > self.clusters or not (self.spread or self.step):
            return None
        quantiles = float(stdtrit(self.freedom, 1 - level / 2) + stdtrit(self.freedom, power))
        return max(float(quantiles * self.spread / self.clusters**0.5), least * self.step)


def paired(
    first: Sequence[float],
    second: Sequence[float],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    parts: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
) -> Paired | None:
    """Test the mean of `second` against that of `first`, item by item in one order; None for fewer than two clusters or no numbers.

    The test flips the signs of the clusters' differences (scipy's `permutation_test`; all flips where there are at most
    `resamples`), and counts ties half: the mid-p of Lancaster 1961, without which a test on few values that differ is far too
    careful (Fagerland, Lydersen, Laake 2013, doi 10.1186/1471-2288-13-91). Where differences have one size, as right
    and wrong do, flips are counted by the binomial distribution, and the interval is Tango's (1998, Stat. Med. 17, 891-908).
    """
    import numpy as np

    apart = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    found = _clusters(apart, clusters, parts)
    if found is None:
        return None
    sizes = np.unique(np.abs(apart[apart != 0]))
    if sizes.size <= 1 and found.values.size == apart.size and found.parts == 1:
        size = float(sizes[0]) if sizes.size else 1.0
        step = size / apart.size
        p = _binomial(int((apart > 0).sum()), int((apart < 0).sum()))
        low, high = _tango(int((apart > 0).sum()), int((apart < 0).sum()), apart.size)
        interval: tuple[float, float] | None = (low * size, high * size)
    else:
        p = _flipped(found.sums, _draws(found, resamples), seed)
        interval, step = hall(found), 0.0
    return Paired(
        difference=found.mean if abs(found.mean) > NEAR * float(np.abs(apart).max()) else 0.0,
        interval=interval,
        p=p,
        spread=found.spread,
        items=apart.size,
        clusters=found.values.size,
        freedom=found.freedom,
        step=step,
    )


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    *,
    seed: int,
    clusters: Sequence[Hashable] | None = None,
    parts: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
) -> tuple[tuple[float, float], float] | None:
    """Koehn's paired bootstrap (2004, W04-3250) by scipy's `bootstrap`, clusters drawn as wholes.

    The 95 % percentiles of the difference (second less first), and the share of resamples in which it is zero or has the
    other sign. None as in `paired`, and where all clusters differ by the same.
    """
    import numpy as np
    from scipy.stats import bootstrap

    apart = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    found = _clusters(apart, clusters, parts)
    if found is None or not found.spread:
        return None
    told = bootstrap(
        (found.values,), _mean, method="percentile", n_resamples=_draws(found, resamples), vectorized=True,
        batch=max(1, _CELLS // found.values.size), rng=np.random.default_rng(seed), confidence_level=CONFIDENCE,
    )  # fmt: skip
    turned = np.sign(found.mean) * told.bootstrap_distribution <= 0
    low, high = (float(end) for end in told.confidence_interval)
    return (low, high), float(turned.mean())


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in their own order: the chance of any false alarm stays below the level (Holm 1979)."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, least = [1.0] * len(values), 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, values[index] * (len(values) - rank)))
        corrected[index] = least
    return corrected


def _clusters(
    apart: "Array", clusters: Sequence[Hashable] | None, parts: Sequence[Hashable] | None
) -> Groups | None:
    import numpy as np

    return grouped(apart, clusters, parts) if apart.size > 1 and np.isfinite(apart).all() else None


def _draws(found: Groups, wanted: int) -> int:
    """Fewer for many clusters, whose distribution is smooth."""
    return min(wanted, max(999, _MOST_DRAWS // found.values.size))


def _binomial(more: int, less: int) -> float:
    from scipy.special import bdtr, bdtrc

    n, most = more + less, max(more, less)
    if not n:
        return 1.0
    above, here = (
        float(bdtrc(most, n, 0.5)),
        float(bdtr(most, n, 0.5) - (bdtr(most - 1, n, 0.5) if most else 0)),
    )
    return min(1.0, 2 * above + here)


def _tango(more: int, less: int, n: int) -> tuple[float, float]:
    """Differences of two paired proportions that the score test does not refuse."""
    from scipy.optimize import brentq

    z = normal()

    def score(gap: float) -> float:
        b = -more - less + (2 * n - more + less) * gap
        share = (max(0.0, b * b + 8 * n * less * gap * (1 - gap)) ** 0.5 - b) / (4 * n)
        variance = n * (2 * share + gap * (1 - gap))
        return float((more - less - n * gap) / max(variance, 1e-300) ** 0.5)

    middle = (more - less) / n
    low = -1.0 if score(-1 + NEAR) < z else brentq(lambda gap: score(gap) - z, -1 + NEAR, middle)
    high = 1.0 if score(1 - NEAR) > -z else brentq(lambda gap: score(gap) + z, middle, 1 - NEAR)
    return float(low), float(high)


def _flipped(sums: "Array", resamples: int, seed: int) -> float:
    import numpy as np
    from scipy.stats import permutation_test

    told = permutation_test(
        (sums,), _mean, permutation_type="samples", n_resamples=resamples, vectorized=True,
        batch=max(1, _CELLS // sums.size), rng=np.random.default_rng(seed),
    )  # fmt: skip
    null, seen = np.abs(told.null_distribution), abs(told.statistic)
    near = NEAR * float(np.abs(sums).mean())
    equal, above = np.abs(null - seen) <= near, null > seen + near
    every = sums.size <= math.log2(resamples)
    return float((above.sum() + (equal.sum() + (not every)) / 2) / (null.size + (not every)))


def _mean(values: Any, axis: int = -1) -> Any:
    return values.mean(axis=axis)

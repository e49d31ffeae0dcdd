"""Intervals for means and percentiles, through scipy and numpy."""

from collections.abc import Sequence

CONFIDENCE = 0.95
_RESAMPLES = 2000
_CELLS = 4_000_000


def mean_interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """A 95 % confidence interval for the mean of independent values, in their own unit.

    Zeros and ones are a proportion: Wilson's score interval. Other values: the bias-corrected and accelerated bootstrap
    of 2,000 resamples, and percentiles of the same where that is not defined. None where the values cannot tell: fewer
    than two, all the same (a proportion aside), or not finite.
    """
    import math

    n = len(values)
    if n < 2 or not all(math.isfinite(value) for value in values):
        return None
    if all(value in (0, 1) for value in values):
        from scipy.stats import binomtest

        found = binomtest(round(sum(values)), n).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)
    if max(values) == min(values):
        return None
    return _bootstrap(values, "BCa", seed) or _bootstrap(values, "percentile", seed)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies, between the two nearest where none is there."""
    import numpy as np

    return float(np.quantile(np.asarray(values, dtype=float), share))


def _bootstrap(values: Sequence[float], method: str, seed: int) -> tuple[float, float] | None:
    import warnings

    import numpy as np
    from scipy.stats import DegenerateDataWarning, bootstrap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (np.asarray(values, dtype=float),),
            np.mean,
            n_resamples=_RESAMPLES,
            batch=max(1, _CELLS // len(values)),
            confidence_level=CONFIDENCE,
            method=method,
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if np.isfinite((low, high)).all() else None

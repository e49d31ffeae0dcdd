"""Intervals for means and percentiles."""

from collections.abc import Hashable, Sequence

from langadapt.statistics.groups import Groups, grouped

CONFIDENCE = 0.95


def mean_interval(
    values: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    parts: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
) -> tuple[float, float] | None:
    """A 95 % confidence interval for a mean, in the values' own unit.

    `clusters` says for each value what it hangs together with, `parts` of which mean it is a part: the interval is then for
    the unweighted mean of the parts' means. `bounds` are the ends of the scale, which the interval does not leave.

    Zeros and ones: Wilson's score interval, for clusters or parts with the effective number of values (Franco, Little, Louis,
    Slud 2019, doi 10.1093/jssam/smy019). Other values: Student's t after Hall's cubic transformation, which takes out skewness
    (Hall 1992, J. R. Stat. Soc. B 54, 221-228); of 16 values the bootstrap's percentiles, BCa or not, are too narrow. None
    where the values cannot tell: fewer than two, all the same (zeros or ones aside), or not finite.
    """
    import numpy as np

    data = np.asarray(values, dtype=float)
    if data.size < 2 or not np.isfinite(data).all():
        return None
    binary = bool(np.isin(data, (0, 1)).all())
    if binary and clusters is None and parts is None:
        return _wilson(float(data.mean()), data.size, normal())
    found = grouped(data, clusters, parts)
    if found is None:
        return None
    if binary:
        error, p = found.spread**2 / found.values.size, found.mean
        known = min(data.size, p * (1 - p) / error) if error else found.values.size
        return _wilson(p, known, _student(found.freedom))
    told = hall(found)
    return told if told is None or bounds is None else (max(bounds[0], told[0]), min(bounds[1], told[1]))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies, between the two nearest where none is there."""
    import numpy as np

    return float(np.quantile(np.asarray(values, dtype=float), share))


def hall(found: Groups) -> tuple[float, float] | None:
    """Student's 95 % interval on the scale of g(t) = t + a t² + a² t³ / 3 + b, where skewness is gone to second order."""
    import numpy as np

    n, spread, quantile = found.values.size, found.spread, _student(found.freedom)
    if not spread:
        return None
    skew = float((((found.values - found.mean) / spread) ** 3).mean())

    def back(t: float) -> float:
        if abs(skew) < 1e-6:
            return float(t / n**0.5)
        return float((np.cbrt(1 + skew * (t / n**0.5 - skew / (6 * n))) - 1) * 3 / skew)

    return found.mean - spread * back(quantile), found.mean - spread * back(-quantile)


def normal() -> float:
    """The quantile of the normal distribution that a two-sided 95 % interval takes."""
    from scipy.special import ndtri

    return float(ndtri((1 + CONFIDENCE) / 2))


def _student(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _wilson(p: float, n: float, z: float) -> tuple[float, float]:
    centre, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    low, high = (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    return (0.0 if p == 0 else max(0.0, low)), (1.0 if p == 1 else min(1.0, high))

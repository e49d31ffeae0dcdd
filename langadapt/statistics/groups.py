"""Values that hang together, as clusters whose spread is that of the estimate."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NEAR = 1e-9
"""Below this share of a value, a difference is rounding."""


@dataclass(frozen=True)
class Groups:
    """Clusters as values around the mean: `values` spread as the estimate does, `sums` add up to it as it stands."""

    mean: float
    values: "Array"
    sums: "Array"
    freedom: int
    parts: int

    @property
    def spread(self) -> float:
        """The standard deviation between clusters; 0 where there is nothing but rounding."""
        gaps = self.values - self.mean
        variance = float((gaps**2).sum()) / (self.values.size - 1)
        return 0.0 if variance < (NEAR * max(1.0, abs(self.mean))) ** 2 else float(variance**0.5)


def grouped(
    data: "Array", clusters: Sequence[Hashable] | None, parts: Sequence[Hashable] | None
) -> Groups | None:
    """Each cluster's share in the mean, linearised; None where the clusters (of a part, where parts share none) are fewer than two."""
    import numpy as np

    part = _numbered(parts) if parts is not None else np.zeros(data.size, dtype=int)
    cluster = _numbered(clusters) if clusters is not None else np.arange(data.size)
    held = np.bincount(part)
    count, groups = int(cluster.max()) + 1, len(held)
    weight = 1 / (groups * held[part])
    means = np.bincount(part, data) / held
    own = weight * (data - means[part])
    pairs = {(int(c), int(p)) for c, p in zip(cluster, part, strict=True)} if groups > 1 else set()
    nested = groups > 1 and len(pairs) == count
    freedom = count - groups if nested else count - 1
    if nested:
        within = np.bincount([p for _, p in pairs], minlength=groups)
        if within.min() < 2:
            return None
        own = own * np.sqrt(within / (within - 1) * (count - 1) / count)[part]
    if freedom < 1:
        return None
    mean = float((weight * data).sum())
    return Groups(
        mean=mean,
        values=np.asarray(mean + count * np.bincount(cluster, own), dtype=float),
        sums=np.asarray(count * np.bincount(cluster, weight * data), dtype=float),
        freedom=freedom,
        parts=groups,
    )


def _numbered(names: Sequence[Hashable]) -> "NDArray[np.intp]":
    import numpy as np

    numbers: dict[Hashable, int] = {}
    return np.asarray([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)

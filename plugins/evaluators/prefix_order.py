"""Token sequences in an order in which what they begin with alike stands together, and in which forwards they are computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

_OVERHEAD = 32
"""What one more forward costs, in tokens: it reads all weights. Measured on a processor; on an accelerator it is more."""

Ints = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Ordered:
    """Distinct sequences, sorted: `shared[n]` tokens at the start of row n are those of row n - 1."""

    rows: list[Ints]
    places: Ints
    """Which row each of the given sequences is."""
    shared: Ints
    lengths: Ints
    _sums: Ints
    _all: Ints
    apart: bool = False
    """Whether rows are computed side by side: each then costs all its tokens behind what is kept."""

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int] | Ints]) -> "Ordered":
        """Sort and compare; big-endian bytes sort as their numbers do."""
        keys = [np.asarray(one, dtype=">u4").tobytes() for one in sequences]
        distinct = sorted(set(keys))
        place = {key: number for number, key in enumerate(distinct)}
        rows = [np.frombuffer(key, dtype=">u4").astype(np.int64) for key in distinct]
        shared = np.array([0, *(_common(a, b) for a, b in pairwise(rows))][: len(rows)], dtype=np.int64)
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        return cls(
            rows,
            np.array([place[key] for key in keys], dtype=np.int64),
            shared,
            lengths,
            np.concatenate([[0], np.cumsum(lengths - shared)]),
            np.concatenate([[0], np.cumsum(lengths)]),
        )

    @property
    def tokens(self) -> int:
        """How many tokens have to be computed when every distinct beginning is computed once."""
        return int(self._sums[-1])

    def sizes(self, first: int, depth: int) -> Ints:
        """Tokens behind `depth` of rows `first` to each row after it; those rows have to share `depth` tokens."""
        if self.apart:
            each: Ints = self._all[first + 1 :] - self._all[first]
            return each - depth * np.arange(1, len(each) + 1)
        own = int(self.lengths[first]) - depth
        found: Ints = own + self._sums[first + 1 :] - self._sums[first + 1]
        return found

    def alike(self, first: int) -> Ints:
        """How many tokens each row behind `first` has in common with it."""
        return np.minimum.accumulate(self.shared[first + 1 :])


@dataclass(frozen=True)
class Step:
    """Rows `first` to `last` (not with it) behind `start`, as a tree; or the tokens of row `first` up to `stop`, to be kept."""

    first: int
    last: int
    start: int
    stop: int | None = None


def next_step(order: Ordered, first: int, start: int, most: int) -> Step:
    """What to compute next where `start` tokens of row `first` are kept; `most` tokens at once, unless one row is longer.

    A beginning is computed by itself, and kept, where what follows it does not fit beside it and to compute it again
    would cost more than one more forward.
    """
    alike = order.alike(first)
    near = int(
        np.searchsorted(-alike, -start, side="right")
    )  # rows behind this one that share `start` tokens
    alike, sizes = alike[:near], order.sizes(first, start)[: near + 1]
    if sizes[-1] <= most and not order.apart:
        return Step(first, first + near + 1, start)
    stop = _kept(order, first, start, most, alike)
    if stop > start:
        return Step(first, first + 1, start, stop)
    fits = max(1, int(np.searchsorted(sizes, most, side="right")))
    again = np.append(order.shared[first + 1 : first + fits + 1], 0)[:fits] - start
    spent = (_OVERHEAD + sizes[:fits] + np.maximum(again, 0)) / np.maximum(sizes[:fits], 1)
    best = fits - int(np.argmin(spent[::-1]))
    return Step(first, first + best, start)


def _kept(order: Ordered, first: int, start: int, most: int, alike: Ints) -> int:
    """Up to where the tokens of a row are worth keeping; `start` where none are."""
    kept = start
    for depth in sorted(set(alike[alike > start].tolist())):
        count = int(np.searchsorted(-alike, -depth, side="right"))
        size = int(order.sizes(first, kept)[count])
        if size <= most and not order.apart:
            break
        length = depth - kept
        branches = 1 + int((order.shared[first + 1 : first + count + 1] == depth).sum())
        room = most - length
        forwards = branches if room <= 0 else min(branches, -(-(size - length) // room))
        if (count if order.apart else forwards - 1) * length > _OVERHEAD:
            kept = depth
    return kept


@dataclass(frozen=True, eq=False)
class Tree:
    """Tokens of several rows behind a common beginning, each once; `seen[i, j]` where token j is i or before it in its row.

    `seen` is empty where one row is computed from its first token.
    """

    tokens: Ints
    depths: Ints
    seen: Ints
    paths: list[Ints]
    """For each row, where its tokens behind the beginning are."""


def tree(order: Ordered, step: Step) -> Tree:
    """The tokens of a step, and which of them each one follows."""
    start, rows = step.start, range(step.first, step.last)
    if step.stop is not None:
        rows = range(step.first, step.first + 1)
    ends = [int(order.lengths[row]) if step.stop is None else step.stop for row in rows]
    begins = [start if row == step.first else max(start, int(order.shared[row])) for row in rows]
    total = sum(end - begin for begin, end in zip(begins, ends, strict=True))
    alone = len(ends) == 1 and not start  # plainly causal: a mask would only cost
    seen = np.zeros((0, 0) if alone else (total, total), dtype=bool)
    path = np.empty(max(ends) - start, dtype=np.int64)
    tokens, depths, paths, at = [], [], [], 0
    for row, begin, end in zip(rows, begins, ends, strict=True):
        new = end - begin
        path[begin - start : end - start] = np.arange(at, at + new)
        if not alone:
            seen[at : at + new, path[: begin - start]] = True
            seen[at : at + new, at : at + new] = np.tri(new, dtype=bool)
        tokens.append(order.rows[row][begin:end])
        depths.append(np.arange(begin, end))
        paths.append(path[: end - start].copy())
        at += new
    return Tree(np.concatenate(tokens), np.concatenate(depths), seen, paths)


def _common(a: Ints, b: Ints) -> int:
    length = min(len(a), len(b))
    other = a[:length] != b[:length]
    return int(other.argmax()) if other.any() else length

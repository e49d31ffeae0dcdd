"""Which log-likelihoods are asked for, where in a forward they come from, and what was found. Imports torch: import this late."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from langadapt_plugins.evaluators.prefix_order import Ints, Ordered, Step, Tree


class Wanted:
    """The tokens to score of every request, as rows of an `Ordered`."""

    def __init__(self, order: Ordered, continuations: Sequence[Sequence[int]]) -> None:
        """`continuations[n]` are what the last tokens of sequence n are to be followed by, each one place on."""
        self._order = order
        counts = np.array([len(one) for one in continuations], dtype=np.int64)
        self.begins = order.lengths[order.places] - counts
        self.ends = np.cumsum(counts)
        self.targets = np.fromiter((token for one in continuations for token in one), np.int64, counts.sum())
        self.likelihoods = np.full(len(self.targets), np.nan)
        self.greedy = np.zeros(len(self.targets), dtype=bool)
        self._double = False
        self._by_row = np.argsort(order.places, kind="stable")
        self._bounds = np.searchsorted(order.places[self._by_row], np.arange(len(order.rows) + 1))
        self._first = order.lengths.copy()
        np.minimum.at(self._first, order.places, self.begins)

    def of(self, step: Step, made: Tree) -> tuple[Ints, Ints]:
        """For each token that a step gives the likelihood of: where in the tree, and where in `targets`."""
        if step.stop is None:
            rows = np.arange(step.first, step.last)
            limits = self._order.lengths[step.first : step.last]
        else:  # all rows that go this way are given theirs, for the step may not be taken again
            alike = self._order.alike(step.first)
            near = int(np.searchsorted(-alike, -step.start, side="left"))
            rows = np.arange(step.first, step.first + near + 1)
            limits = np.concatenate([[step.stop], np.minimum(alike[:near], step.stop)])
        some = self._first[rows] < limits
        rows, limits = rows[some], limits[some]
        where, which = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for row, limit in zip(rows.tolist(), limits.tolist(), strict=True):
            path = made.paths[0 if step.stop is not None else row - step.first]
            for request in self._by_row[self._bounds[row] : self._bounds[row + 1]].tolist():
                begin = int(self.begins[request])
                low, high = max(begin, step.start), limit
                if low < high:
                    where.append(path[low - step.start : high - step.start])
                    at = int(self.ends[request]) - (int(self._order.lengths[row]) - begin)
                    which.append(np.arange(at + low - begin, at + high - begin))
        return np.concatenate(where), np.concatenate(which)

    def found(self, which: Ints, likelihoods: Any, greedy: Any) -> None:
        """Take what a forward gives, as arrays."""
        self.likelihoods[which] = likelihoods
        self._double = likelihoods.dtype == np.float64
        self.greedy[which] = greedy

    def answers(self, row: int) -> list[tuple[int, float, bool]]:
        """The requests of a row, each with the sum of its log-likelihoods and whether every token is the likeliest.

        The sum is torch's in 32 bits, as `hf` has it: of a long text, 64 bits would give another.
        """
        kind = torch.float64 if self._double else torch.float32
        answers = []
        for request in self._by_row[self._bounds[row] : self._bounds[row + 1]].tolist():
            end = int(self.ends[request])
            own = slice(end - int(self._order.lengths[row] - self.begins[request]), end)
            value = float(torch.from_numpy(self.likelihoods[own]).to(kind).sum())
            answers.append((request, value, bool(self.greedy[own].all())))
        return answers

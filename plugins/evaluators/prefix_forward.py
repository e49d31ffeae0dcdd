"""Sequences that begin alike through a causal model, each distinct beginning once. Imports torch: import this late."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nn

from langadapt_plugins.evaluators.prefix_attention import AT_ONCE, in_blocks
from langadapt_plugins.evaluators.prefix_fits import masks, text_config
from langadapt_plugins.evaluators.prefix_order import Ints, Ordered, Step, Tree, next_step, tree
from langadapt_plugins.evaluators.prefix_stack import Stack
from langadapt_plugins.evaluators.prefix_wanted import Wanted

_LEAST = 16
"""Tokens at once below which memory that runs out is not met by fewer."""
_ROWS = 256
"""Positions whose likelihoods over the vocabulary are computed at once."""


class Forward:
    """A model with the keys and values of one beginning; what lies behind it is computed as a tree, and let go."""

    def __init__(
        self,
        call: Callable[..., Any],
        model: Any,
        most: int,
        softmax_dtype: torch.dtype | None = None,
    ) -> None:
        """`call` runs `model`; `most` tokens are computed at once; of one sequence, more."""
        self._call, self._model, self._softmax_dtype = call, model, softmax_dtype
        self.most = most
        self.block = AT_ONCE
        """Tokens that attention takes at once, about."""
        self._longest = self._whole(most)
        """Tokens of one sequence at once; None while there is no end to them."""
        self._cache: Any = self._fresh()
        self.computed = 0
        """Tokens that went through the model."""
        self.forwards = 0

    def _fresh(self) -> Any:
        return Stack()

    def _whole(self, most: int) -> int | None:
        """An accelerator says when memory runs out, and is fastest with whole sequences; a processor's process is killed."""
        return 2 * most if self._model.device.type == "cpu" else None

    def score(self, order: Ordered, wanted: Wanted, windows: bool) -> Iterator[int]:
        """Fill in what is wanted; gives every row as soon as it is done."""
        row = depth = 0
        self._cache = self._fresh()
        while row < len(order.rows):
            step = self._cut(order, next_step(order, row, depth, self.most))
            made = tree(order, step)
            try:
                self._run(step, made, wanted, windows)
            except (RuntimeError, MemoryError) as error:
                if not _ran_out(error) or len(made.tokens) <= _LEAST:
                    raise
                self._less(len(made.tokens))
                depth = 0
                continue
            if step.stop is not None:
                depth = step.stop
                continue
            yield from range(step.first, step.last)
            row = step.last
            depth = self._cache.go_back(
                min(depth, int(order.shared[step.first + 1 : row + 1].min(initial=depth)))
            )
        self._cache = self._fresh()

    def _cut(self, order: Ordered, step: Step) -> Step:
        """The same step, or as much of its first row as may be computed at once."""
        if self._longest is None:
            return step
        end = step.start + self._longest
        if step.stop is not None:
            return Step(step.first, step.last, step.start, min(step.stop, end))
        if int(order.lengths[step.first]) > end and step.last == step.first + 1:
            return Step(step.first, step.last, step.start, end)
        return step

    def _less(self, tokens: int) -> None:
        """Memory has run out: begin anew with half as many tokens at once."""
        self._cache = self._fresh()
        self.most = max(_LEAST, min(self.most, tokens) // 2)
        self._longest = self.most
        torch.cuda.empty_cache()

    def _run(self, step: Step, made: Tree, wanted: Wanted, windows: bool) -> None:
        if not len(made.tokens):
            return
        where, which = wanted.of(step, made)
        places, inverse = np.unique(where, return_inverse=True)
        self._cache.go_back(step.start)
        logits = self.logits(made, step.start, places, windows)
        if step.stop is None:
            self._cache.go_back(step.start)
        targets = wanted.targets[which]
        for begin in range(0, len(places), _ROWS):
            chosen = (inverse >= begin) & (inverse < begin + _ROWS)
            likely = nn.log_softmax(logits[begin : begin + _ROWS], dim=-1, dtype=self._softmax_dtype)
            rows = torch.as_tensor(inverse[chosen] - begin, device=likely.device)
            told = torch.as_tensor(targets[chosen], device=likely.device)
            best = likely.argmax(-1)[rows] == told
            value = likely[rows, told]
            value = value.to(torch.promote_types(value.dtype, torch.float32))
            wanted.found(which[chosen], value.cpu().numpy(), best.cpu().numpy())

    def logits(self, made: Tree, start: int, places: Ints, windows: bool) -> Any:
        """The model's logits at some places of a tree behind the `start` tokens that are kept; all its keys are kept as well."""
        device = self._model.device
        kept = places if len(places) else np.array([len(made.tokens) - 1])
        mask = masks(self._model, made, start, windows, self.block)
        positions = torch.as_tensor(made.depths, device=device)[None]
        given = {"attention_mask": mask, "position_ids": positions} if mask is not None else {}
        self.computed += len(made.tokens)
        self.forwards += 1
        with in_blocks(text_config(self._model), mask):
            return self._call(
                input_ids=torch.as_tensor(made.tokens, device=device)[None],
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=torch.as_tensor(kept, device=device),
                **given,
            ).logits[0]


def _ran_out(error: Exception) -> bool:
    """Whether memory has run out: on a processor PyTorch has no error of its own for it."""
    kinds = (torch.OutOfMemoryError, MemoryError)
    return isinstance(error, kinds) or "can't allocate memory" in str(error)

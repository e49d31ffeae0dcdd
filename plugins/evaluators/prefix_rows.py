"""Rows behind a beginning that is computed once, for models that read no trees. Imports torch: import this late."""

from typing import Any

import numpy as np
import torch

from langadapt_plugins.evaluators.prefix_forward import Forward
from langadapt_plugins.evaluators.prefix_order import Ints, Tree
from langadapt_plugins.evaluators.prefix_stack import Levels


class Rows(Forward):
    """The model's own cache is copied for every row; rows are filled up on the right, where no token looks."""

    def _fresh(self) -> Any:
        return Levels()

    def _whole(self, most: int) -> int | None:  # noqa: ARG002
        return None  # every piece would be kept with all before it

    def logits(self, made: Tree, start: int, places: Ints, windows: bool) -> Any:  # noqa: ARG002 - the model's own cache knows
        """The model's logits at some places of a tree behind the `start` tokens that are kept."""
        width = max(map(len, made.paths))
        tokens = np.zeros((len(made.paths), width), dtype=np.int64)
        row, column = np.zeros((2, len(made.tokens)), dtype=np.int64)
        for number, path in enumerate(made.paths):
            tokens[number, : len(path)] = made.tokens[path]
            row[path], column[path] = number, np.arange(len(path))
        device = self._model.device
        self.computed += tokens.size
        self.forwards += 1
        given = torch.as_tensor(tokens, device=device)
        out = self._call(input_ids=given, past_key_values=self._cache.copied(len(tokens)), use_cache=True)
        if len(tokens) == 1:
            self._cache.add(start + width, out.past_key_values)
        wanted = places if len(places) else np.array([len(made.tokens) - 1])
        return out.logits[torch.as_tensor(row[wanted]), torch.as_tensor(column[wanted])]

"""Keys and values of one sequence, to go on from any of its tokens. Imports transformers: import this late."""

import copy
from typing import Any

from transformers.cache_utils import Cache, DynamicLayer

_ROOM = 256
"""Tokens that there is room for behind those that are kept, before all is copied."""


class _Layer(DynamicLayer):  # type: ignore[misc]  # Transformers is not typed
    """All keys and values in the beginning of larger tensors, whether or not the model's layer looks back that far."""

    keys: Any
    values: Any
    _length = 0
    _room: Any = None

    def update(self, key_states: Any, value_states: Any, *__: Any, **_: Any) -> tuple[Any, Any]:
        """Put the new ones behind the others; gives all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        before, whole = self._length, self._length + key_states.shape[-2]
        if self._room is None or self._room[0].shape[-2] < whole:
            old, self._room = self._room, tuple(_larger(one, whole) for one in (key_states, value_states))
            for new, kept in zip(self._room, old or (), strict=False):
                new[..., :before, :] = kept[..., :before, :]
        for room, one in zip(self._room, (key_states, value_states), strict=True):
            room[..., before:whole, :] = one
        self.go_back(whole)
        return self.keys, self.values

    def go_back(self, length: int) -> None:
        """Forget what lies behind so many tokens."""
        self._length = length
        self.keys, self.values = (room[..., :length, :] for room in self._room)

    def get_seq_length(self) -> int:
        """How many tokens are kept."""
        return self._length


class Stack(Cache):  # type: ignore[misc]
    """A cache of one row that can be gone back in."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=_Layer)

    def go_back(self, length: int) -> int:
        """Keep the first tokens only; gives how many there are."""
        for layer in self.layers:
            if layer.is_initialized:
                layer.go_back(length)
        return length


class Levels:
    """Caches of one beginning and of beginnings of it, for models whose caches cannot be gone back in."""

    def __init__(self) -> None:
        self._held: list[tuple[int, Any]] = []

    def go_back(self, length: int) -> int:
        """Keep at most so many tokens; gives how many there are."""
        while self._held and self._held[-1][0] > length:
            self._held.pop()
        return self._held[-1][0] if self._held else 0

    def copied(self, rows: int) -> Any:
        """The keys and values of what is kept, for so many rows; None where nothing is."""
        import torch

        if not self._held:
            return None
        cache = copy.deepcopy(self._held[-1][1])
        if rows > 1:
            cache.reorder_cache(torch.zeros(rows, dtype=torch.long))
        return cache

    def add(self, length: int, cache: Any) -> None:
        """Keep a longer beginning as well."""
        self._held.append((length, cache))


def _larger(states: Any, whole: int) -> Any:
    shape = (*states.shape[:-2], whole + _ROOM, states.shape[-1])
    return states.new_empty(shape)

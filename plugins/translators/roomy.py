"""Keys and values with room behind them, so that a token more does not copy all that went before."""

from collections.abc import Sequence
from functools import cache
from typing import Any

_ROOM = 64
"""Tokens that there is room for before all is copied."""


def give_room(cache: Any) -> None:
    """Let the layers of a new, empty cache that only grow have room; those that forget stay as they are."""
    from transformers.cache_utils import DynamicLayer

    cache.layers = [_layer()() if type(layer) is DynamicLayer else layer for layer in cache.layers]


def only_grows(cache: Any) -> bool:
    """Whether every layer of a cache keeps all keys and values, so that rows of several caches can go on together."""
    return all(isinstance(layer, _layer()) for layer in cache.layers)


def joined(caches: Sequence[Any]) -> Any:
    """The first cache with the rows of all, each moved to the right end of the widest; what is in front is for a mask to hide."""
    import torch.nn.functional as nn

    first = caches[0]
    width = max(cache.get_seq_length() for cache in caches)
    for number, layer in enumerate(first.layers):
        parts = [cache.layers[number] for cache in caches]
        spare = [(0, 0, width - part.get_seq_length(), 0) for part in parts]
        layer.take(
            *(
                [nn.pad(getattr(part, name), room) for part, room in zip(parts, spare, strict=True)]
                for name in ("keys", "values")
            )
        )
    return first


@cache
def _layer() -> type[Any]:
    from transformers.cache_utils import DynamicLayer

    class Roomy(DynamicLayer):  # type: ignore[misc]  # Transformers is not typed
        """A layer whose `keys` and `values` are the beginnings of larger tensors; whoever replaces them gets room anew."""

        keys: Any
        values: Any
        _room: Any = None

        def update(self, key_states: Any, value_states: Any, *__: Any, **_: Any) -> tuple[Any, Any]:
            """Put the new ones behind the others; gives all."""
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            length = self.get_seq_length()
            whole = length + key_states.shape[-2]
            room = self._room
            if room is None or self.keys.data_ptr() != room[0].data_ptr() or room[0].shape[-2] < whole:
                shape = [*key_states.shape[:-2], whole + _ROOM]
                room = self._room = tuple(
                    one.new_empty([*shape, one.shape[-1]]) for one in (key_states, value_states)
                )
                if length:
                    room[0][..., :length, :], room[1][..., :length, :] = self.keys, self.values
            room[0][..., length:whole, :], room[1][..., length:whole, :] = key_states, value_states
            self.keys, self.values = room[0][..., :whole, :], room[1][..., :whole, :]
            return self.keys, self.values

        def batch_select_indices(self, indices: Any) -> None:
            """Keep some rows; the room of the others is let go at once, layer by layer."""
            super().batch_select_indices(indices)
            self._room = None

        def take(self, keys: Sequence[Any], values: Sequence[Any]) -> None:
            """Hold these rows instead of those before; they are of one length."""
            import torch

            self._room = None
            self.keys, self.values = torch.cat(list(keys)), torch.cat(list(values))

    return Roomy

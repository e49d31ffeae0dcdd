"""Rows in an order that only seed and epoch decide, so that a resumed training, or another process, has the same."""

from collections.abc import Iterator
from typing import Any

from torch import manual_seed
from torch.random import fork_rng
from torch.utils.data import RandomSampler, Sampler


class Repeatable(Sampler[int]):
    """A sampler that draws from the generator of all, given one that begins anew in each epoch."""

    def __init__(self, inner: Any, seed: int) -> None:
        self.inner, self._seed, self._epoch = inner, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by accelerate when an epoch begins."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.inner)

    def __iter__(self) -> Iterator[int]:
        with fork_rng():
            manual_seed(self._seed + self._epoch)
            order = list(self.inner)
        return iter(order)


def repeatable(trainer: Any) -> None:
    """Give the trainer's sampler that; accelerate sees to those that draw at random by itself."""
    made = trainer._get_train_sampler  # noqa: SLF001 - the trainer takes a sampler in no other way

    def sampler(*rows: Any) -> Any:
        found = made(*rows)
        plain = found is None or isinstance(found, RandomSampler)
        return found if plain else Repeatable(found, trainer.args.data_seed or trainer.args.seed)

    trainer._get_train_sampler = sampler  # noqa: SLF001

"""Sources of a stream in given shares. Which rows are taken follows from the seed and their ids alone."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from langadapt.errors import ConfigError, DataError

Id = TypeVar("Id", str, int, str | int)


def chosen(ids: Mapping[str, Sequence[Id]], weights: Mapping[str, float], seed: int) -> dict[str, set[Id]]:
    """The ids to take of each source: the largest mix in which the sources stand to each other as their weights.

    A source gives its part of that mix, rounded down, and at least one of its sources gives all that it has. The rows with
    the smallest hashes of seed and id are taken, so that rows that are added later change few of the choices. All is
    taken where no source has a weight.

    Raises:
        ConfigError: some sources have a weight and others none, or a weight is not above zero.
        DataError: a source with a weight has no rows, so that no mix has these shares.

    """
    if not weights:
        return {name: set(rows) for name, rows in ids.items()}
    _check(ids, weights)
    exact = {name: Fraction(weights[name]) for name in ids}
    counts = {name: len(set(rows)) for name, rows in ids.items()}
    largest = min(counts[name] / weight for name, weight in exact.items())
    return {name: _first(rows, int(largest * exact[name]), seed) for name, rows in ids.items()}


def check_weights(weights: Mapping[str, float | None]) -> None:
    """Raise `ConfigError` where some sources of a stream have a weight and others none."""
    bare = [name for name, weight in weights.items() if weight is None]
    if bare and len(bare) < len(weights):
        other = next(name for name, weight in weights.items() if weight is not None)
        raise ConfigError(
            f"source.{bare[0]}.weight: missing, and source.{other} of the same stream has one",
            hint="give every source of the stream a weight, or none",
        )


def _check(ids: Mapping[str, Sequence[Id]], weights: Mapping[str, float]) -> None:
    check_weights({name: weights.get(name) for name in ids})
    strange = [name for name in weights if name not in ids]
    if strange:
        raise ConfigError(
            f"source.{strange[0]}.weight: no such source in this stream", hint=f"sources: {', '.join(ids)}"
        )
    for name, weight in weights.items():
        if not 0 < weight < float("inf"):
            raise ConfigError(f"source.{name}.weight: {weight}", hint="a weight is a number above 0")
    empty = [name for name, rows in ids.items() if not rows]
    if empty:
        raise DataError(
            f"source.{empty[0]}: has a weight, and none of its rows goes on",
            hint="take the source out, or its weight",
        )


def _first(rows: Sequence[Id], count: int, seed: int) -> set[Id]:
    """The `count` rows with the smallest hashes."""
    different = set(rows)
    if count >= len(different):
        return different
    return set(sorted(different, key=lambda row: _place(row, seed))[:count])


def _place(row: str | int, seed: int) -> bytes:
    return hashlib.sha256(json.dumps([seed, row]).encode()).digest()

"""What is known of each family of translation models: prompt, stop rule, how the output is read, languages, limits.

A new model is a new table in `families.toml`; nothing here names one.
"""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language, read_toml
from langadapt.models.family import NOTHING, Address, Asked, Family
from langadapt.models.naming import base

__all__ = ["NOTHING", "Address", "Asked", "Family", "covering", "families", "family_of", "untold"]


@cache
def families() -> Mapping[str, Family]:
    """The table."""
    table: Mapping[str, Mapping[str, Any]] = read_toml(Path(__file__).with_name("families.toml"))
    return {name: Family(name=name, **_row(row, table)) for name, row in table.items()}


def family_of(model: ModelRef, name: str | None = None) -> Family:
    """The family named, or the one whose patterns fit the model's name; raises `ConfigError` for neither, or another one."""
    known = families()
    _refuse(model)
    told = _told(model)
    if name is not None and name not in known:
        raise ConfigError(f"no model family is called {name!r}", hint=f"families: {', '.join(known)}")
    family = told if name is None else known[name]
    if family is None:
        general = next(family.name for family in known.values() if family.worded)
        raise ConfigError(
            f"the family of the model {model} is not known",
            hint=f"set `family` to one of {', '.join(known)}; {general!r} is for any model that is tuned for chat",
        )
    if told and told.facts != family.facts and not (told.general and family.worded):
        raise ConfigError(
            f"{model} is of the family {told.name!r} and is not asked as {family.name!r}",
            hint=f'leave `family` out, or set it to "{told.name}"',
        )
    return _directed(family, model)


def untold(model: ModelRef, name: str | None) -> str | None:
    """The name of a family; none where the model's own name tells one that is asked and read alike."""
    told, named = _told(model), families().get(name or "")
    return None if told and named and told.facts == named.facts else name


def covering(
    target: Language, kinds: Container[str], source: Language | None = None
) -> list[tuple[str, Family]]:
    """The models to take for a target language, the best first, with their families; `source` is English unless given."""
    given = source or Language.of("en")
    return [
        (family.recommended, family)
        for family in families().values()
        if family.recommended and family.kind in kinds and family.covers(given, target)
    ]


def _told(model: ModelRef) -> Family | None:
    return next((family for family in families().values() if _is_named(model, family.models)), None)


def _is_named(model: ModelRef, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(model.name.lower(), pattern.lower()) for pattern in patterns)


def _refuse(model: ModelRef) -> None:
    """Raise `ConfigError` for a model that looks like a translator and is none."""
    for row in _refused().values():
        if _is_named(model, row["models"]):
            raise ConfigError(f"{model} {row['why']}", hint=f"take {row['instead']}")


@cache
def _refused() -> Mapping[str, Mapping[str, Any]]:
    """Models that cannot be used by themselves, why, and what to take instead."""
    return read_toml(Path(__file__).with_name("refused.toml"))


def _row(row: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    whole = {**table.get(row.get("like", ""), {}), **row}
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in whole.items()
        if key != "like"
    }


def _directed(family: Family, model: ModelRef) -> Family:
    """The family with the model's pair of languages, where its models have one each."""
    if not family.direction:
        return family
    found = re.search(f"{family.direction}/?$", model.name, re.IGNORECASE)
    if not found:
        raise ConfigError(
            f"the name of the model {model} does not tell its two languages",
            hint=f"models of the family {family.name!r} end like opus-mt-en-de; name a folder likewise",
        )
    return replace(family, pair=(base(Language.of(found["source"])), base(Language.of(found["target"]))))

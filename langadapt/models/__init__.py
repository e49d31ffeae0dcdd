"""What is known of each family of translation models: prompt, stop rule, how the output is read, languages, limits.

A new model is a new table in `families.toml`; nothing here names one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language, read_toml


@dataclass(frozen=True, kw_only=True)
class Family:
    """One row of the table. `reads` is `first-line` or `all`; limits are tokens; no `languages` means any."""

    name: str
    models: tuple[str, ...]
    prompt: str
    reads: str
    license: str
    source: str
    chat: bool = False
    stop: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    input_tokens: int = 1024

    def render(self, text: str, source: Language, target: Language) -> str:
        """The prompt for one text, before any chat template."""
        facts = {
            "{source}": source.name,
            "{target}": target.name,
            "{source_code}": source.code,
            "{target_code}": target.code,
        }
        head, _, tail = self.prompt.partition("{text}")
        for key, value in facts.items():
            head, tail = head.replace(key, value), tail.replace(key, value)
        return head + text + tail

    def read(self, output: str) -> str:
        """The translation in what the model wrote."""
        for stop in self.stop:
            output = output.split(stop, 1)[0]
        if self.reads == "first-line":
            return next((line.strip() for line in output.splitlines() if line.strip()), "")
        return output.strip()

    def check(self, source: Language, target: Language) -> None:
        """Raise `ConfigError` where the family does not translate between the two."""
        unknown = [
            one.name
            for one in (source, target)
            if self.languages and one.code.split("-")[0] not in self.languages
        ]
        if unknown:
            raise ConfigError(
                f"models of the family {self.name!r} do not know {' and '.join(unknown)}",
                hint=f"its languages: {', '.join(self.languages)}; name another model",
            )


@cache
def families() -> Mapping[str, Family]:
    """The table."""
    table: Mapping[str, Mapping[str, Any]] = read_toml(Path(__file__).with_name("families.toml"))
    return {name: Family(name=name, **_row(row)) for name, row in table.items()}


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def family_of(model: ModelRef, name: str | None = None) -> Family:
    """The family named, or the one whose patterns fit the model's name; raises `ConfigError` for neither."""
    known = families()
    if name is not None:
        if name not in known:
            raise ConfigError(f"no model family is called {name!r}", hint=f"families: {', '.join(known)}")
        return known[name]
    for family in known.values():
        if any(fnmatchcase(model.name.lower(), pattern.lower()) for pattern in family.models):
            return family
    raise ConfigError(
        f"the family of the model {model} is not known", hint=f"set `family` to one of {', '.join(known)}"
    )

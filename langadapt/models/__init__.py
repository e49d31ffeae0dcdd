"""What is known of each family of translation models: prompt, stop rule, how the output is read, languages, limits.

A new model is a new table in `families.toml`; nothing here names one.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language, read_toml
from langadapt.models.naming import base, called, codes
from langadapt.segments import sentences

_CHANGES_TEXT = ("prompt", "chat", "reads", "stop", "kind", "naming", "language_tokens")
"""Keys of a family that change what its models write, and not only what they are given."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One row of the table; limits are tokens, and no `languages` means any.

    `kind` is `causal` or `encoder-decoder`, `naming` what a language is called in the prompt. `reads` is `first-line` or
    `all`: how much of the output is the translation. `unit` is the most that is sent at once: a `text`, a `line` or a
    `sentence`. With `language_tokens` the tokenizer marks the source's language and the output begins with the target's.
    `direction` is a pattern for the end of a model's name that holds its one `pair` of languages.
    """

    name: str
    models: tuple[str, ...]
    prompt: str
    reads: str
    license: str
    source: str
    kind: str = "causal"
    naming: str = "name"
    chat: bool = False
    stop: tuple[str, ...] = ()
    unit: str = "text"
    language_tokens: bool = False
    direction: str = ""
    pair: tuple[str, str] | None = None
    languages: tuple[str, ...] = ()
    input_tokens: int = 1024
    recommended: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What the text that a model writes depends on, beside the languages."""
        table = codes(self.naming)
        return {
            **{key: getattr(self, key) for key in _CHANGES_TEXT},
            "exceptions": dict(table.exceptions) if table else {},
        }

    def called(self, language: Language) -> str:
        """What the family calls a language; nothing where it does not know it."""
        return called(language, self.naming, self.languages)

    def render(self, text: str, source: Language, target: Language) -> str:
        """The prompt for one text, before any chat template."""
        facts = {
            "{source}": self.called(source),
            "{target}": self.called(target),
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

    def several(self, text: str, source: Language) -> str:
        """Why a text is more than is sent at once; nothing where it is not."""
        if self.unit != "text" and len(text.strip().splitlines()) > 1:
            return f"several lines, and models of the family {self.name!r} take one {self.unit}"
        if self.unit == "sentence" and len(sentences(text.strip(), source.code)) > 1:
            return f"several sentences, and models of the family {self.name!r} take one"
        return ""

    def covers(self, source: Language, target: Language) -> bool:
        """Whether the family translates from the one to the other."""
        if self.pair:
            return (base(source), base(target)) == self.pair
        return bool(self.called(source) and self.called(target))

    def check(self, source: Language, target: Language) -> None:
        """Raise `ConfigError` where the family does not translate from the one to the other."""
        if self.covers(source, target):
            return
        if self.pair:
            raise ConfigError(
                f"a model of the family {self.name!r} translates one way, this one from {self.pair[0]} to {self.pair[1]}, "
                f"and not from {source.code} to {target.code}",
                hint="name the model of that pair, or another family",
            )
        unknown = [one.name for one in (source, target) if not self.called(one)]
        table = codes(self.naming)
        listed = f"{len(table.codes)}, listed in {table.path.name}" if table else ", ".join(self.languages)
        raise ConfigError(
            f"models of the family {self.name!r} do not know {' and '.join(unknown)}",
            hint=f"its languages: {listed}; name another model",
        )


@cache
def families() -> Mapping[str, Family]:
    """The table."""
    table: Mapping[str, Mapping[str, Any]] = read_toml(Path(__file__).with_name("families.toml"))
    return {name: Family(name=name, **_row(row, table)) for name, row in table.items()}


def family_of(model: ModelRef, name: str | None = None) -> Family:
    """The family named, or the one whose patterns fit the model's name; raises `ConfigError` for neither."""
    known = families()
    if name is not None:
        if name not in known:
            raise ConfigError(f"no model family is called {name!r}", hint=f"families: {', '.join(known)}")
        return _directed(known[name], model)
    for family in known.values():
        if any(fnmatchcase(model.name.lower(), pattern.lower()) for pattern in family.models):
            return _directed(family, model)
    raise ConfigError(
        f"the family of the model {model} is not known", hint=f"set `family` to one of {', '.join(known)}"
    )


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

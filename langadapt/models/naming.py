"""What families of models call a language: its English name, its BCP 47 code, FLORES-200's code, or one of their own.

A family's own codes are a file beside this one: `codes`, and `members` for languages that go by another code there, which may
be all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.languages import Language, read_toml

_BESIDE = Path(__file__).parent
_FLORES = _BESIDE.with_name("flores.toml")
_PLAIN = ("name", "code", "listed")


@dataclass(frozen=True)
class Codes:
    """The codes that a family, or a benchmark, has for languages, and the exceptions from how they are told."""

    path: Path
    codes: frozenset[str]
    exceptions: Mapping[str, Mapping[str, str]]

    @property
    def members(self) -> Mapping[str, str]:
        """Languages that go by another code."""
        return self.exceptions["members"]


@cache
def codes(naming: str) -> Codes | None:
    """The table of a naming that has one; none for names, for BCP 47 codes, and for those that the family lists."""
    if naming in _PLAIN:
        return None
    path = _FLORES if naming == "flores" else _BESIDE / f"{naming}.toml"
    table: Mapping[str, Any] = read_toml(path)
    exceptions = {name: value for name, value in table.items() if name != "codes"}
    return Codes(path, frozenset(table.get("codes", table["members"].values())), exceptions)


@cache
def called(language: Language, naming: str, languages: tuple[str, ...] = ()) -> str:
    """What the language is called, or nothing where it is not known; no `languages` means any."""
    table = codes(naming)
    if table is None:
        entry = listed(language, languages)
        if naming == "listed" or (languages and not entry):
            return entry
        return language.name if naming == "name" else language.code
    if naming == "flores":
        return language.flores if language.flores in table.codes else ""
    return next((code for code in _ways(language, table.members) if code in table.codes), "")


@cache
def listed(language: Language, languages: tuple[str, ...]) -> str:
    """Where a list names the language, or the one that it is a variety of, in the script that this one is written in."""
    short = base(language)
    ways = [language.code, f"{short}-{language.script}", *([short] if _usual(language) else ())]
    return next((way for way in ways if way in languages), "")


def _ways(language: Language, members: Mapping[str, str]) -> list[str]:
    """What a table may list a language under, the most exact first. Without its script it is in its usual one."""
    short = base(language)
    written = [f"{short}-{language.script}", short]
    ways = [members[code] for code in (language.code, written[0]) if code in members]
    ways.append(f"{short}_{language.script}")
    return [*ways, members.get(short, ""), short] if _usual(language) else ways


def _usual(language: Language) -> bool:
    return language.script == Language.of(base(language)).script


def base(language: Language) -> str:
    """The language's code without script and region."""
    return language.code.split("-", 1)[0]

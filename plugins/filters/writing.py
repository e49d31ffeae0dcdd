"""How a language writes figures, and the words that say them: `figures.toml`, and what a pack says in place of it."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from langadapt.languages import Language, LanguagePack, read_toml
from langadapt_plugins.filters.segmentwise import DATA


class Writing(NamedTuple):
    """How a language writes figures; `decimal` is empty where comma and point are both met."""

    code: str
    decimal: str
    inside: bool
    months: tuple[str, ...]
    words: dict[str, tuple[str, ...]]
    scales: re.Pattern[str] | None
    units: dict[str, tuple[tuple[str, str], ...]]
    symbols: dict[str, frozenset[str]]
    hours: int = 0
    before: bool = False


@lru_cache(maxsize=64)
def writing(language: Language | LanguagePack) -> Writing:
    """What is known of a language; a pack's own table `[numbers]` and `decimal_comma` come before the common table."""
    pack = language if isinstance(language, LanguagePack) else LanguagePack(language)
    table = _table()
    code = pack.language.code
    short = code.split("-")[0]
    facts = {**table.get(code, table.get(short, {})), **pack.literals.get("numbers", {})}
    marks = {name: mark for mark, names in table["marks"].items() for name in names.split()}
    usual = marks.get(code, marks.get(short, "."))
    if (comma := pack.literals.get("decimal_comma")) is not None:
        usual = "," if comma else "."
    symbols: dict[str, frozenset[str]] = {}
    for unit, forms in [*table["symbols"].items(), *facts.get("symbols", {}).items()]:
        for form in forms.split():
            symbols[form] = symbols.get(form, frozenset()) | {unit}
    units = [(stem, unit) for unit, stems in facts.get("units", {}).items() for stem in _stems(stems)]
    units.sort(key=lambda item: -len(item[0]))
    return Writing(
        code=code,
        decimal=facts.get("decimal", usual),
        inside=bool(facts.get("inside")),
        months=tuple(facts.get("months", "").replace("_", " ").casefold().split()),
        words={number: _stems(stems) for number, stems in facts.get("words", {}).items()},
        scales=_scales(facts.get("scales", {})),
        units={
            first: tuple(one for one in units if one[0][0] == first) for first in {one[0][0] for one in units}
        },
        symbols=symbols,
        hours=int(facts.get("hours", 0)),
        before=bool(facts.get("before")),
    )


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return read_toml(DATA / "figures.toml")


def _stems(text: str) -> tuple[str, ...]:
    return tuple(stem.replace("_", " ").casefold() for stem in text.split())


def _scales(facts: dict[str, str]) -> re.Pattern[str] | None:
    stems = sorted(
        ((stem, power) for power, text in facts.items() for stem in _stems(text)),
        key=lambda one: -len(one[0]),
    )
    if not stems:
        return None
    either = "|".join(
        f"(?P<e{power}_{number}>{re.escape(stem.rstrip())}{_tail(stem)})"
        for number, (stem, power) in enumerate(stems)
    )
    return re.compile(rf"[\s\u00a0-]{{0,2}}(?:{either})", re.IGNORECASE)


def ends_word(words: str, stem: str) -> bool:
    """Whether words begin with a stem that ends with a blank, whatever mark stands there in its place."""
    return words.startswith(stem[:-1]) and not words[len(stem) - 1 : len(stem)].isalpha()


def _tail(stem: str) -> str:
    """A short form or one that ends with a blank is a whole word."""
    return r"(?!\w)" if stem.endswith(" ") or len(stem) < 4 else ""

# ruff: noqa: RUF001 - marks and letters of many scripts
"""The figures of a text: where they stand, what values they may mean where the language writes them so, and their units."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from langadapt.languages import Language, LanguagePack, read_toml

_TABLE = Path(__file__).with_name("figures.toml")
_NUMERAL = re.compile(
    r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}){1,6}(?!\d)(?:[.,]\d{1,12}(?!\d))?|\d+(?:[.,\u066b\u066c'’·．]\d+)*"
)
_BETWEEN = re.compile(r"\D")
_MERIDIEM = re.compile(r"\d\s?[ap]\.?m\b", re.IGNORECASE)
_MYRIADS = re.compile(r"[十百千万萬亿億兆만억조천]{1,4}")
_POWERS = {
    "十": 1,
    "百": 2,
    "千": 3,
    "천": 3,
    "万": 4,
    "萬": 4,
    "만": 4,
    "亿": 8,
    "億": 8,
    "억": 8,
    "兆": 12,
    "조": 12,
}
_LETTERS = {"M": 6, "B": 9}
_AFTER = re.compile(r"[\s\u00a0-]{0,2}")
_AFTER_SCALE = re.compile(r"[\s\u00a0-]{0,2}(?:[^\W\d_]{1,3}['’ ])?")
_RECKONED = re.compile(r"\s?[=×·+−<>≈*÷%$€£]")
_LABEL = re.compile(
    r"(?:[^\W\d_a-z][\w-]*|\b(?:version|section|chapter|table|figure|release|build|v|no|nr|step|paragraph|article|point|rule|level|"
    r"exercise|page|verse|item|at|until|till|by|from))[ .-]{0,2}\Z"
)
_SIGN = re.compile(r"(?:US)?[$＄€£¥₹₩₽]|[A-Z]{3}(?=\s)|Rs")
_SHORT = re.compile(
    r"[A-Za-z]+(?:/[A-Za-z]+)?(?![^\W\d_\u2e80-\uffff])|[^\W\d_]+(?:/[^\W\d_]+)?|[°º][CF]|[%％٪‰$€£¥₹₩₽℃℉]"
)
_NO_UNIT = ".,;:!?()[]–-*_×=/+"
LONGEST = 40
"""A figure of more characters is compared as it stands."""


class Figure(NamedTuple):
    """Characters `start` to `end` and what they may mean; `parts` are a date's, a time's or a version's, `scale` a power of ten."""

    start: int
    end: int
    values: tuple[str, ...]
    parts: tuple[str, ...] = ()
    scale: int = 0
    after: int = 0


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


@lru_cache(maxsize=64)
def writing(language: Language | LanguagePack) -> Writing:
    """What is known of a language; a pack's own `decimal_comma` and table `[numbers]` come before the common table."""
    pack = language if isinstance(language, LanguagePack) else LanguagePack(language)
    table = _table()
    code = pack.language.code
    short = code.split("-")[0]
    facts = {**table.get(code, table.get(short, {})), **pack.literals.get("numbers", {})}
    marks = {name: mark for mark, names in table["marks"].items() for name in names.split()}
    comma = pack.literals.get("decimal_comma")
    mark = marks.get(code, marks.get(short, ".")) if comma is None else "," if comma else "."
    symbols: dict[str, frozenset[str]] = {}
    for unit, forms in [*table["symbols"].items(), *facts.get("symbols", {}).items()]:
        for form in forms.split():
            symbols[form] = symbols.get(form, frozenset()) | {unit}
    units = [(stem, unit) for unit, stems in facts.get("units", {}).items() for stem in _stems(stems)]
    units.sort(key=lambda item: -len(item[0]))
    return Writing(
        code=code,
        decimal=mark,
        inside=bool(facts.get("inside")),
        months=tuple(facts.get("months", "").replace("_", " ").casefold().split()),
        words={number: _stems(stems) for number, stems in facts.get("words", {}).items()},
        scales=_scales(facts.get("scales", {})),
        units={
            first: tuple(one for one in units if one[0][0] == first) for first in {one[0][0] for one in units}
        },
        symbols=symbols,
        hours=int(facts.get("hours", 0)),
    )


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return read_toml(_TABLE)


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


def _tail(stem: str) -> str:
    """A short form or one that ends with a blank is a whole word."""
    return r"(?!\w)" if stem.endswith(" ") or len(stem) < 4 else ""


def figures(text: str, how: Writing, other: Writing | None = None) -> list[Figure]:
    """Every figure of a text in order; with the `other` side's language, hours and decades as that may write them too."""
    found: list[Figure] = []
    noon = other is not None and _MERIDIEM.search(text) is not None
    for match in _NUMERAL.finditer(text):
        start, end = match.span()
        values, parts = read(match.group(), how.decimal)
        scale, after = _scale(text, end, how)
        if scale:
            values = (*(_shifted(value, scale) for value in values), *values)
        if other is not None:
            if (letter := text[end : end + 1]) in _LETTERS and not text[end + 1 : end + 2].isalnum():
                values = (_shifted(values[-1], _LETTERS[letter]), *values)
            values += _other_ways(text, end, values[-1], other.hours, noon=noon)
        last = found[-1] if found else None
        if last and scale and last.scale > scale and text[last.after : start].strip(" ") == "":
            found[-1] = _sum(last, Figure(start, end, values, parts, scale, after))
        else:
            found.append(Figure(start, end, values, parts, scale, after))
    return found


@lru_cache(maxsize=8192)
def read(numeral: str, decimal: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a numeral may mean, and its parts where it may be no single number; `=1.250` counts the last nought."""
    if len(numeral) > LONGEST:
        return (numeral,), ()
    if not numeral.isascii():
        numeral = "".join(str(int(char)) if char.isdecimal() else char for char in numeral)
    groups = _BETWEEN.split(numeral)
    if len(groups) == 1:
        return (_whole(numeral),), ()
    marks = _BETWEEN.findall(numeral)
    parts = tuple(map(_whole, groups))
    thousands = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    if len(marks) == 1:
        return _single(groups, marks[0], decimal, grouped=thousands and groups[0] != "0"), parts
    joined, alike = _whole("".join(groups)), len(set(marks)) == 1
    if alike and (thousands or (marks[0] == "," and _indian(groups))):
        return (joined, ".".join(parts)), parts
    if marks[-1] in ".,\u066b．" and len(set(marks[:-1])) == 1 and marks[-1] not in marks[:-1]:
        return _fraction(_whole("".join(groups[:-1])), groups[-1]), ()
    return (".".join(parts),), parts


def _single(groups: list[str], mark: str, decimal: str, *, grouped: bool) -> tuple[str, ...]:
    whole, rest = _whole(groups[0]), groups[1]
    joined = (_whole("".join(groups)),)
    if mark not in ".,\u066b．":
        return joined if grouped else (f"{whole}.{rest}",)
    mark = "." if mark == "．" else mark
    if not grouped or mark == "\u066b":
        return _fraction(whole, rest)
    if not decimal:
        return (*joined, f"={whole}.{rest}")
    return _fraction(whole, rest) if mark == decimal else joined


def _fraction(whole: str, rest: str) -> tuple[str, ...]:
    short = rest.rstrip("0")
    return (f"={whole}.{rest}", f"{whole}.{short}" if short else whole)


def _whole(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _indian(groups: list[str]) -> bool:
    return len(groups[-1]) == 3 and len(groups[0]) <= 2 and all(len(group) == 2 for group in groups[1:-1])


def _scale(text: str, end: int, how: Writing) -> tuple[int, int]:
    """The power of ten that stands behind a figure, and where it ends."""
    if how.scales is not None and (match := how.scales.match(text, end)):
        return int((match.lastgroup or "e0").split("_")[0][1:]), match.end()
    if not text.isascii() and (match := _MYRIADS.match(text, end)):
        return sum(_POWERS[char] for char in match.group()), match.end()
    return 0, end


def _shifted(value: str, power: int) -> str:
    whole, _, rest = value.removeprefix("=").partition(".")
    if len(whole) + len(rest) > LONGEST:
        return value
    moved = rest[:power].ljust(power, "0")
    left = rest[power:].rstrip("0")
    return _whole(whole + moved) + (f".{left}" if left else "")


def _sum(first: Figure, second: Figure) -> Figure:
    """`1億2000万`: one number of two figures."""
    a, b = first.values[0], second.values[0]
    total = str(int(a) + int(b)) if a.isdecimal() and b.isdecimal() else f"{a}+{b}"
    parts = (first.values[-1], second.values[-1])
    return Figure(first.start, second.end, (total,), parts, second.scale, second.after)


def _other_ways(text: str, end: int, value: str, hours: int, *, noon: bool) -> tuple[str, ...]:
    """3 (pm) as 15, 15:30 as 3:30, the 1990s as 90, the 1800s as 19; 9 as 3 where hours are counted from sunrise."""
    if len(value) > 4 or not value.isdecimal():
        return ()
    number, behind = int(value), text[end : end + 1]
    if hours and 0 < number <= 24 and (noon or behind == ":"):
        return str((number + hours - 1) % 12 + 1), str(number + 12), str(abs(number - 12))
    if 0 < number <= 12 and noon:
        return (str(number + 12), "0") if number == 12 else (str(number + 12),)
    if 13 <= number <= 24 and behind in (":", "h"):
        return (str(number - 12),)
    return _span_of_years(value, number) if behind in ("s", "'", "’") and value.endswith("0") else ()


def _span_of_years(value: str, number: int) -> tuple[str, ...]:
    if value.endswith("00") and number >= 1000:
        return str(number // 100 + 1), str(number // 100)
    return (str(number % 100),) if number >= 1000 else (f"19{value}", f"20{value}")


def decimal_wrong(text: str, figure: Figure, how: Writing) -> bool:
    """Whether a figure has the decimal mark of another language, told by two marks or by a fraction that one mark makes."""
    said = text[figure.start : figure.end]
    marks = [mark for mark in said if mark in ".,"]
    if not how.decimal or not marks or marks[-1] == how.decimal or len(set(marks)) != len(marks):
        return False
    return len(marks) > 1 or "." in figure.values[-1]


def label(text: str, figure: Figure, how: Writing) -> bool:
    """Whether a figure with a point may be no quantity: that of a version, a section or a time; units and sums say that it is one."""
    if _RECKONED.match(text, figure.end) or units(text, figure, how):
        return False
    return _LABEL.search(text, max(0, figure.start - 24), figure.start) is not None


def units(text: str, figure: Figure, how: Writing) -> frozenset[str]:
    """The units that a figure may be followed (or, a currency, preceded) by; none where no known one is."""
    begin = (_AFTER_SCALE if figure.scale else _AFTER).match(text, figure.after)
    at = begin.end() if begin else figure.after
    if text[at : at + 1].isspace() or text[at : at + 1] in _NO_UNIT:
        return _before(text, figure.start, how)
    longest, named = 0, set()
    if stems := how.units.get(text[at].casefold()):
        ahead = text[at : at + 24].casefold()
        for stem, unit in stems:
            if len(stem) >= longest and ahead.startswith(stem):
                longest = len(stem)
                named.add(unit)
    match = _SHORT.match(text, at, at + 12)
    short = how.symbols.get(match.group(), frozenset()) if match else frozenset()
    return short | named or _before(text, figure.start, how)


def _before(text: str, start: int, how: Writing) -> frozenset[str]:
    ahead = text[max(0, start - 5) : start].rstrip()
    if not ahead or ahead[-1] in _NO_UNIT or (ahead[-1].islower() and ahead[-1] != "s"):
        return frozenset()
    for match in _SIGN.finditer(ahead + " "):
        if match.end() == len(ahead):
            return how.symbols.get(match.group(), frozenset())
    return frozenset()

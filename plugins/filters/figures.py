# ruff: noqa: RUF001 - marks and letters of many scripts
"""The figures of a text: where they stand, what values they may mean where the language writes them so, and their units."""

import re
from functools import lru_cache
from typing import NamedTuple

from langadapt_plugins.filters.writing import Writing, ends_word

_NUMERAL = re.compile(
    r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}){1,6}(?!\d)(?:[.,]\d{1,12}(?!\d))?|\d+(?:[.,\u066b\u066c'’·．]\d+)*"
)
_BETWEEN = re.compile(r"\D")
_MERIDIEM = re.compile(
    r"\d\s?(?=[aiopt])(?:[ap]\.?m\b|o['’]clock|(?:in the (?:morning|afternoon|evening)|at night|tonight)\b)",
    re.IGNORECASE,
)
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
_LETTERS = {"M": 6, "m": 6, "B": 9}
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
_WORD = 24
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


def figures(text: str, how: Writing, other: Writing | None = None) -> list[Figure]:
    """Every figure of a text in order; with the `other` side's language, hours and decades as that may write them too."""
    found: list[Figure] = []
    noon = other is not None and _MERIDIEM.search(text) is not None
    for match in _NUMERAL.finditer(text):
        start, end = match.span()
        values, parts = read(match.group(), how.decimal)
        scale, after = _scale(text, end, how)
        if how.before and (said := _scale_before(text, start, how)):
            scale, after = said, end
        if scale:
            values = (*(_shifted(value, scale) for value in values), *values)
        if other is not None:
            if (letter := text[end : end + 1]) in _LETTERS and not text[end + 1 : end + 2].isalnum():
                values = (_shifted(values[-1], _LETTERS[letter]), *values)
            values += _other_ways(text, end, values[-1], other.hours, noon=noon)
        figure = Figure(start, end, values, parts, scale, after)
        if found and found[-1].scale > scale and _goes_on(text, found[-1], figure):
            found[-1] = _sum(found[-1], figure)
        else:
            found.append(figure)
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


def _scale_before(text: str, start: int, how: Writing) -> int:
    """The power of ten that the word before a figure says: `milioni 3.5`."""
    if how.scales is None or text[start - 1 : start] != " ":
        return 0
    match = how.scales.match(text, text.rfind(" ", max(0, start - _WORD), start - 1) + 1, start)
    return int((match.lastgroup or "e0").split("_")[0][1:]) if match and match.end() == start - 1 else 0


def _shifted(value: str, power: int) -> str:
    whole, _, rest = value.removeprefix("=").partition(".")
    if len(whole) + len(rest) > LONGEST:
        return value
    moved = rest[:power].ljust(power, "0")
    left = rest[power:].rstrip("0")
    return _whole(whole + moved) + (f".{left}" if left else "")


def _goes_on(text: str, first: Figure, second: Figure) -> bool:
    """Whether two figures are one number: `1億2000万`, and `1万2000` where the second has no scale of its own."""
    if text[first.after : second.start].strip(" "):
        return False
    value = second.values[-1]
    return second.scale > 0 or (
        text[first.after - 1] in _POWERS and value.isdecimal() and len(value) <= first.scale
    )


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
    known = not how.before and text[at].casefold() in how.units
    named = _named(text[at : at + _WORD].casefold(), how) if known else frozenset()
    match = _SHORT.match(text, at, at + 12)
    short = how.symbols.get(match.group(), frozenset()) if match else frozenset()
    if "second" in short and at == figure.end and text[at - 1] == "0" and text[at] == "s":
        short |= {"year"}  # the 1980s
    if "million" in short:  # $5m
        short = _before(text, figure.start, how) or short
    return short | named or _before(text, figure.start, how)


def _named(words: str, how: Writing) -> frozenset[str]:
    """The units that the longest known beginning of some words may say."""
    longest, named = 0, set()
    for stem, unit in how.units.get(words[:1], ()):
        if len(stem) >= longest and (words.startswith(stem) or (stem[-1] == " " and ends_word(words, stem))):
            longest = len(stem)
            named.add(unit)
    return frozenset(named)


def _before(text: str, start: int, how: Writing) -> frozenset[str]:
    if how.before and text[start - 1 : start] == " ":
        words = text[max(0, start - 2 * _WORD) : start].split()[-2:]
        if len(words) > 1 and _scale_before(text, start, how):
            words.pop()
        if named := how.symbols.get(words[-1]) or _named(words[-1].lstrip("(").casefold(), how):
            return named
    ahead = text[max(0, start - 5) : start].rstrip()
    if not ahead or ahead[-1] in _NO_UNIT or (ahead[-1].islower() and ahead[-1] != "s"):
        return frozenset()
    for match in _SIGN.finditer(ahead + " "):
        if match.end() == len(ahead):
            return how.symbols.get(match.group(), frozenset())
    return frozenset()

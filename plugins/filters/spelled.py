# ruff: noqa: RUF001 - marks and letters of many scripts
"""Numbers that a text says without plain figures: in words, as Roman or Chinese numerals, as ½, ² or ④, as a month."""

import re
import unicodedata
from functools import cached_property, lru_cache

from langadapt_plugins.filters.writing import Writing

_ROMAN = re.compile(r"(?<![A-Za-z])[IVXLCІХ]{1,8}(?![A-Z])")
_LETTERS = {"I": 1, "І": 1, "V": 5, "X": 10, "Х": 10, "L": 50, "C": 100}
_SIGNS = re.compile(r"[²³¹¼-¾⁰⁴-⁹₀-₉⅐-ↂ①-⑳❶-❿]")
_HAN = re.compile(r"[〇零一二三四五六七八九两兩十百千万萬亿億]{1,16}")
_DIGITS = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_GREAT = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_EVERYDAY = frozenset([*range(13), *range(20, 101, 10), 1000])
ENOUGH = 20_000
"""Only so many characters are searched for words; a text of more is no chat turn."""


class Spelled:
    """What one text says in other ways than figures, in a language of which words may be known."""

    def __init__(self, text: str, how: Writing) -> None:
        self._text, self._how = text[:ENOUGH], how

    def says(self, value: str) -> bool:
        """Whether the text may say this number."""
        inside = self._how.inside
        if value in self._signs or self._word(value, inside=inside):
            return True
        if "." in value:
            whole, _, rest = value.partition(".")
            return self._word(f"0.{rest}", inside=inside) and (whole in "01" or self.says(whole))
        return len(value) <= 10 and value.isdecimal() and (self._month(int(value)) or self._built(int(value)))

    def times(self, value: str) -> int:
        """How many words say a number that has words of its own; of small numbers there are too many to count."""
        if value in ("0", "1", "2", "3"):
            return 0
        whole, dot, rest = value.partition(".")
        stems = self._how.words.get(f"0.{rest}" if dot and whole in ("0", "1") else value, ())
        if not stems:
            return 0
        return len(_beginnings(stems, inside=self._how.inside).findall(self._folded))

    def may_say(self, value: str) -> bool:
        """The same, and in a language of which no words are known: whether people write this number as a word."""
        known = bool(self._how.words)
        return self.says(value) or (
            not known and len(value) <= 4 and value.isdecimal() and int(value) in _EVERYDAY
        )

    def _word(self, value: str, *, inside: bool) -> bool:
        stems = self._how.words.get(value)
        if not stems or (inside and not any(stem.strip() in self._folded for stem in stems)):
            return False
        return _beginnings(stems, inside=inside).search(self._folded) is not None

    def _month(self, number: int) -> bool:
        months = self._how.months
        if not 1 <= number <= len(months):
            return False
        names = tuple(months[number - 1].split("|"))
        return _beginnings(names, inside=self._how.inside).search(self._folded) is not None

    def _built(self, number: int) -> bool:
        """Whether each part of a number stands in the text: twenty and five for 25, two and hundred for 200."""
        if number <= 20 or number >= 10**9 or not self._how.words:
            return False
        for base in (10**6, 1000, 100, 10):
            if number > base:
                times, rest = divmod(number, base)
                if base == 10:
                    return bool(rest) and self._part(times * 10) and self._part(rest)
                whole = self._part(number - rest) or ((times == 1 or self._piece(times)) and self._part(base))
                return whole and (not rest or self._piece(rest))
        return False

    def _piece(self, number: int) -> bool:
        return self._part(number) or self._built(number)

    def _part(self, number: int) -> bool:
        if number == 1:
            return True
        if number == 10**6 and self._how.scales is not None:
            return any(
                match.lastgroup and match.lastgroup.startswith("e6_")
                for match in self._how.scales.finditer(self._text)
            )
        return self._word(str(number), inside=True)

    @cached_property
    def _folded(self) -> str:
        return f" {self._text.casefold()} "

    @cached_property
    def _signs(self) -> frozenset[str]:
        found = {str(_roman(match.group())) for match in _ROMAN.finditer(self._text)}
        if not self._text.isascii():
            for char in set(_SIGNS.findall(self._text)):
                found.add(f"{unicodedata.numeric(char, 0):g}")
                found.update(re.findall(r"\d+", unicodedata.normalize("NFKD", char)))
            found.update(str(_han(match.group())) for match in _HAN.finditer(self._text))
            found.update(str(_DIGITS[char]) for char in set(self._text) & _DIGITS.keys())
        return frozenset(found)


@lru_cache(maxsize=1024)
def _beginnings(stems: tuple[str, ...], *, inside: bool) -> re.Pattern[str]:
    """Any of some stems where a word begins, or `inside` words too; a blank at an end of one is the end of a word."""
    begin = r"(?<![^\W\d_])"
    either = "|".join(
        (begin if inside and stem.startswith(" ") else "")
        + re.escape(stem.strip())
        + (r"(?!\w)" if stem.endswith(" ") else "")
        for stem in stems
    )
    return re.compile(either if inside else f"{begin}(?:{either})")


def _roman(numeral: str) -> int:
    values = [_LETTERS[letter] for letter in numeral]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))


def _han(numeral: str) -> int:
    """The number that Chinese numerals write: 二十五, 三千五百, 二〇二四."""
    if not any(char in _TENS or char in _GREAT for char in numeral):
        return int("".join(str(_DIGITS[char]) for char in numeral))
    total = section = digit = 0
    for char in numeral:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            section, digit = section + (digit or 1) * _TENS[char], 0
        else:
            total, section, digit = total + (section + digit or 1) * _GREAT[char], 0, 0
    return total + section + digit

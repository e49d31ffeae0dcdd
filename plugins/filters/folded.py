"""A text as the words that two texts are compared by: without case, marks, accents, spaces and forms of writing."""

import re
import unicodedata
from functools import lru_cache

_LONGEST = 40
_GRAM = 4
# Han and kana are compared two characters at a time, and scripts of South East Asia that put no spaces four at a time.
_PAIRED = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_FOURFOLD = "\u0e00-\u0eff\u0f00-\u109f\u1780-\u17ff\u1980-\u19df\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_UNSPACED = re.compile(f"([{_PAIRED}]+)|([{_FOURFOLD}]+)")
# Marks that change no letter: accents, vowel signs of Arabic and Hebrew, voicing marks of kana that stand alone.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640\u3099\u309a\ufe00-\ufe0f]"
)


class _Folds(dict[int, str]):
    """What each character becomes, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = made = _fold(chr(code))
        return made


def _fold(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.digit(character))
    if kind == "Cf" or character == "\x00":
        return ""
    if kind[0] in "LMN":
        made = (
            character if _UNSPACED.match(character) else unicodedata.normalize("NFKD", character.casefold())
        )
        return _MARKS.sub("", unicodedata.normalize("NFC", _MARKS.sub("", made)))
    return " "


@lru_cache(1)
def _folds() -> _Folds:
    return _Folds()


def words(text: str) -> list[str]:
    """The words in order; where no spaces part them, every two or four characters that follow one another."""
    if text.isascii():
        return text.lower().translate(_folds()).split()
    folded = unicodedata.normalize("NFKC", text).translate(_folds())
    if not _UNSPACED.search(folded):
        return folded.split()
    found: list[str] = []
    at = 0
    for run in _UNSPACED.finditer(folded):
        found += folded[at : run.start()].split()
        size = 2 if run[1] else _GRAM
        found += (run[0][start : start + size] for start in range(max(1, len(run[0]) - size + 1)))
        at = run.end()
    return found + folded[at:].split()


def unspaced(word: str) -> bool:
    """Whether a word is a piece of a text without spaces."""
    return _UNSPACED.fullmatch(word) is not None


def pieces(word: str) -> tuple[str, ...]:
    """What two forms of one word share: all four characters that follow one another, its beginning being one; or its Han characters."""
    if word.isdecimal():
        return (word,)
    if unspaced(word):
        return tuple(dict.fromkeys((word, *(one for one in word if one >= "\u3400"))))
    begun = f"^{word[:_LONGEST]}"
    return tuple(dict.fromkeys(begun[at : at + _GRAM] for at in range(max(1, len(begun) - _GRAM + 1))))

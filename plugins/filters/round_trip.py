"""Does the translation say what the source said? Translated back and compared with it by sentence BLEU and chrF."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le

from langadapt.errors import ConfigError
from langadapt.interfaces import Hypothesis, Loads, Segment, SegmentPair, Translation, Translator, Verdict
from langadapt.languages import Language, LanguagePack

_WORD = re.compile(r"\w+")
_TOKENIZERS = {
    "Hans": "zh",
    "Hant": "zh",
    "Jpan": "char",
    "Kore": "char",
    "Thai": "char",
    "Khmr": "char",
    "Laoo": "char",
    "Mymr": "char",
}
"""None of them is downloaded at run time."""


@dataclass(frozen=True, kw_only=True)
class RoundTrip(Loads):
    """Drops a record of which a segment comes back too different; the worst segment counts.

    BLEU is sacrebleu's (Post 2018, aclanthology W18-6319) with effective order and chrF its chrF2, both 0 to 100. What is
    compared is in the source's language, and so is the tokenizer. A copy of the source would score 100 on the way back, so a
    copy is found first and dropped as one. Put it behind the filters on copies, language and numbers, which cost next to nothing.
    """

    output_version: ClassVar[int] = 2
    limits: ClassVar[dict[str, str]] = {"at_least": "low"}
    translator: Annotated[Translator, "translates back, from the target language to the source language"]
    metric: Annotated[str, "what `at_least` and `bands` limit: bleu or chrf; both are told in the reason"] = (
        "bleu"
    )
    at_least: Annotated[float, Ge(0), Le(100), "smallest score of a segment, 0 to 100"] = 20.0
    bands: Annotated[
        Mapping[str, float], "other limits for longer segments: source words (`20 = 25.0`), from there on"
    ] = field(default_factory=dict)
    words: Annotated[
        int, Ge(1), "a segment of fewer words is not judged alone: a score says little of it"
    ] = 4
    tokenizer: Annotated[
        str,
        "sacrebleu's tokenizer for BLEU; empty: the one for the source's script, 13a where it puts blanks",
    ] = ""
    copied_words: Annotated[int, "a segment of at least so many words may not equal its source"] = 4
    sample: Annotated[
        float, Ge(0), Le(1), "share of the records that are judged, drawn by their ids; the others pass"
    ] = 1.0

    def __post_init__(self) -> None:
        if self.metric not in ("bleu", "chrf"):
            raise ConfigError(f"`metric` is {self.metric!r}", hint="take bleu or chrf")
        for words in self.bands:
            if not words.isdecimal():
                raise ConfigError(
                    f"`bands` has {words!r}", hint="write a number of words, as in { 20 = 25.0 }"
                )

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:
        """One verdict per item, with the score of its worst segment."""
        verdicts: dict[int, Verdict] = {}
        for number, item in enumerate(batch):
            if not item.translated or not self._drawn(item):
                verdicts[number] = Verdict(keep=True)
            elif (copied := self._copied(item)) is not None:
                verdicts[number] = Verdict(
                    keep=False, reason="round trip: left as it was", score=0.0, segment=copied
                )
        wanted = dict.fromkeys(
            pair.target
            for number, item in enumerate(batch)
            if number not in verdicts
            for pair in item.pairs
            if _length(pair.source) >= self.words
        )
        unique = list(wanted)
        segments = [Segment(text=text.encode("utf-8", "replace").decode()) for text in unique]
        back = {
            unique[i]: h for i, h in self.translator.translate(segments, source=pack.language, target=source)
        }
        return [
            verdicts[n] if n in verdicts else self._judge(batch[n], back, self._metrics(source))
            for n in range(len(batch))
        ]

    def _judge(
        self, item: Translation, back: Mapping[str, Hypothesis], metrics: Mapping[str, Any]
    ) -> Verdict:
        """The verdict on the segment that is furthest below its limit, or nearest to it."""
        worst: tuple[float, float, int] | None = None
        for index, pair in enumerate(item.pairs):
            if _length(pair.source) < self.words:
                continue
            hypothesis = back[pair.target]
            if not hypothesis.finished:
                reason = f"back-translation: {hypothesis.reason or hypothesis.finish}"
                return Verdict(keep=False, reason=reason, score=0.0, segment=index)
            score = round(_score(metrics[self.metric], hypothesis.text, pair.source), 2)
            margin = score - self._limit(pair.source)
            if worst is None or margin < worst[0]:
                worst = margin, score, index
        if worst is None:
            return Verdict(keep=True, score=100.0)
        margin, score, index = worst
        if margin >= 0:
            return Verdict(keep=True, score=score, segment=index)
        return Verdict(
            keep=False, reason=self._told(item.pairs[index], back, metrics), score=score, segment=index
        )

    def _told(self, pair: SegmentPair, back: Mapping[str, Hypothesis], metrics: Mapping[str, Any]) -> str:
        came = back[pair.target].text
        scores = ", ".join(f"{name} {_score(one, came, pair.source):.0f}" for name, one in metrics.items())
        signatures = "; ".join(str(one.get_signature()) for one in metrics.values())
        least = f"{self.metric} below {self._limit(pair.source):.0f}"
        return f"round trip: {scores}, {least}, came back as {came[:120]!r} ({signatures})"

    def _limit(self, sent: str) -> float:
        words = _length(sent)
        reached = [int(least) for least in self.bands if int(least) <= words]
        return self.bands[str(max(reached))] if reached else self.at_least

    def _drawn(self, item: Translation) -> bool:
        """Whether a record is in the sample: by its id, so that the same ones are whatever the order."""
        if self.sample >= 1:
            return True
        drawn = int.from_bytes(sha256(str(item.source.id).encode("utf-8", "replace")).digest()[:6], "big")
        return drawn < self.sample * (1 << 48)

    def _copied(self, item: Translation) -> int | None:
        """The first segment that is long enough and came back as it was sent."""
        for index, pair in enumerate(item.pairs):
            words = _WORD.findall(pair.source.lower())
            if len(words) >= self.copied_words and words == _WORD.findall(pair.target.lower()):
                return index
        return None

    def _metrics(self, source: Language) -> Mapping[str, Any]:
        tokenizer = self.tokenizer or _TOKENIZERS.get(source.script, "13a")
        if tokenizer not in self._loaded:
            from sacrebleu.metrics import BLEU, CHRF

            self._loaded[tokenizer] = {"bleu": BLEU(effective_order=True, tokenize=tokenizer), "chrf": CHRF()}
        return self._loaded[tokenizer]

    @cached_property
    def _loaded(self) -> dict[str, Mapping[str, Any]]:
        return {}


def _score(metric: Any, came: str, sent: str) -> float:
    return float(metric.sentence_score(came, [sent]).score)


def _length(text: str) -> int:
    return len(_WORD.findall(text))

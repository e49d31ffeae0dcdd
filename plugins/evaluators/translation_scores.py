"""sacrebleu's metrics of translations, of the whole text and of each segment."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import Score
from langadapt.statistics import mean_interval

METRICS = ("BLEU", "chrF", "chrF++", "TER")
RESAMPLES = 1000
"""How often sacrebleu's bootstrap draws the segments anew, for its 95 % interval."""
_DOWNLOADED = ("flores101", "flores200", "spm", "spBLEU-1K")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One of `METRICS`; BLEU is told which `tokenizer` of sacrebleu it takes."""

    name: str
    tokenizer: str

    def scores(
        self, outputs: Sequence[str], references: Sequence[str], *, task: str, asked: str
    ) -> tuple[list[Score], list[float]]:
        """The score of the whole with the interval of sacrebleu's bootstrap, the mean of its segments', and these."""
        better = self.name != "TER"
        value, interval, signature = self._whole(outputs, references)
        parts = [
            self._segment.sentence_score(output, [one]).score
            for output, one in zip(outputs, references, strict=True)
        ]
        found = [
            Score(
                task=task, metric=self.name, value=value, n=len(outputs), interval=interval,
                higher_is_better=better, signature=f"{self.name}|{signature}|{asked}",
            ),
            Score(
                task=task, metric=f"sentence-{self.name}", value=sum(parts) / len(parts), n=len(parts),
                interval=mean_interval(parts, bounds=(0, 100 if better else math.inf)), higher_is_better=better,
                signature=f"sentence-{self.name}|{self._segment.get_signature()}|{asked}",
            ),
        ]  # fmt: skip
        return found, parts

    def check(self) -> None:
        """Refuse a tokenizer that is not there."""
        self._corpus  # noqa: B018 - raises where there is none

    def _whole(
        self, outputs: Sequence[str], references: Sequence[str]
    ) -> tuple[float, tuple[float, float] | None, str]:
        """The score of all segments, its interval where there are several, and sacrebleu's signature.

        sacrebleu tells the mean of its resamples and half the width between their 2.5 and 97.5 percentiles. By its test of one
        system: `corpus_score(n_bootstrap=...)` fails where a resample matches nothing (2.6.0).
        """
        from sacrebleu.significance import PairedTest

        if len(outputs) < 2:
            score = self._corpus.corpus_score(outputs, [references])
            return score.score, None, str(self._corpus.get_signature())
        test = PairedTest([("outputs", outputs)], {self.name: self._corpus}, [references], "bs", RESAMPLES)
        signatures, found = test()
        name, signature = next(iter(signatures.items()))
        told = found[name][0]
        most = math.inf if self.name == "TER" else 100.0
        low, high = max(0.0, float(told.mean - told.ci)), min(most, float(told.mean + told.ci))
        return told.score, (min(told.score, low), max(told.score, high)), str(signature)

    @cached_property
    def _corpus(self) -> Any:
        return self._made()

    @cached_property
    def _segment(self) -> Any:
        """A segment has few n-grams: BLEU of one counts those orders alone that it has (sacrebleu's own way)."""
        return self._made(effective_order=True) if self.name == "BLEU" else self._made()

    def _made(self, *, effective_order: bool = False) -> Any:
        from sacrebleu.metrics import BLEU, CHRF, TER

        if self.name == "chrF":
            return CHRF()
        if self.name == "chrF++":
            return CHRF(word_order=2)
        if self.name == "TER":
            return TER()
        if self.tokenizer not in BLEU.TOKENIZERS:
            raise ConfigError(
                f"sacrebleu has no tokenizer {self.tokenizer!r}",
                hint=f"take one of {', '.join(BLEU.TOKENIZERS)}",
            )
        try:
            return BLEU(tokenize=self.tokenizer, effective_order=effective_order)
        except (Exception, SystemExit) as error:  # what its tokenizers raise where something is missing
            said = " ".join(str(error).split()) or type(error).__name__
            raise ComponentError(
                f"sacrebleu's tokenizer {self.tokenizer} cannot be had: {said[:200]}",
                hint=f"sacrebleu downloads its model into ~/.sacrebleu at first; --set tokenizer={_usual(self.tokenizer)} does without"
                if self.tokenizer in _DOWNLOADED
                else f"install what it names, or --set tokenizer={_usual(self.tokenizer)}",
            ) from error


def _usual(tokenizer: str) -> str:
    return "char" if tokenizer in ("ja-mecab", "ko-mecab") else "13a"


def listed(metric: str, task: str, ids: Sequence[str], values: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Rows of per-segment values."""
    for name, value in zip(ids, values, strict=True):
        yield {"id": name, "task": task, "metric": metric, "value": value}

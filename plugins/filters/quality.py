"""How good a translation is, estimated without a reference by a COMET model in an environment of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from langadapt.interfaces import SPEED, Loads, ModelRef, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.comet import Comet


@dataclass(frozen=True, kw_only=True)
class Quality(Loads):
    """Drops a record of which a segment scores less than `at_least`; the worst segment counts.

    The score is that of the model (CometKiwi, Rei et al. 2022, aclanthology 2022.wmt-1.60: 0 to 1), which is not alike
    across models, languages and lengths: find a limit with `langadapt filter --calibrate`.
    """

    alone: ClassVar[bool] = True
    limits: ClassVar[dict[str, str]] = {"at_least": "low"}
    model: Annotated[
        ModelRef, "a COMET model for quality estimation: a Hub id, or a folder with its `checkpoints`"
    ]
    python: Annotated[Path, "the Python of an environment that holds unbabel-comet", SPEED]
    at_least: Annotated[float, "smallest score of a segment"]
    characters: Annotated[int, Ge(0), "a source of fewer is not judged: a score says little of it"] = 12
    batch_size: Annotated[int, Gt(0), "segments scored at once", SPEED] = 16
    gpus: Annotated[int, Ge(0), "accelerators that it may use; 0 is the CPU", SPEED] = 0

    @property
    def known(self) -> dict[str, str]:
        """The version of COMET in the other environment."""
        return {"unbabel-comet": self._comet.version}

    def check(self, pack: LanguagePack) -> None:  # noqa: ARG002 - the seam's names
        """Refuse a Python without COMET before any work is done."""
        self._comet.version  # noqa: B018 - raises where there is none

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item, with the score of its worst segment."""
        asked = dict.fromkeys(pair for item in batch for _, pair in self._pairs(item))
        scores = dict(zip(asked, self._comet.scores(list(asked)), strict=True))
        return [self._judge([(scores[pair], index) for index, pair in self._pairs(item)]) for item in batch]

    def close(self) -> None:
        """End the worker."""
        if comet := self.__dict__.get("_comet"):
            comet.close()
        super().close()

    def _judge(self, scores: Sequence[tuple[float, int]]) -> Verdict:
        if not scores:
            return Verdict(keep=True)
        worst, index = min(scores)
        score = round(worst, 4)
        if worst >= self.at_least:
            return Verdict(keep=True, score=score, segment=index)
        reason = f"quality: {score:.3f} below {self.at_least:.3f}"
        return Verdict(keep=False, reason=reason, score=score, segment=index)

    def _pairs(self, item: Translation) -> Iterator[tuple[int, tuple[str, str]]]:
        """The segments that are long enough."""
        for index, pair in enumerate(item.pairs if item.translated else ()):
            if pair.target.strip() and len(pair.source) >= self.characters:
                yield index, (pair.source, pair.target)

    @cached_property
    def _comet(self) -> Comet:
        return Comet(
            name="quality",
            setting="filter.quality",
            model=self.model,
            python=self.python,
            batch_size=self.batch_size,
            gpus=self.gpus,
        )

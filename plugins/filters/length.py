"""Is the translation about as long as its source? A ratio of characters, per segment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from langadapt.interfaces import Loads, SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack


@dataclass(frozen=True, kw_only=True)
class Length(Loads):
    """Drops a record with a segment that came back far shorter or longer than it was sent; `slack` spares short ones."""

    at_least: Annotated[float, Ge(0), "smallest target length over source length"] = 0.5
    at_most: Annotated[float, Gt(0), "largest target length over source length"] = 2.0
    slack: Annotated[int, Ge(0), "characters that both lengths are given before they are compared"] = 20

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item: that of its worst segment."""
        return [self._judge(item.pairs) if item.translated else Verdict(keep=True) for item in batch]

    def _judge(self, pairs: Sequence[SegmentPair]) -> Verdict:
        ratios = [(len(pair.target) + self.slack) / max(1, len(pair.source) + self.slack) for pair in pairs]
        if not ratios:
            return Verdict(keep=True)
        worst = max(range(len(ratios)), key=lambda index: abs(math.log(max(ratios[index], 1e-9))))
        bad = [index for index, ratio in enumerate(ratios) if not self.at_least <= ratio <= self.at_most]
        worst = worst if worst in bad or not bad else bad[0]
        score = round(ratios[worst], 3)
        if not bad:
            return Verdict(keep=True, score=score, segment=worst)
        reason = f"length: {len(pairs[worst].source)} characters became {len(pairs[worst].target)}"
        return Verdict(keep=False, reason=reason, score=score, segment=worst)

"""Is the translation about as long as its source? A ratio of characters, per segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from langadapt.interfaces import Loads, SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack


@dataclass(frozen=True, kw_only=True)
class Length(Loads):
    """Drops a record with a segment that came back far shorter or longer than it was sent; `slack` spares short ones."""

    at_least: Annotated[float, "smallest target length over source length"] = 0.5
    at_most: Annotated[float, "largest target length over source length"] = 2.0
    slack: Annotated[int, "characters that both lengths are given before they are compared"] = 20

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item: that of its worst segment."""
        return [self._judge(item.pairs) if item.translated else Verdict(keep=True) for item in batch]

    def _judge(self, pairs: Sequence[SegmentPair]) -> Verdict:
        worst = Verdict(keep=True, score=1.0)
        for index, pair in enumerate(pairs):
            ratio = (len(pair.target) + self.slack) / (len(pair.source) + self.slack)
            if abs(ratio - 1) > abs((worst.score or 1) - 1):
                worst = Verdict(keep=True, score=round(ratio, 3), segment=index)
            if not self.at_least <= ratio <= self.at_most:
                reason = f"length: {len(pair.source)} characters became {len(pair.target)}"
                return Verdict(keep=False, reason=reason, score=round(ratio, 3), segment=index)
        return worst

"""What gates share that judge each segment of a translated record by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from langadapt.interfaces import Loads, SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack

DATA = Path(__file__).parent


class Fault(NamedTuple):
    """What is wrong with a translation: `KIND: what`, the characters of the target concerned, a figure where there is one."""

    reason: str
    span: tuple[int, int] | None = None
    score: float | None = None


@dataclass(frozen=True, kw_only=True)
class Segmentwise(Loads):
    """A gate whose verdict on a record is that of its first faulty segment; records that were not translated pass."""

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:
        """One verdict per item, with the segment and the characters that are at fault."""
        return [self._judge(item, source, pack) for item in batch]

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """What is wrong with one translation; nothing where it may pass."""
        raise NotImplementedError

    def _judge(self, item: Translation, source: Language, pack: LanguagePack) -> Verdict:
        if not item.translated:
            return Verdict(keep=True)
        for index, pair in enumerate(item.pairs):
            if fault := self.fault(pair, source, pack):
                return Verdict(
                    keep=False, reason=fault.reason, score=fault.score, segment=index, span=fault.span
                )
        return Verdict(keep=True)

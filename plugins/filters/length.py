"""Is the translation about as long as its source? A ratio of characters, per segment."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from langadapt.interfaces import Loads, SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack

_WIDE = re.compile(
    "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
_WIDTH = {"Hans": 3.2, "Hant": 3.2, "Jpan": 2.0, "Kore": 2.0}
_RATIO = {"Arab": 0.88, "Hebr": 0.8, "Ethi": 0.65}
"""Characters of a script to one of an alphabet such as ours; those that are missing take about as many."""
_SHORT, _LONG = 100, 300
"""Characters of a source up to which the limits hold as they are set, and from which on they are at their narrowest."""


@dataclass(frozen=True, kw_only=True)
class Length(Loads):
    """Drops a record with a segment that came back far shorter or longer than it was sent; `slack` spares short ones.

    Lengths are characters. A Chinese, Japanese or Korean one counts as the two or three of an alphabet that it stands for,
    and other scripts by how long they usually come out; a pack says its own in the table `length` of its literals:
    `ratio`, the usual target length over source length (such as 1.1), and `width`, that of a wide character.
    """

    limits: ClassVar[dict[str, str]] = {"at_least": "low", "at_most": "high"}
    at_least: Annotated[float, Ge(0), "smallest target length over source length"] = 0.5
    at_most: Annotated[float, Gt(0), "largest target length over source length"] = 2.0
    slack: Annotated[int, Ge(0), "characters that both lengths are given before they are compared"] = 15
    narrowed: Annotated[
        float, Gt(0), Le(1), "what is left of both limits, as logarithms, for segments of 300 characters and more; from 100 on they narrow"
    ] = 0.7  # fmt: skip

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item: that of its worst segment."""
        ratio, width = _usual(pack)
        return [
            self._judge(item.pairs, ratio, width) if item.translated else Verdict(keep=True) for item in batch
        ]

    def _judge(self, pairs: Sequence[SegmentPair], usual: float, width: float) -> Verdict:
        if not pairs:
            return Verdict(keep=True)
        sent = [_extent(pair.source, width) for pair in pairs]
        ratios = [
            (_extent(pair.target, width) / usual + self.slack) / max(1.0, length + self.slack)
            for pair, length in zip(pairs, sent, strict=True)
        ]
        bad = [n for n, ratio in enumerate(ratios) if not self._fits(ratio, sent[n])]
        worst = max(bad or range(len(ratios)), key=lambda n: abs(math.log(max(ratios[n], 1e-9))))
        score = round(ratios[worst], 3)
        if not bad:
            return Verdict(keep=True, score=score, segment=worst)
        reason = f"length: {len(pairs[worst].source)} characters became {len(pairs[worst].target)}"
        return Verdict(keep=False, reason=reason, score=score, segment=worst)

    def _fits(self, ratio: float, length: float) -> bool:
        if length <= _SHORT:
            return self.at_least <= ratio <= self.at_most
        far = min(1.0, (length - _SHORT) / (_LONG - _SHORT))
        power = 1 - far * (1 - self.narrowed)
        return bool(self.at_least**power <= ratio <= self.at_most**power)


@lru_cache(64)
def _usual(pack: LanguagePack) -> tuple[float, float]:
    facts, script = pack.literals.get("length", {}), pack.language.script
    return float(facts.get("ratio", _RATIO.get(script, 1.0))), float(
        facts.get("width", _WIDTH.get(script, 2.0))
    )


def _extent(text: str, width: float) -> float:
    """The length of a text, wide characters counted as so many."""
    if text.isascii():
        return len(text)
    return len(text) + (width - 1) * sum(map(len, _WIDE.findall(text)))

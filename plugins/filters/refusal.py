"""Did the model refuse? "I'm sorry, but I can't ...", in English or the target language, where its source does not."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.phrases import accounted, english, known, may_say, said, spaced
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise


@dataclass(frozen=True, kw_only=True)
class Refusal(Segmentwise):
    """Drops a record with a segment that refuses or speaks of itself as a machine, unless its source does.

    A single apology or denial is accounted for by any word of denial that stands about there in the source.
    """

    beginning: Annotated[
        int,
        Ge(0),
        "a phrase within so many characters stands at the beginning, where only a denial there accounts for it",
    ] = 40
    most: Annotated[int, Ge(0), "a longer target, in characters, is not asked for a bare `I cannot`"] = 200

    def _judge(self, item: Translation, source: Language, pack: LanguagePack) -> Verdict:
        low = "\n".join(pair.target for pair in item.pairs).lower()
        if not may_say("refusal", low, pack) and not any(map(low.__contains__, _parts(pack))):
            return Verdict(keep=True)
        return super()._judge(item, source, pack)

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:  # noqa: ARG002 - the seam's names
        """The words of the refusal."""
        low = pair.target.lower()
        cues = [(at, at + len(cue)) for cue in said("refusal", low, pack) if (at := _find(low, cue)) >= 0]
        bare = cannot(pack).search(low) if len(low) <= self.most else None
        if not cues and not bare:
            return None
        sent = pair.source.lower()
        start, end = min(cues) if cues else bare.span() if bare else (0, 0)
        if not any(english(low[slice(*cue)], sent, pack) for cue in cues):
            near = sent if not cues or start > self.beginning else sent[: 2 * self.beginning]
            several = any(other >= end for other, _ in cues) or (bare is not None and bare.start() >= end)
            if accounted("refusal", sent) or (not several and accounted("unable", near)):
                return None
        cue = low[start:end].strip()
        return Fault(f"refusal: {cue!r}", (start, end) if len(low) == len(pair.target) else None)


@lru_cache(64)
def _parts(pack: LanguagePack) -> tuple[str, ...]:
    return tuple({phrase.split(" … ")[0] for phrase in known("cannot", pack)})


@lru_cache(64)
def cannot(pack: LanguagePack) -> re.Pattern[str]:
    """Whether somebody says that he cannot, in English or the pack's language, with words between."""
    phrases = (re.escape(phrase).replace("\\ …\\ ", " [^.!?\n]{0,80}?") for phrase in known("cannot", pack))
    return re.compile("|".join(rf"(?<!\w){one}" if spaced(one[0]) else one for one in phrases) or "(?!)")


def _find(low: str, cue: str) -> int:
    """Where a phrase stands, not within a word of a script with spaces."""
    at = low.find(cue)
    while at >= 0:
        end = at + len(cue)
        before = at > 0 and spaced(cue[0]) and low[at - 1].isalpha()
        after = len(cue) < 12 and spaced(cue[-1]) and low[end : end + 1].isalpha()
        if not before and not after:
            return at
        at = low.find(cue, end)
    return -1

"""Did the model answer its source, go on with the talk or ask for a text, instead of translating? By shape, and a few words."""

# ruff: noqa: RUF001 - marks of many scripts

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.phrases import accounted, alternatives, known, table
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise
from langadapt_plugins.filters.truncated import missing, stops
from langadapt_plugins.filters.wording import QUESTIONS, ending, extent, sentences

_ASKED = re.compile(r"[?？؟](?=[\s\"'”’»)\]*_!]|$)")
_POLITE = re.compile(
    r"\b(?:(?:can|could|would|will|won't) (?:you|someone|anyone|we|i)|may i|shall we|please|right\?|ok(?:ay)?\?)"
    r"|, \w+(?:n't)? (?:i|you|he|she|it|we|they)\?$"
)
_MAY_ASK = re.compile(
    r"(?:(?:^|[.!,;:\n—–-]\s{0,3})(?:(?:and|but|so|also|please|ok|hi|hey|hello|well|now) )?"
    r"(?:what|how|why|when|where|who|which|whose|can|could|would|should|do|does|did|is|are|am|was|were|will|shall|may|any|has|have|isn't|don't)"
    r"|\b(?:wonder\w*|guess|let me know|tell me|know|question\w*|ask\w*|whether|why|how|what))\b"
)
_UNMARKED = frozenset({"Thai", "Laoo", "Khmr", "Mymr", "Tibt"})


@dataclass(frozen=True, kw_only=True)
class Answered(Segmentwise):
    """Drops a record with a segment that answers its source, adds to it, or asks for the text to translate.

    The score is the length of the target over what is usual for its source, or the evidence for sentences too many.
    """

    at_least: Annotated[
        float, Ge(0), "smallest share of the usual length of a request that bears no question mark"
    ] = 0.6
    at_most: Annotated[float, Ge(1), "largest share of it"] = 1.6
    evidence: Annotated[
        float, "how much likelier it must be that sentences were added at the end than that some were split"
    ] = 2.0
    most: Annotated[int, Ge(1), "sentences of a target, above which they are not compared"] = 60

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """What shows that the target is not its source's translation."""
        sent, came = pair.source, pair.target
        if not sent.strip() or not came.strip():
            return None
        return (
            self._reply(sent, came, pack)
            or self._unasked(sent, came, source, pack)
            or _lines(sent, came)
            or self._asks(sent, came, source, pack)
            or self._more(sent, came, source, pack)
        )

    def _reply(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        if "?" not in sent or not (found := _answers(pack).match(came)) or accounted("answer", sent.lower()):
            return None
        return Fault(f"answered: begins with {found[0].strip()!r}", found.span())

    def _unasked(self, sent: str, came: str, source: Language, pack: LanguagePack) -> Fault | None:
        """A question that none came back for."""
        if not _ASKED.search(sent) or _asks(came, pack.language):
            return None
        share = _share(sent, came, source, pack)
        if ending(sent) in QUESTIONS and not _POLITE.search(sent.lower()[-300:]):
            return Fault("answered: a question came back as none", (0, len(came)), share)
        if self.at_least <= share <= self.at_most:
            return None
        return Fault(
            f"answered: no question any more, and {share:.0%} of the usual length", (0, len(came)), share
        )

    def _asks(self, sent: str, came: str, source: Language, pack: LanguagePack) -> Fault | None:
        """A question that its source does not ask, or words on a text to translate."""
        low = came.lower()
        about = next((stem for stem in known("text", pack) if stem in low), "")
        if about and not accounted("text", origin := sent.lower()):
            stem = next((stem for stem in known("translation", pack) if stem in low), "")
            if stem and not accounted("translation", origin):
                return Fault(f"answered: speaks of {about!r} and {stem!r}", (0, len(came)))
        if "?" in sent or not (found := _ASKED.search(came)):
            return None
        share = _share(sent, came, source, pack)
        may = _MAY_ASK.search(sent.lower())
        if about or not (may or (ending(sent) not in ".!" and self.at_least <= share <= self.at_most)):
            return Fault("answered: a question that its source does not ask", (0, found.end()), share)
        return None

    def _more(self, sent: str, came: str, source: Language, pack: LanguagePack) -> Fault | None:
        """Sentences at the end that its source does not have."""
        if stops(came) <= stops(sent) or extent(came, pack) < 1.15 * extent(sent, source):
            return None
        parts, kept = sentences(sent), sentences(came)
        if not len(parts) < len(kept) <= self.most:
            return None
        after = [extent(came[a:b], pack) for a, b in kept]
        found = missing(after, [extent(sent[a:b], source) for a, b in parts])
        asks = _ASKED.search(came) and "?" not in sent
        if found < (self.evidence / 4 if asks else self.evidence):
            return None
        reason = f"answered: {len(parts)} sentences became {len(kept)}, the last have no source"
        return Fault(reason, (kept[len(parts)].start, len(came)), round(found, 2))


def _lines(sent: str, came: str) -> Fault | None:
    """Lines that the source does not have; some more are wrapped where it has many, and none set apart."""
    if "\n" not in came.strip():
        return None
    before, after = ([line for line in text.split("\n") if line.strip()] for text in (sent, came))
    more = len(after) - len(before)
    apart = "\n\n" in came.strip() and "\n\n" not in sent
    if more <= (0 if apart else len(before) // 4):
        return None
    reason = f"answered: {len(before)} lines became {len(after)}"
    return Fault(reason, (max(0, came.rfind(after[-1])), len(came)), float(more))


def _asks(came: str, language: Language) -> bool:
    """Whether a text asks anything, as far as can be told in its language."""
    if any(mark in came for mark in "?？؟՞፧⁇⁈‽"):
        return True
    words = table("question", language.code)
    ended = f"{came.rstrip()}\n"
    return any(map(ended.__contains__, words)) if words else language.script in _UNMARKED


def _share(sent: str, came: str, source: Language, pack: LanguagePack) -> float:
    """The length of a translation over what is usual, short ones spared."""
    return round((extent(came, pack) + 10) / (extent(sent, source) + 10), 3)


@lru_cache(64)
def _answers(pack: LanguagePack) -> re.Pattern[str]:
    return re.compile(
        rf"[\W_]{{0,4}}(?:{alternatives('answer', pack)})\s?[,!.:;،、。！，：–-]", re.IGNORECASE
    )

"""Does the model speak before or after the translation? "Here is the translation:", "Sure! ...", "Note: ..."."""

# ruff: noqa: RUF001 - marks of many scripts

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.phrases import (
    accounted,
    alternatives,
    either,
    english,
    known,
    named,
    own,
    spaced,
)
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise

_BREAK = re.compile(r"[:：\n]")
_ASIDE = re.compile(r"[(\[（【][^()\[\]（）【】]{0,240}[)\]）】]?\W{0,3}$")


@dataclass(frozen=True, kw_only=True)
class Preamble(Segmentwise):
    """Drops a record with a segment that begins or ends with words about the translation that its source does not account for."""

    head: Annotated[int, Ge(1), "characters at the beginning that are looked at"] = 160
    tail: Annotated[int, Ge(1), "characters at the end that are looked at"] = 300
    aside: Annotated[int, Ge(1), "a bracket of more characters after the last sentence is a remark"] = 24

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:  # noqa: ARG002 - the seam's names
        """The words before or after the translation."""
        return self._before(pair.source, pair.target, pack) or self._after(pair.source, pair.target, pack)

    def _before(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        head = came[: self.head]
        start = sent[: self.head].lower()
        if (
            (found := _reply(pack).match(head))
            and found.end() < len(came.rstrip())
            and (not accounted("affirm", start[:60]) or english(found[1].lower(), start, pack))
        ):
            return Fault(f"preamble: begins with {found[0].strip()!r}", found.span())
        if (
            (found := _own(pack).match(head))
            and not accounted("translation", start)
            and not _alike(start, found[0], pack)
        ):
            return Fault(f"preamble: begins with {found[0].strip()!r}", found.span())
        pause = _BREAK.search(head)
        intro = head[: pause.end()] if pause else head[:100]
        own = _BREAK.search(start)
        intended = start[: own.end()] if own else start
        low = intro.lower()
        if (
            pause
            and pause.end() < len(came.rstrip())
            and _breaks(head) > _breaks(start)
            and named(low, start, pack)
        ):
            return Fault(f"preamble: begins with {intro.strip()[:60]!r}", (0, len(intro)))
        stem = next((stem for stem in known("translation", pack) if stem in low), None)
        leads = _leads(pack).match(head)
        if pause and (stem or leads) and _breaks(head) > _breaks(start):
            said = "translation" if stem else "lead"
            if not accounted(said, intended) and pause.end() < len(came.rstrip()):
                return Fault(f"preamble: begins with {intro.strip()[:60]!r}", (0, len(intro)))
        if stem and (leads or _about(low, pack)) and not accounted("translation", start):
            return Fault(f"preamble: begins with {intro.strip()[:60]!r}", (0, len(intro)))
        return None

    def _after(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        offset = max(0, len(came) - self.tail)
        tail = came[offset:]
        if found := _notes(pack).search(tail):
            said = len(tail) - found.start()
            if not accounted("note", sent[-said * 3 // 2 - 40 :].lower()):
                return Fault(
                    f"preamble: a remark after it, {found[0].strip()!r}", (offset + found.start(), len(came))
                )
        if (
            (found := _ASIDE.search(tail))
            and offset + found.start() > 0
            and found[0][0] not in sent[-self.tail :]
        ):
            aside = found[0].lower()
            own = "." in came[offset + found.start() - 2 :][:2] or "\n" in came[: offset + found.start()][-2:]
            speaks = any(map(aside.__contains__, known("translation", pack)))
            if (speaks and not accounted("translation", sent.lower())) or (own and len(aside) > self.aside):
                return Fault(
                    f"preamble: a remark after it, {found[0][:40]!r}", (offset + found.start(), len(came))
                )
        return None


def _breaks(text: str) -> int:
    return text.count(":") + text.count("：") + text.count("\n")


def _about(low: str, pack: LanguagePack) -> bool:
    return any(map(low.__contains__, known("text", pack)))


def _alike(start: str, phrase: str, pack: LanguagePack) -> bool:
    """Whether a source may say what a pack's phrase says, where that speaks of no translation."""
    low = phrase.lower()
    return not any(map(low.__contains__, known("translation", pack))) and (
        accounted("lead", start[:60]) or accounted("affirm", start[:60])
    )


@lru_cache(64)
def _reply(pack: LanguagePack) -> re.Pattern[str]:
    return re.compile(rf"[\W_]{{0,4}}({alternatives('affirm', pack)})\s?[,!.:;،、。！，：–-]", re.IGNORECASE)


@lru_cache(64)
def _own(pack: LanguagePack) -> re.Pattern[str]:
    return re.compile(rf"[\W_]{{0,4}}(?:{either(own('lead', pack))})", re.IGNORECASE)


@lru_cache(64)
def _leads(pack: LanguagePack) -> re.Pattern[str]:
    reply = rf"(?:(?:{alternatives('affirm', pack)})[\W_]{{1,3}})?"
    return re.compile(rf"[\W_]{{0,4}}{reply}(?:{alternatives('lead', pack)})", re.IGNORECASE)


@lru_cache(64)
def _notes(pack: LanguagePack) -> re.Pattern[str]:
    """A remark that begins a line, a sentence or a bracket; one short word must bear a colon."""
    phrases = known("note", pack)
    short = tuple(p for p in phrases if " " not in p and (spaced(p[-1:]) or len(p) < 3) and p[-1].isalnum())
    rest = tuple(p for p in phrases if p not in short)
    return re.compile(
        r"(?:[\n.!?…。！？؟।។][\W_]{0,6}|[(\[（【][\W_]{0,3})"
        rf"(?:(?:{either(short)})\W{{0,3}}[:：]|(?:{either(rest)}))",
        re.IGNORECASE,
    )

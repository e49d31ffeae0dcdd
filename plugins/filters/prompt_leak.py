"""Does the translation hold pieces of the prompt it was asked for with: instructions, roles, labels, control tokens?"""

# ruff: noqa: RUF001 - marks of many scripts

import re
from dataclasses import dataclass
from functools import lru_cache

from langadapt.interfaces import SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.phrases import accounted, either, english, known, may_say, names, said
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise

_CONTROL = re.compile(
    r"<\|[^<>|\n]{1,40}\|>|\[/?INST\]|</?s>|<</?SYS>>|</?think(?:ing)?>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    r"|###\s?(?:instruction|response|input|output|translation|system|user|assistant)|[〘〙]",
    re.IGNORECASE,
)
_MAY_CONTROL = "<[#〘〙"
_MAY_LEAK = _MAY_CONTROL + ":："


@dataclass(frozen=True, kw_only=True)
class PromptLeak(Segmentwise):
    """Drops a record with a segment that says what only the prompt of a translation says."""

    def _judge(self, item: Translation, source: Language, pack: LanguagePack) -> Verdict:
        low = "\n".join(pair.target for pair in item.pairs).lower()
        if not any(map(low.__contains__, _MAY_LEAK)) and not may_say("leak", low, pack):
            return Verdict(keep=True)
        return super()._judge(item, source, pack)

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:
        """The piece of a prompt."""
        sent, came = pair.source, pair.target
        if (
            any(map(came.__contains__, _MAY_CONTROL))
            and (found := _CONTROL.search(came))
            and found[0] not in sent
        ):
            return Fault(f"prompt-leak: the control token {found[0]!r}", found.span())
        low = came.lower()
        cue = next(said("leak", low, pack), None)
        origin = sent.lower()
        if cue and cue not in origin and (english(cue, origin, pack) or not accounted("leak", origin)):
            at = low.index(cue)
            return Fault(
                f"prompt-leak: {cue.strip()!r}", (at, at + len(cue)) if len(low) == len(came) else None
            )
        return self._ends(sent, came, pack) or _labelled_so(sent, came, source, pack)

    def _ends(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        """A label that waits for a text."""
        tail, origin = came[-80:], sent[-160:].rstrip().lower()
        if not tail.rstrip("\n *_").endswith((":", "：")) or origin.endswith((":", "：")):
            return None
        found = _last(pack).search(tail)
        if not found or accounted("text", origin) or accounted("translation", origin):
            return None
        span = (len(came) - len(tail) + found.start(1), len(came))
        return Fault(f"prompt-leak: ends in the label {found[1]!r}", span)


def _labelled_so(sent: str, came: str, source: Language, pack: LanguagePack) -> Fault | None:
    """A role or a language that labels what follows."""
    if not (":" in came or "：" in came) or not (found := _roles(source, pack).search(came)):
        return None
    label = found[1].lower()
    more = came.count(":") + came.count("：") > sent.count(":") or label not in sent.lower()
    if not more or _labelled(sent) or re.search(rf"\b{re.escape(label)}\s?:", sent, re.IGNORECASE):
        return None
    return Fault(f"prompt-leak: the label {found[1]!r}", found.span(1))


@lru_cache(64)
def _last(pack: LanguagePack) -> re.Pattern[str]:
    """A last line, or what stands after the last sentence, that names a text or a translation, and a colon."""
    stems = "|".join(map(re.escape, [*known("text", pack), *known("translation", pack), *names(pack)]))
    return re.compile(
        rf"(?:[\n.!?。！？][\W_]{{0,4}}|^)([^\n.!?。！？:：]{{0,40}}(?:{stems})[^\n.!?。！？:：]{{0,40}}[:：])[\W_]{{0,4}}$",
        re.IGNORECASE,
    )


def _labelled(sent: str) -> bool:
    return re.match(r"[\W_]{0,4}\w[\w ()-]{0,30}:", sent) is not None


@lru_cache(64)
def _roles(source: Language, pack: LanguagePack) -> re.Pattern[str]:
    """A role or a language with a colon, at the beginning of a line or sentence."""
    names = [name for one in (source, pack.language) for name in (one.name, one.native)]
    words = tuple(word.lower() for word in [*names, *known("role", pack)])
    return re.compile(
        rf"(?:^|[\n.!?。！？)\]\"”]\s{{0,3}})[\W_]{{0,4}}({either(words)})[*_]{{0,2}}\s?[:：]", re.IGNORECASE
    )

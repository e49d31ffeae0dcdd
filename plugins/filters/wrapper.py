"""Is the whole translation wrapped in what its source does not have: quotes, brackets, code, tags, emphasis, a label?"""

# ruff: noqa: RUF001 - marks of many scripts

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.phrases import accounted, either, known, names
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise

_QUOTES: Mapping[str, str] = {
    '"': '"“”', "“": '”“"', "„": '“”"‟', "”": "”", "«": "»", "»": "«", "‹": "›", "›": "‹", "'": "'’", "‘": "’'",
    "‚": "‘’'", "「": "」", "『": "』", "〝": "〟", "＂": "＂", "″": "″",
}  # fmt: skip
_BRACKETS: Mapping[str, str] = {
    "(": ")", "[": "]", "{": "}", "（": "）", "［": "］", "｛": "｝", "【": "】", "〔": "〕", "〘": "〙", "〖": "〗", "《": "》", "〈": "〉",
    "⟨": "⟩", "⟦": "⟧",
}  # fmt: skip
_MARKS = "*_`~=|-#"
_DOUBLE = "".join({*_QUOTES, *"」』〟"} - {*"'‘’‚‹›"})
_CORNERS = "「『〝"
_ASIAN = frozenset({"Hans", "Hant", "Jpan", "Kore"})
_RIM_TAG = re.compile(r"<(?!x\d+>)/?[A-Za-z][\w-]{0,30}(?:\s[^<>]{0,80})?>")
_CLOSING_TAG = re.compile(r"</[A-Za-z][\w-]{0,30}>$")
_HEAD_LABEL = re.compile(r"[^:：\n]{1,40}(?::(?=[\s*_\"”»]|$)|：)")


@dataclass(frozen=True, kw_only=True)
class Wrapper(Segmentwise):
    """Drops a record with a segment or a turn that came back wrapped or labelled, as models hand over a translation."""

    title: Annotated[
        int, Ge(0), "quotes around a title of at most so many words pass: some languages write them so"
    ] = 6

    def _judge(self, item: Translation, source: Language, pack: LanguagePack) -> Verdict:
        verdict = super()._judge(item, source, pack)
        if not verdict.keep or not item.translated:
            return verdict
        rims: dict[int, list[SegmentPair]] = {}
        for pair in item.pairs:
            rims.setdefault(pair.text, []).append(pair)
        for pairs in rims.values():
            first, last = pairs[0], pairs[-1]
            if first is not last and first.target[:1] and not first.target[0].isalnum():
                fault = self._around(
                    f"{first.source} {last.source}".strip(),
                    f"{first.target} {last.target}".strip(),
                    _strange(pack),
                )
                if fault:
                    return Verdict(keep=False, reason=f"{fault.reason}, a whole turn")
        return verdict

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:  # noqa: ARG002 - the seam's names
        """What stands around the target, or labels it."""
        sent, came = pair.source.strip(), pair.target.strip()
        if not came or not sent or not (found := self._rim(sent, came, pack)):
            return None
        start = len(pair.target) - len(pair.target.lstrip())
        span = (found.span[0] + start, found.span[1] + start) if found.span else None
        return found._replace(span=span)

    def _rim(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        label = _labels(pack).match(came)
        if label and label.end() < len(came) and _unlabelled(sent, came, label[0]):
            return Fault(f"wrapper: the label {label[0].strip()!r}", label.span())
        if came[-1] == ">" and (tag := _CLOSING_TAG.search(came[-40:])) and tag[0] not in sent:
            return Fault(f"wrapper: ends with the tag {tag[0]}", (len(came) - len(tag[0]), len(came)))
        return None if came[0].isalnum() else self._around(sent, came, _strange(pack))

    def _around(self, sent: str, came: str, strange: str) -> Fault | None:
        first, whole = came[0], (0, len(came))
        last = came[-1]
        if (
            last in ".。!?"
            and len(came) > 1
            and (came[-2] in _QUOTES.get(first, "") or came[-2] == _BRACKETS.get(first))
        ):
            last = came[-2]
        if first in _QUOTES:
            if last in _QUOTES[first] and (first in strange or self._quoted(sent, came, first)):
                return Fault(f"wrapper: {first}{last} around the whole", whole)
        elif first in _BRACKETS:
            if (
                last == _BRACKETS[first]
                and sent[0] not in _BRACKETS
                and came.count(first) > sent.count(first)
            ):
                return Fault(f"wrapper: {first}{last} around the whole", whole)
        elif first in _MARKS:
            return _marked(sent, came)
        elif first == "<":
            if (tag := _RIM_TAG.match(came)) and not sent.startswith("<"):
                return Fault(f"wrapper: begins with the tag {tag[0]}", tag.span())
            if came.startswith("<<") and came.endswith(">>") and not sent.startswith("<<"):
                return Fault("wrapper: <<>> around the whole", whole)
        return None

    def _quoted(self, sent: str, came: str, first: str) -> bool:
        """Whether quotes are around all of the target and around nothing of its source."""
        if sent[0] in _QUOTES:
            return came[1:2] in _QUOTES and came[1:2] != "" and sent[1:2] not in _QUOTES
        if sent[-1] in '"”»」』':
            return False
        if first in "'‘‚‹›":
            return True
        if sum(map(came.count, _DOUBLE)) < sum(map(sent.count, _DOUBLE)) + 2:
            return False
        words = sent.split()
        return (
            len(words) > self.title
            or sent[-1] in ".!?"
            or not all(w[0].isupper() for w in words if len(w) > 3)
        )


def _strange(pack: LanguagePack) -> str:
    """Quotes that the language does not use."""
    return "" if pack.language.script in _ASIAN else _CORNERS


def _unlabelled(sent: str, came: str, label: str) -> bool:
    """Whether nothing of the source is what the target begins with."""
    said = sent[: 2 * len(label)].lower()
    if " " in label.strip() and (accounted("translation", said) or accounted("text", said)):
        return False
    if "\n" in label:
        return came.count("\n") > sent.count("\n")
    after = came[len(label) : len(label) + 50]
    return _HEAD_LABEL.match(sent) is None or _HEAD_LABEL.match(after) is not None


def _marked(sent: str, came: str) -> Fault | None:
    """Marks of Markdown that open and close the whole; a fence also where it only opens."""
    mark = came[0]
    if came.startswith("```") and "```" not in sent:
        return Fault("wrapper: a code fence around the whole", (0, len(came)))
    run = len(came[:8]) - len(came[:8].lstrip(mark))
    if mark in "-=#|~" and run < 3 and mark != "|":
        return None
    if (
        len(came) > 2 * run
        and came.endswith(mark * run)
        and sent[0] != mark
        and came.count(mark) >= sent.count(mark) + 2
    ):
        return Fault(f"wrapper: {mark * run} around the whole", (0, len(came)))
    return None


@lru_cache(64)
def _labels(pack: LanguagePack) -> re.Pattern[str]:
    """The word for a translation, a text or the like, or the name of the language, at most three of them, and a colon."""
    language = pack.language
    words = (language.native, language.code, pack.literals.get("translation", ""), *known("label", pack))
    stems = [*known("translation", pack), *known("text", pack), *names(pack)]
    stem = rf"(?:{'|'.join(map(re.escape, stems))})\w{{0,12}}"
    word = f"(?:{stem}|{either(tuple(word.lower() for word in words if word))})"
    aside = r"(?:\s?[(\[（][^()\[\]（）\n]{1,30}[)\]）])?"
    label = rf"(?:{stem}(?: \w{{1,12}}){{1,3}}|{word}(?:[ /-](?:\w{{1,4}} )?{word}){{0,2}})"
    return re.compile(
        rf"[\W_]{{0,4}}{label}{aside}[\"'*_`»”\])]{{0,3}}(?:\s?[:：]|\n)[*_]{{0,2}}|\[{word}\]", re.IGNORECASE
    )

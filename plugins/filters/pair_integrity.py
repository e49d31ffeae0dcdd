"""Do the two answers of a preference still differ in what they differed in, and only there?"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, NamedTuple

from annotated_types import Ge, Gt, Le

from langadapt.interfaces import Loads, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt.records import Preference, Side

_WORD = re.compile(r"\w+")
_WIDE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z][a-z']{1,30}")
_SHAPE: dict[str, re.Pattern[str]] = {
    "list items": re.compile(r"^[ \t]{0,12}(?:[-*+•]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE),
    "headings": re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+\S", re.MULTILINE),
    "code blocks": re.compile(r"^[ \t]{0,12}(?:```|~~~)", re.MULTILINE),
    "table rows": re.compile(r"^[ \t]{0,3}\|.*\|[ \t]*$", re.MULTILINE),
    "paragraphs": re.compile(r"\S[ \t]*(?:\n[ \t]*){2,}(?=\S)"),
}
_FENCED = re.compile(r"```.{0,20000}?```|`[^`\n]{1,200}`", re.DOTALL)
_READ = 20_000
"""Only so many characters of an answer are read for its words."""


class _Answer(NamedTuple):
    sent: str
    came: str


@dataclass(frozen=True, kw_only=True)
class PairIntegrity(Loads):
    """Drops a preference whose translation no longer says which answer is better; other records pass.

    That is: answers that became the same, or so alike that their difference is lost, as a share of words in common; one
    answer empty or left as it was where the other is translated; one answer drawn out or cut, or with other lists, headings,
    tables or code blocks than its source, where the other is not.
    """

    at_most: Annotated[
        float, Gt(0), Le(1), "largest share of words in common, where the sources have clearly fewer"
    ] = 0.95
    margin: Annotated[
        float, Gt(0), Le(1), "smallest rest of the share of words in which the sources differ"
    ] = 0.34
    drift: Annotated[
        float, Gt(1), "largest factor between the answers' target lengths over source lengths"
    ] = 2.0
    slack: Annotated[int, Ge(0), "characters that lengths are given before they are compared"] = 60
    copied: Annotated[
        int, Ge(1), "words from which an answer that equals its source counts as left as it was"
    ] = 4

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item; the score of a preference is the share of words that its two translations have in common."""
        return [self._judge(item) for item in batch]

    def _judge(self, item: Translation) -> Verdict:
        sent, came = item.source, item.target
        if not item.translated or not isinstance(sent, Preference) or not isinstance(came, Preference):
            return Verdict(keep=True)
        chosen = _Answer(_said(sent.chosen), _said(came.chosen))
        rejected = _Answer(_said(sent.rejected), _said(came.rejected))
        before, after = _alike(chosen.sent, rejected.sent), _alike(chosen.came, rejected.came)
        tests: list[Callable[[], str]] = [
            lambda: self._one_sided(chosen, rejected),
            lambda: self._margin(chosen, rejected, before, after),
            lambda: self._drift(chosen, rejected),
            lambda: _reshaped(chosen, rejected),
        ]
        reason = next((reason for test in tests if (reason := test())), "")
        return Verdict(keep=not reason, reason=reason and f"pair: {reason}", score=round(after, 3))

    def _margin(self, chosen: _Answer, rejected: _Answer, before: float, after: float) -> str:
        if chosen.sent.split() == rejected.sent.split():
            return ""
        if _bare(chosen.came) == _bare(rejected.came) and _bare(chosen.sent) != _bare(rejected.sent):
            return "chosen and rejected became the same"
        if after > self.at_most and 1 - after < self.margin * (1 - before):
            return f"answers with {before:.0%} of their words in common now have {after:.0%}"
        return ""

    def _one_sided(self, chosen: _Answer, rejected: _Answer) -> str:
        """Damage of one answer that the other does not have."""
        for kind, damaged in (
            ("empty", _empty),
            ("left as it was", self._left),
            ("partly left as it was", self._partly),
        ):
            marks = {"chosen": damaged(chosen), "rejected": damaged(rejected)}
            if sum(marks.values()) == 1:
                return f"{next(name for name, bad in marks.items() if bad)} is {kind}"
        return ""

    def _left(self, answer: _Answer) -> bool:
        return (
            answer.sent.strip() == answer.came.strip()
            and len(_LATIN_WORD.findall(answer.sent[:_READ])) >= self.copied
        )

    def _partly(self, answer: _Answer) -> bool:
        """Whether most of the answer's words of prose stand in the translation too."""
        words = Counter(map(str.lower, _LATIN_WORD.findall(_prose(answer.sent))))
        kept = words & Counter(map(str.lower, _LATIN_WORD.findall(_prose(answer.came))))
        return words.total() >= 2 * self.copied and kept.total() > 0.5 * words.total()

    def _drift(self, chosen: _Answer, rejected: _Answer) -> str:
        ratios = [(len(one.came) + self.slack) / (len(one.sent) + self.slack) for one in (chosen, rejected)]
        if max(ratios) <= self.drift * min(ratios):
            return ""
        return f"chosen became {ratios[0]:.2f} times as long, rejected {ratios[1]:.2f} times"


def _reshaped(chosen: _Answer, rejected: _Answer) -> str:
    """A change of format that one answer shows alone."""
    for kind, pattern in _SHAPE.items():
        (had, has), (had_too, has_too) = (
            (len(pattern.findall(one.sent)), len(pattern.findall(one.came))) for one in (chosen, rejected)
        )
        if had_too == has_too and abs(had - has) > max(had, has) // 8:
            return f"chosen had {had} {kind}, has {has}"
        if had == has and abs(had_too - has_too) > max(had_too, has_too) // 8:
            return f"rejected had {had_too} {kind}, has {has_too}"
    return ""


def _said(side: Side) -> str:
    """What a side says; of turns, all of them."""
    return side if isinstance(side, str) else "\n\n".join(message.content for message in side)


def _bare(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _empty(answer: _Answer) -> bool:
    return bool(_WORD.search(answer.sent)) and not _WORD.search(answer.came)


def _prose(text: str) -> str:
    return _FENCED.sub(" ", text[:_READ])


def _alike(one: str, other: str) -> float:
    """The share of words, or of pairs of characters where no blanks stand between words, that two texts have in common."""
    first, second = _pieces(one[:_READ]), _pieces(other[:_READ])
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 1.0


def _pieces(text: str) -> Counter[str]:
    folded = text.casefold()
    if not folded.isascii() and len(_WIDE.findall(folded)) * 3 > len(folded):
        return Counter(map("".join, pairwise(folded)))
    return Counter(_WORD.findall(folded))

"""Does an answer refuse, or speak of itself as a machine? Such rows teach a model to do so; most are dropped before money is spent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import Loads, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt.records import Preference, Record, Side
from langadapt_plugins.filters.phrases import known, spaced
from langadapt_plugins.filters.refusal import cannot

_MACHINE = (
    "as an ai", "as a language model", "as a large language model", "as an artificial intelligence", "ai language model",
    "my knowledge cutoff",
)  # fmt: skip
_UNABLE = (
    "unable",
    "not able",
    "cannot",
    "can't",
    "won't be able",
    "decline",
    "not comfortable",
    "do not have access",
    "don't have access",
)
_NEAR = 160


@dataclass(frozen=True, kw_only=True)
class Safety(Loads):
    """Drops a record with an answer that begins with a refusal, or speaks of itself as a machine anywhere.

    It looks at the assistant's turns, of a preference at the chosen side: that the rejected one refuses teaches what is
    wanted. Made for `[select]`, where rows are judged in the language that they were written in; among the gates of
    translations `refusal` compares with the source and knows more.
    """

    beginning: Annotated[int, Ge(0), "a refusal begins within so many characters of an answer"] = 60
    phrases: Annotated[tuple[str, ...], "what else drops an answer wherever it stands, in any case"] = ()

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item."""
        return [self._judge(item.target, pack) for item in batch]

    def _judge(self, record: Record, pack: LanguagePack) -> Verdict:
        for answer in _answers(record):
            low = " ".join(answer.lower().replace("\u2019", "'").split())
            found = self._refusal(low, pack) or next(
                (one for one in (*_MACHINE, *self._own) if _at(low, one) >= 0), ""
            )
            if found:
                return Verdict(keep=False, reason=f"safety: {found.strip()}")
        return Verdict(keep=True)

    def _refusal(self, low: str, pack: LanguagePack) -> str:
        """A phrase of refusal at the beginning where something is denied, too: an apology alone refuses nothing."""
        near = low[: self.beginning + _NEAR]
        cue = next((one for one in known("refusal", pack) if 0 <= _at(near, one) <= self.beginning), "")
        denied = cue and (cannot(pack).search(near) or any(_at(near, one) >= 0 for one in _UNABLE))
        return cue if denied else ""

    @property
    def _own(self) -> tuple[str, ...]:
        return tuple(" ".join(phrase.lower().split()) for phrase in self.phrases if phrase.strip())


def _answers(record: Record) -> Iterator[str]:
    if isinstance(record, Preference):
        yield from _said(record.chosen)
        return
    for side in record.sides:
        yield from _said(side)


def _said(side: Side) -> Iterator[str]:
    if isinstance(side, str):
        yield side
    else:
        yield from (message.content for message in side if message.role == "assistant")


def _at(low: str, phrase: str) -> int:
    """Where a phrase stands, not within a word of a script with spaces; -1 where it does not."""
    at = low.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        before = at > 0 and spaced(phrase[0]) and low[at - 1].isalnum()
        after = spaced(phrase[-1]) and low[end : end + 1].isalnum()
        if not before and not after:
            return at
        at = low.find(phrase, at + 1)
    return at

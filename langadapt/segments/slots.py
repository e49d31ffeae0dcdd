"""Slots: the places of a text that a translation takes, with what is sent for each and how it comes back."""

import re
from collections import Counter
from typing import NamedTuple

from langadapt.segments.gaps import restore
from langadapt.segments.spans import PLACEHOLDER, fault

_MARK = re.compile(r"[-+*>](?:\s|$)|#{1,6}\s|`{3}|~{3}|-{3}|={3}|\||\t| {4}")
_RISKY = re.compile(
    r"`|~|\$|\\|<|>|\{|\}|\[|\]|\||\*|#|%|@|&|\^|__|://|www\.|--+|===+|mailto:|data:|urn:|doi:"
)
_SPECIAL = re.compile(rf"{_RISKY.pattern}|\r|\n|\v|\f|\x1c|\x1d|\x1e|\x85|\u2028|\u2029")
_BORDER = re.compile(r"(?<!\\)\|")


class Slot(NamedTuple):
    """Characters `start` to `end` of a text; `gaps` are places of blanks in `sent` with what stood there."""

    start: int
    end: int
    sent: str
    spans: tuple[str, ...] = ()
    gaps: tuple[tuple[int, str], ...] = ()
    cell: bool = False

    def fault(self, came: str) -> str:
        """What is wrong with a translation by itself; nothing where it may stand here."""
        if reason := fault(self.sent, came):
            return reason
        if _MARK.match(came) and not _MARK.match(self.sent):
            return f"structure: the translation begins with the mark {came[:4]!r}"
        if self.cell and _BORDER.search(came):
            return "structure: the translation of a table's cell holds a border"
        return ""

    def harmless(self, came: str) -> bool:
        """Whether a translation is words and punctuation that can open, close or lose nothing: what most are."""
        return not self.spans and came[:1].isalnum() and not _SPECIAL.search(came)

    def plain(self, came: str) -> bool:
        """Whether a translation holds nothing, beyond what was sent, that could open or close anything."""
        found = _RISKY.findall(came)
        return not found or Counter(found) <= Counter(_RISKY.findall(self.sent))

    def filled(self, came: str) -> str:
        """A translation without fault, with its white space and its spans."""
        if self.gaps:
            came = restore(self.sent, self.gaps, came)
        return PLACEHOLDER.sub(lambda match: self.spans[int(match[1]) - 1], came) if self.spans else came

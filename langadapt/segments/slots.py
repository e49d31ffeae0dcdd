"""Slots: the places of a text that a translation takes, with what is sent for each and how it comes back."""

import re
from collections import Counter
from typing import NamedTuple

from langadapt.segments.gaps import restore
from langadapt.segments.spans import PLACEHOLDER, fault, find, nested

_MARK = re.compile(
    r"[-+*>](?:\s|$)|#{1,6}(?:\s|$)|`{3}|~{3}|-{3}|\*{3}\s*$|=+\s*$|\||\t| {4}|<(?:[!?/]|[A-Za-z])(?!\d+>)"
)
_ORDINAL = re.compile(r"\d{1,9}[.)]\s")
_ESCAPED = "\\<x"
_FREE = re.compile(r"(?<![\w/.@:=+>-])<x\d+>(?![\w/@=+({\[<-])")
_BEGINS_SPAN = re.compile(r"[`$\\<{@/\[~%&^]|:\w|--\w|=[A-Z]|\.\w")
_TOUCHING = re.compile(r"\w(?=<x\d+>)|<x\d+>(?=<x\d+>|\w)")
_RISKY = re.compile(
    r"`|~|\$|\\|<|>|\{|\}|\[|\]|\||\*|#|%|@|&|\^|__|://|www\.|--+|===+|mailto:|data:|urn:|doi:"
)
_SPECIAL = re.compile(r"[`~$\\<>{}\[\]|*#%@&^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]|__|:[/\w]|\.\w|--|==")
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
        return fault(self.sent, came) or self._mark(came) or self._broken(came)

    def _mark(self, came: str) -> str:
        if _MARK.match(came) and not _MARK.match(self.sent):
            return f"structure: the translation begins with the mark {came[:4]!r}"
        if self.cell and (_BORDER.search(came) or came.endswith("\\")):
            return "structure: the translation of a table's cell holds a border"
        return ""

    def _broken(self, came: str) -> str:
        if came.count("**") % 2 != self.sent.count("**") % 2:
            return "structure: the translation opens or closes an emphasis"
        if _ESCAPED in came and _ESCAPED not in self.sent:
            return "placeholders: one came back escaped"
        if "</" in "".join(self.spans) and nested(self._tags(self.sent)) and not nested(self._tags(came)):
            return "placeholders: a tag is closed before it is opened"
        return ""

    def intact(self, came: str) -> bool:
        """Whether the same spans are read out of a translation, filled, as out of what was sent: none is longer, or new."""
        rest, free = _FREE.subn("", came)
        if free == len(self.spans) and not _BEGINS_SPAN.search(rest):
            return True
        return Counter(self._read(came)) == Counter(self._read(self.sent))

    def apart(self, came: str) -> str:
        """A translation with blanks between its placeholders and words, so that no span grows."""
        return _TOUCHING.sub(lambda match: f"{match[0]} ", came)

    def harmless(self, came: str) -> bool:
        """Whether a translation is words and punctuation that can open, close or lose nothing: what most are."""
        return not self.spans and came[:1].isalpha() and not _SPECIAL.search(came)

    def plain(self, came: str) -> bool:
        """Whether a translation holds nothing, beyond what was sent, that could open or close anything."""
        found = _RISKY.findall(came)
        if _ORDINAL.match(came) and not _ORDINAL.match(self.sent):
            return False
        return not found or Counter(found) <= Counter(_RISKY.findall(self.sent))

    def filled(self, came: str) -> str:
        """A translation without fault, with its white space and its spans."""
        if self.gaps:
            came = restore(self.sent, self.gaps, came)
        return PLACEHOLDER.sub(lambda match: self.spans[int(match[1]) - 1], came) if self.spans else came

    def _read(self, text: str) -> list[str]:
        whole = PLACEHOLDER.sub(lambda match: self.spans[int(match[1]) - 1], text)
        return [whole[span.start : span.end] for span in find(whole)]

    def _tags(self, text: str) -> list[str]:
        return [self.spans[int(number) - 1] for number in PLACEHOLDER.findall(text)]

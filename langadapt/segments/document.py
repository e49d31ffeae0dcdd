"""A text as protected pieces and slots, its reassembly, and the proof of it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from langadapt.errors import ConfigError
from langadapt.segments.blocks import fences, leaves, line_places, tokens
from langadapt.segments.regions import blanked, regions
from langadapt.segments.sections import Cut, slots
from langadapt.segments.slots import Slot
from langadapt.segments.spans import may_hold

MODES: Mapping[str, Cut] = {"markdown": Cut.PARAGRAPH, "newline": Cut.LINE, "sentence": Cut.SENTENCE}
MODE = "markdown"
_WORD = re.compile(r"[^\W\d]\w*")


class Damage(Exception):  # noqa: N818 - a finding about a text, which the stages turn into a held row
    """What a translation did to a text; `segment` is the index of the segment, where one is to blame."""

    def __init__(self, reason: str, segment: int | None = None) -> None:
        super().__init__(reason)
        self.segment = segment


@dataclass(frozen=True)
class Document:
    """A text cut by one of `MODES`: paragraph by paragraph, line by line, or sentence by sentence."""

    text: str
    mode: str = MODE

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The places that translations take, in order."""
        if self.mode not in MODES:
            raise ConfigError(f"no segmentation is called {self.mode!r}", hint=f"modes: {', '.join(MODES)}")
        return tuple(_slots(self.text, MODES[self.mode]))

    @property
    def segments(self) -> tuple[str, ...]:
        """What is sent to a model, in order: white space is single blanks, protected spans are placeholders."""
        return tuple(slot.sent for slot in self.slots)

    def assemble(self, translations: Sequence[str]) -> str:
        """The text with each segment replaced; raises `Damage` unless everything protected came back unchanged."""
        out: list[str] = []
        at, plain = 0, True
        for index, (slot, translation) in enumerate(zip(self.slots, translations, strict=True)):
            came = translation.strip()
            if came == slot.sent:
                continue
            if not slot.harmless(came):
                if fault := slot.fault(came):
                    raise Damage(fault, index)
                if not slot.intact(came) and not slot.intact(came := slot.apart(came)):
                    raise Damage(
                        "structure: the translation makes a protected span longer, or a new one", index
                    )
                plain = plain and slot.plain(came)
            out += [self.text[at : slot.start], slot.filled(came)]
            at = slot.end
        result = "".join([*out, self.text[at:]])
        if not plain and Document(result, self.mode).protected != self.protected:
            raise Damage("structure: the translation opens or closes code, markup or another protected span")
        return result

    @cached_property
    def protected(self) -> Counter[str]:
        """The words of everything protected, numbers aside: a translation may begin with an ordinal."""
        at, found = 0, []
        for slot in self.slots:
            found += [self.text[at : slot.start], *slot.spans]
            at = slot.end
        return Counter(_WORD.findall("\n".join([*found, self.text[at:]])))


def _slots(text: str, cut: Cut) -> Iterator[Slot]:
    places = line_places(text)
    found = tokens(text) if "```" in text or "~~~" in text else None
    shown = text
    if apart := regions(text, list(fences(text, found, places)) if found else []):
        shown, found = blanked(text, apart), None
    spans = may_hold(shown)
    for leaf in leaves(shown, found or tokens(shown), places):
        yield from slots(text, shown, leaf, cut, spans=spans)

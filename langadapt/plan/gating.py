"""The gates that judge rows in the source language before anything is translated, asked about the sample."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from langadapt import registry
from langadapt.errors import LangAdaptError
from langadapt.interfaces import Translation
from langadapt.judging import Named, judged
from langadapt.languages import Language
from langadapt.plan.parts import Part
from langadapt.plan.sampling import Sampled
from langadapt.plan.served import servers
from langadapt.slots import Slot


def gated(
    rows: Sequence[Sampled],
    slots: Sequence[Slot],
    parts: Mapping[str, Part],
    source: Language,
    say: Callable[[str], None],
) -> list[Sampled]:
    """The rows, those that a gate drops marked; a gate that cannot be asked is said, and taken to keep all."""
    found = list(rows)
    pack = registry.pack(source.code)
    for slot in slots:
        component = parts[slot.address].component
        asked = [n for n, row in enumerate(found) if row.kept and row.record.language in ("", source.code)]
        if component is None or not asked:
            continue
        if servers(component):
            say(
                f"{slot.address} asks a server, which may be paid for it: it is not asked, and is taken to keep every row"
            )
            continue
        records = [found[number].record for number in asked]
        items = [
            Translation(source=record, target=replace(record, language=source.code), translated=False)
            for record in records
        ]
        try:
            told = list(judged(items, [Named(slot.name, component)], source=source, pack=pack, workers=1))
        except LangAdaptError as error:
            say(f"{slot.address} cannot be asked here, and is taken to keep every row: {error}")
            continue
        for number, one in zip(asked, told, strict=True):
            if not one.kept:
                found[number] = replace(found[number], action="gated", segments=())
    return found

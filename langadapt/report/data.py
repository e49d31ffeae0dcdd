"""Where the rows come from, under which licences, and which of them were left out as known test items."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langadapt.prepare.known import Term
from langadapt.prepare.licenses import licences_in
from langadapt.prepare.selection import is_held_out
from langadapt.records import Row, read_rows
from langadapt.report.formats import one_line, place
from langadapt.report.preferences import lines

CONTAMINATION = "contamination"
ITEMS = 5


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """Where rows came from; `terms` bind those who use what other models wrote, whatever the licence."""

    name: str
    path: str
    revision: str
    license: str
    stream: str
    rows: int
    kept: int
    dropped: dict[str, int]
    terms: tuple[str, ...] = ()
    guessed: str = ""


@dataclass(frozen=True, kw_only=True)
class RowFacts:
    """The rows of a stream that passed every gate: how many each split has."""

    stream: str
    splits: Mapping[str, int]

    @property
    def total(self) -> int:
        """Rows of all splits."""
        return sum(self.splits.values())


@dataclass(frozen=True, kw_only=True)
class LicenceFacts:
    """Rows of one part of a source under one licence: those that passed every gate, those left out for the licence."""

    source: str
    part: str
    license: str
    passed: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Records that held an item of a benchmark, when and by which gate they were found, and the items met most often."""

    when: str
    gate: str
    task: str
    records: int
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the data card says beyond the counts of the stages."""

    rows: tuple[RowFacts, ...]
    licences: tuple[LicenceFacts, ...]
    leaks: tuple[Leak, ...]
    preferences: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def licenses(self) -> dict[str, int]:
        """Rows that passed, by licence."""
        counts: Counter[str] = Counter()
        for one in self.licences:
            counts[one.license] += one.passed
        return {name: number for name, number in counts.items() if number}

    @property
    def total(self) -> int:
        """Rows that passed every gate."""
        return sum(one.total for one in self.rows)

    @property
    def asked(self) -> dict[str, list[str]]:
        """What licences ask of those who use the rows, and which ones do."""
        found = {one.id: one for name in self.licenses for one in licences_in(name)}
        return {
            "Name the authors": sorted(key for key, one in found.items() if one.attribution),
            "Share alike": sorted(key for key, one in found.items() if one.share_alike),
            "Not for commercial use": sorted(key for key, one in found.items() if not one.commercial),
        }


def read_sources(
    told: Mapping[str, Any], folder: Path, pack: Path | None, terms: Mapping[str, Term]
) -> Iterator[SourceFacts]:
    """The sources as prepare's manifest tells of them; `terms` explain the keys that stand there."""
    for name, facts in told.items():
        yield SourceFacts(
            name=name,
            path=place(str(facts.get("path", "")), folder, pack),
            revision=facts.get("revision") or "",
            license=facts.get("license") or _several(facts.get("licenses")),
            stream=facts.get("stream", ""),
            rows=facts.get("rows", 0),
            kept=facts.get("kept", 0),
            dropped=facts.get("dropped", {}),
            terms=tuple(_term(terms.get(term, term)) for term in _listed(facts.get("terms"))),
            guessed=one_line(facts.get("guessed") or ""),
        )


def _several(licenses: Any) -> str:
    """The licences of a source whose own is not stated, the most frequent first."""
    if not isinstance(licenses, Mapping):
        return ""
    names = sorted(filter(None, licenses), key=lambda name: -licenses[name])
    return "; ".join(names[:ITEMS]) + ("; and others" if len(names) > ITEMS else "")


def _term(told: Any) -> str:
    """A term as one sentence, with where it stands."""
    return one_line(f"{told.name}: {told.says} ({told.link})" if isinstance(told, Term) else told)


def read_data(
    folder: Path, streams: Sequence[str], share: float, gates: Sequence[str], prepared: Mapping[str, Any]
) -> DataFacts:
    """What passed and what was found to be a test item; `gates` are the names of the gates that look for such."""
    passed: Counter[_Licence] = Counter()
    left_out: Counter[_Licence] = Counter()
    leaks: Counter[tuple[str, str, str, str]] = Counter()
    rows = tuple(
        _passed(folder / "filter" / stream / "kept.jsonl", stream, share, passed) for stream in streams
    )
    for row in _rows(folder / "prepare" / "dropped.jsonl"):
        why = row.get("dropped") or {}
        if why.get("by") == "prepare" and str(why.get("reason", "")).startswith("licence "):
            left_out[_licence(row)] += 1
        leaks.update(_leak("before translation", why, gates))
    for stream in streams if gates else ():
        for row in _rows(folder / "filter" / stream / "kept.dropped.jsonl"):
            leaks.update(_leak("after translation", row.get("dropped") or {}, gates))
    return DataFacts(
        rows=rows,
        licences=tuple(
            LicenceFacts(
                source=key[0], part=key[1], license=key[2], passed=passed[key], left_out=left_out[key]
            )
            for key in sorted({*passed, *left_out})
        ),
        leaks=tuple(_by_task(leaks)),
        preferences=dict(_preferences(prepared)),
    )


_Licence = tuple[str, str, str]


def _licence(row: Row) -> _Licence:
    part = row.get("subset")
    return str(row.get("source", "")), part if isinstance(part, str) else "", str(row.get("license", ""))


def _passed(path: Path, stream: str, share: float, passed: Counter[_Licence]) -> RowFacts:
    splits = {"train": 0, "test": 0}
    for row in _rows(path):
        splits["test" if is_held_out(row["id"], share) else "train"] += 1
        passed[_licence(row)] += 1
    return RowFacts(stream=stream, splits={name: number for name, number in splits.items() if number})


def _leak(when: str, why: Mapping[str, Any], gates: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """When, gate, task and item, as the gate's reason names them: `contamination: TASK item ID: how`."""
    if why.get("by") in gates:
        found = re.match(r"[^:]*: (.*?) item (.*?)(?:: |$)", one_line(why.get("reason", "")))
        yield (
            when,
            str(why["by"]),
            *((found[1], found[2]) if found else ("", one_line(why.get("reason", "")))),
        )


def _by_task(leaks: Counter[tuple[str, str, str, str]]) -> Iterator[Leak]:
    tasks: dict[tuple[str, str, str], Counter[str]] = {}
    for (when, gate, task, item), number in leaks.items():
        tasks.setdefault((when, gate, task), Counter())[item] += number
    for (when, gate, task), items in sorted(tasks.items()):
        often = tuple(item for item, _ in items.most_common(ITEMS))
        yield Leak(when=when, gate=gate, task=task, records=items.total(), items=often)


def _preferences(prepared: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """The report on how ratings became pairs, by stream or source."""
    told = prepared.get("preferences")
    named = dict(told) if isinstance(told, Mapping) else {}
    named |= {name: facts.get("preferences") for name, facts in prepared.get("sources", {}).items()}
    for name, facts in named.items():
        if isinstance(facts, Mapping):
            yield name, tuple(lines(facts))


def _rows(path: Path) -> Iterator[Row]:
    yield from (row for _, row in read_rows(path)) if path.exists() else ()


def _listed(told: Any) -> Sequence[Any]:
    if isinstance(told, list | tuple):
        return told
    return [told] if told else []

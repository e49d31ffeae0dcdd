"""Sources to the rows of each stream: read, chosen, judged, mixed. What is left out lies beside, with its reason."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langadapt.errors import DataError
from langadapt.interfaces import Progress, Task, Translation
from langadapt.judging import Named, judged
from langadapt.languages import LanguagePack
from langadapt.prepare.duplicates import Duplicates
from langadapt.prepare.known import terms_of
from langadapt.prepare.mixing import chosen
from langadapt.prepare.preferences import MEAN, Rule, binarised
from langadapt.prepare.readers import apart, is_rated, read_rows_of, settled
from langadapt.prepare.reading import pinned
from langadapt.prepare.selection import EMPTY, Choice, TokenCount, first, fit, hollow, known
from langadapt.prepare.tally import Tally
from langadapt.records import KINDS, Preference, Record, Row, read_rows, record_from_row, writing
from langadapt.schema import Prepare, Source

Write = Callable[[Mapping[str, Any]], None]


@dataclass
class _Left:
    """Where rows go that are left out, each with who did it and why; counted by what stands before a colon."""

    write: Write
    reasons: Counter[str] = field(default_factory=Counter)

    def __call__(self, row: Row, reason: str, by: str = "prepare") -> None:
        self.reasons[reason.split(":", maxsplit=1)[0]] += 1
        self.write({**row, "dropped": {"by": by, "reason": reason}})


@dataclass(frozen=True, kw_only=True)
class Preparing:
    """What rows are put through; `gates` are filters that judge them in the source language, which `pack` is of.

    `takes` says for a stream which kind of record its trainer takes: no other is paid for.
    """

    settings: Prepare
    seed: int
    pack: LanguagePack
    gates: Sequence[Named] = ()
    count_tokens: TokenCount | None = None
    limit: int | None = None
    takes: Mapping[str, str] = field(default_factory=dict)
    progress: Progress

    def write(self, sources: Sequence[Source], folder: Path) -> dict[str, Any]:
        """`folder/STREAM.jsonl`, and what was left out in `folder/dropped.jsonl`; counts by source and stream.

        Raises `DataError` for a stream without a row, and for one id that comes twice from a source.
        """
        told: dict[str, Any] = {}
        rows: dict[str, int] = {}
        with writing(folder / "dropped.jsonl") as drop:
            for stream in dict.fromkeys(source.stream for source in sources):
                fed = [source for source in sources if source.stream == stream]
                rows[stream] = self._stream(fed, folder / f"{stream}.jsonl", drop, told)
        return {"sources": {source.name: told[source.name] for source in sources}, "streams": rows}

    def _stream(self, sources: Sequence[Source], out: Path, drop: Write, told: dict[str, Any]) -> int:
        """Write one stream and tell of its sources; gives the number of rows."""
        weights = {source.name: source.weight for source in sources if source.weight is not None}
        whole = out.with_suffix(".unmixed.jsonl") if weights else out
        before = known(self.settings)
        ids: dict[str, list[str | int]] = {}
        had: set[str | int] = set()
        with writing(whole) as keep:
            for source in sources:
                ids[source.name], told[source.name] = self._source(source, (before, had), keep, drop)
                had.update(ids[source.name])
        _check(sources[0].stream, ids, told)
        if not weights:
            return sum(map(len, ids.values()))
        taken = chosen(ids, weights, self.seed)
        with writing(out) as keep:
            for _, row in read_rows(whole):
                if row["id"] in taken[row["source"]]:
                    keep(row)
                else:
                    drop({**row, "dropped": {"by": "prepare", "reason": "mixing: more than its share"}})
        whole.unlink()
        for name, rows in ids.items():
            told[name]["kept"] = len(taken[name])
            told[name]["dropped"] |= {"mixing": len(rows) - len(taken[name])}
        return sum(map(len, taken.values()))

    def _source(
        self, source: Source, earlier: tuple[Duplicates, set[str | int]], keep: Write, drop: Write
    ) -> tuple[list[str | int], dict[str, Any]]:
        """Write the rows of one source, beside the texts and ids of those `earlier`; gives their ids and what is told of them."""
        before, had = earlier
        source, guessed = settled(pinned(source))
        if guessed:
            self.progress.say(guessed)
        rule = Rule.of(source.binarize or MEAN, where=f"source.{source.name}.binarize", seed=self.seed)
        reading = _Reading(source, rule, _Left(drop), self.limit, self.takes.get(source.stream, ""))
        licenses: Counter[str] = Counter()
        ids: list[str | int] = []
        with self.progress.task(f"read {source.name}", None) as task:
            fitting = reading.kept(fit(reading.records(task), self.settings))
            judged_here = self._judged(fitting, reading.left)
            texts = self.takes.get(source.stream) == "texts"
            counted = None if texts else self.count_tokens  # training divides a text that is too long
            for found in reading.kept(first(judged_here, self.settings, counted, before)):
                record = apart(found, had, source.name)
                keep(record.to_row())
                ids.append(record.id)
                licenses[record.license] += 1
        left = reading.left.reasons
        return ids, {
            "rows": len(ids) + left.total(), "kept": len(ids), "dropped": dict(left), "stream": source.stream, "path": source.path,
            "revision": source.revision, "license": source.license, "licenses": dict(licenses), "reader": source.reader,
            "guessed": guessed, "terms": [term.key for term in terms_of(source)], **reading.facts(),
        }  # fmt: skip

    def _judged(self, records: Iterator[Record], left: _Left) -> Iterator[Record]:
        """What the gates keep, in order. Rows that are in another language already are left to the gates after translation."""
        code = self.pack.language.code
        waiting: deque[Record] = deque()

        def here() -> Iterator[Translation]:
            for record in records:
                waiting.append(record)
                if record.language in ("", code):
                    yield Translation(source=record, target=replace(record, language=code), translated=False)

        for one in judged(here(), self.gates, source=self.pack.language, pack=self.pack):
            while waiting[0].language not in ("", code):
                yield waiting.popleft()
            record = waiting.popleft()
            if one.kept:
                yield record
            else:
                name, verdict = one.verdicts[-1]
                left(record.to_row(), verdict.reason, by=f"select.{name}")
        yield from waiting


@dataclass
class _Reading:
    """One source's way from raw rows to records; rated rows become pairs, of which a tally is kept."""

    source: Source
    rule: Rule
    left: _Left
    limit: int | None
    takes: str = ""
    tally: Tally | None = None
    rated: bool = False

    def records(self, task: Task) -> Iterator[Record]:
        """The records, with whatever makes no record left out."""
        rated = is_rated(self.source)
        for where, row in read_rows_of(self.source, self.limit):
            task.advance()
            if rated:
                yield from self._pairs(row, where)
                continue
            if hollow(row):
                self.left(row, EMPTY)
                continue
            record = self._fitting(row, where)
            if isinstance(record, Preference):
                self._tally().pair(row)
            yield record

    def kept(self, choices: Iterator[Choice]) -> Iterator[Record]:
        """The records that go on; the others are left out."""
        for choice in choices:
            if choice.reason:
                self.left(choice.record.to_row(), choice.reason)
            else:
                yield choice.record

    def facts(self) -> dict[str, Any]:
        """What is told of preferences; nothing where there are none."""
        return {"preferences": self.tally.facts()} if self.tally else {}

    def _pairs(self, row: Row, where: str) -> Iterator[Record]:
        self.rated = True
        self._tally().rated(row, where=where)
        for pair, reason in binarised(row, self.rule, where=where):
            if reason:
                self.left(pair, reason)
            if "chosen" in pair:
                self._tally().pair(pair, reason)
            if not reason:
                yield self._fitting(pair, where)

    def _fitting(self, row: Row, where: str) -> Record:
        record = record_from_row(row, where=where)
        if self.takes and not isinstance(record, KINDS[self.takes]):
            raise DataError(
                f"{where}: this row is none of {self.takes}, which the stream {self.source.stream!r} takes",
                hint=f"feed another stream (source.{self.source.name}.stream), or read it otherwise (`reader`)",
            )
        return record

    def _tally(self) -> Tally:
        self.tally = self.tally or Tally(self.rule if self.rated else None)
        return self.tally


def _check(stream: str, ids: Mapping[str, Sequence[str | int]], told: Mapping[str, Any]) -> None:
    if not any(ids.values()):
        why = "; ".join(f"{name}: {told[name]['dropped'] or 'no rows'}" for name in ids)
        raise DataError(
            f"stream {stream}: no row goes on ({why})",
            hint="choose other data, or change [prepare] in the recipe",
        )
    seen: set[str | int] = set()
    for name, rows in ids.items():
        for row in rows:
            if row in seen:
                raise DataError(
                    f"stream {stream}: id {row!r} comes from two rows, the second in source.{name}",
                    hint="give every row an id of its own, or none",
                )
            seen.add(row)

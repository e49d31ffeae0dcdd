"""Walking a run's rows: one by its id, or every row that a trainer took or held out."""

import json
from collections.abc import Iterator
from pathlib import Path

from langadapt.errors import DataError
from langadapt.provenance.way import ENDS, Stream, Way, completed, way_of
from langadapt.records import Row, read_rows
from langadapt.runner import Run
from langadapt.translations import Lookup

BOTH = "trained on and held out"
_UNKNOWN = "source row: prepare kept none of this id"


def trace(run: Run, key: str) -> list[Way]:
    """The way of each row whose id reads so, the number 1 and the text "1" alike, in each stream; raises `DataError` where none does."""
    streams = list(_streams(run))
    ways = [way for stream in streams for way in _traced(stream, key)]
    ways += _left_out(streams, key)
    if not ways:
        raise DataError(
            f"{run.folder}: no row has the id {key!r}", hint="ids stand in prepare/STREAM.jsonl of the run"
        )
    return ways


def training_rows(run: Run) -> Iterator[Way]:
    """The way of every row that a trainer took or held out, in order; `missing` is empty where nothing lacks."""
    for stream in _streams(run):
        yield from _trained(stream)


def _streams(run: Run) -> Iterator[Stream]:
    manifests = run.manifests()
    if "prepare" not in manifests:
        raise DataError(f"{run.folder}: prepare is not finished", hint="start the run again")
    for name in (manifests["prepare"].get("facts") or {}).get("streams") or ():
        yield Stream(name, run.folder, manifests)


def _trained(stream: Stream) -> Iterator[Way]:
    """The training rows of a stream in the order of prepare. All files are read side by side: only ids are held."""
    files = {end: stream.file("train", f"{name}.jsonl") for name, end in ENDS.items()}
    ends: dict[str | int, str] = {}
    for end, path in files.items():
        for row in _rows(path):
            ends[row["id"]] = BOTH if row["id"] in ends else end
    rows, pairs, verdicts, *trained = (
        Lookup((row["id"], row) for row in _rows(path) if row["id"] in ends)
        for path in (
            stream.file("translate", "rows.jsonl"),
            stream.file("translate", "rows.segments.jsonl"),
            stream.file("filter", "kept.verdicts.jsonl"),
            *files.values(),
        )
    )
    left = dict(ends)
    for source in _rows(stream.folder / "prepare" / f"{stream.name}.jsonl"):
        if end := left.pop(key := source["id"], ""):
            way = way_of(stream, source, pairs.take(key), verdicts.take(key), end)
            taken = [one.take(key) for name, one in zip(files, trained, strict=True) if end in (name, BOTH)]
            yield completed(stream, way, _changed(rows.take(key), taken))
    for key, end in left.items():
        yield Way(id=key, stream=stream.name, source={}, license="", end=end, missing=(_UNKNOWN,))


def _changed(translated: Row | None, trained: list[Row | None]) -> list[str]:
    rows = [row for row in trained if row]
    found = [f"training: the row is {BOTH}"] if len(rows) > 1 else []
    if any(row != translated for row in rows):
        found.append("translation: what was trained on is not what was translated")
    return found


def _rows(path: Path) -> Iterator[Row]:
    yield from (row for _, row in read_rows(path)) if path.exists() else ()


def _traced(stream: Stream, key: str) -> Iterator[Way]:
    for source in _found(stream.folder / "prepare" / f"{stream.name}.jsonl", key):
        yield _way(stream, source)


def _way(stream: Stream, source: Row) -> Way:
    key = source["id"]
    held = _find(stream.file("translate", "rows.held.jsonl"), key)
    told = _find(stream.file("translate", "rows.segments.jsonl"), key)
    verdicts = _find(stream.file("filter", "kept.verdicts.jsonl"), key)
    dropped = _find(stream.file("filter", "kept.dropped.jsonl"), key)
    end, reason = "prepared", ""
    if held:
        end, reason = "held back", str((held.get("held") or {}).get("reason", ""))
    elif dropped:
        why = dropped["dropped"]
        end, reason = "dropped", f"{why.get('by', '')}: {why.get('reason', '')}"
    elif trained := [one for name, one in ENDS.items() if _find(stream.file("train", f"{name}.jsonl"), key)]:
        end = trained[0]
    elif verdicts:
        end = "kept"
    elif told:
        end = "translated"
    way = way_of(stream, source, told, verdicts, end, reason)
    return completed(stream, way) if end in ENDS.values() else way


def _left_out(streams: list[Stream], key: str) -> Iterator[Way]:
    """A row that prepare left out; its stream is that of its source."""
    for row in _found(streams[0].folder / "prepare" / "dropped.jsonl", key) if streams else ():
        told = streams[0].facts("prepare").get("sources", {}).get(row.get("source"), {})
        stream = next((one for one in streams if one.name == told.get("stream")), streams[0])
        why = row["dropped"]
        yield way_of(stream, row, None, None, "left out", f"{why.get('by', '')}: {why.get('reason', '')}")


def _find(path: Path, key: str | int) -> Row | None:
    """The first row of exactly this id: a number is no text."""
    rows = _found(path, str(key))
    return next((row for row in rows if isinstance(row["id"], str) is isinstance(key, str)), None)


def _found(path: Path, key: str) -> Iterator[Row]:
    """The rows whose id reads like `key`; only lines that can hold it are parsed."""
    if not path.exists():
        return
    marks = {json.dumps(key, ensure_ascii=False).encode(), json.dumps(key).encode(), key.encode()}
    with path.open("rb") as lines:
        for line in lines:
            if any(mark in line for mark in marks):
                row = json.loads(line)
                if str(row.get("id")) == key:
                    yield dict(row)

"""Rows as Parquet files: the same columns for every row of a stream, so that any tool can read them."""

import json
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from langadapt.drafts import disk
from langadapt.prepare.selection import is_held_out
from langadapt.publish.checks import holds_key, scrubbed
from langadapt.records import Preference, Record, Row, Side, read_records
from langadapt.report.formats import finite
from langadapt.report.metadata import data_path

PER_FILE = 100_000
_BATCH = 1000
_ROLES = {"prompt": "user"}
_RATINGS = ("chosen_rating", "rejected_rating")
_MODELS = ("chosen_model", "rejected_model")
_NAMED = 5
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
_DATA_FILE = re.compile(r"\.(?:jsonl?|parquet|csv|tsv|txt|arrow|zip|gz|zst|xz|bz2)$", re.IGNORECASE)


@dataclass(frozen=True)
class Written:
    """Files of a stream, ids of rows that seem to hold a key, and ids that stand in more than one row: some of each."""

    files: list[Path]
    suspect: list[str]
    repeated: list[str]


def write_stream(stream: str, rows: Path, folder: Path, share: float) -> Written:
    """Write the rows that passed as `data/STREAM/SPLIT-*.parquet`."""
    chat, totals = _survey(rows, share)
    files: list[Path] = []
    suspect: list[str] = []
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    with ExitStack() as stack:
        splits = {split: _Split(stream, split, total, folder, stack) for split, total in totals.items()}
        for record in read_records(rows):
            row = as_columns(record, chat)
            if holds_key(json.dumps(row, ensure_ascii=False)):
                suspect.append(str(record.id))
            if row["id"] in seen:
                repeated[row["id"]] = None
            seen.add(row["id"])
            splits[_split(record, share)].add(row, type(record), chat)
        for split in splits.values():
            split.flush()
            files += split.files
    return Written(files, suspect[:_NAMED], list(repeated)[:_NAMED])


def _split(record: Record, share: float) -> str:
    return "test" if is_held_out(record.id, share) else "train"


def _survey(rows: Path, share: float) -> tuple[bool, dict[str, int]]:
    """Whether any row holds messages where others hold text, and the rows of each split."""
    chat, totals = False, {"train": 0, "test": 0}
    for record in read_records(rows):
        totals[_split(record, share)] += 1
        chat = chat or any(not isinstance(side, str) for side in record.sides)
    return chat, {split: total for split, total in totals.items() if total}


class _Split:
    """The files of one split, a new one begun where the last is full."""

    def __init__(self, stream: str, split: str, total: int, folder: Path, stack: ExitStack) -> None:
        self.files: list[Path] = []
        self._parts = -(-total // PER_FILE)
        self._place = (stream, split, folder)
        self._stack = stack
        self._writer: Any = None
        self._rows: list[Row] = []
        self._count = 0

    def add(self, row: Row, kind: type[Record], chat: bool) -> None:
        if self._count % PER_FILE == 0:
            self._open(kind, chat)
        self._rows.append(row)
        self._count += 1
        if len(self._rows) == _BATCH:
            self.flush()

    def _open(self, kind: type[Record], chat: bool) -> None:
        import pyarrow.parquet as pq

        self.flush()
        stream, split, folder = self._place
        path = folder / data_path(stream, split, f"{len(self.files):05d}-of-{self._parts:05d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files.append(path)
        if self._writer is not None:
            self._writer.close()
        self._writer = pq.ParquetWriter(path, schema(kind, chat=chat), compression="zstd")
        self._stack.callback(self._writer.close)

    def flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            with disk(self.files[-1]):
                self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._writer.schema))
            self._rows = []


def schema(kind: type[Record], *, chat: bool) -> Any:
    """The columns of a stream: what the record holds, then where it is from; keys that are not ours are JSON in `extra`."""
    import pyarrow as pa

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    ratings = [*((name, pa.float64()) for name in _RATINGS), *((name, pa.string()) for name in _MODELS)]
    origin = pa.struct([("path", pa.string()), ("revision", pa.string()), ("row", pa.string())])
    return pa.schema([
        ("id", pa.string()),
        *((name, messages if chat else pa.string()) for name in kind.FIELDS),
        *(ratings if kind is Preference else []),
        ("source", pa.string()),
        ("license", pa.string()),
        ("language", pa.string()),
        ("origin", origin),
        ("extra", pa.string()),
    ])  # fmt: skip


def as_columns(record: Record, chat: bool) -> Row:
    """A record as a row of the file; places on this machine's disk are left out of what comes with it."""
    extra = dict(record.extra)
    origin = extra.pop("origin", None)
    typed: Row = {}
    if isinstance(record, Preference):
        typed = {name: extra.pop(name) for name in _RATINGS if finite(extra.get(name)) is not None}
        typed |= {name: extra.pop(name) for name in _MODELS if isinstance(extra.get(name), str)}
    turns = {name: told for name in record.FIELDS if (told := _turns(getattr(record, name)))}
    kept = scrubbed({**extra, **({"turns": turns} if turns else {})})
    return {
        "id": str(record.id),
        **{name: _side(name, getattr(record, name), chat) for name in record.FIELDS},
        **typed,
        "source": record.source or None,
        "license": record.license or None,
        "language": record.language or None,
        "origin": _origin(origin),
        "extra": json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None,
    }


def _side(name: str, side: Side, chat: bool) -> Any:
    if not chat:
        return side
    if isinstance(side, str):
        return [{"role": _ROLES.get(name, "assistant"), "content": side}]
    return [{"role": message.role, "content": message.content} for message in side]


def _turns(side: Side) -> list[dict[str, Any]]:
    """The keys of turns that are not ours, where any turn has some."""
    extras = [] if isinstance(side, str) else [dict(message.extra) for message in side]
    return extras if any(extras) else []


def _origin(told: Any) -> dict[str, str | None] | None:
    if not isinstance(told, Mapping):
        return None
    path, revision, row = (told.get(key) for key in ("path", "revision", "row"))
    return {
        "path": path if path is None or _on_the_hub(str(path), revision) else _name(str(path)),
        "revision": revision and str(scrubbed(str(revision), "path", any_path=True)),
        "row": None if row is None else str(row),
    }


def _on_the_hub(path: str, revision: object) -> bool:
    """Whether a path is the name of a data set on the Hub: of a place on a disk, its name is enough."""
    named = _HUB_ID.fullmatch(path) and not _DATA_FILE.search(path)
    return bool(named) and (bool(revision) or not Path(path).exists())


def _name(path: str) -> str:
    """The last name of a path; of an address without what is asked of it, which may hold a key."""
    return PurePath(path.partition("?")[0] if "://" in path else path).name

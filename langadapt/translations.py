"""A translation on disk: the rows, those held back, and the segment pairs, and how they are read together."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from langadapt.errors import DataError
from langadapt.interfaces import SegmentPair, Translation
from langadapt.records import Record, read_records, read_rows
from langadapt.segments import Document

Value = TypeVar("Value")


@dataclass(frozen=True)
class Paths:
    """Where a translation goes: whole rows, rows held back, segment pairs."""

    rows: Path
    held: Path
    segments: Path

    @classmethod
    def beside(cls, rows: Path) -> "Paths":
        """`X.jsonl` with `X.held.jsonl` and `X.segments.jsonl`."""
        return cls(rows, rows.with_suffix(".held.jsonl"), rows.with_suffix(".segments.jsonl"))


def read_translations(source_rows: Path, translated: Paths) -> Iterator[Translation]:
    """Each translated row with its source and segment pairs; raises `DataError` for a row without its source."""
    sources = Lookup((record.id, record) for record in read_records(source_rows))
    pairs = Lookup(_pairs(translated.segments) if translated.segments.exists() else iter(()))
    for target in read_records(translated.rows):
        source = sources.take(target.id)
        if source is None or type(source) is not type(target) or len(source.texts) != len(target.texts):
            raise DataError(
                f"{translated.rows}: the row {target.id!r} has no row of its shape in {source_rows}",
                hint="--source must be the file that was translated",
            )
        found, translated_here = pairs.take(target.id) or (tuple(_guessed(source, target)), True)
        yield Translation(source=source, target=target, pairs=found, translated=translated_here)


class Lookup(Generic[Value]):
    """Values by id from a file that is in about the order in which they are asked for: only what was passed over is held."""

    def __init__(self, items: Iterator[tuple[str | int, Value]]) -> None:
        self._items = items
        self._passed: dict[str | int, Value] = {}

    def take(self, key: str | int) -> Value | None:
        """The value of a key, once; None where the file has none."""
        if key in self._passed:
            return self._passed.pop(key)
        for found, value in self._items:
            if found == key:
                return value
            self._passed[found] = value
        return None


def _pairs(path: Path) -> Iterator[tuple[str | int, tuple[tuple[SegmentPair, ...], bool]]]:
    for number, row in read_rows(path):
        try:
            yield row["id"], (tuple(SegmentPair(**pair) for pair in row["pairs"]), bool(row["translated"]))
        except (TypeError, KeyError) as error:
            raise DataError(
                f"{path}, line {number}: no row of segment pairs ({error})",
                hint="remove this file, or translate again",
            ) from error


def _guessed(source: Record, target: Record) -> Iterator[SegmentPair]:
    """Pairs of a row whose own are not at hand: segment by segment where both texts have as many, else text by text."""
    for number, (before, after) in enumerate(zip(source.texts, target.texts, strict=True)):
        sent, came = Document(before).segments, Document(after).segments
        if len(sent) != len(came):
            sent, came = (before,), (after,)
        yield from (SegmentPair(source=a, target=b, text=number) for a, b in zip(sent, came, strict=True))

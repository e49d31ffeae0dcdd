"""A few kept and dropped records, source beside target, with the place that a gate objected to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

from langadapt.records import Record, Row, read_rows, record_from_row

SOURCE = "en"
KEPT, DROPPED = 6, 8
PARTS, WIDTH = 3, 560
Mark = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """A text, cut to a readable length around what is marked."""

    before: str
    marked: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One text of a record before and after."""

    label: str
    source: Passage
    target: Passage


@dataclass(frozen=True, kw_only=True)
class Example:
    """A record with what was said of it; `by` is empty where it was kept."""

    id: str
    stream: str
    by: str
    reason: str
    score: float | None
    verdicts: tuple[tuple[str, float | None], ...]
    languages: tuple[str, str]
    parts: tuple[Part, ...]
    more: int


def examples(folder: Path, streams: Sequence[str], target: str) -> Iterator[Example]:
    """Dropped records of as many gates as there are, then kept ones of every stream."""
    yield from islice(_in_turn([_dropped(folder, stream, target) for stream in streams]), DROPPED)
    yield from islice(_in_turn([_kept(folder, stream, target) for stream in streams]), KEPT)


def _in_turn(several: Iterable[Iterable[Example]]) -> Iterator[Example]:
    return (item for item in chain.from_iterable(zip_longest(*several)) if item is not None)


def _dropped(folder: Path, stream: str, target: str) -> Iterator[Example]:
    by_gate: dict[str, list[Row]] = {}
    for _, row in _rows(folder / "filter" / stream / "kept.dropped.jsonl"):
        gate = by_gate.setdefault(row["dropped"]["by"], [])
        if len(gate) < DROPPED:
            gate.append(row)
    chosen = [row for row in chain.from_iterable(zip_longest(*by_gate.values())) if row is not None][:DROPPED]
    pairs = _by_id(folder / "translate" / stream / "rows.segments.jsonl", {row["id"] for row in chosen})
    for row in chosen:
        why = row["dropped"]
        yield _example(why["source"], row, why, stream, _objection(why, pairs.get(row["id"], {})), target)


def _kept(folder: Path, stream: str, target: str) -> Iterator[Example]:
    rows = [row for _, row in islice(_rows(folder / "filter" / stream / "kept.jsonl"), KEPT)]
    ids = {row["id"] for row in rows}
    sources = _by_id(folder / "prepare" / f"{stream}.jsonl", ids)
    verdicts = _by_id(folder / "filter" / stream / "kept.verdicts.jsonl", ids)
    for row in rows:
        if row["id"] in sources:
            yield _example(sources[row["id"]], row, verdicts.get(row["id"], {}), stream, None, target)


def _objection(why: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The segment pair that a verdict points at, with the span in its target."""
    pairs, number = told.get("pairs", []), why.get("segment")
    if number is None and why.get("span") and len(pairs) == 1:
        number = 0
    if not isinstance(number, int) or not 0 <= number < len(pairs):
        return None
    return {**pairs[number], "span": why.get("span")}


def _example(
    source: Row,
    target: Row,
    told: Mapping[str, Any],
    stream: str,
    objection: Mapping[str, Any] | None,
    code: str,
) -> Example:
    before, after = record_from_row(source), record_from_row(target)
    parts, marked = [], -1
    for number, (label, old, new) in enumerate(zip(_labels(before), before.texts, after.texts, strict=False)):
        here = objection if objection and objection.get("text") == number else None
        marked = number if here else marked
        parts.append(
            Part(
                label=label, source=_passage(old, here["source"] if here else None), target=_target(new, here)
            )
        )
    start = max(0, min(marked - PARTS + 1, len(parts) - PARTS)) if marked >= PARTS else 0
    return Example(
        id=str(target["id"]),
        stream=stream,
        by=told.get("by", ""),
        reason=told.get("reason", ""),
        score=told.get("score"),
        verdicts=tuple((verdict["filter"], verdict.get("score")) for verdict in told.get("verdicts", ())),
        languages=(before.language or SOURCE, after.language or code),
        parts=tuple(parts[start : start + PARTS]),
        more=max(0, len(parts) - PARTS),
    )


def _target(text: str, objection: Mapping[str, Any] | None) -> Passage:
    if not objection:
        return _passage(text, None)
    at = text.find(objection["target"])
    if at < 0 or not objection["span"]:
        return _passage(text, objection["target"])
    start, end = objection["span"]
    return _cut(text, (at + start, at + end))


def _passage(text: str, marked: str | None) -> Passage:
    at = text.find(marked) if marked else -1
    return _cut(text, (at, at + len(marked or "")) if at >= 0 else (0, 0))


def _cut(text: str, mark: Mark) -> Passage:
    start, end = mark
    end = min(end, start + WIDTH)
    low = max(0, min(start - WIDTH // 3, len(text) - WIDTH))
    high = min(len(text), low + WIDTH)
    before, after = ("… " if low else ""), (" …" if high < len(text) else "")
    return Passage(before + text[low:start], text[start:end], text[end : max(high, end)] + after)


def _labels(record: Record) -> list[str]:
    labels = []
    for name, side in zip(record.FIELDS, record.sides, strict=True):
        if isinstance(side, str):
            labels.append(name)
        else:
            labels += [message.role if name == "messages" else f"{name}: {message.role}" for message in side]
    return labels


def _by_id(path: Path, ids: set[str]) -> dict[str, Row]:
    """The rows of these ids, reading no further than the last of them."""
    found: dict[str, Row] = {}
    for _, row in _rows(path):
        if len(found) == len(ids):
            break
        if row.get("id") in ids:
            found[row["id"]] = row
    return found


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    return read_rows(path) if path.exists() else iter(())

"""How rows of known data sets become records: each reader is a few lines of mapping."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from langadapt.errors import DataError, LangAdaptError, MachineError
from langadapt.records import KINDS, Record, Row, distinct, read_rows, record_from_row
from langadapt.schema import Source

FORMATS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv"}


def _messages(row: Row) -> Row:
    return row


def _argilla_preferences(row: Row) -> Row:
    """argilla/ultrafeedback-binarized-preferences: instruction, chosen_response, rejected_response and their ratings."""
    known = {"instruction": "prompt", "chosen_response": "chosen", "rejected_response": "rejected"}
    roles = {"prompt": "user"}
    sides = {new: [{"role": roles.get(new, "assistant"), "content": row[old]}] for old, new in known.items()}
    rest = {key: value for key, value in row.items() if key not in known}
    if "source" in rest:
        rest["subset"] = rest.pop("source")
    return {**sides, **rest}


READERS: Mapping[str, Callable[[Row], Row]] = {
    "messages": _messages,
    "argilla-preferences": _argilla_preferences,
}


def read_source(source: Source, limit: int | None) -> Iterator[Record]:
    """The records of a source with its name, licence and language on them; errors name the place."""
    least = min((n for n in (limit, source.limit) if n is not None), default=None)
    seen: set[str | int] = set()
    for count, (where, row) in enumerate(_rows(source)):
        if count == least:
            return
        record = distinct(_record(source, where, row), seen, row)
        seen.add(record.id)
        yield record


def check_rows(source: Source, limit: int | None, takes: str | None = None) -> list[str]:
    """Every mistake of a local file's rows, as lines that name file and line; `takes` is the kind that is wanted."""
    wrong: list[str] = []
    seen: dict[str | int, str] = {}
    for count, (where, row) in enumerate(_rows(source, wrong)):
        if count == limit:
            break
        try:
            record = _record(source, where, row)
        except LangAdaptError as error:
            wrong.append(str(error))
            continue
        if takes and not isinstance(record, KINDS[takes]):
            wrong.append(f"{where}: this row is none of {takes}, which the stream {source.stream!r} takes")
        record = distinct(record, seen, row)
        if record.id in seen:
            wrong.append(f"{where}: id {record.id!r} stands on {seen[record.id]} already")
        seen[record.id] = where
    return wrong


def _record(source: Source, where: str, row: Any) -> Record:
    if not isinstance(row, dict):
        raise DataError(
            f"{where}: a row is an object, not {type(row).__name__}", hint="one JSON object per line"
        )
    try:
        mapped = READERS[source.reader](row)
    except KeyError as error:
        raise DataError(
            f"{where}: the reader {source.reader!r} needs the column {error}",
            hint="choose the reader that fits the data",
        ) from error
    origin = {
        "source": source.name,
        "license": mapped.get("license") or source.license,
        "language": mapped.get("language") or source.language,
    }
    return record_from_row({**mapped, **{key: value for key, value in origin.items() if value}}, where=where)


def _rows(source: Source, wrong: list[str] | None = None) -> Iterator[tuple[str, Any]]:
    path = Path(source.path)
    if path.suffix == ".jsonl" and path.is_file():
        yield from ((f"{path}, line {number}", row) for number, row in read_rows(path, wrong))
        return
    yield from _dataset(source, path)


def _dataset(source: Source, path: Path) -> Iterator[tuple[str, Any]]:
    from datasets import load_dataset

    try:
        if path.suffix in FORMATS and path.is_file():
            rows = load_dataset(FORMATS[path.suffix], data_files=str(path), split="train", streaming=True)
        else:
            rows = load_dataset(
                source.path, source.config, split=source.split, revision=source.revision, streaming=True
            )
        for number, row in enumerate(rows, 1):
            yield f"{source.path}, row {number}", dict(row)
    except (OSError, ValueError, ConnectionError) as error:
        raise MachineError(
            f"source.{source.name}: {source.path} can be neither read here nor fetched: {str(error).splitlines()[0]}",
            hint="check the name and the network, or give a file with --conversations or --preferences",
        ) from error

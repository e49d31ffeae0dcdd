"""How rows of known data sets become records. What a reader does is data, in readers.toml."""

import hashlib
import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError, LangAdaptError
from langadapt.prepare.known import known, licensing, parts_of
from langadapt.prepare.mapping import Reader
from langadapt.prepare.reading import Placed, is_local, rows
from langadapt.prepare.selection import hollow
from langadapt.prepare.spoken import language_of
from langadapt.prepare.tables import read_readers
from langadapt.prepare.trees import paths
from langadapt.records import KINDS, Record, Row, record_from_row
from langadapt.registry import did_you_mean
from langadapt.schema import Source

FACTS = Path(__file__).with_name("readers.toml")
OURS = "messages"
"""The reader of rows that need none: there is nothing to guess where it fits."""
_NO_ID = (None, "")


@cache
def readers() -> Mapping[str, Reader]:
    """The readers by name."""
    return read_readers(FACTS)


def check_reader(source: Source) -> None:
    """Raise `ConfigError` where a source names a reader that is not there."""
    if source.reader is not None and source.reader not in readers():
        raise ConfigError(
            f"source.{source.name}.reader: no reader is called {source.reader!r}",
            hint=did_you_mean(source.reader, list(readers())),
        )


def settled(source: Source) -> tuple[Source, str]:
    """The source with what is known of its data set where it says nothing itself, and with a reader.

    Where nobody knows a reader, the first row is looked at: the text says what was guessed, for the caller to print, and is
    empty where nothing was. Raises `ConfigError` where no reader fits, or where several fit equally well.
    """
    check_reader(source)
    if facts := known(source.path):
        source = replace(
            source,
            reader=source.reader or facts.reader,
            license=source.license or facts.license,
            language=source.language or facts.language,
        )
    if source.reader:
        return source, ""
    first = next(iter(rows(source)), None)
    if first is None:
        return replace(source, reader=OURS), f"source.{source.name}: holds no rows"
    where, _, row = first
    if not isinstance(row, dict):
        raise _no_object(where, row)
    found = _fitting(source, row)
    columns = ", ".join(name for name in row if name in found.uses(row))
    said = f"source.{source.name}: columns {columns} are read as `{found.name}`"
    return replace(source, reader=found.name), "" if found.name == OURS else said


def _fitting(source: Source, row: Row) -> Reader:
    """The reader that uses more of the row's columns than each other one that fits."""
    fits = [reader for reader in readers().values() if reader.fits(row)]
    best = [one for one in fits if not any(one.uses(row) < other.uses(row) for other in fits)]
    if len(best) == 1:
        return best[0]
    columns = ", ".join(map(repr, row)) or "none"
    hint = f"say which one: --set source.{source.name}.reader=NAME"
    if best:
        names = " and ".join(f"`{one.name}`" for one in best)
        raise ConfigError(
            f"source.{source.name}: its columns ({columns}) fit the readers {names} equally", hint=hint
        )
    raise ConfigError(
        f"source.{source.name}: its columns ({columns}) fit none of the readers {', '.join(readers())}",
        hint=hint,
    )


def is_rated(source: Source) -> bool:
    """Whether the rows of a source with a reader are answers with ratings, which become pairs first."""
    return "completions" in _reader(source).parts


def apart(record: Record, taken: Container[str | int], source: str) -> Record:
    """The record, with its source's name before an id that a row of another source of its stream has already."""
    return replace(record, id=f"{source}/{record.id}") if record.id in taken else record


def read_source(source: Source, limit: int | None) -> Iterator[Record]:
    """The records of a source with its name, licence and language on them; errors name the place.

    The rows of a reader with ratings are no records: they come from `read_rows_of` and are made pairs first.
    """
    for where, row in read_rows_of(source, limit):
        yield record_from_row(row, where=where)


def read_rows_of(source: Source, limit: int | None) -> Iterator[tuple[str, Row]]:
    """Place and mapped row, with `id`, `source`, `license`, `language` and `subset` where known, and `origin`.

    An `origin` is the path of a Hub data set or the name of a local file, the revision, and the row: its line in a file of
    lines, its number from 1 elsewhere; `before` is the origin that the row had already. An id that the row has not itself is the hash of what it holds, whatever its place.
    Raises `ConfigError` for a source without a reader: `settled` finds it.
    """
    finish = _Finish(source, _reader(source))
    for where, number, raw, mapped in islice(_items(source, finish.reader, None), _least(source, limit)):
        yield where, finish(where, number, raw, mapped)


def check_rows(source: Source, limit: int | None, takes: str | None = None) -> list[str]:
    """Every mistake of a local file's rows, as lines that name file and line; `takes` is the kind that is wanted.

    Raises `ConfigError` where the source, and not a row, is to be mended: no reader fits, or several do.
    """
    wrong: list[str] = []
    try:
        source, _ = settled(source)
        finish = _Finish(source, _reader(source))
        for item in islice(_items(source, finish.reader, wrong), _least(source, limit)):
            wrong += _mistake(finish, item, source, takes)
    except ConfigError:
        raise
    except LangAdaptError as error:
        wrong.append(str(error))
    return wrong


def _mistake(
    finish: "_Finish", item: tuple[str, int, Any, Row | None], source: Source, takes: str | None
) -> Iterator[str]:
    where = item[0]
    try:
        row = finish(*item)
        if finish.rated or hollow(row):
            return
        record = record_from_row(row, where=where)
    except LangAdaptError as error:
        yield str(error)
        return
    if takes and not isinstance(record, KINDS[takes]):
        yield f"{where}: this row is none of {takes}, which the stream {source.stream!r} takes"
    if (before := finish.places.setdefault(str(record.id), where)) != where:
        yield f"{where}: id {record.id!r} stands on {before} already"


def _least(source: Source, limit: int | None) -> int | None:
    return min((n for n in (limit, source.limit) if n is not None), default=None)


def _reader(source: Source) -> Reader:
    check_reader(source)
    facts = known(source.path)
    name = source.reader or (facts.reader if facts else None)
    if name is None:
        raise ConfigError(
            f"source.{source.name}.reader: none is named", hint=f"--set source.{source.name}.reader=NAME"
        )
    return readers()[name]


def _items(
    source: Source, reader: Reader, wrong: list[str] | None
) -> Iterator[tuple[str, int, Any, Row | None]]:
    """Place, number, raw row, and what it is mapped to where that takes more than one row."""
    found: Iterator[Placed] = rows(source, wrong)
    if reader.tree:
        yield from paths(found, reader.tree)
    else:
        yield from ((where, number, raw, None) for where, number, raw in found)


class _Finish:
    """From a raw row to one that leads back to it."""

    def __init__(self, source: Source, reader: Reader) -> None:
        facts, parts = known(source.path), parts_of(source)
        self.reader, self.name = reader, source.name
        self.license = licensing(source)
        self.column = parts[0] if parts else ""
        self.language = language_of(source.language or (facts.language if facts else ""))
        path = Path(source.path).name if is_local(source) else source.path
        self.origin = {"path": path, **({"revision": source.revision} if source.revision else {})}
        self.rated = "completions" in reader.parts
        self.seen: Counter[str] = Counter()
        self.places: dict[str, str] = {}

    def __call__(self, where: str, number: int, raw: Any, mapped: Row | None) -> Row:
        if not isinstance(raw, dict):
            raise _no_object(where, raw)
        if mapped is None:
            mapped = self.reader.mapped(raw, where)
        row = {key: value for key, value in mapped.items() if key not in ("source", "license", "language")}
        if mapped.get("id") in _NO_ID:
            row["id"] = self._id(mapped)
        part = (raw.get(self.column) if self.column else None) or mapped.get("source")
        if "subset" not in row and isinstance(part, str) and part != self.name:
            row["subset"] = part
        facts = {
            "source": self.name,
            "license": self.license(raw),
            "language": language_of(mapped.get("language")) or self.language,
        }
        before = row.get("origin")
        origin = {**self.origin, "row": number, **({} if before is None else {"before": before})}
        return {**row, **{key: value for key, value in facts.items() if value}, "origin": origin}

    def _id(self, row: Row) -> str:
        """The hash of a row, with a number where rows before it were the same."""
        text = json.dumps({key: row[key] for key in row if key != "id"}, ensure_ascii=False, sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.seen[name] += 1
        return name if self.seen[name] == 1 else f"{name}-{self.seen[name]}"


def _no_object(where: str, row: Any) -> DataError:
    return DataError(
        f"{where}: a row is an object, not {type(row).__name__}", hint="one JSON object per line"
    )

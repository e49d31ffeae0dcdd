"""The three kinds of record. Each hands out its texts in a fixed order and takes them back."""

import contextlib
import hashlib
import itertools
import json
from codecs import BOM_UTF8
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

from langadapt.drafts import disk, drafting
from langadapt.errors import DataError

Row = dict[str, Any]
ROLES = ("system", "user", "assistant", "tool")
_NO_ID = (None, "")
_BLANK = BOM_UTF8 + b" \t\r\n\v\f"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of a conversation; `extra` keeps the keys that are not ours."""

    role: str
    content: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_row(self) -> Row:
        """The turn as it stands in a row."""
        return {"role": self.role, "content": self.content, **self.extra}


Side = str | tuple[Message, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What every row has: an id and where it comes from. `language` is empty where it is the source language."""

    FIELDS: ClassVar[tuple[str, ...]] = ()
    id: str | int
    source: str = ""
    license: str = ""
    language: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sides(self) -> tuple[Side, ...]:
        """The values of `FIELDS`, in order."""
        return tuple(getattr(self, name) for name in self.FIELDS)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the record, in a fixed order."""
        return tuple(text for side in self.sides for text in _texts(side))

    def with_texts(self, texts: Sequence[str]) -> Self:
        """The same record with other texts, in the order and number of `texts`."""
        if len(texts) != len(self.texts):
            raise ValueError(f"{len(texts)} texts for a record of {len(self.texts)}")
        rest = iter(texts)
        fields: dict[str, Any] = {name: _with(getattr(self, name), rest) for name in self.FIELDS}
        return replace(self, **fields)

    def to_row(self) -> Row:
        """The record as a row on disk; what is empty is left out."""
        content = {
            n: v if isinstance(v := getattr(self, n), str) else [m.to_row() for m in v] for n in self.FIELDS
        }
        origin = {name: value for name in ("source", "license", "language") if (value := getattr(self, name))}
        return {"id": self.id, **content, **origin, **self.extra}


@dataclass(frozen=True, kw_only=True)
class Text(Record):
    """Plain text, as continued pre-training takes it."""

    FIELDS = ("text",)
    text: str


@dataclass(frozen=True, kw_only=True)
class Conversation(Record):
    """Chat turns, as SFT takes them."""

    FIELDS = ("messages",)
    messages: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True)
class Preference(Record):
    """A prompt with a better and a worse answer, as DPO takes it."""

    FIELDS = ("prompt", "chosen", "rejected")
    prompt: Side
    chosen: Side
    rejected: Side


KINDS: Mapping[str, type[Record]] = {"texts": Text, "conversations": Conversation, "preferences": Preference}


def record_from_row(row: Any, *, where: str = "row") -> Record:
    """The record that a row holds, told by its keys; raises `DataError` naming `where` for anything else."""
    if not isinstance(row, dict):
        raise DataError(
            f"{where}: a row is an object, not {type(row).__name__}", hint="one JSON object per line"
        )
    for kind in (Preference, Conversation, Text):
        if all(name in row for name in kind.FIELDS):
            return _build(kind, row, where)
    raise DataError(
        f"{where}: no known columns among {', '.join(map(repr, row)) or 'none'}",
        hint="rows hold `messages`, or `prompt`, `chosen` and `rejected`, or `text`",
    )


def read_records(path: Path) -> Iterator[Record]:
    """The records of a JSON Lines file; errors name file and line. Ids must differ."""
    seen: dict[str | int, int] = {}
    for number, row in read_rows(path):
        record = distinct(record_from_row(row, where=f"{path}, line {number}"), seen, row)
        if record.id in seen:
            raise DataError(
                f"{path}, line {number}: id {record.id!r} stands on line {seen[record.id]} already",
                hint="give every row an id of its own, or none",
            )
        seen[record.id] = number
        yield record


def distinct(record: Record, seen: Container[str | int], row: Any) -> Record:
    """The record, with a number on an id that is not its own but the hash of a row that came before."""
    if record.id not in seen or row.get("id") not in _NO_ID:
        return record
    number = next(number for number in itertools.count(2) if f"{record.id}-{number}" not in seen)
    return replace(record, id=f"{record.id}-{number}")


def read_rows(
    path: Path, wrong: list[str] | None = None, opening: Callable[[Path], BinaryIO] | None = None
) -> Iterator[tuple[int, Any]]:
    """Line number and value of each line that is not blank; what is no JSON is raised, or put into `wrong`.

    `opening` opens a file that is not read as it stands, a compressed one.
    """
    if path.exists() and not path.is_file():
        raise DataError(
            f"{path} is no regular file", hint="rows are read more than once: write them to a file first"
        )
    try:
        with opening(path) if opening else path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip(_BLANK):
                    continue
                try:
                    row = _parse(line, f"{path}, line {number}")
                except DataError as error:
                    if wrong is None:
                        raise
                    wrong.append(str(error))
                else:
                    yield number, row
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror or error}", hint="name a JSON Lines file that can be read"
        ) from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A function that writes one row; the rows lie beside `path` and are moved there when the block ends well."""
    with drafting(path) as out:

        def write(row: Mapping[str, Any]) -> None:
            line = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
            with disk(path):
                out.write(line)

        yield write


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write JSON Lines to `path`, there only when whole; gives the number of rows."""
    count = 0
    with writing(path) as write:
        for row in rows:
            write(row)
            count += 1
    return count


def _parse(line: bytes, where: str) -> Any:
    try:
        row = json.loads(line.decode("utf-8-sig"))
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 ({error.reason})", hint="save the file as UTF-8") from error
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: holds half a character (a lone surrogate)", hint="mend or drop the row"
        ) from error
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", str(error))
        raise DataError(f"{where}: not JSON ({said})", hint="one JSON object per line") from error
    return row


def _build(kind: type[Record], row: Row, where: str) -> Record:
    origin = {
        name: row[name]
        for name in ("source", "license", "language")
        if row.get(name) and isinstance(row[name], str)
    }
    sides: dict[str, Any] = {
        name: _side(row[name], f"{where}, {name}", allow_str=kind is not Conversation) for name in kind.FIELDS
    }
    extra = {key: value for key, value in row.items() if key not in ("id", *origin, *kind.FIELDS)}
    own = row.get("id")
    if isinstance(own, bool) or not isinstance(own, str | int | None):
        raise DataError(
            f"{where}: the id {json.dumps(own)[:80]} is neither text nor a whole number",
            hint="give the row an id of these, or none",
        )
    return kind(
        id=_digest(row) if own in _NO_ID else own,
        extra=extra,
        **origin,
        **sides,
    )


def _digest(row: Row) -> str:
    return hashlib.sha256(json.dumps(row, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]


def _side(value: Any, where: str, *, allow_str: bool) -> Side:
    if allow_str and isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        raise DataError(
            f"{where}: {'text or ' if allow_str else ''}a list of messages is needed",
            hint="see docs/reference: rows",
        )
    return tuple(_message(item, f"{where}[{index}]") for index, item in enumerate(value))


def _message(item: Any, where: str) -> Message:
    if not isinstance(item, dict) or not isinstance(item.get("content"), str):
        raise DataError(
            f"{where}: a message is an object with `role` and `content` text", hint="see docs/reference: rows"
        )
    if item.get("role") not in ROLES:
        raise DataError(f"{where}: role {item.get('role')!r}", hint=f"roles are {', '.join(ROLES)}")
    extra = {key: value for key, value in item.items() if key not in ("role", "content")}
    return Message(role=item["role"], content=item["content"], extra=extra)


def _texts(side: Side) -> tuple[str, ...]:
    return (side,) if isinstance(side, str) else tuple(message.content for message in side)


def _with(side: Side, rest: Iterator[str]) -> Side:
    if isinstance(side, str):
        return next(rest)
    return tuple(replace(message, content=next(rest)) for message in side)

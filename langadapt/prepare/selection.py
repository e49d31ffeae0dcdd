"""Which records go on: licence, preference, duplicates, length. Each one left out has a reason."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langadapt.prepare.duplicates import Duplicates
from langadapt.prepare.licenses import allows
from langadapt.prepare.preferences import EQUAL
from langadapt.records import Conversation, Preference, Record, Row, Side
from langadapt.schema import Prepare

TokenCount = Callable[[Record], int]
EMPTY = "empty"
UNANSWERED = "no answer"


@dataclass(frozen=True)
class Choice:
    """A record and why it is left out; no reason where it goes on. What stands before a colon is what is counted."""

    record: Record
    reason: str = ""


def fit(records: Iterable[Record], settings: Prepare) -> Iterator[Choice]:
    """Judge each record by itself: words, licence, a preference that prefers nothing."""
    for record in records:
        yield Choice(record, _unfit(record, settings))


def first(
    records: Iterable[Record], settings: Prepare, count_tokens: TokenCount | None, duplicates: Duplicates
) -> Iterator[Choice]:
    """Judge each record beside those that went on before it, which `duplicates` holds, and by its length.

    Nothing may leave out what goes on here: it would have left out its duplicates too.
    """
    for record in records:
        look = duplicates.look(record)
        reason = look.reason or _too_long(record, settings, count_tokens)
        if not reason:
            duplicates.keep(look)
        yield Choice(record, reason)


def known(settings: Prepare) -> Duplicates:
    """A stream's memory of what went on, empty as yet."""
    return Duplicates(exact=settings.deduplicate, near=settings.near_duplicates)


def hollow(row: Row) -> bool:
    """Whether a mapped row holds no turn where a list of them belongs: it is left out as `EMPTY`, and makes no record."""
    for kind in (Preference, Conversation):
        if all(name in row for name in kind.FIELDS):
            return any(row[name] is None or row[name] == [] for name in kind.FIELDS)
    return False


def _unfit(record: Record, settings: Prepare) -> str:
    if not all(map(_says, record.sides)):
        return EMPTY
    if reason := _unanswered(record):
        return reason
    if not allows(settings.licenses, record.license):
        return f"licence {record.license or 'unknown'} is not {settings.licenses}"
    if isinstance(record, Preference) and _words(record.chosen) == _words(record.rejected):
        return EQUAL
    return ""


def _too_long(record: Record, settings: Prepare, count_tokens: TokenCount | None) -> str:
    if settings.at_most_tokens and count_tokens and count_tokens(record) > settings.at_most_tokens:
        return f"longer than {settings.at_most_tokens} tokens"
    return ""


def _says(side: Side) -> bool:
    """Whether it holds text, and so does every turn that is not the system's and brings nothing else that is said, such as a call of a tool."""
    if isinstance(side, str):
        return bool(side.strip())
    turns = [turn for turn in side if turn.role != "system"]
    return bool(turns) and all(turn.content.strip() or _holds(dict(turn.extra)) for turn in turns)


def _holds(value: Any) -> bool:
    """Whether there is text anywhere in a value; Parquet gives every turn the keys of all, with null where it had none."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and one.strip():
            return True
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return False


def _unanswered(record: Record) -> str:
    """Why nothing can be learnt from a record's turns: nobody answers, or the last one is a question."""
    sides: tuple[Side, ...] = ()
    if isinstance(record, Conversation):
        sides = (record.messages,)
    elif isinstance(record, Preference):
        sides = (record.chosen, record.rejected)
    for side in sides:
        if isinstance(side, str):
            continue
        if all(turn.role != "assistant" for turn in side):
            return UNANSWERED
        if side[-1].role == "user":
            return f"{UNANSWERED}: the last turn is the user's"
    return ""


def _texts(side: Side) -> Sequence[str]:
    return [side] if isinstance(side, str) else [message.content for message in side]


def _words(side: Side) -> list[list[str]]:
    """The words of each turn that is not blank."""
    return [words for text in _texts(side) if (words := text.split())]


def is_held_out(record_id: str | int, share: float) -> bool:
    """Whether a record is kept from training, by a hash of its id, so that it never changes sides."""
    return int.from_bytes(hashlib.sha256(str(record_id).encode()).digest()[:8]) < share * 2**64

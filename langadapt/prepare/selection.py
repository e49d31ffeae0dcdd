"""Which records go on: licence, length, duplicates. Each one left out has a reason."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from langadapt.prepare.licenses import allows
from langadapt.records import Record, Side
from langadapt.schema import Prepare

TokenCount = Callable[[Record], int]


@dataclass(frozen=True)
class Choice:
    """A record and why it is left out; no reason where it goes on."""

    record: Record
    reason: str = ""


def select(records: Iterable[Record], settings: Prepare, count_tokens: TokenCount | None) -> Iterator[Choice]:
    """Judge each record, the cheapest test first."""
    seen: set[bytes] = set()
    for record in records:
        yield Choice(record, _reason(record, settings, count_tokens, seen))


def _reason(record: Record, settings: Prepare, count_tokens: TokenCount | None, seen: set[bytes]) -> str:
    if not all(any(text.strip() for text in _texts(side)) for side in record.sides):
        return "empty"
    if not allows(settings.licenses, record.license):
        return f"licence {record.license or 'unknown'} is not {settings.licenses}"
    if settings.deduplicate:
        key = hashlib.sha256("\0".join(" ".join(text.split()) for text in record.texts).encode()).digest()[
            :16
        ]
        if key in seen:
            return "duplicate"
        seen.add(key)
    if settings.at_most_tokens and count_tokens and count_tokens(record) > settings.at_most_tokens:
        return f"longer than {settings.at_most_tokens} tokens"
    return ""


def _texts(side: Side) -> Sequence[str]:
    return [side] if isinstance(side, str) else [message.content for message in side]


def is_held_out(record_id: str | int, share: float) -> bool:
    """Whether a record is kept from training, by a hash of its id, so that it never changes sides."""
    return int.from_bytes(hashlib.sha256(str(record_id).encode()).digest()[:8]) < share * 2**64

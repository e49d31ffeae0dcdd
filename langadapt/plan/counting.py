"""One pass over the sources: what every row can be asked cheaply, and a sample of rows for the rest.

The sample is the rows whose ids have the smallest digests, so it is the same each time and does not depend on the order.
How often a line stands in the data is counted for lines whose own digest is small: few enough to be held, and what they
tell holds for the others.
"""

import hashlib
import heapq
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from langadapt.prepare.licenses import allows
from langadapt.prepare.preferences import MEAN, Rule, binarised
from langadapt.prepare.readers import is_rated, read_rows_of, settled
from langadapt.prepare.selection import hollow
from langadapt.records import Preference, Record, Side, record_from_row
from langadapt.schema import Prepare, Source

Read = Callable[[Source, int | None], Iterator[Record]]
ROWS_AT_MOST = 4_000
"""Rows of a source that are held for the sample."""
CHARACTERS_AT_MOST = 48_000_000
"""Characters of the rows that are held for the sample of a source."""
_LINES_AT_MOST = 1 << 19
_MARKS = b" \t#>*-+0123456789.)|\r"


@dataclass
class Lines:
    """How often lines stand in the data: every line at first, later those whose digest ends in `shift` zeros."""

    at_most: int = _LINES_AT_MOST
    shift: int = 0
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Count the lines of a text."""
        counts, mask = self.counts, (1 << self.shift) - 1
        for line in text.encode("utf-8", "replace").split(b"\n"):
            bare = line.strip(_MARKS)
            if bare and not (key := _key(bare)) & mask:
                counts[key] = counts.get(key, 0) + 1
        while len(counts) > self.at_most:
            self.shift += 1
            mask = (1 << self.shift) - 1
            for key in [key for key in counts if key & mask]:
                del counts[key]

    def times(self, line: str) -> int | None:
        """How often a line stands in the data; None for one that was not counted."""
        key = _key(line.encode("utf-8", "replace").strip(_MARKS))
        return self.counts.get(key) if not key & ((1 << self.shift) - 1) else None


def _key(line: bytes) -> int:
    """A digest of 48 bits whose last ones choose, made of two checksums, which are quick."""
    return zlib.crc32(line) | (zlib.adler32(line) & 0xFFFF) << 32


@dataclass
class Counted:
    """One source: rows and characters of those that go on, why others do not, and the rows with the smallest digests.

    `taken` is the share of those that go on which the stream's mixture takes, `repeated` the rows whose id, read as text,
    stood in the source before.
    """

    source: Source
    rows: int = 0
    characters: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    taken: float = 1.0
    repeated: int = 0
    limit: int = ROWS_AT_MOST
    _held: list[tuple[int, int, Record]] = field(default_factory=list)
    _held_characters: int = 0
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def kept(self) -> int:
        """Rows that go on, as far as a glance can tell."""
        return self.rows - self.dropped.total()

    def hold(self, record: Record, characters: int) -> None:
        """Take the row into the sample where it is among those with the smallest digests."""
        order = -_order(record.id)
        full = len(self._held) >= self.limit or self._held_characters > CHARACTERS_AT_MOST
        if full and order <= self._held[0][0]:
            return
        heapq.heappush(self._held, (order, next(self._numbers), record))
        self._held_characters += characters
        while len(self._held) > 1 and (
            len(self._held) > self.limit or self._held_characters > CHARACTERS_AT_MOST
        ):
            _, _, gone = heapq.heappop(self._held)
            self._held_characters -= sum(map(len, gone.texts))

    def sample(self, rows: int) -> list[Record]:
        """The rows with the smallest digests, at most so many, in the order of these."""
        return [record for _, _, record in sorted(self._held, key=lambda held: -held[0])[:rows]]


def _order(name: str | int) -> int:
    return int.from_bytes(
        hashlib.blake2b(str(name).encode("utf-8", "replace"), digest_size=8, person=b"plan").digest()
    )


def read(source: Source, limit: int | None, *, seed: int = 42) -> Iterator[Record]:
    """The records of a source as *prepare* reads them; rated rows as the pairs that the source's rule makes of them."""
    source, _ = settled(source)
    rule = Rule.of(source.binarize or MEAN, where=f"source.{source.name}.binarize", seed=seed)
    rated = is_rated(source)
    for where, row in read_rows_of(source, limit):
        if rated:
            pairs = binarised(row, rule, where=where)
            yield from (record_from_row(made, where=where) for made, reason in pairs if not reason)
        elif not hollow(row):
            yield record_from_row(row, where=where)


def mixed(strata: Iterable[Counted]) -> None:
    """Set the share of each source that is taken, where sources of a stream have weights."""
    held = list(strata)
    for stream in dict.fromkeys(one.source.stream for one in held):
        own = [one for one in held if one.source.stream == stream]
        weights = [one.source.weight for one in own]
        largest = min(
            (one.kept / weight for one, weight in zip(own, weights, strict=True) if weight), default=0.0
        )
        for one, weight in zip(own, weights, strict=True):
            one.taken = largest * weight / one.kept if weight and one.kept else 1.0


def counted(
    source: Source, records: Iterable[Record], settings: Prepare, seen: set[int], lines: Lines
) -> Counted:
    """What a source holds; `seen` and `lines` are those of its stream and of the whole run."""
    found = Counted(source)
    ids: set[int] = set()
    for record in records:
        found.rows += 1
        ids.add(hash(str(record.id)))
        texts = record.texts
        if reason := _reason(record, texts, settings, seen):
            found.dropped[reason] += 1
            continue
        characters = sum(map(len, texts))
        found.characters += characters
        for text in texts:
            lines.add(text)
        found.hold(record, characters)
    found.repeated = found.rows - len(ids)
    return found


def _reason(record: Record, texts: tuple[str, ...], settings: Prepare, seen: set[int]) -> str:
    """Why a row does not go on, as far as that is cheap to tell."""
    if not all(any(text and not text.isspace() for text in _texts(side)) for side in record.sides):
        return "empty"
    if not allows(settings.licenses, record.license):
        return "licence"
    if isinstance(record, Preference) and record.chosen == record.rejected:
        return "chosen equals rejected"
    if settings.deduplicate:
        key = hash(texts)
        if key in seen:
            return "duplicate"
        seen.add(key)
    return ""


def _texts(side: Side) -> Iterable[str]:
    return (side,) if isinstance(side, str) else (message.content for message in side)

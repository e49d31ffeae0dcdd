"""Records that repeat an earlier one: the same words (by hash), or nearly the same (by MinHash). The first one stays.

Nearly the same is judged side by side: a preference pair repeats another only if its prompt, its chosen and its rejected
answer each do, so that one prompt with other answers stays. Shingles are five tokens long, without case and the signs of
sentences; a token is a word, a character where the script sets no blanks between words, or any other sign. Texts shorter
than that are near duplicates only where their tokens are the same.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langadapt.records import Record, Side

if TYPE_CHECKING:
    import numpy as np

    Signature = np.ndarray[Any, np.dtype[np.uint32]]

SEED = 1
PERMUTATIONS = 128
SHINGLE = 5
RECALL = 0.95
"""The share of pairs at the threshold itself that the index is laid out to find; of nearer pairs, more."""
CROWD = 64
"""So many records share one bucket of the index; of text from a template, the rest is found by other buckets or not at all."""

Id = str | int

_AT_ONCE = 4096

# Thai, Lao, Tibetan, Burmese, Khmer, kana, Han: a character is a token. `\w` alone would make one word of a sentence.
_ALONE = r"\u0e00-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# What only sets sentences apart. Other signs are tokens: 5 + 3 is not 5 - 3.
_SOFT = r"""\s.,;:!?'"`()\[\]{}\u2026\u2010-\u201f\u00ab\u00bb\u3001-\u3003\u3008-\u3011\u00bf\u00a1\u060c\u061b\u061f\u0964"""
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+|[^\w{_SOFT}{_ALONE}]")


@dataclass(frozen=True)
class Look:
    """A record beside those that are kept. `repeats` is the id of the first that it repeats, None where it is new."""

    id: Id
    repeats: Id | None
    near: bool = False
    key: bytes | None = None
    signatures: "Signature | None" = None

    @property
    def reason(self) -> str:
        """Why it is left out, "" where it is new."""
        if self.repeats is None:
            return ""
        return f"{'near duplicate' if self.near else 'duplicate'}: of {self.repeats}"


class Duplicates:
    """The records of a stream that are kept so far. Same records in the same order, same answers.

    `near` is the least Jaccard similarity of near duplicates, None for exact ones alone; it is estimated from 128
    permutations, with a standard error of at most 0.045.
    """

    def __init__(self, *, exact: bool = True, near: float | None = None) -> None:
        self.exact = exact
        self._seen: dict[bytes, Id] = {}
        self._near = _Near(near) if near is not None else None

    def look(self, record: Record) -> Look:
        """Whether the record repeats one that is kept; it is not kept yet itself."""
        key = _key(record) if self.exact else None
        if key is not None and key in self._seen:
            return Look(record.id, self._seen[key])
        if self._near is None:
            return Look(record.id, None, key=key)
        signatures = self._near.signatures([_text(side) for side in record.sides])
        found = self._near.find(signatures)
        return Look(record.id, found, near=found is not None, key=key, signatures=signatures)

    def keep(self, look: Look) -> None:
        """Later records are compared with this one too."""
        if look.key is not None:
            self._seen.setdefault(look.key, look.id)
        if self._near is not None and look.signatures is not None:
            self._near.add(look.id, look.signatures)


class _Near:
    """An index of signatures in bands. datasketch's own takes 5.9 kB a record at 0.8 for what takes 1.3 kB here."""

    def __init__(self, threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"a Jaccard similarity lies above 0 and not above 1, not at {threshold}")
        self.threshold = threshold
        self.rows = next(
            rows for rows in range(PERMUTATIONS, 0, -1) if _recall(threshold, rows) >= RECALL or rows == 1
        )
        self.bands = PERMUTATIONS // self.rows
        self._ids: list[Id] = []
        self._signatures: list[Signature] = []
        self._buckets: dict[int, int | list[int]] = {}

    @cached_property
    def _empty(self) -> Any:
        from datasketch import MinHash
        from xxhash import xxh32_intdigest

        return MinHash(PERMUTATIONS, seed=SEED, hashfunc=xxh32_intdigest, scheme="affine32")

    @cached_property
    def _hash(self) -> Callable[..., int]:
        from xxhash import xxh64_intdigest

        return xxh64_intdigest

    def signatures(self, texts: Sequence[str]) -> "Signature":
        """A row of hash values for each side."""
        import numpy as np

        rows = []
        for number, text in enumerate(texts):
            sketch = self._empty.copy()
            found = [f"{number} {one}".encode("utf-8", "surrogatepass") for one in shingles(text)]
            for place in range(0, len(found), _AT_ONCE):
                sketch.update_batch(found[place : place + _AT_ONCE])
            rows.append(sketch.hashvalues)
        return np.stack(rows)

    def find(self, signatures: "Signature") -> Id | None:
        """The first kept record whose every side is at least as similar as the threshold."""
        import numpy as np

        places: set[int] = set()
        for key in self._keys(signatures):
            bucket = self._buckets.get(key)
            if bucket is not None:
                places.update([bucket] if isinstance(bucket, int) else bucket)
        near = sorted(place for place in places if len(self._signatures[place]) == len(signatures))
        if not near:
            return None
        same = (np.stack([self._signatures[place] for place in near]) == signatures).mean(axis=2)
        hits = np.flatnonzero(same.min(axis=1) >= self.threshold)
        return self._ids[near[int(hits[0])]] if len(hits) else None

    def add(self, name: Id, signatures: "Signature") -> None:
        place = len(self._ids)
        self._ids.append(name)
        self._signatures.append(signatures)
        for key in self._keys(signatures):
            bucket = self._buckets.setdefault(key, place)
            if isinstance(bucket, list):
                if len(bucket) < CROWD:
                    bucket.append(place)
            elif bucket != place:
                self._buckets[key] = [bucket, place]

    def _keys(self, signatures: "Signature") -> list[int]:
        # The least over the sides is the signature of all shingles together. Sides that are each similar are so together,
        # as shingles carry their side's number.
        whole = signatures.min(axis=0).tobytes()
        width = 4 * self.rows
        return [self._hash(whole[band * width : (band + 1) * width], seed=band) for band in range(self.bands)]


def shingles(text: str) -> set[str]:
    """The runs of five tokens of a text; the whole of a shorter one; the text itself where it holds no token."""
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())
    if not tokens:
        return {text.strip()}
    return {" ".join(tokens[place : place + SHINGLE]) for place in range(max(1, len(tokens) - SHINGLE + 1))}


def _recall(similarity: float, rows: int) -> float:
    return float(1 - (1 - similarity**rows) ** (PERMUTATIONS // rows))


def _key(record: Record) -> bytes:
    words = "\0".join(" ".join(text.split()) for text in record.texts)
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()[:16]


def _text(side: Side) -> str:
    return side if isinstance(side, str) else "\n".join(message.content for message in side)

"""Our own English turns with good translations, as the gates' benchmark damages and judges them.

`gates/pairs/CODE.tsv` holds the segments, `gates/address/CODE.tsv` the same ones in the other form of address, and
`gates/phrases/CODE.toml` what models say around a translation or instead of it.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from langadapt.interfaces import SegmentPair, Translation
from langadapt.records import Conversation, Message

DATA = Path(__file__).parent / "gates"
Change = Callable[[str, str, random.Random], str | None]
SENTENCE_END = re.compile(r"\n|(?<=[\u3002\uff01\uff1f])(?=.)|(?<=[.!?\u061f])\s+(?=[^\W\d_])(?=\S{2})")


@dataclass(frozen=True)
class Turn:
    """What one message says, segment by segment, and its translation."""

    language: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def saying(self, *targets: str) -> Turn:
        """The same turn, translated otherwise."""
        return replace(self, targets=targets)

    def at(self, index: int, target: str) -> Turn:
        """The same turn, one segment translated otherwise."""
        return self.saying(*self.targets[:index], target, *self.targets[index + 1 :])

    @property
    def whole(self) -> Turn:
        """The turn sent as one segment."""
        return Turn(self.language, ("\n".join(self.sources),), ("\n".join(self.targets),))


@cache
def languages() -> tuple[str, ...]:
    """The codes of all target languages."""
    return tuple(sorted(path.stem for path in (DATA / "pairs").glob("*.tsv")))


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a TSV file with a heading, quotes taken as they stand."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def segments(language: str) -> tuple[dict[str, str], ...]:
    """Id, context, source and target of each segment."""
    return tuple(rows(DATA / "pairs" / f"{language}.tsv"))


@cache
def clean_turns(language: str) -> tuple[Turn, ...]:
    """Every turn as it was written, and in the other form of address where that is at hand."""
    other = {source: forms[1] for source, forms in address(language).items()}
    found: dict[Turn, None] = {}
    for _, group in groupby(segments(language), key=lambda row: row["context"]):
        listed = list(group)
        sources = tuple(row["source"] for row in listed)
        turn = Turn(language, sources, tuple(row["target"] for row in listed))
        found[turn] = None
        found[turn.saying(*(other.get(row["source"], row["target"]) for row in listed))] = None
    return tuple(found)


@cache
def pool(language: str) -> tuple[Turn, ...]:
    """Each turn segment by segment, as one segment, and each of its segments as a turn of its own."""
    found: dict[Turn, None] = {}
    for turn in clean_turns(language):
        found[turn] = None
        found[turn.whole] = None
        for source, target in zip(turn.sources, turn.targets, strict=True):
            found[Turn(language, (source,), (target,))] = None
    return tuple(found)


def clean(seed: int) -> list[Turn]:
    """The whole clean side, in an order of its own."""
    found = [turn for language in languages() for turn in pool(language)]
    random.Random(seed).shuffle(found)
    return found


def translated(source: str, language: str) -> str:
    """What a source says in another language, line by line."""
    table = _table(language)
    return "\n".join(table[line] for line in source.split("\n"))


@cache
def _table(language: str) -> Mapping[str, str]:
    return {row["source"]: row["target"] for row in segments(language)}


@cache
def address(language: str) -> Mapping[str, tuple[str, str]]:
    """By source: the translation in both forms of address. Empty for a language that has none at hand."""
    path = DATA / "address" / f"{language}.tsv"
    by_id = {row["id"]: row["target"] for row in rows(path)} if path.exists() else {}
    return {
        row["source"]: (row["target"], by_id[row["id"]]) for row in segments(language) if row["id"] in by_id
    }


@cache
def phrases(language: str) -> Mapping[str, Any]:
    """What models say beside a translation in a language, `en` too; answers by the source that asks."""
    said = tomllib.loads((DATA / "phrases" / f"{language}.toml").read_text(encoding="utf-8"))
    sources = {row["id"]: row["source"] for row in segments(languages()[0])}
    return {**said, "answers": {sources[key]: answer for key, answer in said["answers"].items()}}


def sentences(text: str) -> list[str]:
    """The sentences of a text, told roughly; an abbreviation may cut one."""
    return [part for part in SENTENCE_END.split(text) if part.strip()]


def one(turn: Turn, rng: random.Random, change: Change) -> Turn | None:
    """The turn with one segment changed, the first of a random order that can be; `change` takes text and language."""
    for index in rng.sample(range(len(turn.targets)), len(turn.targets)):
        text = turn.targets[index]
        made = change(text, turn.language, rng)
        if made and made != text:
            return turn.at(index, made)
    return None


def translation(turn: Turn) -> Translation:
    """The turn as filters see it: a conversation of one message, segments joined by line breaks."""
    source, target = ("\n".join(texts) for texts in (turn.sources, turn.targets))
    digest = hashlib.sha256(repr(turn).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Translation(
        source=_said(digest, source, ""),
        target=_said(digest, target, turn.language),
        pairs=tuple(_pairs(turn.sources, turn.targets)),
    )


def _pairs(sources: Sequence[str], targets: Sequence[str]) -> list[SegmentPair]:
    return [SegmentPair(source=s, target=t, text=0) for s, t in zip(sources, targets, strict=True)]


def _said(digest: str, text: str, language: str) -> Conversation:
    return Conversation(id=digest, messages=(Message(role="assistant", content=text),), language=language)

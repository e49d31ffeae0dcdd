"""The translation memory: what was translated once is never translated again. One SQLite file for all runs."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

from langadapt.errors import MachineError
from langadapt.identity import component_identity, digest
from langadapt.interfaces import SPEED, Hypothesis, Segment, Translator
from langadapt.languages import Language

_SCHEMA = """
CREATE TABLE IF NOT EXISTS hypotheses (
    key TEXT PRIMARY KEY, translator TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    text TEXT NOT NULL, context TEXT NOT NULL, hypothesis TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID
"""
_LOOK_UP = 500
_PATIENCE_S = 60.0


class TranslationMemory:
    """An open memory file; several processes may use one at once."""

    def __init__(self, path: Path) -> None:
        """Open `path`, or make it; raises `MachineError` naming it where that fails."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise MachineError(
                f"the memory {path} cannot be opened: {error}", hint="name another with --memory FILE"
            ) from error

    def recall(self, keys: Sequence[str]) -> dict[str, Hypothesis]:
        """What is remembered of these keys."""
        found: dict[str, Hypothesis] = {}
        for start in range(0, len(keys), _LOOK_UP):
            some = keys[start : start + _LOOK_UP]
            marks = ",".join("?" * len(some))
            rows = self._execute(
                f"SELECT key, hypothesis, tokens_in, tokens_out FROM hypotheses WHERE key IN ({marks})",  # noqa: S608 - marks only
                some,
            )
            found |= {
                key: Hypothesis(text=text, origin="memory", tokens_in=a, tokens_out=b)
                for key, text, a, b in rows
            }
        return found

    def remember(self, key: str, entry: Sequence[str], hypothesis: Hypothesis) -> None:
        """Keep a finished hypothesis; `entry` is translator, source, target, text, context. The first one stays."""
        self._execute(
            "INSERT OR IGNORE INTO hypotheses (key, translator, source, target, text, context, hypothesis, tokens_in, "
            "tokens_out) VALUES (?,?,?,?,?,?,?,?,?)",
            (key, *entry, hypothesis.text, hypothesis.tokens_in, hypothesis.tokens_out),
        )

    def _execute(self, statement: str, values: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise MachineError(
                f"the memory {self.path} cannot be used: {error}",
                hint="free the disk or name another file with --memory; what was translated before is kept",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@dataclass(frozen=True, kw_only=True)
class Remembering:
    """`inner`, asked only for what the memory does not hold; only finished, non-empty hypotheses are kept."""

    output_version: ClassVar[int] = 1
    inner: Translator
    memory: Annotated[TranslationMemory, SPEED] = field(repr=False)

    @cached_property
    def _identity(self) -> str:
        return digest(component_identity(self.inner, "memory"))

    @property
    def deterministic(self) -> bool:
        """As the inner translator."""
        return self.inner.deterministic

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Remembered ones first, then each as the inner translator gives it; equal texts are sent once."""
        entries = [(self._identity, source.code, target.code, text.text, text.context) for text in texts]
        places: dict[str, list[int]] = {}
        for index, entry in enumerate(entries):
            places.setdefault(digest(entry), []).append(index)
        known = self.memory.recall(list(places))
        for key, hypothesis in known.items():
            yield from ((index, hypothesis) for index in places[key])
        new = [key for key in places if key not in known]
        for number, hypothesis in self.inner.translate(
            [texts[places[key][0]] for key in new], source=source, target=target
        ):
            key = new[number]
            if hypothesis.finished and hypothesis.text.strip():
                self.memory.remember(key, entries[places[key][0]], hypothesis)
            yield from ((index, hypothesis) for index in places[key])

    def close(self) -> None:
        """Close the inner translator; the memory belongs to whoever opened it."""
        self.inner.close()

"""The translation memory: what was translated once is never translated again. One SQLite file for all runs."""

import itertools
import json
import os
import sqlite3
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from langadapt.databases import advice, patiently
from langadapt.errors import MachineError
from langadapt.identity import component_identity, digest, model_identity
from langadapt.interfaces import SPEED, Hypothesis, ModelRef, Segment, Translator
from langadapt.languages import Language

PERSON: Final = "person"
"""The translator of a correction."""
_VERSION = 1
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS hypotheses (
    key TEXT PRIMARY KEY, translator TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    text TEXT NOT NULL, context TEXT NOT NULL, hypothesis TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    ) WITHOUT ROWID""",
    """CREATE TABLE corrections (
    source TEXT NOT NULL, target TEXT NOT NULL, text TEXT NOT NULL, hypothesis TEXT NOT NULL,
    made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (source, target, text)
    ) WITHOUT ROWID""",
    "CREATE TABLE translators (identity TEXT PRIMARY KEY, description TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE answers (
    translator TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, answers INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, PRIMARY KEY (translator, source, target)
    ) WITHOUT ROWID""",
)
_LOOK_UP = 500
_PATIENCE_S = 60.0


def normal(text: str) -> str:
    """The text with single blanks; texts that differ in nothing else are translated once."""
    return " ".join(text.split())


class Entry(NamedTuple):
    """What a hypothesis is remembered under; `translator` is the digest of its identity, `text` is normal."""

    translator: str
    source: str
    target: str
    text: str
    context: str = ""

    @property
    def key(self) -> str:
        """The entry as one string."""
        return digest(self)


class TranslationMemory:
    """A memory file, made when it is first used; several processes may use one at once."""

    def __init__(self, path: Path) -> None:
        """Open `path` where it is there; raises `MachineError` naming it where that fails."""
        self.path = path
        self._db: sqlite3.Connection | None = None
        if str(path) == ":memory:":
            raise self._shut("it is no file")
        if path.exists():
            self._connect()

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not os.access(self.path, os.W_OK):
                raise self._shut("it is read-only")
            self._db = sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)
            self._open(self._db)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise self._shut(error, advice(error, _PATIENCE_S)) from error
        except MachineError:
            self.close()
            raise
        return self._db

    def _shut(self, reason: object, hint: str = "name another with --memory FILE") -> MachineError:
        return MachineError(f"the memory {self.path} cannot be opened: {reason}", hint=hint)

    def _open(self, db: sqlite3.Connection) -> None:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if tables and "hypotheses" not in tables:
            raise self._shut(
                "it is a database of something else", "move it away, or name another with --memory FILE"
            )
        if version > _VERSION:
            raise self._shut(
                f"a newer langadapt made it (version {version} of the file, where {_VERSION} is known)",
                "upgrade langadapt, or name another with --memory FILE",
            )
        patiently(lambda: db.execute("PRAGMA journal_mode = WAL"), _PATIENCE_S)
        # What is committed is in the operating system's hands: SIGKILL takes nothing of it, a power cut the last seconds.
        db.execute("PRAGMA synchronous = NORMAL")
        if version < _VERSION:
            with self.transaction():
                _upgrade(db)

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """The database; what goes wrong with it is raised as a `MachineError` that names the file."""
        db = self._db or self._connect()
        try:
            yield db
        except sqlite3.Error as error:
            raise MachineError(
                f"the memory {self.path} cannot be used: {error}", hint=advice(error, _PATIENCE_S)
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The database, for writing: all that is done within becomes true at once, or none of it."""
        with self.use() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def introduce(self, identity: str, description: Mapping[str, Any]) -> None:
        """Say what the translator of this identity is, for those who look into the memory."""
        with self.use() as db:
            db.execute(
                "INSERT OR IGNORE INTO translators VALUES (?, ?)",
                (identity, json.dumps(description, ensure_ascii=False, default=str)),
            )

    def recall(
        self, entries: Iterable[Entry], known: Container[int] = ()
    ) -> Iterator[tuple[Entry, Hypothesis]]:
        """What is remembered of these entries, a person's correction before any model's hypothesis.

        Each answer is counted as work saved, but for entries whose hash is `known`.
        """
        rest = iter(entries)
        while some := list(itertools.islice(rest, _LOOK_UP)):
            for languages in sorted({entry[1:3] for entry in some}):
                found = self._recall([entry for entry in some if entry[1:3] == languages], *languages)
                self._count({entry: told for entry, told in found.items() if hash(entry) not in known})
                yield from found.items()

    def _recall(self, entries: Sequence[Entry], source: str, target: str) -> dict[Entry, Hypothesis]:
        by_key = {entry.key: entry for entry in entries}
        texts = list({entry.text for entry in entries})
        with self.use() as db:
            said = dict(
                db.execute(
                    f"SELECT text, hypothesis FROM corrections WHERE source = ? AND target = ? AND text IN {_marks(texts)}",  # noqa: S608 - marks only
                    [source, target, *texts],
                ).fetchall()
            )
            found = db.execute(
                f"SELECT key, hypothesis, tokens_in, tokens_out FROM hypotheses WHERE key IN {_marks(by_key)}",  # noqa: S608 - marks only
                list(by_key),
            ).fetchall()
        known = {
            by_key[key]: Hypothesis(text=text, origin="memory", tokens_in=tokens_in, tokens_out=tokens_out)
            for key, text, tokens_in, tokens_out in found
        }
        corrected = {e: Hypothesis(text=said[e.text], origin=PERSON) for e in entries if e.text in said}
        return known | corrected

    def _count(self, known: Mapping[Entry, Hypothesis]) -> None:
        """Add to the statistics what these answers have saved."""
        sums: dict[tuple[str, str, str], list[int]] = {}
        for entry, hypothesis in known.items():
            translator = PERSON if hypothesis.origin == PERSON else entry.translator
            total = sums.setdefault((translator, entry.source, entry.target), [0, 0, 0])
            for place, number in enumerate((1, hypothesis.tokens_in, hypothesis.tokens_out)):
                total[place] += number
        with self.use() as db:
            for who, total in sums.items():
                db.execute(
                    "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (translator, source, target) DO UPDATE SET "
                    "answers = answers + excluded.answers, tokens_in = tokens_in + excluded.tokens_in, "
                    "tokens_out = tokens_out + excluded.tokens_out",
                    (*who, *total),
                )

    def remember(self, entry: Entry, hypothesis: Hypothesis) -> Hypothesis:
        """Keep a finished hypothesis, and give what is kept now: where another process was first, its text stays."""
        key = entry.key
        with self.use() as db:
            made = db.execute(
                "INSERT OR IGNORE INTO hypotheses (key, translator, source, target, text, context, hypothesis, tokens_in, "
                "tokens_out) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, *entry, hypothesis.text, hypothesis.tokens_in, hypothesis.tokens_out),
            )
            if made.rowcount:
                return hypothesis
            kept = db.execute("SELECT hypothesis FROM hypotheses WHERE key = ?", (key,)).fetchone()
        return replace(hypothesis, text=kept[0]) if kept else hypothesis

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None


def _marks(values: Sized) -> str:
    return f"({','.join('?' * len(values))})"


def _upgrade(db: sqlite3.Connection) -> None:
    """Make the tables of a new file; give the entries of one without a version the keys of their normal texts."""
    if db.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
        return
    for statement in _SCHEMA:
        db.execute(statement)
    db.create_function("normal", 1, normal, deterministic=True)
    for key, *entry in db.execute(
        "SELECT key, translator, source, target, text, context FROM hypotheses WHERE text <> normal(text)"
    ).fetchall():
        moved = Entry(*entry)._replace(text=normal(entry[3]))
        db.execute(
            "UPDATE OR IGNORE hypotheses SET key = ?, text = ? WHERE key = ?", (moved.key, moved.text, key)
        )
        db.execute("DELETE FROM hypotheses WHERE key = ?", (key,))
    db.execute(f"PRAGMA user_version = {_VERSION}")


@dataclass(frozen=True, kw_only=True)
class Remembering:
    """`inner`, asked only for what the memory does not hold; only finished, non-empty hypotheses are kept.

    A text is remembered without the differences of its white space. What is yielded is kept already, so a process that
    is killed loses only what its engine had not given yet.
    """

    output_version: ClassVar[int] = 1
    inner: Translator
    memory: Annotated[TranslationMemory, SPEED] = field(repr=False)

    @cached_property
    def _identity(self) -> str:
        told = component_identity(self.inner, "memory")
        identity = digest(told)
        self.memory.introduce(identity, {**told, "models": _models(self.inner)})
        return identity

    @cached_property
    def _answered(self) -> set[int]:
        """Hashes of what was answered here: asked again in a later window, it saves nothing more."""
        return set()

    @property
    def deterministic(self) -> bool:
        """As the inner translator."""
        return self.inner.deterministic

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Remembered ones first, then each as the inner translator gives it; equal texts are sent once."""
        places: dict[Entry, list[int]] = {}
        for index, text in enumerate(texts):
            entry = Entry(self._identity, source.code, target.code, normal(text.text), text.context)
            places.setdefault(entry, []).append(index)
        for entry, hypothesis in self.memory.recall(list(places), self._answered):
            self._answered.add(hash(entry))
            yield from ((index, hypothesis) for index in places.pop(entry))
        new = list(places)
        for number, hypothesis in self.inner.translate(
            [texts[places[entry][0]] for entry in new], source=source, target=target
        ):
            kept = hypothesis
            if hypothesis.finished and hypothesis.text.strip():
                asked = new[number]._replace(context="") if hypothesis.without_context else new[number]
                kept = self.memory.remember(asked, hypothesis)
                self._answered.add(hash(asked))
            yield from ((index, kept) for index in places[new[number]])

    def close(self) -> None:
        """Close the inner translator; the memory belongs to whoever opened it."""
        self.inner.close()


def _models(value: Any) -> dict[str, str]:
    """The names of the models that a component holds, by what the identity calls them."""
    if isinstance(value, ModelRef):
        return {model_identity(value): "/".join(value.folder.parts[-2:]) if value.folder else str(value)}
    if not is_dataclass(value):
        return {}
    return {key: name for item in fields(value) for key, name in _models(getattr(value, item.name)).items()}

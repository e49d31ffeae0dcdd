"""What a translation memory holds, for people: looked over, given out, corrected, pruned."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langadapt.memory import PERSON, TranslationMemory, normal

_SHOWN = 12
_IDENTITY = re.compile(r"\[([0-9a-f]{12})\]$")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A text and its translation outside the memory; `origin` is `person` or `model`, `fault` why it cannot be taken.

    `translator` says who the model is; what an export says of it ends with `[the beginning of its identity]`.
    """

    source: str
    target: str
    origin: str = PERSON
    translator: str = ""
    made: str = ""
    line: int = 0
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which entries are meant; what is not said may be anything. A correction has no translator."""

    source: str | None = None
    target: str | None = None
    translators: Sequence[str] | None = None
    before: str | None = None

    def where(self, *, corrections: bool = False) -> tuple[str, list[str]]:
        """The condition in SQL and its values."""
        told = {"source = ?": self.source, "target = ?": self.target, "made < ?": self.before}
        parts = {condition: [value] for condition, value in told.items() if value is not None}
        if self.translators is not None and not corrections:
            parts[f"translator IN ({','.join('?' * len(self.translators))})"] = list(self.translators)
        return " AND ".join(parts) or "1", [value for values in parts.values() for value in values]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The entries of one translator, or the corrections, in one pair of languages; what they have saved so far."""

    translator: str
    source: str
    target: str
    entries: int
    tokens_in: int = 0
    tokens_out: int = 0
    first: str = ""
    last: str = ""
    answers: int = 0
    saved_in: int = 0
    saved_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """What an import did.

    `unchanged` says nothing new; `foreign` is marked as a model's of which this memory has nothing for the text;
    `repeated` gave way to a later line for the same text.
    """

    new: int
    replaced: int
    unchanged: int
    foreign: int
    repeated: int


def holdings(memory: TranslationMemory, selection: Selection, *, corrections: bool = True) -> list[Holding]:
    """The entries that are meant, by languages and translator; corrections first."""
    where, values = selection.where()
    counted = f"""
        SELECT translator, source, target, count(*) AS entries, sum(tokens_in), sum(tokens_out), min(made), max(made)
        FROM hypotheses WHERE {where} GROUP BY 1, 2, 3
    """  # noqa: S608 - conditions of our own, here and below
    if corrections:
        where, more = selection.where(corrections=True)
        values += more
        counted += f"""
            UNION ALL SELECT '{PERSON}', source, target, count(*), 0, 0, min(made), max(made)
            FROM corrections WHERE {where} GROUP BY 1, 2, 3
        """  # noqa: S608
    with memory.use() as db:
        rows = db.execute(
            f"""
            SELECT counted.*, ifnull(answers, 0), ifnull(saved.tokens_in, 0), ifnull(saved.tokens_out, 0)
            FROM ({counted}) AS counted LEFT JOIN answers AS saved USING (translator, source, target)
            ORDER BY source, target, translator <> '{PERSON}', entries DESC, translator
            """,  # noqa: S608
            values,
        ).fetchall()
    names = Holding.__dataclass_fields__
    return [Holding(**dict(zip(names, row, strict=True))) for row in rows]


def saved(memory: TranslationMemory) -> dict[str, int]:
    """Answers from the memory so far and the tokens that they spared, those of entries pruned since too."""
    with memory.use() as db:
        row = db.execute("SELECT total(answers), total(tokens_in), total(tokens_out) FROM answers").fetchone()
    return dict(zip(("answers", "tokens_in", "tokens_out"), map(int, row), strict=True))


def translators(memory: TranslationMemory) -> dict[str, str]:
    """Each translator that the memory knows, by its identity, in words: its class and settings, models by their names."""
    with memory.use() as db:
        told = db.execute("SELECT identity, description FROM translators").fetchall()
        held = db.execute("SELECT DISTINCT translator FROM hypotheses").fetchall()
    words = {identity: "made before translators were named" for (identity,) in held}
    for identity, description in told:
        try:
            component = json.loads(description)
            words[identity] = _described(component, component.get("models", {}))
        except (ValueError, TypeError, AttributeError, KeyError):
            words[identity] = "of a damaged description"
    return {identity: f"{one} [{identity[:_SHOWN]}]" for identity, one in words.items()}


def _described(value: Any, models: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return models.get(value, value)
    if not isinstance(value, Mapping) or "class" not in value:
        return json.dumps(value, ensure_ascii=False)
    settings = value["settings"]
    if list(settings) == ["inner"]:  # a wrapper says nothing by itself
        return _described(settings["inner"], models)
    told = ", ".join(f"{name}={_described(item, models)}" for name, item in settings.items())
    return f"{value['class'].rpartition('.')[2]}({told})"


def units(
    memory: TranslationMemory, selection: Selection, *, corrections_only: bool = False
) -> Iterator[Unit]:
    """The entries that are meant, by text; what a person corrected stands in the place of every model's hypothesis."""
    where, values = selection.where(corrections=True)
    query = f"""
        SELECT text, hypothesis, '{PERSON}', '' AS translator, made FROM corrections WHERE {where}
    """  # noqa: S608 - conditions of our own, here and below
    if not corrections_only:
        where, more = selection.where()
        values += more
        query += f"""
            UNION ALL SELECT text, hypothesis, 'model', translator, made FROM hypotheses AS h WHERE {where} AND NOT EXISTS
            (SELECT 1 FROM corrections AS c WHERE c.source = h.source AND c.target = h.target AND c.text = h.text)
        """  # noqa: S608
    with memory.use() as db:
        for row in db.execute(f"{query} ORDER BY text, translator, made", values):
            yield Unit(**dict(zip(("source", "target", "origin", "translator", "made"), row, strict=True)))


def correct(
    memory: TranslationMemory,
    given: Iterable[Unit],
    *,
    source: str,
    target: str,
    judge: Callable[[Iterator[tuple[int, str]]], None],
) -> Corrected:
    """Make corrections of units, all or none: where `given` or `judge` raises, nothing has changed.

    A unit that says it is a model's was corrected where it is not as the memory has it from that model; where the memory
    has nothing from that model for the text, nobody can say, and it is left out. `judge` is told the line and the fault of
    each other unit that cannot be taken.
    """
    with memory.use() as db:
        try:
            db.execute("BEGIN")  # of a temporary table alone: others go on writing while a large file is read
            db.execute(
                "CREATE TEMP TABLE given (text TEXT, place INTEGER, hypothesis TEXT, origin TEXT, identity TEXT, line INTEGER, "
                "fault TEXT, PRIMARY KEY (text, place)) WITHOUT ROWID"
            )
            db.executemany(
                "INSERT INTO given VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (normal(one.source), place, one.target, one.origin, _identity(one), one.line, one.fault)
                    for place, one in enumerate(given)
                ),
            )
            db.execute("COMMIT")
            return _merged(memory, (source, target), judge)
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            db.execute("DROP TABLE IF EXISTS temp.given")


def _identity(unit: Unit) -> str:
    """The beginning of its translator's identity, where it is told."""
    told = _IDENTITY.search(unit.translator)
    return told[1] if told else ""


def _merged(
    memory: TranslationMemory, languages: tuple[str, str], judge: Callable[[Iterator[tuple[int, str]]], None]
) -> Corrected:
    with memory.use() as db:
        every = _count(db, "given")
        ours = (
            "(text, place) IN (SELECT g.text, g.place FROM hypotheses AS h CROSS JOIN given AS g WHERE h.source = ? "
            "AND h.target = ? AND g.text = h.text AND g.origin = 'model' AND substr(h.translator, 1, length(g.identity)) = g.identity"
        )
        db.execute(f"DELETE FROM given WHERE {ours} AND g.hypothesis = h.hypothesis)", languages)  # noqa: S608
        changed = _count(db, "given")
        db.execute(f"UPDATE given SET origin = '{PERSON}' WHERE {ours})", languages)  # noqa: S608
        db.execute("DELETE FROM given WHERE origin = 'model'")
        edited = _count(db, "given")
        judge(iter(db.execute("SELECT line, fault FROM given WHERE fault <> '' ORDER BY place")))
        db.execute("DELETE FROM given WHERE fault <> ''")
        good = _count(db, "given")
        db.execute(
            "DELETE FROM given WHERE EXISTS (SELECT 1 FROM given AS later WHERE later.text = given.text AND later.place > given.place)"
        )
        texts = _count(db, "given")
    with memory.transaction() as db:
        known = "given AS g JOIN corrections AS c ON c.source = ? AND c.target = ? AND c.text = g.text"
        corrected = _count(db, known, languages)
        same = _count(db, f"{known} AND c.hypothesis = g.hypothesis", languages)
        db.execute(
            "INSERT INTO corrections (source, target, text, hypothesis) SELECT ?, ?, text, hypothesis FROM given WHERE 1 "
            "ON CONFLICT (source, target, text) DO UPDATE SET hypothesis = excluded.hypothesis, made = CURRENT_TIMESTAMP "
            "WHERE hypothesis <> excluded.hypothesis",
            languages,
        )
    return Corrected(
        new=texts - corrected,
        replaced=corrected - same,
        unchanged=same + every - changed,
        foreign=changed - edited,
        repeated=good - texts,
    )


def _count(db: sqlite3.Connection, rows: str, values: Sequence[str] = ()) -> int:
    return int(db.execute(f"SELECT count(*) FROM {rows}", values).fetchone()[0])  # noqa: S608 - tables and joins of our own


def prune(memory: TranslationMemory, selection: Selection, *, corrections: bool = False) -> int:
    """Forget the entries that are meant, corrections only where asked for; gives their number."""
    tables = ("hypotheses", "corrections") if corrections else ("hypotheses",)
    count = 0
    with memory.transaction() as db:
        for table in tables:
            where, values = selection.where(corrections=table == "corrections")
            count += db.execute(f"DELETE FROM {table} WHERE {where}", values).rowcount  # noqa: S608 - names and conditions of our own
    return count


def shrink(memory: TranslationMemory) -> None:
    """Give the room of what was pruned back to the disk."""
    with memory.use() as db:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

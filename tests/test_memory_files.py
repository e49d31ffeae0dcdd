"""Memory files that others use at the same time, made, broke or filled up."""

import itertools
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from processes import wait_for

from langadapt import memory as module
from langadapt.errors import MachineError
from langadapt.holdings import Selection, Unit, correct, holdings
from langadapt.identity import digest
from langadapt.interfaces import Hypothesis, Segment
from langadapt.memory import Entry, Remembering, TranslationMemory, normal

SPAWN = multiprocessing.get_context("spawn")
OLD = """
CREATE TABLE hypotheses (
    key TEXT PRIMARY KEY, translator TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    text TEXT NOT NULL, context TEXT NOT NULL, hypothesis TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) WITHOUT ROWID
"""


def hear(translator, texts, english, german):
    return dict(translator.translate([Segment(text=text) for text in texts], source=english, target=german))


def entry(text, **changes):
    return Entry("t", "en", "de", text)._replace(**changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.sqlite"


@pytest.fixture
def memory(path):
    with closing(TranslationMemory(path)) as opened:
        yield opened


# Files of other times and kinds


def test_a_file_from_before_is_read_and_every_entry_of_it_found(path):
    with closing(sqlite3.connect(path)) as old:
        old.execute(OLD)
        texts = ["one text", "another  text", "another text", "a\tthird"]
        for number, text in enumerate(texts):
            key = digest(("t", "en", "de", text, ""))
            values = (key, "t", "en", "de", text, "", f"{number}", 1, 1)
            old.execute(f"INSERT INTO hypotheses VALUES ({','.join('?' * 9)}, '2026-01-01')", values)
        old.commit()
    assert entry("one text").key == digest(("t", "en", "de", "one text", ""))
    for _ in range(2):
        with closing(TranslationMemory(path)) as memory:
            found = dict(memory.recall([entry(normal(text)) for text in texts]))
            assert {one.text: said.text for one, said in found.items()} == {
                "one text": "0", "another text": "2", "a third": "3",
            }  # fmt: skip
            assert sum(one.entries for one in holdings(memory, Selection())) == 3


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("PRAGMA user_version = 99", "newer langadapt"),
        ("DROP TABLE hypotheses", "something else"),
    ],
)
def test_a_file_that_is_not_ours_to_read_is_refused_and_left_alone(path, made, says):
    with closing(TranslationMemory(path)) as memory:
        memory.remember(entry("a"), Hypothesis(text="A"))
    with closing(sqlite3.connect(path)) as db:
        db.execute(made)
        db.execute("PRAGMA journal_mode = DELETE")
    before = path.read_bytes()
    with pytest.raises(MachineError, match=says) as caught:
        TranslationMemory(path)
    assert str(path) in str(caught.value)
    assert "--memory" in caught.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"no database" * 100,
        "CREATE TABLE hypotheses (a)",
        "CREATE TABLE hypotheses (a); PRAGMA user_version = 1",
    ],
)
def test_a_file_that_is_no_memory_is_named(path, content):
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as db:
            db.executescript(content)
    with (
        pytest.raises(MachineError, match=r"memory\.sqlite") as caught,
        closing(TranslationMemory(path)) as one,
    ):
        list(one.recall([entry("a")]))
    assert "no memory of langadapt, or a damaged one: move it away" in caught.value.hint


def test_a_memory_that_would_be_gone_at_the_end_is_refused():
    with pytest.raises(MachineError, match=":memory:"):
        TranslationMemory(Path(":memory:"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_is_read_only_is_refused_at_once(path):
    path.touch()
    path.chmod(0o444)
    with pytest.raises(MachineError, match="read-only"):
        TranslationMemory(path)


def test_a_full_disk_is_told_and_what_was_there_stays(memory):
    memory.remember(entry("a"), Hypothesis(text="A"))
    with memory.use() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(MachineError, match="full") as caught:
        memory.remember(entry("b"), Hypothesis(text="B" * 100_000))
    assert str(memory.path) in str(caught.value)
    assert "free the disk" in caught.value.hint
    with pytest.raises(MachineError, match="full"):
        correct(memory, [Unit(source="c", target="C" * 100_000)], source="en", target="de", judge=list)
    assert [one.text for one, _ in memory.recall([entry("a"), entry("b"), entry("c")])] == ["a"]


# Several processes


def test_one_that_waits_too_long_for_another_says_so(path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)
    with closing(TranslationMemory(path)) as memory, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MachineError, match="locked") as caught:
            memory.remember(entry("a"), Hypothesis(text="A"))
        assert str(path) in str(caught.value)
        assert "another process" in caught.value.hint
        other.execute("ROLLBACK")
        assert memory.remember(entry("a"), Hypothesis(text="A")).text == "A"


def test_others_write_while_a_file_is_imported(path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)
    with closing(TranslationMemory(path)) as one, closing(TranslationMemory(path)) as two:

        def slowly():
            yield Unit(source="a", target="Ä")
            two.remember(entry("b"), Hypothesis(text="B"))
            yield Unit(source="c", target="C")

        assert correct(one, slowly(), source="en", target="de", judge=list).new == 2
        assert {said.text for _, said in two.recall(map(entry, "abc"))} == {"Ä", "B", "C"}


def _write(path, start, said, ready):
    ready.wait()
    with closing(TranslationMemory(path)) as memory:
        for number in range(start, start + 200):
            kept = memory.remember(entry(str(number)), Hypothesis(text=f"{number}{said}"))
            assert kept.text.startswith(f"{number} by ")


def test_many_processes_open_a_new_file_and_write_at_once(path):
    ready = SPAWN.Barrier(4)
    writers = [SPAWN.Process(target=_write, args=(path, 50 * n, f" by {n}", ready)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    with closing(TranslationMemory(path)) as memory:
        known = dict(memory.recall([entry(str(number)) for number in range(400)]))
    assert len(known) == 350


def test_the_first_of_two_that_race_stays_and_the_second_gives_what_is_kept(path, scripted, english, german):
    with closing(TranslationMemory(path)) as one, closing(TranslationMemory(path)) as two:

        def slow(text):
            hear(Remembering(inner=scripted(answer=lambda _: "first"), memory=two), [text], english, german)
            return Hypothesis(text="second", tokens_out=7)

        heard = hear(Remembering(inner=scripted(answer=slow), memory=one), ["a"], english, german)
    assert heard[0] == Hypothesis(text="first", tokens_out=7)


def _yield_on(path, told, start):
    from conftest import Scripted

    from langadapt.languages import Language

    with told.open("ab", buffering=0) as out, closing(TranslationMemory(path)) as memory:
        translator = Remembering(inner=Scripted(), memory=memory)
        for window in itertools.count(start, 100):
            texts = [Segment(text=f"text {number}") for number in range(window, window + 100)]
            for index, hypothesis in translator.translate(
                texts, source=Language.of("en"), target=Language.of("de")
            ):
                assert hypothesis.text == texts[index].text.upper()
                out.write(f"{texts[index].text}\n".encode())


def test_whatever_was_yielded_outlives_sigkill(path, tmp_path, scripted, english, german):
    told = tmp_path / "told"
    chance = random.Random(7)
    for turn in range(4):
        size = told.stat().st_size if told.exists() else 0
        writers = [
            SPAWN.Process(target=_yield_on, args=(path, told, 10**6 * turn + start)) for start in (0, 50)
        ]
        for writer in writers:
            writer.start()
        wait_for(lambda size=size: told.exists() and told.stat().st_size > size + 1000, 300)
        time.sleep(chance.random() / 5)
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
    yielded = sorted(set(told.read_text().split("\n")[:-1]))
    assert len(yielded) > 100
    inner = scripted()
    with closing(TranslationMemory(path)) as memory:
        heard = hear(Remembering(inner=inner, memory=memory), yielded, english, german)
        with memory.use() as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not inner.asked
    assert all(heard[index].text == text.upper() for index, text in enumerate(yielded))

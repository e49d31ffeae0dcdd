"""Each training row leads back to its source, licence, translator, memory entries and gates, or what lacks is named."""

import json
import sqlite3
from collections import Counter

import pytest
import small_run as made
from click.testing import CliRunner

from langadapt.cli import cli
from langadapt.errors import DataError
from langadapt.interfaces import Hypothesis
from langadapt.memory import TranslationMemory
from langadapt.provenance import trace, training_rows
from langadapt.records import read_rows, write_rows
from langadapt.runner import Run


@pytest.fixture
def folder(tmp_path, scripted):
    return made.build(tmp_path / "run", scripted)


def ways(folder, key):
    with Run(folder) as run:
        return trace(run, key)


def walked(folder):
    with Run(folder) as run:
        return list(training_rows(run))


def invoke(*words):
    return CliRunner().invoke(cli, ["trace", *map(str, words)], standalone_mode=False)


def remembered(folder):
    with sqlite3.connect(folder.parent / "memory.sqlite") as db:
        return {
            key: (text, hypothesis)
            for key, text, hypothesis in db.execute("SELECT key, text, hypothesis FROM hypotheses")
        }


@pytest.mark.parametrize("context", [0, 1])
def test_the_keys_are_those_of_the_memory(tmp_path, scripted, context):
    class Reading(scripted):
        def check_context(self):
            pass

    folder = made.build(tmp_path / "run", Reading, context=context)
    entries = remembered(folder)
    for row in walked(folder):
        assert row.missing == ()
        for pair in row.pairs:
            assert entries[pair.memory] == (" ".join(pair.source.split()), pair.target)


def test_a_segment_that_had_no_room_for_its_context_is_found_without(tmp_path, scripted, monkeypatch):
    class Reading(scripted):
        def check_context(self):
            pass

    crowded = Hypothesis(text="JA.", without_context=True)
    monkeypatch.setattr(made, "answer", lambda text: crowded if text == "Yes." else text.upper())
    text = {"messages": [{"role": "user", "content": "One.\nYes.\nTwo."}]}
    folder = made.build(
        tmp_path / "run",
        Reading,
        made={"sft": [{**made.talk("x", 1), **text}], "dpo": [made.pair("y", 1)]},
        context=2,
    )
    (way,) = ways(folder, "x")
    entries = remembered(folder)
    assert [entries[pair.memory] for pair in way.pairs] == [
        ("One.", "ONE."),
        ("Yes.", "JA."),
        ("Two.", "TWO."),
    ]
    assert way.missing == ()


def test_a_way_tells_where_a_row_was_and_what_became_of_it(folder):
    (way,) = ways(folder, "t1")
    assert way.source == {"name": "talks", "path": "some-org/talks", "revision": "c0ffee", "row": 1}
    assert (way.stream, way.license, way.route) == ("sft", "MIT", "translated")
    assert way.translator == {"engine": "scripted", "class": "y.Scripted", "model": "org/m@1"}
    assert [(pair.text, pair.source, pair.target) for pair in way.pairs] == [
        (0, "Good morning. It is late. 1", "GOOD MORNING. IT IS LATE. 1"),
        (1, "Yes.", "YES."),
    ]
    assert [(gate["filter"], gate["keep"]) for gate in way.gates] == [("kind", True), ("short", True)]
    assert way.end in ("trained on", "held out")
    assert way.missing == ()


@pytest.mark.parametrize(
    ("key", "end", "reason"),
    [
        ("held", "held back", "refused: will not"),
        ("bad", "dropped", "short: marked: bad"),
        ("twice", "left out", "prepare: duplicate: of t1"),
    ],
)
def test_a_row_that_did_not_come_through_says_where_it_ended(folder, key, end, reason):
    (way,) = ways(folder, key)
    assert (way.end, way.reason) == (end, reason)


def test_ids_are_text_or_numbers_and_one_may_stand_in_two_streams(tmp_path, scripted):
    streams = {"sft": [made.talk(3, 1), made.talk("4", 2)], "dpo": [made.pair("3", 1), made.pair(33, 2)]}
    folder = made.build(tmp_path / "run", scripted, made=streams)
    assert [(way.id, way.stream) for way in ways(folder, "3")] == [(3, "sft"), ("3", "dpo")]
    assert [way.id for way in ways(folder, "4")] == ["4"]
    assert [way.id for way in ways(folder, "33")] == [33]


def test_a_number_and_a_text_that_read_alike_are_two_rows(tmp_path, scripted):
    streams = {"sft": [made.talk(1, 1), made.talk("1", 2), made.talk("11", 3)], "dpo": [made.pair("x", 1)]}
    folder = made.build(tmp_path / "run", scripted, made=streams)
    found = ways(folder, "1")
    assert [(way.id, way.source["row"]) for way in found] == [(1, 1), ("1", 2)]
    assert [way.pairs[0].source[-1] for way in found] == ["1", "2"]
    assert all(way.missing == () for way in found)


def test_a_manifest_that_tells_nothing_is_an_error_of_the_data(folder):
    path = folder / "prepare" / "manifest.json"
    path.write_text(json.dumps({"step": "prepare"}))
    with pytest.raises(DataError, match="no row has the id"):
        ways(folder, "t1")


def test_a_row_in_the_target_language_is_told_as_such(folder):
    (way,) = ways(folder, "deutsch")
    assert way.route == "as it stands, in de"
    assert way.pairs == ()
    assert way.translator == {}


def test_a_correction_of_a_person_has_no_models_entry(tmp_path, scripted):
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    with memory.transaction() as db:
        db.execute(
            "INSERT INTO corrections (source, target, text, hypothesis) VALUES ('en', 'de', 'Yes.', 'Jawohl.')"
        )
    memory.close()
    folder = made.build(tmp_path / "run", scripted)
    (way,) = ways(folder, "t1")
    assert [(pair.target, pair.origin, bool(pair.memory)) for pair in way.pairs] == [
        ("GOOD MORNING. IT IS LATE. 1", "model", True),
        ("Jawohl.", "person", False),
    ]
    assert way.missing == ()
    assert "a person's correction" in invoke(folder, "t1").output


def test_an_unknown_id_is_an_error_of_the_data(folder):
    with pytest.raises(DataError, match="no row has the id 'nobody'"):
        ways(folder, "nobody")


def test_every_training_row_is_walked_once(folder):
    rows = walked(folder)
    stored = [
        json.loads(line)["id"]
        for slot in ("sft", "dpo")
        for name in ("records.jsonl", "held_out.jsonl")
        for line in (folder / "train" / slot / name).read_text(encoding="utf-8").splitlines()
    ]
    assert Counter(way.id for way in rows) == Counter(stored)
    assert {way.end for way in rows} == {"trained on", "held out"}
    assert len(stored) == 51


def without(key):
    return lambda row: {name: value for name, value in row.items() if name != key}


BREAKS = {
    "source row: the row does not say": lambda f: made.change(f / "prepare" / "sft.jsonl", without("origin")),
    "licence: none": lambda f: made.change(f / "prepare" / "sft.jsonl", without("license")),
    "source: prepare read none": lambda f: made.change_facts(f, "prepare", sources={}),
    "revision: ": lambda f: [
        made.change_facts(f, "prepare", sources={"talks": {**made.SOURCES["talks"], "revision": None}}),
        made.change(f / "prepare" / "sft.jsonl", lambda row: {**row, "origin": {"path": "a/b", "row": 1}}),
    ],
    "source row: prepare kept none": lambda f: (f / "prepare" / "sft.jsonl").write_text(""),
    "memory: ": lambda f: made.change_facts(f, "translate/sft", memory=None),
    "training: the row is trained on and held out": lambda f: write_rows(
        f / "train" / "sft" / "held_out.jsonl",
        [row for _, row in read_rows(f / "train" / "sft" / "records.jsonl")],
    ),
    "segments: those kept are not": lambda f: made.change(
        f / "translate" / "sft" / "rows.segments.jsonl", lambda row: {**row, "pairs": row["pairs"][1:]}
    ),
    "segments: translate kept none": lambda f: (f / "translate" / "sft" / "rows.segments.jsonl").unlink(),
    "gates: 1 verdicts of 2": lambda f: made.change(
        f / "filter" / "sft" / "kept.verdicts.jsonl", lambda row: {**row, "verdicts": row["verdicts"][:1]}
    ),
    "translation: what was trained on": lambda f: made.change(
        f / "train" / "sft" / "records.jsonl", lambda row: {**row, "note": "edited"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("lack", BREAKS)
def test_a_row_without_a_complete_way_is_named(folder, lack):
    assert invoke(folder, "--check").exception is None
    BREAKS[lack](folder)
    done = invoke(folder, "--check")
    assert isinstance(done.exception, DataError)
    assert done.exception.exit_code == 4
    assert "'t1'" in str(done.exception)
    assert lack in str(done.exception)


def test_check_counts_and_tells_in_json(folder):
    done = invoke(folder, "--check", "--json")
    assert json.loads(done.output) == {"rows": 51, "complete": 51, "incomplete": []}
    made.change_facts(folder, "translate/dpo", memory=None)
    done = invoke(folder, "--check", "--json")
    told = json.loads(done.output)
    assert (told["rows"], told["complete"]) == (51, 27)
    assert {row["stream"] for row in told["incomplete"]} == {"dpo"}
    assert done.exception.exit_code == 4


def test_nothing_of_the_data_steers_the_terminal(folder):
    for key in ("<b>\x1b[31m", "bad", "held", "t1"):
        for words in ((folder, key), (folder, key, "--json")):
            done = invoke(*words)
            assert done.exception is None
            assert "\x1b" not in done.output
    assert json.loads(invoke(folder, "<b>\x1b[31m", "--json").output)[0]["id"] == "<b>\x1b[31m"


def test_the_words_must_make_sense(folder, tmp_path):
    assert invoke(folder).exception.exit_code == 2
    assert invoke(folder, "t1", "--check").exception.exit_code == 2
    assert "no run folder" in str(invoke(tmp_path, "t1").exception)


def test_a_run_that_has_not_trained_has_nothing_to_check(folder):
    for slot in ("sft", "dpo"):
        for name in ("records.jsonl", "held_out.jsonl"):
            (folder / "train" / slot / name).unlink()
    done = invoke(folder, "--check")
    assert "no row was trained on" in str(done.exception)

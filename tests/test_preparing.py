"""Rows on their way into a stream: read, binarised, judged in their own language, mixed; each one left out with its reason."""

import json

import pytest

from langadapt import registry
from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Verdict
from langadapt.judging import Named
from langadapt.preparing import Preparing
from langadapt.schema import Prepare, Source


class Shout:
    """A gate that drops what shouts, and remembers what it was shown."""

    def __init__(self):
        self.seen = []

    def filter(self, batch, *, source, pack):
        self.seen += [
            (item.target.id, item.target.language, item.translated, source.code, pack.language.code)
            for item in batch
        ]
        return [
            Verdict(keep=False, reason="loud: it shouts")
            if "!" in item.target.texts[0]
            else Verdict(keep=True)
            for item in batch
        ]

    def close(self):
        pass


class Told:
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def task(self, label, total):
        from langadapt.progress import Silent

        return Silent().task(label, total)


def chat(key, text, **extra):
    turns = [{"role": "user", "content": text}, {"role": "assistant", "content": f"Of {text}, this."}]
    return {"id": key, "messages": turns, **extra}


def rated(key, *ratings, **extra):
    """A raw row of UltraFeedback, each answer with one rating for all aspects."""
    aspects = ("instruction_following", "honesty", "truthfulness", "helpfulness")
    answers = [
        {
            "response": f"Answer {number} to {key}",
            "model": f"model-{number}",
            "overall_score": value,
            "annotations": {aspect: {"Rating": str(value)} for aspect in aspects},
        }
        for number, value in enumerate(ratings)
    ]
    return {"instruction": f"Question {key}?", "completions": answers, "source": "flan", **extra}


@pytest.fixture
def prepared(tmp_path):
    """Prepare sources given as (name, rows, keys of `Source`); gives what is told, and the rows of a file."""
    progress = Told()

    def run(*sources, gates=(), limit=None, takes=None, **settings):
        made = []
        for name, rows, keys in sources:
            path = tmp_path / f"{name}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            made.append(
                Source(**{"name": name, "path": str(path), "stream": "sft", "license": "MIT", **keys})
            )
        work = Preparing(
            settings=Prepare(**settings), seed=7, pack=registry.pack("en"), progress=progress, limit=limit, takes=takes or {},
            gates=[Named(f"gate-{number}", gate) for number, gate in enumerate(gates)],
        )  # fmt: skip
        told = work.write(made, tmp_path / "out")

        def rows_of(name):
            lines = (tmp_path / "out" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines]

        return told, rows_of

    run.lines = progress.lines
    run.out = tmp_path / "out"
    return run


def test_gates_judge_the_source_language_in_order_and_leave_other_rows_alone(prepared):
    gate = Shout()
    rows = [
        chat("a", "one"),
        chat("b", "zwei!", language="de"),
        chat("c", "three!"),
        chat("d", "four"),
        chat("e", "fünf", language="de"),
    ]
    told, rows_of = prepared(("mixed", rows, {}), gates=[gate])
    assert [row["id"] for row in rows_of("sft")] == ["a", "b", "d", "e"]
    assert gate.seen == [(key, "en", False, "en", "en") for key in ("a", "c", "d")]
    (left,) = rows_of("dropped")
    assert left["dropped"] == {"by": "select.gate-0", "reason": "loud: it shouts"}
    assert "language" not in rows_of("sft")[0]
    assert told["sources"]["mixed"]["dropped"] == {"loud": 1}
    assert told["sources"]["mixed"]["rows"] == 5


def test_rows_only_in_the_target_language_pass_with_gates(prepared):
    gate = Shout()
    _, rows_of = prepared(
        ("german", [chat("b", "zwei!"), chat("c", "drei")], {"language": "de"}), gates=[gate]
    )
    assert [row["id"] for row in rows_of("sft")] == ["b", "c"]
    assert not gate.seen


def test_weights_give_the_stream_its_shares_and_say_what_they_leave_out(prepared):
    big, small = (
        [chat(f"{name}-{n}", f"{name} {n}") for n in range(count)]
        for name, count in (("big", 90), ("small", 20))
    )
    told, rows_of = prepared(("big", big, {"weight": 3}), ("small", small, {"weight": 1}))
    kept = [row["source"] for row in rows_of("sft")]
    assert (kept.count("big"), kept.count("small")) == (60, 20)
    assert told["streams"] == {"sft": 80}
    assert told["sources"]["big"]["dropped"] == {"mixing": 30}
    assert {row["dropped"]["reason"] for row in rows_of("dropped")} == {"mixing: more than its share"}
    assert not list(prepared.out.glob("*unmixed*"))
    with pytest.raises(ConfigError, match=r"source.small.weight: missing"):
        prepared(("big", big, {"weight": 3}), ("small", small, {}))


def test_rated_rows_become_pairs_and_a_report(prepared):
    rows = [rated("x", 5, 3, 1), rated("y", 4, 4, 4), rated("z", 2), rated("w", 1, 5)]
    source = ("feedback", rows, {"stream": "dpo", "reader": "ultrafeedback"})
    told, rows_of = prepared(source)
    assert [(row["prompt"], row["chosen"]) for row in rows_of("dpo")] == [
        ("Question x?", "Answer 0 to x"),
        ("Question w?", "Answer 1 to w"),
    ]
    assert {row["origin"]["row"] for row in rows_of("dpo")} == {1, 4}
    facts = told["sources"]["feedback"]
    assert facts["dropped"] == {"tie": 1, "fewer than two judged answers": 1}
    assert facts["preferences"]["rule"]["seed"] == 7
    assert [row["dropped"]["reason"] for row in rows_of("dropped")] == [
        "tie",
        "fewer than two judged answers",
    ]
    with pytest.raises(ConfigError, match=r"source.feedback.binarize"):
        prepared((*source[:2], {**source[2], "binarize": "best"}))


def test_the_reader_is_guessed_aloud_and_every_row_leads_back(prepared):
    rows = [{"instruction": "Name a town.", "input": "", "output": "Lyon."}]
    told, rows_of = prepared(("towns", rows, {}))
    assert prepared.lines == ["source.towns: columns instruction, input, output are read as `alpaca`"]
    (row,) = rows_of("sft")
    assert row["origin"] == {"path": "towns.jsonl", "row": 1}
    assert told["sources"]["towns"]["guessed"] == prepared.lines[0]


def test_two_sources_do_not_repeat_each_other(prepared):
    told, rows_of = prepared(
        ("one", [chat("a", "same")], {}), ("two", [chat("b", "same"), chat("c", "other")], {})
    )
    assert [row["id"] for row in rows_of("sft")] == ["a", "c"]
    assert told["sources"]["two"]["dropped"] == {"duplicate": 1}


def test_one_id_twice_in_a_source_is_told(prepared):
    with pytest.raises(DataError, match=r"id 'a' comes from two rows, the second in source.one"):
        prepared(("one", [chat("a", "this"), chat("a", "that")], {}))


@pytest.mark.parametrize("settings", [{}, {"near_duplicates": 0.8}])
def test_what_a_gate_leaves_out_leaves_out_no_other(prepared, settings):
    long = " ".join(f"word{n}" for n in range(60))
    rows = [chat("loud", f"{long}!"), chat("calm", long)]
    _, rows_of = prepared(("one", rows, {}), gates=[Shout()], **settings)
    assert [row["id"] for row in rows_of("sft")] == ["calm"]


def test_rows_that_no_trainer_could_take_are_refused_before_they_cost_anything(prepared):
    pair = {"id": 1, "prompt": "p", "chosen": "c", "rejected": "r"}
    with pytest.raises(
        DataError, match="line 1: this row is none of conversations, which the stream 'sft' takes"
    ):
        prepared(("one", [pair], {}), takes={"sft": "conversations"})
    with pytest.raises(DataError, match="none of conversations"):
        prepared(("raw", [rated("x", 5, 1)], {"reader": "ultrafeedback"}), takes={"sft": "conversations"})


def test_a_column_completions_makes_no_rated_row(prepared):
    _, rows_of = prepared(("one", [chat("1", "a", completions=["x"])], {}))
    assert [row["id"] for row in rows_of("sft")] == ["1"]

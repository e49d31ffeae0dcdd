"""Every reader on rows of the shape that it is for, guesses that are told, ids and origins."""

import json

import pytest

from langadapt.errors import ConfigError, DataError
from langadapt.prepare.preferences import Rule, binarised
from langadapt.prepare.readers import check_rows, read_rows_of, read_source, readers, settled
from langadapt.records import Preference, Text, record_from_row
from langadapt.schema import Source


def user(text):
    return {"role": "user", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


PAIR = {"prompt": "Ask.", "chosen": [user("Ask."), said("Well.")], "rejected": [user("Ask."), said("No.")]}
RATED = {
    "source": "evol_instruct", "instruction": "Ask.", "models": ["m1", "m2"], "completions": [
        {"model": "m1", "response": "One.", "overall_score": 7.5, "critique": "c", "annotations": {
            "helpfulness": {"Rating": "4", "Rationale": "r"}, "honesty": {"Rating": "N/A", "Rationale": ""}}},
        {"model": "m2", "response": "Two.", "overall_score": "6", "annotations": {"helpfulness": [{"Rating": "3"}], "honesty": None}},
    ],
}  # fmt: skip
SHAPES = {
    "messages": ({"messages": [user("Ask."), said("Say.")], "prompt_id": "p"}, {"messages": [user("Ask."), said("Say.")], "prompt_id": "p"}),
    "text": ({"text": "Once.", "url": "u"}, {"text": "Once.", "url": "u"}),
    "alpaca": (
        {"instruction": "Add.", "input": "1 and 2", "output": "3", "text": "Below is ..."},
        {"messages": [user("Add.\n\n1 and 2"), said("3")]},
    ),
    "platypus": (
        {"instruction": "Ask.", "input": "", "output": "Say.", "data_source": "scibench"},
        {"messages": [user("Ask."), said("Say.")], "subset": "scibench"},
    ),
    "schnabeltier": (
        {"instruction": "Ask.", "output": "Say.", "instruction_de": "Frag.", "output_de": "Sag."},
        {"messages": [user("Frag."), said("Sag.")]},
    ),
    "dolly": (
        {"instruction": "Ask.", "context": "Known.", "response": "Say.", "category": "closed_qa"},
        {"messages": [user("Ask.\n\nKnown."), said("Say.")], "category": "closed_qa"},
    ),
    "sharegpt": (
        {"id": "x_0", "conversations": [{"from": "system", "value": "Be."}, {"from": "human", "value": "Ask."}, {"from": "gpt", "value": "Say.", "loss": True}]},
        {"messages": [{"role": "system", "content": "Be."}, user("Ask."), {**said("Say."), "loss": True}], "source_id": "x_0"},
    ),
    "oasst-paths": (
        {"conversation": [{"role": "prompter", "text": "Ask."}, {"role": "assistant", "text": "Say."}]},
        {"messages": [user("Ask."), said("Say.")]},
    ),
    "ultrafeedback": (RATED, {
        "prompt": "Ask.", "subset": "evol_instruct", "completions": [
            {"text": "One.", "model": "m1", "score": 7.5, "ratings": {"helpfulness": 4, "honesty": None}},
            {"text": "Two.", "model": "m2", "score": 6, "ratings": {"helpfulness": 3, "honesty": None}},
        ]}),
    "ultrafeedback-binarized": (
        {**PAIR, "prompt_id": "p", "messages": PAIR["chosen"], "score_chosen": 8.0, "score_rejected": 7.0},
        {"prompt": [user("Ask.")], "chosen": [said("Well.")], "rejected": [said("No.")], "prompt_id": "p", "score_chosen": 8.0, "score_rejected": 7.0},
    ),
    "argilla-preferences": (
        {"source": "flan", "instruction": "Ask.", "chosen_response": "Well.", "rejected_response": "No.", "chosen_avg_rating": 5.0},
        {"prompt": [user("Ask.")], "chosen": [said("Well.")], "rejected": [said("No.")], "subset": "flan", "chosen_avg_rating": 5.0},
    ),
    "argilla-preferences-cleaned": (
        {**PAIR, "source": "flan", "chosen-rating": 5.0, "chosen-model": "m", "rejected-rating": 4.0},
        {"prompt": [user("Ask.")], "chosen": [said("Well.")], "rejected": [said("No.")], "subset": "flan", "chosen-rating": 5.0, "chosen-model": "m", "rejected-rating": 4.0},
    ),
    "oasst": (
        [
            {"message_id": "1", "parent_id": None, "message_tree_id": "1", "role": "prompter", "text": "Ask.", "lang": "en", "rank": None, "deleted": False, "review_result": True},
            {"message_id": "2", "parent_id": "1", "message_tree_id": "1", "role": "assistant", "text": "Say.", "lang": "en", "rank": 0, "deleted": False, "review_result": True},
        ],
        {"messages": [user("Ask."), said("Say.")], "source_id": "1", "language": "en"},
    ),
}  # fmt: skip


@pytest.fixture
def own(tmp_path):
    def write(*rows, name="rows.jsonl", **facts):
        path = tmp_path / name
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return Source(**{"name": "own", "path": str(path), "stream": "sft", **facts})

    return write


def test_every_reader_is_tested():
    assert set(SHAPES) == set(readers())


@pytest.mark.parametrize("name", SHAPES)
def test_a_row_of_each_shape(own, name):
    raw, made = SHAPES[name]
    rows = raw if isinstance(raw, list) else [raw]
    [(where, row)] = read_rows_of(own(*rows, reader=name), None)
    assert where.endswith("rows.jsonl, line 1")
    assert len(row.pop("id")) == 16
    assert row.pop("source") == "own"
    assert row.pop("origin") == {"path": "rows.jsonl", "row": 1}
    licenses = {"platypus": "MIT", "schnabeltier": "LicenseRef-unknown"}  # copies of a known collection
    assert row.pop("license", None) == licenses.get(name)
    assert row == made


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_told_by_its_columns(own, name):
    raw, _ = SHAPES[name]
    source, told = settled(own(*(raw if isinstance(raw, list) else [raw])))
    assert source.reader == name
    if name == "messages":
        assert not told  # rows of ours: nothing was guessed
    else:
        assert told.startswith("source.own: columns ")
        assert told.endswith(f" are read as `{name}`")
    assert settled(source) == (source, "")


def test_the_statement_names_the_columns(own):
    raw = {"extra": 1, "instruction": "a", "input": "b", "output": "c"}
    assert settled(own(raw))[1] == "source.own: columns instruction, input, output are read as `alpaca`"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"messages": [user("a"), said("b")], "instruction": "a", "output": "b"}, "fit the readers `messages` and `alpaca` equally"),
        ({"instruction": "a", "output": "b", "response": "b"}, "fit the readers `alpaca` and `dolly` equally"),
        ({"question": "a", "answer": "b"}, "'question', 'answer'. fit none of the readers messages, text,"),
        ({}, "none. fit none of the readers"),
        ({"messages": "a text"}, "fit none of the readers"),
        ({"messages": [{"from": "human", "value": "x"}]}, "fit none of the readers"),
        ({"instruction": ["a"], "output": "b"}, "fit none of the readers"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_an_error(own, row, told):
    with pytest.raises(ConfigError, match=told) as caught:
        settled(own(row))
    assert "--set source.own.reader=" in caught.value.hint


def test_guessing_looks_at_the_first_row_alone(own):
    assert settled(own())[1] == "source.own: holds no rows"
    with pytest.raises(DataError, match="line 1: a row is an object, not list"):
        settled(own([1]))
    with pytest.raises(ConfigError, match="none is named"):
        next(read_source(own({"text": "a"}), None))
    with pytest.raises(ConfigError, match="no reader is called 'alpacca'"):
        settled(own({"text": "a"}, reader="alpacca"))


def test_a_known_data_set_is_no_guess(own):
    source = Source(name="x", path="databricks/Databricks-Dolly-15k", stream="sft")
    found, told = settled(source)
    assert (found.reader, found.license, told) == ("dolly", "CC-BY-SA-3.0", "")
    german, _ = settled(
        Source(name="x", path="FreedomIntelligence/evol-instruct-deutsch", stream="sft", license="MIT")
    )
    assert (german.language, german.license, german.reader) == ("de", "MIT", "sharegpt")
    own_reader, _ = settled(Source(name="x", path="LeoLM/OpenSchnabeltier", stream="sft", reader="alpaca"))
    assert own_reader.reader == "alpaca"


@pytest.mark.parametrize(
    ("reader", "row", "told"),
    [
        ("alpaca", {"instruction": "a"}, "line 1: the reader 'alpaca' needs the column 'output'"),
        ("platypus", {"instruction": "a", "output": "b"}, "the reader 'platypus' needs the column 'data_source'"),
        ("alpaca", {"instruction": "a", "output": 3}, "line 1, output: text is needed, not int"),
        ("sharegpt", {"conversations": [{"from": "alien", "value": "a"}]}, r"conversations\[0\]: role 'alien'"),
        ("sharegpt", {"conversations": [{"from": ["x"], "value": "a"}]}, r"conversations\[0\]: role"),
        ("sharegpt", {"conversations": {"from": "human"}}, "conversations: a list of turns is needed, not dict"),
        ("sharegpt", {"conversations": [{"value": "a"}]}, r"conversations\[0\]: a turn is an object with `from` and `value`"),
        ("ultrafeedback-binarized", {**PAIR, "rejected": [user("Other."), said("No.")], "score_chosen": 1, "score_rejected": 1}, "chosen and rejected do not answer the same prompt"),
        ("ultrafeedback-binarized", {**PAIR, "chosen": [said("x")], "score_chosen": 1, "score_rejected": 1}, "chosen: a prompt and an answer are needed"),
        ("ultrafeedback", {"instruction": "a", "completions": [{"model": "m"}]}, r"completions\[0\]: an answer is an object with `response`"),
        ("ultrafeedback", {"instruction": "a", "completions": "b"}, "completions: a list of answers is needed, not str"),
        ("ultrafeedback", {"instruction": "a", "completions": [{"response": "x", "annotations": [1]}]}, "annotations: an object is needed, not list"),
        ("messages", {"prompt": "a"}, "no known columns"),
        ("messages", 3, "line 1: a row is an object, not int"),
    ],
)  # fmt: skip
def test_a_row_of_another_shape_is_named(own, reader, row, told):
    with pytest.raises(DataError, match=told) as caught:
        list(read_source(own(row, reader=reader), None))
    assert caught.value.hint
    [line] = check_rows(own(row, reader=reader), None)
    assert "rows.jsonl, line 1" in line


def test_null_is_an_empty_text(own):
    [record] = read_source(own({"instruction": "a", "input": None, "output": None}, reader="alpaca"), None)
    assert record.texts == ("a", "")


def test_ids(own):
    twice = {"instruction": "a", "output": "b"}
    rows = [{**twice, "id": 1}, twice, twice, {**twice, "output": "c", "id": 1}]
    found = list(read_source(own(*rows, reader="alpaca"), None))
    ids = [record.id for record in found]
    assert len(set(ids)) == 4
    assert [record.extra.get("source_id") for record in found] == [1, None, None, 1]
    assert ids[2] == f"{ids[1]}-2"
    moved = own(*reversed(rows), reader="alpaca", name="other.jsonl", license="MIT")
    assert {record.id for record in read_source(moved, None)} == set(ids)
    kept = list(
        read_source(own({"id": "mine", "text": "a"}, {"id": 7, "text": "a"}, reader="messages"), None)
    )
    assert [record.id for record in kept] == ["mine", 7]


def test_rows_keep_what_they_say_of_themselves(own):
    row = {"text": "a", "source": "wiki", "language": "de", "license": "cc by-sa 3.0"}
    [record] = read_source(own(row, reader="text", license="MIT", language="en"), None)
    assert isinstance(record, Text)
    assert (record.source, record.language, record.license) == ("own", "de", "CC-BY-SA-3.0")
    assert record.extra["subset"] == "wiki"
    [record] = read_source(own({"text": "a", "language": None}, reader="text", language="en"), None)
    assert (record.license, record.language) == ("", "en")


def test_rated_rows_go_on_to_binarisation(own):
    rated = json.loads(json.dumps(RATED))
    for answer, rating in zip(rated["completions"], (4, 3), strict=True):
        answer["annotations"] = {name: {"Rating": str(rating)} for name in ("instruction_following", "honesty", "truthfulness", "helpfulness")}  # fmt: skip
    [(where, row)] = read_rows_of(own(rated, reader="ultrafeedback", license="MIT"), None)
    [(pair, reason)] = binarised(row, Rule(), where=where)
    record = record_from_row(pair, where=where)
    assert reason == ""
    assert isinstance(record, Preference)
    assert (record.chosen, record.license, record.extra["subset"]) == ("One.", "MIT", "evol_instruct")
    assert record.extra["origin"]["row"] == 1
    assert not check_rows(own(rated, reader="ultrafeedback"), None, "preferences")


def test_a_row_that_was_read_before_keeps_its_first_origin(own):
    [first] = read_source(own({"text": "a"}, reader="text"), None)
    [again] = read_source(own(first.to_row(), reader="text", name="again.jsonl"), None)
    assert again.id == first.id
    assert again.extra["origin"] == {
        "path": "again.jsonl",
        "row": 1,
        "before": {"path": "rows.jsonl", "row": 1},
    }


def test_limits(own):
    rows = [{"text": str(n)} for n in range(9)]
    assert len(list(read_source(own(*rows, reader="text", limit=5), None))) == 5
    assert len(list(read_source(own(*rows, reader="text", limit=5), 3))) == 3
    assert not list(read_source(own(*rows, reader="text"), 0))


def test_every_mistake_of_a_file_is_told(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"text": "a", "id": 1}\n{"text": \n[]\n{"text": "b", "id": 1}\n{"other": 1}\n', encoding="utf-8"
    )
    found = check_rows(Source(name="own", path=str(path), stream="dpo"), None, "texts")
    assert [line.removeprefix(f"{path}, ") for line in found] == [
        "line 2: not JSON (Expecting value)",
        "line 3: a row is an object, not list",
        f"line 4: id 1 stands on {path}, line 1 already",
        "line 5: the reader 'text' needs the column 'text'",
    ]
    found = check_rows(Source(name="own", path=str(path), stream="dpo", reader="text"), 1, "preferences")
    assert found == [f"{path}, line 1: this row is none of preferences, which the stream 'dpo' takes"]

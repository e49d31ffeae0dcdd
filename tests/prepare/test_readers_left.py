"""Rows that make no record stop nobody, mistakes of a source are not put down to rows, and ids of two sources stay apart."""

import json

import pytest

from langadapt.config import Layer, leaves
from langadapt.errors import ConfigError, DataError
from langadapt.prepare.readers import apart, check_rows, is_rated, read_rows_of, read_source
from langadapt.prepare.selection import hollow
from langadapt.schema import Source, check


@pytest.fixture
def own(tmp_path):
    def write(*rows, **facts):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return Source(**{"name": "own", "path": str(path), "stream": "sft", **facts})

    return write


USER, SAID = {"role": "user", "content": "Ask."}, {"role": "assistant", "content": "Say."}
PAIR = {"prompt": "Ask.", "chosen": [USER, SAID], "rejected": [USER, {**SAID, "content": "No."}], "score_chosen": 2, "score_rejected": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("reader", "row"),
    [
        ("sharegpt", {"conversations": []}),
        ("sharegpt", {"conversations": None}),
        ("messages", {"messages": []}),
        ("messages", {"messages": None}),
        ("messages", {"prompt": "Ask.", "chosen": [], "rejected": "No."}),
        ("ultrafeedback-binarized", {**PAIR, "chosen": []}),
        ("ultrafeedback-binarized", {**PAIR, "rejected": []}),
        ("ultrafeedback-binarized", {**PAIR, "rejected": None}),
    ],
)
def test_an_empty_list_is_hollow_and_no_mistake(own, reader, row):
    source = own(row, reader=reader)
    [(_, mapped)] = read_rows_of(source, None)
    assert hollow(mapped)
    assert not check_rows(source, None)


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [SAID]},
        {"text": ""},
        {"prompt": "", "chosen": "a", "rejected": "b"},
        {"messages": "x"},
        {},
    ],
)
def test_what_holds_turns_or_is_broken_is_not_hollow(row):
    assert not hollow(row)


@pytest.mark.parametrize(
    ("row", "told"),
    [({"instruction": "A?", "output": None}, "fit none of"), ({"instruction": "a", "output": "b", "response": "b"}, "equally")],
)  # fmt: skip
def test_a_source_that_no_reader_fits_is_no_mistake_of_its_rows(own, row, told):
    with pytest.raises(ConfigError, match=told) as caught:
        check_rows(own(row), None)
    assert "reader=NAME" in caught.value.hint


def test_rated_is_what_the_reader_says_and_not_a_column(own):
    assert is_rated(own(reader="ultrafeedback"))
    assert is_rated(Source(name="x", path="openbmb/UltraFeedback", stream="dpo"))
    assert not is_rated(own({"messages": [USER, SAID], "completions": ["a"]}, reader="messages"))
    assert not check_rows(own({"messages": [USER, SAID], "completions": ["a"]}), None, "conversations")


def test_an_id_that_another_source_has_gets_its_sources_name(own):
    [record] = read_source(own({"id": 0, "text": "a"}, reader="text"), None)
    assert apart(record, {1, 2}, "own") is record
    assert apart(record, {0}, "own").id == "own/0"
    assert apart(record, {0}, "own").texts == record.texts


@pytest.mark.parametrize("limit", [0, -1, 1.5, "all"])
def test_a_limit_is_a_number_of_rows(limit):
    tables = {
        "title": "t",
        "translate": {"use": "x"},
        "source": {"one": {"path": "p", "stream": "sft", "limit": limit}},
    }
    with pytest.raises(ConfigError, match=r"source.one.limit"):
        check(leaves(tables, Layer("mine.toml", None)))


def test_a_row_that_is_broken_is_told_still(own):
    with pytest.raises(DataError, match="a list of turns is needed, not dict"):
        list(read_rows_of(own({"conversations": {}}, reader="sharegpt"), None))
    [line] = check_rows(own({"messages": "x"}, reader="messages"), None)
    assert "a list of messages is needed" in line

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import DataError
from langadapt.records import Conversation, Preference, Text, read_records, record_from_row, write_rows

texts = st.text(max_size=30)
message = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": texts})
side = st.one_of(texts, st.lists(message, min_size=1, max_size=3))
rows = st.one_of(
    st.fixed_dictionaries(
        {"id": st.text("ab", min_size=1), "messages": st.lists(message, min_size=1, max_size=4)}
    ),
    st.fixed_dictionaries(
        {"id": st.text("ab", min_size=1), "prompt": side, "chosen": side, "rejected": side}
    ),
    st.fixed_dictionaries({"id": st.text("ab", min_size=1), "text": texts}),
)


@given(rows)
def test_a_row_comes_back_as_it_was(row):
    record = record_from_row(row)
    assert record.to_row() == row
    assert record.with_texts(record.texts) == record


@given(rows)
def test_texts_are_taken_back_in_order(row):
    record = record_from_row(row)
    new = [f"{number}:{text}" for number, text in enumerate(record.texts)]
    assert list(record.with_texts(new).texts) == new


def test_unknown_keys_pass_through_and_keys_decide_the_kind():
    row = {
        "id": "1",
        "messages": [{"role": "user", "content": "a", "name": "x"}],
        "score": [1, 2],
        "source": "s",
    }
    record = record_from_row(row)
    assert isinstance(record, Conversation)
    assert record.source == "s"
    assert record.to_row() == row
    assert isinstance(record_from_row({"prompt": "a", "chosen": "b", "rejected": "c"}), Preference)
    assert isinstance(record_from_row({"text": "a"}), Text)


def test_a_row_without_id_gets_its_hash():
    first, second = record_from_row({"text": "a"}), record_from_row({"text": "b"})
    assert first.id == record_from_row({"text": "a"}).id != second.id


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ([1], "an object"),
        ({"textt": "a"}, "no known columns"),
        ({"messages": []}, "list of messages"),
        ({"messages": "hello"}, "list of messages"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "a"}]}, "'robot'"),
        ({"prompt": 1, "chosen": "a", "rejected": "b"}, "prompt"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(row, part):
    with pytest.raises(DataError, match=r"file, line 3") as caught:
        record_from_row(row, where="file, line 3")
    assert part in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("wrong", [True, 1.5, ["a"], {"a": 1}])
def test_an_id_is_text_or_a_whole_number(wrong):
    with pytest.raises(DataError, match=r"row: the id .* is neither text nor a whole number"):
        record_from_row({"id": wrong, "text": "a"})
    assert record_from_row({"id": 0, "text": "a"}).id == 0


def test_rows_without_an_id_may_be_equal(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": null, "text": "a"}\n' * 2 + '{"id": "", "text": "a"}\n' * 2)
    assert len({record.id for record in read_records(path)}) == 4


def test_reading_names_file_and_line(tmp_path):
    path = tmp_path / "rows.jsonl"
    for content, part in [
        ('{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ('{"id": "1", "text": "a"}\n\n{"id": "1", "text": "b"}\n', "line 3: id '1' stands on line 1"),
        ('{"text": "\\ud800"}\n', "line 1: holds half a character"),
        ('{"text": "a", "score": 1e999}\n', "line 1: not JSON (Out of range"),
        ('{"text": "a", "score": NaN}\n', "line 1: not JSON (Out of range"),
        ('{"text": "a"}\n{"text": "\xe4"}\n', "line 2: not UTF-8"),
    ]:
        path.write_text(content, encoding="latin-1")
        with pytest.raises(DataError) as caught:
            list(read_records(path))
        assert part in str(caught.value)
    path.write_text("\ufeff\n" + '{"text": "a"}\r\n', encoding="utf-8")
    assert len(list(read_records(path))) == 1
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no regular file"):
        list(read_records(tmp_path / "pipe"))
    with pytest.raises(DataError, match="missing"):
        list(read_records(tmp_path / "missing.jsonl"))


def test_a_link_stays_one(tmp_path):
    place, link = tmp_path / "place.jsonl", tmp_path / "link.jsonl"
    place.write_text("old", encoding="utf-8")
    link.symlink_to(place)
    write_rows(link, [{"a": 1}])
    assert link.is_symlink()
    assert json.loads(place.read_text(encoding="utf-8")) == {"a": 1}


def test_writing_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out" / "rows.jsonl"
    assert write_rows(path, [{"a": "ü\u2028"}, {"b": 1}]) == 2
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line] == [
        {"a": "ü\u2028"},
        {"b": 1},
    ]

    def breaks():
        yield {"c": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(path, breaks())
    assert '"c"' not in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="Out of range"):
        write_rows(path, [{"a": float("nan")}])
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]

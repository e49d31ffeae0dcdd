"""The pass over the sources: what is counted is exact or near, whatever the order, in little memory."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.plan.counting import Counted, Lines, counted, mixed, read
from langadapt.records import Conversation, Message
from langadapt.schema import Prepare, Source

SOURCE = Source(name="own", path="x", stream="sft", license="MIT")


def chat(number, *texts, license="MIT"):  # noqa: A002 - the field
    turns = tuple(
        Message(role=role, content=text) for role, text in zip(("user", "assistant") * 9, texts, strict=False)
    )
    return Conversation(id=f"c{number}", messages=turns, license=license)


@given(st.lists(st.text(max_size=30).map(lambda text: text.replace("\n", " ")), max_size=60))
def test_lines_are_counted_exactly_while_there_is_room(texts):
    lines = Lines()
    for text in texts:
        lines.add(text)
    for text in texts:
        bare = text.encode("utf-8", "replace").strip(b" \t#>*-+0123456789.)|\r")
        same = sum(one.encode("utf-8", "replace").strip(b" \t#>*-+0123456789.)|\r") == bare for one in texts)
        assert lines.times(text) == (same if bare else None)


def test_what_is_held_stays_small_and_tells_the_share_of_new_lines():
    lines = Lines(at_most=1000)
    rng = random.Random(1)
    said = [f"line {rng.randrange(20_000)} of these" for _ in range(60_000)]
    for start in range(0, len(said), 10):
        lines.add("\n".join(said[start : start + 10]))
    assert len(lines.counts) <= 1000
    times = [found for line in said if (found := lines.times(line))]
    assert sum(1 / found for found in times) / len(times) == pytest.approx(
        len(set(said)) / len(said), rel=0.15
    )


@given(st.permutations([chat(n, f"text {n}", "yes") for n in range(40)]))
def test_the_sample_does_not_depend_on_the_order(records):
    found = counted(SOURCE, records, Prepare(), set(), Lines())
    assert [one.id for one in found.sample(5)] == [
        one.id
        for one in counted(SOURCE, sorted(records, key=lambda r: r.id), Prepare(), set(), Lines()).sample(5)
    ]
    assert len(found.sample(100)) == 40


def test_of_many_rows_those_with_the_smallest_digests_are_held():
    small, large = Counted(SOURCE, limit=10), Counted(SOURCE, limit=1000)
    for number in range(500):
        for one in (small, large):
            one.hold(chat(number, "a", "b"), 2)
    assert [one.id for one in small.sample(10)] == [one.id for one in large.sample(10)]


def test_rows_of_any_length_are_held_within_the_room(monkeypatch):
    monkeypatch.setattr("langadapt.plan.counting.CHARACTERS_AT_MOST", 1000)
    found = Counted(SOURCE)
    for number in range(50):
        found.hold(chat(number, "x" * 400, "y"), 401)
    assert 1 <= len(found.sample(50)) <= 2


def test_what_does_not_go_on_has_a_reason():
    records = [
        chat(1, "one", "yes"), chat(2, "one", "yes"), chat(3, " ", ""), chat(4, "four", "yes", license="CC-BY-NC-4.0"), chat(5, "five", "no"),
    ]  # fmt: skip
    found = counted(SOURCE, records, Prepare(), set(), Lines())
    assert dict(found.dropped) == {"duplicate": 1, "empty": 1, "licence": 1}
    assert (found.rows, found.kept, found.characters) == (5, 2, len("oneyesfiveno"))


def test_a_mixture_takes_its_shares():
    from dataclasses import replace

    strata = [
        Counted(replace(SOURCE, name=name, weight=weight), rows=rows)
        for name, weight, rows in (("a", 3.0, 900), ("b", 1.0, 100))
    ]
    mixed(strata)
    assert [one.taken * one.kept for one in strata] == [300, 100]


def test_rated_rows_are_read_as_pairs(tmp_path):
    path = tmp_path / "rows.jsonl"
    aspects = ("helpfulness", "honesty", "instruction_following", "truthfulness")
    completions = [
        {
            "response": f"answer {n}",
            "model": "m",
            "overall_score": n,
            "annotations": {one: {"Rating": str(n)} for one in aspects},
        }
        for n in (1, 4)
    ]
    path.write_text(
        json.dumps({"instruction": "Which one?", "source": "own", "completions": completions}) + "\n"
    )
    source = Source(name="own", path=str(path), stream="dpo", license="MIT", reader="ultrafeedback")
    (record,) = read(source, None)
    assert "answer 4" in str(record.chosen)
    assert "answer 1" in str(record.rejected)

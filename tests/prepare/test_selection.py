"""Which records go on, why others do not, and that what goes nowhere stands in nobody's way."""

from collections import Counter

import pytest

from langadapt.errors import ConfigError
from langadapt.prepare.selection import first, fit, is_held_out, known
from langadapt.records import Conversation, Message, Preference, Text, record_from_row
from langadapt.schema import Prepare

LONG = "one two three four five six seven eight nine ten eleven twelve"


def text(name, content, license="MIT"):  # noqa: A002
    return Text(id=name, text=content, license=license)


def pair(name, chosen, rejected, prompt="Why?"):
    return Preference(id=name, prompt=prompt, chosen=chosen, rejected=rejected, license="MIT")


def turns(*contents):
    return tuple(Message(role="assistant", content=content) for content in contents)


def select(records, settings, count_tokens=None, duplicates=None):
    """What *prepare* does without gates."""
    before = known(settings) if duplicates is None else duplicates
    for choice in fit(records, settings):
        yield choice if choice.reason else next(first([choice.record], settings, count_tokens, before))


def told(records, settings=None, count_tokens=None, duplicates=None):
    chosen = select(records, settings or Prepare(), count_tokens, duplicates)
    return {choice.record.id: choice.reason for choice in chosen}


def test_each_test_has_its_reason_and_its_count():
    rows = [
        text("good", LONG),
        text("void", " \n"),
        text("nc", "x", "CC-BY-NC-4.0"),
        text("none", "x", ""),
        text("again", f"  {LONG}"),
        text("near", LONG.upper()),
        text("long", "word " * 50),
        pair("pair", "a", "b"),
        pair("same", "a  b", "a b\n"),
    ]
    found = told(
        rows, Prepare(at_most_tokens=20, near_duplicates=0.8), lambda record: len(record.texts[0].split())
    )
    assert found == {
        "good": "", "void": "empty", "nc": "licence CC-BY-NC-4.0 is not commercial", "none": "licence unknown is not commercial",
        "again": "duplicate: of good", "near": "near duplicate: of good", "long": "longer than 20 tokens", "pair": "",
        "same": "chosen equals rejected",
    }  # fmt: skip
    counts = Counter(reason.split(":", maxsplit=1)[0] for reason in found.values())
    assert counts["duplicate"] == counts["near duplicate"] == 1


@pytest.mark.parametrize(
    ("chosen", "rejected", "equal"),
    [
        (turns("a", "b"), turns("a", "b"), True), (turns("a"), "a", True), (turns("a b"), turns("a", "b"), False),
        ("A", "a", False), ("a\u00a0b", "a b", True),
    ],
)  # fmt: skip
def test_sides_with_the_same_words_are_equal(chosen, rejected, equal):
    assert told([pair("p", chosen, rejected)])["p"] == ("chosen equals rejected" if equal else "")


def test_what_does_not_go_on_is_not_repeated_by_others():
    rows = [
        text("nc", LONG, "CC-BY-NC-4.0"),
        text("long", f"{LONG} {LONG}"),
        text("first", LONG),
        text("second", LONG),
    ]
    settings = Prepare(at_most_tokens=12, near_duplicates=0.3)
    found = told(rows, settings, lambda record: len(record.texts[0].split()))
    assert found["first"] == ""
    assert found["second"] == "duplicate: of first"


def test_sources_of_a_stream_share_what_is_known():
    settings = Prepare()
    shared = known(settings)
    assert told([text("a", LONG)], settings, duplicates=shared) == {"a": ""}
    assert told([text("b", LONG)], settings, duplicates=shared) == {"b": "duplicate: of a"}
    assert told([text("b", LONG)], settings) == {"b": ""}


def test_duplicates_stay_where_the_recipe_says_so():
    rows = [text("a", LONG), text("b", LONG), text("c", LONG.upper())]
    assert set(told(rows, Prepare(deduplicate=False)).values()) == {""}
    assert told(rows)["c"] == ""
    near = told(rows, Prepare(deduplicate=False, near_duplicates=1.0))
    assert near == {"a": "", "b": "near duplicate: of a", "c": "near duplicate: of a"}


def test_tokens_are_counted_only_for_what_is_left():
    counted = []

    def count(record):
        counted.append(record.id)
        return 1

    told(
        [text("a", "x"), text("b", "x"), text("c", ""), text("d", "y", "")], Prepare(at_most_tokens=5), count
    )
    assert counted == ["a"]


def test_choosing_is_lazy_and_policies_are_known():
    def endless():
        number = 0
        while True:
            yield Conversation(id=number, messages=turns(f"text {number}"), license="MIT")
            number += 1

    choices = select(endless(), Prepare())
    assert [next(choices).record.id for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ConfigError):
        told([text("a", "x")], Prepare(licenses="mine"))


def test_held_out_rows_never_change_sides():
    small = {n for n in range(5000) if is_held_out(n, 0.05)}
    assert 180 < len(small) < 320
    assert small <= {n for n in range(5000) if is_held_out(n, 0.2)}


@pytest.mark.parametrize(
    ("messages", "empty"),
    [
        ([("user", "a"), ("assistant", " ")], True),
        ([("user", ""), ("assistant", "b")], True),
        ([("system", ""), ("user", "a"), ("assistant", "b")], False),
        ([("system", "a")], True),
    ],
)
def test_a_turn_without_a_word_leaves_nothing_to_learn(messages, empty):
    row = {
        "id": "r",
        "messages": [{"role": role, "content": text} for role, text in messages],
        "license": "MIT",
    }
    assert told([record_from_row(row)])["r"] == ("empty" if empty else "")


@pytest.mark.parametrize(
    "extra",
    [
        {"name": None}, {"tool_calls": None}, {"tool_calls": []}, {"name": ""}, {"loss": True, "weight": 1},
        {"function_call": {"name": None, "arguments": None}}, {"tool_calls": [{"name": None}]},
    ],
)  # fmt: skip
def test_what_holds_nothing_makes_no_turn_say_something(extra):
    blank = {"role": "assistant", "content": " ", **extra}
    row = {"id": "r", "messages": [{"role": "user", "content": "a"}, blank], "license": "MIT"}
    assert told([record_from_row(row)])["r"] == "empty"


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        (["user"], "no answer"),
        (["user", "user"], "no answer"),
        (["system", "user"], "no answer"),
        (["user", "assistant", "user"], "no answer: the last turn is the user's"),
        (["user", "assistant", "tool"], ""),
        (["system", "assistant"], ""),
        (["user", "assistant", "user", "assistant"], ""),
    ],
)
def test_turns_without_an_answer_are_left_out(roles, reason):
    messages = [{"role": role, "content": f"text {n}"} for n, role in enumerate(roles)]
    row = {"id": "r", "messages": messages, "license": "MIT"}
    assert told([record_from_row(row)])["r"] == reason
    chosen = [{"role": "user", "content": "other"}, {"role": "assistant", "content": "other"}]
    pairs = {"id": "p", "prompt": "Ask.", "chosen": chosen, "rejected": messages, "license": "MIT"}
    assert told([record_from_row(pairs)])["p"] == reason


def test_a_turn_that_calls_a_tool_may_say_nothing():
    call = {"role": "assistant", "content": "", "tool_calls": [{"name": "clock"}]}
    row = {"id": "r", "messages": [{"role": "user", "content": "a"}, call], "license": "MIT"}
    assert told([record_from_row(row)])["r"] == ""

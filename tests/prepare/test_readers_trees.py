"""Message trees of OpenAssistant's shape."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import DataError
from langadapt.prepare.readers import readers
from langadapt.prepare.trees import paths

TREE = readers()["oasst"].tree


def message(name, parent, role, rank=None, **facts):
    row = {
        "message_id": name, "parent_id": parent, "message_tree_id": name[0], "role": role, "text": name, "lang": "en",
        "rank": rank, "deleted": False, "review_result": True,
    }  # fmt: skip
    return {**row, **facts}


def read(*rows):
    """The texts of each path."""
    placed = ((f"line {number}", number, row) for number, row in enumerate(rows, 1))
    return [[turn["content"] for turn in made["messages"]] for _, _, _, made in paths(placed, TREE)]


ROOT = message("a", None, "prompter")


def test_the_best_ranked_reply_goes_on():
    rows = [
        ROOT, message("a1", "a", "assistant", 1), message("a0", "a", "assistant", 0), message("ax", "a", "assistant"),
        message("a00", "a0", "prompter", 1.0), message("a01", "a0", "prompter", 0.0), message("a010", "a01", "assistant"),
        message("a10", "a1", "prompter"),
    ]  # fmt: skip
    assert read(*rows) == [["a", "a0", "a01", "a010"]]


@pytest.mark.parametrize(
    "facts",
    [{"deleted": True}, {"review_result": False}, {"lang": "de"}],
    ids=["deleted", "reviewed", "language"],
)
def test_what_may_not_go_on_does_not_though_it_is_best(facts):
    best, other = message("a0", "a", "assistant", 0, **facts), message("a1", "a", "assistant", 1)
    assert read(ROOT, best, other) == [["a", "a1"]]
    assert read(ROOT, best) == []


def test_a_path_ends_with_an_answer():
    assert read(ROOT) == []
    assert read(ROOT, message("a0", "a", "assistant"), message("a00", "a0", "prompter")) == [["a", "a0"]]
    assert read({**ROOT, "deleted": True}, message("a0", "a", "assistant")) == []


def test_many_trees():
    rows = [
        row
        for name in "abc"
        for row in (message(name, None, "prompter"), message(f"{name}0", name, "assistant"))
    ]
    assert read(*rows) == [["a", "a0"], ["b", "b0"], ["c", "c0"]]


@given(st.integers(0, 9999))
def test_the_order_within_a_tree_does_not_matter(seed):
    draw = random.Random(seed)
    rows = [ROOT]
    for number in range(draw.randrange(1, 12)):
        parent = draw.choice(rows)
        role = "assistant" if parent["role"] == "prompter" else "prompter"
        rows.append(message(f"a-{number}", parent["message_id"], role, number))
    found = read(*rows)
    draw.shuffle(rows)
    assert read(*rows) == found
    for path in found:
        assert len(path) % 2 == 0


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([ROOT, message("b", None, "prompter"), message("a0", "a", "assistant")], "line 3: the tree 'a' began further up"),
        ([ROOT, message("a00", "a0", "assistant")], "line 2: no row of its tree is the parent_id 'a0'"),
        ([ROOT, {**ROOT, "message_id": "other"}], "line 1: a tree has one root, this one 2"),
        ([message("a0", "a1", "assistant"), message("a1", "a0", "prompter")], "a tree has one root, this one 0"),
        ([{**ROOT, "role": "judge"}], "line 1: role 'judge'"),
        ([{**ROOT, "text": None}], "line 1: text must be text"),
        ([{"role": "prompter"}], "line 1: message_id must be text"),
        ([3], "line 1: a row is an object, not int"),
    ],
)  # fmt: skip
def test_what_is_no_tree(rows, told):
    with pytest.raises(DataError, match=told) as caught:
        read(*rows)
    assert caught.value.hint


def test_a_circle_beside_the_root_is_not_walked():
    rows = [
        ROOT,
        message("a0", "a", "assistant", 5),
        message("a1", "a2", "prompter"),
        message("a2", "a1", "assistant"),
    ]
    assert read(*rows) == [["a", "a0"]]


def test_a_deep_tree_is_quick():
    rows = [ROOT]
    for number in range(20_000):
        rows.append(message(f"a-{number}", rows[-1]["message_id"], ("assistant", "prompter")[number % 2]))
    assert len(read(*rows)[0]) == 20_000

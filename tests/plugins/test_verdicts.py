"""What judges write, and the rating in it: cases in `scripts/bench`, with the truth apart."""

import json
import time
from pathlib import Path

import pytest

from langadapt_plugins.evaluators.verdicts import rating

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
REPLIES = [
    json.loads(line)
    for line in (BENCH / "verdicts_replies.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]
TRUTH = json.loads((BENCH / "verdicts_truth.json").read_text(encoding="utf-8"))


def test_there_are_hard_cases():
    assert len(REPLIES) == len(TRUTH) >= 200
    assert len({row["reply"] for row in REPLIES}) > 200
    assert {value is None for value in TRUTH.values()} == {True, False}


@pytest.mark.parametrize("row", REPLIES, ids=[row["id"] for row in REPLIES])
def test_read_right(row):
    assert rating(row["reply"]) == TRUTH[row["id"]]


@pytest.mark.parametrize("value", [1, 2, 3, 4.5, 7, 9, 10])
@pytest.mark.parametrize(
    "form", ["[[{}]]", "{}/10", "Bewertung: {}", '{{"rating": {}}}', "Rating: **{}**", "{}"]
)
def test_every_value_of_the_scale(form, value):
    assert rating(form.format(value)) == value
    assert rating("Gut.\n\n" + form.format(value)) == value


ENDLESS = (
    *(
        "Bewertung " * 20_000,
        "[[" * 40_000,
        "\n" * 200_000,
        '{"a":' * 20_000,
        "I give " * 20_000,
        "1 von " * 20_000,
    ),
    *(
        "<think>" * 20_000,
        "rating" + " " * 100_000 + "x",
        "1-" * 40_000,
        "```x\n" * 20_000,
        "\\text{" * 20_000,
    ),
)


@pytest.mark.parametrize("reply", ENDLESS, ids=lambda reply: repr(reply[:8]))
def test_endless_replies_take_no_time(reply):
    start = time.process_time()
    assert rating(reply) is None
    assert rating(reply + "\nBewertung: [[7]]") in (7, None)
    assert time.process_time() - start < 5

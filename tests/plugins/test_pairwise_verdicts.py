"""What judges of pairs write, and the side in it: cases in `scripts/bench`, with the truth apart."""

import json
import time
from pathlib import Path

import pytest

from langadapt_plugins.evaluators.pairwise_pairs import won
from langadapt_plugins.evaluators.pairwise_verdicts import preferred

BENCH = Path(__file__).parents[2] / "scripts" / "bench"
LINES = (BENCH / "choices_replies.jsonl").read_text(encoding="utf-8").split("\n")
REPLIES = [json.loads(line) for line in LINES if line]
TRUTH = json.loads((BENCH / "choices_truth.json").read_text(encoding="utf-8"))


def test_there_are_hard_cases():
    assert len(REPLIES) == len(TRUTH) >= 200
    assert {row["id"] for row in REPLIES} == set(TRUTH)
    assert len({row["reply"] for row in REPLIES}) == len(REPLIES)
    assert set(TRUTH.values()) == {"A", "B", "C", None}


@pytest.mark.parametrize("row", REPLIES, ids=[row["id"] for row in REPLIES])
def test_read_right(row):
    assert preferred(row["reply"]) == TRUTH[row["id"]]


@pytest.mark.parametrize("side", ["A", "B", "C"])
@pytest.mark.parametrize(
    "form", ["[[{}]]", "**[[{}]]**", "Urteil: [[{}]]", '{{"winner": "{}"}}', "{}", "Winner: {}"]
)
def test_every_side_in_every_form(form, side):
    assert preferred(form.format(side)) == side
    assert preferred("Assistant A is short. Assistant B is long.\n\n" + form.format(side)) == side
    assert preferred("<think>[[A]] [[B]] [[C]]</think>" + form.format(side)) == side


ENDLESS = (
    "[[" * 40_000, "A is " * 20_000, "verdict " * 20_000, '{"a":' * 20_000, "<think>" * 20_000, "\n" * 200_000,
    "Assistant A " * 15_000, "A > " * 20_000, "<verdict>" * 15_000, "Verdict:" * 20_000, "\"'" * 20_000, "ist Antwort A " * 10_000,
)  # fmt: skip


@pytest.mark.parametrize("reply", ENDLESS, ids=lambda reply: repr(reply[:8]))
def test_endless_replies_take_no_time(reply):
    start = time.process_time()
    assert preferred(reply) is None
    assert preferred(reply + "\nVerdict: [[B]]") in ("B", None)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("reply", "side"),
    [
        ("Answer A is better at first sight, but", None),
        ("Die Antwort A ist besser in der Form, allerdings", None),
        ("[[B]]\n\nAnswer A is better at first sight, but", "B"),
        ("Verdict: B. For Answer A is", "B"),
    ],
)
def test_of_what_was_cut_off_sentences_are_no_verdict(reply, side):
    assert preferred(reply, cut=True) == side
    row = {"id": "a", "turn": 1, "order": 1, "reply": reply}
    assert won({**row, "finish": "length"}) == {None: None, "B": 0.0}[side]
    assert won({**row, "finish": "stop"}) is not None

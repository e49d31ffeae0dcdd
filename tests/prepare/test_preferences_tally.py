"""What is told of a stream of pairs, against counts made by hand."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.errors import DataError
from langadapt.prepare.preferences import ASPECTS, EQUAL, FEW, RULES, TIE, Rule, binarised
from langadapt.prepare.tally import MODELS, Tally, text_of

A = ASPECTS


def answer(text, mean, score, model="m"):
    ratings = None if mean is None else dict.fromkeys(A, mean)
    return {"text": text, "model": model, "ratings": ratings, "score": score}


def rated(*answers, prompt="p"):
    return {"prompt": prompt, "completions": list(answers)}


def told(rows, rule):
    tally = Tally(rule)
    for row in rows:
        tally.rated(row)
        for pair, reason in binarised(row, rule):
            tally.pair(pair, reason)
    return json.loads(json.dumps(tally.facts(), allow_nan=False))


ROWS = [
    rated(answer("long answer", 5, 9, "x"), answer("short", 1, 2, "y")),
    rated(answer("aaaa", 2, 9, "x"), answer("bb", 4, 3, "y")),
    rated(answer("aa", 3, 9, "x"), answer("bb", 3, 3, "y")),
    rated(answer("aa", 3, 5, "x"), answer("bb", 2.5, 5, "y")),
    rated(answer("aa", 3, 5), answer("bb", None, 4)),
    rated(answer("same", 3, 5), answer("same ", 2, 4)),
]


def test_rules_are_compared_on_the_same_rows():
    facts = told(ROWS, Rule())
    assert (facts["rows"], facts["pairs"]) == (6, 3)
    assert facts["left_out"] == {TIE: 1, FEW: 1, EQUAL: 1}
    assert facts["chosen_equals_rejected"] == 1
    assert facts["ties"] == {"mean-rating": 1, "critique": 1, "margin": 1}
    assert facts["answers"] == {"seen": 12, "judged": 11, "empty": 0, "unrated": 1}
    assert facts["missing"] == dict.fromkeys(A, 1)
    differs = {tuple(one["rules"]): one for one in facts["differs"]}
    by_score = differs["mean-rating", "critique"]
    assert (by_score["rows"], by_score["chosen"], by_score["pair"]) == (2, 1, 1)
    assert by_score["chosen_share"] == 0.5
    assert differs["mean-rating", "margin"]["rows"] == 2
    assert differs["mean-rating", "margin"]["margin"] == 1.0
    assert facts["rule"]["seed"] == 42


def test_length_and_models_are_those_of_the_pairs_that_go_on():
    facts = told(ROWS, Rule())
    length = facts["length"]
    assert (length["pairs"], length["longer"], length["shorter"]) == (3, 1, 1)
    assert length["longer_interval"][0] < 1 / 3 < length["longer_interval"][1]
    assert length["median_ratio"] == 1.0
    assert facts["models"] == {"chosen": {"x": 2, "y": 1}, "rejected": {"y": 2, "x": 1}}
    assert facts["equal_ratings"] == {"of": 3, "pairs": 0}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_gives_facts_of_nothing_and_of_something(name):
    rule = Rule(name=name, margin=0.75 if name == "margin" else None)
    assert told([], rule)["pairs"] == 0
    facts = told(ROWS, rule)
    assert facts["rows"] == 6
    assert facts["rule"]["name"] == name


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=30))
def test_the_median_ratio_is_right_to_one_percent(lengths):
    tally = Tally()
    for one, two in lengths:
        tally.pair({"chosen": "c" * one, "rejected": "r" * two})
    ratios = sorted(one / two for one, two in lengths)
    assert tally.facts()["length"]["median_ratio"] == pytest.approx(ratios[(len(ratios) - 1) // 2], rel=0.01)


@pytest.mark.parametrize(
    "names", [("chosen_rating", "rejected_rating", "chosen_model", "rejected_model"), ("chosen_avg_rating", "rejected_avg_rating", "chosen_model", "rejected_model"),
              ("chosen-rating", "rejected-rating", "chosen-model", "rejected-model"), ("score_chosen", "score_rejected", "chosen_model", "rejected_model")]
)  # fmt: skip
def test_pairs_of_others_are_checked_for_equal_sides_and_equal_ratings(names):
    tally = Tally()
    turns = [{"role": "assistant", "content": "yes"}]
    for chosen, rejected, ratings in (
        ("a", "b", (5, 4)),
        ("a", "b", ("3.0", 3)),
        (turns, " yes\n", (9, 1)),
        (turns, "no", (None, 1)),
    ):
        tally.pair({"chosen": chosen, "rejected": rejected, **dict(zip(names, (*ratings, "x", "y"), strict=True))})  # fmt: skip
    facts = tally.facts()
    assert "rule" not in facts
    assert (facts["pairs"], facts["chosen_equals_rejected"]) == (3, 1)
    assert facts["equal_ratings"] == {"of": 2, "pairs": 1}
    assert facts["models"]["chosen"] == {"x": 3} or "model" not in names[2]


@pytest.mark.parametrize(
    "row", [{}, {"chosen": 5, "rejected": None}, {"chosen": [], "rejected": [5, {"content": 6}]}]
)
def test_pairs_that_are_none_hold_nothing(row):
    tally = Tally()
    tally.pair(row)
    assert tally.facts()["chosen_equals_rejected"] == 1


@pytest.mark.parametrize("ratings", [(True, 1), ("N/A", 1), ([5], 1), (float("nan"), 1), ({}, 1)])
def test_ratings_of_others_that_are_none_are_not_compared(ratings):
    tally = Tally()
    tally.pair({"chosen": "a", "rejected": "b", "chosen_rating": ratings[0], "rejected_rating": ratings[1]})
    assert tally.facts()["equal_ratings"] == {"of": 0, "pairs": 0}


def test_a_row_that_is_none_is_named():
    with pytest.raises(DataError, match="line 4"):
        Tally(Rule()).rated({}, where="line 4")


def test_memory_is_bounded_whatever_the_rows_hold():
    tally = Tally(Rule())

    def feed(first, last):
        for n in range(first, last):
            row = rated(
                answer("a" * (1 + n % 700), 5, 1, f"model {n}"), answer("b" * (1 + n % 300), 1, 5, f"m {n}"), prompt=f"p {n}"
            )  # fmt: skip
            tally.rated(row)
            for pair, reason in binarised(row, Rule()):
                tally.pair(pair, reason)

    feed(0, 1200)
    tracemalloc.start()
    feed(1200, 2400)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 200_000
    chosen = tally.facts()["models"]["chosen"]
    assert len(chosen) == MODELS + 1
    assert sum(chosen.values()) == 2400


def test_the_text_of_a_side():
    assert text_of("x") == "x"
    assert text_of([{"content": "a"}, {"content": "b"}, "c"]) == "a\nb"
    assert not text_of(None)

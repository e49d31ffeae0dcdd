"""The rule of Notus beside an oracle that follows the data set's card step by step, and the rules beside each other."""

import json
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.errors import ConfigError, DataError
from langadapt.prepare.preferences import ASPECTS, EQUAL, FEW, RULES, TIE, Rule, binarised, rating

NOTUS = Rule(name="mean-rating")


def answer(text, *ratings, score=None, model="m"):
    return {
        "text": text,
        "model": model,
        "ratings": dict(zip(ASPECTS, ratings, strict=False)),
        "score": score,
    }


def rated(*answers, **more):
    return {"prompt": "Why?", "completions": list(answers), **more}


def one(row, rule=NOTUS):
    [found] = binarised(row, rule)
    return found


def card(row):
    """The card's four steps: the chosen text, what may be rejected, and whether the row is filtered out afterwards."""
    means = [
        (sum(Decimal(str(a["ratings"][name])) for name in ASPECTS), a["text"]) for a in row["completions"]
    ]
    top = max(mean for mean, _ in means)
    first = next(place for place, (mean, _) in enumerate(means) if mean == top)
    rest = [pair for place, pair in enumerate(means) if place != first]
    lower = {text for mean, text in rest if mean < top}
    return means[first][1], lower or {text for _, text in rest}, not lower


scores = st.one_of(st.integers(1, 5), st.sampled_from([1.1, 2.2, 3.3, 4.4, 4.5]))
whole_rows = st.lists(st.tuples(scores, scores, scores, scores), min_size=2, max_size=6).map(
    lambda listed: rated(*(answer(f"answer {place}", *four) for place, four in enumerate(listed)))
)


@settings(max_examples=200)
@given(whole_rows, st.integers(0, 99))
def test_the_rule_of_notus_is_what_its_card_says(row, seed):
    chosen, rejected, tie = card(row)
    pair, reason = one(row, Rule(seed=seed))
    assert pair["chosen"] == chosen
    assert pair["rejected"] in rejected
    assert (reason == TIE) == tie
    assert reason in ("", TIE)


@settings(max_examples=40)
@given(whole_rows)
def test_every_lower_answer_is_drawn_by_some_seed(row):
    _, rejected, _ = card(row)
    assert {one(row, Rule(seed=seed))[0]["rejected"] for seed in range(120)} == rejected


def test_a_draw_hangs_on_seed_and_row_alone():
    rows = [
        rated(*(answer(f"{place} {n}", *[4 - n] * 4) for n in range(4)), id=f"row {place}")
        for place in range(300)
    ]
    first = {row["id"]: one(row)[0]["rejected"] for row in rows}
    again = {row["id"]: one({**row, "subset": "x"})[0]["rejected"] for row in reversed(rows[::7])}
    assert again == {name: first[name] for name in again}
    drawn = [text.rpartition(" ")[2] for text in first.values()]
    assert all(70 < drawn.count(number) < 130 for number in "123")
    other = {row["id"]: one(row, Rule(seed=7))[0]["rejected"] for row in rows}
    assert 150 < sum(other[name] != first[name] for name in first) < 250


def test_rows_without_an_id_are_told_apart_by_their_prompt():
    drawn = {
        one({**rated(*(answer(f"a{n}", *[4 - n] * 4) for n in range(4))), "prompt": f"p{place}"})[0][
            "rejected"
        ]
        for place in range(40)
    }
    assert drawn == {"a1", "a2", "a3"}


def test_ties_are_no_matter_of_rounding():
    thirds = rated(answer("a", 0.1, 0.2, 0.3, 0), answer("b", 0.3, 0.3, 0, 0))
    assert sum([0.1, 0.2, 0.3]) != sum([0.3, 0.3])
    assert one(thirds)[1] == TIE
    near = rated(answer("a", 5, 5, 5, 4.999999999999), answer("b", 5, 5, 5, 5))
    assert one(near)[0]["chosen"] == "b"
    assert one(near)[1] == ""


def test_a_pair_holds_ratings_models_and_what_else_the_row_held():
    row = rated(answer("a", 5, 4, 4, 4, model="x"), answer("b", 1, 2, 1, 1, model="y"), subset="flan", id=3)
    assert one(row) == (
        {"prompt": "Why?", "id": 3, "subset": "flan", "chosen": "a", "rejected": "b", "chosen_rating": 4.25,
         "rejected_rating": 1.25, "chosen_model": "x", "rejected_model": "y", "rule": "mean-rating"}, "",
    )  # fmt: skip
    json.dumps(one(row)[0], allow_nan=False)


def test_critique_goes_by_the_score_and_draws_from_all_others():
    row = rated(answer("a", 5, 5, 5, 5, score=1), answer("b", 1, 1, 1, 1, score=10), answer("c", score=10))
    drawn = {one(row, Rule(name="critique", seed=seed))[0]["rejected"] for seed in range(40)}
    found = [one(row, Rule(name="critique", seed=seed)) for seed in range(40)]
    assert drawn == {"a", "c"}
    assert all(pair["chosen"] == "b" for pair, _ in found)
    assert all((reason == TIE) == (pair["rejected"] == "c") for pair, reason in found)


def test_margin_rejects_the_worst_and_keeps_what_is_far_enough_apart():
    row = rated(answer("a", 4, 4, 4, 4), answer("b", 1, 1, 1, 1), answer("c", 3, 3, 3, 3))
    for margin, reason in ((0.5, ""), (3.0, ""), (3.0001, "below the margin")):
        assert one(row, Rule(name="margin", margin=margin))[1] == reason
        assert one(row, Rule(name="margin", margin=margin))[0]["rejected"] == "b"
    equal = rated(answer("a", 4, 4, 4, 4), answer("b", 4, 4, 4, 4))
    assert one(equal, Rule(name="margin", margin=0.1))[1] == TIE
    tenths = rated(answer("a", 0.3, 0, 0, 0), answer("b", 0.2, 0, 0, 0))
    assert one(tenths, Rule(name="margin", margin=0.025))[1] == ""


@settings(max_examples=100)
@given(whole_rows)
def test_all_pairs_are_those_with_different_means(row):
    found = list(binarised({**row, "id": "r"}, Rule(name="all-pairs")))
    means = {
        a["text"]: sum(Fraction(str(a["ratings"][name])) for name in ASPECTS) for a in row["completions"]
    }
    made = {(pair["chosen"], pair["rejected"]) for pair, reason in found if not reason}
    assert made == {(x, y) for x in means for y in means if means[x] > means[y]}
    assert [reason for _, reason in found if reason] == ([] if made else [TIE])
    assert len({pair["id"] for pair, _ in found}) == len(found)


@pytest.mark.parametrize(
    "rule", [Rule(name=name, margin=1.0 if name == "margin" else None) for name in RULES]
)
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], FEW),
        ([answer("a", 5, 5, 5, 5, score=9)], FEW),
        ([answer("a", 5, 5, 5, 5, score=9), answer(" \n", 1, 1, 1, 1, score=1)], FEW),
        ([answer("a", 5, 5, 5, 5, score=9), {"text": None}], FEW),
        ([answer("a", 5, 5, 5, 5, score=9), answer("b", "N/A", None, "", math.nan)], FEW),
        ([answer("a", 5, 5, 5, 5, score=9), answer("a ", 1, 1, 1, 1, score=1)], EQUAL),
        ([answer("a", "5", " 4.0 ", 4, 4, score="9"), answer("b", 1, 1, 1, 1, score=1)], ""),
    ],
)  # fmt: skip
def test_rows_that_give_no_pair_say_why(rule, answers, reason):
    pair, why = one(rated(*answers), rule)
    assert why == reason
    assert ("completions" in pair) == (reason == FEW)


def test_missing_ratings_are_left_out_or_the_rest_is_judged():
    row = rated(answer("a", 5, None, 5, 5), answer("b", 3, 3, 3, 3), answer("c", 2, 2, 2, 2))
    assert one(row)[0]["chosen"] == "b"
    rest = one(row, Rule(missing="mean-of-rest"))[0]
    assert (rest["chosen"], rest["chosen_rating"]) == ("a", 5.0)
    none = rated(answer("a", None, None, None, None), answer("b", 3), answer("c", 2))
    assert one(none)[1] == FEW
    assert one(none, Rule(missing="mean-of-rest"))[0]["chosen"] == "b"


@pytest.mark.parametrize(
    "bad", [True, [5], {"a": 1}, "five", "4/5", "1e9", math.inf, -math.inf, 10**400, "9" * 5000, "\u0665"]
)
def test_what_is_no_rating_is_named_with_its_place(bad):
    row = rated(answer("a", 1, 1, 1, 1), answer("b", 1, bad, 1, 1))
    with pytest.raises(DataError, match=r"rows.jsonl, line 3, completions\[1\].ratings.honesty") as caught:
        list(binarised(row, NOTUS, where="rows.jsonl, line 3"))
    assert caught.value.hint
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "row",
    [{}, {"prompt": "p"}, {"prompt": "p", "completions": {"text": ["a"]}}, {"prompt": 5, "completions": []},
     {"prompt": "p", "completions": ["a"]}, {"prompt": "p", "completions": [{"text": 5}]},
     {"prompt": "p", "completions": [{"text": "a", "ratings": [5, 5]}]}],
)  # fmt: skip
def test_what_is_no_rated_row_is_an_error(row):
    with pytest.raises(DataError) as caught:
        list(binarised(row, NOTUS))
    assert caught.value.hint


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ASPECTS, "text", "ratings", "score"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.fixed_dictionaries({"prompt": anything, "completions": anything, "id": anything}),
    st.sampled_from(RULES),
)
def test_no_row_breaks_it(row, name):
    rule = Rule(name=name, margin=1.0 if name == "margin" else None)
    try:
        found = list(binarised(row, rule))
    except DataError:
        return
    assert found
    for pair, reason in found:
        assert reason == FEW or pair["chosen"].strip()


@given(st.decimals(-1000, 1000, places=3))
def test_a_rating_is_the_number_that_is_written(number):
    assert rating(str(number), "") == Fraction(number) == rating(float(number), "")


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        ("critique", Rule(name="critique", seed=9)),
        ({"rule": "mean-rating", "seed": 1}, Rule(seed=1)),
        ({"rule": "margin", "margin": 1, "aspects": ["honesty"]}, Rule(name="margin", margin=1, aspects=("honesty",), seed=9)),
        ({"missing": "mean-of-rest"}, Rule(missing="mean-of-rest", seed=9)),
    ],
)  # fmt: skip
def test_a_recipe_names_a_rule(table, wanted):
    assert Rule.of(table, where="source.x.binarize", seed=9) == wanted
    assert json.loads(json.dumps(wanted.to_row()))["name"] == wanted.name


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ("best", "rule"), (5, "5"), (None, "None"), ({"rule": "margin"}, "margin"), ({"rule": "critique", "margin": 1.0}, "margin"),
        ({"rule": "margin", "margin": 0}, "margin"), ({"rule": "margin", "margin": math.nan}, "margin"), ({"margn": 1.0}, "margn"),
        ({"seed": "x"}, "seed"), ({"seed": True}, "seed"), ({"aspects": []}, "aspects"), ({"missing": "zero"}, "missing"),
        ({"aspects": ["honesty", "honesty"]}, "aspects"), ({"name": "critique"}, "name"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_with_its_key(table, part):
    with pytest.raises(ConfigError) as caught:
        Rule.of(table, where="source.x.binarize")
    assert "source.x.binarize" in str(caught.value)
    assert part in str(caught.value)
    assert caught.value.hint

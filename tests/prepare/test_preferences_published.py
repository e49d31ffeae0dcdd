"""What can be checked, without the data, of the figures that stand around Notus: its card, its configuration, Phoenix' table."""

import math
import random
from collections import Counter

import pytest

from langadapt import registry
from langadapt.prepare.preferences import ASPECTS, TIE, Rule, binarised
from langadapt.recipe import explained, read_recipe

ROWS, TIES, PAIRS = 63_966, 347, 63_619
"""Rows before, rows without a lower answer, and rows after: card of argilla/ultrafeedback-binarized-preferences."""
CLEANED, EVALUATED = 60_917, 2_000
"""Rows of the version `-cleaned`; rows that v1/fine-tune/run_dpo.py holds out."""


def rows(count, ties):
    """Generated rows of ratings from 1 to 5, as many of them without a lower answer as are asked for."""
    random_ = random.Random(3)
    equal = set(random_.sample(range(count), ties))
    for place in range(count):
        one, two = random_.choices((1, 2, 3, 4, 5), k=4), random_.choices((1, 2, 3, 4, 5), k=4)
        if place in equal:
            two = one[::-1]
        elif sum(one) == sum(two):
            two[0] -= 1
        answers = [
            {"text": text, "ratings": dict(zip(ASPECTS, ratings, strict=True))}
            for text, ratings in (("a", one), ("b", two))
        ]
        yield {"prompt": f"prompt {place}", "completions": answers}


def test_as_many_rows_are_left_out_as_have_no_lower_answer():
    reasons = Counter(reason for row in rows(ROWS, TIES) for _, reason in binarised(row, Rule()))
    assert reasons == {"": PAIRS, TIE: TIES}


def test_means_lie_where_the_logbook_says_and_the_overall_score_counts_for_nothing():
    best = {"text": "a", "ratings": dict.fromkeys(ASPECTS, 5), "score": 1}
    worst = {"text": "b", "ratings": dict.fromkeys(ASPECTS, 0), "score": 10}
    [(pair, _)] = binarised({"prompt": "p", "completions": [worst, best]}, Rule())
    assert (pair["chosen"], pair["chosen_rating"], pair["rejected_rating"]) == ("a", 5.0, 0.0)
    [(pair, _)] = binarised({"prompt": "p", "completions": [worst, best]}, Rule(name="critique"))
    assert (pair["chosen"], pair["chosen_rating"], pair["rejected_rating"]) == ("b", 10.0, 1.0)


@pytest.fixture(scope="module")
def recipes():
    pack = registry.pack("de")
    return {
        name: {key: value for key, (value, _) in explained(read_recipe(name, pack), pack).items()}
        for name in ("notus", "phoenix")
    }


def test_notus_has_the_values_of_its_repository(recipes):
    wanted = {
        "source.ultrafeedback.path": "'openbmb/UltraFeedback'", "source.ultrafeedback.reader": "'ultrafeedback'",
        "source.ultrafeedback.binarize.rule": "'mean-rating'", "source.ultrafeedback.license": "'MIT'",
        "train.dpo.learning_rate": "5e-07", "train.dpo.epochs": "3.0", "train.dpo.batch_size": "64",
        "train.dpo.per_device_batch_size": "8", "train.dpo.max_length": "1024", "train.dpo.beta": "0.1",
        "train.dpo.scheduler": "'linear'", "train.dpo.warmup": "0.1", "train.dpo.optimizer": "'rmsprop'",
        "train.dpo.eval_steps": "100", "seed": "42", "train.sft.epochs": "1.0",
    }  # fmt: skip
    assert {key: recipes["notus"][key] for key in wanted} == wanted
    assert recipes["notus"]["source.ultrafeedback.binarize.seed"] == "42"


def steps(recipe, pairs):
    return math.ceil(pairs / int(recipe["train.dpo.batch_size"])) * float(recipe["train.dpo.epochs"])


def test_steps_follow_from_rows_and_batch(recipes):
    phoenix, notus = recipes["phoenix"], recipes["notus"]
    assert [steps(phoenix, pairs) for pairs in (60_160, 60_161, 60_224, 60_225)] == [940, 941, 941, 942]
    assert steps(phoenix, PAIRS - EVALUATED) == 963
    assert steps(phoenix, CLEANED) == 952
    assert steps(notus, PAIRS - EVALUATED) == 3 * 963


def test_as_many_rows_are_held_out_as_notus_evaluated(recipes):
    assert float(recipes["notus"]["prepare.held_out"]) * PAIRS == pytest.approx(EVALUATED, rel=0.01)

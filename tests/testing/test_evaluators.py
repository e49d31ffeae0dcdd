"""The contract for evaluators catches each broken one by its name, and lets a good one pass."""

from typing import Any

import pytest

from langadapt.testing import EvaluatorContract, results
from testing import broken_evaluators as fakes

BROKEN = [
    (fakes.NotANumber, "test_scores_are_whole", "leave out what was not measured"),
    (fakes.OverNothing, "test_scores_are_whole", "say over how many items"),
    (fakes.Unsigned, "test_scores_are_whole", "versions, settings, limit and seed"),
    (fakes.Unnamed, "test_scores_are_whole", "name it as its authors do"),
    (fakes.Twice, "test_scores_are_whole", "given twice with one signature"),
    (fakes.InPercent, "test_interval_contains_the_value", "give both in one unit"),
    (fakes.EndlessInterval, "test_interval_contains_the_value", "give None instead"),
    (fakes.IgnoresTheLimit, "test_limit_is_respected", "with [:limit]"),
    (fakes.OneTooMany, "test_limit_is_respected", "with [:limit]"),
    (fakes.Unseeded, "test_same_seed_same_scores", "seed everything that draws"),
    (fakes.Dated, "test_same_seed_same_scores", "keep dates and folders out"),
    (fakes.WritesNothing, "test_items_are_written", "a row for each item"),
    (fakes.WritesTheSum, "test_items_are_written", "1 rows for 2 items"),
    (fakes.WritesNames, "test_items_are_written", "the same items for a good checkpoint and a bad one"),
    (fakes.WritesPlainText, "test_items_are_written", "one JSON object per line"),
    (fakes.NoMetric, "test_items_can_be_compared", "no row holds `id`, `metric` and `value`"),
    (
        fakes.AnotherMetric,
        "test_items_can_be_compared",
        "rows are of the metric em, and scores of exact-match",
    ),
    (fakes.NotTheMean, "test_items_can_be_compared", "is 1.0, which is not the mean of its rows' values"),
    (fakes.SameId, "test_items_can_be_compared", "two values of exact-match for the id"),
    (fakes.UpsideDown, "test_better_beats_worse", "mend the number or higher_is_better"),
    (fakes.Constant, "test_better_beats_worse", "let them depend on the answers"),
    (fakes.DropsWhatIsWrong, "test_better_beats_worse", "score every item that was asked"),
    (fakes.NeedsAnAnswer, "test_better_beats_worse", "ZeroDivisionError"),
    (fakes.NeedsAnAnswer, "test_better_beats_worse", "that answers nothing, must get its scores"),
    (fakes.WritesToTheCheckpoint, "test_leaves_the_checkpoint_alone", "write to `output` alone"),
    (fakes.OnlyCollects, "test_scores_are_whole", "`scores = False`"),
    (fakes.GivesATable, "test_scores_are_whole", "return a list of Score"),
    (fakes.NotAgain, "test_closes_and_works_again", "the model is gone"),
]


def contract(component: type, **members: Any) -> type[EvaluatorContract]:
    given = {
        "make": lambda self: component(),
        "better": lambda self, folder: fakes.checkpoint(folder, "better", fakes.ANSWERS),
        "worse": lambda self, folder: fakes.checkpoint(folder, "worse", {}),
        "__module__": __name__,
    }
    return type(f"Test{component.__name__}", (EvaluatorContract,), {**given, **members})


def told(component, **members):
    return {one.check: one for one in results(contract(component, **members))}


@pytest.mark.parametrize("component", [fakes.Good, fakes.TwoTurns])
def test_a_good_one_passes(component):
    found = told(component)
    assert len(found) >= 12
    assert {one.outcome for one in found.values()} == {"passed"}, found


@pytest.mark.slow
def test_the_kit_makes_the_checkpoints_where_the_evaluator_knows_the_solutions():
    default = {name: getattr(EvaluatorContract, name) for name in ("better", "worse")}
    found = told(fakes.OfModels, **default)
    assert {one.outcome for one in found.values()} == {"passed"}, found


@pytest.mark.parametrize(("component", "check", "said"), BROKEN)
def test_a_broken_one_is_caught_by_name(component, check, said):
    found = told(component)[check]
    assert found.outcome == "failed", found
    assert component.__name__ in found.message
    assert said in found.message


def test_one_that_only_collects_answers_says_so_and_is_seen_to():
    found = told(fakes.OnlyCollects, scores=False)
    skipped = {name: one.message for name, one in found.items() if one.outcome == "skipped"}
    assert set(skipped) == {
        "test_scores_are_whole",
        "test_interval_contains_the_value",
        "test_same_seed_same_scores",
        "test_items_can_be_compared",
        "test_better_beats_worse",
    }
    assert all("OnlyCollects only collects answers" in message for message in skipped.values())
    assert {one.outcome for name, one in found.items() if name not in skipped} == {"passed"}, found


def test_collecting_more_than_the_limit_is_caught_without_scores():
    greedy = type("Greedy", (fakes.OnlyCollects, fakes.IgnoresTheLimit), {"__module__": __name__})
    found = told(greedy, scores=False)["test_limit_is_respected"]
    assert found.outcome == "failed"
    assert "Greedy" in found.message


def test_without_solutions_the_comparison_is_skipped_visibly():
    found = told(fakes.Good, better=EvaluatorContract.better)
    assert found["test_better_beats_worse"].outcome == "skipped"
    assert "Good has no `solutions" in found["test_better_beats_worse"].message
    assert "better(self, folder)" in found["test_better_beats_worse"].message
    assert {one.outcome for name, one in found.items() if name != "test_better_beats_worse"} == {"passed"}


def test_solutions_that_cannot_be_taught_skip_the_comparison_too():
    both = type(
        "Undecided",
        (fakes.OfModels,),
        {"solutions": lambda self, pack, *, limit, seed: [("1 plus 1?", "2"), ("1 plus 1?", "3")]},
    )
    found = told(both, better=EvaluatorContract.better)["test_better_beats_worse"]
    assert found.outcome == "skipped"
    assert "two answers to one prompt" in found.message

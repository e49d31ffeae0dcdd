"""The contract for trainers catches each broken one by its name, and lets a good one pass."""

from typing import Any

import pytest

from langadapt.testing import TrainerContract, results, xfail
from testing import broken_adapters as adapters
from testing import broken_trainers as fakes

pytestmark = pytest.mark.slow
BROKEN = [
    (fakes.OfStories, "test_takes_a_kind_of_record", "set it to one of texts, conversations, preferences"),
    (fakes.Renames, "test_checkpoint_loads", "give it the job's name"),
    (fakes.LosesTheTemplate, "test_checkpoint_loads", "hand job.chat_template on"),
    (fakes.SavesElsewhere, "test_checkpoint_loads", "to a folder in job.output"),
    (fakes.SavesPickles, "test_checkpoint_loads", "save weights as safetensors"),
    (fakes.ForgetsAHead, "test_checkpoint_loads", "does not save lm_head.weight"),
    (fakes.ForgetsTheTokenizer, "test_checkpoint_loads", "save the tokenizer beside the weights"),
    (fakes.TrainsNothing, "test_training_changes_the_weights", "train on the rows of job.records"),
    (fakes.BlowsUp, "test_training_changes_the_weights", "lower the learning rate"),
    (fakes.TellsPaths, "test_facts_and_curves_are_json", "turn them into text"),
    (fakes.TellsInfinity, "test_facts_and_curves_are_json", "give each point finite numbers"),
    (fakes.TellsNoSteps, "test_facts_and_curves_are_json", "add `step`"),
    (fakes.TakesNothing, "test_no_rows_are_refused", "raise DataError naming job.records"),
    (fakes.TakesNothing, "test_rows_of_another_kind_are_refused", "raise DataError naming job.records"),
    (fakes.StumblesOverNothing, "test_no_rows_are_refused", "raises IndexError"),
    (fakes.Unseeded, "test_same_seed_same_weights", "seed everything that draws"),
    (fakes.IgnoresTheSeed, "test_another_seed_other_weights", "use job.seed"),
    (fakes.ForgetsMomentum, "test_interrupted_and_resumed_equals_done", "optimiser, order of rows"),
    (fakes.TakesHalfForWhole, "test_interrupted_and_resumed_equals_done", "optimiser, order of rows"),
    (fakes.Swallows, "test_interrupted_and_resumed_equals_done", "swallows KeyboardInterrupt; let it pass"),
    (fakes.Mute, "test_tells_progress", "`advance` it at each step"),
    (fakes.Mute, "test_interrupted_and_resumed_equals_done", "tell each step"),
    (fakes.Overtells, "test_tells_progress", "how many are new"),
    (fakes.WritesBesideTheBase, "test_leaves_its_input_alone", "trained.txt"),
    (fakes.Carries, "test_pickles_its_settings_only", "langadapt.interfaces.Loads"),
    (fakes.ChangesOnTheWay, "test_pickles_its_settings_only", "gives other results after a pickle"),
    (fakes.StaysClosed, "test_closes_and_works_again", "does not work after `close`"),
    (fakes.GoesOnWhereItWas, "test_closes_and_works_again", "gives other results after `close`"),
    (adapters.OfAnother, "test_checkpoint_loads", "it is one of job.base"),
    (adapters.SavedAsPickle, "test_checkpoint_loads", "saves no adapter_model.safetensors"),
    (adapters.ForgetsALayer, "test_checkpoint_loads", "does not save base_model.model.model.layers.1"),
    (adapters.Untrained, "test_training_changes_the_weights", "train on the rows of job.records"),
    (fakes.Unexplained, "test_settings_are_documented", "steps"),
    (fakes.ClosesOnce, "test_closes_and_works_again", "free only what is there"),
]


def contract(component: type, **members: Any) -> type[TrainerContract]:
    given = {"make": lambda self: component(), "rows": 40, "__module__": __name__, **members}
    return type(f"Test{component.__name__}", (TrainerContract,), given)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Models so small gain nothing from more, and lose much on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def told():
    """How every check of a component's contract ended, once for all tests."""
    known: dict[type, dict[str, Any]] = {}

    def tell(component):
        if component not in known:
            known[component] = {one.check: one for one in results(contract(component))}
        return known[component]

    return tell


@pytest.mark.parametrize("good", [fakes.Good, adapters.Adapter])
def test_a_good_one_passes(told, good):
    found = told(good)
    assert len(found) >= 14
    assert {one.outcome for one in found.values()} == {"passed"}, found


@pytest.mark.parametrize(
    ("component", "check", "said"), BROKEN, ids=lambda item: getattr(item, "__name__", None)
)
def test_a_broken_one_is_caught_by_name(told, component, check, said):
    found = told(component)[check]
    assert found.outcome == "failed", found
    assert component.__name__ in found.message
    assert said in found.message


def test_what_is_broken_elsewhere_is_not_blamed_here(told):
    failed = {name for name, one in told(fakes.IgnoresTheSeed).items() if one.outcome == "failed"}
    assert failed == {"test_another_seed_other_weights"}


def test_a_known_failure_is_said_with_its_reason():
    known = contract(
        fakes.IgnoresTheSeed, test_another_seed_other_weights=xfail(reason="the order is the file's")
    )
    found = {one.check: one for one in results(known)}["test_another_seed_other_weights"]
    assert (found.outcome, found.message) == ("xfailed", "the order is the file's")

"""The kit's models: one says nothing, one gives the answers that it was taught."""

import pytest

from langadapt.errors import DataError
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.testing.tiny import silent_model, taught_model, tiny_model
from langadapt_plugins.generation import ChatModel, Prompt

ASKED = {"role": "user", "content": "Was ist ein Wal?"}
TALK = [ASKED, {"role": "assistant", "content": "Ein Tier."}, {"role": "user", "content": "Wie groß?"}]
PAIRS = [([ASKED], "Ein Säugetier, das im Meer lebt."), (TALK, "Bis zu 30 Meter lang.")]


def answers(folder, temperature=0.0):
    model = ChatModel.load(Checkpoint(name="tiny", model=ModelRef(str(folder))))
    prompts = [Prompt(messages=talk, temperature=temperature, seed=3) for talk, _ in PAIRS]
    return [(reply.text, reply.finish) for reply in model.replies(prompts, max_new_tokens=60)]


def weights(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_taught_model_gives_its_answers_and_ends(tmp_path, temperature):
    folder = taught_model(tmp_path, PAIRS)
    assert answers(folder, temperature) == [(answer, "stop") for _, answer in PAIRS]


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_a_silent_model_ends_at_once(tmp_path, temperature):
    assert answers(silent_model(tmp_path), temperature) == [("", "stop")] * 2


def test_the_seed_makes_the_weights_and_leaves_the_caller_s_alone(tmp_path):
    import torch

    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    texts = ["Ein Wal ist ein Tier."] * 3
    made = [weights(tiny_model(tmp_path / str(n), texts, seed=seed)) for n, seed in enumerate((1, 1, 2))]
    assert torch.equal(torch.rand(3), wanted)
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([], "nothing to teach"),
        ([("a", "b"), ("a", "c")], "two answers to one prompt"),
        ([(" ".join(map(str, range(4000))), "b")], "too much for a tiny model"),
    ],
)
def test_what_cannot_be_taught_is_said(tmp_path, pairs, said):
    with pytest.raises(DataError, match=said) as caught:
        taught_model(tmp_path, pairs)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())

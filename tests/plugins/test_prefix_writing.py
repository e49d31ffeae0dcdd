"""Texts that the prefix-sharing model writes are those of lm-eval's `hf` model, whoever searches for them."""

import pytest
from lm_eval.api.instance import Instance
from prefix_models import ARCHITECTURES, AS_HF, SIDE_BY_SIDE, hf_model, prefix_model, random_model, tokenizer

from langadapt_plugins.evaluators import prefix_writing

SHOTS = "the cat sat on a mat\nour river said hello to every house\n"
PROMPTS = [
    *(
        f"{SHOTS}{word} small"
        for word in ("the", "a long green", "every blue red house near our", "A B C D", "hello")
    ),
    "the",
    f"{SHOTS * 12}near",
]
GREEDY = {"until": ["\n", "ea"], "max_gen_toks": 14}
WAYS = {
    "greedy": GREEDY,
    "nothing said": {},
    "one string, no sampling": {"until": "o", "do_sample": False, "max_new_tokens": 9},
    "no stop": {"until": [], "temperature": 0.0, "max_gen_toks": 5},
    "an empty stop": {"until": [""], "max_gen_toks": 5},
}
AS_HF_WRITES = AS_HF | SIDE_BY_SIDE
LEFT = {
    "beams": GREEDY | {"num_beams": 2},
    "penalty": GREEDY | {"repetition_penalty": 1.4},
    "no room": {"max_gen_toks": 512},
}


def wanted(*ways, prompts=PROMPTS):
    return [
        Instance("generate_until", {}, (prompt, way), n)
        for n, (way, prompt) in enumerate((way, prompt) for way in ways for prompt in prompts)
    ]


@pytest.fixture
def searched(monkeypatch):
    """How many texts our own search wrote."""
    counted = []
    search = prefix_writing.search

    def counting(model, writing, requests, size):
        counted.extend(requests)
        return search(model, writing, requests, size)

    monkeypatch.setattr(prefix_writing, "search", counting)
    return counted


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_is_written_by_every_architecture(name, searched):
    read = tokenizer(bos=True)
    made = random_model(name, read)
    ours, theirs = (one(made, read, batch_size=3) for one in (prefix_model, hf_model))
    asked = wanted(GREEDY)
    assert ours.generate_until(asked, disable_tqdm=True) == theirs.generate_until(asked, disable_tqdm=True)
    assert len(searched) == (0 if name in AS_HF_WRITES else len(asked))


def test_ways_of_asking_together(searched):
    """Each group by itself, answers in the order that they were asked in; what our search cannot do is done as `hf` does it."""
    read = tokenizer(bos=False)
    made = random_model("llama", read)
    asked = wanted(*WAYS.values(), *list(LEFT.values())[:2], prompts=PROMPTS[:4])
    found = prefix_model(made, read, batch_size=2).generate_until(asked, disable_tqdm=True)
    right = [hf_model(made, read, batch_size=1).generate_until([one], disable_tqdm=True)[0] for one in asked]
    assert found == right
    assert len(set(found)) > len(asked) // 2
    assert len(searched) == 4 * len(WAYS)


def test_what_the_checkpoint_says_of_searching_counts(searched):
    read = tokenizer(bos=False)
    made = random_model("llama", read)
    plain = prefix_model(made, read).generate_until(wanted(GREEDY), disable_tqdm=True)
    made.generation_config.repetition_penalty = 1.5
    found = prefix_model(made, read).generate_until(wanted(GREEDY), disable_tqdm=True)
    assert found == hf_model(made, read).generate_until(wanted(GREEDY), disable_tqdm=True)
    assert found != plain
    assert len(searched) == len(PROMPTS)


def test_a_prompt_that_is_too_long_keeps_its_end():
    read = tokenizer(bos=False)
    made = random_model("llama", read)
    long = wanted(GREEDY, prompts=[SHOTS * 100 + "the cat", SHOTS * 99 + "the cat"])
    ours, theirs = (one(made, read, max_length=64) for one in (prefix_model, hf_model))
    found = ours.generate_until(long, disable_tqdm=True)
    assert found == theirs.generate_until(long, disable_tqdm=True)
    assert found[0] == found[1]
    with pytest.raises(AssertionError, match="maximum sequence length"):
        ours.generate_until(wanted(LEFT["no room"]), disable_tqdm=True)


def test_nothing_asked():
    made = prefix_model(random_model("llama", tokenizer(bos=False)), tokenizer(bos=False))
    assert made.generate_until([], disable_tqdm=True) == []

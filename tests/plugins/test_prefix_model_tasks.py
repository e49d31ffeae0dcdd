"""The same metrics as lm-eval's `hf` model on tasks of seven shapes; in the harness; on models that are run as `hf` runs them."""

import sys
from pathlib import Path

import pytest
from prefix_models import asked, hf_model, prefix_model, random_model, tokenizer

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts/bench"))
from evaluate_tasks import SHAPES, WRITTEN, model, write


@pytest.fixture(scope="module")
def small():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield model(64, 2)
    torch.set_num_threads(threads)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """What lm-eval says of a model on a shape of tasks."""
    import datasets
    from lm_eval.evaluator import evaluate
    from lm_eval.tasks import TaskManager

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))

    def found(lm, shape):
        folder = write(shape, tmp_path / "task", 0.5).parent
        loaded = TaskManager(include_path=str(folder), include_defaults=False).load(["shape"])
        loaded["tasks"]["shape"].set_fewshot_seed(seed=0)
        return evaluate(lm=lm, task_dict=loaded, bootstrap_iters=2)

    return found


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_same_metrics(shape, small, results):
    ours = prefix_model(*small, max_length=2048)
    found, right = results(ours, shape), results(hf_model(*small, max_length=2048), shape)
    metrics, others = (
        {k: v for k, v in one["results"]["shape"].items() if isinstance(v, float)} for one in (found, right)
    )
    assert metrics == pytest.approx(others, rel=1e-4)
    assert len(metrics) >= 2
    for one, other in zip(found["samples"]["shape"], right["samples"]["shape"], strict=True):
        assert one["arguments"] == other["arguments"]
        for (mine,), (theirs,) in zip(one["resps"], other["resps"], strict=True):
            assert mine == pytest.approx(theirs, abs=1e-4 if isinstance(theirs, tuple) else 1e-3)
    assert ours.computed > 0


def test_the_same_is_written(small, results):
    """Answers of a generation task are `hf`'s: stops, limits and few-shot examples are kept, and scoring before changes none."""
    read = small[1]
    made = random_model("llama", read)
    ours = prefix_model(made, read)
    ours.loglikelihood(asked([("ba do", " fa"), ("ba do", " ga")]), disable_tqdm=True)
    found, right = results(ours, WRITTEN), results(hf_model(made, read), WRITTEN)
    told = [[sample["resps"] for sample in one["samples"]["shape"]] for one in (found, right)]
    assert told[0] == told[1]
    texts = {text for ((text,),) in told[0]}
    assert len(texts) == 6
    assert not any("ba" in text or "\n" in text for text in texts)
    lengths = sorted(map(len, texts))  # one was stopped, one came to the limit
    assert lengths[0] < 12
    assert lengths[-1] > 40
    assert found["results"]["shape"]["exact_match,none"] == right["results"]["shape"]["exact_match,none"]
    assert found["samples"]["shape"][0]["arguments"][0][0].count("Question:") == 6


def test_lm_eval_knows_it_by_name(tmp_path):
    from importlib.metadata import entry_points

    from lm_eval.api.registry import get_model

    from langadapt_plugins.evaluators.prefix_model import PrefixModel

    assert get_model("langadapt") is PrefixModel
    declared = [one for one in entry_points(group="lm_eval.models") if one.name == "langadapt"]
    assert all(one.load() is PrefixModel for one in declared)
    random_model("llama", tokenizer(bos=False)).save_pretrained(tmp_path)
    tokenizer(bos=False).save_pretrained(tmp_path)
    words = {"batch_size": "auto", "max_batch_size": 4, "device": "cpu"}
    made = PrefixModel.create_from_arg_string(f"pretrained={tmp_path},tokens_at_once=64", words)
    pairs = [("the cat", f" {word} on") for word in ("sat", "said", "near")]
    right = prefix_model(random_model("llama", tokenizer(bos=False)), tokenizer(bos=False))
    assert made.loglikelihood(asked(pairs)) == right.loglikelihood(asked(pairs))


def test_half_precision(small):
    import copy

    import torch

    made, read = small
    half = copy.deepcopy(made).to(torch.bfloat16)
    pairs = [("ba do fa ga", f" {word} mo") for word in ("ki", "la", "mi", "no")] * 2
    ours = prefix_model(half, read)
    found = ours.loglikelihood(asked(pairs), disable_tqdm=True)
    right = hf_model(half, read).loglikelihood(asked(pairs), disable_tqdm=True)
    assert 0 < ours.computed < 30
    assert [one[0] for one in found] == pytest.approx([one[0] for one in right], abs=0.3)


def test_adapters_are_used():
    import torch
    from peft import LoraConfig, get_peft_model

    read = tokenizer(bos=False)
    plain = random_model("llama", read)
    pairs = [("the cat", f" {word} on") for word in ("sat", "said", "near")]
    without = prefix_model(plain, read).loglikelihood(asked(pairs), disable_tqdm=True)
    adapted = get_peft_model(
        plain, LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    ).eval()
    with torch.no_grad():
        ours = prefix_model(adapted, read)
        found = ours.loglikelihood(asked(pairs), disable_tqdm=True)
        right = hf_model(adapted, read).loglikelihood(asked(pairs), disable_tqdm=True)
    assert ours.computed > 0
    assert [one[0] for one in found] == pytest.approx([one[0] for one in right], abs=1e-4)
    assert max(abs(a[0] - b[0]) for a, b in zip(found, without, strict=True)) > 1e-3


CARELESS = {
    "masks": ("attention_mask", "LlamaForCausalLM computes choices side by side, not as a tree: its log-likelihoods are up to"),
    "what is kept": ("past_key_values", "LlamaForCausalLM is run as `hf` runs it: "),
}  # fmt: skip


@pytest.mark.parametrize("name", CARELESS)
def test_a_model_that_does_not_look_is_found_out(name, monkeypatch, caplog):
    """It takes something and leaves it aside: nothing says so but its numbers."""
    aside, said = CARELESS[name]
    read = tokenizer(bos=False)
    made = random_model("llama", read)
    real = made.model.forward

    def careless(*given, **others):
        return real(*given, **(others | {aside: None}))

    monkeypatch.setattr(made.model, "forward", careless)
    pairs = [("the cat", f" {word} on the mat") for word in ("sat", "said", "near", "our")]
    ours = prefix_model(made, read)
    found = ours.loglikelihood(asked(pairs), disable_tqdm=True)
    right = hf_model(made, read).loglikelihood(asked(pairs), disable_tqdm=True)
    assert [one[0] for one in found] == pytest.approx([one[0] for one in right], abs=1e-4)
    assert said in caplog.text

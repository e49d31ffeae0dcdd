"""How large models are, whatever their names and files say; what does not fit a device; what has no number."""

import json

import pytest
from click.testing import CliRunner

from langadapt.cli import cli
from langadapt.plan.costs import Bill, Cost
from langadapt.plan.data import Assumed, named, rates
from langadapt.plan.estimates import Estimate, exact
from langadapt.plan.evaluating import evaluation
from langadapt.plan.models import Model, model_facts
from langadapt.plan.peaks import Training
from langadapt.plan.training import loading, operations, starting, stepped, trained_tokens

MISTRAL = Model("mistral", 7.24e9, 32, 4096, 32_000, 1024, known=True)
FULL = {"batch_size": 64, "per_device_batch_size": 8, "max_length": 2048}
GEMMA = {
    "model_type": "gemma2", "hidden_size": 3584, "num_hidden_layers": 42, "vocab_size": 256000, "num_attention_heads": 16,
    "num_key_value_heads": 8, "head_dim": 256, "intermediate_size": 14336, "hidden_activation": "gelu_pytorch_tanh",
}  # fmt: skip
QWEN_MOE = {
    "hidden_size": 2048, "num_hidden_layers": 48, "vocab_size": 151936, "num_attention_heads": 32, "num_key_value_heads": 4,
    "head_dim": 128, "intermediate_size": 6144, "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8,
    "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr("langadapt.plan.models.pinned", lambda model: (_ for _ in ()).throw(OSError))


@pytest.mark.parametrize(
    ("name", "size", "active"),
    [
        ("Qwen/Qwen2.5-7B-Instruct-1M", 7e9, 7e9),
        ("org/1m-context-13b", 13e9, 13e9),
        ("Qwen/Qwen3-30B-A3B", 30e9, 3e9),
    ],
)
def test_a_length_of_context_is_no_size(offline, name, size, active):
    made = model_facts(name, Assumed())
    assert (made.parameters, made.working) == (size, active)


@pytest.mark.parametrize(
    ("config", "size", "active"), [(GEMMA, 9.24e9, 9.24e9), (QWEN_MOE, 30.5e9, 3.35e9)], ids=["gemma", "qwen"]
)
def test_configurations_of_gated_and_of_sparse_layers(tmp_path, config, size, active):
    """Gemma 2 9B has 9.24 billion parameters, Qwen3-30B-A3B 30.5 of which 3.3 work on a token: their model cards."""
    (tmp_path / "config.json").write_text(json.dumps(config))
    made = model_facts(str(tmp_path), Assumed())
    assert made.parameters == pytest.approx(size, rel=0.01)
    assert made.working == pytest.approx(active, rel=0.03)
    training = Training.of(FULL, pairs=False)
    one, half = (operations(made, exact(1e6), training).expected for made in (made, MISTRAL))
    assert (one < half) == (active < 7e9)


@pytest.mark.parametrize(
    ("index", "size"),
    [
        ({"metadata": {"total_size": 16_000_000}}, 8e6),
        ({"metadata": {"total_size": 16_000_000, "total_parameters": 7_000_000}}, 7e6),
        ({"metadata": None}, None),
        ({}, None),
    ],
)
def test_an_index_tells_the_size_where_weights_do_not_lie_here(tmp_path, index, size):
    (tmp_path / "config.json").write_text(json.dumps({**GEMMA, "torch_dtype": "bfloat16"}))
    told = {**index, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(told))
    made = model_facts(str(tmp_path), Assumed())
    assert made.parameters == pytest.approx(size or 9.24e9, rel=0.01)


def test_the_highest_of_a_run_is_the_highest_of_its_stages():
    costs = [
        Cost(stage="a", basis="rough", memory=Estimate(1, 10, 12)),
        Cost(stage="b", basis="rough", memory=Estimate(2, 5, 50)),
    ]
    assert Bill(named("h100")).totals(costs)["memory_bytes"] == Estimate(2, 10, 50)


def test_devices_that_wait_are_paid():
    bill = Bill(named("h100", 2.0), "USD", 8)
    assert bill.money(
        Cost(stage="evaluate.x", basis="rough", seconds=exact(3600.0))
    ).expected == pytest.approx(16)


def test_start_and_load_are_intervals_that_are_told():
    assumed = Assumed()
    assert loading(14e9, assumed) == Estimate(14 / 3, 14, 14 / 0.3)
    made = starting("train", 14e9, assumed)
    assert made.low < made.expected < made.high
    assert {"reading a model, GB/s", "start of train, seconds"} <= set(assumed.found)
    assert all(rates()[table]["source"] for table in ("loading", "start", "served", "prompt"))
    assert evaluation.__module__


def test_a_number_of_steps_comes_before_epochs():
    training = Training.of({**FULL, "epochs": 3.0, "arguments": {"max_steps": 10, "liger": 1}}, pairs=False)
    assert stepped(training, 6400.0, 1e6).epochs == pytest.approx(0.1)
    assert training.unread == ("liger",)
    packed = Training.of({**FULL, "packing": True, "arguments": {"max_steps": 10}}, pairs=False)
    tokens = trained_tokens(exact(2048.0 * 320), [], packed, 1)
    assert stepped(packed, 6400.0, tokens.expected).epochs == pytest.approx(2.0)
    assert stepped(Training.of(FULL, pairs=False), 1.0, 1.0).epochs == 1.0


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    turns = [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": "Here it is."}]
    path = tmp_path / "rows.jsonl"
    ids = [1, "1", *(f"r{n}" for n in range(20))]
    path.write_text("".join(json.dumps({"id": n, "messages": turns}) + "\n" for n in ids))
    return path


def planned(*words):
    return CliRunner().invoke(
        cli, ["plan", "de", "--recipe", "mini", "--no-calibrate", *map(str, words)], standalone_mode=False
    )


def test_what_does_not_fit_is_said_of_every_stage_and_ids_that_repeat_are(rows):
    done = planned(
        "--conversations", rows, "--hardware", "rtx-4090", "--json", "--set", "base=org/base-70b",
        "--set", "translate.model=org/translator-34b", "--set", "filter.round-trip.translator.model=org/back-34b",
        "--set", "train.sft.arguments.max_steps=3", "--set", "train.sft.arguments.train_sampling_strategy=group_by_length",
    )  # fmt: skip
    notes = json.loads(done.stdout)["notes"]
    for stage in ("translate", "filter.round-trip", "train.sft", "evaluate.harness"):
        assert any(note.startswith(f"{stage} needs about") for note in notes), (stage, notes)
    assert any("arguments.train_sampling_strategy" in note for note in notes)
    assert any("1 rows have an id that stands there before" in note for note in notes)


def test_both_ways_of_a_translator_take_the_same_memory(rows):
    vllm = ("use=vllm", "model=org/m-7b", "family=alma", "gpu_memory_utilization=0.9")
    there = [word for one in vllm[:3] for word in ("--set", f"translate.{one}")]
    back = [word for one in vllm[:3] for word in ("--set", f"filter.round-trip.translator.{one}")]
    done = planned("--conversations", rows, "--hardware", "h100", "--json", *there, *back)
    stages = {one["stage"]: one["memory_bytes"]["expected"] for one in json.loads(done.stdout)["stages"]}
    assert stages["translate"] == stages["filter.round-trip"] == pytest.approx(0.9 * 80 * 2**30, rel=0.001)


@pytest.mark.parametrize(
    "words",
    [
        ("--share", "nan"),
        ("--set", "plan.hour=inf"),
        ("--set", "plan.hour=nan"),
        ("--set", "train.sft.epochs=inf"),
        ("--set", "plan.input_price=-1"),
    ],
)
def test_what_is_no_number_is_a_mistake(rows, words):
    done = planned("--conversations", rows, "--json", *words)
    assert type(done.exception).__name__ in ("BadParameter", "ConfigError"), done.exception
    assert not done.stdout.startswith("{")

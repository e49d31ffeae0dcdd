"""Tokens in a second, operations and utilisation: against PyTorch's own counter of operations, and a clock by hand."""

from types import SimpleNamespace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

from langadapt_plugins.trainers import trl_speed
from langadapt_plugins.trainers.trl_speed import Clock, operations, peak, shape

LENGTH = 24
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 97,
    "attn_implementation": "eager",
}


def counted(model, *, backward=True):
    """Operations for a token, as PyTorch counts them."""
    ids = torch.arange(2 * LENGTH).reshape(2, LENGTH)
    with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(backward):
        made = model(input_ids=ids).logits
        if backward:
            made.sum().backward()
    return counter.get_total_flops() / ids.numel()


@pytest.mark.parametrize("tied", [False, True])
def test_operations_of_a_whole_training_are_those_that_pytorch_counts(tied):
    model = LlamaForCausalLM(LlamaConfig(**SMALL, tie_word_embeddings=tied)).train()
    model.enable_input_require_grads()  # else the lowest layer passes nothing back to its input
    assert operations(model, LENGTH) == pytest.approx(counted(model), rel=1e-3)


def test_operations_under_adapters_leave_out_the_gradients_of_what_is_frozen():
    from peft import LoraConfig, get_peft_model

    model = LlamaForCausalLM(LlamaConfig(**SMALL)).train()
    model.enable_input_require_grads()
    whole = operations(model, LENGTH)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    adapted.enable_input_require_grads()
    found = operations(adapted, LENGTH)
    assert found == pytest.approx(counted(adapted), rel=1e-3)
    assert found < 0.9 * whole


def test_a_reference_reads_once_more_and_adapters_are_no_part_of_it():
    from peft import LoraConfig, get_peft_model

    model = LlamaForCausalLM(LlamaConfig(**SMALL))
    forward = counted(model, backward=False)
    assert operations(model, LENGTH, reference=True) - operations(model, LENGTH) == pytest.approx(
        forward, rel=1e-3
    )
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    assert operations(adapted, LENGTH, reference=True) - operations(adapted, LENGTH) == pytest.approx(
        forward, rel=1e-3
    )


def test_a_mixture_of_experts_counts_those_that_work_and_a_window_what_it_shows():
    config = MixtralConfig(**SMALL, num_local_experts=8, num_experts_per_tok=2, sliding_window=None)
    with torch.device("meta"):
        model = MixtralForCausalLM(config)
    attention = 32 * 8 * (2 * 4 + 2 * 2)
    layer = attention + 2 * 3 * 32 * 80 + 32 * 8
    weights = 3 * layer + 97 * 32
    assert operations(model, 1000) == pytest.approx(6 * weights + 12 * 3 * 32 * 1000)
    model.config.sliding_window = 100
    assert operations(model, 1000) == pytest.approx(6 * weights + 12 * 3 * 32 * 100)


def test_seven_billion_parameters_need_what_the_literature_says():
    config = LlamaConfig(
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, vocab_size=32000,
    )  # fmt: skip
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    parameters = sum(weight.numel() for weight in model.parameters())
    assert parameters == pytest.approx(7.24e9, rel=1e-3)
    multiplied = parameters - 32000 * 4096 - 65 * 4096
    assert operations(model, 2048) == 6 * multiplied + 12 * 32 * 32 * 128 * 2048
    assert operations(model, 2048, scored=0.0) == operations(model, 2048) - 6 * 32000 * 4096


class Time:
    now = 50.0

    def monotonic(self):
        return self.now


@pytest.fixture
def time(monkeypatch):
    made = Time()
    monkeypatch.setattr(trl_speed, "time", made)
    return made


def test_neither_evaluating_nor_saving_nor_the_first_step_is_training(time):
    clock = Clock(operations=1e6, peak=1e9, earlier={})
    time.now += 100
    clock.start()
    time.now += 30  # kernels are compiled
    clock.stop()
    assert clock.point(500, first=True) == {}
    time.now += 7
    clock.go()
    time.now += 2
    clock.stop()
    assert clock.point(900, first=False) == {"tokens_per_second": 200.0, "mfu": 0.2}
    time.now += 5
    clock.go()
    time.now += 1
    clock.go()
    time.now += 4
    clock.stop()
    assert clock.point(1300, first=False) == {"tokens_per_second": 100.0, "mfu": 0.1}
    assert clock.facts == {"tokens_per_second": pytest.approx(800 / 6, abs=0.06), "mfu": 0.1333}
    later = Clock(1e6, 0.0, clock.state)
    assert later.facts == {"tokens_per_second": pytest.approx(800 / 6, abs=0.06), "mfu": None}


def test_what_was_not_measured_is_absent(time):
    clock = Clock(1e6, 1e9, {})
    clock.start()
    clock.stop()
    assert clock.point(10, first=False) == {}  # no time has passed
    assert clock.facts == {"tokens_per_second": None, "mfu": None}


@pytest.mark.parametrize(
    ("name", "bf16", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", True, 2 * 989e12),
        ("NVIDIA H100 PCIe", True, 2 * 756e12),
        ("NVIDIA H100 80GB HBM3", False, 0.0),
        ("Graphics of tomorrow", True, 0.0),
    ],
)
def test_the_peak_is_that_of_known_devices_in_bfloat16(monkeypatch, name, bf16, expected):
    arguments = SimpleNamespace(bf16=bf16, world_size=2)
    assert peak(arguments) == 0.0  # none here
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: name)
    assert peak(arguments) == expected


def test_the_shape_of_rows_is_that_of_the_texts_in_them():
    from datasets import Dataset

    plain = Dataset.from_dict({"input_ids": [[1] * 10, [1] * 30], "labels": [[-100] * 5 + [1] * 5, [1] * 30]})
    assert shape(plain, None) == (pytest.approx((100 + 900) / 40), 35 / 40)
    assert shape(plain, 10)[0] == 10
    packed = Dataset.from_dict({"input_ids": [[1] * 40], "seq_lengths": [[10, 30]]})
    assert shape(packed, 40) == (25, 1.0)
    pairs = Dataset.from_dict(
        {"prompt_ids": [[1] * 10], "chosen_ids": [[1] * 10], "rejected_ids": [[1] * 30]}
    )
    assert shape(pairs, 1000) == (pytest.approx((400 + 1600) / 60), 40 / 60)
    assert shape(pairs, 20) == (20, 20 / 40)
    assert shape(Dataset.from_dict({"input_ids": []}), 5) == (0.0, 1.0)

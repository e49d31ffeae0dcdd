"""Sizes of models, memory, training time, money: each against what is known of it from elsewhere."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import ConfigError
from langadapt.machine import hardware, recognised
from langadapt.plan.costs import Bill, Cost, Planned, services
from langadapt.plan.data import Assumed, named, power, prices, rates, translator_rate
from langadapt.plan.estimates import Estimate, around, exact, short
from langadapt.plan.models import Model, model_facts
from langadapt.plan.peaks import (
    GIB,
    Training,
    checkpoint_bytes,
    trained_parameters,
    training_peak,
    translator_peak,
)
from langadapt.plan.training import operations, trained_tokens, training_seconds

MISTRAL = Model("mistral", 7.24e9, 32, 4096, 32_000, 1024, known=True)
MISTRAL_CONFIG = {
    "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "vocab_size": 32000, "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip
FULL = {
    "epochs": 1.0,
    "batch_size": 64,
    "per_device_batch_size": 8,
    "max_length": 2048,
    "optimizer": "adamw_torch",
    "dtype": "mixed",
}


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("langadapt.plan.models.pinned", lambda model: (_ for _ in ()).throw(OSError))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("haoranxu/ALMA-7B", 7e9), ("mistralai/Mixtral-8x7B-v0.1", 56e9), ("Qwen/Qwen2.5-0.5B", 5e8), ("org/tiny-15m", 15e6),
        ("swiss-ai/Apertus-8B-2509", 8e9), ("google/gemma-3-270m", 270e6), ("meta-llama/Llama-3.1-70B-Instruct", 70e9), ("org/x_13b_v2", 13e9),
    ],
)  # fmt: skip
def test_a_name_tells_the_size(offline, name, size):
    assumed = Assumed()
    made = model_facts(name, assumed)
    assert made.parameters == size
    assert not made.known
    assert assumed.found


@pytest.mark.parametrize("name", [None, "org/model", "org/model-v2.5", "org/7beta"])
def test_a_name_without_a_size_is_taken_for_seven_billion(offline, name):
    assumed = Assumed()
    assert model_facts(name, assumed).parameters == 7e9
    assert "neither" in next(iter(assumed.found.values()))["source"]


def test_a_configuration_tells_the_size(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(MISTRAL_CONFIG))
    made = model_facts(str(tmp_path), Assumed())
    assert made.known
    assert made.parameters == pytest.approx(7.24e9, rel=0.001)
    assert made.cache_bytes(1) == 2 * 2 * 32 * 1024


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"hidden_size": "large"}', '{"hidden_size": -1, "vocab_size": true}', "\x00"]
)
def test_a_broken_configuration_is_no_configuration(tmp_path, content):
    folder = tmp_path / "model-3b"
    folder.mkdir()
    (folder / "config.json").write_text(content)
    (folder / "model.safetensors").write_bytes(b"\xff" * 20)
    assert not model_facts(str(folder), Assumed()).known


def test_weights_on_disk_are_counted_from_their_headers(tmp_path):
    header = json.dumps({"__metadata__": {}, "a": {"shape": [3, 5]}, "b": {"shape": [7]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (tmp_path / "config.json").write_text(json.dumps(MISTRAL_CONFIG))
    assert model_facts(str(tmp_path), Assumed()).parameters == 22


def test_memory_of_a_full_training_is_sixteen_bytes_a_parameter_and_more():
    training = Training.of(FULL, pairs=False)
    peak = training_peak(MISTRAL, training)
    assert 16 * MISTRAL.parameters < peak.expected < 22 * MISTRAL.parameters
    assert peak.low < peak.expected < peak.high
    assert (
        training_peak(MISTRAL, Training.of(FULL, pairs=True)).expected
        > peak.expected + 4 * MISTRAL.parameters
    )


@pytest.mark.parametrize(
    "change",
    [{"lora": 16}, {"lora": {"r": 16}}, {"lora_rank": 16}, {"dtype": "bfloat16"}, {"optimizer": "adamw_bnb_8bit"}, {"per_device_batch_size": 1},
     {"max_length": 512}, {"scale": "fsdp2", "processes": 8}],
)  # fmt: skip
def test_what_saves_memory_saves_it(change):
    full, less = (
        training_peak(MISTRAL, Training.of({**FULL, **more}, pairs=False)).expected for more in ({}, change)
    )
    assert less < full


def test_adapters_leave_out_gradients_and_states_of_the_rest():
    training = Training.of({**FULL, "lora": 64, "dtype": "bfloat16"}, pairs=True)
    assert trained_parameters(MISTRAL, training) == pytest.approx(
        1.7e8, rel=0.3
    )  # Mistral, r 64, all seven matrices: 168 million
    assert training_peak(MISTRAL, training).expected < 40 * GIB
    size, states = checkpoint_bytes(MISTRAL, training)
    assert 2 * MISTRAL.parameters < size < 2 * MISTRAL.parameters + 1e9, (
        "the merged model lies beside the adapters"
    )
    assert states < 4e9


def test_a_base_in_four_bits_takes_a_quarter():
    held, less = (
        training_peak(
            MISTRAL,
            Training.of(
                {
                    **FULL,
                    "lora": 16,
                    "dtype": "bfloat16",
                    "per_device_batch_size": 1,
                    "max_length": 512,
                    "quantized": q,
                },
                pairs=False,
            ),
        ).expected
        for q in (False, True)
    )
    assert 1.3 * MISTRAL.parameters < held - less < 1.6 * MISTRAL.parameters


def test_adapters_on_attention_alone_are_smaller():
    attention = ("q_proj", "k_proj", "v_proj", "o_proj")
    whole, some = (
        trained_parameters(MISTRAL, Training.of({**FULL, "lora": 64, "lora_targets": t}, pairs=False))
        for t in ((), attention)
    )
    assert some == pytest.approx(8 / 19.1 * whole)


def test_checkpointing_costs_time_and_saves_memory():
    on, off = (
        Training.of({**FULL, "arguments": {"gradient_checkpointing": which}}, pairs=False)
        for which in (True, False)
    )
    assert training_peak(MISTRAL, on).expected < training_peak(MISTRAL, off).expected
    work = [operations(MISTRAL, exact(1e6), one).expected for one in (on, off)]
    assert work[0] / work[1] == pytest.approx(8 / 6)


def test_notus_twelve_hours_of_dpo_lie_within_the_interval():
    # 61,966 pairs, 3 epochs, 8 A100 40GB: about 12 hours (argilla-io/notus v1/LOGBOOK.md); some 450 tokens a side.
    training = Training.of({**FULL, "epochs": 3.0, "processes": 8, "max_length": 1024}, pairs=True)
    work = operations(MISTRAL, exact(61_966 * 2 * 450), training)
    seconds = training_seconds(MISTRAL, work, training, named("a100-40gb"), Assumed())
    assert seconds.low < 12 * 3600 < seconds.high


def test_rows_are_cut_filled_up_or_packed():
    lengths = [100.0] * 90 + [5000.0] * 10
    tokens = exact(sum(lengths))
    packed = trained_tokens(tokens, lengths, Training.of({**FULL, "packing": True}, pairs=False), 1)
    padded = trained_tokens(tokens, lengths, Training.of(FULL, pairs=False), 1)
    assert packed == tokens
    assert padded.low == pytest.approx(90 * 100 + 10 * 2048)
    assert padded.high > 1.5 * padded.low
    assert trained_tokens(tokens, [], Training.of(FULL, pairs=False), 1) == tokens


def test_vllm_takes_its_share_of_the_device():
    peak = translator_peak(MISTRAL, {"gpu_memory_utilization": 0.9}, 80 * GIB)
    assert peak.expected == pytest.approx(72 * GIB)
    assert peak.low > 2 * MISTRAL.parameters
    assert (
        translator_peak(MISTRAL, {"batch_size": 4}, 0).expected
        < translator_peak(MISTRAL, {"batch_size": 64}, 0).expected
    )


def test_devices_are_recognised_by_what_pytorch_calls_them():
    assert recognised("NVIDIA A100-SXM4-80GB").name == "a100-80gb"
    assert recognised("NVIDIA A100-PCIE-40GB").name == "a100-40gb"
    assert recognised("NVIDIA H100 80GB HBM3").name == "h100"
    assert recognised("NVIDIA H100 PCIe").name == "h100-pcie"
    assert recognised("NVIDIA H100 NVL").name == "h100-nvl"
    assert recognised("NVIDIA GeForce RTX 4090").name == "rtx-4090"
    assert recognised("NVIDIA GeForce GTX 1080") is None
    assert named("h100", 1.5).hour == 1.5
    with pytest.raises(ConfigError, match="abacus") as error:
        named("abacus")
    assert "h100" in error.value.hint


def test_every_row_of_the_tables_says_where_it_comes_from():
    assert len(hardware()) > 5
    assert all(one.source and one.tflops > 0 and one.watts > 0 for one in hardware().values())
    assert all(row["source"] for row in [*prices().values(), *rates()["translator"], power()])
    assert all(row["hardware"] in hardware() for row in rates()["translator"])
    assert all(
        table["source"]
        for name, table in rates().items()
        if isinstance(table, dict) and name not in ("evaluator", "optimizer")
    )


def test_phoenix_translation_costs_what_the_paper_says():
    """1.5 billion characters: over 30,000 EUR as a service, some 30 at home, some 300 rented, on one A100 80GB."""
    deepl = next(one for one in services(exact(1.5e9), "EUR") if one["name"] == "deepl")
    assert deepl["money"]["expected"] == pytest.approx(30_000, rel=0.01)
    rate = translator_rate("vllm", 7e9, named("a100-80gb"), Assumed())
    seconds = exact(1.5e9 / 4 * 1.3) / rate
    money = Bill(named("a100-80gb")).money(Cost(stage="translate", basis="table", seconds=seconds))
    assert money.low < 30 < money.high
    assert money.low < 100 < money.high


def test_money_follows_the_stages_the_currency_and_the_device():
    costs = tuple(
        Cost(stage=name, basis="rough", seconds=exact(3600.0), devices=2)
        for name in ("prepare", "translate", "train.sft", "train.dpo")
    )
    made = Planned(language="de", recipe="x", bill=Bill(named("h100", 2.0), "USD"), costs=costs)
    assert made.expected().expected == pytest.approx(16.0)
    assert made.expected("translate").expected == pytest.approx(8.0)
    assert made.expected("prepare").expected == pytest.approx(4.0)
    euros = Planned(language="de", recipe="x", bill=Bill(named("h100", 2.0)), costs=costs)
    assert euros.expected().expected < 16.0
    at_home = Bill(named("cpu"))
    assert at_home.hours(costs[0]) == exact(0.0)
    assert at_home.money(costs[0]).expected == pytest.approx(2 * 0.065 * power()["eur_per_kwh"])
    json.dumps(made.to_json(), allow_nan=False)


@given(st.floats(0, 1e15), st.lists(st.floats(0, 1e15), max_size=50), st.floats(0, 1), st.floats(0, 0.5))
def test_an_interval_holds_what_is_expected(expected, draws, share, more):
    made = around(expected, draws, share, more)
    assert 0 <= made.low <= made.expected <= made.high
    if share == 1 and not more:
        assert made.low == made.high == expected


@given(st.floats(1e-12, 1e15))
def test_four_digits_are_kept(value):
    assert math.isclose(short(value), value, rel_tol=6e-4)


def test_quotients_are_widest():
    assert (Estimate(1, 2, 3) / Estimate(1, 2, 4)) == Estimate(0.25, 1, 3)

"""The recipes' values beside what was published: Zephyr of November 2023 and January 2024, Notus, LoRA and QLoRA of the handbook."""

import math

import pytest

from langadapt import registry
from langadapt.assembly import components
from langadapt.errors import ConfigError
from langadapt.recipe import RECIPES, explained, read_recipe

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ATTENTION = LINEAR[:4]
PREFERENCES = 61_135
"""Pairs of HuggingFaceH4/ultrafeedback_binarized, train_prefs (its card)."""
NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


@pytest.fixture(scope="module")
def pack():
    return registry.pack("de")


@pytest.fixture(scope="module")
def trainers(pack):
    made = {}

    def of(name, tuning="full", *changes):
        key = (name, tuning, *changes)
        if key not in made:
            recipe = read_recipe(name, pack, changes=[f"tuning={tuning}", *changes])
            made[key] = components(recipe, pack, None, recipe.train)
        return made[key]

    return of


# alignment-handbook by revision; the columns of recipes.md 2.1: f025057 (November 2023), f0ffa0d (January 2024).
SFT = {
    "zephyr": {"learning_rate": 2e-5, "scheduler": "cosine", "warmup": 0.0, "epochs": 1.0, "batch_size": 512, "per_device_batch_size": 32},
    "zephyr-2024": {"learning_rate": 2e-5, "scheduler": "cosine", "warmup": 0.1, "epochs": 1.0, "batch_size": 128, "per_device_batch_size": 16},
}  # fmt: skip
DPO = {
    "zephyr": {
        "learning_rate": 5e-7, "scheduler": "linear", "warmup": 0.1, "epochs": 3.0, "batch_size": 64, "per_device_batch_size": 8,
        "beta": 0.1, "optimizer": "rmsprop", "eval_steps": 100, "max_length": 1024,
    },
    "zephyr-2024": {
        "learning_rate": 5e-7, "scheduler": "cosine", "warmup": 0.1, "epochs": 1.0, "batch_size": 128, "per_device_batch_size": 8,
        "beta": 0.01, "optimizer": "adamw_torch", "eval_steps": 100, "max_length": 1024,
    },
    "notus": {
        "learning_rate": 5e-7, "scheduler": "linear", "warmup": 0.1, "epochs": 3.0, "batch_size": 64, "per_device_batch_size": 8,
        "beta": 0.1, "optimizer": "rmsprop", "eval_steps": 100, "max_length": 1024,
    },
    "phoenix": {"scheduler": "linear", "epochs": 1.0, "batch_size": 64, "optimizer": "adamw_torch"},
}  # fmt: skip


def values(component, wanted):
    return {name: getattr(component, name) for name in wanted}


@pytest.mark.parametrize("name", SFT)
def test_sft_has_the_values_of_its_revision(trainers, name):
    made = trainers(name)["train.sft"]
    assert values(made, SFT[name]) == SFT[name]
    assert (made.max_length, made.packing, made.assistant_only_loss, made.neftune) == (
        2048,
        True,
        False,
        None,
    )
    assert made.optimizer == "adamw_torch"
    assert made.trl_arguments()["gradient_accumulation_steps"] * made.per_device_batch_size == made.batch_size


@pytest.mark.parametrize("name", DPO)
def test_dpo_has_the_values_of_its_revision(trainers, name):
    made = trainers(name)["train.dpo"]
    assert values(made, DPO[name]) == DPO[name]
    assert made.loss_type == "sigmoid"


def test_batches_are_those_of_eight_devices(trainers):
    for name, accumulation in (
        ("zephyr", (2, 1)),
        ("zephyr-2024", (1, 2)),
        ("phoenix", (2, 1)),
        ("notus", (2, 1)),
    ):
        eight = trainers(name, "full", "train.sft.processes=8", "train.dpo.processes=8")
        found = [
            eight[f"train.{slot}"].trl_arguments()["gradient_accumulation_steps"] for slot in ("sft", "dpo")
        ]
        assert tuple(found) == accumulation


def test_steps_follow_from_rows_and_batch(trainers):
    def steps(name):
        made = trainers(name)["train.dpo"]
        return math.ceil(PREFERENCES / made.batch_size) * made.epochs

    assert [steps(name) for name in ("zephyr", "zephyr-2024", "phoenix")] == [2868, 478, 956]


# recipes.md 2.2: LoRA of November 2023 (and Notus' own, 3.2), QLoRA of the handbook's head.
ADAPTERS = {
    ("phoenix", "lora", "sft"): (64, 16, 0.1, ATTENTION, False, 2e-5, 512, 4, "adamw_torch"),
    ("phoenix", "lora", "dpo"): (64, 16, 0.1, ATTENTION, False, 5e-7, 64, 2, "adamw_torch"),
    ("zephyr", "lora", "sft"): (64, 16, 0.1, ATTENTION, False, 2e-5, 512, 4, "adamw_torch"),
    ("zephyr", "lora", "dpo"): (64, 16, 0.1, ATTENTION, False, 5e-7, 64, 2, "rmsprop"),
    ("notus", "lora", "dpo"): (64, 16, 0.1, ATTENTION, False, 5e-7, 64, 2, "rmsprop"),
    ("zephyr-2024", "qlora", "sft"): (16, 16, 0.05, LINEAR, True, 2e-4, 8, 4, "adamw_torch"),
    ("zephyr-2024", "qlora", "dpo"): (128, 128, 0.05, LINEAR, True, 5e-6, 16, 4, "paged_adamw_32bit"),
    ("modern", "lora", "sft"): (16, 16, 0.05, LINEAR, False, 2e-4, 128, 4, "adamw_torch_fused"),
    ("modern", "lora", "dpo"): (128, 128, 0.05, LINEAR, False, 5e-6, 128, 2, "adamw_torch_fused"),
}  # fmt: skip
FIELDS = (
    "lora", "lora_alpha", "lora_dropout", "lora_targets", "quantized", "learning_rate", "batch_size", "per_device_batch_size", "optimizer",
)  # fmt: skip


@pytest.mark.parametrize(("name", "tuning", "slot"), ADAPTERS)
def test_one_setting_makes_it_lora_or_qlora_with_the_handbooks_values(trainers, name, tuning, slot):
    made = trainers(name, tuning)[f"train.{slot}"]
    assert tuple(getattr(made, field) for field in FIELDS) == ADAPTERS[name, tuning, slot]
    assert made.dtype == "bfloat16"


def test_qlora_has_its_own_schedule_and_notus_evaluates_adapters_by_epoch(trainers):
    for name in ("phoenix", "zephyr", "zephyr-2024", "modern"):
        made = trainers(name, "qlora")
        assert {(one.scheduler, one.warmup) for one in made.values()} == {("cosine", 0.1)}
        accumulated = [one.trl_arguments()["gradient_accumulation_steps"] for one in made.values()]
        assert accumulated == [2, 4]  # recipes.md 2.2
    assert trainers("notus", "lora")["train.dpo"].eval_steps == 0
    assert trainers("notus")["train.dpo"].eval_steps == 100


@pytest.mark.parametrize("name", [*NAMES, "mini"])
def test_every_recipe_can_be_tuned_three_ways(trainers, name):
    assert len(NAMES) >= 5
    for tuning, quantized in (("full", False), ("lora", False), ("qlora", True)):
        made = trainers(name, tuning)
        assert all(bool(one.lora) == (tuning != "full") for one in made.values())
        assert all(one.quantized is quantized for one in made.values())


def test_the_command_line_lies_over_the_tuning(trainers):
    made = trainers("phoenix", "lora", "train.sft.lora=8", "train.dpo=false")
    assert made["train.sft"].lora == 8
    assert "train.dpo" not in made


def test_a_tuning_that_is_not_there_is_refused(pack):
    with pytest.raises(ConfigError, match="the recipe has no 'lorra'") as caught:
        read_recipe("zephyr", pack, changes=["tuning=lorra"])
    assert "did you mean 'lora'" in caught.value.hint
    with pytest.raises(ConfigError, match="tuned"):
        read_recipe("zephyr", pack, changes=["tuned.lora.filter.length.at_most=2"])


def test_a_tuning_of_ones_own(pack, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "zephyr"\ntuning = "small"\n[tuned.small.train.sft]\nlora = 4\n[tuned.small.train.cpt]\nlora = 2\n'
    )
    recipe = read_recipe(str(path), pack)
    shown = explained(recipe, pack)
    assert shown["train.sft.lora"] == ("4", "mine.toml")
    assert "train.dpo.lora" not in shown
    assert [slot.name for slot in recipe.train] == ["sft", "dpo"]


@pytest.mark.parametrize("name", NAMES)
def test_differences_to_phoenix_can_be_shown(pack, name):
    mine, phoenix = (explained(read_recipe(one, pack), pack) for one in (name, "phoenix"))
    differ = {key for key in mine if mine[key][0] != phoenix.get(key, ("",))[0]}
    assert differ if name != "phoenix" else not differ
    assert {key.split(".")[0] for key in differ} <= {
        "title",
        "base",
        "source",
        "prepare",
        "train",
        "evaluate",
        "tuned",
        "published",
    }


def test_modern_marks_what_is_learned_and_keeps_conversations_whole(trainers):
    made = trainers("modern")
    assert (made["train.sft"].packing_strategy, made["train.sft"].assistant_only_loss) == ("bfd", True)
    assert made["train.sft"].neftune == 5.0
    assert (made["train.dpo"].beta, made["train.dpo"].epochs) == (0.01, 1.0)

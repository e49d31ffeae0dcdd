"""An earlier run is believed of the same model, settings, device and number of devices; of any other its figures are left."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from langadapt import registry
from langadapt.identity import component_identity, model_identity
from langadapt.interfaces import ModelRef
from langadapt.plan.data import named
from langadapt.plan.earlier import Earlier
from langadapt.plan.evaluating import items
from langadapt.plan.parts import parts
from langadapt.recipe import read_recipe


@pytest.fixture(scope="module")
def pack():
    return registry.pack("de")


@pytest.fixture(scope="module")
def recipe(pack):
    return read_recipe("mini", pack, changes=["filter.round-trip=false"])


@pytest.fixture(scope="module")
def built(recipe, pack):
    made = parts(recipe, pack, None, lambda _: None)
    yield made
    for part in made.values():
        part.close()


def settings_of(part):
    return json.loads(json.dumps(component_identity(part.component, "fingerprint"), default=str))


@pytest.fixture
def run(tmp_path, recipe, built):
    """A finished run of the recipe on a CPU, as the pipeline tells of one."""
    base = model_identity(ModelRef.parse(recipe.base))
    told = {"seconds": 500.0, "tokens": 100_000, "world_size": 1, "device": "cpu"}
    wrote = [
        ("train/sft", {"trainer": settings_of(built["train.sft"]), "base": base}, {"checkpoint": {"facts": told}}),
        ("evaluate/base/harness", {"evaluator": settings_of(built["evaluate.harness"]), "model": base, "limit": 10}, {"scores": 1}),
        ("prepare", {}, {"sources": {one.name: {} for one in recipe.sources}}),
        ("filter/sft", {slot.name: settings_of(built[slot.address]) for slot in recipe.filters}, {"records": 1000, "kept": 600}),
    ]  # fmt: skip
    for step, settings, facts in wrote:
        folder = tmp_path / "run" / step
        folder.mkdir(parents=True)
        content = {"step": step, "settings": settings, "facts": facts, "seconds": 30.0}
        (folder / "manifest.json").write_text(json.dumps(content))
    return tmp_path / "run"


def change(run, step, edit):
    path = run / step / "manifest.json"
    told = json.loads(path.read_text())
    edit(told)
    path.write_text(json.dumps(told))


def asked(run, recipe, built, device="cpu", processes=1, changes=()):
    notes = []
    earlier = Earlier.of(run, recipe, named(device), notes.append)
    train, harness = built["train.sft"], built["evaluate.harness"]
    if changes:
        train = replace(train, component=replace(train.component, **dict(changes)))
    gates = [built[slot.address] for slot in recipe.filters]
    return earlier.training(train, processes), earlier.evaluation(harness), earlier.kept(gates), notes


def test_what_fits_is_believed(run, recipe, built):
    training, evaluation, kept, notes = asked(run, recipe, built)
    assert training == (500.0, 100_000)
    assert evaluation == [(30.0, 10)]
    assert kept.low < kept.expected == 0.6 < kept.high
    assert notes == []


def test_fewer_seen_rows_tell_less(run, recipe, built):
    _, _, many, _ = asked(run, recipe, built)
    change(run, "filter/sft", lambda told: told["facts"].update(records=10, kept=6))
    _, _, few, _ = asked(run, recipe, built)
    assert few.high - few.low > many.high - many.low


def test_settings_that_leave_the_time_of_a_token_may_differ(run, recipe, built):
    training, _, _, _ = asked(
        run, recipe, built, changes=[("epochs", 1.0), ("learning_rate", 0.5), ("save_steps", 7)]
    )
    assert training == (500.0, 100_000)


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda told: told["settings"].update(base="sha256:0"), "base is another"),
        (lambda told: told["settings"]["trainer"]["settings"].update(max_length=8), "set otherwise"),
        (lambda told: told["settings"]["trainer"]["settings"].update(lora=16), "set otherwise"),
        (lambda told: told["settings"]["trainer"].update({"class": "x.Y"}), "set otherwise"),
        (lambda told: told["facts"]["checkpoint"]["facts"].update(world_size=8), "ran on 8 devices"),
        (lambda told: told["facts"]["checkpoint"]["facts"].update(device="NVIDIA H100 80GB HBM3"), "ran on NVIDIA H100"),
        (lambda told: told["facts"]["checkpoint"]["facts"].pop("device"), "does not name"),
        (lambda told: told.pop("settings"), "set otherwise"),
    ],
)  # fmt: skip
def test_a_training_of_something_else_is_not_believed_and_that_is_said(run, recipe, built, edit, why):
    change(run, "train/sft", edit)
    training, _, _, notes = asked(run, recipe, built)
    assert training is None
    assert any("train/sft is not believed" in note and why in note for note in notes), notes


def test_a_run_on_another_device_or_on_more_of_them_is_not_believed(run, recipe, built):
    training, evaluation, _, notes = asked(run, recipe, built, device="h100")
    assert (training, evaluation) == (None, [])
    assert sum("not on NVIDIA H100" in note for note in notes) == 2
    assert asked(run, recipe, built, processes=2)[0] is None
    assert asked(run, recipe, built, changes=[("max_length", 64)])[0] is None


@pytest.mark.parametrize(
    "edit",
    [
        lambda told: told["settings"].update(model="sha256:0"),
        lambda told: told["settings"]["evaluator"]["settings"].update(num_fewshot=25),
    ],
)
def test_an_evaluation_of_something_else_is_not_believed(run, recipe, built, edit):
    change(run, "evaluate/base/harness", edit)
    assert asked(run, recipe, built)[1] == []


def test_evaluations_are_scaled_by_items(pack, built):
    harness = built["evaluate.harness"]
    assert items(harness, pack, 10) == 30
    assert items(harness, pack, None) == 90


def test_other_gates_or_other_sources_tell_nothing(run, recipe, built):
    change(run, "filter/sft", lambda told: told["settings"].popitem())
    assert asked(run, recipe, built)[2] is None
    assert asked(run, replace(recipe, sources=recipe.sources[:1]), built)[2] is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"step": "train/sft"}', '{"step": "filter/sft", "facts": null, "settings": 5}', '{"step": "filter/sft", "facts": {"records": "x"}}', "\x00",
     '{"step": "train/sft", "facts": {"checkpoint": {"facts": {"seconds": Infinity, "tokens": true}}}}', '{"step": "evaluate/a/harness", "seconds": 5}'],
)  # fmt: skip
def test_what_is_no_whole_manifest_breaks_nothing(tmp_path, recipe, built, content):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "manifest.json").write_text(content)
    training, evaluation, kept, _ = asked(tmp_path, recipe, built)
    assert (training, evaluation, kept) == (None, [], None)
    assert asked(Path("/nowhere"), recipe, built)[:3] == (None, [], None)

"""Our own translators, filters and packs keep to the contracts, with settings from one small table."""

from importlib.resources import files
from pathlib import Path

import pytest

from langadapt import registry
from langadapt.interfaces import ModelRef
from langadapt.records import Text
from langadapt.testing import FilterContract, PackContract, TranslatorContract, results, samples

HERE = Path(__file__).parent
ELSEWHERE = {
    "vllm": "engines/test_engine_contracts.py",
    "quality": "engines/test_engine_contracts.py",
    "openai": "plugins/test_openai.py",
    "ray": "plugins/test_ray.py",
    "ctranslate2": "plugins/test_ctranslate2.py",
}
"""Those that are held to the contracts where their engines are."""
GERMAN = registry.pack("de")


MINI = {"model": ModelRef(str(GERMAN.path("mini/translator"))), "family": "alma", "dtype": "float32"}


def back():
    """The small translator; outside its few words it would write on to its limit, which is low here."""
    return registry.load(registry.find("translator", "transformers"))(**MINI, new_tokens_at_most=40)


def mini_pairs():
    """Good translations in the few words that the small translator knows."""
    for number, line in enumerate(GERMAN.path("mini/heldout.tsv").read_text("utf-8").splitlines()[:60]):
        source, target = (Text(id=f"held-out-{number}", text=text) for text in line.split("\t"))
        yield GERMAN, samples.translation(source, target)


SETTINGS = {
    "transformers": lambda: {**MINI, "new_tokens_at_most": 40},
    "tokens": lambda: {
        "tokenizer": ModelRef(str(GERMAN.path("mini/base"))),
        "chat_template": files("langadapt.templates") / "zephyr.jinja",
    },
    "round-trip": lambda: {"translator": back()},
    "contamination": lambda: {"against": registry.load(registry.find("evaluator", "mt-bench"))()},
}
OWN = {
    "transformers": {
        "texts": [pair.source.text for _, pair in mini_pairs() if "<x" not in pair.source.text][:8]
    },
    "round-trip": {"good": lambda _: mini_pairs()},
}


def ours(kind):
    found = [one for one in registry.installed(kind) if one.distribution == "langadapt"]
    assert found, f"no {kind} of ours is installed"
    return [pytest.param(one, id=one.name) for one in found if one.name not in ELSEWHERE]


def keeps_to(base, found, **own):
    """Run the contract as `langadapt check` does; gives how each check ended."""
    told = list(results(type(f"Test{found.name.title()}", (base,), {**OWN.get(found.name, {}), **own})))
    assert not [f"{one.check}: {one.message}" for one in told if one.outcome not in ("passed", "skipped")]
    return {one.check: one.outcome for one in told}


def test_what_is_left_out_here_is_held_to_its_contract_elsewhere():
    names = {found.name for kind in ("translator", "filter") for found in registry.installed(kind)}
    assert set(ELSEWHERE) <= names
    for place in ELSEWHERE.values():
        assert "Contract)" in (HERE / place).read_text("utf-8") or "results(" in (HERE / place).read_text(
            "utf-8"
        )


def made(found):
    return lambda _: registry.load(found)(**SETTINGS.get(found.name, dict)())


@pytest.mark.slow
@pytest.mark.parametrize("found", ours("translator"))
def test_translators(found):
    told = keeps_to(TranslatorContract, found, make=made(found))
    assert set(told.values()) == {"passed"}


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(*param.values, id=param.id, marks=[pytest.mark.slow] if param.id in SETTINGS else [])
        for param in ours("filter")
    ],
)
def test_filters(found):
    told = keeps_to(FilterContract, found, make=made(found))
    skipped = {name for name, outcome in told.items() if outcome == "skipped"}
    assert skipped == {"test_bad_translations_are_dropped"}


@pytest.mark.parametrize("found", ours("language"))
def test_packs(found):
    told = keeps_to(PackContract, found, folder=lambda _: registry.pack_folder(found))
    assert set(told.values()) == {"passed"}, "a pack of ours has every file"

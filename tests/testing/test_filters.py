"""Filters with one fault each, and good ones: the contract names every fault, and no good one fails."""

import pytest

from langadapt import registry
from langadapt.languages import LanguagePack
from langadapt.testing import FilterContract, results, samples
from testing.broken_filters import BROKEN
from testing.good_filters import GOOD, Good, KeepsAll


def told(kind, **own):
    made = type(f"Test{kind.__name__}", (FilterContract,), {"make": lambda _: kind(), **own})
    return {one.check: one for one in results(made)}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_fault_is_named_with_its_class_and_what_mends_it(kind):
    check, fix = BROKEN[kind]
    found = told(kind)[f"test_{check}"]
    assert found.outcome == "failed", found
    assert fix in found.message
    assert kind.__name__ in found.message


@pytest.mark.parametrize("kind", GOOD)
def test_good_ones_pass(kind):
    found = told(kind)
    assert len(found) >= 14
    assert not [one for one in found.values() if one.outcome == "failed"]
    assert found["test_good_translations_are_kept"].outcome == "passed"
    assert found["test_bad_translations_are_dropped"].outcome == "skipped", "what is left out is seen"


def test_what_an_author_says_is_bad_must_be_dropped():
    bad = [item for item in samples.samples(registry.pack("de")) if str(item.target.id).endswith("doubled")]
    assert len(bad) == 1
    check = "test_bad_translations_are_dropped"
    assert told(Good, bad=lambda _: bad)[check].outcome == "passed"
    kept = told(KeepsAll, bad=lambda _: bad)[check]
    assert kept.outcome == "failed"
    assert "KeepsAll keeps" in kept.message


def test_exemplars_of_every_installed_pack_are_tried():
    packs = {
        found.name
        for found in registry.installed("language")
        if LanguagePack.read(registry.pack_folder(found)).rows("exemplars.jsonl")
    }
    tried = {pack.language.code for pack, _ in FilterContract().good()}
    assert tried == packs >= {"de"}


def test_no_exemplars_is_seen():
    assert told(Good, good=lambda _: ())["test_good_translations_are_kept"].outcome == "skipped"


def test_a_pack_without_exemplars_gives_something_to_judge():
    found = samples.samples(LanguagePack.bare("is"))
    assert len(found) > 10
    assert {type(item.target).__name__ for item in found} == {"Conversation", "Preference"}
    assert {item.translated for item in found} == {True, False}
    assert all(pair.text < len(item.target.texts) for item in found for pair in item.pairs)

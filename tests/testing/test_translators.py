"""Translators with one fault each, and good ones: the contract names every fault, and no good one fails."""

import pytest

from langadapt.testing import TranslatorContract, results
from testing import broken_components, broken_translators
from testing.good_translators import GOOD, Sampling

BROKEN = broken_translators.BROKEN | broken_components.BROKEN


def told(kind):
    made = type(f"Test{kind.__name__}", (TranslatorContract,), {"make": lambda _: kind()})
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
    assert len(found) >= 17
    assert not [one for one in found.values() if one.outcome == "failed"]
    skipped = {one.check for one in found.values() if one.outcome == "skipped"}
    sampled = {"test_the_same_twice", "test_the_same_alone_and_in_a_batch"}
    assert skipped == (sampled if kind is Sampling else set()), "what is left out is seen"


def test_most_faults_fail_their_own_check_alone():
    """The checks are apart: a fault of one kind does not hide among many messages."""
    counts = [sum(one.outcome == "failed" for one in told(kind).values()) for kind in BROKEN]
    assert sorted(counts)[len(counts) // 2] <= 2

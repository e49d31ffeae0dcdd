"""Shares, reproducible choices, and what is no mix."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import ConfigError, DataError
from langadapt.prepare.mixing import chosen

NAMES = st.sampled_from(["a", "b", "c", "d"])
IDS = st.lists(st.integers(0, 500) | st.text(max_size=3), min_size=1, max_size=60, unique=True)
WEIGHTS = st.floats(0.01, 100)
SOURCES = st.dictionaries(NAMES, st.tuples(IDS, WEIGHTS), min_size=1)


def split(sources):
    return {name: ids for name, (ids, _) in sources.items()}, {name: w for name, (_, w) in sources.items()}


@given(SOURCES, st.integers(0, 99))
def test_the_largest_mix_with_these_shares(sources, seed):
    ids, weights = split(sources)
    taken = chosen(ids, weights, seed)
    assert all(taken[name] <= set(ids[name]) for name in ids)
    size = min(len(ids[name]) / Fraction(weights[name]) for name in ids)
    for name in ids:
        assert 0 <= size * Fraction(weights[name]) - len(taken[name]) < 1
    assert any(len(taken[name]) == len(ids[name]) for name in ids)


@given(SOURCES, st.integers(0, 99), st.randoms())
def test_the_order_of_rows_and_the_unit_of_weights_do_not_matter(sources, seed, random):
    ids, weights = split(sources)
    mixed = {name: random.sample(rows, len(rows)) for name, rows in reversed(ids.items())}
    assert chosen(mixed, weights, seed) == chosen(ids, weights, seed)
    assert chosen(ids, {name: 4 * weight for name, weight in weights.items()}, seed) == chosen(
        ids, weights, seed
    )


@given(IDS, st.integers(0, 99), st.integers(1, 30))
def test_a_row_more_changes_at_most_one_choice(rows, seed, few):
    few = min(few, len(rows))
    small = {"few": list(range(few)), "many": rows}
    even = {"few": 1.0, "many": 1.0}
    before = chosen(small, even, seed)["many"]
    after = chosen({**small, "many": [*rows, "new row"]}, even, seed)["many"]
    assert len(before) == len(after) == few
    assert len(before - after) <= 1
    assert after - before <= {"new row"}


def test_seeds_differ_and_one_seed_does_not():
    ids = {"few": list(range(50)), "many": list(range(1000))}
    one, two = (chosen(ids, {"few": 1, "many": 2}, seed)["many"] for seed in (1, 2))
    assert len(one) == len(two) == 100
    assert one == chosen(ids, {"few": 1, "many": 2}, 1)["many"]
    assert len(one & two) < 30


def test_the_hash_is_the_same_on_every_machine():
    assert chosen({"a": [1], "b": [1, 2, "1", "2", 3]}, {"a": 1, "b": 2}, 42)["b"] == {"1", 3}


def test_a_text_and_a_number_are_two_ids():
    assert chosen({"a": [1, "1"]}, {"a": 1}, 0) == {"a": {1, "1"}}


def test_without_weights_all_is_taken():
    assert chosen({"a": [1, 2], "b": []}, {}, 0) == {"a": {1, 2}, "b": set()}


@pytest.mark.parametrize(
    ("ids", "weights", "error", "told"),
    [
        ({"a": [1], "b": [2]}, {"a": 1.0}, ConfigError, "source.b.weight: missing, and source.a"),
        ({"a": [1]}, {"a": 1.0, "c": 1.0}, ConfigError, "source.c.weight: no such source"),
        ({"a": [1]}, {"a": 0.0}, ConfigError, "source.a.weight: 0.0"),
        ({"a": [1]}, {"a": float("inf")}, ConfigError, "source.a.weight: inf"),
        ({"a": [1]}, {"a": float("nan")}, ConfigError, "source.a.weight: nan"),
        ({"a": [1], "b": []}, {"a": 1.0, "b": 1.0}, DataError, "source.b: has a weight, and none"),
    ],
)
def test_what_is_no_mix(ids, weights, error, told):
    with pytest.raises(error, match=told) as caught:
        chosen(ids, weights, 0)
    assert caught.value.hint

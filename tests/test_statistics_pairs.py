"""Two models on the same items: tests, intervals, and the smallest difference that could have been seen."""

import numpy as np
import pytest
import scipy.stats

from langadapt.statistics import holm, paired, paired_bootstrap


def right_and_wrong(more, less, same):
    """Answers of two models: only the second right, only the first right, both right."""
    return [0.0] * more + [1.0] * less + [1.0] * same, [1.0] * more + [0.0] * less + [1.0] * same


def test_right_and_wrong_is_mcnemar_s_mid_p():
    told = paired(*right_and_wrong(15, 5, 80), seed=0)
    exact = scipy.stats.binomtest(15, 20).pvalue
    assert told.p == pytest.approx(exact - scipy.stats.binom.pmf(15, 20, 0.5))
    assert told.difference == pytest.approx(0.1)
    assert (told.items, told.clusters) == (100, 100)


@pytest.mark.parametrize(("more", "less", "same"), [(3, 0, 41), (9, 4, 27), (1, 1, 300), (30, 2, 8)])
def test_the_interval_ends_where_the_score_test_refuses(more, less, same):
    low, high = paired(*right_and_wrong(more, less, same), seed=0).interval
    n = more + less + same
    assert low < (more - less) / n < high
    for gap in (low, high):
        assert score(more, less, n, gap) == pytest.approx(1.959964, abs=2e-3)


def score(b, c, n, gap):
    """The score statistic by a search over the free share, not by the formula."""
    shares = np.linspace(1e-9, 1, 400_001)
    with np.errstate(all="ignore"):
        other, rest = shares + gap, 1 - 2 * shares - gap
        told = b * np.log(other) + (c * np.log(shares) if c else 0) + (n - b - c) * np.log(rest)
    best = shares[np.nanargmax(np.where((other > 0) & (rest > 0), told, -np.inf))]
    return abs((b - c) / n - gap) / ((2 * best + gap - gap**2) / n) ** 0.5


def test_no_item_differs():
    told = paired([1.0, 0, 1] * 20, [1.0, 0, 1] * 20, seed=0)
    assert (told.difference, told.p) == (0, 1)
    assert told.interval == pytest.approx((-0.06017, 0.06017), abs=1e-5)
    assert told.smallest() == pytest.approx(5 / 60)  # five items, all to one side, have p = 1/32
    assert paired_bootstrap([1.0] * 9, [1.0] * 9, seed=0) is None


@pytest.mark.parametrize("size", [6, 12, 30])
def test_ratings_are_tested_by_flips_of_sign(size):
    draws = np.random.default_rng(size)
    first = draws.normal(5, 2, size)
    second = first + draws.normal(0.6, 1, size)
    told = paired(first, second, seed=1)
    null = scipy.stats.permutation_test(
        (second - first,), np.mean, permutation_type="samples", rng=np.random.default_rng(1)
    )
    assert told.p == pytest.approx(null.pvalue, abs=0.6 / 2**size + 0.012)
    assert told == paired(first, second, seed=1)
    assert paired(second, first, seed=1).p == pytest.approx(told.p, abs=1e-12)
    assert paired(second, first, seed=1).interval == pytest.approx((-told.interval[1], -told.interval[0]))


def test_all_flips_are_counted_where_they_are_few():
    told = paired([1.0, 2, 3, 4], [1.5, 3, 4.5, 6], seed=0)
    assert told.p == 0.5 * 2 / 16
    assert paired([1.0, 2, 3, 4], [1.5, 3, 4.5, 6], seed=99).p == told.p
    assert told.smallest() is None  # four clusters never reach 5 %


def test_a_rating_s_unit_changes_nothing():
    draws = np.random.default_rng(4)
    first, second = draws.integers(1, 11, 24) / 1.0, draws.integers(1, 11, 24) / 1.0
    told, scaled = paired(first, second, seed=0), paired(first * 1e6, second * 1e6, seed=0)
    tiny = paired(first * 1e-6, second * 1e-6, seed=0)
    assert told.p == scaled.p == tiny.p
    assert scaled.interval == pytest.approx(tuple(1e6 * end for end in told.interval))
    assert tiny.smallest() == pytest.approx(1e-6 * told.smallest())


def test_clusters_are_flipped_and_drawn_as_wholes():
    draws = np.random.default_rng(2)
    first, gain = draws.normal(5, 1, 15), draws.normal(0.5, 1, 15)
    alone = paired(first, first + gain, seed=3)
    thrice = paired(np.tile(first, 3), np.tile(first + gain, 3), seed=3, clusters=[*range(15)] * 3)
    assert thrice.p == pytest.approx(alone.p, abs=1e-9)
    assert thrice.interval == pytest.approx(alone.interval)
    one, many = (paired_bootstrap(first, first + gain, seed=3), paired_bootstrap(np.tile(first, 3), np.tile(first + gain, 3), seed=3, clusters=[*range(15)] * 3))  # fmt: skip
    assert many[0] == pytest.approx(one[0])
    assert many[1] == pytest.approx(one[1], abs=1e-3)


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], [2.0]), ([1.0, 2], [1.0, float("nan")])])
def test_nothing_can_be_tested(first, second):
    assert paired(first, second, seed=0) is None
    assert paired_bootstrap(first, second, seed=0) is None


def test_one_cluster_tells_nothing():
    assert paired([1.0, 2, 3], [2.0, 2, 4], seed=0, clusters=["a"] * 3) is None


def test_lists_of_two_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="shape"):
        paired([1.0, 2], [1.0, 2, 3], seed=0)


def test_the_bootstrap_turns_as_often_as_the_difference_is_doubtful():
    draws = np.random.default_rng(8)
    first = draws.normal(0, 1, 200)
    sure, doubtful = first + draws.normal(0.5, 1, 200), first + draws.normal(0, 1, 200)
    (low, high), turned = paired_bootstrap(first, sure, seed=0)
    assert 0 < low < high
    assert turned < 0.001
    assert 0.01 < paired_bootstrap(first, doubtful, seed=0)[1] < 0.6


def test_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_stricter_level_needs_a_larger_difference():
    told = paired(*right_and_wrong(30, 20, 150), seed=0)
    spread = (50 / 200 - 0.05**2) ** 0.5 * (200 / 199) ** 0.5
    assert told.smallest() == pytest.approx((1.972 + 0.8435) * spread / 200**0.5, rel=1e-3)
    assert told.smallest(level=0.05 / 20) > 1.3 * told.smallest()
    assert told.smallest(power=0.5) < told.smallest()


def test_ten_thousand_items_take_seconds():
    draws = np.random.default_rng(0)
    first = draws.normal(size=10_000)
    told = paired(first, first + draws.normal(0.05, 1, 10_000), seed=0)
    assert told.p < 0.01
    assert told.interval[1] - told.interval[0] == pytest.approx(0.0392, rel=0.1)

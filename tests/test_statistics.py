import numpy as np
import pytest
import scipy.stats

from langadapt.statistics import mean_interval


def test_proportions_are_wilson_s() -> None:
    low, high = mean_interval([1] * 7 + [0] * 3)
    z, p, n = 1.959964, 0.7, 10
    centre, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert (low, high) == pytest.approx(
        ((centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)), abs=1e-6
    )


def test_all_right_is_not_certain() -> None:
    low, high = mean_interval([1.0] * 8)
    assert 0.6 < low < 0.7
    assert high == 1


def test_other_values_have_student_s_interval_where_nothing_is_skewed() -> None:
    values = [*range(1, 10)]
    low, high = mean_interval(values)
    assert (low, high) == pytest.approx(scipy.stats.t.interval(0.95, 8, 5, scipy.stats.sem(values)))


def test_the_interval_leans_to_where_the_tail_is() -> None:
    values = list(np.random.default_rng(0).exponential(size=30))
    low, high = mean_interval(values)
    assert high - np.mean(values) > 1.2 * (np.mean(values) - low)
    turned = mean_interval([-value for value in values])
    assert turned == pytest.approx((-high, -low))


@pytest.mark.parametrize("values", [[], [3.0], [1], [7.0] * 5, [1.0, float("nan")], [1.0, float("inf")]])
def test_nothing_can_be_said(values: list[float]) -> None:
    assert mean_interval(values) is None


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.5, 0.5, 0.6], [7, 7, 7, 7, 9]])
def test_few_values_give_a_wide_interval_around_their_mean(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert low < min(values) <= np.mean(values) <= max(values) < high
    assert mean_interval(values, bounds=(min(values), 9)) == (min(values), min(9, high))


@pytest.mark.parametrize("size", [16, 60])
def test_it_covers_the_mean_about_as_often_as_it_says(size: int) -> None:
    draws = np.random.default_rng(3)
    hits = 0
    for _ in range(2000):
        low, high = mean_interval(list(draws.exponential(size=size)))
        hits += low <= 1 <= high
    assert 0.925 <= hits / 2000 <= 0.97


def test_ten_thousand_values_fit_in_memory() -> None:
    values = list(np.random.default_rng(0).normal(size=10_000))
    low, high = mean_interval(values)
    assert high - low == pytest.approx(0.0392, rel=0.1)


def test_twice_the_same_is_known_once() -> None:
    values, names = [3.0, 5, 8, 2, 6, 7], [*"abcdef"]
    assert mean_interval(values * 2, clusters=names * 2) == pytest.approx(mean_interval(values))
    right = [1, 0, 1, 1, 0, 1, 1, 1]
    low, high = mean_interval(right * 2, clusters=[*range(8)] * 2)
    alone = mean_interval(right)
    assert low < alone[0] < alone[1] < high  # Student's quantile where Wilson has the normal one


def test_parts_weigh_alike_and_need_two_each() -> None:
    draws = np.random.default_rng(1)
    small, large = list(draws.normal(0, 1, 20)), list(draws.normal(10, 1, 200))
    low, high = mean_interval(small + large, parts=["s"] * 20 + ["l"] * 200)
    assert low < 5.1 < high
    error = (np.var(small, ddof=1) / 20 + np.var(large, ddof=1) / 200) ** 0.5 / 2
    assert high - low == pytest.approx(2 * 1.97 * error, rel=0.02)
    assert mean_interval([1.0, 2, 3, 9], parts=["a", "a", "a", "b"]) is None


def test_all_right_in_clusters_is_no_more_certain_than_their_number() -> None:
    low, high = mean_interval([1.0] * 40, clusters=[*range(8)] * 5)
    assert low == pytest.approx(mean_interval([1.0] * 8)[0], abs=0.1)
    assert high == 1

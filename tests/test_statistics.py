import numpy as np
import pytest

from langadapt.statistics import mean_interval


def test_proportions_are_wilson_s() -> None:
    low, high = mean_interval([1] * 7 + [0] * 3, seed=0)
    z, p, n = 1.959964, 0.7, 10
    centre, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    assert (low, high) == pytest.approx(
        ((centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)), abs=1e-6
    )


def test_all_right_is_not_certain() -> None:
    low, high = mean_interval([1.0] * 8, seed=0)
    assert 0.6 < low < 0.7
    assert high == 1


def test_other_values_are_bootstrapped_and_repeat() -> None:
    values = list(np.random.default_rng(0).normal(50, 10, size=200))
    low, high = mean_interval(values, seed=1)
    assert low < np.mean(values) < high
    assert high - low == pytest.approx(2 * 1.96 * np.std(values) / 200**0.5, rel=0.1)
    assert mean_interval(values, seed=1) == (low, high)


@pytest.mark.parametrize("values", [[], [3.0], [1], [7.0] * 5, [1.0, float("nan")], [1.0, float("inf")]])
def test_nothing_can_be_said(values: list[float]) -> None:
    assert mean_interval(values, seed=0) is None


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.5, 0.5, 0.6], [7, 7, 7, 7, 9]])
def test_few_values_give_an_interval_around_their_mean(values: list[float]) -> None:
    low, high = mean_interval(values, seed=0)
    assert min(values) <= low <= np.mean(values) <= high <= max(values)


def test_it_covers_the_mean_about_as_often_as_it_says() -> None:
    draws = np.random.default_rng(3)
    hits = 0
    for seed in range(200):
        low, high = mean_interval(list(draws.exponential(size=60)), seed=seed)
        hits += low <= 1 <= high
    assert 0.87 <= hits / 200 <= 0.99


def test_ten_thousand_values_fit_in_memory() -> None:
    values = list(np.random.default_rng(0).normal(size=10_000))
    low, high = mean_interval(values, seed=0)
    assert high - low == pytest.approx(0.0392, rel=0.1)

"""Our trainers and TRL's own command line on the same rows, with the same values: the benchmark compares more of them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))

from training_cli import CASES, NEAR, compared
from trainings import TINY, made_base


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cpt, long texts divided", "sft, packed, best fit", "dpo, robust, smoothed"]
)
def test_losses_are_those_of_trl_itself(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    far, steps = compared(CASES[name], made_base(tmp_path / "base", TINY), tmp_path)
    assert steps > 9
    assert far <= NEAR


def test_a_difference_would_be_seen():
    from trainings import apart

    assert apart([1.0, 2.0], [1.0, 2.1]) == pytest.approx(0.1)
    assert apart([1.0], [1.0, 2.0]) == apart([], []) == float("inf")

"""What `make bench-segments` measures with fifty kills, with a few: the script is the same."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts/bench"))

import kill
import memory


@pytest.mark.slow
def test_a_killed_translation_loses_and_repeats_nothing():
    found = kill.figures(kills=6)
    assert [str(figure) for figure in found if not figure.met] == []


@pytest.mark.slow
def test_memory_stays_flat():
    found = memory.figures(segments=60_000)
    assert [str(figure) for figure in found if not figure.met] == []

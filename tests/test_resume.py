"""What `make bench-train` measures with many trainings that are ended at random, with one: the script is the same."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts/bench/resume.py"


@pytest.mark.slow
def test_a_training_that_is_ended_at_any_moment_ends_with_the_same_weights():
    words = [sys.executable, str(SCRIPT), "--kills", "4", "--only", "SFT, packed"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 figures met" in done.stdout or "not root" in done.stdout

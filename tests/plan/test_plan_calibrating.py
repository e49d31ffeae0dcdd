"""What a calibration measures: load, rate and waste are told apart, whatever the engine's way of working."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "bench"))

from worlds import Clock, Simulated, World

from langadapt.interfaces import Segment
from langadapt.plan.calibrating import heard


def world(**changes):
    usual = {
        "seed": 1, "rows": 0, "lines": 1, "words": 10, "spread": 0.5, "repeated": 0, "batch": 32, "step": 0.01, "per_text": 0.0,
        "noise": 0.0, "load": 30.0, "expansion": 1.0, "unfinished": 0.0, "stream": False,
    }  # fmt: skip
    return World(**{**usual, **changes})


def segments(number, longest=60):
    rng = random.Random(number)
    return [Segment(text=" ".join(["word"] * rng.randint(1, longest)) + f" {n}") for n in range(number)]


def measured(made, number, english, german, size=None):
    clock = Clock()
    engine = Simulated(name="x", world=made, clock=clock)
    return heard(engine, segments(number), (english, german), size=size, clock=clock), clock


@pytest.mark.parametrize("size", [None, 32])
@pytest.mark.parametrize("number", [300, 1000])
def test_a_batched_engine_is_as_fast_among_many_as_it_is_told(english, german, size, number):
    found, _ = measured(world(), number, english, german, size)
    many, clock = measured(world(), 20_000, english, german, size)
    rate = (many.seconds - many.load) / many.characters
    assert many.rate == pytest.approx(rate, rel=0.03)
    assert found.rate == pytest.approx(rate, rel=0.06)
    assert found.load == pytest.approx(30.0, rel=0.02)
    assert found.seconds == pytest.approx(clock.now, abs=clock.now)


def test_an_engine_that_takes_one_after_the_other_wastes_nothing(english, german):
    found, clock = measured(world(batch=1), 400, english, german)
    assert found.waste < 0.05 * found.seconds
    assert found.seconds == pytest.approx(clock.now)


@pytest.mark.parametrize("number", [0, 1, 2, 3, 13])
def test_few_segments_tell_little_and_break_nothing(english, german, number):
    found, clock = measured(world(), number, english, german)
    assert len(found.hypotheses) == number
    assert found.noise == pytest.approx(0.3)
    assert found.rate >= 0
    assert found.load >= 0
    assert clock.now == pytest.approx(found.seconds)


def test_an_engine_without_a_measurable_duration(english, german, scripted):
    found = heard(scripted(), segments(100), (english, german), size=None, clock=lambda: 5.0)
    assert (found.rate, found.waste, found.load, found.seconds) == (0, 0, 0, 0)
    assert len(found.hypotheses) == 100


def test_noise_is_seen(english, german):
    quiet, loud = (measured(world(noise=noise), 2000, english, german)[0].noise for noise in (0.0, 0.4))
    assert quiet < loud <= 0.3

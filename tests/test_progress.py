import fcntl
import io
import math
import os
import pty
import re
import struct
import termios
from itertools import pairwise

import pytest

from langadapt import progress


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(progress.time, "monotonic", made)
    return made


def test_a_line_holds_what_is_done_rate_time_left_and_facts(clock):
    out = io.StringIO()
    with progress.Console(out).task("segments", 100) as task:
        clock.now += 4
        task.advance(10)
        assert out.getvalue() == ""
        clock.now += 16
        task.advance(30, {"remembered": 0.25})
    assert out.getvalue() == "  segments: 40/100, 2.0/s, 30 s left, remembered 0.25\n"


def test_lines_come_every_ten_seconds_however_often_work_advances(clock):
    out = io.StringIO()
    with progress.Console(out).task("rows", 600) as task:
        for _ in range(600):
            clock.now += 0.1
            task.advance()
    told = [int(re.search(r"rows: (\d+)/600", line)[1]) for line in out.getvalue().splitlines()]
    assert len(told) == 5
    assert told == sorted(told)
    assert all(later - sooner >= 100 for sooner, later in pairwise(told))


def test_work_of_unknown_size_has_a_rate_and_no_time_left(clock):
    out = io.StringIO()
    with progress.Console(out).task("read", None) as task:
        clock.now += 20
        task.advance(40)
    assert out.getvalue() == "  read: 40, 2.0/s\n"


def test_a_line_for_the_reader_is_written_at_once():
    out = io.StringIO()
    progress.Console(out).say("demonstration")
    assert out.getvalue() == "demonstration\n"


TRAINING = {
    "loss": 0.38612,
    "lr": 5.5612e-7,
    "tok/s": 7731.0,
    "grad": 0.69512,
    "accuracy": 1.0,
    "held-out": 0.39715,
}


def on_a_terminal(columns, facts, total=3000, done=1600):
    """What a terminal of so many columns shows at last, and whatever was written to it."""
    above, below = pty.openpty()
    fcntl.ioctl(below, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    with (
        os.fdopen(below, "w", encoding="utf-8") as out,
        progress.Console(out).task("dpo: step", total) as task,
    ):
        task.advance(done - 1)
        task.advance(1, facts)
        task._bar.refresh()
        told = ""
        while str(done) not in told.rsplit("\r", maxsplit=1)[-1]:
            told += os.read(above, 100_000).decode()
    os.close(above)
    return told.split("\r")[-1], told


@pytest.mark.parametrize(
    ("columns", "shown", "left_out"),
    [
        (80, "loss 0.386 lr 5.56e-7 tok/s 7.73k grad 0.695", "accuracy"),
        (120, "tok/s 7.73k grad 0.695 accuracy 1 held-out 0.397", "nothing"),
        (60, "loss 0.386 lr 5.56e-7", "tok/s"),
        (30, "1600/3000", "loss"),
    ],
)
def test_a_bar_takes_one_line_and_shows_what_fits(columns, shown, left_out):
    line, told = on_a_terminal(columns, TRAINING)
    assert line.startswith("  dpo: step")
    assert shown in line
    assert left_out not in line
    assert all(len(part) <= columns for part in told.split("\r"))
    assert "\n" not in told


def test_a_wide_terminal_has_room_for_a_bar_and_the_rate():
    line, _ = on_a_terminal(160, {"kept": 0.5})
    assert re.search(r"53% \|█.* \| 1600/3000 \d\d:\d\d left kept 0.5 [\d.]+it/s", line)
    line, _ = on_a_terminal(80, {"{desc}": 1.0}, total=None)
    assert "1600" in line
    assert "{desc} 1" in line


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.25, "0.25"), (7731, "7.73k"), (1.23e7, "12.3M"), (2e-5, "2e-5"), (1e-12, "1e-12"), (0, "0"), (-4200, "-4.2k"),
     (math.inf, "inf"), (math.nan, "nan"), (999.7, "1k"), (999_900, "1M")],
)  # fmt: skip
def test_numbers_are_short(value, said):
    assert progress.short(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(30, "30 s"), (119.4, "119 s"), (150, "2 min"), (3600, "1 h 00 min"), (9000, "2 h 30 min")],
)
def test_time_left_is_said_as_people_do(seconds, said):
    assert progress.left(seconds) == said

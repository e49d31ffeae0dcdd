import io
import re
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


def test_a_terminal_gets_a_bar():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    with progress.Console(out).task("segments", 4) as task:
        task.advance(4, {"remembered": 0.5})
        task._bar.refresh()
    assert "segments: 100%" in out.getvalue()
    assert "remembered=0.5" in out.getvalue()
    assert out.getvalue().endswith("\r")

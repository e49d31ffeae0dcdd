"""Work in a process of its own: a real worker each time."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import alive, wait_for

from langadapt.errors import ComponentError, DataError, MachineError
from langadapt.launch import launch
from langadapt.runner import Run

WORKER = [sys.executable, str(Path(__file__).with_name("worker_example.py"))]


class Heard:
    """A progress that keeps what it is told."""

    def __init__(self):
        self.told = []

    def say(self, line):
        self.told.append(("say", line))

    @contextmanager
    def task(self, label, total):
        self.told.append(("begin", label, total))
        try:
            yield self
        finally:
            self.told.append(("end", label))

    def advance(self, count=1, facts=None):
        self.told.append(("advance", count, facts))


@pytest.fixture
def start(tmp_path):
    def run(do, progress=None, environment=None, **job):
        heard = progress or Heard()
        return launch(
            WORKER,
            {"do": do, **job},
            folder=tmp_path / "work",
            label="example",
            progress=heard,
            environment=environment,
        )

    return run


def test_the_result_and_the_progress_come_back_and_the_rest_goes_to_the_log(start, tmp_path):
    heard = Heard()
    result = start("add", heard, {"GREETING": "grüß"}, numbers=[1, 2, 4], name="Äpfel")
    assert result == {"sum": 7, "name": "Äpfel"}
    assert heard.told == [
        ("say", "adding"),
        ("begin", "example: numbers", 3),
        ("advance", 1, {"number": 1}),
        ("advance", 1, {"number": 2}),
        ("advance", 1, {"number": 4}),
        ("end", "example: numbers"),
    ]
    assert (tmp_path / "work" / "worker.log").read_text() == "seen in the log grüß\n"
    assert json.loads((tmp_path / "work" / "job.json").read_text())["job"]["numbers"] == [1, 2, 4]


def test_an_error_of_ours_keeps_its_class_and_hint(start):
    with pytest.raises(DataError, match=r"^row 7 is odd$") as caught:
        start("refuse")
    assert caught.value.hint == "mend row 7"
    assert caught.value.exit_code == 4


def test_a_task_that_fails_is_ended(start):
    heard = Heard()
    with pytest.raises(DataError):
        start("refuse", heard)
    assert heard.told[-1] == ("end", "example: rows")


def test_a_crash_is_told_in_one_line_and_the_log_holds_the_rest(start, tmp_path):
    with pytest.raises(ComponentError, match=r"^example: RuntimeError: out of luck$") as caught:
        start("crash")
    log = tmp_path / "work" / "worker.log"
    assert caught.value.hint.endswith(str(log))
    lines = log.read_text().splitlines()
    assert [line for line in lines if line.startswith("line ")] == [f"line {number}" for number in range(100)]
    assert "Traceback (most recent call last):" in lines
    assert "RuntimeError: out of luck" in lines


def test_a_worker_that_dies_is_not_told_by_the_result_of_an_earlier_one(start):
    with pytest.raises(DataError):
        start("refuse")
    with pytest.raises(ComponentError, match=f"exit code -{signal.SIGABRT.value}.* last words") as caught:
        start("die")
    assert len(str(caught.value).splitlines()) == 1


def test_progress_after_a_bar_is_still_heard(start):
    heard = Heard()
    start("bar", heard)
    assert ("say", "after the bar") in heard.told


def test_the_worker_inherits_the_lock_of_the_run_and_no_other_file(start, tmp_path):
    with Run(tmp_path / "run") as run, (tmp_path / "private").open("w"):
        held = start("descriptors")
        assert str(run.folder / "lock") in held
        assert str(tmp_path / "private") not in held


def test_only_the_first_of_several_processes_tells_and_answers(start):
    heard = Heard()
    with pytest.raises(ComponentError, match="exit code 0"):
        start("add", heard, {"RANK": "1"}, numbers=[1], name="")
    assert heard.told == []
    with pytest.raises(DataError, match="row 7 is odd"):
        start("refuse", heard, {"RANK": "1"})
    assert start("add", heard, {"RANK": "0"}, numbers=[1], name="")["sum"] == 1
    assert heard.told[0] == ("say", "adding")


@pytest.mark.parametrize("whom", ["parent", "all"])
def test_sigterm_is_handed_on_and_waited_for(tmp_path, whom):
    job = str(tmp_path / "work" / "job.json")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("sleep", "finish"), str(tmp_path), *WORKER],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for((tmp_path / "awake").exists, 120)
        for _ in range(3):  # a scheduler may say it more than once
            (os.kill if whom == "parent" else os.killpg)(parent.pid, signal.SIGTERM)
        assert "KeyboardInterrupt" in parent.communicate(timeout=120)[1]
    finally:
        parent.kill()
    assert not alive(job)
    assert (tmp_path / "awake").read_text() == "saved"
    assert is_free(tmp_path)


def is_free(folder):
    try:
        Run(folder).close()
    except MachineError:
        return False
    return True


PARENT = """
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from langadapt.launch import launch
from langadapt.progress import Silent
from langadapt.runner import Run
folder = Path(sys.argv[1])
with Run(folder):
    launch(sys.argv[2:], {"do": "sleep", "awake": str(folder / "awake")}, folder=folder / "work", label="x", progress=Silent())
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_the_worker_ends_when_its_parent_does(tmp_path, name):
    job = str(tmp_path / "work" / "job.json")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), *WORKER], stderr=subprocess.DEVNULL
    ) as parent:
        try:
            wait_for((tmp_path / "awake").exists, 120)
            children = alive(job)
            assert len(children) == 1
            os.kill(parent.pid, signal.Signals[name])
            assert parent.wait(60) != 0
            wait_for(lambda: not alive(job), 60)
        finally:
            parent.kill()
            for child in alive(job):
                os.kill(int(child), signal.SIGKILL)
    wait_for(lambda: is_free(tmp_path), 60)

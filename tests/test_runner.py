import json
import os
import stat
import subprocess
import sys

import pytest

from langadapt.errors import MachineError
from langadapt.runner import Run


def work(run, settings, inputs=(), *, fail=False):
    with run.step("prepare", settings=settings, inputs=inputs) as step:
        needed = step.needed
        if needed:
            (step.folder / "out").write_text(json.dumps(settings))
            if fail:
                raise KeyboardInterrupt
            step.facts["n"] = 1
    return needed


def test_a_step_is_skipped_only_when_settings_and_input_are_unchanged(tmp_path):
    data = tmp_path / "data"
    data.write_text("a")
    with Run(tmp_path / "run") as run:
        assert work(run, {"a": 1}, [data])
        assert not work(run, {"a": 1}, [data])
        assert work(run, {"a": 2}, [data])
        data.write_text("b")
        assert work(run, {"a": 2}, [data])
        assert not work(run, {"a": 2}, [data])


def test_what_was_interrupted_is_kept_for_the_same_settings_and_wiped_for_others(tmp_path):
    with Run(tmp_path) as run:
        with pytest.raises(KeyboardInterrupt):
            work(run, 1, fail=True)
        (run.folder / "prepare" / "state").write_text("half")
        with run.step("prepare", settings=1) as step:
            assert step.needed
            assert step.path("state").exists()
        with run.step("prepare", settings=2) as step:
            assert not step.path("state").exists()


def test_facts_come_back_from_the_manifest(tmp_path):
    with Run(tmp_path) as run:
        work(run, 1)
        with run.step("prepare", settings=1) as step:
            assert step.facts == {"n": 1}
        assert run.manifests()["prepare"]["facts"] == {"n": 1}


def test_the_second_run_says_who_holds_the_folder(tmp_path):
    script = f"from langadapt.runner import Run\nfrom pathlib import Path\nRun(Path({str(tmp_path)!r}))"
    with Run(tmp_path):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert f"held by process {os.getpid()}" in done.stderr
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="file"):
        Run(tmp_path / "file" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_named(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(MachineError, match=tmp_path.name):
        Run(tmp_path / "run")


def test_a_full_disk_names_the_folder_and_keeps_what_was_done(tmp_path):
    with Run(tmp_path) as run:
        work(run, 1)
        with (
            pytest.raises(MachineError, match="No space left") as caught,
            run.step("translate/sft", settings=1),
        ):
            raise OSError(28, "No space left on device", str(run.folder / "translate" / "sft" / "rows.jsonl"))
        assert str(run.folder) in str(caught.value)
        assert not work(run, 1)
        with run.step("translate/sft", settings=1) as step:
            assert step.needed

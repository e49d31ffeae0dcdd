"""The main job, shortened: whole, again, killed in each stage."""

import contextlib
import json
import shutil
import signal
import sqlite3
import subprocess

import pytest
from processes import alive, wait_for

from end_to_end.commands import RUN, command, env, langadapt

pytestmark = pytest.mark.slow
STEPS = (
    "prepare",
    "translate/sft",
    "translate/dpo",
    "filter/sft",
    "train/sft",
    "train/dpo",
    "evaluate/base/harness",
)
RESULTS = (
    "prepare/*.jsonl", "translate/*/*.jsonl", "filter/*/*.jsonl", "train/*/model/model.safetensors",
    "evaluate/*/*/scores.json", "evaluate/*/mt-bench/answers.jsonl", "evaluate/*/probes/answers.jsonl",
)  # fmt: skip


def results(run):
    found = {
        str(path.relative_to(run)): path.read_bytes()
        for pattern in RESULTS
        for path in sorted(run.glob(pattern))
    }
    assert len(found) > 20
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    done = langadapt(*RUN, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_it_ends_with_the_report_and_says_that_it_is_a_demonstration(whole):
    folder, done = whole
    run = folder / "runs" / "de-mini"
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    for text in (
        done.stderr.splitlines()[0],
        done.stdout.splitlines()[-1],
        (run / "report" / "model_card.md").read_text(encoding="utf-8"),
        page,
    ):
        assert "demonstration" in text.lower()
    assert str(run / "report" / "index.html") in done.stdout
    manifests = {path.parent.relative_to(run).as_posix() for path in run.rglob("manifest.json")}
    assert set(STEPS) | {"report", "evaluate/dpo/probes"} <= manifests


def test_every_row_is_accounted_for(whole):
    run = whole[0] / "runs" / "de-mini"
    for stream in ("sft", "dpo"):
        lines = {
            name: [
                json.loads(line)
                for line in (run / name.format(stream)).read_text(encoding="utf-8").splitlines()
            ]
            for name in (
                "prepare/{}.jsonl",
                "translate/{}/rows.jsonl",
                "translate/{}/rows.held.jsonl",
                "filter/{}/kept.jsonl",
                "filter/{}/kept.dropped.jsonl",
            )
        }
        ids = {name: [row["id"] for row in rows] for name, rows in lines.items()}
        prepared, rows, held, kept, dropped = ids.values()
        assert sorted(prepared) == sorted(rows + held)
        assert sorted(rows) == sorted(kept + dropped)
        assert all(row["dropped"]["reason"] for row in lines["filter/{}/kept.dropped.jsonl"])
        assert all(row["held"]["reason"] for row in lines["translate/{}/rows.held.jsonl"])


def test_again_everything_is_skipped(whole):
    folder, _ = whole
    before = results(folder / "runs" / "de-mini")
    done = langadapt(*RUN, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "running" not in done.stderr
    assert done.stderr.count("unchanged, skipped") >= 10
    assert results(folder / "runs" / "de-mini") == before


def _under_way(folder, step):
    """The step has done something and is not done."""
    place = folder / "runs" / "de-mini" / step
    if (place / "manifest.json").exists():
        return False
    if step.startswith("translate"):
        return (place / "fingerprint").exists() and remembered(folder / "runs" / "memory.sqlite") > 20
    if step.startswith("train"):
        return any(place.glob("checkpoints/*/whole-*"))
    return (place / "fingerprint").exists()


def remembered(memory):
    try:
        with contextlib.closing(sqlite3.connect(f"file:{memory}?mode=ro", uri=True)) as rows:
            return rows.execute("SELECT count(*) FROM hypotheses").fetchone()[0]
    except sqlite3.OperationalError:  # it is made with the first translation
        return 0


def test_killed_in_every_stage_and_started_again_it_ends_the_same(whole, tmp_path):
    for step in STEPS:
        child = subprocess.Popen(
            command(*RUN), cwd=tmp_path, env=env({}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(lambda step=step, child=child: child.poll() is not None or _under_way(tmp_path, step), 900)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not (tmp_path / "runs" / "de-mini" / step / "manifest.json").exists(), (
            f"{step} was done too soon"
        )
        wait_for(lambda: not alive(str(tmp_path)), 120)
    done = langadapt(*RUN, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "de-mini"
    assert results(run) == results(whole[0] / "runs" / "de-mini")
    for slot in ("sft", "dpo"):
        facts = json.loads((run / "train" / slot / "manifest.json").read_text())["facts"]["checkpoint"][
            "facts"
        ]
        assert facts["resumed_from"], "the trainer began anew"


def test_a_moved_run_is_still_done(whole, tmp_path):
    shutil.copytree(whole[0] / "runs", tmp_path / "runs")
    done = langadapt(*RUN, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "running" not in done.stderr.replace("report: running", "")


def test_the_gates_keep_most_and_training_learns(whole):
    run = whole[0] / "runs" / "de-mini"
    facts = {
        path.parent.relative_to(run).as_posix(): json.loads(path.read_text())["facts"]
        for path in run.rglob("manifest.json")
    }
    for stream in ("sft", "dpo"):
        assert facts[f"filter/{stream}"]["kept"] >= 0.6 * facts[f"translate/{stream}"]["records"]
    sft, dpo = (facts[f"train/{slot}"]["checkpoint"]["facts"] for slot in ("sft", "dpo"))
    assert sft["held_out_loss_after"] <= 0.8 * sft["held_out_loss_before"]
    assert dpo["train_reward_accuracy"] >= 0.75
    assert sft["world_size"] == dpo["world_size"] == 1


def test_two_runs_in_one_folder(whole):
    folder, _ = whole
    first = subprocess.Popen(
        command(*RUN, "--set", "train.sft.epochs=3.0"),
        cwd=folder,
        env=env({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        lock = folder / "runs" / "de-mini" / "lock"
        wait_for(lambda: f"process {first.pid} " in lock.read_text(), 300)
        second = langadapt(*RUN, folder=folder)
        assert second.returncode == 5
        assert f"held by process {first.pid}" in second.stderr
    finally:
        first.kill()
        first.wait()

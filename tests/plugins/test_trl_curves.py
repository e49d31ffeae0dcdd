"""The points of a training while it runs, after a kill, and in TensorBoard: real trainings of a tiny model."""

import json
import math
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from processes import alive, wait_for
from tiny import tiny_model

import langadapt
from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef, TrainingJob
from langadapt.progress import Silent
from langadapt.records import write_rows
from langadapt_plugins.trainers import trl_trackers
from langadapt_plugins.trainers.trl import TrlDpo, TrlSft
from langadapt_plugins.trainers.trl_curves import Curves

SETTINGS = {
    "batch_size": 4, "per_device_batch_size": 4, "max_length": 64, "dtype": "float32", "epochs": 4.0,
    "learning_rate": 1e-3, "logging_steps": 2, "save_steps": 5, "report_to": ("tensorboard",),
}  # fmt: skip
TEMPLATE = str(Path(langadapt.__file__).parent / "templates" / "zephyr.jinja")
TIMED = ("tokens_per_second", "mfu")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """40 steps, with points at the first, at every second and wherever a state is saved."""
    folder = tmp_path_factory.mktemp("curves")
    rows = [
        {"prompt": f"Wie viel ist {i}?", "chosen": f"Das ist {i}.", "rejected": f"Nein, {i}!"}
        for i in range(44)
    ]
    write_rows(folder / "records.jsonl", rows[:40])
    write_rows(folder / "held_out.jsonl", rows[40:])
    base = tiny_model(folder / "base", [text for row in rows for text in row.values()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(folder / "cache"))
        yield TrainingJob(
            name="dpo", records=folder / "records.jsonl", held_out=folder / "held_out.jsonl",
            base=ModelRef(str(base)), chat_template=TEMPLATE, output=folder / "run" / "train" / "dpo", seed=1,
        )  # fmt: skip


def points(job):
    """The whole lines of the file."""
    file = job.output / "curves.jsonl"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def untimed(found):
    return [{name: value for name, value in point.items() if name not in TIMED} for point in found]


@pytest.mark.slow
def test_a_kill_neither_doubles_nor_loses_a_point(job):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    component = TrlDpo(**SETTINGS)
    work = job.output.parents[2] / "work"
    work.write_bytes(pickle.dumps((component, job, Silent())))
    code = "import pickle, sys; c, job, progress = pickle.load(open(sys.argv[1], 'rb')); c.train(job, progress=progress)"
    parent = subprocess.Popen([sys.executable, "-c", code, str(work)])

    def past_a_state():
        """Points are there that the newest state does not know of."""
        states = [int(mark.parent.name[11:]) for mark in job.output.glob("checkpoints/*/whole-*")]
        return states and points(job)[-1]["step"] > max(states)

    try:
        wait_for(past_a_state, 300)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not alive(str(job.output)), 60)
    early = points(job)
    assert [point["step"] for point in early[:4]] == [0, 1, 2, 4]
    assert all({"loss", "learning_rate", "grad_norm"} <= set(p) for p in early if "eval_loss" not in p)

    made = component.train(job, progress=Silent())
    assert made.facts["resumed_from"]
    found = points(job)
    assert found == list(made.curves)
    trained = [point for point in found if "loss" in point]
    saved = set(range(5, 41, 5))
    assert [point["step"] for point in trained] == sorted({1, *range(2, 41, 2), *saved})
    assert all(sooner["step"] < later["step"] for sooner, later in pairwise(trained))
    kept = [point for point in early if point["step"] <= int(made.facts["resumed_from"][11:])]
    assert found[: len(kept)] == kept
    assert all(point["tokens_per_second"] > 0 for point in trained[1:])
    assert "tokens_per_second" not in trained[0]
    assert {"rewards/accuracies", "rewards/margins"} <= set(trained[-1])
    rates = sorted(point["tokens_per_second"] for point in trained[1:])
    assert rates[0] <= made.facts["tokens_per_second"] <= rates[-1]
    assert made.facts["mfu"] is None  # nobody says what this processor could do
    assert 1e8 < made.facts["peak_memory_bytes"] == made.facts["peak_host_memory_bytes"] < 1e11

    board = EventAccumulator(str(job.output / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    for tag, name, of in (
        ("train/loss", "loss", trained),
        ("train/tokens_per_second", "tokens_per_second", trained[1:]),
        ("eval/loss", "eval_loss", [point for point in found if "eval_loss" in point]),
    ):
        told = [(event.step, event.value) for event in board.Scalars(tag)]
        assert [step for step, _ in told] == [point["step"] for point in of], tag
        assert [value for _, value in told] == pytest.approx([point[name] for point in of], rel=1e-6)

    whole = TrainingJob(**{**vars(job), "output": job.output.parent / "whole"})
    unbroken = TrlDpo(**{**SETTINGS, "report_to": ()}).train(whole, progress=Silent())
    assert untimed(unbroken.curves) == untimed(made.curves)
    assert not (whole.output / "tensorboard").exists()


def test_a_line_is_whole_and_strict_json(tmp_path):
    curves = Curves(tmp_path)
    curves.begin([{"step": 0, "eval_loss": 1.5}])
    curves.add({"step": 1, "loss": math.nan, "grad_norm": math.inf})
    lines = (tmp_path / "curves.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line, parse_constant=pytest.fail) for line in lines] == [
        {"step": 0, "eval_loss": 1.5},
        {"step": 1, "loss": None, "grad_norm": None},
    ]
    (tmp_path / "curves.jsonl").write_text('{"step": 0}\n{"st')  # a kill in the middle of a line
    curves.begin([{"step": 0}])
    curves.add({"step": 1})
    assert (tmp_path / "curves.jsonl").read_text() == '{"step": 0}\n{"step": 1}\n'


def test_a_tracker_that_is_not_there_is_said_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(trl_trackers, "find_spec", lambda name: None)
    job = TrainingJob(
        name="sft", records=tmp_path / "none", held_out=tmp_path / "none", base=ModelRef("none"),
        chat_template=None, output=tmp_path / "output", seed=1,
    )  # fmt: skip
    component = TrlSft(report_to=("wandb",))
    for refuse in (lambda: component.check(None), lambda: component.train(job, progress=Silent())):
        with pytest.raises(ConfigError, match=r"^report_to: wandb is not installed$") as caught:
            refuse()
        assert caught.value.hint == "pip install wandb, or leave it out of report_to"
    with pytest.raises(ConfigError, match="no tracker is called 'tensorbord'"):
        trl_trackers.check(["tensorbord"])
    with pytest.raises(ConfigError, match="set `report_to` of the trainer"):
        TrlSft(arguments={"report_to": "wandb"})
    assert not job.output.exists()


def test_keys_stay_in_the_environment_and_nothing_leaves_without_one(tmp_path, monkeypatch):
    output = tmp_path / "de-mini" / "train" / "sft"
    (output / "worker").mkdir(parents=True)
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    told = trl_trackers.environment(("wandb",), output)
    assert (told["WANDB_MODE"], told["WANDB_DIR"]) == ("offline", str(output))
    monkeypatch.setenv("WANDB_API_KEY", "secret-key")
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    again = trl_trackers.environment(("wandb",), output)
    assert not {"WANDB_MODE", "WANDB_PROJECT"} & set(again)
    assert again["WANDB_RUN_ID"] == told["WANDB_RUN_ID"]  # so that a resumed training goes on in the same run
    assert "secret-key" not in json.dumps([again, trl_trackers.arguments(("wandb",), output, "sft")])
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert trl_trackers.arguments(("wandb",), output, "sft") == {"run_name": "sft de-mini"}
    assert trl_trackers.arguments(("trackio",), output, "sft")["trackio_static_space_id"] is False
    assert trl_trackers.environment((), output) == trl_trackers.arguments((), output, "sft") == {}

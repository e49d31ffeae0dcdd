"""The curves of trainings on the page: finished ones, one that was interrupted, one that diverged."""

import json
import re

import pytest
import run_folder as made

from langadapt.report import summary, write_report
from langadapt.report.plots import curves
from langadapt.report.training import TrainingFacts
from langadapt.runner import Run


def training(points, **facts):
    return TrainingFacts(
        slot="dpo", use="trl-dpo", checkpoint="dpo", base="sft", rows=9, held_out=1, seconds=3.0,
        curves=tuple(points), facts=facts,
    )  # fmt: skip


def drawn(*points):
    picture = str(curves(training(points)) or "")
    return picture, [
        title
        for title in (
            "loss",
            "reward accuracy",
            "reward margin",
            "learning rate",
            "gradient norm",
            "tokens per second",
        )
        if f">{title}<" in picture
    ]


def test_each_thing_that_was_measured_has_a_picture_and_nothing_else():
    rates = {"loss": 1.0, "learning_rate": 5e-7, "grad_norm": 2.0, "tokens_per_second": 18_500.0}
    steps = [{"step": n, **rates} for n in range(1, 9)]
    picture, titles = drawn(*steps)
    assert titles == ["loss", "learning rate", "gradient norm", "tokens per second"]
    assert "5e-7" in picture
    assert "15k" in picture
    assert "held out" not in picture
    assert "optimizer step" in picture
    picture, titles = drawn(
        {"step": 0, "eval_loss": 0.7}, {"step": 1, "rewards/accuracies": 0.5, "loss": 0.6}
    )
    assert titles == ["loss", "reward accuracy"]
    assert "held out" in picture
    assert drawn() == drawn({"step": 3}, {"loss": "broken", "step": 4}) == ("", [])


def test_a_training_that_diverged_is_drawn_as_far_as_it_went():
    points = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": None}, {"step": 3, "loss": float("nan")}]
    assert drawn(*points)[1] == ["loss"]
    assert drawn(*points[1:])[1] == []


def test_colours_are_the_page_s_own_so_that_the_dark_changes_them():
    picture, _ = drawn({"step": 1, "loss": 2.0, "eval_loss": 2.0}, {"step": 2, "loss": 1.0, "eval_loss": 1.5})
    assert {"var(--accent)", "var(--warm)", "var(--ink)"} <= set(re.findall(r"var\(--\w+\)", picture))
    assert not re.search(r"(fill|stroke): (#2a7f7a|#fff|#26323c)", picture)


@pytest.fixture
def interrupted(tmp_path):
    """SFT is done; DPO was killed while it wrote a line."""
    with Run(tmp_path / "run") as run:
        for stage in made.STAGES[:4]:
            stage(run)
        slot = run.folder / "train" / "dpo"
        (slot / "manifest.json").unlink()
        lines = [{"step": n, "loss": 0.7 - n / 100, made.SCRIPT: 1.0} for n in (1, 10, 20)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (slot / "curves.jsonl").write_text(f'{text}[1]\n{{"step": 3', encoding="utf-8")
        yield run


def test_an_interrupted_training_shows_how_far_it_came(interrupted):
    page = write_report(interrupted, made.recipe(), made.pack()).read_text("utf-8")
    section = page[page.index('<section id="training"') : page.index('<section id="benchmarks"')]
    assert "dpo: sft, not finished" in section
    assert "had come to step 20 when this page was written" in section
    assert section.count("<svg") == 2
    assert made.SCRIPT not in page
    card = (interrupted.folder / "report" / "model_card.md").read_text("utf-8")
    assert "### sft" in card
    assert "### dpo" not in card
    assert "dpo: not finished, at step 20" in summary(interrupted, made.recipe(), made.pack())


def test_a_slot_that_has_not_begun_is_not_shown(interrupted):
    (interrupted.folder / "train" / "dpo" / "curves.jsonl").unlink()
    page = write_report(interrupted, made.recipe(), made.pack()).read_text("utf-8")
    assert "not finished" not in page


def test_what_is_not_known_of_the_speed_is_not_said():
    known = training([], tokens_per_second=18512.3, mfu=0.421, peak_memory_bytes=61 * 2**30)
    assert (
        known.speed
        == "18\u202f512 tokens/s, model FLOPs utilisation 42\u202f%, 61.0 GiB of memory at the peak"
    )
    assert training([], tokens_per_second=310.0, mfu=None).speed == "310 tokens/s"
    assert training([], tokens_per_second=None).speed == training([]).speed == ""


def test_how_a_training_ran_is_told_as_far_as_it_is_known():
    told = training([], world_size=2, reference_pass="cached", tokens_per_second=1200.0).speed
    assert told == "2 processes, the reference pass of an earlier training, 1\u202f200 tokens/s"
    assert training([], world_size=1, reference_pass="each step").speed == ""
    assert training([], world_size="many", reference_pass=["<b>"]).speed == ""

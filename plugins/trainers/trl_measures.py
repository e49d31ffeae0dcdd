"""What the worker measures: the base on the held-out rows, the points of the curves, the model at the end."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import Trainer

from langadapt.interfaces import Progress

Job = Mapping[str, Any]
_NOT_CURVES = (
    "runtime",
    "per_second",
    "num_tokens",
    "preparation_time",
)  # of this process, not of the training


def before(trainer: Any, job: Job, progress: Progress) -> dict[str, float]:
    """The held-out measures of the base, kept for a training that is resumed."""
    kept = Path(job["output"], "worker", "before.json")
    if not job["held_out_rows"]:
        return {}
    if kept.exists():
        return dict(json.loads(kept.read_text(encoding="utf-8")))
    measures = measured(trainer)
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        draft = kept.with_suffix(".part")
        draft.write_text(json.dumps(measures), encoding="utf-8")
        draft.replace(kept)
        progress.say(f"held-out loss before training: {measures['loss']:.4f}")
    return measures


def measured(trainer: Any, rows: Any = None) -> dict[str, float]:
    """What the trainer measures, on the held-out rows or on rows that it has prepared."""
    if rows is None:
        trainer.evaluate()
    else:
        Trainer.evaluate(trainer, rows)
    return _held_out(trainer.state.log_history.pop())


def last(trainer: Any) -> dict[str, float]:
    """The held-out measures of the last step, where training took them."""
    history = [row for row in trainer.state.log_history if "eval_loss" in row]
    return _held_out(history[-1]) if history and history[-1]["step"] == trainer.state.global_step else {}


def _held_out(row: Mapping[str, Any]) -> dict[str, float]:
    return {
        name.removeprefix("eval_"): value for name, value in _point(row).items() if name.startswith("eval_")
    }


def _point(row: Mapping[str, Any]) -> dict[str, float]:
    """A point of the curves; empty for the line that sums a training up."""
    if "train_runtime" in row:
        return {}
    names = sorted(
        name for name in row if not name.endswith(_NOT_CURVES) and isinstance(row[name], int | float)
    )
    return {name: row[name] for name in names}


def points(history: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The points of the curves in what the trainer logged."""
    return [point for row in history if (point := _point(row))]

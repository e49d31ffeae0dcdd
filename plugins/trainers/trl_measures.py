"""What the worker measures: the base on the held-out rows, the points of the curves, the model at the end."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback, set_seed

from langadapt.interfaces import Progress

Job = Mapping[str, Any]
_NOT_CURVES = (
    "runtime",
    "samples_per_second",
    "steps_per_second",
    "num_tokens",
    "preparation_time",
)  # of this process, not of the training


class Before(TrainerCallback):  # type: ignore[misc]
    """The held-out measures of the base, taken when training begins and kept for one that is resumed.

    Not before it begins: accelerate prepares a model once, and one that it prepared for evaluation gets no wrapper that
    shares gradients, so each process would train by itself.
    """

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job, self._progress = job, progress
        self._kept = Path(job["output"], "worker", "before.json")
        self.trainer: Any = None
        self.measures: dict[str, float] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Measure, and begin with the random numbers of a training that does not."""
        if self._job["held_out_rows"]:
            self.measures = self._read() or ({} if state.global_step else self._measured())
        if not state.global_step:
            set_seed(args.seed)

    @property
    def points(self) -> list[dict[str, float]]:
        """Where the curves of the held-out rows begin."""
        start = {f"eval_{name}": value for name, value in self.measures.items()}
        return [{"step": 0, **start}] if start else []

    def _read(self) -> dict[str, float]:
        found = self._kept.exists()
        self.trainer.accelerator.wait_for_everyone()  # none writes it before all have looked
        return dict(json.loads(self._kept.read_text(encoding="utf-8"))) if found else {}

    def _measured(self) -> dict[str, float]:
        measures = measured(self.trainer)
        if self.trainer.is_world_process_zero():
            draft = self._kept.with_suffix(".part")
            draft.write_text(json.dumps(measures), encoding="utf-8")
            draft.replace(self._kept)
            self._progress.say(f"held-out loss before training: {measures['loss']:.4f}")
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
        name.removeprefix("eval_"): value for name, value in point(row).items() if name.startswith("eval_")
    }


def point(row: Mapping[str, Any]) -> dict[str, float]:
    """A point of the curves; empty for the line that sums a training up."""
    if "train_runtime" in row:
        return {}
    names = sorted(
        name for name in row if not name.endswith(_NOT_CURVES) and isinstance(row[name], int | float)
    )
    return {name: row[name] for name in names}


def points(history: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The points of the curves in what the trainer logged."""
    return [found for row in history if (found := point(row))]

"""What the worker does while TRL trains: tell how far it is, evaluate in time, mark states that are whole."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from langadapt.interfaces import Progress, Task


class Follow(TrainerCallback):  # type: ignore[misc]
    """Tells the parent how far training is, asks for evaluation in time, and marks states that are whole."""

    def __init__(self, job: Mapping[str, Any], progress: Progress) -> None:
        self._progress, self._evaluates, self._every = progress, bool(job["held_out_rows"]), job["eval_steps"]
        self._open = ExitStack()
        self._task: Task | None = None
        self._facts: dict[str, float] = {}
        marks = list(Path(job["resume"]).glob("whole-0-of-*")) if job["resume"] else []
        self._earlier = json.loads(marks[0].read_text(encoding="utf-8"))["seconds"] if marks else 0.0
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long training took, with what was done before it was interrupted."""
        return float(self._earlier + time.monotonic() - self._begun)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Begin the bar, where the state stands."""
        self._begun = time.monotonic()
        self._every = self._every or max(1, round(state.max_steps / max(args.num_train_epochs, 1)))
        self._task = self._open.enter_context(self._progress.task("train", state.max_steps))
        if state.global_step:
            self._progress.say(f"going on from step {state.global_step} of {state.max_steps}")
            self._task.advance(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """One step more. Evaluating here, before a state is saved, keeps a resumed training on the same random numbers."""
        if self._task:
            self._task.advance(1, self._facts)
        due = state.global_step % self._every == 0 or state.global_step >= state.max_steps
        control.should_evaluate = self._evaluates and due

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        """Keep what is shown beside the rate."""
        shown = ("loss", "learning_rate", "eval_loss", "rewards/accuracies")
        self._facts |= {name: float(logs[name]) for name in shown if name in (logs or {})}

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Every process marks the state when its part of it is written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        mark = folder / f"whole-{args.process_index}-of-{args.world_size}"
        mark.write_text(json.dumps({"seconds": self.seconds}), encoding="utf-8")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """End the bar."""
        self._open.close()

"""What the worker does while TRL trains: tell how far it is, evaluate in time, mark states that are whole."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from langadapt.interfaces import Progress, Task
from langadapt_plugins.trainers.trl_curves import Curves
from langadapt_plugins.trainers.trl_measures import Before, point, points
from langadapt_plugins.trainers.trl_speed import Clock, clock

_POINTS = 20  # that a short training has at least
_SHOWN = {
    "loss": "loss",
    "learning_rate": "lr",
    "tokens_per_second": "tok/s",
    "grad_norm": "grad",
    "rewards/accuracies": "accuracy",
    "eval_loss": "held-out",
}
"""What stands beside the rate, the most wanted first, under which name."""


class Follow(TrainerCallback):  # type: ignore[misc]
    """Tells the parent how far training is, writes its curves, asks for evaluation in time, and marks states that are whole."""

    def __init__(self, job: Mapping[str, Any], progress: Progress, before: Before) -> None:
        self._progress, self._evaluates, self._every = progress, bool(job["held_out_rows"]), job["eval_steps"]
        self._before, self._curves = before, Curves(Path(job["output"]))
        self._open = ExitStack()
        self._task: Task | None = None
        self._seen: dict[str, float] = {}
        self._facts: dict[str, float] = {}
        marks = list(Path(job["resume"]).glob("whole-0-of-*")) if job["resume"] else []
        self._earlier = json.loads(marks[0].read_text(encoding="utf-8")) if marks else {}
        self.clock: Clock | None = None
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long training took, with what was done before it was interrupted."""
        return float(self._earlier.get("seconds", 0.0) + time.monotonic() - self._begun)

    @property
    def facts(self) -> dict[str, Any]:
        """How fast training was."""
        return self.clock.facts if self.clock else {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Begin the bar and the curves, where the state stands."""
        self._begun = time.monotonic()
        state.logging_steps = max(1, min(state.logging_steps, state.max_steps // _POINTS))
        if state.is_world_process_zero:
            self._curves.begin([*self._before.points, *points(state.log_history)])
        self.clock = clock(self._before.trainer, self._earlier)
        self._every = self._every or max(1, round(state.max_steps / max(args.num_train_epochs, 1)))
        self._task = self._open.enter_context(self._progress.task("step", state.max_steps))
        if state.global_step:
            self._progress.say(f"going on from step {state.global_step} of {state.max_steps}")
            self._task.advance(state.global_step)
        self.clock.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """One step more. Evaluating here, before a state is saved, keeps a resumed training on the same random numbers."""
        if self._task:
            self._task.advance(1, self._facts)
        due = state.global_step % self._every == 0 or state.global_step >= state.max_steps
        control.should_evaluate = self._evaluates and due
        control.should_log = (
            control.should_log or control.should_save
        )  # points average over the same steps after a resume
        if self.clock:
            self.clock.stop()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        """A point of the curves, with how fast training is: for the state, for trackers, for the file, and beside the rate."""
        if not (self._task and self.clock and logs and (found := point(state.log_history[-1]))):
            return
        if "num_tokens" in logs:
            rates = self.clock.point(logs["num_tokens"], first=state.global_step == 1)
            for where in (state.log_history[-1], logs, found):
                where.update(rates)
        self._seen |= found
        self._facts = {short: self._seen[name] for name, short in _SHOWN.items() if name in self._seen}
        if state.is_world_process_zero:
            self._curves.add(found)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Training goes on."""
        if self.clock:
            self.clock.go()

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Every process marks the state when its part of it is written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        mark = folder / f"whole-{args.process_index}-of-{args.world_size}"
        assert self.clock
        mark.write_text(json.dumps({"seconds": self.seconds, **self.clock.state}), encoding="utf-8")
        self.clock.go()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """End the bar; what is measured from here on is no part of the curves."""
        self._open.close()
        self._task = None

"""A training that is asked to end (SIGTERM, as a machine that is taken back or a scheduler sends it) saves a state first."""

import signal
from typing import Any

from transformers import TrainerCallback

from langadapt.errors import MachineError


class Stop(TrainerCallback):  # type: ignore[misc]
    """Ends a training after the step that is being done when SIGTERM comes, with a state from which it goes on.

    Before and after training there is nothing to save, and SIGTERM ends the process at once.
    """

    def __init__(self) -> None:
        self._asked = self._ends = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Listen."""
        signal.signal(signal.SIGTERM, self._ask)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save and end where any process was asked to."""
        self._ends = self._ends or _any(self._asked, args)
        if self._ends:
            control.should_save = control.should_training_stop = bool(state.global_step)

    on_evaluate = on_step_end  # an evaluation may be long, and the state is saved after it

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """Listen no longer."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def check(self, trainer: Any) -> None:
        """Raise `MachineError` where training was ended; call it after training, in every process."""
        if self._ends:
            trainer.accelerator.wait_for_everyone()  # a launcher ends all when the first has ended
            raise MachineError(
                f"training was asked to end (SIGTERM) and did, with a state of step {trainer.state.global_step}",
                hint="start the same command again to go on",
            )

    def _ask(self, *_: object) -> None:
        self._asked = True


def _any(asked: bool, args: Any) -> bool:
    """Whether any process was asked: all must end after the same step."""
    if args.world_size == 1:
        return asked
    import torch

    told = torch.tensor(float(asked), device=args.device)
    torch.distributed.all_reduce(told, op=torch.distributed.ReduceOp.MAX)
    return bool(told.item())

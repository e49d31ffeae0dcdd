"""Where the points of a training's curves go beside its own folder: TensorBoard, Weights & Biases, trackio.

Each through the callback that transformers has for it. Keys and accounts come from the environment alone, as each
service reads them; nothing leaves this machine unless the environment asks for it.
"""

import os
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from langadapt.errors import ConfigError

Tracker = Literal["tensorboard", "wandb", "trackio"]
TRACKERS: tuple[Tracker, ...] = ("tensorboard", "wandb", "trackio")
"""Each one also has a folder of its name in that of the training."""

_PROJECT = "langadapt"


def check(names: Sequence[str]) -> None:
    """Raise `ConfigError` for a tracker that we do not know or whose package is missing."""
    for name in names:
        if name not in TRACKERS:
            raise ConfigError(
                f"report_to: no tracker is called {name!r}", hint=f"there are {', '.join(TRACKERS)}"
            )
        if find_spec(name) is None:
            raise ConfigError(
                f"report_to: {name} is not installed",
                hint=f"pip install {name}, or leave it out of report_to",
            )


def run_name(output: Path, slot: str) -> str:
    """The training's slot and its run's folder."""
    own = output.parents[1] if output.parent.name == "train" else output
    return f"{slot} {own.name}"


def arguments(names: Sequence[str], output: Path, slot: str) -> dict[str, Any]:
    """What TRL's arguments say to the trackers. trackio would put a page on the Hub unless it is told not to."""
    named: dict[str, Any] = {"run_name": run_name(output, slot)} if names else {}
    return {**named, "project": _PROJECT, "trackio_static_space_id": False} if "trackio" in names else named


def environment(names: Sequence[str], output: Path) -> dict[str, str]:
    """What the trackers find in the environment of the worker: what the user's own says counts, but where this run stands."""
    if not names:
        return {}
    usual = {"WANDB_PROJECT": _PROJECT, "WANDB_DIR": str(output), "TRACKIO_DIR": str(output / "trackio")}
    usual |= {"WANDB_CONSOLE": "off", "WANDB_SILENT": "true"}  # standard output is the pipe to the parent
    if not os.environ.get("WANDB_API_KEY"):
        usual["WANDB_MODE"] = "offline"
    return {
        **{key: value for key, value in usual.items() if key not in os.environ},
        "TENSORBOARD_LOGGING_DIR": str(output / "tensorboard"),
        "WANDB_RUN_ID": _run_id(output),
        "WANDB_RESUME": "allow",
    }


def _run_id(output: Path) -> str:
    """The id under which a resumed training goes on in the same run of the tracker."""
    file = output / "worker" / "run-id"
    if not file.exists():
        file.write_text(uuid.uuid4().hex[:12], encoding="utf-8")
    return file.read_text(encoding="utf-8")


def callbacks(names: Sequence[str]) -> list[Any]:
    """The callbacks of trackers, for the trainer."""
    if not names:
        return []
    from transformers.integrations import TensorBoardCallback, TrackioCallback, WandbCallback

    class Board(TensorBoardCallback):  # type: ignore[misc]
        """Takes back what was written after the state that a training goes on from."""

        tb_writer: Any

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.is_world_process_zero and not self.tb_writer:
                from torch.utils.tensorboard import SummaryWriter

                self.tb_writer = SummaryWriter(self.logging_dir, purge_step=state.global_step + 1)
            super().on_train_begin(args, state, control, **_)

    made = {"tensorboard": Board, "wandb": WandbCallback, "trackio": TrackioCallback}
    return [made[name]() for name in names]

"""Trainings of two processes (gloo, on processors) beside the same of one: losses of every step, and a stop by SIGTERM in between.

They are forked, as in `resume.py`, with what accelerate's launcher would put into their environment; tests of the trainers go through the launcher.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import datasets
import torch
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_multi_gpu_env
from figures import Figure, heading, summed_up
from resume import VARIANTS, Training, rows

from langadapt.testing.tiny import tiny_model
from langadapt_plugins.trainers.trl_start import ACCELERATE, command, configuration

TOLERANCE = 1e-5
DEFAULT = tuple(product(("SFT, by length", "SFT, packed", "SFT, LoRA", "DPO", "DPO, LoRA"), ("ddp", "fsdp2")))
WHOLE = {"dataloader_drop_last": True}
"""Where an epoch's rows do not fill the last batches of all processes, accelerate fills up with rows of the beginning: another batch."""
ALIKE = {
    "SFT, by length": ("SFT, by length", {"neftune": None}),
    "SFT, LoRA": ("SFT, LoRA, dropout", {"lora_dropout": 0.0}),
    "DPO, LoRA": ("DPO", {"lora": 4, "lora_dropout": 0.0}),
}
"""Noise has the shape of a process's batch: one and two processes cannot draw the same."""


def pair(training: Training) -> list[int]:
    """Start both processes of a training; gives their ids."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = configuration(training.component._settings())  # noqa: SLF001 - what `train` tells the launcher
    command(told, training.job.output.parent)
    words = ["--config_file", str(training.job.output.parent / ACCELERATE), "--module", "worker"]
    given = prepare_multi_gpu_env(_validate_launch_command(launch_command_parser().parse_args(words))[0])
    given |= {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "ACCELERATE_USE_CPU": "true",
    }

    def rank(number: int) -> int:
        return training.start(lambda: os.environ.update(given, RANK=str(number), LOCAL_RANK=str(number)))

    return [rank(0), rank(1)]


def ended(children: Iterable[int]) -> bool:
    """Wait; whether all ended as they should."""
    codes = [os.waitpid(child, 0)[1] for child in children]
    return not any(codes)


def wait_for_a_step(log: Path) -> None:
    """Until a loss is told, a minute at most."""
    for _ in range(3000):
        if log.exists() and "'loss'" in log.read_text(encoding="utf-8"):
            return
        time.sleep(0.02)


def losses(training: Training) -> list[float]:
    """Of every step. Held-out ones are means over batches, whatever their tokens, and a batch is a process's."""
    curves = json.loads((training.job.output.parent / "answer.json").read_text(encoding="utf-8"))["curves"]
    return [row["loss"] for row in curves if "loss" in row]


def figures(cases: Iterable[tuple[str, str]] = DEFAULT) -> list[Figure]:
    """The largest difference of a loss, and whether a training that was asked to end in the middle ended with the same weights."""
    torch.set_num_threads(1)
    found = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        datasets.config.HF_DATASETS_CACHE = root / "cache"
        base = tiny_model(root / "base", [str(row) for kind in ("sft", "dpo") for row in rows(kind)])
        for case, scale in cases:
            variant, more = ALIKE.get(case, (case, {}))
            folder, size = root / f"{case} {scale}", VARIANTS[variant][1].get("per_device_batch_size", 4)
            more = {**more, "arguments": {**VARIANTS[variant][1].get("arguments", {}), **WHOLE}}
            both = {**more, "processes": 2, "per_device_batch_size": size // 2, "scale": scale}
            one = Training(folder / "one", base, variant, **more)
            two, again = (Training(folder / part, base, variant, **both) for part in ("two", "again"))
            good = one.ends() and ended(pair(two)) and len(losses(one)) == len(losses(two)) > 8
            worst = max(abs(a - b) for a, b in zip(losses(one), losses(two), strict=True)) if good else 1.0
            children = pair(again)
            wait_for_a_step(folder / "again" / "log")
            os.kill(children[1], signal.SIGTERM)  # one of them is told, both end
            stopped = not ended(children) and len(list(again.job.output.glob("checkpoints/checkpoint-*"))) > 0
            same = stopped and ended(pair(again)) and again.weights() == two.weights()
            found += [
                Figure(f"{case}, {scale}: largest difference of a loss", f"{worst:.1e}", f"<= {TOLERANCE:.0e}", worst <= TOLERANCE),
                Figure(f"{case}, {scale}: stopped and resumed, same weights", str(same), "True", same),
            ]  # fmt: skip
    return found


def main() -> int:
    """Print the table; `CASE SCALE` takes one case."""
    print(heading())
    found = figures([(sys.argv[1], sys.argv[2])] if len(sys.argv) == 3 else DEFAULT)
    print(*found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

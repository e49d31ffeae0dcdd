"""Trainings that are killed (SIGKILL) or asked to end (SIGTERM) at random moments and started again until they end, beside ones left alone.

Each is a real training of a tiny model in a process of its own, forked from one that has the libraries loaded. One thread, one process:
there the weights at the end are the same, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import datasets
import torch
from figures import Figure, heading, summed_up
from transformers import AutoModelForCausalLM, Trainer

from langadapt.interfaces import ModelRef, TrainingJob
from langadapt.progress import Silent
from langadapt.records import write_rows
from langadapt.testing.tiny import ZEPHYR, tiny_model
from langadapt_plugins.trainers import trl_save, trl_worker
from langadapt_plugins.trainers.trl import TrlDpo, TrlSft
from langadapt_plugins.trainers.trl_states import guard

KILLS = 40
WORDS = ["Hund", "Katze", "Maus", "Haus", "Baum", "Auto", "Stadt", "Fluss", "Berg", "Wald"]
COMMON = {
    "batch_size": 8, "per_device_batch_size": 4, "max_length": 96, "dtype": "float32", "attention": "sdpa", "epochs": 3.0,
    "logging_steps": 1, "save_steps": 2, "eval_steps": 3, "learning_rate": 3e-3,
}  # fmt: skip
VARIANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "SFT, NEFTune": ("sft", {"neftune": 5.0}),
    "SFT, packed": ("sft", {"packing": True, "batch_size": 4, "per_device_batch_size": 2}),
    "SFT, by length": ("sft", {"arguments": {"train_sampling_strategy": "group_by_length"}, "neftune": 5.0}),
    "SFT, LoRA, dropout": ("sft", {"lora": 4, "lora_dropout": 0.2}),
    "DPO": ("dpo", {}),
}
POINTS: Mapping[str, tuple[Any, str, int, bool]] = {
    "state begun": (Trainer, "_save_checkpoint", 2, False),
    "state half": (torch, "save", 5, True),
    "evaluation": (Trainer, "evaluation_loop", 3, False),
    "model.part begun": (trl_save, "_gathering", 1, False),
    "model.part whole": (Path, "replace", 1, False),
    "model.part moved": (Path, "replace", 1, True),
}
"""Moments that chance would seldom hit: in which call of what, and whether after it."""


def rows(kind: str) -> Iterator[dict[str, Any]]:
    """Forty rows of several lengths."""
    for number in range(40):
        word = WORDS[number % 10]
        asked, told = (
            f"Was ist ein {word} mit der Nummer {number}?",
            f"Ein {word} ist schön. " * (1 + number % 3),
        )
        if kind == "dpo":
            yield {"prompt": asked, "chosen": told, "rejected": f"Nein, {number}!"}
        else:
            turns = {"user": asked, "assistant": told}
            yield {"messages": [{"role": role, "content": text} for role, text in turns.items()]}


class Training:
    """One training, as a component starts it but for the launcher: forked, so that it begins in a moment."""

    def __init__(self, folder: Path, base: Path, variant: str, **changed: Any) -> None:
        kind, more = VARIANTS[variant]
        folder.mkdir(parents=True)
        told = list(rows(kind))
        write_rows(folder / "train.jsonl", told)
        write_rows(folder / "held-out.jsonl", told[:4])
        self.component = (TrlDpo if kind == "dpo" else TrlSft)(**{**COMMON, **more, **changed})
        self.job = TrainingJob(
            name=kind, records=folder / "train.jsonl", held_out=folder / "held-out.jsonl", base=ModelRef(str(base)),
            chat_template=str(ZEPHYR), output=folder / "output", seed=42,
        )  # fmt: skip

    def start(self, before: Callable[[], None] = lambda: None) -> int:
        """Start it or go on; gives the process's id. `before` is called in it."""
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            silence = os.open(self.job.output.parent / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            before()
            self._work()
            code = 0
        except BaseException:  # noqa: BLE001 - the log tells
            traceback.print_exc()
        finally:
            os._exit(code)

    def _work(self) -> None:
        if os.environ.get("RANK", "0") == "0":
            guard(self.job.output, self.component._identity(self.job))  # noqa: SLF001 - as `train` does before it launches
        request = self.component._request(self.job) | {"rows": 40, "held_out_rows": 4}  # noqa: SLF001
        answer = trl_worker.main(request, Silent())
        if os.environ.get("RANK", "0") == "0":
            (self.job.output.parent / "answer.json").write_text(json.dumps(answer), encoding="utf-8")

    def ends(self) -> bool:
        """Start it, leave it alone; whether it ends as it should."""
        return os.waitpid(self.start(), 0)[1] == 0

    def weights(self) -> bytes:
        """The model's file."""
        return (self.job.output / "model" / "model.safetensors").read_bytes()


def kill_at(point: str) -> Callable[[], None]:
    """What makes a training kill itself at one of `POINTS`."""
    owner, name, call, after = POINTS[point]

    def arm() -> None:
        work, seen = getattr(owner, name), Counter[str]()

        def armed(*given: Any, **more: Any) -> Any:
            seen[point] += owner is not Path or given[0].name == "model.part"
            if seen[point] == call and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            done = work(*given, **more)
            if seen[point] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        setattr(owner, name, armed)

    return arm


def at_points(training: Training) -> list[str]:
    """Kill it at each point and start it again; gives the points that it was really killed at."""
    killed = [point for point in POINTS if os.WIFSIGNALED(os.waitpid(training.start(kill_at(point)), 0)[1])]
    return killed if training.ends() else []


def at_random(training: Training, kills: int, seconds: float, rng: random.Random) -> Counter[str]:
    """Kill it `kills` times within the time that a whole one takes, then let it end; how often by which signal."""
    hit = Counter[str]()
    for _ in range(kills):
        child, name = training.start(), rng.choice(("SIGKILL", "SIGKILL", "SIGTERM"))
        time.sleep(rng.uniform(0, 0.9 * seconds))
        with suppress(ProcessLookupError):
            os.kill(child, signal.Signals[name])
        ended = os.waitpid(child, 0)[1]
        hit["ended before" if ended == 0 else name] += 1
    hit["failed"] += not training.ends()
    return hit


def full_disk(training: Training, whole: Training, room: int) -> Figure:
    """Train where there is room for one state and not for two, then give room and go on."""
    name = "a full disk keeps the last state, which goes on with room"
    disk = training.job.output
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(disk)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        return Figure(name, "not root: not tried")
    try:
        fails = not training.ends()
        log = (disk.parent / "log").read_text(encoding="utf-8")
        kept = [state.name for state in (disk / "checkpoints").glob("checkpoint-*")]
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)  # noqa: S607 - where it lies differs
        good = fails and "MachineError" in log and "MiB are free" in log and len(kept) == 1
        good = good and training.ends() and training.weights() == whole.weights()
        return Figure(name, str(good), "True", good)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S607


def figures(kills: int = KILLS, seed: int = 7, variants: Iterable[str] = VARIANTS) -> list[Figure]:
    """How many trainings ended with the same weights, killed at random and at chosen points."""
    torch.set_num_threads(1)
    rng, found = random.Random(seed), []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        datasets.config.HF_DATASETS_CACHE = root / "cache"
        base = tiny_model(root / "base", [str(row) for kind in ("sft", "dpo") for row in rows(kind)])
        for variant in variants:
            whole = Training(root / variant / "whole", base, variant)
            whole.ends()
            begun = time.monotonic()
            again = Training(root / variant / "again", base, variant)
            repeats = again.ends() and again.weights() == whole.weights()
            seconds = time.monotonic() - begun
            share = -(-kills // len(tuple(variants)))
            trainings = [
                Training(root / variant / str(number), base, variant) for number in range(-(-share // 4))
            ]
            hit = sum((at_random(one, 4, seconds, rng) for one in trainings), Counter[str]())
            same = sum(one.weights() == whole.weights() for one in trainings)
            pointed = Training(root / variant / "points", base, variant)
            points = at_points(pointed)
            good = len(points) == len(POINTS) and pointed.weights() == whole.weights()
            print(f"{variant}: {dict(hit)}", file=sys.stderr)
            found += [
                Figure(f"{variant}: twice the same, left alone", str(repeats), "True", repeats),
                Figure(f"{variant}: same weights after random signals", f"{same} of {len(trainings)}", "all", same == len(trainings)),
                Figure(f"{variant}: same weights, killed at {len(points)} chosen points", str(good), "True", good),
            ]  # fmt: skip
        state = sum(
            weights.numel() * 12 for weights in AutoModelForCausalLM.from_pretrained(base).parameters()
        )
        found.append(full_disk(Training(root / variant / "full", base, variant), whole, int(1.7 * state)))
    return found


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=KILLS, help="signals at random moments, over all variants"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=VARIANTS, help="one variant")
    given = parser.parse_args()
    print(heading())
    found = figures(given.kills, given.seed, (given.only,) if given.only else VARIANTS)
    print(*found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

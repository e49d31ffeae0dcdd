"""Our trainers beside TRL's own command line, `trl sft` (of texts too) and `trl dpo`: the losses of every step.

Each configuration is written twice by hand: in our settings, and in TRL's words, so that a setting of ours that reaches TRL as another value
is found. Two run at a time: no time is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from figures import Figure
from trainings import SEED, TINY, apart, losses, made_base, pairs, talks, trained, words

from langadapt.records import Row, write_rows
from langadapt_plugins.trainers.trl import TrlCpt, TrlDpo, TrlSft

NEAR = 1e-6
OURS: Mapping[str, Any] = {
    "batch_size": 8, "per_device_batch_size": 4, "max_length": 128, "dtype": "float32", "attention": "sdpa", "logging_steps": 1,
    "epochs": 2.0, "learning_rate": 1e-3,
}  # fmt: skip
THEIRS: Mapping[str, Any] = {
    "gradient_accumulation_steps": 2, "per_device_train_batch_size": 4, "per_device_eval_batch_size": 4, "max_length": 128,
    "dtype": "float32", "bf16": "false", "attn_implementation": "sdpa", "logging_steps": 1, "num_train_epochs": 2, "learning_rate": 1e-3,
    "warmup_steps": 0.1, "optim": "adamw_torch", "weight_decay": 0.0, "seed": SEED, "use_cpu": "true", "save_steps": 10000,
    "report_to": "none",
}  # fmt: skip
LORA = {"lora": 8, "lora_alpha": 16, "lora_dropout": 0.05}
PEFT = {
    "use_peft": "true",
    "lora_r": 8,
    "lora_alpha": 16,
    "lora_dropout": 0.05,
    "lora_target_modules": "all-linear",
}


@dataclass(frozen=True)
class Case:
    """A configuration: what stands beside the common settings, in our words and in TRL's."""

    method: str
    ours: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, Any] = field(default_factory=dict)
    held_out: bool = False

    @property
    def rows(self) -> list[Row]:
        """Rows that fill about 12 steps."""
        if self.method == "cpt":
            return [{"text": " ".join(words(20 + 5 * number, number))} for number in range(48)]
        return talks(48, scale=0.1) if self.method == "sft" else pairs(48, scale=0.06)


_COSINE = {"lr_scheduler_type": "cosine"}
_TEXTS = {**_COSINE, "packing": "true", "warmup_steps": 0.01, "weight_decay": 0.01}
_LINEAR = {"lr_scheduler_type": "linear"}
CASES: Mapping[str, Case] = {
    "sft": Case("sft", {}, _COSINE),
    "sft, packed, best fit": Case("sft", {"packing": True}, {**_COSINE, "packing": "true", "packing_strategy": "bfd"}),
    "sft, packed, wrapped": Case(
        "sft", {"packing": True, "packing_strategy": "wrapped"}, {**_COSINE, "packing": "true", "packing_strategy": "wrapped"}
    ),
    "sft, answers only, held-out rows": Case(
        "sft", {"assistant_only_loss": True}, {**_COSINE, "assistant_only_loss": "true", "eval_strategy": "epoch"}, held_out=True
    ),
    "sft, NEFTune, linear, rmsprop": Case(
        "sft",
        {"neftune": 5.0, "scheduler": "linear", "optimizer": "rmsprop", "weight_decay": 0.01, "warmup": 0.25},
        {**_LINEAR, "neftune_noise_alpha": 5, "optim": "rmsprop", "weight_decay": 0.01, "warmup_steps": 0.25},
    ),
    "sft, LoRA": Case("sft", LORA, {**_COSINE, **PEFT}),
    "cpt, long texts divided": Case("cpt", {}, {**_TEXTS, "packing_strategy": "bfd_split"}),
    "cpt, wrapped": Case("cpt", {"packing_strategy": "wrapped"}, {**_TEXTS, "packing_strategy": "wrapped"}),
    "dpo, each step": Case("dpo", {"reference": "computed"}, {**_LINEAR, "beta": 0.1}),
    "dpo, held-out rows": Case("dpo", {}, {**_LINEAR, "beta": 0.1, "eval_strategy": "epoch"}, held_out=True),
    "dpo, ipo": Case("dpo", {"loss_type": "ipo", "beta": 0.3}, {**_LINEAR, "beta": 0.3, "loss_type": "ipo"}),
    "dpo, robust, smoothed": Case(
        "dpo",
        {"loss_type": "robust", "arguments": {"label_smoothing": 0.1}},
        {**_LINEAR, "beta": 0.1, "loss_type": "robust", "label_smoothing": 0.1},
    ),
    "dpo, LoRA": Case("dpo", {**LORA, "scheduler": "cosine"}, {**_COSINE, **PEFT, "beta": 0.1}),
}  # fmt: skip


def theirs(case: Case, base: Path, folder: Path) -> list[dict[str, float]]:
    """What TRL's own command line logs."""
    data = folder / "data"
    data.mkdir(parents=True)
    rows = [_as_trl_takes(row) for row in case.rows]
    write_rows(data / "train.jsonl", rows[: -8 if case.held_out else None])
    write_rows(data / "test.jsonl", rows[-8:])
    given = {
        **THEIRS,
        **case.theirs,
        "model_name_or_path": base,
        "dataset_name": data,
        "output_dir": folder / "output",
    }
    method = "dpo" if case.method == "dpo" else "sft"
    command = [str(Path(sys.executable).with_name("trl")), method, "--num_processes", "1"]
    command += [word for name, value in given.items() for word in (f"--{name}", str(value))]
    told = {
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
    }
    done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=False)
    states = sorted(folder.glob("output/checkpoint-*/trainer_state.json"))
    if done.returncode or not states:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return list(json.loads(states[-1].read_text(encoding="utf-8"))["log_history"])


def _as_trl_takes(row: Row) -> Row:
    if "prompt" not in row:
        return row
    return {
        name: [{"role": "user" if name == "prompt" else "assistant", "content": row[name]}]
        for name in ("prompt", "chosen", "rejected")
    }


def compared(case: Case, base: Path, folder: Path) -> tuple[float, int]:
    """How far the losses are from each other at most, over how many steps."""
    component = {"cpt": TrlCpt, "sft": TrlSft, "dpo": TrlDpo}[case.method]
    rows = case.rows
    held_out = rows[-8:] if case.held_out else []
    used = rows[: -8 if case.held_out else None]
    made = trained(component(**{**OURS, **case.ours}), used, base, folder / "ours", held_out=held_out)
    other = theirs(case, base, folder / "theirs")
    far = apart(losses(made.curves), losses(other))
    if case.held_out:
        known = losses(
            other, "eval_loss"
        )  # TRL's state is written before the last one; ours holds one of before the first step, too
        begun = [point for point in made.curves if point["step"]]
        far = max(far, apart(losses(begun, "eval_loss")[: len(known)], known))
    return far, len(losses(other))


def cli_figures(folder: Path, names: list[str] | None = None) -> list[Figure]:
    """Every configuration beside TRL's command line."""
    base = made_base(folder / "base", TINY)
    chosen = {name: CASES[name] for name in names or CASES}
    with ThreadPoolExecutor(2) as two:
        waiting = {
            name: two.submit(compared, case, base, folder / str(number))
            for number, (name, case) in enumerate(chosen.items())
        }
    found = {name: one.result() for name, one in waiting.items()}
    return [
        Figure(f"{name}: losses of {steps} steps apart by", f"{far:.1e}", f"{NEAR:.0e}", far <= NEAR)
        for name, (far, steps) in found.items()
    ]

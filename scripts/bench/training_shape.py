# ruff: noqa: PLC0415 - the parent of other parts needs no torch
"""Tokens a second, use of the device and peak memory: SFT and DPO, with adapters and with all weights, as a 7B model has them.

A Mistral of 7 billion random weights where there is a GPU, the small model elsewhere. All weights are trained in bfloat16 with RMSprop, which fits 80 GB, and
whose states and two copies of the model fit 64 GiB of disk.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Figure
from trainings import SEVEN, SMALL, Shape, made_base, pairs, talks, trained

from langadapt_plugins.trainers.trl import TrlDpo, TrlSft


@dataclass(frozen=True)
class Load:
    """What is trained: the shape of the model, how many rows of which length, and settings."""

    shape: Shape
    dtype: str
    rows: int
    scale: float
    settings: Mapping[str, Any]


LOADS = {
    "7b": Load(
        SEVEN, "bfloat16", 96, 1.0,
        {"batch_size": 8, "per_device_batch_size": 4, "dtype": "bfloat16", "optimizer": "rmsprop", "logging_steps": 1},
    ),
    "small": Load(
        SMALL, "float32", 8, 0.12,
        {"batch_size": 4, "per_device_batch_size": 2, "max_length": 256, "dtype": "float32", "logging_steps": 1},
    ),
}  # fmt: skip
TUNED = {"LoRA": {"lora": 16, "learning_rate": 2e-4}, "full": {"learning_rate": 1e-5}}


def shape_figures(folder: Path, asked: str | None = None) -> Iterator[Figure]:
    """What each of the four reaches; no figure is asked for."""
    import torch

    here = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    name = "7b" if here and asked != "small" else "small"
    if asked == "7b" and not here:
        print("no GPU here: the small model instead of 7b")
    load = LOADS[name]
    base = made_base(folder / "base", load.shape, dtype=load.dtype)
    torch.cuda.empty_cache()
    for method in ("SFT", "DPO"):
        for tuning, more in TUNED.items():
            settings = {**load.settings, **more}
            if method == "SFT":
                made = trained(
                    TrlSft(**settings, packing=True),
                    talks(4 * load.rows, scale=load.scale),
                    base,
                    folder / "run",
                )
            else:
                made = trained(TrlDpo(**settings), pairs(load.rows, scale=load.scale), base, folder / "run")
            shutil.rmtree(folder / "run")  # 7 billion weights are 14 GB
            yield Figure(f"{name} on {here or 'a processor'}: {method}, {tuning}", _reached(made.facts), "-")


def _reached(facts: Mapping[str, Any]) -> str:
    rate, use = facts.get("tokens_per_second"), facts.get("mfu")
    memory = facts["peak_memory_bytes"] / 2**30
    return f"{'?' if rate is None else round(rate)} tok/s, MFU {'?' if use is None else f'{use:.2f}'}, {memory:.1f} GiB"

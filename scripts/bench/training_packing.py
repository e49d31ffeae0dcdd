"""Packing: how much of a batch is real, and what of the gain that padding leaves is reached.

Rows are as long as answers of models are. Trainings run in this process, through the worker that every training runs in, so that what the model is given
can be counted, and the processor seconds of its steps alone be taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from figures import Figure
from trainings import SMALL, TINY, made_base, median_ratio, talks, trained, watched

from langadapt_plugins.trainers.trl import TrlSft

REAL, SHARE = 0.97, 0.9
LENGTH = 512
SETTINGS: Mapping[str, Any] = {
    "batch_size": 8, "per_device_batch_size": 8, "max_length": LENGTH, "dtype": "float32", "attention": "sdpa", "learning_rate": 1e-4,
    "warmup": 0.0, "logging_steps": 1, "activation_checkpointing": False,
}  # fmt: skip


def packing_figures(folder: Path, times: int) -> list[Figure]:
    """The share of real tokens on many rows, the gain on few; `times` pairs."""
    found = list(_filled(folder / "many", made_base(folder / "tiny", TINY)))
    base, rows = made_base(folder / "small", SMALL), talks(96, scale=0.25)
    plain, packed = [], []
    for number in range(times):
        for packing in (True, False) if number % 2 else (False, True):
            with watched() as seen:
                trained(TrlSft(**SETTINGS, packing=packing), rows, base, folder / f"{number}-{packing}")
            (packed if packing else plain).append(seen)
    ceiling = plain[0].positions / packed[0].positions
    gain = median_ratio([one.seconds for one in plain], [one.seconds for one in packed])
    return [
        *found,
        Figure("packing: real tokens in batches without it", f"{plain[0].real / plain[0].positions:.3f}"),
        Figure("packing: the same rows in less time, times", f"{gain:.2f}"),
        Figure(
            f"packing: of the gain that padding leaves ({ceiling:.2f})",
            f"{gain / ceiling:.2f}",
            f"{SHARE}",
            gain / ceiling >= SHARE,
        ),
    ]


def _filled(folder: Path, base: Path) -> Iterator[Figure]:
    rows = talks(600, scale=0.25)
    for strategy in ("bfd", "wrapped"):
        with watched() as seen:
            made = trained(
                TrlSft(**SETTINGS, packing=True, packing_strategy=strategy), rows, base, folder / strategy
            )
        share = seen.real / seen.positions
        room = seen.real / (made.facts["rows_used"] * LENGTH)
        yield Figure(f"packing, {strategy}: real tokens in batches", f"{share:.3f}", f"{REAL}", share >= REAL)
        yield Figure(
            f"packing, {strategy}: rows filled up to max_length", f"{room:.3f}", f"{REAL}", room >= REAL
        )

"""A sweep of three betas, with and without the reference pass that runs share.

The first training makes the pass and keeps it; the second and the third read it. Each of these stands beside the same training without it,
one after the other, and which comes first changes from pair to pair. Times are processor seconds: of the steps alone, and of the whole of the worker's
work, which is the loading of rows and model, the look for the pass, the steps, the accuracy on the training rows at the end, and saving. Answers are cut at
max_length, so that all batches have one shape: where they are padded, sums of log-probabilities (about -1000 under random weights) are rounded by 6e-5 in
single precision, one way in a batch of one shape and another in another, and with them losses by 5e-6. Under weights that were trained the sums are
smaller: the German pack's own base and pairs, padded, stand beside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from figures import Figure
from trainings import SMALL, Seen, apart, losses, made_base, median_ratio, pairs, trained, watched

from langadapt.records import Row
from langadapt_plugins.trainers.trl import TrlDpo

NEAR, FASTER = 1e-6, 1.15
MINI = Path(__file__).parents[2] / "languages" / "de" / "mini"
FIRST, LATER = 0.1, (0.05, 0.3)
CEILINGS = {True: 1.25, False: 4 / 3}
"""Forwards one, backwards two, what is reckoned again one, the reference one: 5 / 4 and 4 / 3."""
SETTINGS: Mapping[str, Any] = {
    "batch_size": 4, "per_device_batch_size": 4, "max_length": 160, "dtype": "float32", "attention": "sdpa", "logging_steps": 1,
    "epochs": 1.0, "learning_rate": 1e-4,
}  # fmt: skip


def sweep_figures(folder: Path, times: int) -> list[Figure]:
    """Both ways, with activation checkpointing and without; `times` pairs for each later beta."""
    base = made_base(folder / "base", SMALL)
    swept = [
        figure
        for number, recomputed in enumerate((True, False))
        for figure in _sweep(
            folder / str(number), base, pairs(12, seed=number), recomputed=recomputed, times=times
        )
    ]
    return [*swept, _padded(folder / "padded")]


def _padded(folder: Path) -> Figure:
    """Losses with the shared pass beside those without, on pairs of different lengths under weights that were trained."""
    given = [
        json.loads(line) for line in (MINI / "preferences.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    rows: list[Row] = [
        {"prompt": row["instruction"], "chosen": row["chosen_response"], "rejected": row["rejected_response"]}
        for row in given[:48]
    ]
    found = []
    for reference in ("computed", "cached"):
        trainer = TrlDpo(
            **{**SETTINGS, "max_length": 512, "epochs": 2.0, "learning_rate": 1e-5, "reference": reference}
        )
        with watched():
            found.append(losses(trained(trainer, rows, MINI / "base", folder / reference).curves))
    far = apart(*found)
    return Figure("padded pairs, trained weights: losses apart by", f"{far:.1e}", f"{NEAR:.0e}", far <= NEAR)


def _sweep(folder: Path, base: Path, rows: list[Row], *, recomputed: bool, times: int) -> list[Figure]:
    number = count()

    def run(beta: float, reference: str) -> tuple[list[float], Seen, str]:
        more = {"beta": beta, "reference": reference, "activation_checkpointing": recomputed}
        with watched() as seen:
            made = trained(TrlDpo(**{**SETTINGS, **more}), rows, base, folder / str(next(number)))
        return losses(made.curves), seen, made.facts["reference_pass"]

    _, _, first = run(FIRST, "cached")
    found = []
    for again in range(times):
        for beta in LATER:
            order = ("cached", "computed") if (again + LATER.index(beta)) % 2 else ("computed", "cached")
            both = {reference: run(beta, reference) for reference in order}
            found.append((both["computed"], both["cached"]))
    passes = [kept[2] for _, kept in found]
    far = max(apart(plain[0], kept[0]) for plain, kept in found)
    whole, steps = (
        median_ratio(
            [getattr(plain[1], part) for plain, _ in found], [getattr(kept[1], part) for _, kept in found]
        )
        for part in ("whole", "seconds")
    )
    where = f"beta sweep, activation checkpointing {'on' if recomputed else 'off'}"
    return [
        Figure(
            f"{where}: passes of the three",
            f"{first}, {', '.join(sorted(set(passes)))}",
            "computed, cached",
            [first, *set(passes)] == ["computed", "cached"],
        ),
        Figure(f"{where}: losses apart by", f"{far:.1e}", f"{NEAR:.0e}", far <= NEAR),
        Figure(f"{where}: a later training, times", f"{whole:.2f}", f"{FASTER}", whole >= FASTER),
        Figure(
            f"{where}: its steps alone (ceiling {CEILINGS[recomputed]:.2f})",
            f"{steps:.2f}",
            f"{FASTER}",
            steps >= FASTER,
        ),
    ]

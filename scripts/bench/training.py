# ruff: noqa: PLC0415 - a part that is not asked for imports nothing
"""Training as a product: the losses of TRL's own command line, packing, a beta sweep with one reference pass, and how fast it is.

Prints `figure  measured  asked` for each figure, and fails where one is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from figures import Figure, heading, summed_up

PARTS = ("cli", "packing", "sweep", "shape")


def measured(part: str, folder: Path, options: argparse.Namespace) -> Iterable[Figure]:
    """The figures of one part."""
    if part == "cli":
        from training_cli import cli_figures

        return cli_figures(folder)
    if part == "packing":
        from training_packing import packing_figures

        return packing_figures(folder, options.pairs)
    if part == "sweep":
        from training_sweep import sweep_figures

        return sweep_figures(folder, options.pairs)
    from training_shape import shape_figures

    return shape_figures(folder, options.shape)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="these parts alone")
    parser.add_argument(
        "--pairs", type=int, default=2, help="pairs of trainings that are timed, for each beta"
    )
    parser.add_argument(
        "--shape", choices=["7b", "small"], help="measure how fast this shape trains, and nothing else"
    )
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
    os.environ["TQDM_DISABLE"] = os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    print(heading(), flush=True)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HF_DATASETS_CACHE"] = str(Path(folder) / "cache")
        for part in ["shape"] if options.shape else options.only or PARTS:
            for figure in measured(part, Path(folder) / part, options):
                print(figure, flush=True)
                found.append(figure)
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

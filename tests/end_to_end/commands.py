"""The command line as a user runs it, on the German pack's mini recipe, shortened."""

import os
import subprocess
import sys
from pathlib import Path

SHORT = ["--limit", "20", "--set", "train.sft.epochs=8.0", "--set", "train.dpo.epochs=2.0", "--set", "evaluate.mt-bench.max_new_tokens=16", "--set", "evaluate.fidelity.max_new_tokens=16",
         "--set", "evaluate.probes.max_new_tokens=16", "--set", "train.sft.save_steps=2", "--set", "train.dpo.save_steps=2"]  # fmt: skip
RUN = ["run", "de", "--recipe", "mini", "--yes", *SHORT]


def langadapt(*words: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in `folder`."""
    return subprocess.run(
        command(*words), cwd=folder, env=env(environment), capture_output=True, text=True, check=False
    )


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "langadapt", *words]


def env(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **more}

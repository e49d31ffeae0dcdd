"""What of an earlier training may be gone on from: the same job with the same settings, and only states that are whole."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langadapt.interfaces import TrainingJob
from langadapt_plugins.trainers.trl_trackers import TRACKERS

FINGERPRINT = Path("worker", "fingerprint.json")
"""Where, in a training's folder, the job and settings are written down that its states belong to."""


def guard(output: Path, job: Mapping[str, Any]) -> None:
    """Write down what is trained; what an other job or other settings left in the folder goes."""
    note, text = output / FINGERPRINT, fingerprint(job)
    if not (note.exists() and note.read_text(encoding="utf-8") == text):
        note.unlink(missing_ok=True)
        for folder in ("checkpoints", "model", "adapter", "worker", *TRACKERS):
            shutil.rmtree(output / folder, ignore_errors=True)
        note.parent.mkdir(parents=True)
        note.write_text(text, encoding="utf-8")
    for draft in ("model.part", "adapter.part"):
        shutil.rmtree(output / draft, ignore_errors=True)


def fingerprint(job: Mapping[str, Any]) -> str:
    """The text that is written down of a job."""
    return json.dumps(job, sort_keys=True, indent=1, default=str)


def resumable(folder: Path) -> str | None:
    """The newest whole state in a folder of checkpoints; those that were being written when the end came are deleted."""
    whole = []
    for state in folder.glob("checkpoint-*"):
        marks = [mark.name.rpartition("-of-")[2] for mark in state.glob("whole-*-of-*")]
        if marks and len(marks) == int(marks[0]) and _readable(state / "trainer_state.json"):
            whole.append(state)
        else:
            shutil.rmtree(state)
    newest = max(whole, key=lambda state: int(state.name.rpartition("-")[2]), default=None)
    return str(newest) if newest else None


def _readable(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def inputs_of(job: TrainingJob) -> list[str]:
    """The content of rows and template; a base on disk by the names, sizes and times of its files."""
    files = [Path(path) for path in (job.records, job.held_out, job.chat_template) if path]
    base = sorted(job.base.folder.rglob("*")) if job.base.folder else []
    weights = [
        f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in base if path.is_file()
    ]
    return [*map(_digest, files), *(weights or [str(job.base)])]


def _digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()

"""A further machine of a training that runs on several: `python -m langadapt_plugins.trainers.trl_join RUN --machine 1`.

Machine 0 does the run: it holds the lock, tells how far it is and writes the result. The others need the same folders (a
shared disk) and the same Python packages. They wait until a training that wants them begins, take part in it, and wait for
the next: so one command on each is enough for all stages, and for a run that is started again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from langadapt.launch import asking
from langadapt_plugins.trainers.trl_start import ACCELERATE, accelerate, environment

_LOOK_S, _GRACE_S = 1.0, 60.0


def begun(folder: Path) -> tuple[Path, int] | None:
    """The job for several machines in a run folder that was begun last, and when; none where none goes on."""
    found = []
    for file in folder.rglob(f"worker/{ACCELERATE}"):
        job = file.with_name("job.json")
        try:
            several = json.loads(file.read_text(encoding="utf-8"))["num_machines"] > 1
            when = job.stat().st_mtime_ns  # the job is written after the configuration
            if several and when >= file.stat().st_mtime_ns and not file.with_name("result.json").exists():
                found.append((job, when))
        except (OSError, ValueError, KeyError):  # it is being written
            continue
    return max(found, key=lambda one: one[1], default=None)


def join(folder: Path, machine: int, *, once: bool = False) -> int:
    """Take part in the trainings of a run folder until SIGTERM comes, or the first has ended; gives an exit code.

    SIGTERM is handed on: all machines save a state and end.
    """
    taken, code = None, 0
    while True:
        found = begun(folder)
        # What was left unfinished before is not gone on with.
        if not found or (taken and found[1] <= taken[1]):
            time.sleep(_LOOK_S)
            continue
        taken = found
        job = found[0]
        with job.with_name(f"machine-{machine}.log").open("ab") as log:
            _say(f"machine {machine} takes part in {job.parent.parent}; its output: {log.name}")
            child = subprocess.Popen(
                [*accelerate(job.with_name(ACCELERATE), "--machine_rank", str(machine)), str(job)],
                stdin=subprocess.PIPE,  # the workers end when it closes
                stdout=log,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment()},
            )
        with child, asking(child) as asked:
            code = _end_of(child, folder, found)
        _say(f"machine {machine}: it ended with code {code}")
        if once or asked:
            return code


def _end_of(child: "subprocess.Popen[str]", folder: Path, taken: tuple[Path, int]) -> int:
    """Wait for the end: not much longer than machine 0 goes on with it, and no longer where it begins anew.

    One that waits for a machine 0 that was killed would else meet the next, and be ended in the middle of it.
    """
    last = time.monotonic()
    try:
        while child.poll() is None and time.monotonic() - last < _GRACE_S:
            found = begun(folder)
            if found and found[1] > taken[1]:
                break
            last = time.monotonic() if found == taken else last
            time.sleep(_LOOK_S)
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.kill()
    return child.wait()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is a command


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Take part in a run's trainings that want several machines.")
    parser.add_argument("folder", type=Path, help="the run's folder, on the disk that the machines share")
    parser.add_argument(
        "--machine", type=int, required=True, help="this machine's number, from 1; 0 does the run"
    )
    parser.add_argument("--once", action="store_true", help="end when the first training ends")
    given = parser.parse_args()
    sys.exit(join(given.folder, given.machine, once=given.once))


if __name__ == "__main__":
    main()

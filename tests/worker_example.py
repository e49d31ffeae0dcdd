"""A worker as a plugin would write one; what it does is said in the job."""

import os
import signal
import sys
import time
from pathlib import Path

from langadapt.errors import DataError
from langadapt.launch import work


def main(job, progress):
    if job["do"] == "add":
        progress.say("adding")
        with progress.task("numbers", len(job["numbers"])) as task:
            for number in job["numbers"]:
                task.advance(1, {"number": number})
        sys.stdout.write(f"seen in the log {os.environ.get('GREETING', '')}\n")
        return {"sum": sum(job["numbers"]), "name": job["name"]}
    if job["do"] == "refuse":
        with progress.task("rows", 3):
            raise DataError("row 7 is odd", hint="mend row 7")
    if job["do"] == "crash":
        sys.stdout.writelines(f"line {number}\n" for number in range(100))
        raise RuntimeError("out of luck")
    if job["do"] == "die":
        sys.stdout.write("first words\nlast words\n\n")
        sys.stdout.flush()
        os.abort()
    if job["do"] == "descriptors":
        return [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    if job["do"] == "bar":
        sys.stderr.write("\r 50%|#####     |")
        sys.stderr.flush()
        progress.say("after the bar")
        return None
    if job["do"] == "sleep":
        Path(job["awake"]).touch()
        time.sleep(600)  # longer than a test waits for its end
    if job["do"] == "finish":
        finish(Path(job["awake"]))
    return None


def finish(awake):
    """Wait for SIGTERM, then save."""
    asked = []  # no Event: a second signal may come while the first one's handler holds its lock
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    awake.touch()
    while not asked:
        time.sleep(0.01)
    time.sleep(0.5)
    awake.write_text("saved", encoding="utf-8")


if __name__ == "__main__":
    work(main)

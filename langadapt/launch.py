"""A component's work in a process of its own: settings and job in as JSON, progress lines and a result file out.

The worker holds the run's lock too (it inherits the descriptor) and ends when its parent does: it blocks on a pipe
from the parent, which closes however the parent dies. A parent that is asked to end by SIGTERM asks the worker the same,
through the pipe, and waits: so a training may save its state, and what sends the signal need not know of the worker.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from langadapt import errors
from langadapt.errors import ComponentError, LangAdaptError
from langadapt.interfaces import Progress, Task

_MARK = "langadapt-progress "
_LITTLE = 2**16
"""Bytes: with less than that free, a worker could not even write down what is wrong."""
_ROOM = "make room, then start again: what was done is kept"


def launch(
    command: Sequence[str],
    job: Mapping[str, Any],
    *,
    folder: Path,
    label: str,
    progress: Progress,
    environment: Mapping[str, str] | None = None,
) -> Any:
    """Run `command JOB-FILE`, show its progress, give what it wrote as its result.

    The worker is a module that ends in `work(function)`. Its other output goes to `folder/worker.log`. Raises
    `ComponentError` with the last line of that log where it fails, and `KeyboardInterrupt` after SIGTERM, which the worker
    gets too: it ends at once unless it handles it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job_file, result, log = folder / "job.json", folder / "result.json", folder / "worker.log"
    result.unlink(missing_ok=True)
    job_file.write_text(
        json.dumps({"job": job, "result": str(result)}, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    log.unlink(missing_ok=True)
    with log.open("a", encoding="utf-8") as out:
        child = subprocess.Popen(
            [*command, str(job_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            errors="replace",
            close_fds=False,  # the run's lock is the one descriptor that is made inheritable
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )
        try:
            with asking(child) as asked:
                _follow(child, out, label, progress)
                code = child.wait()
        finally:
            if child.poll() is None:
                child.terminate()
            with child:  # closes the pipes, which ends a worker that a launcher started for us, and waits
                pass
    if asked:
        if result.exists():
            progress.say(str(json.loads(result.read_text(encoding="utf-8")).get("error", "")))
        raise KeyboardInterrupt  # as if it had been interrupted at the terminal, with the worker's work saved
    if result.exists():
        answer = json.loads(result.read_text(encoding="utf-8"))
        if "result" in answer:
            return answer["result"]
        raise _error(answer, label, folder, log)
    if shutil.disk_usage(folder).free < _LITTLE:
        raise errors.MachineError(f"{folder}: the disk is full", hint=_ROOM)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = next((line for line in reversed(lines) if line.strip()), "nothing")
    raise ComponentError(
        f"{label}: the worker ended with exit code {code}; the last that it said: {said}",
        hint=f"the whole output: {log}",
    )


def work(function: Any) -> None:
    """The worker's main: `function(job, progress)` gives the result, which is written for the parent."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    first = os.environ.get("RANK", "0") == "0"
    try:
        answer = {"result": function(request["job"], _Pipe(first=first))}
    except LangAdaptError as error:
        answer = {"error": str(error), "hint": error.hint, "class": type(error).__name__}
    except Exception as error:  # noqa: BLE001 - the parent says it in two lines, the log holds the rest
        traceback.print_exc()
        full = "No space left" in str(error)
        answer = {
            "error": f"{type(error).__name__}: {error}",
            "class": "MachineError" if full else "ComponentError",
        }
    if first or "error" in answer:
        _answer(answer, Path(request["result"]))
    sys.exit(0 if "result" in answer else 3)


def _answer(answer: Mapping[str, Any], file: Path) -> None:
    """Write it whole or not at all. Of several processes the first error counts: others fail for want of the one that failed."""
    draft = file.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    if file.exists():
        draft.unlink()
    else:
        draft.replace(file)


class _Pipe:
    """`Progress` as marked lines on standard output, read by the parent."""

    def __init__(self, *, first: bool) -> None:
        self._first = first

    def say(self, line: str) -> None:
        self._send({"say": line})

    @contextmanager
    def task(self, label: str, total: int | None) -> Iterator["_Pipe"]:
        self._send({"task": label, "total": total})
        yield self
        self._send({"end": label})

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:
        self._send({"advance": count, "facts": dict(facts or {})})

    def _send(self, what: Mapping[str, Any]) -> None:
        if self._first:
            print(_MARK + json.dumps(what), flush=True)  # noqa: T201 - the pipe to the parent


def _follow(child: "subprocess.Popen[str]", out: Any, label: str, progress: Progress) -> None:
    assert child.stdout is not None
    tasks: list[tuple[Any, Task]] = []
    for line in child.stdout:
        if not line.startswith(_MARK):
            out.write(line)
            out.flush()
            continue
        what = json.loads(line.removeprefix(_MARK))
        if "say" in what:
            progress.say(what["say"])
        elif "task" in what:
            manager = progress.task(f"{label}: {what['task']}", what["total"])
            tasks.append((manager, manager.__enter__()))
        elif "end" in what and tasks:
            tasks.pop()[0].__exit__(None, None, None)
        elif tasks:
            tasks[-1][1].advance(what["advance"], what["facts"])


@contextmanager
def asking(child: "subprocess.Popen[str]") -> Iterator[list[int]]:
    """Hand SIGTERM on to the worker, once, where nobody else handles it; gives a list, empty until it comes."""
    asked: list[int] = []  # an event has a lock, at which a signal within a signal would wait for ever
    pipe = child.stdin
    assert pipe is not None

    def ask(number: int, *_: object) -> None:
        if not asked:
            asked.append(number)
            with suppress(OSError, ValueError):  # it has ended
                os.write(pipe.fileno(), b"s")

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield asked
        return
    signal.signal(signal.SIGTERM, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _error(answer: Mapping[str, str], label: str, folder: Path, log: Path) -> LangAdaptError:
    kind = getattr(errors, answer["class"], ComponentError)
    if "hint" in answer:
        return kind(answer["error"], hint=answer["hint"])
    said = answer["error"].splitlines()[0]
    if kind is errors.MachineError:
        return errors.MachineError(f"{folder}: {said}", hint=_ROOM)
    return ComponentError(f"{label}: {said}", hint=f"the whole output: {log}")


def _die_with_parent() -> None:
    while os.read(0, 1):
        os.kill(os.getpid(), signal.SIGTERM)
    os._exit(137)

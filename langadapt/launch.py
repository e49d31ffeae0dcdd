"""A component's work in a process of its own: settings and job in as JSON, progress lines and a result file out.

The worker holds the run's lock too (it inherits the descriptor) and ends when its parent does: it blocks on a pipe
from the parent, which closes however the parent dies.
"""

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langadapt.errors import ComponentError, LangAdaptError
from langadapt.interfaces import Progress, Task

_MARK = "langadapt-progress "


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
    `ComponentError` with the last line of that log where it fails.
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
            _follow(child, out, label, progress)
            code = child.wait()
        finally:
            if child.poll() is None:
                child.terminate()
            with child:  # closes the pipes, which ends a worker that a launcher started for us, and waits
                pass
    if result.exists():
        answer = json.loads(result.read_text(encoding="utf-8"))
        if "result" in answer:
            return answer["result"]
        raise _error(answer, label, folder, log)
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
    if first:
        draft = Path(request["result"] + ".part")
        draft.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        draft.replace(request["result"])
    sys.exit(0 if "result" in answer else 3)


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


def _error(answer: Mapping[str, str], label: str, folder: Path, log: Path) -> LangAdaptError:
    from langadapt import errors

    kind = getattr(errors, answer["class"], ComponentError)
    if "hint" in answer:
        return kind(answer["error"], hint=answer["hint"])
    said = answer["error"].splitlines()[0]
    if kind is errors.MachineError:
        return errors.MachineError(
            f"{folder}: {said}", hint="make room, then start again: what was done is kept"
        )
    return ComponentError(f"{label}: {said}", hint=f"the whole output: {log}")


def _die_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(137)

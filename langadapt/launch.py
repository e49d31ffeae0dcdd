"""A component's work in a process of its own: settings and job in as JSON, progress lines and a result file out.

The worker holds the run's lock too (it inherits the descriptor) and ends when its parent does: it blocks on a pipe
from the parent, which closes however the parent dies.
"""

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langadapt.errors import ComponentError, LangAdaptError
from langadapt.interfaces import Progress, Task

_MARK = "langadapt-progress "
_KEPT_LINES = 40


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
    `ComponentError` with the end of that log where it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job_file, result, log = folder / "job.json", folder / "result.json", folder / "worker.log"
    result.unlink(missing_ok=True)
    job_file.write_text(
        json.dumps({"job": job, "result": str(result)}, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    child = subprocess.Popen(
        [*command, str(job_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        close_fds=False,  # the run's lock is the one descriptor that is made inheritable
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )
    try:
        with log.open("w", encoding="utf-8") as out:
            last = _follow(child, out, label, progress)
        code = child.wait()
    finally:
        if child.poll() is None:
            child.terminate()
        with child:  # closes the pipes, which ends a worker that a launcher started for us, and waits
            pass
    if code == 0 and result.exists():
        answer = json.loads(result.read_text(encoding="utf-8"))
        if "error" not in answer:
            return answer["result"]
        raise _error(answer)
    if result.exists() and "error" in (answer := json.loads(result.read_text(encoding="utf-8"))):
        raise _error(answer)
    shown = "\n".join(f"  {line}" for line in last)
    raise ComponentError(
        f"{label}: the worker ended with exit code {code}\n{shown}", hint=f"the whole output: {log}"
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


def _follow(child: "subprocess.Popen[str]", out: Any, label: str, progress: Progress) -> Sequence[str]:
    last: deque[str] = deque(maxlen=_KEPT_LINES)
    assert child.stdout is not None
    tasks: list[tuple[Any, Task]] = []
    for line in child.stdout:
        if not line.startswith(_MARK):
            out.write(line)
            out.flush()
            last.append(line.rstrip())
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
    return last


def _error(answer: Mapping[str, str]) -> LangAdaptError:
    from langadapt import errors

    kind = getattr(errors, answer["class"], ComponentError)
    return kind(answer["error"], hint=answer["hint"])


def _die_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(137)

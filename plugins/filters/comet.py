"""A COMET model in an environment of its own, which a gate and an evaluator ask for scores."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import Loads, ModelRef
from langadapt.segments import PLACEHOLDER

_WORKER = Path(__file__).with_name("quality_worker.py")
_BLOCK = 2_000
_INSTALL = "python3 -m venv comet && comet/bin/pip install unbabel-comet==2.2.7 'setuptools<81', then {name}.python = comet/bin/python"


@dataclass(frozen=True, kw_only=True)
class Comet(Loads):
    """Scores of a model: of pairs (source, translation) where it is one for quality estimation, of triples with a reference behind where `references`.

    `name` is who asks, for errors; `setting` where its settings stand.
    """

    name: str
    setting: str
    model: ModelRef
    python: Path
    batch_size: int
    gpus: int
    references: bool = False

    @cached_property
    def version(self) -> str:
        """The version of COMET there; raises `ConfigError` for a Python without it."""
        said = "import importlib.metadata as m; print(m.version('unbabel-comet'))"
        hint = _INSTALL.format(name=self.setting)
        try:
            asked = subprocess.run(
                [str(self.python), "-c", said], capture_output=True, text=True, check=False, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigError(f"{self.name}: {self.python} does not run: {error}", hint=hint) from error
        if asked.returncode:
            raise ConfigError(f"{self.name}: {self.python} has no unbabel-comet", hint=hint)
        return asked.stdout.strip()

    def scores(self, rows: Sequence[Sequence[str]]) -> Iterator[float]:
        """One for each row, in order, whose texts lose placeholders: no such model has seen them. Raises `ComponentError` where the worker ends."""
        plain = [[_plain(text) for text in row] for row in rows]
        for start in range(0, len(plain), _BLOCK):
            yield from self._worker.scores(plain[start : start + _BLOCK])

    def close(self) -> None:
        """End the worker."""
        if worker := self.__dict__.get("_worker"):
            worker.close()
        super().close()

    @cached_property
    def _worker(self) -> "_Worker":
        settings = {
            "model": self.model.name,
            "revision": self.model.revision,
            "batch_size": self.batch_size,
            "gpus": self.gpus,
            "references": self.references,
        }
        return _Worker(self.name, [str(self.python), "-I", str(_WORKER), json.dumps(settings)])


class _Worker:
    """The other process: a line asked, a line answered."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self._name = name
        self._log: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed with the worker
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )
        try:
            self._read("ready")
        except BaseException:
            self.close()
            raise

    def scores(self, rows: Sequence[Sequence[str]]) -> list[float]:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(rows) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            pass  # what it said last is read below
        found: list[float] = self._read("scores")
        return found

    def close(self) -> None:
        with self._child as child, self._log:
            child.terminate()

    def _read(self, what: str) -> Any:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        answer = json.loads(line) if line.endswith("\n") else {}
        if what in answer:
            return answer[what]
        code = self._child.wait()
        self._log.seek(0)
        lines = [one for one in self._log.read().splitlines() if one.strip()]
        said = answer.get("error") or (lines[-1] if lines else f"exit code {code}")
        raise ComponentError(
            f"{self._name}: the worker ended: {said.splitlines()[0][:300]}",
            hint="the model must be of the kind that is asked for, whole, and its licence accepted where the Hub asks for it",
        )


def _plain(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(PLACEHOLDER.sub(" ", text).split())

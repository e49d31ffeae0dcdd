"""How good a translation is, estimated without a reference by a COMET model in an environment of its own."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import SPEED, Loads, ModelRef, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt.segments import PLACEHOLDER

_WORKER = Path(__file__).with_name("quality_worker.py")
_BLOCK = 2_000
_INSTALL = "python3 -m venv comet && comet/bin/pip install unbabel-comet==2.2.7 'setuptools<81', then {name}.python = comet/bin/python"


@dataclass(frozen=True, kw_only=True)
class Quality(Loads):
    """Drops a record of which a segment scores less than `at_least`; the worst segment counts.

    The score is that of the model (CometKiwi, Rei et al. 2022, aclanthology 2022.wmt-1.60: 0 to 1), which is not alike
    across models, languages and lengths: find a limit with `langadapt filter --calibrate`.
    """

    alone: ClassVar[bool] = True
    limits: ClassVar[dict[str, str]] = {"at_least": "low"}
    model: Annotated[
        ModelRef, "a COMET model for quality estimation: a Hub id, or a folder with its `checkpoints`"
    ]
    python: Annotated[Path, "the Python of an environment that holds unbabel-comet", SPEED]
    at_least: Annotated[float, "smallest score of a segment"]
    characters: Annotated[int, Ge(0), "a source of fewer is not judged: a score says little of it"] = 12
    batch_size: Annotated[int, Gt(0), "segments scored at once", SPEED] = 16
    gpus: Annotated[int, Ge(0), "accelerators that it may use; 0 is the CPU", SPEED] = 0

    @property
    def known(self) -> dict[str, str]:
        """The version of COMET in the other environment."""
        return {"unbabel-comet": self._version}

    def check(self, pack: LanguagePack) -> None:  # noqa: ARG002 - the seam's names
        """Refuse a Python without COMET before any work is done."""
        self._version  # noqa: B018 - raises where there is none

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item, with the score of its worst segment."""
        asked = dict.fromkeys(pair for item in batch for _, pair in self._pairs(item))
        scores = dict(zip(asked, self._scores(list(asked)), strict=True))
        return [self._judge([(scores[pair], index) for index, pair in self._pairs(item)]) for item in batch]

    def close(self) -> None:
        """End the worker."""
        if worker := self.__dict__.get("_worker"):
            worker.close()
        super().close()

    def _judge(self, scores: Sequence[tuple[float, int]]) -> Verdict:
        if not scores:
            return Verdict(keep=True)
        worst, index = min(scores)
        score = round(worst, 4)
        if worst >= self.at_least:
            return Verdict(keep=True, score=score, segment=index)
        reason = f"quality: {score:.3f} below {self.at_least:.3f}"
        return Verdict(keep=False, reason=reason, score=score, segment=index)

    def _pairs(self, item: Translation) -> Iterator[tuple[int, tuple[str, str]]]:
        """The segments that are long enough, without placeholders, which no such model has seen."""
        for index, pair in enumerate(item.pairs if item.translated else ()):
            if pair.target.strip() and len(pair.source) >= self.characters:
                yield index, (_plain(pair.source), _plain(pair.target))

    def _scores(self, pairs: Sequence[tuple[str, str]]) -> Iterator[float]:
        for start in range(0, len(pairs), _BLOCK):
            yield from self._worker.scores(pairs[start : start + _BLOCK])

    @cached_property
    def _version(self) -> str:
        said = "import importlib.metadata as m; print(m.version('unbabel-comet'))"
        try:
            asked = subprocess.run(
                [str(self.python), "-c", said], capture_output=True, text=True, check=False, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigError(f"quality: {self.python} does not run: {error}", hint=_hint()) from error
        if asked.returncode:
            raise ConfigError(f"quality: {self.python} has no unbabel-comet", hint=_hint())
        return asked.stdout.strip()

    @cached_property
    def _worker(self) -> "_Worker":
        settings = {
            "model": self.model.name,
            "revision": self.model.revision,
            "batch_size": self.batch_size,
            "gpus": self.gpus,
        }
        return _Worker([str(self.python), "-I", str(_WORKER), json.dumps(settings)])


class _Worker:
    """The other process: a line asked, a line answered."""

    def __init__(self, command: Sequence[str]) -> None:
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

    def scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(pairs) + "\n")
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
            f"quality: the worker ended: {said.splitlines()[0][:300]}",
            hint="the model must be one for quality estimation, whole, and its licence accepted where the Hub asks for it",
        )


def _plain(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(PLACEHOLDER.sub(" ", text).split())


def _hint() -> str:
    return _INSTALL.format(name="filter.quality")

"""The run folder: what lies where, who holds it, which step may be skipped. Others write to paths that it hands out."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from langadapt.errors import MachineError
from langadapt.identity import core_digest, digest, file_digest
from langadapt.languages import read_json

STAGES = ("prepare", "translate", "filter", "train", "evaluate", "report")


@dataclass
class Step:
    """One piece of work with a folder of its own; `facts` end up in its manifest."""

    name: str
    folder: Path
    needed: bool
    facts: dict[str, Any] = field(default_factory=dict)

    def path(self, *parts: str) -> Path:
        """A file or folder of this step."""
        return self.folder.joinpath(*parts)


class Run:
    """An open, locked run folder."""

    def __init__(self, folder: Path) -> None:
        """Open or make the folder and lock it; raises `MachineError` where it is read-only or held by another run."""
        self.folder = folder.resolve()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise MachineError(
                f"the run folder {self.folder} cannot be written: {error.strerror}",
                hint="name another folder",
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 500, 0).decode(errors="replace").strip() or "another process"
            os.close(self._lock)
            raise MachineError(
                f"{self.folder} is held by {holder}",
                hint="wait for it, stop it, or name another folder",
            ) from None
        os.set_inheritable(self._lock, True)
        with self._naming(self.folder):
            os.ftruncate(self._lock, 0)
            holder = f"process {os.getpid()} on {socket.gethostname()} since {time.ctime()}\n"
            os.pwrite(self._lock, holder.encode(), 0)

    @property
    def request(self) -> dict[str, Any]:
        """What was asked for: language, recipe, changes and own sources"""
        return dict(read_json(self.folder / "request.json"))

    @request.setter
    def request(self, asked: Mapping[str, Any]) -> None:
        with self._naming(self.folder):
            (self.folder / "request.json").write_text(json.dumps(asked, indent=1), encoding="utf-8")

    @contextlib.contextmanager
    def _naming(self, folder: Path) -> Iterator[None]:
        """An error of the disk as one that names the folder."""
        try:
            yield
        except OSError as error:
            if error.filename is None and error.errno is None:
                raise
            raise MachineError(
                f"{error.filename or folder}: {error.strerror}",
                hint=f"make room in {self.folder} or make it writable, then start again: what was done is kept",
            ) from error

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def step(self, name: str, *, settings: Any, inputs: Sequence[Path] = ()) -> Iterator[Step]:
        """Do the work in the body if `step.needed`; it is marked done when the body ends without an error.

        The fingerprint (settings, the core's source, the inputs' content) is written before the work begins. A
        folder with another fingerprint is emptied; one with the same is handed over as it is, for resuming.
        """
        folder = self.folder / name
        fingerprint = digest(
            [settings, core_digest(), [[p.name, file_digest(p) if p.exists() else None] for p in inputs]]
        )
        started, manifest = folder / "fingerprint", folder / "manifest.json"
        same = started.exists() and started.read_text(encoding="utf-8") == fingerprint
        if same and manifest.exists():
            yield Step(name, folder, needed=False, facts=read_json(manifest)["facts"])
            return
        step = Step(name, folder, needed=True)
        with self._naming(folder):
            if not same:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                started.write_text(fingerprint, encoding="utf-8")
            manifest.unlink(missing_ok=True)
            begun = time.time()
            yield step
            content = {
                "step": name,
                "fingerprint": fingerprint,
                "settings": settings,
                "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(begun)),
                "seconds": round(time.time() - begun, 2),
                "facts": step.facts,
            }
            draft = folder / "manifest.part"
            draft.write_text(json.dumps(content, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
            draft.replace(manifest)

    def manifests(self) -> Mapping[str, Mapping[str, Any]]:
        """The manifest of every finished step, by the step's name, in the order of their work."""
        paths = [path for stage in STAGES for path in sorted((self.folder / stage).rglob("manifest.json"))]
        ordered = [(path, read_json(path)) for path in paths]
        return {content["step"]: content for _, content in ordered}

"""The workers of a Ray cluster that translate, and the cluster: started here, joined, or there already."""

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from langadapt.errors import ComponentError, ConfigError, MachineError
from langadapt.interfaces import Hypothesis, Segment, Translator
from langadapt.languages import Language

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # lines of its processes, which it would print among our output
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # those of blocks that nobody waits for any more
}
"""What Ray reads when it is imported: it tells nobody of its use, and writes to its log files only."""
_STORE = 128 << 20
"""Bytes of a local cluster's shared memory, which only ever holds a few blocks of text."""
_GRACE_S = 5.0
"""How long a worker has to free what it loaded."""
LOGS = "the logs lie in /tmp/ray/session_latest/logs"

Told = list[tuple[int, Hypothesis]]


@dataclass(frozen=True)
class Place:
    """Where workers are to be, and what each of them needs; no address is a cluster of one's own."""

    workers: int
    cpus: float
    gpus: float
    address: str | None


class Worker:
    """What runs in a process of the cluster: the translator, made from its settings when it is first needed."""

    def __init__(self, settings: bytes, path: Sequence[str], threads: int) -> None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        sys.path += [
            folder for folder in path if folder not in sys.path
        ]  # what can be imported there can be here
        self._settings = settings
        self._translator: Translator | None = None

    def ready(self) -> Told:
        """Answer as soon as the process is there."""
        return []

    def translate(self, texts: Sequence[Segment], source: Language, target: Language) -> Told:
        """The hypotheses of some texts."""
        if self._translator is None:
            self._translator = self._made()
        return list(self._translator.translate(texts, source=source, target=target))

    def process(self) -> int:
        """The id of the process."""
        return os.getpid()

    def close(self) -> None:
        """Free what the translator loaded."""
        if self._translator is not None:
            self._translator.close()

    def _made(self) -> Translator:
        from ray import cloudpickle

        try:
            made: Translator = cloudpickle.loads(self._settings)
        except Exception as error:
            raise ComponentError(
                f"the worker on {socket.gethostname()} cannot make the translator: {error}",
                hint="install the same packages on every machine of the cluster",
            ) from error
        return made


class Crew:
    """The workers of one translator, and the cluster that they are on."""

    def __init__(self, translator: Translator, place: Place) -> None:
        self.ray = _ray()
        self._settings = _travelling(self.ray, translator)
        self._place = place
        self._joined = not self.ray.is_initialized()
        if self._joined:
            _start(self.ray, place)
        self._job = self._now
        try:
            if place.address is None:
                self._check_gpus()
            self.workers: list[Any] = [self._new() for _ in range(place.workers)]
            self.begun: set[int] = set()
        except BaseException:
            self._leave()
            raise

    @property
    def there(self) -> bool:
        """Whether this process is still on the cluster that the workers are on."""
        return bool(self.ray.is_initialized()) and self._now == self._job

    @property
    def _now(self) -> str:
        return str(self.ray.get_runtime_context().get_job_id())

    def worker(self, number: int) -> Any:
        """One of the workers, another where it was ended."""
        if self.workers[number] is None:
            self.workers[number] = self._new()
        return self.workers[number]

    def end(self, number: int) -> None:
        """End a worker, whatever it does."""
        self.ray.kill(self.workers[number])
        self.workers[number] = None
        self.begun.discard(number)

    def no_room(self, waited: float) -> MachineError:
        """Why no worker begins."""
        there = {name: self.ray.cluster_resources().get(name, 0) for name in ("CPU", "GPU")}
        return MachineError(
            f"no worker has begun within {waited:.0f} s: one needs {self._place.cpus} CPUs and {self._place.gpus} GPUs, "
            f"and the cluster has {there['CPU']} and {there['GPU']}",
            hint="`ray status` shows what is in use; lower `cpus` or `gpus`",
        )

    def close(self) -> None:
        """End the workers, and what was begun here."""
        if not self.there:
            return
        if freeing := [self.workers[number].close.remote() for number in self.begun]:
            self.ray.wait(freeing, num_returns=len(freeing), timeout=_GRACE_S)
        for number, worker in enumerate(self.workers):
            if worker is not None:
                self.end(number)
        self._leave()

    def _new(self) -> Any:
        """On this machine there are as many as are asked for; a cluster counts what is in use."""
        place = self._place
        needs = {"num_cpus": place.cpus if place.address else 0, "num_gpus": place.gpus}
        kind = self.ray.remote(Worker).options(max_restarts=0, **needs)
        return kind.remote(self._settings, sys.path, max(1, int(place.cpus)))

    def _leave(self) -> None:
        if self._joined:
            self.ray.shutdown()

    def _check_gpus(self) -> None:
        there = self.ray.available_resources().get("GPU", 0)
        if self._place.gpus * self._place.workers > there:
            raise MachineError(
                f"{self._place.workers} workers with {self._place.gpus} GPUs each do not fit on the {there:g} that are free here",
                hint='lower `workers` or `gpus`, or join a larger cluster: address = "auto"',
            )


def _ray() -> ModuleType:
    os.environ.update(_ENVIRONMENT)
    try:
        ray: ModuleType = import_module("ray")
    except ModuleNotFoundError as error:
        raise ComponentError(
            f"{error.name!r} is not installed", hint="pip install 'langadapt[ray]'"
        ) from error
    return ray


def _start(ray: ModuleType, place: Place) -> None:
    """Join the cluster at the address, or start one on this machine."""
    local = {
        "num_cpus": place.workers,
        "include_dashboard": False,
        "object_store_memory": _STORE,
    }
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init(address=place.address or "local", **quiet, **({} if place.address else local))
    except Exception as error:
        if place.address:
            raise MachineError(
                f"the Ray cluster {place.address!r} cannot be joined: {error}",
                hint="begin one with `ray start --head`, or leave `address` out",
            ) from error
        raise MachineError(f"Ray does not start: {error}", hint=LOGS) from error


def _travelling(ray: ModuleType, translator: Translator) -> bytes:
    try:
        return bytes(ray.cloudpickle.dumps(translator))
    except Exception as error:
        raise ConfigError(
            f"{type(translator).__name__} cannot be sent to workers: {error}",
            hint="spread the engine itself; what retries and remembers stands around `ray`",
        ) from error

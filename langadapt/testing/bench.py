"""What contracts for trainers and evaluators work with: results made once for all checks, progress that is noted down."""

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar
from unittest import SkipTest

from langadapt.errors import LangAdaptError
from langadapt.testing.components import ComponentContract

T = TypeVar("T")


class BenchContract(ComponentContract):
    """A contract whose work takes seconds: it is done once for all checks, in folders that go with the class."""

    _shelf: ClassVar[TemporaryDirectory[str] | None] = None
    _made: ClassVar[dict[str, Any]] = {}

    @classmethod
    def teardown_class(cls) -> None:
        """Remove what was made, and close what the checks shared."""
        shelf, cls._shelf, cls._made = vars(cls).get("_shelf"), None, {}
        if shelf is not None:
            shelf.cleanup()
        super().teardown_class()

    @property
    def place(self) -> Path:
        """A folder that lasts as long as one check."""
        return Path(self._folder.name)

    def once(self, name: str, make: Callable[[Path], T]) -> T:
        """What `make` gives for a new folder of that name; what it raised is raised again."""
        cls = type(self)
        if vars(cls).get("_shelf") is None:
            cls._shelf, cls._made = TemporaryDirectory(prefix="langadapt-check-"), {}
        if name not in cls._made:
            assert cls._shelf is not None
            folder = Path(cls._shelf.name, name)
            folder.mkdir()
            try:
                cls._made[name] = make(folder)
            except Exception as error:  # SkipTest is one too
                cls._made[name] = error
                raise
        found = cls._made[name]
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]


@contextmanager
def blaming(what: str, mend: str) -> Iterator[None]:
    """Whatever is raised inside is the component's failure: `what` it did, and how to mend it."""
    try:
        yield
    except (AssertionError, SkipTest):
        raise
    except LangAdaptError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise AssertionError(f"{what} raises {type(error).__name__}: {error}{hint}; {mend}") from error
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}: {error}; {mend}") from error


def contents(*places: Path) -> dict[str, str]:
    """Each file at or under the places, with a hash of what it holds."""
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*")))]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def finite(value: Any) -> bool:
    """Whether it is a number that JSON can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass
class Told:
    """One task that was told of: when it began, the last word on it, and how often it advanced."""

    label: str
    total: int | None
    begun: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    events: int = 0
    done: int = 0

    @property
    def seconds(self) -> float:
        """From its beginning to the last word on it."""
        return self.last - self.begun


class Notes:
    """A `Progress` that notes down what it is told; `stop` is a task's number and the event at which the user presses Ctrl-C."""

    def __init__(self, stop: tuple[int, int] | None = None) -> None:
        self.tasks: list[Told] = []
        self.stopped = False
        self._stop = stop

    def say(self, line: str) -> None:
        """Not noted."""

    @contextmanager
    def task(self, label: str, total: int | None) -> Iterator["_Noting"]:
        """A task to note down."""
        self.tasks.append(Told(label, total))
        yield _Noting(self, len(self.tasks) - 1)

    def note(self, number: int, count: int) -> None:
        """One more event of a task."""
        told = self.tasks[number]
        told.events, told.done, told.last = told.events + 1, told.done + count, time.monotonic()
        if not self.stopped and self._stop == (number, told.events):
            self.stopped = True
            raise KeyboardInterrupt

    @property
    def longest(self) -> int | None:
        """The number of the task that took longest; None where none advanced."""
        moved = [number for number, told in enumerate(self.tasks) if told.events]
        return max(moved, key=lambda number: self.tasks[number].seconds, default=None)


@dataclass(frozen=True)
class _Noting:
    notes: Notes
    number: int

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:  # noqa: ARG002 - the seam's names
        """Note it down."""
        self.notes.note(self.number, count)

"""Files that are there whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from secrets import token_hex
from typing import TextIO

from langadapt.errors import MachineError


@contextmanager
def drafting(path: Path) -> Iterator[TextIO]:
    """A text file that lies beside `path` and is moved there when the block ends well; line ends are written as they are.

    A link stays one: the file that it names is written. Of several processes that write to `path`, the last one's file
    stands there. Raises `MachineError` where the disk or the folder refuses.
    """
    place = path.resolve()
    with disk(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place)
        draft, out = _begin(place)
    try:
        yield out
        with disk(path):
            out.flush()
            os.fsync(out.fileno())
            draft.replace(place)
    finally:
        with suppress(OSError):
            out.close()
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _begin(place: Path) -> tuple[Path, TextIO]:
    """A new draft, locked for as long as it is open."""
    while True:
        draft = place.with_name(f".{place.name}.{token_hex(4)}.part")
        out = draft.open("x", encoding="utf-8", newline="")
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(out, fcntl.LOCK_EX)
        if draft.exists():  # nobody swept it away before it was locked
            return draft, out
        out.close()


def _sweep(place: Path) -> None:
    """Remove the drafts that nobody holds: the processes that wrote them were killed."""
    for draft in place.parent.glob(f".{escape(place.name)}.{'[0-9a-f]' * 8}.part"):
        with suppress(OSError), draft.open("r+b") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.unlink()


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Raises what the disk refuses as `MachineError`, with the path."""
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{path} cannot be written: {error.strerror}",
            hint="free the disk or make the folder writable; what was done is kept",
        ) from error

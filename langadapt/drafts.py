"""Files that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from langadapt.errors import MachineError


@contextmanager
def drafting(path: Path) -> Iterator[TextIO]:
    """A text file that lies beside `path` and is moved there when the block ends well; line ends are written as they are.

    A link stays one: the file that it names is written. Raises `MachineError` where the disk or the folder refuses.
    """
    place = path.resolve()
    draft = place.with_name(place.name + ".part")
    with disk(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        out = draft.open("w", encoding="utf-8", newline="")
    try:
        yield out
        with disk(path):
            out.close()
            draft.replace(place)
    finally:
        with suppress(OSError):
            out.close()
        with suppress(OSError):
            draft.unlink(missing_ok=True)


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

"""What SQLite refuses: waited for where another process is the cause, and said in words where it is not."""

import sqlite3
import time
from collections.abc import Callable

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def patiently(change: Callable[[], object], seconds: float) -> None:
    """Make a change that SQLite refuses, rather than waits for, while another process uses the file."""
    end = time.monotonic() + seconds
    while True:
        try:
            change()
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def advice(error: Exception, seconds: float) -> str:
    """What a person can do about an error of a memory file that was waited for `seconds`."""
    code = _code(error)
    if code == sqlite3.SQLITE_BUSY:
        return f"another process has held it for {seconds:.0f} s: start again when that one is done"
    if code == sqlite3.SQLITE_FULL:
        return (
            "free the disk, or name a file on another one with --memory; what was translated before is kept"
        )
    if code in _DAMAGED:
        return (
            "it is no memory of langadapt, or a damaged one: move it away, or name another with --memory FILE"
        )
    return "check the file and its folder, or name another with --memory FILE"


def _code(error: Exception) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

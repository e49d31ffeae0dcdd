"""The values of a JSON file one after the other, however large the file is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TextIO

from langadapt.errors import DataError

_CHUNK = 1 << 16
_LONGEST = 1 << 28
"""No row is longer than this, in characters."""
_NEAR = 16
"""A mistake, or the end of a value, so near the end of what is read may be a word that is cut there."""
_BLANK = re.compile(r"[ \t\r\n]*")


def json_values(text: TextIO, path: Path) -> Iterator[tuple[int, Any]]:
    """Line and value of each element of the array that a file is, or of each value of those that stand in it.

    Raises `DataError` with the line for what is no JSON, and for a value longer than 268,435,456 characters.
    """
    found = _Reading(text, path)
    if not found.blank():
        return
    if found.buffer[found.at] != "[":
        while found.blank():
            yield found.value()
        return
    found.at += 1
    if found.blank() and found.buffer[found.at] == "]":
        found.at += 1
    else:
        while True:
            found.blank()
            yield found.value()
            after = found.buffer[found.at] if found.blank() else ""
            found.at += 1
            if after == "]":
                break
            if after != ",":
                found.fail("a comma or the end of the array is missing")
    if found.blank():
        found.fail("something stands behind the array")


class _Reading:
    """Where a file has been read to; `buffer` holds what is not used yet, from `at` on."""

    def __init__(self, text: TextIO, path: Path) -> None:
        self.text, self.path = text, path
        self.buffer, self.at, self.line, self.ended = "", 0, 1, False
        self.decoder = json.JSONDecoder(parse_constant=self._constant)

    def blank(self) -> bool:
        """Go to the next character that is not blank; false where there is none."""
        while True:
            blank = _BLANK.match(self.buffer, self.at)
            end = blank.end() if blank else self.at
            self.line += self.buffer.count("\n", self.at, end)
            self.at = end
            if end < len(self.buffer):
                return True
            if not self.more():
                return False

    def more(self) -> bool:
        """Read on, twice as much as what is held already; false at the end."""
        read = "" if self.ended else self.text.read(max(_CHUNK, len(self.buffer) - self.at))
        if not read:
            self.ended = True
            return False
        self.buffer, self.at = self.buffer[self.at :] + read, 0
        return True

    def value(self) -> tuple[int, Any]:
        """The value that begins here."""
        line = self.line
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer, self.at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self.buffer) - _NEAR
                if not cut or not self.more():
                    self.line += self.buffer.count("\n", self.at, error.pos)
                    self.fail(error.msg)
            except (RecursionError, ValueError) as error:
                self.fail(str(error))
            else:
                if end < len(self.buffer) - _NEAR or not self.more():  # a number may go on
                    break
            if len(self.buffer) - self.at > _LONGEST:
                self.fail("a row is longer than 268,435,456 characters")
        self._check(value)
        self.line += self.buffer.count("\n", self.at, end)
        self.at = end
        return line, value

    def fail(self, why: str) -> NoReturn:
        """Raise what is wrong here."""
        raise DataError(
            f"{self.path}, line {self.line}: not JSON ({why})",
            hint="one array of objects, or one object per line",
        )

    def _check(self, value: Any) -> None:
        try:
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self.path}, line {self.line}: holds half a character (a lone surrogate)",
                hint="mend or drop the row",
            ) from error
        except ValueError as error:
            raise DataError(f"{self.path}, line {self.line}: {error}", hint="mend or drop the row") from error

    def _constant(self, name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON")

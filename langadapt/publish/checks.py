"""What must not leave this machine: keys, places on its disk, rows that nobody may hand on."""

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote

from langadapt.errors import DataError
from langadapt.prepare.licenses import allows

_KEY = re.compile(
    r"\bhf_[A-Za-z0-9]{30,}\b|\bsk-[A-Za-z0-9_-]{32,}|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bAKIA[0-9A-Z]{16}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{20,}|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)
_FILE_URL = re.compile(r"\bfile://[^/\s\"']*(/[^\s\"']*)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(?<![\w.:/<>~-])~?/(?:[\w.+@%=-]+/)+[\w.+@%=-]*")
_WINDOWS = re.compile(r"(?<!\w)[A-Za-z]:\\[^\s\"'|<>]+")
_NAMED = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SHORT = 12
_MASK = "(a key)"


def own_keys() -> list[str]:
    """The keys that this process knows: those of its environment, and the Hub's."""
    from huggingface_hub import get_token

    found = [value for name, value in os.environ.items() if _NAMED.search(name)]
    return sorted({key for key in (*found, get_token()) if key and len(key) >= _SHORT}, key=len, reverse=True)


def masked(text: str) -> str:
    """The text without keys."""
    for key in own_keys():
        text = text.replace(key, _MASK)
    return _KEY.sub(_MASK, text)


def holds_key(text: str) -> bool:
    """Whether something in a text looks like a key that opens something."""
    return bool(_KEY.search(text))


def check_rows(path: Path) -> None:
    """Raise `DataError` naming the first row of a JSON Lines file that holds a key which this process knows."""
    keys = [key.encode() for key in own_keys()]
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if any(key in line for key in keys):
                raise DataError(
                    f"{path}, line {number}: the row holds a key of yours",
                    hint="take the row out of its source",
                )


def check_text(text: str, where: str, *, places: bool = True) -> None:
    """Raise `DataError` where a text that would be sent holds a key, or a place on this machine's disk.

    A vocabulary is no text of somebody's: parts of paths are words in it, so `places` are not looked for there.
    """
    if masked(text) != text:
        raise DataError(
            f"{where} holds a key", hint="take it out of the recipe or the file that it comes from"
        )
    if not places:
        return
    bare = text.replace("\\", "")
    if any(re.search(rf"(?:(?<![\w.:/-])|file://){re.escape(place)}/", bare) for place in _places()):
        raise DataError(
            f"{where} names a folder of this machine", hint="take it out of the recipe or its settings"
        )


def _places() -> list[str]:
    return [str(path) for path in (Path.home(), Path.cwd()) if len(path.parts) > 1]


def scrubbed(value: Any, key: str = "", *, any_path: bool = False) -> Any:
    """A value without the folders of a machine: of a path that is here, or that its key says to be one, its name is left.

    With `any_path`, as configurations are cleaned, the same of every absolute path of two names or more, wherever it stands
    in a text; templates of a chat are left alone.
    """
    if isinstance(value, Mapping):
        return {name: scrubbed(inner, str(name), any_path=any_path) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(inner, key, any_path=any_path) for inner in value]
    if not isinstance(value, str) or "\0" in value:
        return value
    if any_path and (whole := _whole(value)) is not None:
        return whole
    value = _FILE_URL.sub(lambda found: PurePosixPath(unquote(found[1])).name, value)
    if any_path and key != "chat_template" and not any(mark in value for mark in ("{{", "{%")):
        value = _WINDOWS.sub(lambda found: PureWindowsPath(found[0]).name, value)
        value = _ABSOLUTE.sub(lambda found: PurePosixPath(found[0]).name, value)
    if not value.startswith(("/", "~/")):
        return value
    path = Path(value)
    named = key.lower().endswith(("path", "dir", "folder", "file"))
    return path.name if named or _here(path) else value


def _whole(value: str) -> str | None:
    """The name of a value that is one path, blanks in it included; None of any other, a template of a chat for one."""
    if "\n" in value or "{" in value:
        return None
    if value.lower().startswith("file://"):
        return PurePosixPath(unquote(value)).name
    if re.match(r"[A-Za-z]:\\", value):
        return PureWindowsPath(value).name
    posix = PurePosixPath(value)
    return posix.name if value.startswith(("/", "~/")) and len(posix.parts) > 2 else None


def _here(path: Path) -> bool:
    """Whether a path with a folder in it is one of this machine."""
    try:
        return len(path.parts) > 2 and (path.parts[0] == "~" or path.exists() or path.parent.exists())
    except OSError:
        return False


def check_licenses(licenses: Mapping[str, int]) -> None:
    """Raise `DataError` where the licence of some rows is unknown, or lets nobody hand on a translation."""
    wrong = {name: number for name, number in licenses.items() if not may_hand_on(name)}
    if wrong:
        told = ", ".join(f"{number} rows under {name or 'no licence'}" for name, number in wrong.items())
        raise DataError(
            f"the data cannot be published: {told}",
            hint="state the licence of the source in the recipe (source.NAME.license) or leave it out, and run again",
        )


def may_hand_on(expression: str) -> bool:
    """Whether a translation of rows under an SPDX expression may be given to others; what is unknown may not."""
    return bool(expression) and allows("research", expression)


def non_commercial(licenses: Mapping[str, int]) -> int:
    """Rows whose licence leaves commerce out."""
    return sum(number for name, number in licenses.items() if not allows("commercial", name))

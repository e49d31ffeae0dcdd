"""A pack is data: what in its folder could run, or leads out of it. Each finding is `FILE: what, and how to mend it`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from langadapt.errors import LangAdaptError
from langadapt.languages import read_yaml

_CODE = re.compile(
    r"\.(?:py[cdioxw]?|pth|ipynb|so|dll|dylib|exe|msi|com|bat|cmd|ps1|(?:ba|z|fi)?sh|[mc]?[jt]s|wasm|jar|class|rb|pl|php|lua|r|jl|go|rs"
    r"|c|cc|cpp|h|whl|egg|zip|tar|gz|tgz|bz2|xz|7z)"
)
_PICKLE = re.compile(r"\.(?:pkl|pickle|bin|pt|ckpt|joblib|dill|npy|npz|h5|keras|msgpack)")
_PROGRAM = re.compile(rb"#!|\x7fELF|MZ[^\n]*\0|\xca\xfe\xba\xbe|[\xce\xcf]\xfa\xed\xfe|\x80[\x02-\x05]")
_NUMBERS = (".safetensors", ".parquet")
"""Files whose first bytes are lengths, which may look like anything."""
_TASKS = (".yaml", ".yml")
_BUILDERS = ("arrow", "csv", "json", "parquet", "text")
_ASKS_FOR_CODE = ("trust_remote_code", "unsafe_code")


def files(folder: Path) -> Iterator[Path]:
    """Every file of a pack, links too."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def said(error: Exception, path: Path) -> str:
    """What an error says of a file, less the path that it begins with."""
    return str(error).removeprefix(f"{path}").lstrip(":, ")


def programs(folder: Path) -> Iterator[str]:
    """Files that are code by name, by their first bytes or by their mode."""
    # On some disks every file may be executed, and that says nothing of any.
    told = not _executable(folder / "pack.toml")
    for path in files(folder):
        where = path.relative_to(folder)
        if _CODE.fullmatch(path.suffix.lower()):
            yield f"{where}: is code or may hold some, and a pack is data: remove it"
        elif _PICKLE.fullmatch(path.suffix.lower()):
            yield f"{where}: a pickle can run code when it is read: save weights as safetensors, rows as JSON Lines"
        elif not path.is_file():
            continue
        elif path.suffix not in _NUMBERS and _PROGRAM.match(_head(path)):
            yield f"{where}: begins as a program or a pickle does: remove it"
        elif told and _executable(path):
            yield f"{where}: may be executed: take that away (chmod a-x)"


def _head(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(64)


def _executable(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & 0o111)


def links(folder: Path) -> Iterator[str]:
    """Links that lead out of the folder, or nowhere."""
    inside = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            continue
        where = path.relative_to(folder)
        if not path.resolve().is_relative_to(inside):
            yield f"{where}: is a link that leaves the pack's folder: put a copy of the file there"
        elif not path.exists():
            yield f"{where}: is a link to nothing: put the file there, or remove it"


def tasks(folder: Path) -> Iterator[str]:
    """Task files that hold code, ask for code from elsewhere, or name files that are not in the pack."""
    for path in files(folder):
        if path.suffix.lower() not in _TASKS or not path.is_file():
            continue
        found: list[str] = []
        facts = _read(path, folder, found, (path,))
        found += [
            f"`{key}` asks to run code from elsewhere: remove it, and read the data from files of rows"
            for key in sorted(_asking(facts))
        ]
        found += _missing(facts, path, folder)
        yield from (f"{path.relative_to(folder)}: {one}" for one in dict.fromkeys(found))


def _read(path: Path, folder: Path, found: list[str], trail: tuple[Path, ...]) -> dict[str, Any]:
    """What a task file says with all that it includes; what is wrong is added to `found`."""
    try:
        facts = read_yaml(path)
    except LangAdaptError as error:
        found.append(f"{said(error, path)}: {error.hint}")
        return {}
    merged: dict[str, Any] = {}
    includes = facts.get("include") or []
    for name in [includes] if isinstance(includes, str) else includes:
        target = (path.parent / str(name)).resolve()
        if not target.is_relative_to(folder.resolve()):
            found.append(f"includes {name}, which lies outside the pack: put a copy of it into the pack")
        elif not target.is_file():
            found.append(f"includes {name}, which is not there: name a file of the pack")
        elif target in [one.resolve() for one in trail]:
            found.append(f"includes {name}, which includes it again: break the circle")
        else:
            inner: list[str] = []
            merged |= _read(target, folder, inner, (*trail, target))
            found += [f"through {name}: {one}" for one in inner]
    return {**merged, **facts}


def _asking(value: Any) -> set[str]:
    """Keys, however deep, that ask for code to be run."""
    if isinstance(value, list):
        return {key for item in value for key in _asking(item)}
    if not isinstance(value, Mapping):
        return set()
    own = {key for key in _ASKS_FOR_CODE if value.get(key) not in (None, False)}
    return own | {key for item in value.values() for key in _asking(item)}


def _missing(facts: Mapping[str, Any], path: Path, folder: Path) -> Iterator[str]:
    """Data files on this disk, which must be the pack's: relative to the task file, as the harness evaluator reads them."""
    options = facts.get("dataset_kwargs")
    if facts.get("dataset_path") not in _BUILDERS or not isinstance(options, Mapping):
        script = str(facts.get("dataset_path", ""))
        if script.endswith(".py"):
            yield f"dataset_path {script} is a script: read files of rows (`json`, `parquet`)"
        return
    for name in _names(options.get("data_files")):
        target = (path.parent / name).resolve()
        if "://" in name or any(mark in name for mark in "*?["):
            continue
        if not target.is_relative_to(folder.resolve()):
            yield f"data file {name} lies outside the pack: put it into the pack"
        elif not target.is_file():
            yield f"data file {name} is not there: name a file of the pack, relative to this one"


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)

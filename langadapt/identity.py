"""What a component, a model or a file is, as a string that changes when its results may change."""

import ast
import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_type_hints

from langadapt.errors import MachineError
from langadapt.interfaces import Mark, ModelRef

CACHE = "LANGADAPT_CACHE"
"""The environment variable that names the folder for what is costly to find out again: digests of large files, for one."""
_LARGE = 1 << 26
Purpose = Literal["memory", "fingerprint"]
_NOT_CORE = (
    "cli",
    "compare",
    "plan",
    "provenance",
    "publish",
    "report",
    "recipes",
    "scaffold",
    "templates",
    "testing",
    "progress.py",
    "machine.py",
    "published.py",
    "published.toml",
)


def digest(value: Any) -> str:
    """SHA-256 of a value's JSON, in hexadecimal."""
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()
    ).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, kept while its size and time stay."""
    facts = path.stat()
    return _file_digest(path, facts.st_size, facts.st_mtime_ns)


@cache
def _file_digest(path: Path, size: int, time: int) -> str:
    folder = os.environ.get(CACHE)
    if not folder or size < _LARGE:
        return _read_digest(path)
    Path(folder).mkdir(parents=True, exist_ok=True)
    store = Path(folder) / "digests.sqlite"
    with contextlib.closing(sqlite3.connect(store, timeout=60, isolation_level=None)) as known:
        known.execute(
            "CREATE TABLE IF NOT EXISTS digests (path, size, time, digest, PRIMARY KEY (path, size, time))"
        )
        key = (str(path.resolve()), size, time)
        row = known.execute(
            "SELECT digest FROM digests WHERE path = ? AND size = ? AND time = ?", key
        ).fetchone()
        if row is None:
            row = (_read_digest(path),)
            known.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", (*key, *row))
        return str(row[0])


def _read_digest(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def folder_digest(folder: Path, pattern: str = "*") -> str:
    """SHA-256 over the names and contents of a folder's files."""
    files = sorted(
        path for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts
    )
    return digest([[str(path.relative_to(folder)), file_digest(path)] for path in files])


@cache
def core_digest() -> str:
    """The core's own source, less what cannot change a stage's result."""
    root = Path(__file__).parent
    files = sorted(root.rglob("*.py")) + sorted(root.rglob("*.toml"))
    return digest(
        [
            [str(p.relative_to(root)), file_digest(p)]
            for p in files
            if p.relative_to(root).parts[0] not in _NOT_CORE
        ]
    )


@cache
def source_digest(module: str) -> str:
    """The source of a module and of all that it imports from its own package, however far; nothing is imported."""
    top = module.partition(".")[0]
    spec = find_spec(top)
    roots = list(spec.submodule_search_locations or ()) if spec else []
    if not roots:
        return file_digest(Path(spec.origin)) if spec and spec.origin else ""
    found: dict[str, Path] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        path = None if name in found else _source(name, Path(roots[0]))
        if path is not None:
            found[name] = path
            todo += [one for one in _imported(name, path) if one.partition(".")[0] == top]
    return digest([[name, file_digest(path)] for name, path in sorted(found.items())])


def _source(module: str, root: Path) -> Path | None:
    place = root.joinpath(*module.split(".")[1:])
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()), None)


def _imported(module: str, path: Path) -> Iterator[str]:
    """Every module that a file may import, its names taken for modules too."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{item.name}" for item in node.names)


def model_identity(model: ModelRef) -> str:
    """A folder by its content, a Hub model by its pinned revision."""
    if model.folder:
        return f"sha256:{folder_digest(model.folder)}"
    return str(pinned(model))


@cache
def pinned(model: ModelRef) -> ModelRef:
    """The model with the commit that its revision names now; raises `MachineError` where nobody can say."""
    if model.folder or (model.revision and len(model.revision) == 40):
        return model
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        return ModelRef(model.name, HfApi().model_info(model.name, revision=model.revision).sha)
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError) as error:
        reference = f"models--{model.name.replace('/', '--')}/refs/{model.revision or 'main'}"
        known = Path(constants.HF_HUB_CACHE) / reference
        if known.exists():
            return ModelRef(model.name, known.read_text().strip())
        raise MachineError(
            f"the model {model} is neither a folder here nor to be found on the Hub ({type(error).__name__})",
            hint="check the name and the network, or name a folder that holds the model",
        ) from error
    except Exception as error:
        raise MachineError(
            f"the Hub cannot be asked about {model}: {error}", hint="check the network"
        ) from error


def component_identity(component: Any, purpose: Purpose) -> dict[str, Any]:
    """Class, settings and models of a component and of those that it holds."""
    if purpose == "memory":
        component = getattr(component, "remembered_as", component)
    kind: type[Any] = type(component)
    if purpose == "memory" and hasattr(kind, "stands_for"):
        return component_identity(getattr(component, kind.stands_for), purpose)
    marks = _marks(kind)
    hidden = {Mark.SPEED} if purpose == "fingerprint" else {Mark.SPEED, Mark.LIMIT}
    settings = {
        item.name: _value_identity(getattr(component, item.name), purpose)
        for item in fields(component)
        if not marks[item.name] & hidden
    }
    identity = {"class": f"{kind.__module__}.{kind.__qualname__}", "settings": settings}
    if hasattr(component, "known"):
        identity["known"] = component.known
    if hasattr(kind, "output_version"):
        identity["output_version"] = kind.output_version
    if purpose == "fingerprint":
        identity["source"] = source_digest(kind.__module__)
    return identity


def _marks(kind: type[Any]) -> Mapping[str, set[Mark]]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        item.name: {note for note in getattr(hints[item.name], "__metadata__", ()) if isinstance(note, Mark)}
        for item in fields(kind)
    }


def _value_identity(value: Any, purpose: Purpose) -> Any:
    if isinstance(value, ModelRef):
        return model_identity(value)
    if isinstance(value, Path):
        return file_digest(value) if value.is_file() else str(value)
    if is_dataclass(value):
        return component_identity(value, purpose)
    if isinstance(value, Mapping):
        return {key: _value_identity(item, purpose) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_value_identity(item, purpose) for item in value]
    return value

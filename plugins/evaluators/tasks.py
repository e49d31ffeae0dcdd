"""The pack's lm-eval task files: found by name or path, free of code, with data files that resolve from anywhere."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError

_BUILDERS = ("arrow", "csv", "json", "parquet", "text")


def task_manager(folder: Path | None, wanted: Sequence[str]) -> tuple[Any, list[str]]:
    """lm-eval's manager and the names that it knows the wanted tasks by.

    lm-eval's own index (7 s) is read only where the pack's files do not have a name. Raises `ConfigError` for a name
    that neither has, and for a task file of the pack that holds code or cannot be read.
    """
    from lm_eval.tasks import TaskManager

    own = folder if folder and folder.is_dir() else None
    short = short_names(own)
    names = [short.get(name, name) for name in wanted]
    for defaults in (False, True):
        manager = TaskManager(include_path=str(own) if own else None, include_defaults=defaults)
        index = manager.task_index
        for entry in index.values():
            if own and entry.yaml_path and entry.yaml_path.is_relative_to(own):
                # lm-eval would read the file again; instead it is given what the file says, with absolute paths.
                entry.cfg, entry.yaml_path = _absolute(entry.cfg, entry.yaml_path.parent), None
        unknown = sorted(_unknown(names, index))
        if not unknown:
            return manager, names
    known = [*short, *index]
    near = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    raise ConfigError.of(
        (
            f"no task is called {name!r}" + (f"; did you mean {near[name][0]!r}?" if near[name] else "")
            for name in unknown
        ),
        where="harness.tasks",
        hint="names are lm-eval's (`lm-eval ls tasks`), or files of the pack's tasks folder without .yaml",
    )


def short_names(folder: Path | None) -> dict[str, str]:
    """The task or group that each file of a folder holds, by its path without suffix; what it includes is checked with it."""
    if folder is None or not folder.is_dir():
        return {}
    found: dict[str, str] = {}
    seen: set[Path] = set()
    for path in sorted(folder.rglob("*.yaml")):
        facts = _read(path, seen)
        name = facts.get("group") or facts.get("task")
        if isinstance(name, str):
            found[path.relative_to(folder).with_suffix("").as_posix()] = name
    return found


def _read(path: Path, seen: set[Path]) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        facts = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    except yaml.constructor.ConstructorError as error:
        at = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(
            f"{path}{at}: {error.problem}", hint="a pack is data: write it as Jinja instead of !function"
        ) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {error}", hint="mend the task file") from error
    if not isinstance(facts, dict):
        raise ConfigError(f"{path}: no mapping", hint="mend the task file")
    seen.add(path.resolve())
    includes = facts.get("include") or []
    for name in [includes] if isinstance(includes, str) else includes:
        target = (path.parent / name).resolve()
        if target not in seen:
            facts = {**_read(target, seen), **facts}
    return facts


def _unknown(names: Iterable[str], index: Mapping[str, Any]) -> set[str]:
    """Names that the index lacks, members of groups too."""
    missing: set[str] = set()
    for name in names:
        entry = index.get(name)
        if entry is None:
            missing.add(name)
        elif entry.cfg and isinstance(members := entry.cfg.get("task"), list):
            missing |= _unknown([m for m in members if isinstance(m, str)], index)
    return missing


def _absolute(value: Any, folder: Path) -> Any:
    """The same settings; data files that a local builder reads are made absolute."""
    if isinstance(value, list):
        return [_absolute(item, folder) for item in value]
    if not isinstance(value, dict):
        return value
    held = {key: _absolute(item, folder) for key, item in value.items()}
    options = held.get("dataset_kwargs")
    if held.get("dataset_path") in _BUILDERS and isinstance(options, dict) and "data_files" in options:
        held["dataset_kwargs"] = {**options, "data_files": _paths(options["data_files"], folder)}
    return held


def _paths(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _paths(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [_paths(item, folder) for item in value]
    return value if "://" in value else str((folder / value).resolve())

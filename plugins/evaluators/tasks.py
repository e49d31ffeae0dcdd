"""The pack's lm-eval task files: found by name or path, free of code, with the pack's words and with data files that resolve from anywhere."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.languages import read_yaml

_BY_ITSELF = {"dataset_path", "custom_dataset", "include", "class"}
_BUILDERS = ("arrow", "csv", "json", "parquet", "text")
_WORD = re.compile(r"\{\{-?\s*words\.(\w+)\s*-?\}\}")
_WITHIN = re.compile(r"\{[{%](?:(?![}%]\}).)*?\bwords\.(\w+)", re.DOTALL)


def task_manager(
    folder: Path | None,
    wanted: Sequence[str],
    words: Mapping[str, str] | None = None,
    sets: Iterable[str] = (),
) -> tuple[Any, list[str]]:
    """lm-eval's manager and the names that it knows the wanted tasks by; `words` fill the pack's files, `sets` may be meant too.

    lm-eval's own index (7 s) is read only where the pack's files do not have a name. Raises `ConfigError` for a name
    that neither has, and for a task file of the pack that holds code, cannot be read or asks for a word that is not there.
    """
    from lm_eval.tasks import TaskManager

    own = folder if folder and folder.is_dir() else None
    short = _short_names(_files(own))
    names = [short.get(name, name) for name in wanted]
    for defaults in (False, True):
        manager = TaskManager(include_path=str(own) if own else None, include_defaults=defaults)
        index = manager.task_index
        for entry in index.values():
            if own and entry.yaml_path and entry.yaml_path.is_relative_to(own):
                # lm-eval would read the file again; instead it is given what the file says, with absolute paths.
                said = _worded(entry.cfg, words or {}, entry.yaml_path)
                entry.cfg, entry.yaml_path = _absolute(said, entry.yaml_path.parent), None
        members = {name: list(_members(entry.cfg or {})) for name, entry in index.items()}
        unknown = sorted(_unknown(names, members))
        if not unknown:
            return manager, names
    known = [*sets, *short, *index]
    near = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    raise ConfigError.of(
        (
            f"no task is called {name!r}" + (f"; did you mean {near[name][0]!r}?" if near[name] else "")
            for name in unknown
        ),
        where="harness.tasks",
        hint="names are lm-eval's (`lm-eval ls tasks`), files of the pack's tasks folder without .yaml, or sets",
    )


def strangers(folder: Path | None, wanted: Iterable[str]) -> set[str]:
    """Those of the wanted names, and of the members of wanted groups, that no file of the folder has."""
    files = _files(folder)
    short = _short_names(files)
    members = {short[path]: list(_members(facts)) for path, facts in files.items() if path in short}
    tags = (facts.get("tag") or () for facts in files.values())
    members |= {tag: [] for named in tags for tag in ([named] if isinstance(named, str) else named)}
    return _unknown((short.get(name, name) for name in wanted), members)


def _files(folder: Path | None) -> dict[str, dict[str, Any]]:
    """What each task file of a folder says, by its path without suffix; what it includes is checked with it."""
    paths = sorted(folder.rglob("*.yaml")) if folder and folder.is_dir() else []
    return {
        path.relative_to(folder).with_suffix("").as_posix(): _read(path.resolve(), ())
        for path in paths
        if folder
    }


def _short_names(files: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The task or group that each file holds, by its path without suffix."""
    names = {path: facts.get("group") or facts.get("task") for path, facts in files.items()}
    return {path: name for path, name in names.items() if isinstance(name, str)}


def _read(path: Path, trail: tuple[Path, ...]) -> dict[str, Any]:
    """A file over what it includes, the last included first, as lm-eval reads it."""
    if path in trail:
        raise ConfigError(f"{path}: includes itself by way of {trail[-1].name}", hint="break the circle")
    facts = read_yaml(path)
    includes = facts.get("include") or []
    merged: dict[str, Any] = {}
    for name in [includes] if isinstance(includes, str) else includes:
        merged |= _read((path.parent / name).resolve(), (*trail, path))
    return {**merged, **facts}


def _members(facts: Mapping[str, Any]) -> Iterator[str]:
    """The tasks and groups that a group asks for by name; a table is a task or a group by itself, or stands for one."""
    listed = facts.get("task")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping) and isinstance(one.get("task"), list):
            yield from _members(one)
        elif isinstance(one, Mapping) and not _BY_ITSELF & one.keys():
            yield str(one.get("task") or one.get("group"))


def _unknown(names: Iterable[str], members: Mapping[str, Iterable[str]]) -> set[str]:
    """Names that are not known, those of members too; `members` are what is known, with what each asks for."""
    left, seen, missing = list(names), set[str](), set[str]()
    while left:
        name = left.pop()
        if name not in members:
            missing.add(name)
        elif name not in seen:
            left += members[name]
        seen.add(name)
    return missing


def _worded(value: Any, words: Mapping[str, str], path: Path) -> Any:
    """The same settings with the pack's words in place of `{{ words.NAME }}`; in stop words and delimiters too."""
    if isinstance(value, dict):
        return {key: _worded(item, words, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_worded(item, words, path) for item in value]
    if not isinstance(value, str):
        return value
    if unknown := [name for name in _WORD.findall(value) if name not in words]:
        raise ConfigError(
            f"{path}: the pack has no word {unknown[0]!r}",
            hint="write it in literals.toml, or a sentence in [tasks] of prompts.toml",
        )
    if within := _WITHIN.search(_WORD.sub("", value)):
        raise ConfigError(
            f"{path}: words.{within[1]} stands within an expression",
            hint=f"write it alone, as {{{{ words.{within[1]} }}}}",
        )
    return _WORD.sub(lambda found: words[found[1]], value)


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

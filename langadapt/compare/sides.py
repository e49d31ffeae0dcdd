"""What the words of the command line name: a run, one checkpoint of it, or the folder that `langadapt evaluate` wrote."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.languages import read_json


@dataclass(frozen=True, kw_only=True)
class Side:
    """One checkpoint's evaluation: `folder` holds a folder for each evaluator. `language` is empty where nothing says it."""

    label: str
    checkpoint: str
    folder: Path
    language: str
    whole_run: bool


def sides(words: Sequence[str]) -> list[Side]:
    """The checkpoints to compare, in order: all of one run, or, of several runs, the last of each that names none.

    Raises `ConfigError` for what is no run, for a checkpoint that is not there, for one named twice and for several
    languages, `DataError` where nothing was evaluated or only one checkpoint.
    """
    named = [_named(word) for word in words]
    found = []
    for path, checkpoint in named:
        there = _checkpoints(path)
        chosen = _chosen(path, checkpoint, [side.checkpoint for side in there], alone=len(named) == 1)
        found += [side for side in there if side.checkpoint in chosen]
    places = [side.folder.resolve() for side in found]
    if twice := [side.label for n, side in enumerate(found) if places[n] in places[:n]]:
        raise ConfigError(f"{twice[0]} is named twice", hint="name two checkpoints, as RUN:CHECKPOINT")
    if len(found) < 2:
        raise DataError(
            f"{found[0].label} is the only checkpoint that was evaluated",
            hint="name another RUN to compare it with",
        )
    spoken = {side.language: side.label for side in found if side.language}
    if len(spoken) > 1:
        told = ", ".join(f"{label} is {language}" for language, label in spoken.items())
        raise ConfigError(
            f"the runs are of several languages: {told}", hint="compare runs of one language with each other"
        )
    return _labelled(found)


def _named(word: str) -> tuple[Path, str]:
    """A path and maybe a checkpoint; a folder whose own name holds a colon is that folder."""
    if Path(word).is_dir() or ":" not in word:
        return Path(word), ""
    path, _, checkpoint = word.rpartition(":")
    return Path(path), checkpoint


def _chosen(path: Path, checkpoint: str, there: Sequence[str], *, alone: bool) -> Sequence[str]:
    if not checkpoint:
        return there if alone else there[-1:]
    if checkpoint not in there:
        raise ConfigError(
            f"{path} has no evaluated checkpoint {checkpoint!r}", hint=f"it has {', '.join(there)}"
        )
    return [checkpoint]


def _checkpoints(path: Path) -> list[Side]:
    """A run's evaluated checkpoints in the order of their making; one for a folder of evaluators."""
    if not path.is_dir():
        raise ConfigError(f"{path} is no folder", hint="name the folder that `langadapt run` printed")
    if not (path / "request.json").exists():
        if not any(path.glob("*/scores.json")):
            raise ConfigError(
                f"{path} is neither a run folder nor the scores of a model",
                hint="name the folder that `langadapt run` or `langadapt evaluate` printed",
            )
        return [
            Side(
                label=path.resolve().name,
                checkpoint=path.resolve().name,
                folder=path,
                language="",
                whole_run=False,
            )
        ]
    asked = read_json(path / "request.json")
    language = str(asked.get("language", "")) if isinstance(asked, dict) else ""
    names = [one.parent.parent.name for one in (path / "evaluate").glob("*/*/scores.json")]
    if not names:
        raise DataError(
            f"{path}: nothing was evaluated yet",
            hint="start the run again, and let it reach its stage `evaluate`",
        )
    order = {name: place for place, name in enumerate(["base", *_trained(path)])}
    ordered = sorted(dict.fromkeys(names), key=lambda name: (order.get(name, len(order)), name))
    return [
        Side(
            label=f"{path.resolve().name}:{name}", checkpoint=name, folder=path / "evaluate" / name,
            language=language, whole_run=True,
        )
        for name in ordered
    ]  # fmt: skip


def _trained(path: Path) -> list[str]:
    """Names of training steps by the time at which they began."""
    begun: list[tuple[str, str]] = []
    for manifest in sorted((path / "train").glob("*/manifest.json")):
        told: Any = read_json(manifest)
        begun.append((str(told.get("begun", "")) if isinstance(told, dict) else "", manifest.parent.name))
    return [name for _, name in sorted(begun)]


def _labelled(found: Sequence[Side]) -> list[Side]:
    """The shortest names that tell them apart: checkpoints within one run, folder and checkpoint, or the whole path."""
    short = [side.checkpoint for side in found]
    one_run = all(side.whole_run for side in found) and len({side.folder.parent for side in found}) == 1
    if one_run and len(set(short)) == len(found):
        return [replace(side, label=name) for side, name in zip(found, short, strict=True)]
    if len({side.label for side in found}) == len(found):
        return list(found)
    return [
        replace(
            side, label=f"{side.folder.parents[1]}:{side.checkpoint}" if side.whole_run else str(side.folder)
        )
        for side in found
    ]

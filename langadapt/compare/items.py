"""Scores with the values that they are means of, read from what evaluators leave in their folders."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langadapt.compare.sides import Side
from langadapt.errors import DataError
from langadapt.languages import read_json
from langadapt.records import read_rows

PLACES = ("turn", "order")
"""Keys that tell several values of one item apart, beside its id."""


@dataclass(frozen=True)
class Item:
    """What was asked, the same for every model: `id` is what values hang together by, `place` tells them apart."""

    id: str
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A score of one checkpoint; no `items` where it is not the mean of values, as BLEU of a whole text is not.

    `parts` says which mean each item is a part of, where the score is a mean of means. `whole` is false for a group's tasks, a turn
    or a category. `sure` says that items bear what was asked, not a number alone.
    """

    task: str
    metric: str
    value: float
    higher_is_better: bool
    signature: str
    whole: bool
    sure: bool
    items: Mapping[Item, float]
    parts: Mapping[Item, str]


@dataclass(frozen=True, kw_only=True)
class _Value:
    task: str
    metric: str
    kind: str
    category: str
    item: Item
    value: float


def scores(side: Side) -> tuple[list[Scored], list[str]]:
    """Every score of a checkpoint, and what cannot be used and why; raises `DataError` for files that are broken."""
    found, wanting = [], []
    for path in sorted(side.folder.glob("*/scores.json")):
        if side.whole_run and not (path.parent / "manifest.json").exists():
            wanting.append(f"{side.label}: {path.parent.name} has not finished")
            continue
        found += list(_scores(path))
    return found, wanting


def _scores(path: Path) -> Iterator[Scored]:
    listed = read_json(path)
    about = read_json(path.parent / "tasks.json") if (path.parent / "tasks.json").exists() else {}
    if not isinstance(listed, list) or not isinstance(about, dict):
        raise DataError(f"{path}: a list of scores is needed", hint="evaluate this checkpoint again")
    asked = _asked(path.parent)
    values = list(_values(path.parent, asked))
    members = {name for task in about.values() for name in task.get("members", ())}
    for told in listed:
        try:
            task, metric, value = str(told["task"]), str(told["metric"]), float(told["value"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{path}: a score without task, metric or value", hint="evaluate this checkpoint again"
            ) from error
        signature = str(told.get("signature", ""))
        kind = _kind(signature)
        own = [
            one for one in values
            if one.metric == metric and _belongs(one, task, about.get(task, {}).get("members", ())) and one.kind == (kind or "none")
        ]  # fmt: skip
        items, parts = _of(own, value)
        yield Scored(
            task=task,
            metric=f"{metric},{kind}" if kind else metric,
            value=value,
            higher_is_better=bool(told.get("higher_is_better", True)),
            signature=signature,
            whole=task not in members and ("/" not in task or bool(about)),
            sure=bool(asked),
            items=items,
            parts=parts,
        )


def _belongs(one: _Value, task: str, members: Sequence[str]) -> bool:
    """A harness task or a group's member by name; of a judged test the whole, a turn or a category."""
    if one.task:
        return one.task == task or one.task in members
    _, _, part = task.partition("/")
    return part in ("", one.category) or part == f"turn-{one.item.place.partition(' ')[0]}"


def _kind(signature: str) -> str:
    """The filter of lm-eval whose values a score is made of."""
    return next((part.partition(":")[2] for part in signature.split("|") if part.startswith("filter:")), "")


def _of(own: Sequence[_Value], value: float) -> tuple[dict[Item, float], dict[Item, str]]:
    """The values by item, and parts, in the way of which the score is the mean; nothing where it is neither."""
    by: dict[Item, list[float]] = {}
    for one in own:
        by.setdefault(one.item, []).append(one.value)
    items = {item: math.fsum(found) / len(found) for item, found in by.items()}
    for parts in (
        {one.item: one.item.place for one in own},
        {one.item: one.task for one in own},
        dict.fromkeys(items, ""),
    ):
        if items and math.isclose(mean(items, parts), value, rel_tol=1e-6, abs_tol=1e-9):
            return items, parts
    return {}, {}


def mean(items: Mapping[Item, float], parts: Mapping[Item, str]) -> float:
    """The unweighted mean of the parts' means."""
    groups: dict[str, list[float]] = {}
    for item, value in items.items():
        groups.setdefault(parts[item], []).append(value)
    return math.fsum(math.fsum(group) / len(group) for group in groups.values()) / len(groups)


def _values(folder: Path, asked: Mapping[str, str]) -> Iterator[_Value]:
    for path in sorted(folder.glob("*.jsonl")):
        for number, row in read_rows(path):
            if not isinstance(row, dict):
                raise DataError(f"{path}, line {number}: no object", hint="evaluate this checkpoint again")
            if path.name == "samples.jsonl":
                yield from _sampled(row)
            elif isinstance(row.get("metric"), str) and "id" in row and _number(row.get("value")) is not None:
                name = str(row["id"])
                yield _Value(
                    task=str(row.get("task", "")),
                    metric=row["metric"],
                    kind="none",
                    category=str(row.get("category", "")),
                    item=Item(f"{name} {asked.get(name, '')}".strip(), _place(row)),
                    value=float(row["value"]),
                )


def _sampled(row: Mapping[str, Any]) -> Iterator[_Value]:
    """An item of the harness: its number in the data set, with its answer, which tells another data set."""
    task, key = str(row.get("task", "")), str(row.get("doc_hash") or _digest(row.get("target")))
    metrics = row.get("metrics")
    for metric, value in metrics.items() if isinstance(metrics, dict) else ():
        if (number := _number(value)) is not None:
            yield _Value(
                task=task,
                metric=metric,
                kind=str(row.get("filter", "none")),
                category="",
                item=Item(f"{task} {row.get('doc_id')} {key}"),
                value=number,
            )


def _asked(folder: Path) -> dict[str, str]:
    """A digest of what was asked under each id, so that two sets of questions with the same ids are told apart."""
    path = folder / "answers.jsonl"
    found = {}
    for _, row in read_rows(path) if path.exists() else ():
        words = row.get("turns") or row.get("prompt") if isinstance(row, dict) else None
        if words and "id" in row:
            found[str(row["id"])] = _digest(words)
    return found


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def _place(row: Mapping[str, Any]) -> str:
    return " ".join(str(row[key]) for key in PLACES if key in row)


def _number(value: Any) -> float | None:
    fine = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if fine else None

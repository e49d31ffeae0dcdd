"""Scores, facts and samples out of what lm-eval returns."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from langadapt.interfaces import Score
from langadapt.records import Row
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.task_sets import Places
from langadapt_plugins.generation import short_hash

_NORMAL_95 = 1.959964
_PROMPT = (
    "description", "doc_to_text", "doc_to_choice", "doc_to_target", "target_delimiter", "fewshot_delimiter", "gen_prefix",
    "output_type", "generation_kwargs", "fewshot_split",
)  # fmt: skip
"""Keys of a task that say what a model reads, and what is scored after it."""


def scores_of(
    results: Any, facts: Mapping[str, Any], samples: Mapping[str, Sequence[Row]], ending: str
) -> list[Score]:
    """Every number of lm-eval's with its interval; `ending` is the part of the signatures that all of them share."""
    from importlib.metadata import version

    scores = []
    for name, values in results["results"].items():
        for key, value in values.items():
            metric, comma, kind = key.partition(",")
            number = _number(value)
            if not comma or metric.endswith("_stderr") or number is None:
                continue
            rows = [
                row
                for task in facts[name].get("members", [name])
                for row in samples[task]
                if row["filter"] == kind
            ]
            items = [row["metrics"][metric] for row in rows if metric in row["metrics"]]
            if "members" not in facts[name] and _is_mean(number, items):
                interval = mean_interval(items)
            else:  # a group follows lm-eval's weights, and perplexity or F1 of a whole task is no mean
                interval = _around(number, _number(values.get(f"{metric}_stderr,{kind}")), items)
            within = f"set:{facts[name]['set']}|" if "set" in facts[name] else ""
            about = f"{within}v:{_version(results['versions'].get(name))}|prompt:{facts[name]['prompt']}|shots:{facts[name]['shots']}"
            kept = "" if kind == "none" else f"|filter:{kind}"
            scores.append(
                Score(
                    task=name,
                    metric=metric,
                    value=number,
                    n=len(items) or facts[name]["n"],
                    interval=interval,
                    higher_is_better=bool(results["higher_is_better"].get(name, {}).get(metric, True)),
                    signature=f"lm-eval:{version('lm-eval')}|task:{name}|{about}|{ending}{kept}",
                )
            )
    return scores


def _is_mean(value: float, items: Sequence[float]) -> bool:
    return bool(items) and math.isclose(math.fsum(items) / len(items), value, rel_tol=1e-9, abs_tol=1e-12)


def _around(value: float, error: float | None, items: Sequence[float]) -> tuple[float, float] | None:
    """An interval from lm-eval's own standard error; within 0 and 1 where the items are."""
    if not error:
        return None
    low, high = value - _NORMAL_95 * error, value + _NORMAL_95 * error
    return (max(0.0, low), min(1.0, high)) if all(0 <= item <= 1 for item in items) else (low, high)


def facts_of(results: Any, loaded: Any, within: Places) -> dict[str, Any]:
    """Items, chance level, shots and a digest of the prompt of each task and group, and where they belong."""
    sizes = {name: counts["effective"] for name, counts in results["n-samples"].items()}
    facts: dict[str, dict[str, Any]] = {}
    for name, task in loaded["tasks"].items():
        facts[name] = {
            "n": sizes[name],
            "chance": _chance(task, results["samples"][name]),
            "shots": results["n-shot"].get(name, 0),
            "prompt": _prompt(task),
        }
    for name, members in members_of(loaded).items():
        metrics = loaded["groups"][name].aggregate_metric_list or ()
        plain = any(not item.weight_by_size for item in metrics)
        weights = {member: 1 if plain else sizes[member] for member in members}
        levels = [facts[member]["chance"] for member in members]
        known = [(weights[m], level) for m, level in zip(members, levels, strict=True) if level is not None]
        whole = bool(members) and len(known) == len(members)
        shots = {facts[member]["shots"] for member in members}
        facts[name] = {
            "n": sum(sizes[member] for member in members),
            "chance": sum(w * level for w, level in known) / sum(w for w, _ in known) if whole else None,
            "shots": shots.pop() if len(shots) == 1 else "mixed",
            "prompt": short_hash([facts[member]["prompt"] for member in members]),
            "members": members,
        }
    for name, about in facts.items():
        told = {"set": within.sets.get(name), "benchmark": within.benchmarks.get(name)}
        about |= {key: value for key, value in told.items() if value}
    return facts


def members_of(loaded: Any) -> dict[str, list[str]]:
    """The tasks of each group, those of its groups too."""
    return {
        name: [task.task_name for task in group.get_all_tasks()] for name, group in loaded["groups"].items()
    }


def _prompt(task: Any) -> str:
    """A digest of all that a task puts around a question; code of lm-eval's own tasks by its name, which their version dates."""
    said = {key: getattr(task.config, key, None) for key in _PROMPT}
    return short_hash(
        json.dumps(said, default=lambda one: getattr(one, "__qualname__", type(one).__qualname__))
    )


def _chance(task: Any, rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The share that guessing gets right: the mean of one over the number of choices; None where nothing is chosen."""
    if task.OUTPUT_TYPE != "multiple_choice" or not rows:
        return None
    return math.fsum(1 / len(task.doc_to_choice(row["doc"])) for row in rows) / len(rows)


def sample_of(task: str, row: Mapping[str, Any]) -> Row:
    """An item as it stands on disk: numbers as JSON has them, responses as text or [log-likelihood, greedy]."""
    return {
        "task": task,
        "doc_id": row["doc_id"],
        "doc_hash": row.get("doc_hash"),
        "filter": row["filter"],
        "target": _plain(row["target"]),
        "response": _plain(row["filtered_resps"]),
        "metrics": {name: value for name in row["metrics"] if (value := _number(row[name])) is not None},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    number = _number(value)
    return (
        str(value)
        if isinstance(value, str) or number is None
        else value
        if isinstance(value, bool | int)
        else number
    )


def _number(value: Any) -> float | None:
    """A finite number as Python has it; None for "N/A", NaN and whatever is no number."""
    try:
        number = None if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        return None
    return number if number is not None and math.isfinite(number) else None


def _version(value: Any) -> str:
    return "none" if value is None else str(value).removesuffix(".0")

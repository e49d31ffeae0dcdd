"""Run folders with scores and values by item, as the evaluators leave them; nothing is trained or evaluated."""

import json
from pathlib import Path
from statistics import fmean

from langadapt.records import write_rows

LM = "lm-eval:0.4.13|task:arc|v:1|shots:5|chat:no|dtype:float32|limit:all|seed:42|batch:8"
MT = "mt-bench|judge:judge-1|prompts:0a|questions:0b|date:2026-01-02|unread:0/18|dtype:float32|chat:0c|max_new_tokens:96|batch:8|limit:all|seed:42"


def run(folder: Path, *, language="de", trained=("sft", "dpo")) -> Path:
    """A run folder; its training began in the order of `trained`."""
    write(folder / "request.json", {"language": language, "recipe": "mini", "changes": [], "sources": None})
    for number, name in enumerate(trained):
        write(folder / "train" / name / "manifest.json", {"begun": f"2026-01-01T00:0{number}:00+0000"})
    return folder


def harness(folder: Path, right, *, task="arc", signature=LM, metric="acc", targets=None, done=True) -> Path:
    """One task of the harness: right and wrong by item."""
    return groups(folder, {task: right}, task, signature=signature, metric=metric, targets=targets, done=done)


def groups(folder, members, name, *, signature=LM, metric="acc", weighted=True, targets=None, done=True):
    """A group of tasks, or one task where it is its own member; its score weighs items or members alike."""
    place = folder / "harness"
    rows = [
        {"task": task, "doc_id": n, "filter": "none", "target": (targets or [0] * len(right))[n], "metrics": {metric: value}}
        for task, right in members.items()
        for n, value in enumerate(right)
    ]  # fmt: skip
    every = [value for right in members.values() for value in right]
    means = {task: fmean(right) for task, right in members.items()}
    means[name] = fmean(every) if weighted else fmean(means[task] for task in members)
    write(place / "scores.json", [score(task, metric, value, signature) for task, value in means.items()])
    about = {task: {"n": len(right), "chance": 0.25, "shots": 5} for task, right in members.items()}
    if list(members) != [name]:
        about[name] = {"n": len(every), "chance": 0.25, "shots": 5, "members": list(members)}
    write(place / "tasks.json", about)
    write_rows(place / "samples.jsonl", rows)
    return finished(place, done=done)


def mt_bench(folder: Path, ratings, *, signature=MT, asked="Frage {}?", metric="rating", value=None) -> Path:
    """MT-Bench: a pair of ratings for each question; None is a verdict that nobody could read."""
    place = folder / "mt-bench"
    found = [
        {
            "id": f"q{q}",
            "category": ("writing", "math")[q % 2],
            "turn": turn,
            "metric": metric,
            "value": rated,
        }
        for q, pair in enumerate(ratings)
        for turn, rated in enumerate(pair, 1)
    ]
    read = [row for row in found if row["value"] is not None]
    both = [fmean(row["value"] for row in read if row["turn"] == turn) for turn in (1, 2)]
    told = [score("mt-bench", metric, fmean(both) if value is None else value, signature)]
    told += [score(f"mt-bench/turn-{turn}", metric, both[turn - 1], signature) for turn in (1, 2)]
    for name in ("writing", "math"):
        own = [row["value"] for row in read if row["category"] == name]
        told += [score(f"mt-bench/{name}", metric, fmean(own), signature)] if own else []
    write(place / "scores.json", told)
    write_rows(place / "ratings.jsonl", found)
    write_rows(
        place / "answers.jsonl",
        [
            {"id": f"q{q}", "turns": [asked.format(q), "Und?"], "answers": ["a", "b"]}
            for q in range(len(ratings))
        ],
    )
    return finished(place)


def score(task, metric, value, signature):
    about = {"n": 1, "interval": None, "higher_is_better": True, "signature": signature}
    return {"task": task, "metric": metric, "value": value, **about}


def finished(place: Path, *, done=True) -> Path:
    if done:
        write(place / "manifest.json", {"step": "evaluate", "facts": {}})
    return place


def write(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")

"""A judge's replies from files: ours, FastEval's `judge-replies.json`, FastChat's JSON Lines of single answers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row, read_rows
from langadapt_plugins.evaluators.answers import rows_of
from langadapt_plugins.evaluators.questions import category_of
from langadapt_plugins.evaluators.stored import fastchat, latest, made, named, reply_of, scored_model
from langadapt_plugins.generation import short_hash

_FORMS = "ours (judgements.jsonl), FastEval's judge-replies.json or FastChat's MODEL_single.jsonl"


def kept_verdicts(output: Path, verdicts: str, answers: str) -> list[Row]:
    """The rows of the verdicts' file that are on the answers of the answers' file, in its order: those of the judge and prompts of the last run.

    Raises `ConfigError` where there are none.
    """
    texts = {
        row["id"]: short_hash(tuple(row["answers"])) for row in rows_of(output / answers) if "answers" in row
    }
    there = [row for row in rows_of(output / verdicts) if texts.get(row.get("id")) == row.get("answer")]
    if not there:
        raise ConfigError(
            f"{output} keeps no verdicts on the answers there",
            hint="evaluate with mt-bench.judge first, or give --from-replies FILE",
        )
    last = {(row["id"], row["turn"]): row for row in latest(there, _turn)}
    return [last[key] for name in texts for turn in (1, 2) if (key := (name, turn)) in last]


def _turn(row: Row) -> tuple[Any, Any]:
    return row["id"], row["turn"]


def stored_replies(path: Path, model: str, categories: Mapping[str, str]) -> tuple[list[Row], int]:
    """Rows as `judges.read_verdicts` takes them, and how many were given twice: the last one counts.

    `model` picks one of several in FastChat's file. A question that `categories` does not know has the public set's
    category by its number. Raises `DataError` for a file that is none of the three.
    """
    read = _fasteval if path.suffix == ".json" else _lines
    try:
        rows = read(path, model)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason})", hint=f"give {_FORMS}") from error
    if not rows:
        raise DataError(f"{path} holds no replies", hint=f"give {_FORMS}")
    found = {(row["id"], row["turn"]): row for row in rows}
    whole = [
        {**row, "category": row.get("category") or categories.get(row["id"]) or category_of(row["id"])}
        for row in found.values()
    ]
    return whole, len(rows) - len(whole)


def _fasteval(path: Path, model: str) -> list[Row]:  # noqa: ARG001 - one model's replies lie in one file
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON ({error})", hint=f"give {_FORMS}") from error
    if not isinstance(table, list):
        raise DataError(f"{path}: no list of replies", hint=f"give {_FORMS}")
    lengths = _answers_beside(path)

    def row(one: Mapping[str, Any]) -> Row:
        name, turn = str(one["question_id"]), {0: 1, 1: 2}[one["turn_number"]]
        return {
            "id": name,
            "turn": turn,
            "reply": reply_of(one["judge_reply"]),
            "length": lengths.get((name, turn)),
        }

    return [made(row, one, f"{path}, reply {number}", forms=_FORMS) for number, one in enumerate(table, 1)]


def _lines(path: Path, model: str) -> list[Row]:
    numbered = [(row, f"{path}, line {number}") for number, row in read_rows(path)]
    if all("judgment" not in row for row, _ in numbered):
        return latest([made(_own, row, where, forms=_FORMS) for row, where in numbered], _turn)
    wanted = scored_model(path, (row.get("model") for row, _ in numbered), model)
    return [
        made(lambda one: fastchat(one, one["judgment"]), row, where, forms=_FORMS)
        for row, where in numbered
        if named(row.get("model")) == wanted
    ]


def _own(row: Mapping[str, Any]) -> Row:
    if row["turn"] not in (1, 2):
        raise ValueError("turn")
    return {**row, "id": str(row["id"]), "reply": reply_of(row["reply"])}


def _answers_beside(path: Path) -> dict[tuple[str, int], int]:
    """The lengths of the answers that FastEval keeps beside its judge's replies, where they are there."""
    beside = path.with_name("answers.json")
    try:
        table = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    except ValueError:
        return {}
    return {
        (str(name), turn): len(text)
        for name, texts in (table.items() if isinstance(table, dict) else ())
        if isinstance(texts, list)
        for turn, text in enumerate(texts, 1)
        if isinstance(text, str)
    }

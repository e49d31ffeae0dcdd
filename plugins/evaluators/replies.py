"""A judge's replies from files: ours, FastEval's `judge-replies.json`, FastChat's JSON Lines of single answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row, read_rows
from langadapt_plugins.evaluators.answers import rows_of
from langadapt_plugins.evaluators.questions import category_of
from langadapt_plugins.generation import short_hash

_FORMS = "ours (judgements.jsonl), FastEval's judge-replies.json or FastChat's MODEL_single.jsonl"
_NO_REPLY = "$ERROR$"
"""What FastChat keeps where its judge did not answer."""


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
    latest = _asked_as(there[-1])  # what other judges said before stands further up
    last = {(row["id"], row["turn"]): row for row in there if _asked_as(row) == latest}
    return [last[key] for name in texts for turn in (1, 2) if (key := (name, turn)) in last]


def _asked_as(row: Row) -> tuple[Any, Any]:
    return row.get("judge"), row.get("prompts")


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
            "reply": _text(one["judge_reply"]),
            "length": lengths.get((name, turn)),
        }

    return [_made(row, one, f"{path}, reply {number}") for number, one in enumerate(table, 1)]


def _lines(path: Path, model: str) -> list[Row]:
    numbered = list(read_rows(path))
    if all("judgment" not in row for _, row in numbered):
        return [_made(_own, row, f"{path}, line {number}") for number, row in numbered]
    there = dict.fromkeys(str(row.get("model")) for _, row in numbered)
    wanted = next((name for name in (model, Path(model).name) if name in there), None)
    if wanted is None and len(there) == 1:
        wanted = next(iter(there))
    if wanted is None:
        raise ConfigError(
            f"{path} holds verdicts on {len(there)} models, and none is {Path(model).name}",
            hint=f"name one of them as MODEL: {', '.join(list(there)[:8])}",
        )
    return [
        _made(_fastchat, row, f"{path}, line {number}")
        for number, row in numbered
        if str(row.get("model")) == wanted
    ]


def _own(row: Mapping[str, Any]) -> Row:
    if row["turn"] not in (1, 2):
        raise ValueError("turn")
    return {**row, "id": str(row["id"]), "reply": _text(row["reply"])}


def _fastchat(row: Mapping[str, Any]) -> Row:
    judge = row.get("judge")
    named: Sequence[Any] = judge if isinstance(judge, list) else [judge, None]
    stamp = row.get("tstamp")
    reply = _text(row["judgment"])
    return {
        "id": str(row["question_id"]),
        "turn": {1: 1, 2: 2}[row["turn"]],
        "reply": None if reply == _NO_REPLY else reply,
        "judge": named[0],
        "prompts": named[1] if len(named) > 1 else None,
        "date": datetime.fromtimestamp(stamp, UTC).isoformat() if isinstance(stamp, int | float) else None,
    }


def _made(make: Callable[[Mapping[str, Any]], Row], row: Any, where: str) -> Row:
    try:
        return make(row)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise DataError(
            f"{where}: no verdict ({type(error).__name__}: {error})", hint=f"give {_FORMS}"
        ) from error


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"a reply is text, not {type(value).__name__}")


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

"""Reference answers from files of their own, as FastChat keeps them in `reference_answer/`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.records import read_rows
from langadapt_plugins.evaluators.questions import Question

_BESIDE = "reference_answer"


def with_references(questions: Sequence[Question], asked: Path, named: Path | None) -> list[Question]:
    """The questions with the answers that `named` holds, or FastChat's one file beside the questions' file `asked`.

    Raises `ConfigError` for several files beside it, and for a named one that answers none of the questions; `DataError` for
    rows that are no answers.
    """
    path = named or _beside(asked)
    if path is None:
        return list(questions)
    known = dict(_answers(path))
    wrong = [one.id for one in questions if one.id in known and len(known[one.id]) != len(one.turns)]
    if wrong:
        raise DataError(
            f"{path}: question {wrong[0]} has another number of turns than its answer", hint="mend the row"
        )
    if named and not any(one.id in known for one in questions):
        raise ConfigError(
            f"{path} answers none of the questions of {asked}", hint="give the file with their ids"
        )
    return [replace(one, reference=known.get(one.id, one.reference)) for one in questions]


def _beside(asked: Path) -> Path | None:
    found = sorted((asked.parent / _BESIDE).glob("*.jsonl"))
    if len(found) > 1:
        raise ConfigError(
            f"{asked.parent / _BESIDE} holds the answers of {', '.join(path.stem for path in found)}",
            hint="name one of these files as `references`",
        )
    return found[0] if found else None


def _answers(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number, row in read_rows(path):
        turns = turns_of(row) if isinstance(row, dict) else None
        name = row.get("question_id", row.get("id")) if isinstance(row, dict) else None
        if turns is None or name is None:
            raise DataError(
                f"{path}, line {number}: no answer with `question_id` and `choices`, as FastChat has them",
                hint="mend the row",
            )
        yield str(name), turns


def turns_of(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The texts of an answer in FastChat's form (`choices`, of which the first counts) or ours (`answers`); None for no such row."""
    choices = row.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else row
    turns = first.get("turns") if first is not row else row.get("answers", row.get("reference"))
    if isinstance(turns, list) and turns and all(isinstance(turn, str) for turn in turns):
        return tuple(turns)
    return None

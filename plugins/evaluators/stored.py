"""What files of judges' replies have in common, whoever wrote them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row

_NO_REPLY = "$ERROR$"
"""What FastChat keeps where its judge did not answer."""
T = TypeVar("T")


def made(make: Callable[[Mapping[str, Any]], T], row: Any, where: str, *, forms: str) -> T:
    """What `make` gives of a row; raises `DataError` where the row is none of the `forms` that are read."""
    try:
        return make(row)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise DataError(
            f"{where}: no verdict ({type(error).__name__}: {error})", hint=f"give {forms}"
        ) from error


def scored_model(path: Path, names: Iterable[Any], model: str, *, several: bool = False) -> str:
    """The model that is scored: the one that `model` names, or the only one, unless there must be `several`."""
    there = dict.fromkeys(named(name) for name in names)
    wanted = next((name for name in (model, Path(model).name) if name in there), None)
    if wanted is None and len(there) == 1 and not several:
        wanted = next(iter(there))
    if wanted is None:
        raise ConfigError(
            f"{path} holds verdicts on {len(there)} models, and none is {Path(model).name}",
            hint=f"name one of them as MODEL: {', '.join(list(there)[:8])}",
        )
    return wanted


def named(name: Any) -> str:
    """A model's name as a row gives it."""
    return str(name or "unstated")


def fastchat(row: Mapping[str, Any], reply: Any) -> Row:
    """Question, turn, judge, prompts and date of a row of FastChat's, with a reply in it."""
    judge = row.get("judge")
    asked: Sequence[Any] = judge if isinstance(judge, list) else [judge]
    stamp = row.get("tstamp")
    return {
        "id": str(row["question_id"]),
        "turn": {1: 1, 2: 2}[row.get("turn", 1)],
        "reply": None if reply == _NO_REPLY else reply_of(reply),
        "judge": asked[0],
        "prompts": asked[1] if len(asked) > 1 else None,
        "date": datetime.fromtimestamp(stamp, UTC).isoformat() if isinstance(stamp, int | float) else None,
    }


def reply_of(value: Any) -> str | None:
    """A judge's reply; None where there was none."""
    return None if value is None else text_of(value)


def text_of(value: Any) -> str:
    """The text; raises `TypeError` for what is none."""
    if isinstance(value, str):
        return value
    raise TypeError(f"text is needed, not {type(value).__name__}")


def latest(rows: Sequence[Row], key: Callable[[Row], Any]) -> list[Row]:
    """For each `key` the last verdict: by the judge and the prompts of the last row, on the answers that were judged last.

    What other judges said, or of earlier answers, stands further up in a file that several runs wrote.
    """
    if not rows:
        return []
    by = _asked(rows[-1])
    answers = {(row["id"], row["turn"]): row.get("answer") for row in rows}
    return list(
        {
            key(row): row
            for row in rows
            if _asked(row) == by and row.get("answer") == answers[row["id"], row["turn"]]
        }.values()
    )


def _asked(row: Row) -> tuple[Any, Any]:
    return row.get("judge"), row.get("prompts")

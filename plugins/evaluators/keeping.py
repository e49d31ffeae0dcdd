"""How what judges say is kept: each reply is on disk before the next one is asked for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from langadapt.errors import ComponentError
from langadapt.interfaces import Progress
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.answers import alone, append, rows_of
from langadapt_plugins.evaluators.asking import Respondent, Said
from langadapt_plugins.generation import short_hash


def kept_replies(who: Respondent, asks: Sequence[Row], path: Path, progress: Progress) -> list[Row]:
    """A row for each ask, in order: the ask without its `messages`, with `reply` and how it came.

    `path` holds what was said before, of whatever judge and answers, and is added to; only what is missing is asked for. The
    replies to these asks are the last ones in it. Without a `reply`, but with a `reason`: what the server will not take, which
    is asked for again another time. Raises `ComponentError` where some never came, `MachineError` where another process judges
    into this folder.
    """
    with alone(path):
        return _kept(who, asks, path, progress)


def _kept(who: Respondent, asks: Sequence[Row], path: Path, progress: Progress) -> list[Row]:
    marks = [short_hash([who.name, ask]) for ask in asks]
    before = rows_of(path)
    known = {row["hash"]: row for row in before if isinstance(row.get("reply"), str)}
    missing = [index for index, mark in enumerate(marks) if mark not in known]
    wanted = set(marks)
    path.parent.mkdir(parents=True, exist_ok=True)
    here = [known[mark] for mark in marks if mark in known]
    write_rows(path, [*(row for row in before if row["hash"] not in wanted), *here])
    lost: list[Said] = []

    def keep(place: int, said: Said) -> None:
        mark, ask = marks[missing[place]], asks[missing[place]]
        row = _row(mark, ask, who.name, said)
        if said.answered:
            append(path, [row])
            known[mark] = row
        elif said.refused:
            known[mark] = {**row, "reply": None}
        else:
            lost.append(said)

    if missing:
        with progress.task(f"verdicts of {who.name}", len(missing)) as task:
            for _ in who.ask([asks[index]["messages"] for index in missing], keep):
                task.advance()
    refused = [row for row in known.values() if row["reply"] is None]
    if lost or len(refused) == len(asks) > 0:
        why = lost[0].reason if lost else refused[0]["reason"]
        raise ComponentError(
            f"{len(lost) or len(refused)} of {len(asks)} verdicts of {who.name} did not come: {why}",
            hint="see to the judge, and run again: the verdicts so far are kept",
        )
    return [known[mark] for mark in marks]


def cost(rows: Sequence[Row]) -> dict[str, int]:
    """What verdicts took: requests, tries at them, and tokens in and out as the judge counts them."""
    return {
        "verdicts": len(rows),
        "calls": sum(row.get("calls", 0) for row in rows),
        "tokens_in": sum(row.get("tokens_in", 0) for row in rows),
        "tokens_out": sum(row.get("tokens_out", 0) for row in rows),
    }


def _row(mark: str, ask: Row, judge: str, said: Said) -> Row:
    return {
        "hash": mark,
        **{key: value for key, value in ask.items() if key != "messages"},
        "judge": judge,
        "answered_by": said.model,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "finish": said.finish,
        "reason": said.reason,
        "calls": said.tries,
        "tokens_in": said.tokens_in,
        "tokens_out": said.tokens_out,
        "reply": said.text,
        **({"temperature": "its own"} if said.warm else {}),
    }

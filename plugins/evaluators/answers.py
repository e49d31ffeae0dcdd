"""Answers and verdicts on disk: written as they come, taken up again after a kill."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from langadapt.identity import model_identity
from langadapt.interfaces import Checkpoint, Progress
from langadapt.records import Row, write_rows
from langadapt_plugins.generation import ChatModel, short_hash


def answered(
    checkpoint: Checkpoint,
    dtype: str,
    marks: Sequence[str],
    answer: Callable[[ChatModel, range], Sequence[Row]],
    *,
    batch_size: int,
    path: Path,
    progress: Progress,
) -> list[Row]:
    """A row for each mark (a hash of question, model and settings); those that `path` holds already are not answered again.

    `answer` gives the rows of a range of marks. They are written as they come, and stay in the batches that they would
    be in without the file, so that a resumed run gives the same text.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known = resume(path, set(marks))
    batches = [
        range(start, min(start + batch_size, len(marks))) for start in range(0, len(marks), batch_size)
    ]
    missing = [batch for batch in batches if any(marks[index] not in known for index in batch)]
    if missing:
        model = ChatModel.load(checkpoint, dtype)
        try:
            with progress.task(f"answers of {checkpoint.name}", sum(map(len, missing))) as task:
                for batch in missing:
                    for index, row in zip(batch, answer(model, batch), strict=True):
                        known[marks[index]] = {"hash": marks[index], **row, "model": model.facts}
                    append(path, [known[marks[index]] for index in batch])
                    task.advance(len(batch))
        finally:
            model.close()
    rows = [known[mark] for mark in marks]
    write_rows(path, rows)
    return rows


def stamp(checkpoint: Checkpoint) -> str:
    """A string that changes when the checkpoint's files or its chat template do."""
    models = [model_identity(model) for model in (checkpoint.model, checkpoint.adapter_of) if model]
    template = Path(checkpoint.chat_template).read_text(encoding="utf-8") if checkpoint.chat_template else ""
    return short_hash([models, template])


def resume(path: Path, wanted: set[str]) -> dict[str, Row]:
    """The rows that an earlier start left, by their `hash`; the file is cut down to those that are `wanted`."""
    rows: dict[str, Row] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the line that was being written when the process was killed
        if isinstance(row, dict) and row.get("hash") in wanted:
            rows[row["hash"]] = row
    write_rows(path, rows.values())
    return rows


def append(path: Path, rows: Sequence[Row]) -> None:
    """Add rows to the end of a JSON Lines file."""
    with path.open("a", encoding="utf-8", newline="\n") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

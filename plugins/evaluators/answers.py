"""Answers and verdicts on disk: written as they come, taken up again after a kill."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from langadapt.identity import model_identity
from langadapt.interfaces import Checkpoint, Progress
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.questions import TEMPERATURES, Question
from langadapt_plugins.generation import ChatModel, Prompt, Reply, short_hash


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


def conversed(model: ChatModel, questions: Sequence[Question], most: int, seed: int) -> list[Row]:
    """Both turns' answers to each question, with the temperature of its category."""
    talks: list[list[dict[str, str]]] = [[] for _ in questions]
    replies: list[list[Reply]] = [[] for _ in questions]
    for turn in (0, 1):
        for talk, question in zip(talks, questions, strict=True):
            talk.append({"role": "user", "content": question.turns[turn]})
        prompts = [
            Prompt(messages=talk, temperature=TEMPERATURES.get(q.category, 0.0), seed=_seed(seed, q.id, turn))
            for talk, q in zip(talks, questions, strict=True)
        ]
        found = model.replies(prompts, max_new_tokens=most)
        for talk, given, reply in zip(talks, replies, found, strict=True):
            talk.append({"role": "assistant", "content": reply.text})
            given.append(reply)
    return [
        {
            "id": question.id,
            "category": question.category,
            "turns": question.turns,
            "answers": [reply.text for reply in given],
            "finish": [reply.finish for reply in given],
            "tokens": [reply.tokens for reply in given],
        }
        for question, given in zip(questions, replies, strict=True)
    ]


def _seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:6], "big")


def stamp(checkpoint: Checkpoint) -> str:
    """A string that changes when the checkpoint's files or its chat template do."""
    models = [model_identity(model) for model in (checkpoint.model, checkpoint.adapter_of) if model]
    template = Path(checkpoint.chat_template).read_text(encoding="utf-8") if checkpoint.chat_template else ""
    return short_hash([models, template])


def resume(path: Path, wanted: set[str]) -> dict[str, Row]:
    """The rows that an earlier start left, by their `hash`; the file is cut down to those that are `wanted`."""
    rows = {row["hash"]: row for row in rows_of(path) if row["hash"] in wanted}
    write_rows(path, rows.values())
    return rows


def rows_of(path: Path) -> list[Row]:
    """The rows with a `hash` that a file holds, less a line that was being written when a process was killed."""
    rows: list[Row] = []
    for line in path.read_bytes().split(b"\n") if path.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("hash"), str):
            rows.append(row)
    return rows


def append(path: Path, rows: Sequence[Row]) -> None:
    """Add rows to the end of a JSON Lines file."""
    with path.open("a", encoding="utf-8", newline="\n") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

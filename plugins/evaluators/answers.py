"""Answers and verdicts on disk: written as they come, taken up again after a kill."""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from langadapt.errors import MachineError
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
    with alone(path):
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


class Sizes(NamedTuple):
    """How answers are made: most new tokens, questions at once, number type of the weights."""

    max_new_tokens: int
    batch_size: int
    dtype: str


def talks(
    checkpoint: Checkpoint,
    questions: Sequence[Question],
    sizes: Sizes,
    seed: int,
    *,
    path: Path,
    beside: bool = False,
    progress: Progress,
) -> list[Row]:
    """The answers to each question's turns, kept at `path`; with `beside`, those that another evaluator keeps next to it are taken.

    They are the same ones: a row's hash is that of the checkpoint, the question, the settings and the seed.
    """
    how = [stamp(checkpoint), sizes.max_new_tokens, sizes.batch_size, sizes.dtype, seed]
    marks = [short_hash([how, question.id, question.category, question.turns]) for question in questions]
    if beside:
        places = [*sorted(set(path.parent.parent.glob(f"*/{path.name}")) - {path}), path]
        known = {row["hash"]: row for place in places for row in rows_of(place) if row["hash"] in set(marks)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, known.values())
    return answered(
        checkpoint,
        sizes.dtype,
        marks,
        lambda model, batch: conversed(
            model, [questions[index] for index in batch], sizes.max_new_tokens, seed
        ),
        batch_size=sizes.batch_size,
        path=path,
        progress=progress,
    )


def conversed(model: ChatModel, questions: Sequence[Question], most: int, seed: int) -> list[Row]:
    """The answers to each question's turns, one or two, with the temperature of its category."""
    talks: list[list[dict[str, str]]] = [[] for _ in questions]
    replies: list[list[Reply]] = [[] for _ in questions]
    for turn in range(max(len(question.turns) for question in questions)):
        asked = [index for index, question in enumerate(questions) if turn < len(question.turns)]
        for index in asked:
            talks[index].append({"role": "user", "content": questions[index].turns[turn]})
        prompts = [
            Prompt(
                messages=talks[index],
                temperature=TEMPERATURES.get(one.category, 0.0),
                seed=_seed(seed, one.id, turn),
            )
            for index, one in ((index, questions[index]) for index in asked)
        ]
        for index, reply in zip(asked, model.replies(prompts, max_new_tokens=most), strict=True):
            talks[index].append({"role": "assistant", "content": reply.text})
            replies[index].append(reply)
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


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """No other process that says so writes to the folder of `path` meanwhile; raises `MachineError` where one does.

    Two that rewrite one file would each lose what the other one added. A lock goes with its process, killed or not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(folder)
        raise MachineError(
            f"another process writes to {path}", hint="wait for it, or name another --output"
        ) from error
    except OSError:  # not every file system has locks
        pass
    try:
        yield
    finally:
        os.close(folder)


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

"""Scores of every checkpoint side by side, the published ones in columns of their own, and what the probes were answered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langadapt.languages import LanguagePack, read_json
from langadapt.recipe import Recipe
from langadapt.records import read_rows
from langadapt.report.formats import asking, finite

PREFERRED = ("acc_norm", "acc")
"""The metric whose row the published number stands in, where a task has several."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One checkpoint's score; `value` is None where it is no number."""

    value: float | None
    interval: tuple[float, float] | None
    n: int
    signature: str


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """One task and metric over all checkpoints. `judged` are scores of open answers, which have no chance level.

    A `part` is one of a group's tasks, or one turn or category of a judged test: the whole stands in another row. `set` names the
    set of tasks that it belongs to, empty for none, and `benchmark` what the task is a version of.
    """

    task: str
    metric: str
    judged: bool
    set: str = ""
    benchmark: str = ""
    higher_is_better: bool = True
    chance: float | None = None
    shots: int | str | None = None
    part: bool = False
    cells: Mapping[str, Cell]
    published: Mapping[str, float]

    @property
    def n(self) -> int:
        """Items."""
        return max((cell.n for cell in self.cells.values()), default=0)

    @property
    def asked(self) -> str:
        """How its questions were put: as plain text, or in the chat template; empty where that is not known."""
        told = {asking(cell.signature): None for cell in self.cells.values()}
        return " or ".join(filter(None, told))

    def at_chance(self, checkpoint: str) -> bool:
        """Whether the interval holds the chance level."""
        cell = self.cells.get(checkpoint)
        return bool(
            cell
            and cell.interval
            and self.chance is not None
            and cell.interval[0] <= self.chance <= cell.interval[1]
        )


@dataclass(frozen=True, kw_only=True)
class Published:
    """Someone else's numbers: not run here."""

    key: str
    title: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Block:
    """The benchmarks of one set: a table of their own, since scores of two sets cannot be compared. `title` is empty for an only one."""

    set: str
    title: str
    rows: Sequence[ScoreRow]
    published: Sequence[Published]

    @property
    def whole(self) -> list[ScoreRow]:
        """Rows less those of a group's tasks."""
        return [row for row in self.rows if not row.part]

    @property
    def parts(self) -> list[ScoreRow]:
        """Rows of a group's tasks."""
        return [row for row in self.rows if row.part]

    @property
    def asked(self) -> str:
        """How the questions were put, where that is one way."""
        told = list(dict.fromkeys(row.asked for row in self.rows if row.asked))
        return told[0] if len(told) == 1 else ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a checkpoint said, and whether it was cut at the limit."""

    text: str
    cut: bool


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A prompt and each checkpoint's answer."""

    id: str
    prompt: str
    answers: Mapping[str, Answer]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """All that evaluation left."""

    checkpoints: tuple[str, ...]
    rows: tuple[ScoreRow, ...]
    published: tuple[Published, ...]
    probes: Mapping[str, Sequence[Probe]]
    notes: Sequence[tuple[str, str]] = ()
    """Whose scores, and what an evaluator says of them: how a judge's verdicts hang on place and length, for one."""

    @property
    def benchmarks(self) -> list[ScoreRow]:
        """Rows of tasks with right answers."""
        return [row for row in self.rows if not row.judged]

    @property
    def blocks(self) -> list[Block]:
        """Benchmarks by set, those of none first; what was only published stands last."""
        ordered = sorted(self.benchmarks, key=lambda row: (not row.cells, bool(row.set)))
        names = list(dict.fromkeys(row.set for row in ordered))
        found = []
        for name in names:
            rows = [row for row in ordered if row.set == name]
            title = f"Set {name}" if name else "Tasks of no set" if len(names) > 1 else ""
            if title and not any(row.cells for row in rows):
                title += ", not run here"
            found.append(Block(set=name, title=title, rows=rows, published=self.published_of(rows)))
        return found

    def published_of(self, rows: Sequence[ScoreRow]) -> list[Published]:
        """Whose numbers stand in some of the rows."""
        told = {key for row in rows for key in row.published}
        return [one for one in self.published if one.key in told]

    @property
    def judged(self) -> list[ScoreRow]:
        """Rows of judged answers."""
        return [row for row in self.rows if row.judged]

    @property
    def chances(self) -> list[bool]:
        """For each score with an interval and a chance level: whether the one holds the other."""
        return [
            row.at_chance(name)
            for row in self.benchmarks
            if row.chance is not None and not row.part
            for name, cell in row.cells.items()
            if cell.interval
        ]


def read_scores(folder: Path, recipe: Recipe, pack: LanguagePack, trained: Sequence[str]) -> Scores:
    """Read every evaluator's files; the checkpoints in the order of their making."""
    root = folder / "evaluate"
    there = [name for name in ("base", *trained) if (root / name).is_dir()]
    published = tuple(
        Published(key=key, title=str(told.get("title", key)), source=str(told.get("source", "")))
        for key, told in recipe.published.items()
    )
    places = {task: ("", family) for family, tasks in pack.benchmarks.items() for task in tasks}
    places |= {
        task: (name, f) for name, table in pack.sets.items() for f, tasks in table.items() for task in tasks
    }
    rows = [row for slot in recipe.evaluate for row in _rows(root, there, slot.name, places)]
    matched = list(_with_published(rows, recipe.published)) if rows else []
    probes = {slot.name: found for slot in recipe.evaluate if (found := _probes(root, there, slot.name))}
    notes = [note for slot in recipe.evaluate for note in _notes(root, there, slot.name)]
    return Scores(
        checkpoints=tuple(there), rows=tuple(matched), published=published, probes=probes, notes=tuple(notes)
    )


def _notes(root: Path, checkpoints: Sequence[str], slot: str) -> Iterator[tuple[str, str]]:
    """The `notes` of an evaluator's facts.json."""
    for name in checkpoints:
        path = root / name / slot / "facts.json"
        told = read_json(path) if path.exists() else {}
        notes = told.get("notes") if isinstance(told, dict) else None
        for note in notes if isinstance(notes, list) else ():
            yield f"{slot}, {name}", str(note)


def _rows(
    root: Path, checkpoints: Sequence[str], slot: str, places: Mapping[str, tuple[str, str]]
) -> Iterator[ScoreRow]:
    cells: dict[tuple[str, str], dict[str, Cell]] = {}
    better: dict[tuple[str, str], bool] = {}
    tasks: dict[str, Mapping[str, Any]] = {}
    listed = False
    for name in checkpoints:
        scores, about = root / name / slot / "scores.json", root / name / slot / "tasks.json"
        if not scores.exists():
            continue
        if about.exists():
            listed = True
            tasks |= read_json(about)
        for score in read_json(scores):
            key = (str(score["task"]), str(score["metric"]))
            cells.setdefault(key, {})[name] = _cell(score)
            better[key] = bool(score.get("higher_is_better", True))
    members = {member for about in tasks.values() for member in about.get("members", ())}
    for (task, metric), found in cells.items():
        about_task, (within, benchmark) = tasks.get(task, {}), places.get(task, ("", ""))
        yield ScoreRow(
            task=task,
            metric=metric,
            judged=not listed,
            set=str(about_task.get("set", within)) if listed else "",
            benchmark=str(about_task.get("benchmark", benchmark)),
            higher_is_better=better[task, metric],
            chance=finite(about_task.get("chance")) if metric.startswith("acc") else None,
            shots=about_task.get("shots"),
            part=task in members or (not listed and "/" in task),
            cells=found,
            published={},
        )


def _cell(score: Mapping[str, Any]) -> Cell:
    low, high = (finite(end) for end in score.get("interval") or (None, None))
    return Cell(
        value=finite(score.get("value")),
        interval=None if low is None or high is None else (low, high),
        n=int(finite(score.get("n")) or 0),
        signature=str(score.get("signature", "")),
    )


def _with_published(
    rows: Sequence[ScoreRow], published: Mapping[str, Mapping[str, Any]]
) -> Iterator[ScoreRow]:
    """Published numbers beside the task of their set; judged scores and tasks that did not run get rows of their own."""
    numbers: dict[tuple[str, str], dict[str, float]] = {}
    for key, told in published.items():
        for benchmark, stated in told.items():
            if (number := finite(stated)) is not None:
                within = "" if number > 1 else str(told.get("set", ""))
                numbers.setdefault((within, benchmark), {})[key] = number
    placed = set()
    for row in rows:
        place = (row.set, row.benchmark)
        metrics = [other.metric for other in rows if other.task == row.task]
        main = next((name for name in PREFERRED if name in metrics), metrics[0])
        if place in numbers and not (row.judged or row.part) and row.metric == main and place not in placed:
            placed.add(place)
            yield replace(row, published=numbers[place])
        else:
            yield row
    for (within, benchmark), stated in numbers.items():
        if (within, benchmark) not in placed:
            judged = max(stated.values()) > 1
            yield ScoreRow(
                task=benchmark,
                metric="as published",
                judged=judged,
                set=within,
                benchmark=benchmark,
                cells={},
                published=stated,
            )


def _probes(root: Path, checkpoints: Sequence[str], slot: str) -> list[Probe]:
    prompts: dict[str, str] = {}
    answers: dict[str, dict[str, Answer]] = {}
    for name in checkpoints:
        path = root / name / slot / "answers.jsonl"
        for _, row in read_rows(path) if path.exists() else ():
            if isinstance(row.get("prompt"), str) and isinstance(row.get("answer"), str):
                prompts.setdefault(str(row["id"]), row["prompt"])
                answer = Answer(text=row["answer"], cut=row.get("finish", "stop") != "stop")
                answers.setdefault(str(row["id"]), {})[name] = answer
    return [Probe(id=key, prompt=prompt, answers=answers[key]) for key, prompt in prompts.items()]

"""A small evaluator that keeps to the contract, and what goes wrong with evaluators: one subclass each.

Its checkpoints are folders with a file of answers; the questions stand here.
"""

import json
import math
import random
import uuid
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

from langadapt.interfaces import Checkpoint, Loads, ModelRef, Score

ANSWERS = {f"{number} plus 4?": str(number + 4) for number in range(1, 7)}


def checkpoint(folder, name, answers):
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return Checkpoint(name=name, model=ModelRef(str(folder)))


@dataclass(frozen=True, kw_only=True)
class Good(Loads):
    """The share of questions that are answered rightly."""

    scale: Annotated[float, "the value of a right answer"] = 1.0

    def evaluate(self, checkpoint, *, pack, output, limit, seed, progress):
        folder = Path(checkpoint.model.name)
        output.mkdir(parents=True, exist_ok=True)
        rows = []
        with progress.task("answers", limit) as task:
            for question, answer in self.questions(limit, seed):
                said = self.ask(folder, question)
                rows.append(
                    {
                        "id": question,
                        "answer": said,
                        "metric": "exact-match",
                        "value": self.value(said, answer),
                    }
                )
                task.advance()
        self.write(output, rows)
        return self.scores(rows, output)

    def questions(self, limit, seed):
        chosen = list(ANSWERS.items())
        random.Random(seed).shuffle(chosen)
        return chosen[:limit]

    def ask(self, folder, question):
        return json.loads((folder / "answers.json").read_text(encoding="utf-8")).get(question, "")

    def value(self, said, answer):
        return self.scale * (said == answer)

    def write(self, output, rows):
        (output / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def scores(self, rows, output):
        value = sum(row["value"] for row in rows) / len(rows)
        return [
            Score(
                task="sums",
                metric="exact-match",
                value=value,
                n=len(rows),
                interval=(max(0.0, value - 0.4), min(self.scale, value + 0.4)),
                higher_is_better=True,
                signature=f"sums|v:1|limit:{len(rows)}",
            )
        ]


class Changed(Good):
    """Good, but for what `changes` puts into its score."""

    changes: ClassVar[dict] = {}

    def scores(self, rows, output):
        return [replace(score, **self.changes) for score in super().scores(rows, output)]


class NotANumber(Changed):
    changes: ClassVar[dict] = {"value": math.nan, "interval": None}


class OverNothing(Changed):
    changes: ClassVar[dict] = {"n": 0}


class Unsigned(Changed):
    changes: ClassVar[dict] = {"signature": " "}


class Unnamed(Changed):
    changes: ClassVar[dict] = {"metric": ""}


class InPercent(Changed):
    changes: ClassVar[dict] = {"interval": (52.0, 93.0)}


class EndlessInterval(Changed):
    changes: ClassVar[dict] = {"interval": (-math.inf, math.inf)}


class UpsideDown(Changed):
    changes: ClassVar[dict] = {"higher_is_better": False}


class Constant(Changed):
    changes: ClassVar[dict] = {"value": 0.5, "interval": None}


class Twice(Good):
    def scores(self, rows, output):
        return super().scores(rows, output) * 2


class IgnoresTheLimit(Good):
    def questions(self, limit, seed):
        return super().questions(None, seed)


class OneTooMany(Good):
    def questions(self, limit, seed):
        return super().questions(limit + 1, seed)


class TwoTurns(Good):
    """Not broken: two values for each item."""

    def questions(self, limit, seed):
        return [pair for pair in super().questions(limit, seed) for _ in (1, 2)]

    def write(self, output, rows):
        super().write(output, [{**row, "turn": number % 2 + 1} for number, row in enumerate(rows)])


class SameId(TwoTurns):
    def write(self, output, rows):
        Good.write(self, output, rows)


class NoMetric(Good):
    def write(self, output, rows):
        super().write(output, [{key: row[key] for key in ("id", "value")} for row in rows])


class AnotherMetric(Good):
    def write(self, output, rows):
        super().write(output, [{**row, "metric": "em"} for row in rows])


class NotTheMean(Good):
    def write(self, output, rows):
        super().write(output, [{**row, "value": row["value"] * 100} for row in rows])


class Unseeded(Good):
    def value(self, said, answer):
        return random.SystemRandom().random()


class Dated(Good):
    def scores(self, rows, output):
        return [replace(one, signature=str(uuid.uuid4())) for one in super().scores(rows, output)]


class WritesNothing(Good):
    def write(self, output, rows):
        pass


class WritesTheSum(Good):
    def write(self, output, rows):
        super().write(output, [{"value": sum(row["value"] for row in rows)}])


class WritesNames(Good):
    def write(self, output, rows):
        super().write(output, [{"id": row["id"]} for row in rows])


class WritesPlainText(Good):
    def write(self, output, rows):
        (output / "items.jsonl").write_text("\n".join(row["id"] for row in rows), encoding="utf-8")


class NeedsAnAnswer(Good):
    def value(self, said, answer):
        return (said == answer) / len(said)


class WritesToTheCheckpoint(Good):
    def ask(self, folder, question):
        (folder / "asked.txt").write_text(question, encoding="utf-8")
        return super().ask(folder, question)


class OnlyCollects(Good):
    def scores(self, rows, output):
        return []


class GivesATable(Good):
    def scores(self, rows, output):
        return {"exact-match": 1.0}


class DropsWhatIsWrong(Good):
    """The worse checkpoint has a score that the better one lacks."""

    def scores(self, rows, output):
        wrong = [row for row in rows if not row["value"]]
        task = [replace(one, task="wrong ones") for one in super().scores(wrong, output)] if wrong else []
        return super().scores(rows, output) + task


@dataclass(frozen=True, kw_only=True)
class NotAgain(Good):
    def close(self):
        object.__setattr__(self, "closed", True)

    def ask(self, folder, question):
        if getattr(self, "closed", False):
            raise ValueError("the model is gone")
        return super().ask(folder, question)


@dataclass(frozen=True, kw_only=True)
class OfModels(Good):
    """Good, of checkpoints that transformers loads; it knows its own solutions."""

    @cached_property
    def loaded(self):
        return {}

    def solutions(self, pack, *, limit, seed):
        return self.questions(limit, seed)

    def ask(self, folder, question):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        if folder not in self.loaded:
            kinds = (AutoModelForCausalLM, AutoTokenizer)
            self.loaded[folder] = [kind.from_pretrained(folder) for kind in kinds]
        model, tokenizer = self.loaded[folder]
        asked = tokenizer(question, return_tensors="pt")
        told = model.generate(**asked, max_new_tokens=5, do_sample=False)[0, asked["input_ids"].shape[1] :]
        return tokenizer.decode(told, skip_special_tokens=True)

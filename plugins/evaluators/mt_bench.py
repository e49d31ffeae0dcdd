"""MT-Bench: two turns of open questions in eight categories, answered by the checkpoint and rated by a judge."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, SPEED, Checkpoint, Loads, Progress, Score
from langadapt.languages import LanguagePack
from langadapt.records import Row, read_rows, write_rows
from langadapt.statistics import mean_interval
from langadapt_plugins.evaluators.answers import answered, stamp
from langadapt_plugins.evaluators.judges import EndpointJudge, Judge, Question, Rating, ReferenceJudge
from langadapt_plugins.generation import ChatModel, Prompt, Reply, Turn, short_hash

# FastEval's and FastChat's; a category that they do not know is answered greedily.
TEMPERATURES: Mapping[str, float] = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}


@dataclass(frozen=True, kw_only=True)
class MtBench(Loads):
    """MT-Bench as FastEval runs it: the second prompt holds the model's own first answer, the average is over two turns."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    questions: Annotated[Path | None, "questions as JSON Lines instead of the pack's mt_bench.jsonl"] = None
    judge: Annotated[str, "model that rates; empty: chrF to the references, offline"] = ""
    base_url: Annotated[str | None, "the judge's OpenAI-compatible endpoint; OpenAI's own where unset"] = None
    api_key_env: Annotated[str, "environment variable that holds the judge's key"] = "OPENAI_API_KEY"
    max_new_tokens: Annotated[int, "most tokens of an answer", LIMIT] = 1024
    concurrency: Annotated[int, "verdicts asked for at once", SPEED] = 8
    batch_size: Annotated[
        int, "questions answered at once; in half precision another size may turn a near-tie"
    ] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"

    def __post_init__(self) -> None:
        if self.base_url and "@" in urlsplit(self.base_url).netloc:
            raise ConfigError(
                "base_url holds a user or password, which would end up in the run's files",
                hint=f"give the key in the environment, as {self.api_key_env}",
            )

    def evaluate(
        self,
        checkpoint: Checkpoint,
        *,
        pack: LanguagePack,
        output: Path,
        limit: int | None,
        seed: int,
        progress: Progress,
    ) -> list[Score]:
        """Answer (`answers.jsonl`), have it rated (`ratings.jsonl`, a judge's own words in `judgements.jsonl`), and count."""
        questions = self._questions(pack)[:limit]
        judge: Judge = ReferenceJudge()
        if self.judge:
            judge = EndpointJudge(
                model=self.judge,
                base_url=self.base_url,
                api_key_env=self.api_key_env,
                concurrency=self.concurrency,
                pack=pack,
            )
        judge.check(questions)
        rows = self._answers(checkpoint, questions, output, seed, progress)
        answers = [(question, row["answers"]) for question, row in zip(questions, rows, strict=True)]
        ratings = judge.rate(answers, output=output, progress=progress)
        write_rows(
            output / "ratings.jsonl",
            ({**_where(item), "metric": judge.metric, "value": item.value} for item in ratings),
        )
        unread = sum(item.value is None for item in ratings)
        cut = sum(finish != "stop" for row in rows for finish in row["finish"])
        facts = {"questions": len(questions), "ratings": len(ratings), "unreadable": unread, "cut": cut}
        (output / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        asked = f"questions:{short_hash([(q.id, q.turns) for q in questions])}|unreadable:{unread}"
        sizes = (
            f"max_new_tokens:{self.max_new_tokens}|batch:{self.batch_size}|limit:{limit or 'all'}|seed:{seed}"
        )
        signature = f"mt-bench|{judge.signature}|{asked}|{rows[0]['model']}|{sizes}"
        return _scores("mt-bench", ratings, metric=judge.metric, signature=signature, seed=seed)

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[list[Turn], str]]:  # noqa: ARG002 - the seam's names
        """Both turns of every question that has references, each with its reference."""
        found: list[tuple[list[Turn], str]] = []
        for question in self._questions(pack)[:limit]:
            talk: list[Turn] = []
            for asked, answer in zip(question.turns, question.reference, strict=False):
                talk = [*talk, {"role": "user", "content": asked}]
                found.append((talk, answer))
                talk = [*talk, {"role": "assistant", "content": answer}]
        return found

    def _questions(self, pack: LanguagePack) -> list[Question]:
        path = self.questions or pack.path("mt_bench.jsonl")
        if path is None or not (self.questions or path.exists()):
            raise ConfigError(
                f"the pack {pack.language.code} has no mt_bench.jsonl",
                hint="set mt-bench.questions to a file",
            )
        found = [Question.of(row, f"{path}, line {number}") for number, row in read_rows(path)]
        if not found or len({question.id for question in found}) < len(found):
            raise ConfigError(
                f"{path}: no questions, or two of one id", hint="give every question an id of its own"
            )
        return found

    def _answers(
        self,
        checkpoint: Checkpoint,
        questions: Sequence[Question],
        output: Path,
        seed: int,
        progress: Progress,
    ) -> list[Row]:
        how = [stamp(checkpoint), self.max_new_tokens, self.batch_size, self.dtype, seed]
        return answered(
            checkpoint,
            self.dtype,
            [short_hash([how, question.id, question.category, question.turns]) for question in questions],
            lambda model, batch: self._answer(model, [questions[index] for index in batch], seed),
            batch_size=self.batch_size,
            path=output / "answers.jsonl",
            progress=progress,
        )

    def _answer(self, model: ChatModel, questions: Sequence[Question], seed: int) -> list[Row]:
        talks: list[list[dict[str, str]]] = [[] for _ in questions]
        replies: list[list[Reply]] = [[] for _ in questions]
        for turn in (0, 1):
            for talk, question in zip(talks, questions, strict=True):
                talk.append({"role": "user", "content": question.turns[turn]})
            prompts = [
                Prompt(
                    messages=talk, temperature=TEMPERATURES.get(q.category, 0.0), seed=_seed(seed, q.id, turn)
                )
                for talk, q in zip(talks, questions, strict=True)
            ]
            found = model.replies(prompts, max_new_tokens=self.max_new_tokens)
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


def _where(item: Rating) -> Row:
    return {"id": item.question.id, "category": item.question.category, "turn": item.turn + 1}


def _scores(task: str, ratings: Sequence[Rating], *, metric: str, signature: str, seed: int) -> list[Score]:
    """The average (mean of the two turns' means), then each turn, then each category.

    A question is one item: intervals are over the means of its turns, which are not independent of each other.
    """
    read = [item for item in ratings if item.value is not None]
    turns = [[item for item in read if item.turn == turn] for turn in (0, 1)]
    categories = dict.fromkeys(item.question.category for item in read)
    parts = {
        **{f"{task}/turn-{number}": items for number, items in enumerate(turns, 1)},
        **{
            f"{task}/{name}": [item for item in read if item.question.category == name] for name in categories
        },
    }
    average = fmean(_mean(items) for items in turns if items)
    return [
        Score(
            task=name,
            metric=metric,
            value=value,
            n=len(items),
            interval=mean_interval(_by_question(items), seed),
            higher_is_better=True,
            signature=signature,
        )
        for name, items, value in [
            (task, read, average),
            *((name, items, _mean(items)) for name, items in parts.items() if items),
        ]
    ]


def _mean(items: Sequence[Rating]) -> float:
    return fmean(item.value for item in items if item.value is not None)


def _by_question(items: Sequence[Rating]) -> list[float]:
    names = dict.fromkeys(item.question.id for item in items)
    return [_mean([item for item in items if item.question.id == name]) for name in names]

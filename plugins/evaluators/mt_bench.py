"""MT-Bench: two turns of open questions in eight categories, answered by the checkpoint and rated by a judge."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, SPEED, Checkpoint, Item, Loads, ModelRef, Progress, Score
from langadapt.languages import LanguagePack
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.answers import answered, conversed, rows_of, stamp
from langadapt_plugins.evaluators.asking import Endpoint, LocalModel, Respondent
from langadapt_plugins.evaluators.judges import (
    VERDICTS,
    Judge,
    Judged,
    ModelJudge,
    ReferenceJudge,
    read_verdicts,
)
from langadapt_plugins.evaluators.questions import Question, read_prompts, read_questions
from langadapt_plugins.evaluators.ratings import bounds, scores_of
from langadapt_plugins.evaluators.replies import kept_verdicts, stored_replies
from langadapt_plugins.generation import Turn, short_hash

_ANSWERS = "answers.jsonl"


@dataclass(frozen=True, kw_only=True)
class MtBench(Loads):
    """MT-Bench as FastEval runs it: the second prompt holds the model's own first answer, the average is over two turns.

    A judge's replies are kept (`judgements.jsonl`), of whatever judge; a second run asks only for those that are missing.
    """

    requires: ClassVar[tuple[str, ...]] = ("aiohttp", "torch", "transformers")
    questions: Annotated[
        Path | None,
        "questions instead of the pack's mt_bench.jsonl: JSON Lines, or FastEval's questions_XX.json",
    ] = None
    judge: Annotated[
        str, "model that an endpoint serves and that rates; empty: chrF to the references, offline"
    ] = ""
    base_url: Annotated[
        str | None,
        "the judge's OpenAI-compatible endpoint, such as that of `vllm serve`; OpenAI's own where unset",
    ] = None
    api_key_env: Annotated[
        str | None,
        "environment variable that holds the judge's key; OPENAI_API_KEY for OpenAI's own, none for others",
    ] = None
    judge_model: Annotated[
        ModelRef | None, "model that rates and is run here by transformers, instead of `judge`"
    ] = None
    judge_prompts: Annotated[
        Path | None,
        "judge prompts instead of the pack's: its TOML, FastEval's judge_prompts_XX.json or FastChat's JSON Lines",
    ] = None
    judge_max_tokens: Annotated[int, "most tokens of a verdict, thoughts included", LIMIT] = 2048
    max_new_tokens: Annotated[int, "most tokens of an answer", LIMIT] = 1024
    concurrency: Annotated[int, "verdicts asked for at once", SPEED] = 8
    timeout: Annotated[float, "seconds that a verdict of an endpoint may take", SPEED] = 180.0
    retries: Annotated[int, "how often an endpoint is asked again after a fault of its own", SPEED] = 12
    batch_size: Annotated[
        int, "questions answered at once; in half precision another size may turn a near-tie"
    ] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url or "")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigError(
                "base_url holds a user, a password or a query, which would end up in the run's files",
                hint="give the key in the environment, and its variable's name as api_key_env",
            )
        if self.judge and self.judge_model:
            raise ConfigError("`judge` and `judge_model` both name a judge", hint="set one of them")
        for name in ("concurrency", "timeout", "batch_size", "max_new_tokens", "judge_max_tokens"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must be above 0")

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
        judge = self._judge(pack)
        judge.check(questions)
        rows = self._answers(checkpoint, questions, output, seed, progress)
        cut = sum(finish != "stop" for row in rows for finish in row["finish"])
        sizes = (
            f"max_new_tokens:{self.max_new_tokens}|batch:{self.batch_size}|limit:{limit or 'all'}|seed:{seed}"
        )
        facts = {
            "questions": len(questions),
            "cut": cut,
            "answered": f"{_asked(rows)}|{rows[0]['model']}|{sizes}",
        }
        _write(output, facts)
        answers = [(question, row["answers"]) for question, row in zip(questions, rows, strict=True)]
        judged = judge.rate(answers, output=output, progress=progress)
        return self._scores(judged, judge.metric, facts, output=output)

    def rescored(
        self,
        replies: Path | None,
        *,
        model: str,
        pack: LanguagePack,
        output: Path,
        limit: int | None,
        progress: Progress,
    ) -> list[Score]:
        """Scores of replies that there are, without a judge: those in `output`, or those of a file.

        The file is one of ours, FastEval's `judge-replies.json` or FastChat's JSON Lines, of whose models `model` names one.
        """
        if replies is None:
            rows = kept_verdicts(output, VERDICTS, _ANSWERS)
            asked = rows_of(output / _ANSWERS)
            facts = {
                "questions": len(asked),
                "cut": sum(finish != "stop" for row in asked for finish in row["finish"]),
                "answered": _read(output).get("answered") or f"{_asked(asked)}|{asked[0]['model']}",
            }
        else:
            if (output / VERDICTS).exists() and replies.resolve() != (output / VERDICTS).resolve():
                raise ConfigError(
                    f"{output} holds verdicts of its own", hint="name another MODEL or --output for these"
                )
            known = {question.id: question.category for question in self._known(pack)}
            rows, repeated = stored_replies(replies, model, known)
            names = dict.fromkeys(row["id"] for row in rows)
            facts = {
                "questions": len(names),
                "repeated": repeated,
                "answered": f"questions:{short_hash(sorted(names))}",
                "replies": short_hash([(row["id"], row["turn"], row["reply"]) for row in rows]),
            }
        kept = list(dict.fromkeys(row["id"] for row in rows))[:limit]
        rows = [row for row in rows if row["id"] in set(kept)]
        missing = 2 * (min(facts["questions"], limit or facts["questions"])) - len(rows)
        if missing:
            progress.say(f"  {missing} turns have no verdict")
        judged = read_verdicts(rows, progress, where=str(replies or output / VERDICTS))
        output.mkdir(parents=True, exist_ok=True)
        cut = f"|limit:{limit}" if limit else ""
        return self._scores(judged, "rating", {**facts, "missing": missing}, output=output, of=cut)

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

    def items(self, pack: LanguagePack) -> list[Item]:
        """Every turn of the questions that a judge reads; the id is `QUESTION/TURN`."""
        return [
            Item(task="mt-bench", id=f"{question.id}/{turn}", text=text)
            for question in self._questions(pack)
            for turn, text in enumerate(question.turns, 1)
        ]

    def _judge(self, pack: LanguagePack) -> Judge:
        if not self.judge and not self.judge_model:
            return ReferenceJudge()
        who: Respondent
        if self.judge_model:
            who = LocalModel(
                model=self.judge_model,
                dtype=self.dtype,
                batch_size=self.batch_size,
                max_tokens=self.judge_max_tokens,
            )
        else:
            who = Endpoint(
                model=self.judge,
                url=self.base_url,
                key_from=self.api_key_env,
                in_flight=self.concurrency,
                timeout=self.timeout,
                retries=self.retries,
                max_tokens=self.judge_max_tokens,
            )
        return ModelJudge(who=who, prompts=read_prompts(self.judge_prompts, pack))

    def _scores(
        self,
        judged: Judged,
        metric: str,
        facts: Mapping[str, Any],
        *,
        output: Path,
        of: str = "",
    ) -> list[Score]:
        write_rows(output / "ratings.jsonl", (item.to_row(metric) for item in judged.ratings))
        more = {"ratings": len(judged.ratings), **judged.facts, "bounds": bounds(judged.ratings)}
        _write(output, {**facts, **more})
        signature = f"mt-bench|{judged.signature}|{facts['answered']}{of}"
        return scores_of("mt-bench", judged.ratings, metric=metric, signature=signature)

    def _known(self, pack: LanguagePack) -> list[Question]:
        """The questions, where there are any: those of a file of replies may be others."""
        path = self.questions or pack.path("mt_bench.jsonl")
        return read_questions(path) if path and path.exists() else []

    def _questions(self, pack: LanguagePack) -> list[Question]:
        path = self.questions or pack.path("mt_bench.jsonl")
        if path is None or not (self.questions or path.exists()):
            raise ConfigError(
                f"the pack {pack.language.code} has no mt_bench.jsonl",
                hint="set mt-bench.questions to a file",
            )
        return read_questions(path)

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
            lambda model, batch: conversed(
                model, [questions[index] for index in batch], self.max_new_tokens, seed
            ),
            batch_size=self.batch_size,
            path=output / _ANSWERS,
            progress=progress,
        )


def _asked(rows: Sequence[Row]) -> str:
    return f"questions:{short_hash([(row['id'], row['turns']) for row in rows])}"


def _write(output: Path, facts: Mapping[str, Any]) -> None:
    (output / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


def _read(output: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((output / "facts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

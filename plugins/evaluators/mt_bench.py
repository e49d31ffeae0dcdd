"""MT-Bench: two turns of open questions in eight categories, answered by the checkpoint and rated by a judge."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from langadapt.errors import ConfigError
from langadapt.interfaces import Checkpoint, Item, Progress, Score
from langadapt.languages import LanguagePack
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.answers import Sizes, rows_of, talks
from langadapt_plugins.evaluators.judge_settings import AsksJudge
from langadapt_plugins.evaluators.judges import (
    VERDICTS,
    Judge,
    Judged,
    ModelJudge,
    ReferenceJudge,
    read_verdicts,
)
from langadapt_plugins.evaluators.questions import Question, items, read_prompts, read_questions, solutions
from langadapt_plugins.evaluators.ratings import bounds, scores_of
from langadapt_plugins.evaluators.references import with_references
from langadapt_plugins.evaluators.replies import kept_verdicts, stored_replies
from langadapt_plugins.generation import Turn, short_hash

_ANSWERS = "answers.jsonl"


@dataclass(frozen=True, kw_only=True)
class MtBench(AsksJudge):
    """MT-Bench as FastEval runs it: the second prompt holds the model's own first answer, the average is over two turns.

    A judge's replies are kept (`judgements.jsonl`), of whatever judge; a second run asks only for those that are missing.
    Without a judge answers are compared to the references by chrF, offline: that is no MT-Bench score.
    """

    requires: ClassVar[tuple[str, ...]] = ("aiohttp", "torch", "transformers")

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
        facts = {
            "questions": len(questions),
            "cut": cut,
            "answered": f"{_asked(rows)}|{rows[0]['model']}|{self.sizes}|limit:{limit or 'all'}|seed:{seed}",
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
        return solutions(self._questions(pack)[:limit])

    def items(self, pack: LanguagePack) -> list[Item]:
        """Every turn of the questions that a judge reads; the id is `QUESTION/TURN`."""
        return items("mt-bench", self._questions(pack))

    def _judge(self, pack: LanguagePack) -> Judge:
        who = self.respondent()
        if who is None:
            return ReferenceJudge()
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
        return with_references(read_questions(path), path, self.references) if path and path.exists() else []

    def _questions(self, pack: LanguagePack) -> list[Question]:
        path = self.questions or pack.path("mt_bench.jsonl")
        if path is None or not (self.questions or path.exists()):
            raise ConfigError(
                f"the pack {pack.language.code} has no mt_bench.jsonl",
                hint="set mt-bench.questions to a file",
            )
        return with_references(read_questions(path), path, self.references)

    def _answers(
        self,
        checkpoint: Checkpoint,
        questions: Sequence[Question],
        output: Path,
        seed: int,
        progress: Progress,
    ) -> list[Row]:
        sizes = Sizes(self.max_new_tokens, self.batch_size, self.dtype)
        return talks(checkpoint, questions, sizes, seed, path=output / _ANSWERS, progress=progress)


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

"""Which of two answers is better: the checkpoint's, or those of a file or of another model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Checkpoint, Item, ModelRef, Progress, Score
from langadapt.languages import LanguagePack
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.answers import Sizes, alone, stamp, talks
from langadapt_plugins.evaluators.judge_settings import AsksJudge
from langadapt_plugins.evaluators.judges import VERDICTS, account
from langadapt_plugins.evaluators.keeping import kept_replies
from langadapt_plugins.evaluators.pairwise_answers import Stored, write_other
from langadapt_plugins.evaluators.pairwise_lengths import Known
from langadapt_plugins.evaluators.pairwise_pairs import judged_pairs, questions_asked
from langadapt_plugins.evaluators.pairwise_questions import listed, read_asked, read_pair_prompts, text_of
from langadapt_plugins.evaluators.pairwise_replies import Replies, from_file, kept
from langadapt_plugins.evaluators.pairwise_scores import (
    biases,
    bounds,
    length_controlled,
    numbers,
    standard_error,
    told,
    win_rates,
)
from langadapt_plugins.evaluators.questions import Question, items, solutions
from langadapt_plugins.evaluators.references import with_references
from langadapt_plugins.generation import Turn, short_hash

_ANSWERS, _OTHER = "answers.jsonl", "other.jsonl"


@dataclass(frozen=True, kw_only=True)
class Pairwise(AsksJudge):
    """How often a judge prefers the checkpoint's answer, in percent; asked in both orders, which must agree, or it is a tie.

    The other side is a file of answers, another model, or the questions' own references. Beside the win rate stands AlpacaEval's
    length-controlled one. A judge's replies are kept (`judgements.jsonl`); a second run asks only for those that are missing.
    """

    requires: ClassVar[tuple[str, ...]] = ("aiohttp", "sklearn", "torch", "transformers")
    against: Annotated[
        Path | None,
        "the other side's answers: AlpacaEval's JSON list (whose instructions are then asked), FastChat's model_answer/MODEL.jsonl or "
        "our answers.jsonl; unset: the questions' references",
    ] = None
    against_model: Annotated[
        ModelRef | None, "model that answers for the other side, instead of `against`"
    ] = None
    against_template: Annotated[Path | None, "chat template of `against_model`; its own where unset"] = None
    difficulty: Annotated[
        Path | None,
        "AlpacaEval's df_gamed.csv, for its length-controlled win rate as published; without it the rate knows no difficulties of instructions",
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.against and self.against_model:
            raise ConfigError(
                "`against` and `against_model` both name the other side", hint="set one of them"
            )

    def evaluate(
        self, checkpoint: Checkpoint, *, pack: LanguagePack, output: Path, limit: int | None, seed: int, progress: Progress,
    ) -> list[Score]:  # fmt: skip
        """Answer (`answers.jsonl`, `other.jsonl`), have pairs judged (`judgements.jsonl`), and count (`pairs.jsonl`, `facts.json`)."""
        who = self.respondent()
        if who is None:
            raise ConfigError(
                "pairwise has no judge",
                hint="set pairwise.judge to a served model, or pairwise.judge_model to one that runs here",
            )
        who.check()
        questions, stored = self._sides(pack, limit)
        other = self._other()
        prompts = read_pair_prompts(self.judge_prompts, pack)
        for one in questions:
            questions_asked(prompts, one, ["a"] * len(one.turns), ["b"] * len(one.turns))
        rows = self._answers(checkpoint, questions, output / _ANSWERS, seed, progress)
        name, theirs = self._theirs(stored or other, questions, output, seed, progress)
        ours = [row["answers"] for row in rows]
        asks = [
            ask
            for one, first, second in zip(questions, ours, theirs, strict=True)
            for ask in questions_asked(prompts, one, first, second)
        ]
        verdicts = kept_replies(who, asks, output / VERDICTS, progress) if asks else []
        both = [
            (one.id, one.category, first, second)
            for one, first, second in zip(questions, ours, theirs, strict=True)
        ]
        cut = sum(finish != "stop" for row in rows for finish in row["finish"])
        facts = {
            "questions": len(questions),
            "cut": cut,
            "answered": f"{_digest(questions)}|{rows[0]['model']}|{self.sizes}|limit:{limit or 'all'}|seed:{seed}",
        }
        replies = Replies(pairs=judged_pairs(both, verdicts), rows=verdicts, against=name, facts=facts)
        return self._scores(replies, output, progress, where=output / VERDICTS)

    def rescored(
        self, replies: Path | None, *, model: str, pack: LanguagePack, output: Path, limit: int | None, progress: Progress,
    ) -> list[Score]:  # fmt: skip
        """Scores of verdicts that there are, without a judge: those in `output`, or those of a file.

        The file is AlpacaEval's `annotations.json`, FastChat's `JUDGE_pair.jsonl` or ours; `model` names one of its models.
        """
        del pack
        if replies is None:
            found = kept(output, VERDICTS, _ANSWERS, _OTHER)
            facts = {"answered": _read(output).get("answered") or "answers:unstated"}
        else:
            if (output / VERDICTS).exists() and replies.resolve() != (output / VERDICTS).resolve():
                raise ConfigError(
                    f"{output} holds verdicts of its own", hint="name another MODEL or --output for these"
                )
            found = from_file(replies, model)
            names = list(dict.fromkeys(pair.id for pair in found.pairs))
            facts = {
                "answered": f"questions:{short_hash(sorted(names))}",
                "replies": short_hash([p.orders for p in found.pairs]),
            }
        found = found.first(limit)
        facts["questions"] = len({pair.id for pair in found.pairs})
        output.mkdir(parents=True, exist_ok=True)
        found = replace(found, facts={**found.facts, **facts})
        cut = f"|limit:{limit}" if limit else ""
        return self._scores(found, output, progress, where=replies or output / VERDICTS, of=cut)

    def solutions(self, pack: LanguagePack, *, limit: int | None, seed: int) -> list[tuple[list[Turn], str]]:  # noqa: ARG002 - the seam's names
        """Both turns of every question that has references, each with its reference."""
        return solutions(self._sides(pack, limit)[0])

    def items(self, pack: LanguagePack) -> list[Item]:
        """Every turn of the questions; the id is `QUESTION/TURN`."""
        return items("pairwise", self._sides(pack)[0])

    def _sides(self, pack: LanguagePack, limit: int | None = None) -> tuple[list[Question], Stored | None]:
        """The questions, and the stored answers where no model gives them; raises `ConfigError` where some have none."""
        with_texts = self.against is not None and any(text_of(row) for _, row in listed(self.against))
        path = self.questions or (self.against if with_texts else pack.path("mt_bench.jsonl"))
        if path is None or not (self.questions or path.exists()):
            raise ConfigError(
                f"the pack {pack.language.code} has no mt_bench.jsonl",
                hint="set pairwise.questions to a file",
            )
        questions = with_references(read_asked(path), path, self.references)
        if self.against_model:
            return questions[:limit], None
        if self.against is None:
            questions = [one for one in questions if one.reference][:limit]
            if not questions:
                raise ConfigError(
                    f"{path} has no references", hint="set pairwise.against or pairwise.against_model"
                )
            return questions, Stored.references(questions)
        questions, stored = questions[:limit], Stored.read(self.against)
        missing = [
            one.id for one, answer in zip(questions, stored.of(questions), strict=True) if answer is None
        ]
        if missing:
            raise DataError(
                f"{self.against} does not answer {len(missing)} of {len(questions)} questions, such as {missing[0]}",
                hint="give the questions that it answers as pairwise.questions",
            )
        return questions, stored

    def _other(self) -> Checkpoint | None:
        """The model of the other side, if one answers there; raises where it cannot be found."""
        if self.against_model is None:
            return None
        template = str(self.against_template) if self.against_template else None
        found = Checkpoint(
            name=Path(self.against_model.name).name, model=self.against_model, chat_template=template
        )
        stamp(found)
        return found

    def _theirs(
        self,
        other: Stored | Checkpoint | None,
        questions: Sequence[Question],
        output: Path,
        seed: int,
        progress: Progress,
    ) -> tuple[str, list[Sequence[str]]]:
        """The other side's name, as a signature says it, and its answers."""
        if isinstance(other, Stored):
            answers: list[Sequence[str]] = [texts or () for texts in other.of(questions)]
            write_other(output / _OTHER, questions, answers, other.name)
            return other.name, answers
        assert other is not None
        rows = self._answers(other, questions, output / _OTHER, seed, progress)
        name = f"{other.name} {short_hash([stamp(other), self.sizes, self.dtype, seed])}"
        with alone(output / _OTHER):
            write_rows(output / _OTHER, [{**row, "model": name} for row in rows])
        return name, [row["answers"] for row in rows]

    def _answers(
        self, checkpoint: Checkpoint, questions: Sequence[Question], path: Path, seed: int, progress: Progress
    ) -> list[Row]:
        sizes = Sizes(self.max_new_tokens, self.batch_size, self.dtype)
        return talks(checkpoint, questions, sizes, seed, path=path, progress=progress)

    def _scores(
        self, found: Replies, output: Path, progress: Progress, *, where: Path, of: str = ""
    ) -> list[Score]:
        pairs, known = found.pairs, Known.read(self.difficulty) if self.difficulty else None
        if found.rows:
            by, facts = account(found.rows, found.unread, progress, where=str(where))
        else:
            by, facts = "judge:none was needed", {"unreadable": 0}
        signature = f"pairwise|{by}|against:{found.against.replace('|', '/')}|{found.facts['answered']}{of}"
        controlled, fit = length_controlled("pairwise", pairs, known, signature=signature)
        bias, alike = biases(pairs, fit), sum(not pair.asked for pair in pairs)
        lines = (
            [f"{alike} of {len(pairs)} pairs are of one wording, and tie without a judge"] if alike else []
        )
        lines += [f"{found.missing} verdicts are missing"] if found.missing else []
        lines += told(bias)
        counts = numbers(pairs, fit)
        lines.append(
            ", ".join(
                f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
                for key, value in counts.items()
                if value is not None
            )
        )
        for line in lines:
            progress.say(f"  {line}")
        write_rows(output / "pairs.jsonl", (row for pair in pairs for row in pair.to_rows()))
        told_of: dict[str, Any] = {
            **found.facts,
            **facts,
            "standard_error": standard_error(pairs),
            "alpaca_eval": counts,
            "bias": bias,
            "bounds": bounds(pairs),
            "notes": lines,
        }
        (output / "facts.json").write_text(
            json.dumps(told_of, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        return [*win_rates("pairwise", pairs, signature=signature), *controlled]


def _digest(questions: Sequence[Question]) -> str:
    return f"questions:{short_hash([(one.id, one.turns) for one in questions])}"


def _read(output: Path) -> dict[str, Any]:
    try:
        found = json.loads((output / "facts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

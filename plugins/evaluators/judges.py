"""Who rates MT-Bench answers: a language model, or, offline, chrF to a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import Progress
from langadapt.records import Row
from langadapt_plugins.evaluators.asking import Respondent
from langadapt_plugins.evaluators.keeping import cost, kept_replies
from langadapt_plugins.evaluators.questions import Question, messages
from langadapt_plugins.evaluators.ratings import Rating, length_bias
from langadapt_plugins.evaluators.verdicts import rating
from langadapt_plugins.generation import short_hash

VERDICTS = "judgements.jsonl"
"""Where a judge's own words are kept, in the folder of a checkpoint's scores."""
Answers = Sequence[tuple[Question, Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Ratings, who gave them (as a signature says it), and what else is to be known of them."""

    ratings: Sequence[Rating]
    signature: str
    facts: Mapping[str, Any] = field(default_factory=dict)


class Judge(Protocol):
    """Answers to ratings."""

    @property
    def metric(self) -> str:
        """What its numbers are called."""

    def check(self, questions: Sequence[Question]) -> None:
        """Raise `ConfigError` for what would stop it, before hours of answering."""

    def rate(self, answers: Answers, *, output: Path, progress: Progress) -> Judged:
        """Rate both turns of every answer that can be rated."""


class ReferenceJudge:
    """Sentence-level chrF to the reference, 0 to 100: says how near the wording is, and is no MT-Bench score."""

    metric = "chrF-to-reference"

    def check(self, questions: Sequence[Question]) -> None:
        """Some question must have a reference."""
        if not any(question.reference for question in questions):
            raise ConfigError(
                "mt-bench has neither a judge nor references", hint="set mt-bench.judge, or add references"
            )

    def rate(self, answers: Answers, *, output: Path, progress: Progress) -> Judged:  # noqa: ARG002 - the seam's names
        """Rate what has a reference."""
        import sacrebleu

        chrf = sacrebleu.CHRF()
        ratings = [
            Rating(
                id=question.id,
                category=question.category,
                turn=turn + 1,
                value=chrf.sentence_score(text, [question.reference[turn]]).score,
                length=len(text),
            )
            for question, texts in answers
            if question.reference
            for turn, text in enumerate(texts)
        ]
        return Judged(ratings=ratings, signature=f"judge:none, no MT-Bench score|{chrf.get_signature()}")


@dataclass(frozen=True, kw_only=True)
class ModelJudge:
    """A model that rates from 1 to 10, asked as FastEval does: temperature 0, a reference only where it has one answer."""

    who: Respondent
    prompts: Mapping[str, Mapping[str, str]]
    metric: str = "rating"

    def check(self, questions: Sequence[Question]) -> None:
        """Its key and its prompts must be there."""
        self.who.check()
        for question in questions:
            for turn in (0, 1):
                messages(self.prompts, question, ("", ""), turn)

    def rate(self, answers: Answers, *, output: Path, progress: Progress) -> Judged:
        """Ask for what `output` does not hold yet, and read every reply."""
        asks = [
            self._ask(question, (texts[0], texts[1]), turn) for question, texts in answers for turn in (0, 1)
        ]
        rows = kept_replies(self.who, asks, output / VERDICTS, progress)
        return read_verdicts(rows, progress, where=str(output / VERDICTS))

    def _ask(self, question: Question, texts: tuple[str, str], turn: int) -> Row:
        name, chat = messages(self.prompts, question, texts, turn)
        return {
            "id": question.id,
            "category": question.category,
            "turn": turn + 1,
            "answer": short_hash(texts),
            "length": len(texts[turn]),
            "prompt": name,
            "prompts": short_hash(self.prompts),
            "messages": chat,
        }


def read_verdicts(rows: Sequence[Row], progress: Progress, *, where: str) -> Judged:
    """Ratings out of a judge's replies; raises `ComponentError` where none can be read.

    A row has `id`, `category`, `turn`, `reply`, and as far as they are known `judge`, `answered_by`, `prompts`, `date`
    and `length`, the answer's in characters.
    """
    ratings = [
        Rating(
            id=row["id"],
            category=row["category"],
            turn=row["turn"],
            value=rating(row["reply"]) if isinstance(row["reply"], str) else None,
            length=row.get("length"),
        )
        for row in rows
    ]
    bias = length_bias(ratings)
    signature, facts = account(rows, sum(item.value is None for item in ratings), progress, where=where)
    notes = []
    if bias:
        notes.append(
            f"rating and length of the answer: Spearman's rho {bias['rho']:.2f} (p {bias['p']:.2g}, n {bias['n']})"
        )
        progress.say(f"  {notes[0]}")
    return Judged(ratings=ratings, signature=signature, facts={**facts, "length_bias": bias, "notes": notes})


def account(
    rows: Sequence[Row], unread: int, progress: Progress, *, where: str
) -> tuple[str, dict[str, Any]]:
    """Who judged, how and when, as a signature says it, and facts beside; raises `ComponentError` where no verdict can be read."""
    judge = _judge(rows)
    if unread == len(rows):
        raise ComponentError(
            f"none of {unread} verdicts of {judge} can be read", hint=f"see the replies in {where}"
        )
    if unread:
        progress.say(
            f"  {unread} of {len(rows)} verdicts of {judge} could not be read ({unread / len(rows):.1%}); see {where}"
        )
    warm = "+".join(_several(rows, "temperature"))
    if warm:
        progress.say(
            f"  {judge} takes no temperature 0 and was asked at its own: asked again, it may say otherwise"
        )
    spent = cost(rows)
    if spent["calls"]:
        progress.say(
            f"  {judge}: {spent['calls']} calls for {spent['verdicts']} verdicts,"
            f" {spent['tokens_in']} tokens in, {spent['tokens_out']} out"
        )
    prompts = "+".join(_several(rows, "prompts")) or "unstated"
    heat = f"|temperature:{warm}" if warm else ""
    signature = f"judge:{judge}{heat}|prompts:{prompts}|date:{_dates(rows)}|unreadable:{unread}/{len(rows)}"
    cut = sum(row.get("finish") == "length" for row in rows)
    return signature, {"unreadable": unread, "cut_verdicts": cut, "judge": {"name": judge, **spent}}


def _judge(rows: Sequence[Row]) -> str:
    """The judge, with what its server calls it where that is something else."""
    name = "+".join(_several(rows, "judge")) or "unstated"
    served = [one for one in _several(rows, "answered_by") if one != name]
    return f"{name} ({'+'.join(served)})" if served else name


def _dates(rows: Sequence[Row]) -> str:
    days = [date[:10] for date in _several(rows, "date")]
    return "unstated" if not days else days[0] if days[0] == days[-1] else f"{days[0]}..{days[-1]}"


def _several(rows: Sequence[Row], key: str) -> list[str]:
    return sorted({str(row[key]) for row in rows if row.get(key)})

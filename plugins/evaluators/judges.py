"""Who rates MT-Bench answers: a language model behind an OpenAI-compatible endpoint, or, offline, chrF to a reference."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from langadapt.errors import ComponentError, ConfigError, DataError
from langadapt.interfaces import Progress
from langadapt.languages import LanguagePack
from langadapt.records import Row
from langadapt_plugins.evaluators.answers import append, resume
from langadapt_plugins.evaluators.verdicts import rating
from langadapt_plugins.generation import short_hash

_WITH_REFERENCE = ("reasoning", "math", "coding")
_MAX_TOKENS = 2048
_RETRIES = 8
_TIMEOUT_S = 180.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """Two turns of a user; `reference` answers them, or is empty."""

    id: str
    category: str
    turns: tuple[str, ...]
    reference: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Row, where: str) -> "Question":
        """From a row with `id` (or FastChat's `question_id`), `category`, `turns` and maybe `reference`."""
        turns, reference = row.get("turns"), row.get("reference") or []
        texts = (
            isinstance(turns, list)
            and isinstance(reference, list)
            and all(isinstance(t, str) for t in [*turns, *reference])
        )
        if not texts or len(turns or []) != 2 or len(reference) not in (0, 2):
            raise DataError(
                f"{where}: two `turns` of text, and two `reference` answers or none", hint="mend the row"
            )
        name = str(row.get("id", row.get("question_id", "")) or short_hash(row))
        return cls(
            id=name,
            category=str(row.get("category", "other")),
            turns=tuple(turns or ()),
            reference=tuple(reference),
        )


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What a judge gave the answer to one turn (0 or 1); None where its verdict could not be read."""

    question: Question
    turn: int
    value: float | None


Answers = Sequence[tuple[Question, Sequence[str]]]


class Judge(Protocol):
    """Answers to ratings. `signature` is known once it has rated."""

    @property
    def metric(self) -> str:
        """What its numbers are called."""

    @property
    def signature(self) -> str:
        """The judge, for the signature of the scores."""

    def check(self, questions: Sequence[Question]) -> None:
        """Raise `ConfigError` for what would stop it, before hours of answering."""

    def rate(self, answers: Answers, *, output: Path, progress: Progress) -> list[Rating]:
        """Rate both turns of every answer that can be rated."""


class ReferenceJudge:
    """Sentence-level chrF to the reference, 0 to 100: says how near the wording is, and is no MT-Bench score."""

    metric = "chrF-to-reference"
    signature = ""

    def check(self, questions: Sequence[Question]) -> None:
        """Some question must have a reference."""
        if not any(question.reference for question in questions):
            raise ConfigError(
                "mt-bench has neither a judge nor references", hint="set mt-bench.judge, or add references"
            )

    def rate(self, answers: Answers, *, output: Path, progress: Progress) -> list[Rating]:  # noqa: ARG002 - the seam's names
        """Rate what has a reference."""
        import sacrebleu

        chrf = sacrebleu.CHRF()
        ratings = [
            Rating(
                question=question,
                turn=turn,
                value=chrf.sentence_score(text, [question.reference[turn]]).score,
            )
            for question, texts in answers
            if question.reference
            for turn, text in enumerate(texts)
        ]
        self.signature = f"judge:none, no MT-Bench score|{chrf.get_signature()}"
        return ratings


@dataclass(frozen=True, kw_only=True)
class EndpointJudge:
    """A model that rates from 1 to 10, asked as FastEval does: temperature 0, a reference only where it has one answer."""

    model: str
    base_url: str | None
    api_key_env: str
    concurrency: int
    pack: LanguagePack
    metric: str = "rating"

    @property
    def signature(self) -> str:
        """Judge and prompts."""
        return f"judge:{self.model}|prompts:{short_hash(self._prompts)}"

    def check(self, questions: Sequence[Question]) -> None:
        """Its key and its prompts must be there."""
        self._key()
        for question in questions:
            for turn in (0, 1):
                self._ask(question, ("", ""), turn)

    def rate(self, answers: Answers, *, output: Path, progress: Progress) -> list[Rating]:
        """Ask for what `output/judgements.jsonl` does not hold yet, and read every reply there."""
        asked = [
            (question, turn, self._ask(question, texts, turn))
            for question, texts in answers
            for turn in (0, 1)
        ]
        path = output / "judgements.jsonl"
        known = resume(path, {ask["hash"] for _, _, ask in asked})
        missing = [ask for _, _, ask in asked if ask["hash"] not in known]
        if missing:
            with progress.task(f"verdicts of {self.model}", len(missing)) as task:
                for row in self._replies(missing):
                    append(path, [row])
                    known[row["hash"]] = row
                    task.advance()
        found = [
            Rating(question=q, turn=turn, value=rating(known[ask["hash"]]["reply"])) for q, turn, ask in asked
        ]
        unread = sum(item.value is None for item in found)
        if unread == len(found):
            raise ComponentError(
                f"none of {unread} verdicts of {self.model} can be read", hint=f"see the replies in {path}"
            )
        if unread:
            progress.say(f"  {unread} of {len(found)} verdicts of {self.model} could not be read; see {path}")
        return found

    @property
    def _prompts(self) -> Mapping[str, Any]:
        prompts = self.pack.prompts.get("judge")
        if not prompts:
            code = self.pack.language.code
            raise ConfigError(
                f"the pack {code} has no judge prompts",
                hint="add prompts.toml with [judge.single] and its like",
            )
        return dict(prompts)

    def _ask(self, question: Question, texts: Sequence[str], turn: int) -> Row:
        referenced = bool(question.reference) and question.category in _WITH_REFERENCE
        name = ("single", "multi-turn")[turn] + ("-reference" if referenced else "")
        values = {
            "question": question.turns[0],
            "answer": texts[0],
            "reference": "".join(question.reference[:1]),
        }
        for index in (0, 1):
            numbered = (question.turns[index], texts[index], "".join(question.reference[index : index + 1]))
            values |= zip(
                (f"question_{index + 1}", f"answer_{index + 1}", f"reference_{index + 1}"),
                numbered,
                strict=True,
            )
        try:
            prompt = self._prompts[name]
            messages = [
                {"role": "system", "content": prompt["system"].strip()},
                {"role": "user", "content": prompt["template"].format(**values).strip()},
            ]
        except (KeyError, IndexError, ValueError) as error:
            where = f"prompts.toml of the pack {self.pack.language.code}: judge.{name}"
            raise ConfigError(
                f"{where}: {error}", hint="docs/reference lists the placeholders of a judge prompt"
            ) from error
        row = {
            "id": question.id,
            "category": question.category,
            "turn": turn + 1,
            "prompt": name,
            "judge": self.model,
        }
        return {"hash": short_hash([self.model, messages]), **row, "messages": messages}

    def _replies(self, asks: Sequence[Row]) -> Iterator[Row]:
        """A row for each ask, as it is answered. The client waits and asks again after 429, 5xx and time-outs."""
        import openai

        with (
            openai.OpenAI(
                api_key=self._key(), base_url=self.base_url, max_retries=_RETRIES, timeout=_TIMEOUT_S
            ) as client,
            ThreadPoolExecutor(self.concurrency) as pool,
        ):
            waiting = [pool.submit(self._reply, client, ask) for ask in asks]
            try:
                for done in as_completed(waiting):
                    yield done.result()
            except openai.OpenAIError as error:
                where = self.base_url or "api.openai.com"
                cause = f"{type(error).__name__} {getattr(error, 'status_code', '')}".strip()
                raise ComponentError(
                    f"the judge {self.model} at {where} does not answer: {cause}",
                    hint=f"check mt-bench.judge, mt-bench.base_url and ${self.api_key_env}; what it gave so far is kept",
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _reply(self, client: Any, ask: Row) -> Row:
        found = client.chat.completions.create(
            model=self.model, messages=ask["messages"], temperature=0, top_p=1, max_tokens=_MAX_TOKENS
        )
        reply = found.choices[0].message.content or ""
        facts = {"answered_by": found.model, "date": datetime.now(UTC).isoformat(timespec="seconds")}
        kept = {key: value for key, value in ask.items() if key != "messages"}
        return {**kept, **facts, "rating": rating(reply), "reply": reply}

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env) or ("none" if self.base_url else "")
        if not key:
            raise ConfigError(
                f"${self.api_key_env} holds no key for the judge", hint=f"export {self.api_key_env}=..."
            )
        return key

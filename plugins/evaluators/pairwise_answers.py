"""The answers of the other side, out of a file: AlpacaEval's, FastChat's or ours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row, write_rows
from langadapt_plugins.evaluators.answers import alone
from langadapt_plugins.evaluators.pairwise_questions import listed, text_of
from langadapt_plugins.evaluators.questions import Question
from langadapt_plugins.evaluators.references import turns_of
from langadapt_plugins.generation import short_hash

_FORMS = "give AlpacaEval's list of `instruction` and `output`, FastChat's model_answer/MODEL.jsonl or our answers.jsonl"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Answers by what was asked, or by the question's id where a file does not say it; `name` is whose they are, with a hash of them all.

    What was asked stands under its turns and a count of those before it with the same ones.
    """

    name: str
    by_id: Mapping[str, tuple[str, ...]]
    by_turns: Mapping[tuple[tuple[str, ...], int], tuple[str, ...]]

    @classmethod
    def read(cls, path: Path) -> "Stored":
        """From a file of one model's answers; raises `DataError` for other rows, `ConfigError` for several models'."""
        by_id: dict[str, tuple[str, ...]] = {}
        by_turns: dict[tuple[tuple[str, ...], int], tuple[str, ...]] = {}
        names: dict[str, None] = {}
        seen: Counter[tuple[str, ...]] = Counter()
        for where, row in listed(path):
            answers, turns, name = _answers(row), _turns(row), row.get("id", row.get("question_id"))
            if answers is None or not (turns or name is not None):
                raise DataError(f"{where}: no answer", hint=_FORMS)
            if turns:
                by_turns[turns, seen[turns]] = answers
                seen[turns] += 1
            else:
                by_id[str(name)] = answers
            whose = row.get("generator", row.get("model_id"))
            names |= {str(whose): None} if whose else {}
        if len(names) > 1:
            raise ConfigError(
                f"{path} holds the answers of {len(names)} models: {', '.join(names)}",
                hint="give a file of one",
            )
        if not by_id and not by_turns:
            raise DataError(f"{path} holds no answers", hint=_FORMS)
        texts = [sorted(by_id.items()), sorted(by_turns.items())]
        return cls(name=f"{next(iter(names), path.stem)} {short_hash(texts)}", by_id=by_id, by_turns=by_turns)

    @classmethod
    def references(cls, questions: Sequence[Question]) -> "Stored":
        """The questions' own reference answers."""
        known = {one.id: one.reference for one in questions if one.reference}
        return cls(name=f"references {short_hash(sorted(known.items()))}", by_id=known, by_turns={})

    def of(self, questions: Sequence[Question]) -> list[tuple[str, ...] | None]:
        """The answers to each question, in order; None where there are none, or fewer than it has turns."""
        seen: Counter[tuple[str, ...]] = Counter()
        found: list[tuple[str, ...] | None] = []
        for one in questions:
            answers = self.by_turns.get((one.turns, seen[one.turns])) or self.by_id.get(one.id)
            seen[one.turns] += 1
            found.append(answers if answers and len(answers) >= len(one.turns) else None)
        return found


def write_other(
    path: Path, questions: Sequence[Question], answers: Sequence[Sequence[str]], name: str
) -> list[Row]:
    """Keep what the other side answered, in the form of our own answers."""
    rows: list[Row] = [
        {
            "hash": short_hash([name, one.id]),
            "id": one.id,
            "turns": one.turns,
            "answers": list(texts),
            "model": name,
        }
        for one, texts in zip(questions, answers, strict=True)
    ]
    with alone(path):
        write_rows(path, rows)
    return rows


def _answers(row: Row) -> tuple[str, ...] | None:
    output = row.get("output", row.get("answer"))
    return (output,) if isinstance(output, str) else turns_of(row)


def _turns(row: Row) -> tuple[str, ...]:
    """What was asked, as far as the row says it."""
    text, turns = text_of(row), row.get("turns")
    if text is None and isinstance(turns, list) and all(isinstance(one, str) for one in turns):
        return tuple(turns)
    return () if text is None else (text,)

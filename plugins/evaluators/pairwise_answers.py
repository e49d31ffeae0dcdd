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
    """Answers by the question's id, or by its text where a file has no ids; `name` is whose they are, with a hash of them all."""

    name: str
    by_id: Mapping[str, tuple[str, ...]]
    by_text: Mapping[tuple[str, int], tuple[str, ...]]

    @classmethod
    def read(cls, path: Path) -> "Stored":
        """From a file of one model's answers; raises `DataError` for other rows, `ConfigError` for several models'."""
        by_id: dict[str, tuple[str, ...]] = {}
        by_text: dict[tuple[str, int], tuple[str, ...]] = {}
        names: dict[str, None] = {}
        seen: Counter[str] = Counter()
        for where, row in listed(path):
            answers, text, name = _answers(row), text_of(row), row.get("id", row.get("question_id"))
            if answers is None or (text is None and name is None):
                raise DataError(f"{where}: no answer", hint=_FORMS)
            if name is not None:
                by_id[str(name)] = answers
            if text is not None:
                by_text[text, seen[text]] = answers
                seen[text] += 1
            whose = row.get("generator", row.get("model_id"))
            names |= {str(whose): None} if whose else {}
        if len(names) > 1:
            raise ConfigError(
                f"{path} holds the answers of {len(names)} models: {', '.join(names)}",
                hint="give a file of one",
            )
        if not by_id and not by_text:
            raise DataError(f"{path} holds no answers", hint=_FORMS)
        texts = [sorted(by_id.items()), sorted(by_text.items())]
        return cls(name=f"{next(iter(names), path.stem)} {short_hash(texts)}", by_id=by_id, by_text=by_text)

    @classmethod
    def references(cls, questions: Sequence[Question]) -> "Stored":
        """The questions' own reference answers."""
        known = {one.id: one.reference for one in questions if one.reference}
        return cls(name=f"references {short_hash(sorted(known.items()))}", by_id=known, by_text={})

    def of(self, questions: Sequence[Question]) -> list[tuple[str, ...] | None]:
        """The answers to each question, in order; None where there are none, or fewer than it has turns."""
        seen: Counter[str] = Counter()
        found: list[tuple[str, ...] | None] = []
        for one in questions:
            text = one.turns[0]
            answers = self.by_id.get(one.id) or self.by_text.get((text, seen[text]))
            seen[text] += 1
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

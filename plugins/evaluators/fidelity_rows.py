"""Answers judged for `fidelity`: in which language each is, and how it addresses the reader. And stored answers, from files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from langadapt.errors import DataError
from langadapt.languages import LanguagePack
from langadapt.records import Row, read_rows
from langadapt_plugins.evaluators.elsewhere import languages_of
from langadapt_plugins.evaluators.questions import Question, category_of
from langadapt_plugins.evaluators.references import turns_of
from langadapt_plugins.filters.address import address_of, recognises
from langadapt_plugins.filters.language_id import LanguageId
from langadapt_plugins.filters.reading import Reader

Kind = Literal["judged", "empty", "no-words", "too-short", "unclear", "other-language", "no-room"]
LEAST = 14
"""The letters of English that an answer must be worth: a sentence of four words."""
SPOKEN_FOR_OTHERS = ("writing", "roleplay")
"""Categories in which an answer speaks for or to somebody else, and its address tells nothing of the model's."""
_FORMS = "give our answers.jsonl, FastChat's MODEL.jsonl, or FastEval's answers.json or the judge-replies.json beside it"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One answer: what became of it, its language, whether a paragraph of it is in `stray`, and the forms of address of both sides."""

    id: str
    category: str
    turn: int
    kind: Kind
    language: str = ""
    in_language: bool = False
    stray: str = ""
    address: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def values(self) -> Iterator[tuple[str, float]]:
        """What it counts for each metric: an empty answer is in no language, one that cannot be judged counts for none."""
        if self.kind in ("judged", "empty"):
            yield "in-language", float(self.in_language)
        if self.kind == "judged":
            yield "mixed", float(bool(self.stray))
        if self.kind == "judged" and self.address:
            yield "address-consistent", float(len(self.address) == 1)
            if len(self.asked) == 1:
                yield "address-as-asked", float(self.address == self.asked)


@dataclass(frozen=True)
class Fidelity:
    """Judges answers to questions in the pack's language; one reader for each language that a question is marked with."""

    pack: LanguagePack
    identifier: LanguageId

    @cached_property
    def _readers(self) -> dict[str, Reader]:
        return {self.pack.language.code: Reader(self.pack, self.identifier, LEAST)}

    def judge(
        self, question: Question, answers: Sequence[str], finish: Sequence[str] = ()
    ) -> Iterator[Judged]:
        """Each turn's answer; `question` may know fewer turns than there are answers."""
        wanted = languages_of(question, self.pack)
        said: list[str] = []
        for turn, text in enumerate(answers):
            said += question.turns[turn : turn + 1]
            code = wanted[turn] if turn < len(wanted) else self.pack.language.code
            ended = finish[turn] if turn < len(finish) else "stop"
            yield Judged(
                id=question.id,
                category=question.category,
                turn=turn + 1,
                **self._told(text, code, ended, said, question.category),
            )

    def _told(self, text: str, code: str, ended: str, said: Sequence[str], category: str) -> dict[str, Any]:
        if not code:
            return {"kind": "other-language"}
        if not text.strip():
            return {"kind": "no-room" if ended == "too-long" else "empty"}
        if code not in self._readers:
            self._readers[code] = Reader(LanguagePack.bare(code), self.identifier, LEAST)
        reader = self._readers[code]
        lines = reader.prose(text, said)
        found = reader.read(lines)
        if found is None:
            size = reader.size(lines)
            return {"kind": "unclear" if size >= LEAST else "too-short" if size else "no-words"}
        ours = found.share >= 0.5
        speaks = ours and code == self.pack.language.code and category not in SPOKEN_FOR_OTHERS
        forms = self._address(text) if speaks and recognises(self.pack) else ()
        asked = self._address("\n\n".join(said), asks=True) if forms else ()
        language = code if ours else found.language
        return {
            "kind": "judged",
            "language": language,
            "in_language": ours,
            "stray": found.stray,
            "address": forms,
            "asked": asked,
        }

    def _address(self, text: str, *, asks: bool = False) -> tuple[str, ...]:
        lines = self._readers[self.pack.language.code].prose(text)
        return tuple(sorted(address_of(lines, self.pack, asks=asks)))


def stored_answers(
    path: Path, model: str, known: Mapping[str, Question]
) -> list[tuple[Question, tuple[str, ...]]]:
    """Each question with its answers: ours, FastChat's (of whose models `model` names one), or FastEval's; raises `DataError` for others.

    A question that is not `known` has the public set's category, by its number, and no words of its own.
    """
    if path.suffix == ".json" and path.name != "answers.json":
        path = path.with_name(
            "answers.json"
        )  # FastEval's judge-replies.json holds no answers; they lie beside it
    rows = list(_fasteval(path)) if path.suffix == ".json" else list(_lines(path, model))
    if not rows:
        raise DataError(f"{path} holds no answers", hint=_FORMS)
    return [
        (known.get(name) or Question(id=name, category=category or category_of(name), turns=asked), answers)
        for name, category, asked, answers in {row[0]: row for row in rows}.values()
    ]


_Row = tuple[str, str, tuple[str, ...], tuple[str, ...]]


def _fasteval(path: Path) -> Iterator[_Row]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", hint=_FORMS) from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})", hint=_FORMS) from error
    for name, answers in table.items() if isinstance(table, dict) else ():
        if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
            raise DataError(f"{path}, question {name}: no list of answers", hint=_FORMS)
        yield str(name), "", (), tuple(answers)


def _lines(path: Path, model: str) -> Iterator[_Row]:
    rows: list[tuple[int, Row]] = list(read_rows(path))
    models = {str(row["model_id"]) for _, row in rows if isinstance(row, dict) and "model_id" in row}
    wanted = next((name for name in (model, Path(model).name) if name in models), None)
    if wanted is None and len(models) > 1:
        raise DataError(
            f"{path} holds answers of {len(models)} models, and none is {Path(model).name}",
            hint=f"name one of them as MODEL: {', '.join(sorted(models)[:8])}",
        )
    for number, row in rows:
        answers = turns_of(row) if isinstance(row, dict) else None
        name = row.get("question_id", row.get("id")) if isinstance(row, dict) else None
        if answers is None or name is None:
            raise DataError(f"{path}, line {number}: no answers", hint=_FORMS)
        if wanted is None or str(row.get("model_id")) == wanted:
            asked = row.get("turns") if "answers" in row else ()
            yield str(name), str(row.get("category") or ""), tuple(map(str, asked or ())), answers

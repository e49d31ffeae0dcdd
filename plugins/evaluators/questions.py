"""MT-Bench's questions and its judge's prompts, as data: the pack's, or files as FastChat and FastEval have them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Item
from langadapt.languages import LanguagePack
from langadapt.records import Row, read_rows
from langadapt_plugins.generation import Turn, short_hash

TEMPERATURES: Mapping[str, float] = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}
"""FastEval's and FastChat's; a category that they do not know is answered greedily."""
WITH_REFERENCE = ("reasoning", "math", "coding")
_PUBLIC = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")
_FIRST_PUBLIC = 81
"""The public questions are numbered 81 to 160, ten of each category in this order."""
_NAMES = {
    "judge": {
        "single-v1": "single",
        "single-math-v1": "single-reference",
        "single-v1-multi-turn": "multi-turn",
        "single-math-v1-multi-turn": "multi-turn-reference",
    },
    "pairwise": {
        "pair-v2": "single",
        "pair-math-v1": "single-reference",
        "pair-v2-multi-turn": "multi-turn",
        "pair-math-v1-multi-turn": "multi-turn-reference",
    },
}
"""FastChat's and FastEval's names of the four prompts, and ours, by the table of a pack's prompts.toml."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Two turns of a user; `reference` answers them, or is empty.

    `language` marks turns that are to be answered in another language than they are asked in: its code, `any` where it is
    free, empty for the usual one; no marks at all where no turn has one.
    """

    id: str
    category: str
    turns: tuple[str, ...]
    reference: tuple[str, ...] = ()
    language: tuple[str, ...] = ()

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
        name = row.get("id", row.get("question_id"))
        return cls(
            id=short_hash(row) if name is None or name == "" else str(name),
            category=str(row.get("category", "other")),
            turns=tuple(turns or ()),
            reference=tuple(reference),
            language=_marked(row, where),
        )

    @property
    def referenced(self) -> bool:
        """Whether the judge is given the reference: where it has one, and its category has one right answer."""
        return bool(self.reference) and self.category in WITH_REFERENCE


def _marked(row: Row, where: str) -> tuple[str, ...]:
    """`answer_language` of a row: one code for both turns, or one for each."""
    given = row.get("answer_language") or []
    marks = [given, given] if isinstance(given, str) else given
    if not isinstance(marks, list) or len(marks) not in (0, 2) or not all(isinstance(m, str) for m in marks):
        raise DataError(
            f"{where}: `answer_language` is no language code, nor two",
            hint='write "en", or ["", "en"] for the second turn alone',
        )
    return tuple(marks)


def read_questions(path: Path) -> list[Question]:
    """JSON Lines, or one JSON object from id to question, as FastEval has it; raises `DataError` or `ConfigError`."""
    found = [Question.of(row, where) for row, where in _rows(path, "question")]
    if not found or len({question.id for question in found}) < len(found):
        raise ConfigError(
            f"{path}: no questions, or two of one id", hint="give every question an id of its own"
        )
    return found


def category_of(question: str) -> str:
    """The category of a question of the public set, by its number; `other` for any other."""
    place = int(question) - _FIRST_PUBLIC if question.isascii() and question.isdecimal() else -1
    return _PUBLIC[place // 10] if 0 <= place < 10 * len(_PUBLIC) else "other"


def read_prompts(path: Path | None, pack: LanguagePack, kind: str = "judge") -> dict[str, dict[str, str]]:
    """The four prompts of a `kind`, judge or pairwise, by our names, each with `system` and `template`: the pack's, or a file's.

    The file is TOML as a pack's, FastEval's JSON object, or FastChat's JSON Lines. Raises `ConfigError` where there are none.
    """
    if path is None:
        found = {name: _stripped(table) for name, table in (pack.prompts.get(kind) or {}).items()}
    elif path.suffix == ".toml":
        import tomllib

        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}", hint="mend the file") from error
        own = table.get(kind)
        found = {name: _stripped(one) for name, one in (own if isinstance(own, dict) else {}).items()}
    else:
        found = {}
        for row, where in _rows(path, "name"):
            name = _NAMES[kind].get(str(row.get("name", row.get("id", ""))))
            texts = (row.get("system_prompt"), row.get("prompt_template"))
            if name and all(isinstance(text, str) for text in texts):
                found[name] = {"system": str(texts[0]), "template": str(texts[1])}
            elif name:
                raise DataError(
                    f"{where}: a judge prompt has `system_prompt` and `prompt_template`", hint="mend the row"
                )
    if not found:
        where = str(path) if path else f"the pack {pack.language.code}"
        raise ConfigError(
            f"{where} has no judge prompts",
            hint=f"add prompts.toml with [{kind}.single] and its like, or set `judge_prompts`",
        )
    return found


def messages(
    prompts: Mapping[str, Mapping[str, str]], question: Question, answers: tuple[str, str], turn: int
) -> tuple[str, list[dict[str, str]]]:
    """The name of the prompt that asks about an answer (`turn` 0 or 1), and the chat; raises `ConfigError` for a broken one."""
    name = ("single", "multi-turn")[turn] + ("-reference" if question.referenced else "")
    first, second = (*question.reference, "", "")[:2]
    values = {"question": question.turns[0], "answer": answers[0], "reference": first}
    values |= {"question_1": question.turns[0], "question_2": question.turns[1]}
    values |= {"answer_1": answers[0], "answer_2": answers[1]}
    values |= {"reference_1": first, "reference_2": second, "ref_answer_1": first, "ref_answer_2": second}
    return name, filled(prompts, name, values, kind="judge")


def filled(
    prompts: Mapping[str, Mapping[str, str]], name: str, values: Mapping[str, str], *, kind: str
) -> list[dict[str, str]]:
    """A prompt of a `kind` as a chat; raises `ConfigError` where it is not there or asks for what there is not."""
    try:
        prompt = prompts[name]
        return [
            {"role": "system", "content": prompt["system"]},
            {"role": "user", "content": prompt["template"].format(**values)},
        ]
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"judge prompt {kind}.{name}: {error}",
            hint="docs/reference lists the placeholders of a judge prompt",
        ) from error


def solutions(questions: Iterable[Question]) -> list[tuple[list[Turn], str]]:
    """Both turns of every question that has references, each with its reference."""
    found: list[tuple[list[Turn], str]] = []
    for question in questions:
        talk: list[Turn] = []
        for asked, answer in zip(question.turns, question.reference, strict=False):
            talk = [*talk, {"role": "user", "content": asked}]
            found.append((talk, answer))
            talk = [*talk, {"role": "assistant", "content": answer}]
    return found


def items(task: str, questions: Iterable[Question]) -> list[Item]:
    """Every turn of the questions; the id is `QUESTION/TURN`."""
    return [
        Item(task=task, id=f"{question.id}/{turn}", text=text)
        for question in questions
        for turn, text in enumerate(question.turns, 1)
    ]


def _stripped(table: Any) -> dict[str, str]:
    return {key: str(value).strip() for key, value in table.items()} if isinstance(table, Mapping) else {}


def _rows(path: Path, what: str) -> Iterator[tuple[Row, str]]:
    """Rows of JSON Lines, or the values of one JSON object with their keys as `id`."""
    if path.suffix != ".json":
        for number, row in read_rows(path):
            yield row, f"{path}, line {number}"
        return
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: not JSON ({error})", hint="mend the file") from error
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise DataError(
            f"{path}: one object for each {what} is expected", hint="give JSON Lines, or FastEval's file"
        )
    for key, row in table.items():
        yield {"id": key, **row}, f"{path}, {what} {key}"

"""What is asked of both sides, and how a judge is asked about a pair of answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.languages import LanguagePack, read_toml
from langadapt.records import Row, read_rows
from langadapt_plugins.evaluators.questions import Question, filled, read_prompts, read_questions
from langadapt_plugins.generation import short_hash

_DEFAULT = Path(__file__).with_name("pairwise.toml")
_TEXTS = ("instruction", "question", "prompt")
_FORMS = "give MT-Bench's questions, or rows with `instruction` or `turns`, as JSON Lines or a JSON list"


def read_asked(path: Path) -> list[Question]:
    """Questions of one or two turns: MT-Bench's, or rows with `instruction` (`question`, `prompt`) or `turns`.

    A row may have `id`, `category` (AlpacaEval's `dataset`), `reference`; without an id it has one of its text. Raises
    `DataError` for what is neither, `ConfigError` for ids that stand there twice.
    """
    rows = list(listed(path))
    if rows and all(isinstance(turns := one.get("turns"), list) and len(turns) == 2 for _, one in rows):
        return read_questions(path)
    found: list[Question] = []
    seen: dict[str, int] = {}
    for where, row in rows:
        question = _question(row, where)
        seen[question.id] = seen.get(question.id, 0) + 1
        if seen[question.id] > 1 and _named(row):
            raise ConfigError(
                f"{where}: the id {question.id} stands there already", hint="give every question its own"
            )
        found.append(question if seen[question.id] == 1 else _again(question, seen[question.id]))
    if not found:
        raise ConfigError(f"{path} holds no questions", hint=_FORMS)
    return found


def listed(path: Path) -> Iterator[tuple[str, Row]]:
    """The objects of JSON Lines, of a JSON list, or of a JSON object by id, each with where it stands."""
    if path.suffix == ".json":
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}", hint="name a file that can be read") from error
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path}: not JSON ({error})", hint="mend the file, or name it .jsonl where it is JSON Lines"
            ) from error
        if isinstance(table, dict):
            table = [{"id": key, **row} if isinstance(row, dict) else row for key, row in table.items()]
        rows = enumerate(table, 1) if isinstance(table, list) else iter(())
    else:
        rows = read_rows(path)
    for number, row in rows:
        where = f"{path}, {'row' if path.suffix == '.json' else 'line'} {number}"
        if not isinstance(row, dict):
            raise DataError(f"{where}: no object", hint=_FORMS)
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{where}: holds half a character (a lone surrogate)", hint="mend or drop the row"
            ) from error
        yield where, row


def text_of(row: Mapping[str, Any]) -> str | None:
    """The instruction of a row, with Alpaca's `input` behind it."""
    text = next((row[key] for key in _TEXTS if isinstance(row.get(key), str)), None)
    more = row.get("input")
    return f"{text}\n\n{more}" if text and isinstance(more, str) and more else text


def read_pair_prompts(path: Path | None, pack: LanguagePack) -> dict[str, dict[str, str]]:
    """The four prompts: a file's, the pack's `[pairwise.NAME]`, else ours in English, with `{language}` filled in."""
    own = path is not None or bool(pack.prompts.get("pairwise"))
    found = read_prompts(path, pack, "pairwise") if own else read_prompts(_DEFAULT, pack, "pairwise")
    for name in read_toml(_DEFAULT)["pairwise"] if path is None else ():
        if name not in found:
            raise ConfigError(
                f"the pack {pack.language.code} has no prompt [pairwise.{name}]",
                hint="a pack has all four or none: docs/reference/packs.md",
            )
    language = pack.language.name
    return {
        name: {key: text.replace("{language}", language) for key, text in prompt.items()}
        for name, prompt in found.items()
    }


def pair_messages(
    prompts: Mapping[str, Mapping[str, str]],
    question: Question,
    sides: tuple[Sequence[str], Sequence[str]],
    turn: int,
) -> tuple[str, list[dict[str, str]]]:
    """The name of the prompt that asks about a turn (0 or 1) of two sides' answers, A first, and the chat."""
    first, second = sides
    name = ("single", "multi-turn")[turn] + ("-reference" if question.referenced else "")
    values = {"question": question.turns[0], "answer_a": first[0], "answer_b": second[0]}
    for number, text in enumerate(question.turns, 1):
        answers = {f"answer_a_{number}": first[number - 1], f"answer_b_{number}": second[number - 1]}
        values |= {f"question_{number}": text, **answers}
    for number, text in enumerate((*question.reference, "", "")[:2], 1):
        values |= {f"reference_{number}": text, f"ref_answer_{number}": text}
    values["reference"] = values["reference_1"]
    return name, filled(prompts, name, values, kind="pairwise")


def _question(row: Row, where: str) -> Question:
    turns = row.get("turns")
    if turns is None and (text := text_of(row)):
        turns = [text]
    if not (
        isinstance(turns, list)
        and len(turns) in (1, 2)
        and all(isinstance(one, str) and one for one in turns)
    ):
        raise DataError(f"{where}: no question of one or two turns", hint=_FORMS)
    given = row.get("reference") or []
    reference = [given] if isinstance(given, str) else given
    if (
        not isinstance(reference, list)
        or len(reference) not in (0, len(turns))
        or not all(isinstance(one, str) for one in reference)
    ):
        raise DataError(f"{where}: a `reference` for each turn is needed, or none", hint="mend the row")
    named = _named(row)
    return Question(
        id=short_hash(turns) if named is None else named,
        category=str(row.get("category") or row.get("dataset") or "other"),
        turns=tuple(turns),
        reference=tuple(reference),
    )


def _named(row: Row) -> str | None:
    name = row.get("id", row.get("question_id"))
    return None if name is None or name == "" else str(name)


def _again(question: Question, count: int) -> Question:
    """The same question, asked once more, under a number of its own."""
    return Question(
        id=f"{question.id}-{count}",
        category=question.category,
        turns=question.turns,
        reference=question.reference,
    )

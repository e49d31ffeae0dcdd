"""The rows of a pack: good translations, questions, terms. Each finding is `FILE: what, and how to mend it`."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.errors import LangAdaptError
from langadapt.languages import Language, LanguagePack, read_toml
from langadapt.records import Row, read_rows
from langadapt.segments import prose
from langadapt.testing.pack_safety import files, said

_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "Jpan": ("Hira", "Kana", "Hani"),
    "Hrkt": ("Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Aran": ("Arab",),
}
_SHARE = 0.5
"""The least share of an exemplar's letters that are of its language's script: names and terms are of others."""


def parsing(folder: Path) -> Iterator[str]:
    """Files that are not what their names say: TOML, JSON, JSON Lines, text in UTF-8."""
    readers = {".toml": read_toml, ".jsonl": lambda path: list(read_rows(path)), ".json": _json}
    for path in files(folder):
        where = path.relative_to(folder)
        if not path.is_file():
            continue
        try:
            if path.suffix in readers:
                readers[path.suffix](path)
            elif path.suffix in (".md", ".tsv", ".txt", ".jinja", ".yaml", ".yml"):
                path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield f"{where}: is not UTF-8: save it as UTF-8"
        except (LangAdaptError, ValueError) as error:
            yield f"{where}: {said(error, path)}: {getattr(error, 'hint', '') or 'mend it there'}"


def exemplars(pack: LanguagePack) -> Iterator[str]:
    """Good translations without their sources, of another script, or of one id."""
    rows = pack.rows("exemplars.jsonl")
    yield from _ids(rows, "exemplars.jsonl")
    for number, row in enumerate(rows, 1):
        where = f"exemplars.jsonl: {_called(row, number)}"
        turns, source = (_turns(row, key) for key in ("messages", "source_messages"))
        if not turns:
            yield f"{where} has no `messages`: give turns with `role` and `content`"
        elif [role for role, _ in turns] != [role for role, _ in source]:
            yield (
                f"{where} has {len(turns)} `messages` and {len(source)} `source_messages`: "
                f"give the source of each turn, with the same roles"
            )
        else:
            yield from (f"{where}: {one}" for one in _unlike(turns, source, pack))


def questions(pack: LanguagePack) -> Iterator[str]:
    """Probes without a prompt, and MT-Bench questions that are not two turns."""
    probes, bench = pack.rows("probes.jsonl"), pack.rows("mt_bench.jsonl")
    yield from _ids(probes, "probes.jsonl")
    yield from _ids(bench, "mt_bench.jsonl")
    for number, row in enumerate(probes, 1):
        if not _text(_get(row, "prompt")):
            yield f"probes.jsonl: {_called(row, number)} has no `prompt`: give what is asked, as text"
    for number, row in enumerate(bench, 1):
        where = f"mt_bench.jsonl: {_called(row, number)}"
        if not _texts(_get(row, "turns"), 2):
            yield f"{where} has no two `turns`: give both questions, as text"
        if _get(row, "reference") and not _texts(row["reference"], 2):
            yield f"{where} has no two `reference` answers: give both, or none"
        if not _text(_get(row, "category")):
            yield f"{where} has no `category`: take one of MT-Bench's, such as writing"


def glossary(pack: LanguagePack) -> Iterator[str]:
    """Terms without a translation, or given twice; the first line names the columns."""
    path = pack.path("glossary.tsv")
    if path is None or not path.exists():
        return
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(lines[0]) or len(line) < 2 or not all(map(_text, line[:2])):
            yield (
                f"glossary.tsv, line {number}: {len(line)} columns where the first line names {len(lines[0])}, "
                f"or an empty term: give the term and its translation, with tabs between"
            )
    terms = Counter(line[0] for line in lines)
    yield from (f"glossary.tsv: {term!r} stands there twice: remove one" for term in terms if terms[term] > 1)


def _unlike(
    turns: Sequence[tuple[str, str]], source: Sequence[tuple[str, str]], pack: LanguagePack
) -> Iterator[str]:
    """Whether the turns are in the language's letters and not those of the source."""
    same = [one for (_, one), (_, other) in zip(turns, source, strict=True) if one.strip() == other.strip()]
    if same:
        yield f"{same[0]!r:.60} is the same as its source: translate it"
        return
    text = " ".join(prose(content) for _, content in turns)
    own = len(_letters(_scripts(pack)).findall(text))
    whole = sum(map(str.isalpha, text))
    if own < _SHARE * whole:
        yield (
            f"{own} of {whole} letters are {pack.language.script}: write it in {pack.language.name}, "
            f"or add the script to `scripts` in literals.toml"
        )


def _scripts(pack: LanguagePack) -> tuple[str, ...]:
    script = Language.of(pack.language.code).script
    more = pack.literals.get("scripts", [])
    return (*_TOGETHER.get(script, (script,)), *(more if isinstance(more, list) else ()))


@cache
def _letters(scripts: tuple[str, ...]) -> Any:
    """A pattern for one letter of the scripts."""
    import regex

    return regex.compile("|".join(rf"\p{{Script={script}}}" for script in scripts))


def _ids(rows: Sequence[Any], name: str) -> Iterator[str]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            yield f"{name}: row {number} is no object: give one JSON object per line"
        elif row.get("id", row.get("question_id")) in (None, ""):
            yield f"{name}: row {number} has no `id`: give each row one of its own"
    counts = Counter(str(_get(row, "id")) for row in rows if _get(row, "id") not in (None, ""))
    yield from (
        f"{name}: the id {one!r} stands there twice: give each row its own"
        for one in counts
        if counts[one] > 1
    )


def _turns(row: Row, key: str) -> list[tuple[str, str]]:
    """Role and text of each turn; none where a turn is not well-formed."""
    found = _get(row, key)
    if not isinstance(found, list):
        return []
    turns = [(_get(turn, "role"), _get(turn, "content")) for turn in found]
    return [(str(role), str(content)) for role, content in turns] if all(_text(c) for _, c in turns) else []


def _get(row: Any, key: str) -> Any:
    return row.get(key) if isinstance(row, Mapping) else None


def _called(row: Any, number: int) -> str:
    return str(_get(row, "id") or _get(row, "question_id") or f"row {number}")


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_text, value))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))

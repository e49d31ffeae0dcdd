"""Parallel text: a TSV file, JSON Lines, or two text files with a line for each other's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langadapt.errors import DataError
from langadapt.records import read_rows
from langadapt_plugins.generation import short_hash

_FORMS = "give TSV (`source`, tab, `target`), JSON Lines with `source` and `target` or the languages' codes, or two text files: pairs and references"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A text in the other language, and the same in the pack's; the id holds its place and a digest of both."""

    id: str
    source: str
    target: str


def read_pairs(
    path: Path, references: Path | None, names: tuple[tuple[str, ...], tuple[str, ...]]
) -> list[Pair]:
    """The pairs of a file, or of two with as many lines; `names` are what each side's column may be called.

    Raises `DataError` for a file that cannot be read, is empty or holds an empty side, and for files of unequal length.
    """
    if references:
        found = list(_beside(path, references))
    elif path.suffix in (".jsonl", ".json", ".ndjson"):
        found = [
            (f"line {number}", *_sides(row, names, f"{path}, line {number}"))
            for number, row in read_rows(path)
        ]
    else:
        found = list(_tabbed(path, names))
    if not found:
        raise DataError(f"{path} holds no pairs", hint=_FORMS)
    pairs: list[Pair] = []
    for number, (where, source, target) in enumerate(found, 1):
        source, target = source.strip(), target.strip()  # noqa: PLW2901 - blanks around a segment are the file's
        if not source or not target:
            raise DataError(f"{path}, {where}: one side is empty", hint="fill it, or remove the pair")
        pairs.append(Pair(id=f"{number}-{short_hash([source, target])[:6]}", source=source, target=target))
    return pairs


def _beside(path: Path, references: Path) -> Iterator[tuple[str, str, str]]:
    first, second = _lines(path), _lines(references)
    if len(first) != len(second):
        raise DataError(
            f"{path} has {len(first)} lines and {references} has {len(second)}",
            hint="give each line its translation",
        )
    for number, (source, target) in enumerate(zip(first, second, strict=True), 1):
        yield f"line {number}", source, target


def _tabbed(path: Path, names: tuple[tuple[str, ...], tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    rows = [
        (number, row)
        for number, row in enumerate((line.split("\t") for line in _lines(path)), 1)
        if any(cell.strip() for cell in row)
    ]
    heads = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    places = [next((heads.index(name) for name in side if name in heads), None) for side in names]
    named = None not in places
    source, target = (places[0] or 0, places[1] or 0) if named else (0, 1)
    width = len(heads) if named else 2
    for number, row in rows[1:] if named else rows:
        if not max(source, target) < len(row) <= width:  # more: a tab within a text
            raise DataError(f"{path}, line {number}: {len(row)} columns, not {width}", hint=_FORMS)
        yield f"line {number}", row[source], row[target]


def _sides(row: Any, names: tuple[tuple[str, ...], tuple[str, ...]], where: str) -> tuple[str, str]:
    table = (
        row.get("translation") if isinstance(row, dict) and isinstance(row.get("translation"), dict) else row
    )
    known: Mapping[str, Any] = table if isinstance(table, dict) else {}
    found = [next((known[name] for name in side if isinstance(known.get(name), str)), None) for side in names]
    if found[0] is None or found[1] is None:
        raise DataError(
            f"{where}: no pair of {' and '.join(' or '.join(side) for side in names)}", hint=_FORMS
        )
    return found[0], found[1]


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", hint=_FORMS) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason})", hint="save the file as UTF-8") from error
    return text.removesuffix("\n").split("\n") if text else []

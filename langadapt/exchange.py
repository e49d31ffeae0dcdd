"""Units of a translation memory as files that people edit: TMX for their tools, TSV for their tables. All is streamed."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TextIO

from langadapt.drafts import disk, drafting
from langadapt.errors import ConfigError, DataError
from langadapt.holdings import Unit
from langadapt.memory import PERSON, normal
from langadapt.segments import PLACEHOLDER
from langadapt.segments.slots import Slot
from langadapt.tmx import LONGEST, TmxUnit, read_tmx, write_tmx

COLUMNS = ("source", "target", "origin", "translator", "made")
_TOLD = 10


@dataclass
class Findings:
    """What was met in a file: mistakes, units that are not for us, and codes that were taken for others."""

    path: Path
    skip_bad: bool = False
    wrong: int = 0
    mistakes: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    taken_from: Counter[str] = field(default_factory=Counter)

    def judge(self, faults: Iterable[tuple[int, str]]) -> None:
        """Count the mistakes and keep the first; raises `DataError` with them unless bad units are to be skipped."""
        for self.wrong, (line, fault) in enumerate(faults, 1):
            if self.wrong <= _TOLD:
                self.mistakes.append(f"{self.path}, line {line}: {fault}")
        if self.wrong > _TOLD:
            self.mistakes.append(f"and {self.wrong - _TOLD} more")
        if self.wrong and not self.skip_bad:
            raise DataError(
                "\n".join([*self.mistakes, f"nothing of {self.path} was taken"]),
                hint="mend the file, or take the rest of it with --skip-bad",
            )


def read_units(path: Path, found: Findings, *, source: str, target: str) -> Iterator[Unit]:
    """The units of a file in this pair of languages, with their faults; what else is met is told to `found`.

    Raises `DataError` where the file, or the rest of it, cannot be understood, and for one without any such unit.
    """
    read = _READERS[_format(path)]
    count = 0
    try:
        for count, unit in enumerate(read(path, found, (source, target)), 1):  # noqa: B007 - the count is asked for below
            yield replace(unit, fault=unit.fault or fault(unit.source, unit.target))
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}", hint="name a TMX or TSV file that can be read"
        ) from error
    if not count:
        skipped = "".join(f"; {reason}: {number}" for reason, number in found.skipped.most_common())
        raise DataError(
            f"{path} holds no unit from {source} to {target}{skipped}",
            hint="name its languages with --source-language and --language",
        )


def write_units(path: Path, units: Iterable[Unit], *, source: str, target: str) -> int:
    """Write units to `path`, there only when whole; gives their number."""
    count = 0

    def counted() -> Iterator[Unit]:
        nonlocal count
        for count, unit in enumerate(units, 1):  # noqa: B007 - the count is what is wanted
            yield unit

    write = _WRITERS[_format(path)]
    with drafting(path) as out, disk(path):
        write(out, counted(), source=source, target=target)
    return count


def fault(source: str, target: str) -> str:
    """Why a translation cannot be taken; nothing where it can. The rules are those of the place that it would stand in."""
    sent = normal(source)
    if not sent:
        return "the source is empty"
    if not target.strip():
        return "the target is empty"
    held = PLACEHOLDER.findall(sent)
    if len(set(held)) < len(held):
        return f"the source holds a placeholder twice: {', '.join(f'<x{number}>' for number in held)}"
    return Slot(0, len(sent), sent).fault(target.strip())


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise ConfigError(f"{path} is neither TMX nor TSV", hint="name a file that ends in .tmx or .tsv")
    return suffix


def _write_tsv(out: TextIO, units: Iterable[Unit], *, source: str, target: str) -> None:  # noqa: ARG001 - as for TMX
    rows = csv.writer(out, dialect="excel-tab")
    rows.writerow(COLUMNS)
    rows.writerows([getattr(unit, name) for name in COLUMNS] for unit in units)


def _read_tsv(path: Path, _found: Findings, _: Sequence[str]) -> Iterator[Unit]:
    with path.open(encoding="utf-8-sig", newline="") as text, _long_cells():
        rows = csv.reader(text, dialect="excel-tab", strict=True)
        end = 0
        try:
            header = next(rows, [])
            if not {"source", "target"} <= set(header) or len(set(header)) < len(header):
                raise DataError(
                    f"{path}, line 1: the columns are {', '.join(header) or 'not named'}",
                    hint="the first line names the columns, two of them source and target, with tabs between",
                )
            end = rows.line_num
            for row in rows:
                line, end = end + 1, rows.line_num
                if row:
                    yield _row(line, header, row)
        except csv.Error as error:
            raise DataError(
                f"{path}, line {end + 1}: {error}",
                hint='a cell that begins with " also ends with it, and the marks within are doubled',
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, after line {rows.line_num}: not UTF-8 ({error.reason})", hint="save it as UTF-8"
            ) from error


@contextmanager
def _long_cells() -> Iterator[None]:
    """Lets a cell be as long as a unit of a TMX, for as long as a table is read."""
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _row(line: int, header: Sequence[str], row: Sequence[str]) -> Unit:
    named = dict(zip(header, row, strict=False))
    wrong = ""
    if len(row) > len(header):
        wrong = f"{len(row)} cells where {len(header)} columns are named"
    elif "source" not in named or "target" not in named:
        wrong = f"{len(row)} of {len(header)} cells, source or target not among them"
    return Unit(
        source=named.get("source", ""),
        target=named.get("target", ""),
        origin=named.get("origin") or PERSON,
        translator=named.get("translator", ""),
        line=line,
        fault=wrong,
    )


def _read_tmx(path: Path, found: Findings, languages: Sequence[str]) -> Iterator[Unit]:
    for unit in read_tmx(path):
        chosen = _chosen(unit, languages)
        if isinstance(chosen, str):
            found.skipped[chosen] += 1
        else:
            pairs = zip(chosen, languages, strict=True)
            found.taken_from.update(
                f"{told} for {asked}" for (told, _), asked in pairs if not _same(asked, told)
            )
            (_, source), (_, target) = chosen
            yield Unit(
                source=source,
                target=target,
                origin=unit.props.get("x-origin", PERSON),
                translator=unit.props.get("x-translator", ""),
                line=unit.line,
                fault=unit.fault,
            )


def _chosen(unit: TmxUnit, languages: Sequence[str]) -> list[tuple[str, str]] | str:
    """The texts in these languages, or why there are none: exact codes first, then the one that is close enough."""
    left = list(unit.texts)
    chosen: dict[str, tuple[str, str]] = {}
    for fits in (_same, _close):
        for asked in languages:
            fitting = [one for one in left if asked not in chosen and fits(asked, one[0])]
            if len(fitting) > 1:
                return f"several texts in {asked}"
            for one in fitting:
                chosen[asked] = one
                left.remove(one)
    absent = [asked for asked in languages if asked not in chosen]
    return f"no text in {absent[0]}" if absent else [chosen[asked] for asked in languages]


def _same(asked: str, told: str) -> bool:
    return _tag(told)[0] == asked


def _close(asked: str, told: str) -> bool:
    """The same language in the same script, where at most one of the codes names a region."""
    _, *one, here = _tag(asked)
    _, *other, there = _tag(told)
    return one == other and not (here and there and here != there)


@cache
def _tag(code: str) -> tuple[str, str, str, str]:
    """A code in its usual form, its language, script and region; as it stands where it is no code."""
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    try:
        tag = langcodes.Language.get(code)
    except LanguageTagError:
        return code, code, "", ""
    return tag.to_tag(), tag.language or "und", tag.maximize().script or "", tag.territory or ""


_READERS: Mapping[str, Callable[[Path, Findings, Sequence[str]], Iterator[Unit]]] = {
    ".tmx": _read_tmx,
    ".tsv": _read_tsv,
}
_WRITERS: Mapping[str, Callable[..., None]] = {".tmx": write_tmx, ".tsv": _write_tsv}

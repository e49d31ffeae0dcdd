"""Known data sets of the Hub, and the licence of each row of a source: of the row, of its part of a collection, of the whole."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.languages import mistakes, read_toml
from langadapt.prepare.licenses import UNKNOWN, both, canonical, is_known, is_own, narrowed
from langadapt.registry import did_you_mean
from langadapt.schema import Source

PER_ROW = "per-row"
"""The licence of a source whose rows state their own, and are to be believed."""
FACTS = Path(__file__).with_name("datasets.toml")
_COLUMNS = ("license", "licence")


@dataclass(frozen=True, kw_only=True)
class Term:
    """Conditions that travel with a model's output, in one sentence, and where they stand."""

    key: str
    name: str
    says: str
    link: str


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What is known of a data set; `licenses` by the folded value of `column`."""

    name: str
    reader: str | None = None
    license: str = ""
    language: str = ""
    terms: tuple[str, ...] = ()
    column: str = ""
    licenses: Mapping[str, str] = field(default_factory=dict, hash=False)


def known(path: str) -> DataSet | None:
    """What is known of a Hub id, in any case of its letters."""
    return _tables()[0].get(path.lower())


def terms_of(source: Source) -> tuple[Term, ...]:
    """The terms that travel with the texts of a source: those known of the data set, and those that the recipe adds.

    They inform, and leave out nothing. Raises `ConfigError` for a name that no table explains.
    """
    facts = known(source.path)
    terms = _tables()[1]
    for key in source.terms:
        if key not in terms:
            raise ConfigError(f"source.{source.name}.terms: {did_you_mean(key, list(terms))}")
    return tuple(terms[key] for key in dict.fromkeys([*(facts.terms if facts else ()), *source.terms]))


def parts_of(source: Source) -> tuple[str, Mapping[str, str]] | None:
    """The column that tells a row's part of a collection, and the licence of each folded value; none for no collection.

    A copy of a known collection, told by its reader, is one too. Raises `ConfigError` for two licences of one value.
    """
    if source.subsets is False:
        return None
    if source.subsets is not None:
        where = f"source.{source.name}.subsets.licenses"
        pairs = [(canonical(text), value) for value, text in source.subsets["licenses"].items()]
        return source.subsets["column"], _folded(pairs, where)
    facts = known(source.path)
    if facts is None and source.reader:
        alike = [one for one in _tables()[0].values() if one.column and one.reader == source.reader]
        facts = alike[0] if alike else None
    return (facts.column, facts.licenses) if facts and facts.column else None


def licensing(source: Source) -> Callable[[Mapping[str, Any]], str]:
    """What gives the SPDX expression of each raw row of a source; empty where nobody states one.

    The row's own word counts, else that of its part of the collection, else the source's; but where a narrower one asks
    for less than a wider one, both hold, so that no row's claim opens what its source closes. A part that is not listed is
    unknown, whatever the source says. Where neither the data set nor the recipe names parts, a row that names a part of a
    known collection counts as one of it, whatever reader its source has. Only where the source's licence is `per-row` does
    the row's own word count alone. Only a source can say that rows are the user's own.
    """
    alone = source.license.strip().lower() == PER_ROW
    parts = None if alone else parts_of(source)
    facts = known(source.path)
    whole = "" if alone else canonical(source.license or (facts.license if facts else ""))
    mine = is_own(whole)
    copied = {} if alone or parts or source.subsets is False else _collected()

    def said(license_id: str) -> str:
        return UNKNOWN if is_own(license_id) and not mine else license_id

    def row_license(row: Mapping[str, Any]) -> str:
        own = [
            said(canonical(value))
            for key, value in row.items()
            if key.strip().lower().rstrip("s") in _COLUMNS
        ]
        if alone:
            return both(own) or UNKNOWN
        if parts:
            part = said(parts[1].get(folded(row.get(parts[0]))) or UNKNOWN)
        else:
            named = [
                (copied[column], value) for key, value in row.items() if (column := folded(key)) in copied
            ]
            part = both(licenses.get(folded(value), "") for licenses, value in named)
        return narrowed(narrowed(whole, part), both(own))

    return row_license


@cache
def _collected() -> Mapping[str, Mapping[str, str]]:
    """The licences of the parts of all known collections, by the folded column and value."""
    found: dict[str, dict[str, str]] = {}
    for one in _tables()[0].values():
        of = found.setdefault(folded(one.column), {}) if one.column else {}
        of.update(
            {value: both([license_id, of.get(value, "")]) for value, license_id in one.licenses.items()}
        )
    return found


def folded(value: Any) -> str:
    """A name without case and without what stands between its words; between two digits something is left."""
    text = unicodedata.normalize("NFKC", "" if value is None else str(value)).casefold().strip()
    return re.sub(r"[\s_-]+", "", re.sub(r"(?<=\d)[\s_-]+(?=\d)", ".", text))


@cache
def _tables() -> tuple[Mapping[str, DataSet], Mapping[str, Term]]:
    return read_datasets(FACTS)


def read_datasets(path: Path) -> tuple[dict[str, DataSet], dict[str, Term]]:
    """The data sets by id in small letters, and the terms; raises `ConfigError` with every mistake of the file."""
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    strict = ConfigDict(extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-"))

    class Table(BaseModel):
        model_config = strict
        reader: str | None = None
        license: str = ""
        language: str = ""
        terms: list[str] = []
        column: str = ""
        parts: dict[str, list[str]] = {}
        parts_of: str | None = None

    class Said(BaseModel):
        model_config = strict
        name: str = Field(min_length=1)
        says: str = Field(min_length=1)
        link: str = Field(pattern="^https://")

    class File(BaseModel):
        model_config = strict
        data_set: dict[str, Table]
        terms: dict[str, Said] = {}

    try:
        file = File.model_validate(read_toml(path))
    except ValidationError as error:
        raise ConfigError.of(mistakes(error), where=str(path), hint="its head says what it holds") from error
    wrong = [f"data-set.{n}.terms: {t!r} is not in [terms]" for n, one in file.data_set.items() for t in one.terms if t not in file.terms]  # fmt: skip
    wrong += [f"data-set.{n}.license: {one.license!r} is no licence" for n, one in file.data_set.items() if not is_known(one.license)]  # fmt: skip
    wrong += [f"data-set.{n}.parts-of: no data set {one.parts_of!r}" for n, one in file.data_set.items() if one.parts_of and one.parts_of not in file.data_set]  # fmt: skip
    if wrong:
        raise ConfigError.of(wrong, where=str(path), hint="its head says what it holds")
    sets: dict[str, DataSet] = {}
    for name, one in file.data_set.items():
        parts = file.data_set[one.parts_of] if one.parts_of else one
        pairs = [(canonical(text), value) for text, values in parts.parts.items() for value in values]
        sets[name.lower()] = DataSet(
            name=name,
            reader=one.reader,
            license=canonical(one.license),
            language=one.language,
            terms=tuple(one.terms),
            column=parts.column,
            licenses=_folded(pairs, f"{path}: data-set.{name}.parts"),
        )
    return sets, {key: Term(key=key, **said.model_dump()) for key, said in file.terms.items()}


def _folded(pairs: list[tuple[str, str]], where: str) -> dict[str, str]:
    """Licence by folded value."""
    out: dict[str, str] = {}
    for text, value in pairs:
        if out.setdefault(folded(value), text) != text:
            raise ConfigError(f"{where}: {value!r} has two licences", hint="write each value once")
    return out

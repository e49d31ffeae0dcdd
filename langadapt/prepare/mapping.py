"""Readers as data: which columns of a row become which part of a row of ours. The language is told in readers.toml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from langadapt.errors import DataError
from langadapt.records import ROLES, Row

_CHOOSE = "choose the reader that fits the data"
_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?")
_MISSING = frozenset({"", "n/a", "na", "none", "null", "nan"})


class Part(Protocol):
    """Where one key of a row of ours comes from."""

    @property
    def needs(self) -> Mapping[str, type]:
        """The columns that must be there, and what they hold."""

    @property
    def uses(self) -> frozenset[str]:
        """All columns that are looked at."""

    def of(self, row: Row, where: str) -> Any:
        """The value; raises `DataError` naming `where`, or `KeyError` with the column that is missing."""


@dataclass(frozen=True)
class Texts:
    """The text of one or several columns; of an optional one only where it has some."""

    columns: tuple[str, ...]

    @property
    def needs(self) -> dict[str, type]:
        """The columns without a `?`."""
        return {name: str for name in self.columns if not name.endswith("?")}

    @property
    def uses(self) -> frozenset[str]:
        """All columns."""
        return frozenset(name.removesuffix("?") for name in self.columns)

    def of(self, row: Row, where: str) -> str:
        """The texts with an empty line between them."""
        found = []
        for column in self.columns:
            name = column.removesuffix("?")
            value = row.get(name) if column != name else row[name]
            found.append(_text(value, f"{where}, {name}"))
        return "\n\n".join(text for text in found if text.strip()) if len(found) > 1 else found[0]


@dataclass(frozen=True)
class Turns:
    """Turns that stand in columns of their own."""

    turns: tuple[tuple[str, Texts], ...]

    @property
    def needs(self) -> dict[str, type]:
        """The columns of all turns that must be there."""
        return {name: kind for _, texts in self.turns for name, kind in texts.needs.items()}

    @property
    def uses(self) -> frozenset[str]:
        """The columns of all turns."""
        return frozenset[str]().union(*(texts.uses for _, texts in self.turns))

    def of(self, row: Row, where: str) -> list[Row]:
        """The messages."""
        made = [{"role": role, "content": texts.of(row, where)} for role, texts in self.turns]
        return [turn for turn in made if turn["role"] != "system" or turn["content"].strip()]


@dataclass(frozen=True)
class Listed:
    """Turns that stand in a list."""

    column: str
    role: str = "role"
    content: str = "content"
    roles: Mapping[str, str] = field(default_factory=dict, hash=False)
    take: Literal["all", "last", "before"] = "all"
    same: str = ""

    @property
    def needs(self) -> dict[str, type]:
        """The lists."""
        return {name: list for name in (self.column, self.same) if name}

    @property
    def uses(self) -> frozenset[str]:
        """The lists."""
        return frozenset(self.needs)

    def of(self, row: Row, where: str) -> list[Row]:
        """The messages that are taken."""
        turns = self._turns(row[self.column], f"{where}, {self.column}")
        if self.take == "all" or not turns:
            return turns
        if len(turns) < 2:
            raise DataError(f"{where}, {self.column}: a prompt and an answer are needed", hint=_CHOOSE)
        if self.take == "last":
            return turns[-1:]
        other = self._turns(row[self.same], f"{where}, {self.same}") if self.same else []
        if other and other[:-1] != turns[:-1]:
            raise DataError(
                f"{where}: {self.column} and {self.same} do not answer the same prompt", hint="drop the row"
            )
        return turns[:-1]

    def shows(self, turns: Any) -> bool:
        """Whether a value looks like these turns."""
        return isinstance(turns, list) and all(
            isinstance(turn, dict) and self.role in turn and self.content in turn for turn in turns
        )

    def _turns(self, value: Any, where: str) -> list[Row]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise DataError(f"{where}: a list of turns is needed, not {_kind(value)}", hint=_CHOOSE)
        return [self._turn(turn, f"{where}[{number}]") for number, turn in enumerate(value)]

    def _turn(self, turn: Any, where: str) -> Row:
        if not isinstance(turn, dict) or self.role not in turn or self.content not in turn:
            raise DataError(
                f"{where}: a turn is an object with `{self.role}` and `{self.content}`", hint=_CHOOSE
            )
        said = turn[self.role]
        role = self.roles.get(said, "") if self.roles and isinstance(said, str) else said
        if role not in ROLES:
            raise DataError(f"{where}: role {said!r}", hint=f"roles are {', '.join(self.roles or ROLES)}")
        rest = {k: v for k, v in turn.items() if k not in (self.role, self.content) and v is not None}
        return {**rest, "role": role, "content": _text(turn[self.content], f"{where}.{self.content}")}


@dataclass(frozen=True, kw_only=True)
class Rated:
    """Answers with ratings by aspect: the keys of each answer, and the key of the rating in what stands for an aspect."""

    prompt: str
    answers: str
    text: str
    model: str
    score: str
    ratings: str
    rating: str

    @property
    def needs(self) -> dict[str, type]:
        """Prompt and answers."""
        return {self.prompt: str, self.answers: list}

    @property
    def uses(self) -> frozenset[str]:
        """Prompt and answers."""
        return frozenset(self.needs)

    def of(self, row: Row, where: str) -> list[Row]:
        """The answers, as `langadapt.prepare.preferences` takes them; what is no rating is null."""
        found = row[self.answers]
        if not isinstance(found, list):
            raise DataError(
                f"{where}, {self.answers}: a list of answers is needed, not {_kind(found)}", hint=_CHOOSE
            )
        return [self._answer(one, f"{where}, {self.answers}[{number}]") for number, one in enumerate(found)]

    def _answer(self, answer: Any, where: str) -> Row:
        if not isinstance(answer, dict) or self.text not in answer:
            raise DataError(f"{where}: an answer is an object with `{self.text}`", hint=_CHOOSE)
        aspects = answer.get(self.ratings) or {}
        if not isinstance(aspects, dict):
            raise DataError(
                f"{where}.{self.ratings}: an object is needed, not {_kind(aspects)}", hint=_CHOOSE
            )
        return {
            "text": _text(answer[self.text], f"{where}.{self.text}"),
            "model": answer.get(self.model) or "",
            "ratings": {name: _number(self._rating(value)) for name, value in aspects.items()},
            "score": _number(answer.get(self.score)),
        }

    def _rating(self, value: Any) -> Any:
        if isinstance(value, list):  # an older revision has each aspect in a list of one
            value = value[0] if value else None
        return value.get(self.rating) if isinstance(value, dict) else value


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The columns of messages that answer each other."""

    id: str
    parent: str
    role: str
    text: str
    rank: str
    language: str
    tree: str
    deleted: str
    review: str


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How rows of one shape become rows of ours."""

    name: str
    parts: Mapping[str, Part] = field(default_factory=dict, hash=False)
    as_is: tuple[tuple[str, ...], ...] = ()
    tree: Tree | None = None
    rename: Mapping[str, str] = field(default_factory=dict, hash=False)
    drop: tuple[str, ...] = ()
    has: tuple[str, ...] = ()

    def fits(self, row: Row) -> bool:
        """Whether the row has all that the reader needs, in the form that it needs."""
        if self.as_is:
            return any(all(name in row for name in names) and _ours(row, names) for names in self.as_is)
        if self.tree:
            return all(vars(self.tree)[key] in row for key in ("id", "parent", "role", "text", "tree"))
        needs = {name: kind for part in self.parts.values() for name, kind in part.needs.items()}
        return (
            all(name in row for name in self.has)
            and all(name in row and isinstance(row[name], kind) for name, kind in needs.items())
            and all(part.shows(row[part.column]) for part in self.parts.values() if isinstance(part, Listed))
        )

    def uses(self, row: Row) -> frozenset[str]:
        """The columns of the row that the reader makes something of."""
        if self.as_is:
            fitting = (names for names in self.as_is if all(name in row for name in names))
            return frozenset(next(fitting, ()))
        named = set(vars(self.tree).values()) if self.tree else set()
        for part in self.parts.values():
            named |= part.uses
        return frozenset((named | {*self.rename, *self.drop, *self.has}) & set(row))

    def mapped(self, row: Row, where: str) -> Row:
        """The row of ours; raises `DataError` naming `where`."""
        if self.as_is:
            return row
        try:
            if absent := [name for name in self.has if name not in row]:
                raise KeyError(absent[0])  # noqa: TRY301 - told as the columns of the parts are
            made = {key: part.of(row, where) for key, part in self.parts.items()}
        except KeyError as error:
            raise DataError(
                f"{where}: the reader {self.name!r} needs the column {error}", hint=_CHOOSE
            ) from error
        used = frozenset[str]().union(*(part.uses for part in self.parts.values()))
        rest = {key: value for key, value in row.items() if key not in used and key not in self.drop}
        return {**{self.rename.get(key, key): value for key, value in rest.items()}, **made}


def _ours(row: Row, names: tuple[str, ...]) -> bool:
    turns = Listed("")
    return all(
        turns.shows(row[name]) or (isinstance(row[name], str) and name != "messages") for name in names
    )


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(f"{where}: text is needed, not {_kind(value)}", hint=_CHOOSE)
    return value


def _number(value: Any) -> Any:
    """A rating as a number where it is written as one; null where it is missing."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - NaN
        return None
    if not isinstance(value, str):
        return value
    if value.strip().lower() in _MISSING:
        return None
    if not (found := _NUMBER.fullmatch(value.strip())):
        return value
    return float(found[0]) if found[1] else int(found[0])


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__

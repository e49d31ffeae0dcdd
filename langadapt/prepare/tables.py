"""The readers of a file such as readers.toml, checked: every mistake at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from langadapt.errors import ConfigError
from langadapt.languages import mistakes, read_toml
from langadapt.prepare.mapping import Listed, Part, Rated, Reader, Texts, Tree, Turns
from langadapt.records import KINDS, ROLES

_SIDES = ("messages", "prompt", "chosen", "rejected")


def read_readers(path: Path) -> dict[str, Reader]:
    """The readers by name; raises `ConfigError` with every mistake of the file."""
    from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, create_model

    strict = ConfigDict(extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-"))

    class List(BaseModel):
        model_config = strict
        list: str
        role: str = "role"
        content: str = "content"
        roles: dict[str, Literal[ROLES]] = {}  # type: ignore[valid-type]
        take: Literal["all", "last", "before"] = "all"
        same: str = ""

    columns = str | Annotated[list[str], Field(min_length=1)]
    turn = Annotated[dict[Literal[ROLES], columns], Field(min_length=1, max_length=1)]  # type: ignore[valid-type]
    turns = Annotated[list[turn], Field(min_length=1)]
    side = Annotated[
        Annotated[turns, Tag("turns")] | Annotated[List, Tag("list")],
        Discriminator(lambda value: "turns" if isinstance(value, list) else "list"),
    ]
    texts: dict[str, Any] = dict.fromkeys(Rated.__dataclass_fields__, (str, ...))
    leaves: dict[str, Any] = dict.fromkeys(Tree.__dataclass_fields__, (str, ...))
    answers = create_model("Rated", __config__=strict, **texts)
    messages_of = create_model("Tree", __config__=strict, **leaves)

    class Table(BaseModel):
        model_config = strict
        text: str | None = None
        messages: side | None = None
        prompt: side | None = None
        chosen: side | None = None
        rejected: side | None = None
        as_is: list[list[str]] = []
        rated: answers | None = None
        tree: messages_of | None = None
        rename: dict[str, str] = {}
        drop: list[str] = []
        has: list[str] = []

    class File(BaseModel):
        model_config = strict
        reader: dict[str, Table]

    try:
        tables = File.model_validate(read_toml(path)).reader
    except ValidationError as error:
        raise ConfigError.of(mistakes(error), where=str(path), hint="its head tells the language") from error
    if wrong := [f"reader.{name}: {why}" for name, table in tables.items() for why in _shape(table)]:
        raise ConfigError.of(wrong, where=str(path), hint="its head tells the language")
    return {name: _reader(name, table) for name, table in tables.items()}


def _shape(table: Any) -> Iterator[str]:
    """What is wrong with the keys of a reader together."""
    given = {name for name in (*_SIDES, "text", "as_is", "rated", "tree") if getattr(table, name)}
    known = [set(kind.FIELDS) for kind in KINDS.values()] + [{"as_is"}, {"rated"}, {"tree"}]
    if given not in known:
        yield "must hold one of `messages`; `prompt`, `chosen` and `rejected`; `text`; `as-is`; `rated`; `tree`"
    if table.as_is and (table.rename or table.drop or table.has):
        yield "`as-is` changes no columns"
    for name in _SIDES:
        one = getattr(table, name)
        if one is not None and not isinstance(one, list) and one.same and one.take != "before":
            yield f'{name}.same: goes with take = "before"'


def _reader(name: str, table: Any) -> Reader:
    parts: dict[str, Part] = {key: _side(getattr(table, key)) for key in _SIDES if getattr(table, key)}
    if table.text:
        parts["text"] = Texts((table.text,))
    if table.rated:
        rated = Rated(**table.rated.model_dump())
        parts |= {"prompt": Texts((rated.prompt,)), "completions": rated}
    return Reader(
        name=name,
        parts=parts,
        as_is=tuple(map(tuple, table.as_is)),
        tree=Tree(**table.tree.model_dump()) if table.tree else None,
        rename=table.rename,
        drop=tuple(table.drop),
        has=tuple(table.has),
    )


def _side(value: Any) -> Turns | Listed:
    if not isinstance(value, list):
        return Listed(value.list, value.role, value.content, value.roles, value.take, value.same)
    return Turns(tuple((role, _texts(columns)) for turn in value for role, columns in turn.items()))


def _texts(columns: str | list[str]) -> Texts:
    return Texts((columns,) if isinstance(columns, str) else tuple(columns))

"""What a recipe's tables may hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Annotated, Any, Literal, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from typing_extensions import TypedDict

from langadapt.config import Tree, layer_of, plain
from langadapt.errors import ConfigError
from langadapt.languages import mistakes
from langadapt.registry import KINDS, did_you_mean, installed
from langadapt.slots import SLOTS


class Subsets(TypedDict):
    """Which column tells where a row of a collection comes from, and the licence of each of its values."""

    column: str
    licenses: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Rows to begin with: a Hub data set or a file, how it is read, and the stream that it feeds.

    Without `reader`, that of the known data set counts, or the one that fits the first row. `license` is an SPDX expression,
    or `per-row` where the rows' own column `license` is to be believed. `subsets` are the licences of a collection's parts;
    `false` switches off those of a known data set, and `license` then stands for every row. `terms` names conditions that
    travel with the texts, as in datasets.toml. `binarize` is the rule by which rated rows become pairs. `weight` is the share of the stream, relative to that of its other sources.
    `translate = false` leaves its rows as they are, in their own language. In `path`, `config` and `language`, `{code}` and `{flores}`
    stand for the target language's code and FLORES-200 code, such as `de` and `deu_Latn`.
    """

    name: str
    path: str
    stream: str
    reader: str | None = None
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    license: str = ""
    language: str = ""
    limit: Annotated[int | None, Gt(0)] = None
    subsets: Subsets | Literal[False] | None = field(default=None, hash=False)
    terms: Sequence[str] = ()
    binarize: str | dict[str, Any] | None = field(default=None, hash=False)
    weight: Annotated[float | None, Gt(0), Lt(float("inf"))] = None
    translate: bool = True


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """What happens to rows before money is spent."""

    licenses: str = "commercial"
    at_most_tokens: Annotated[int | None, Gt(0)] = None
    deduplicate: bool = True
    near_duplicates: Annotated[float | None, Gt(0), Le(1)] = None
    held_out: Annotated[float, Ge(0), Lt(1)] = 0.05


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run may be expected to cost before it asks, and the machine that is planned for.

    `input_price` and `output_price` are what a translator's service takes for a million tokens, in US dollars as `hour`.
    """

    ask_above: Annotated[float, Ge(0)] = 10.0
    hardware: str | None = None
    hour: Annotated[float | None, Ge(0), Le(1e6)] = None
    input_price: Annotated[float | None, Ge(0), Le(1e6)] = None
    output_price: Annotated[float | None, Ge(0), Le(1e6)] = None
    currency: Literal["EUR", "USD"] = "EUR"


def check(whole: Tree) -> None:
    """Raise `ConfigError` with every key of a recipe that is unknown, missing or of the wrong type."""
    from pydantic import BaseModel, ConfigDict, ValidationError, create_model

    strict = ConfigDict(extra="forbid", strict=True)
    preparation = create_model("Prepare", __config__=strict, **_columns(Prepare))
    planning = create_model("Plan", __config__=strict, **_columns(Plan))
    columns = {key: value for key, value in _columns(Source).items() if key != "name"}
    one_source = create_model("Source", __config__=strict, **columns)
    table = dict[str, Any]

    class Keys(BaseModel):
        model_config = strict
        title: str
        needs: str = "cpu"
        demonstration: bool = False
        base: str | None = None
        chat_template: str | None = None
        seed: int = 42
        tuning: str | None = None
        tuned: dict[str, dict[Literal["train"], dict[str, table]]] = {}
        source: dict[str, one_source]
        prepare: preparation | None = None
        plan: planning | None = None
        select: dict[str, table] = {}
        translate: table
        filter: dict[str, table] = {}
        train: dict[str, table] = {}
        evaluate: dict[str, table] = {}
        settings: dict[str, dict[str, table]] = {}
        published: dict[str, Any] = {}

    found: list[str] = []
    try:
        Keys.model_validate(_without_removed(plain(whole)))
    except ValidationError as error:
        found = [f"{line} ({layer_of(_at(whole, line.split(':', 1)[0]))})" for line in mistakes(error)]
    found += _unknown_settings(whole.get("settings", {}))
    if found:
        raise ConfigError.of(found, where="recipe", hint="`langadapt show phoenix` shows a whole recipe")
    needs = plain(whole.get("needs", "cpu"))
    if needs not in ("cpu", "gpu"):
        raise ConfigError(
            f"recipe: needs: {needs!r} ({layer_of(whole['needs'])})", hint="needs is cpu or gpu"
        )


def _unknown_settings(settings: Mapping[str, Any]) -> Iterator[str]:
    """Tables for kinds and components that are not there: a misspelt one would change nothing, in silence."""
    for kind, tables in settings.items():
        names = [item.name for item in installed(kind)] if kind in KINDS else list(KINDS)
        for name, table in tables.items() if kind in KINDS else [("", tables)]:
            if name not in names:
                key = f"settings.{kind}.{name}".rstrip(".")
                yield f"{key}: {did_you_mean(name or kind, names)} ({layer_of(table)})"


def _without_removed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The tables without the ones that a layer took out with `name = false`."""
    tables = ("source", *SLOTS)
    return {
        key: {name: table for name, table in value.items() if table is not False}
        if key in tables and isinstance(value, Mapping)
        else value
        for key, value in facts.items()
    }


def _columns(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        item.name: (hints[item.name], ... if item.default is MISSING else item.default)
        for item in fields(kind)
    }


def _at(tree: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(tree, Mapping) or part not in tree:
            break
        tree = tree[part]
    return tree

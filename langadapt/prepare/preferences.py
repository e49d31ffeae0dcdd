"""Rated answers become preference pairs, by rule: which is chosen, which is rejected, which rows are left out and why.

A rated row holds `prompt` and `completions`: `text`, `model`, `ratings` by aspect, `score`. Ratings are compared as the
decimal numbers that they are written as, so that a tie is a tie and no rounding of a mean.
"""

import dataclasses
import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, Self, get_args, get_type_hints

from annotated_types import Gt, Le, MinLen

from langadapt.errors import ConfigError, DataError
from langadapt.languages import mistakes
from langadapt.records import Row

RuleName = Literal["mean-rating", "critique", "margin", "all-pairs"]
RULES: tuple[str, ...] = get_args(RuleName)
MEAN: RuleName = "mean-rating"
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
TIE = "tie"
EQUAL = "chosen equals rejected"
FEW = "fewer than two judged answers"
BELOW = "below the margin"
LARGEST = 1_000_000
"""No rating is further from nought than this."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?")
_MISSING = frozenset({"", "n/a", "na", "none", "null", "nan"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How rated answers become pairs. The best is chosen, the first of several that are equally good (open in Notus' card).

    - `mean-rating`, as Notus (cards of argilla/ultrafeedback-binarized-preferences): by the mean of the aspects;
      rejected is a random one with a lower mean, or a random other where none is lower, and that row is then left out.
    - `critique`, as Zephyr (arXiv 2310.16944; card of HuggingFaceH4/ultrafeedback_binarized): by the overall score; rejected is
      a random one of all the rest. Where that one's score is equal, the pair prefers nothing and is left out.
    - `margin`: by the mean of the aspects; rejected is the worst, as is usual without a random draw (arXiv 2502.16825,
      abstract), so that a row is left out only where none of its pairs is `margin` apart.
    - `all-pairs`: every two answers with different means.

    Ties are left out after choosing, whatever the rule. `missing` is what becomes of an answer without one of the ratings:
    it is not judged (`leave-out`; a mean of fewer aspects is no fair rival), or judged on the ones that it has
    (`mean-of-rest`). Notus' way is not published. An answer without a score is never judged by `critique`.
    """

    name: RuleName = MEAN
    aspects: Annotated[tuple[str, ...], MinLen(1)] = ASPECTS
    margin: Annotated[float | None, Gt(0), Le(LARGEST)] = None
    seed: int = 42
    missing: Literal["leave-out", "mean-of-rest"] = "leave-out"

    @classmethod
    def of(cls, table: Any, *, where: str, seed: int = 42) -> Self:
        """The rule that a recipe's value asks for: a name, or a table with `rule` and any other field.

        Raises `ConfigError` with every mistake, naming `where`.
        """
        from pydantic import ConfigDict, ValidationError, create_model

        if not isinstance(table, str | Mapping) or (isinstance(table, Mapping) and "name" in table):
            raise ConfigError(f"{where}: {table!r} is no rule", hint=f'such as {{ rule = "{RULES[0]}" }}')
        given = {"seed": seed, **({"rule": table} if isinstance(table, str) else table)}
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        hints = get_type_hints(cls, include_extras=True)
        columns: dict[str, Any] = {
            field.name: (hints[field.name], field.default) for field in dataclasses.fields(cls)
        }
        columns["rule"] = columns.pop("name")
        strict = ConfigDict(extra="forbid", strict=True)
        try:
            found = create_model("Rule", __config__=strict, **columns)(**values)
        except ValidationError as error:
            raise ConfigError.of(
                mistakes(error), where=where, hint=f"rules are {', '.join(RULES)}"
            ) from error
        facts = found.model_dump()
        rule = cls(name=facts.pop("rule"), **facts)
        if (rule.name == "margin") != (rule.margin is not None):
            raise ConfigError(
                f"{where}: `margin` and the rule {rule.name!r} do not go together",
                hint='{ rule = "margin", margin = 1.0 }, or another rule and no margin',
            )
        if len(set(rule.aspects)) < len(rule.aspects):
            raise ConfigError(f"{where}.aspects: one stands there twice", hint="name each aspect once")
        return rule

    def to_row(self) -> Row:
        """The rule as plain values, for a manifest."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class Answer:
    """One answer of a rated row; `value` is what the rule compares, None where the answer is not judged."""

    text: str
    model: str
    value: Fraction | None
    missing: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether it can be chosen or rejected."""
        return self.value is not None and bool(self.text.strip())


@dataclass(frozen=True)
class Pair:
    """A chosen and a rejected answer, and why they are left out; no reason where they go on."""

    chosen: Answer
    rejected: Answer
    reason: str = ""


def binarised(row: Row, rule: Rule, *, where: str = "row") -> Iterator[tuple[Row, str]]:
    """Preference rows of a rated row, and why one is left out ("" where it goes on).

    A pair holds `prompt`, `chosen`, `rejected`, their ratings and models, the rule's name, and what else the row held. A row
    without two judged answers comes back as it was, with its reason. Raises `DataError` naming `where` for a row that is none.
    """
    found = answers(row, rule, where=where)
    pairs = list(paired(found, rule, identity(row)))
    if not pairs:
        yield dict(row), FEW
    rest = {key: value for key, value in row.items() if key != "completions"}
    for number, pair in enumerate(pairs, 1):
        named = {"id": f"{row['id']}-{number}"} if rule.name == "all-pairs" and _has_id(row) else {}
        yield {**rest, **named, **_sides(pair), "rule": rule.name}, pair.reason


def answers(row: Row, rule: Rule, *, where: str = "row") -> list[Answer]:
    """The answers of a rated row in their order, judged by what the rule compares; raises `DataError` naming `where`."""
    if not isinstance(row.get("prompt"), str | list):
        raise DataError(f"{where}: a rated row needs a `prompt`", hint="choose the reader that fits the data")
    listed = row.get("completions")
    if not isinstance(listed, list):
        raise DataError(
            f"{where}: a rated row needs a list of `completions`",
            hint="choose the reader that fits the data, or leave out `binarize` where pairs are ready",
        )
    return [_answer(item, rule, f"{where}, completions[{place}]") for place, item in enumerate(listed)]


def paired(found: Sequence[Answer], rule: Rule, name: str) -> Iterator[Pair]:
    """The pairs that a rule makes of answers; none where fewer than two are judged.

    `name` is the row's `identity`: the random draw hangs on it and the seed, never on other rows.
    """
    values = {place: answer.value for place, answer in enumerate(found) if answer.judged}
    ranked = {place: value for place, value in values.items() if value is not None}
    if len(ranked) < 2:
        return
    for chosen, rejected in _chosen(ranked, rule, name):
        better, worse = found[chosen], found[rejected]
        apart = ranked[chosen] - ranked[rejected]
        reason = ""
        if not apart:
            reason = TIE
        elif rule.name == "margin" and rule.margin is not None and apart < Fraction(repr(rule.margin)):
            reason = BELOW
        elif better.text.split() == worse.text.split():
            reason = EQUAL
        yield Pair(better, worse, reason)


def identity(row: Row) -> str:
    """What a row is called for the random draw: its id, or its prompt where it has none."""
    return json.dumps(row["id"] if _has_id(row) else row["prompt"], sort_keys=True, default=str)


def rating(value: Any, where: str) -> Fraction | int | None:
    """A rating as the decimal number that is written; None for what is missing (null, NaN, "N/A", "").

    Raises `DataError` naming `where` for anything else that is no number.
    """
    if type(value) is int and -LARGEST <= value <= LARGEST:
        return value
    text = value.strip() if isinstance(value, str) else ""
    if value is None or (isinstance(value, str) and text.lower() in _MISSING):
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    found: Fraction | None = None
    if isinstance(value, str) and _NUMBER.fullmatch(text):
        found = Fraction(text)
    elif isinstance(value, float) and math.isfinite(value):
        found = Fraction(float.__repr__(value))
    if found is None or abs(found) > LARGEST:
        shown = type(value).__name__ if isinstance(value, int | list | dict) else repr(value)[:40]
        raise DataError(f"{where}: {shown} is no rating", hint="a number, or null where it is missing")
    return found


def _answer(item: Any, rule: Rule, where: str) -> Answer:
    if not isinstance(item, Mapping) or not isinstance(item.get("text"), str | None):
        raise DataError(f"{where}: an answer is an object with `text`", hint="see docs/reference: rows")
    text, model = item.get("text") or "", item.get("model")
    model = model if isinstance(model, str) else ""
    if rule.name == "critique":
        score = rating(item.get("score"), f"{where}.score")
        judged = None if score is None else Fraction(score)
        return Answer(text, model, judged, () if score is not None else ("score",))
    given = item.get("ratings")
    if not isinstance(given, Mapping | None):
        raise DataError(
            f"{where}.ratings: an object is needed, not {type(given).__name__}", hint="ratings by aspect"
        )
    found = {name: rating((given or {}).get(name), f"{where}.ratings.{name}") for name in rule.aspects}
    there = [value for value in found.values() if value is not None]
    missing = tuple(name for name, value in found.items() if value is None)
    whole = there and (not missing or rule.missing == "mean-of-rest")
    return Answer(text, model, Fraction(sum(there)) / len(there) if whole else None, missing)


def _chosen(ranked: Mapping[int, Fraction], rule: Rule, name: str) -> Iterator[tuple[int, int]]:
    """Places of chosen and rejected, ties among them."""
    best = max(ranked, key=lambda place: ranked[place])
    others = [place for place in ranked if place != best]
    lower = [place for place in others if ranked[place] < ranked[best]]
    if rule.name == "all-pairs" and lower:
        for one, two in itertools.combinations(ranked, 2):
            if ranked[one] != ranked[two]:
                yield (one, two) if ranked[one] > ranked[two] else (two, one)
    elif rule.name == "margin":
        yield best, min(others, key=lambda place: ranked[place])
    else:
        yield best, _drawn(others if rule.name == "critique" else lower or others, rule.seed, name)


def _drawn(places: Sequence[int], seed: int, name: str) -> int:
    digest = hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()
    return places[int.from_bytes(digest[:8]) % len(places)]


def _sides(pair: Pair) -> Row:
    sides = {"chosen": pair.chosen, "rejected": pair.rejected}
    texts = {side: answer.text for side, answer in sides.items()}
    ratings = {f"{side}_rating": float(a.value) for side, a in sides.items() if a.value is not None}
    return {**texts, **ratings, **{f"{side}_model": answer.model for side, answer in sides.items()}}


def _has_id(row: Row) -> bool:
    return isinstance(row.get("id"), str | int) and not isinstance(row["id"], bool) and row["id"] != ""

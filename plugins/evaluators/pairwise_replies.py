"""Verdicts on pairs from files: AlpacaEval's annotations, FastChat's pairs, and those that a run of ours kept."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row
from langadapt_plugins.evaluators.answers import rows_of
from langadapt_plugins.evaluators.pairwise_pairs import ORDERS, Pair, judged_pairs, mark, won
from langadapt_plugins.evaluators.pairwise_questions import listed
from langadapt_plugins.evaluators.questions import category_of
from langadapt_plugins.evaluators.stored import fastchat, latest, made, named, reply_of, scored_model, text_of
from langadapt_plugins.generation import short_hash

_FORMS = "AlpacaEval's annotations.json, FastChat's JUDGE_pair.jsonl or our judgements.jsonl"
_EVALUATE = "evaluate with pairwise.judge first, or give --from-replies FILE"


@dataclass(frozen=True, kw_only=True)
class Replies:
    """Pairs with their verdicts; `rows` are what each verdict came with (`judge`, `prompts`, `date`), `against` the other side's name."""

    pairs: Sequence[Pair]
    rows: Sequence[Row]
    against: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """Verdicts that were not asked for, or never came."""
        return sum(len(pair.orders) for pair in self.pairs if pair.asked) - len(self.rows)

    @property
    def unread(self) -> int:
        """Verdicts that are there and cannot be read."""
        lost = sum(value is None for pair in self.pairs if pair.asked for value in pair.orders)
        return lost - self.missing

    def first(self, limit: int | None) -> "Replies":
        """Those on so many questions."""
        some = set(list(dict.fromkeys(pair.id for pair in self.pairs))[:limit])
        return replace(
            self,
            pairs=[pair for pair in self.pairs if pair.id in some],
            rows=[row for row in self.rows if row["id"] in some],
        )


def kept(output: Path, verdicts: str, ours: str, theirs: str) -> Replies:
    """Those of a folder that are on the answers there, by the judge and the prompts of the last run.

    Raises `ConfigError` where there are none.
    """
    others = {row["id"]: row for row in rows_of(output / theirs)}
    both = [(row, others[row["id"]]) for row in rows_of(output / ours) if row.get("id") in others]
    if not both:
        raise ConfigError(f"{output} keeps no pairs of answers", hint=_EVALUATE)
    marks: dict[tuple[Any, Any], str] = {
        (row["id"], turn + 1): mark(row["answers"], other["answers"], turn)
        for row, other in both
        for turn in range(len(row["turns"]))
    }
    there = [
        row
        for row in rows_of(output / verdicts)
        if marks.get((row.get("id"), row.get("turn"))) == row.get("answer")
    ]
    there = latest(there, _game)
    pairs = judged_pairs(
        [(row["id"], row.get("category", "other"), row["answers"], other["answers"]) for row, other in both],
        there,
    )
    if not there and any(pair.asked for pair in pairs):
        raise ConfigError(f"{output} keeps no verdicts on the pairs there", hint=_EVALUATE)
    return Replies(pairs=pairs, rows=there, against=str(both[0][1].get("model", "unstated")))


def from_file(path: Path, model: str) -> Replies:
    """Those of a file; `model` is which one is scored where the file compares several. Raises `DataError` or `ConfigError`."""
    rows = list(listed(path))
    if not rows:
        raise DataError(f"{path} holds no verdicts", hint=f"give {_FORMS}")
    first = rows[0][1]
    if "preference" in first and "output_2" in first:
        return _annotated(path, rows, model)
    return _fastchat(path, rows, model) if "g1_judgment" in first else _own(path, rows)


def _annotated(path: Path, rows: Sequence[tuple[str, Row]], model: str) -> Replies:
    """AlpacaEval's: each pair was shown once, in an order that was drawn.

    The second output is the scored one, but where `model` names the first one's model.
    """
    firsts = [name for _, row in rows if (name := row.get("generator_1")) in (model, Path(model).name)]
    scored = scored_model(path, [*(row.get("generator_2") for _, row in rows), *firsts], model)
    there = _compared(rows, scored, ("generator_2", "generator_1"))
    against = _only(path, scored, [other for *_, other in there])
    mine = [
        (made(lambda one: _annotation(one, scored), row, where, forms=_FORMS), row) for where, row, _ in there
    ]
    seen: Counter[str] = Counter()
    pairs = []
    for place, (pair, row) in enumerate(mine):
        seen[pair.id] += 1
        name = pair.id if seen[pair.id] == 1 else f"{pair.id}-{seen[pair.id]}"
        index = row.get("index", place)
        pairs.append(
            Pair(id=name, category=pair.category, orders=pair.orders, lengths=pair.lengths, index=int(index))
        )
    price = [
        row["price_per_example"] for _, row in mine if isinstance(row.get("price_per_example"), int | float)
    ]
    return Replies(
        pairs=pairs,
        rows=[
            {"id": pair.id, "judge": row.get("annotator")} for pair, (_, row) in zip(pairs, mine, strict=True)
        ],
        against=against,
        facts={"price": math.fsum(price)} if price else {},
    )


def _annotation(row: Mapping[str, Any], scored: str) -> Pair:
    second = named(row.get("generator_2")) == scored
    told = row["preference"]
    if isinstance(told, bool):
        raise TypeError("the preference is no number")
    value = None if told is None else float(told) or 1.5
    won = value - 1 if value is not None and 1 <= value <= 2 else None
    ours, theirs = (len(text_of(row[key])) for key in ("output_2", "output_1"))
    if isinstance(row.get("index", 0), bool) or not isinstance(row.get("index", 0), int):
        raise TypeError("the index is no whole number")
    return Pair(
        id=short_hash(text_of(row["instruction"])),
        category=str(row.get("dataset") or "other"),
        orders=(won if won is None or second else 1 - won,),
        lengths=(ours, theirs) if second else (theirs, ours),
    )


def _fastchat(path: Path, rows: Sequence[tuple[str, Row]], model: str) -> Replies:
    """FastChat's: in its first game the first model's answer is shown first."""
    names = [str(row.get(key)) for _, row in rows for key in ("model_1", "model_2")]
    scored = scored_model(path, names, model, several=True)
    mine = _compared(rows, scored, ("model_1", "model_2"))
    games = [made(lambda one: _games(one, scored), row, where, forms=_FORMS) for where, row, _ in mine]
    against = _only(path, scored, [other for *_, other in mine])
    return _grouped([game for pair in games for game in pair], against)


def _games(row: Mapping[str, Any], scored: str) -> list[Row]:
    first = str(row["model_1"]) == scored
    games = (("g1_judgment", 1 if first else 2), ("g2_judgment", 2 if first else 1))
    return [{**fastchat(row, row[key]), "order": order} for key, order in games]


def _own(path: Path, rows: Sequence[tuple[str, Row]]) -> Replies:
    def row_of(row: Mapping[str, Any]) -> Row:
        if row["turn"] not in (1, 2) or row["order"] not in ORDERS:
            raise ValueError("turn or order")
        return {**row, "id": str(row["id"]), "reply": reply_of(row["reply"])}

    read = [made(row_of, row, where, forms=_FORMS) for where, row in rows]
    return _grouped(latest(read, _game), f"unstated in {path.name}")


def _game(row: Row) -> tuple[Any, ...]:
    return row["id"], row["turn"], row["order"]


def _grouped(rows: Sequence[Row], against: str) -> Replies:
    """The last verdict of each order of a pair."""
    last = {_game(row): row for row in rows}
    pairs = []
    for name, turn in dict.fromkeys((row["id"], row["turn"]) for row in rows):
        found = [last.get((name, turn, order)) for order in ORDERS]
        some = next(row for row in found if row)
        ours, theirs = some.get("length"), some.get("other_length")
        pairs.append(
            Pair(
                id=name,
                category=some.get("category") or category_of(name),
                turn=turn,
                orders=tuple(won(row) if row else None for row in found),
                lengths=(ours, theirs) if isinstance(ours, int) and isinstance(theirs, int) else None,
            )
        )
    return Replies(pairs=pairs, rows=list(last.values()), against=against)


def _compared(
    rows: Sequence[tuple[str, Row]], scored: str, sides: tuple[str, str]
) -> list[tuple[str, Row, str]]:
    """The rows with the scored model on either side, each with the other side's name."""
    found = []
    for where, row in rows:
        one, other = (named(row.get(side)) for side in sides)
        if scored in (one, other):
            found.append((where, row, other if one == scored else one))
    return found


def _only(path: Path, scored: str, against: Sequence[str]) -> str:
    """The one model that the scored one is compared with."""
    there = dict.fromkeys(against)
    if len(there) > 1:
        raise ConfigError(
            f"{path} compares {scored} with {len(there)} models: {', '.join(there)}",
            hint="give a file for each",
        )
    return next(iter(there))

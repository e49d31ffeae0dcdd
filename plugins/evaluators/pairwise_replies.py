"""Verdicts on pairs from files: AlpacaEval's annotations, FastChat's pairs, and those that a run of ours kept."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row
from langadapt_plugins.evaluators.answers import rows_of
from langadapt_plugins.evaluators.pairwise_pairs import ORDERS, Pair, judged_pairs, mark, won
from langadapt_plugins.evaluators.pairwise_questions import listed
from langadapt_plugins.evaluators.questions import category_of
from langadapt_plugins.generation import short_hash

_FORMS = "AlpacaEval's annotations.json, FastChat's JUDGE_pair.jsonl or our judgements.jsonl"
_NO_REPLY = "$ERROR$"
T = TypeVar("T")


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
        named = set(list(dict.fromkeys(pair.id for pair in self.pairs))[:limit])
        return replace(
            self,
            pairs=[pair for pair in self.pairs if pair.id in named],
            rows=[row for row in self.rows if row["id"] in named],
        )


def kept(output: Path, verdicts: str, ours: str, theirs: str) -> Replies:
    """Those of a folder that are on the answers there, by the judge and the prompts of the last run.

    Raises `ConfigError` where there are none.
    """
    others = {row["id"]: row for row in rows_of(output / theirs)}
    both = [(row, others[row["id"]]) for row in rows_of(output / ours) if row.get("id") in others]
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
    if not there:
        raise ConfigError(
            f"{output} keeps no verdicts on the pairs there",
            hint="evaluate with pairwise.judge first, or give --from-replies FILE",
        )
    last = (there[-1].get("judge"), there[-1].get("prompts"))
    there = [row for row in there if (row.get("judge"), row.get("prompts")) == last]
    pairs = judged_pairs(
        [(row["id"], row.get("category", "other"), row["answers"], other["answers"]) for row, other in both],
        there,
    )
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
    """AlpacaEval's: the second output is the scored one, each pair was shown once, in an order that was drawn."""
    made = [(_made(_annotation, row, where), row) for where, row in rows]
    scored = _chosen(path, [row.get("generator_2") for _, row in made], model)
    mine = [(pair, row) for pair, row in made if str(row.get("generator_2")) == scored]
    against = dict.fromkeys(str(row.get("generator_1")) for _, row in mine)
    if len(against) > 1:
        raise ConfigError(
            f"{path} compares {scored} with {len(against)} models: {', '.join(against)}",
            hint="give a file for each",
        )
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
        against=next(iter(against)),
        facts={"price": math.fsum(price)} if price else {},
    )


def _annotation(row: Mapping[str, Any]) -> Pair:
    told = row["preference"]
    value = None if told is None else float(told)
    fine = value is not None and (value == 0 or 1 <= value <= 2)
    lengths = tuple(len(_text(row[key])) for key in ("output_2", "output_1"))
    if isinstance(row.get("index", 0), bool) or not isinstance(row.get("index", 0), int):
        raise TypeError("the index is no whole number")
    return Pair(
        id=short_hash(_text(row["instruction"])),
        category=str(row.get("dataset") or "other"),
        orders=((value or 1.5) - 1 if fine and value is not None else None,),
        lengths=(lengths[0], lengths[1]),
    )


def _fastchat(path: Path, rows: Sequence[tuple[str, Row]], model: str) -> Replies:
    """FastChat's: in its first game the first model's answer is shown first."""
    names = [str(row.get(key)) for _, row in rows for key in ("model_1", "model_2")]
    scored = _chosen(path, names, model, several=True)
    mine = [
        (where, row) for where, row in rows if scored in (str(row.get("model_1")), str(row.get("model_2")))
    ]
    against = dict.fromkeys(
        str(row.get("model_1" if str(row.get("model_2")) == scored else "model_2")) for _, row in mine
    )
    if len(against) > 1:
        raise ConfigError(
            f"{path} compares {scored} with {len(against)} models: {', '.join(against)}",
            hint="give a file for each",
        )
    games = [_made(lambda one: _games(one, scored), row, where) for where, row in mine]
    return _grouped([game for pair in games for game in pair], next(iter(against)))


def _games(row: Mapping[str, Any], scored: str) -> list[Row]:
    first = str(row["model_1"]) == scored
    judge = row.get("judge")
    named: Sequence[Any] = judge if isinstance(judge, list) else [judge, None]
    stamp = row.get("tstamp")
    return [
        {
            "id": str(row["question_id"]),
            "turn": {1: 1, 2: 2}[row.get("turn", 1)],
            "order": order,
            "reply": None if (reply := row[key]) == _NO_REPLY else _text(reply),
            "judge": named[0],
            "prompts": named[1] if len(named) > 1 else None,
            "date": datetime.fromtimestamp(stamp, UTC).isoformat()
            if isinstance(stamp, int | float)
            else None,
        }
        for key, order in (("g1_judgment", 1 if first else 2), ("g2_judgment", 2 if first else 1))
    ]


def _own(path: Path, rows: Sequence[tuple[str, Row]]) -> Replies:
    def row_of(row: Mapping[str, Any]) -> Row:
        if row["turn"] not in (1, 2) or row["order"] not in ORDERS:
            raise ValueError("turn or order")
        return {**row, "id": str(row["id"]), "reply": None if row["reply"] is None else _text(row["reply"])}

    return _grouped([_made(row_of, row, where) for where, row in rows], f"unstated in {path.name}")


def _grouped(rows: Sequence[Row], against: str) -> Replies:
    """The last verdict of each order of a pair."""
    last = {(row["id"], row["turn"], row["order"]): row for row in rows}
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


def _chosen(path: Path, names: Sequence[Any], model: str, *, several: bool = False) -> str:
    """The model that is scored: the one that `model` names, or the only one."""
    there = dict.fromkeys(str(name) for name in names)
    wanted = next((name for name in (model, Path(model).name) if name in there), None)
    if wanted is None and len(there) == 1 and not several:
        wanted = next(iter(there))
    if wanted is None:
        raise ConfigError(
            f"{path} holds verdicts on {len(there)} models, and none is {Path(model).name}",
            hint=f"name one of them as MODEL: {', '.join(list(there)[:8])}",
        )
    return wanted


def _made(make: Callable[[Mapping[str, Any]], T], row: Row, where: str) -> T:
    try:
        return make(row)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise DataError(
            f"{where}: no verdict on a pair ({type(error).__name__}: {error})", hint=f"give {_FORMS}"
        ) from error


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"text is needed, not {type(value).__name__}")

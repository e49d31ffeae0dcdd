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
_EVALUATE = "evaluate with pairwise.judge first, or give --from-replies FILE"
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
    there = _latest(there)
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
    named = [name for _, row in rows if (name := row.get("generator_1")) in (model, Path(model).name)]
    scored = _chosen(path, [*(row.get("generator_2") for _, row in rows), *named], model)
    there = _compared(rows, scored, ("generator_2", "generator_1"))
    against = _only(path, scored, [other for *_, other in there])
    mine = [(_made(lambda one: _annotation(one, scored), row, where), row) for where, row, _ in there]
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
    second = str(row.get("generator_2") or "unstated") == scored
    told = row["preference"]
    if isinstance(told, bool):
        raise TypeError("the preference is no number")
    value = None if told is None else float(told) or 1.5
    won = value - 1 if value is not None and 1 <= value <= 2 else None
    ours, theirs = (len(_text(row[key])) for key in ("output_2", "output_1"))
    if isinstance(row.get("index", 0), bool) or not isinstance(row.get("index", 0), int):
        raise TypeError("the index is no whole number")
    return Pair(
        id=short_hash(_text(row["instruction"])),
        category=str(row.get("dataset") or "other"),
        orders=(won if won is None or second else 1 - won,),
        lengths=(ours, theirs) if second else (theirs, ours),
    )


def _fastchat(path: Path, rows: Sequence[tuple[str, Row]], model: str) -> Replies:
    """FastChat's: in its first game the first model's answer is shown first."""
    names = [str(row.get(key)) for _, row in rows for key in ("model_1", "model_2")]
    scored = _chosen(path, names, model, several=True)
    mine = _compared(rows, scored, ("model_1", "model_2"))
    games = [_made(lambda one: _games(one, scored), row, where) for where, row, _ in mine]
    against = _only(path, scored, [other for *_, other in mine])
    return _grouped([game for pair in games for game in pair], against)


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

    read = [_made(row_of, row, where) for where, row in rows]
    return _grouped(_latest(read), f"unstated in {path.name}")


def _latest(rows: Sequence[Row]) -> list[Row]:
    """For each order of a pair the last verdict: by the judge and the prompts of the last row, on the answers that were judged last."""
    answers = {(row["id"], row["turn"]): row.get("answer") for row in rows}
    asked = [(row.get("judge"), row.get("prompts")) for row in rows]
    return list(
        {
            (row["id"], row["turn"], row["order"]): row
            for row, by in zip(rows, asked, strict=True)
            if by == asked[-1] and row.get("answer") == answers[row["id"], row["turn"]]
        }.values()
    )


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


def _compared(
    rows: Sequence[tuple[str, Row]], scored: str, sides: tuple[str, str]
) -> list[tuple[str, Row, str]]:
    """The rows with the scored model on either side, each with the other side's name."""
    found = []
    for where, row in rows:
        one, other = (str(row.get(side) or "unstated") for side in sides)
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


def _chosen(path: Path, names: Sequence[Any], model: str, *, several: bool = False) -> str:
    """The model that is scored: the one that `model` names, or the only one."""
    there = dict.fromkeys(str(name or "unstated") for name in names)
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

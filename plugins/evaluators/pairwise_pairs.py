"""Pairs of answers, what a judge is asked about them in both orders, and what its replies make of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from langadapt.records import Row
from langadapt_plugins.evaluators.pairwise_questions import pair_messages
from langadapt_plugins.evaluators.pairwise_verdicts import preferred
from langadapt_plugins.evaluators.questions import Question
from langadapt_plugins.generation import short_hash

ORDERS = (1, 2)
"""Whether the checkpoint's answer is shown first or second."""
METRIC = "win_rate"
_WON = {"A": 1.0, "B": 0.0, "C": 0.5}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two answers to a turn (1 or 2). `orders` holds, by order, 1 where the checkpoint's is preferred, 0.5 or 0, None where unread.

    `lengths` are the checkpoint's and the other's in characters, where they are known. `asked` is false for answers of one
    wording, which tie without a judge. `index` is the instruction's in AlpacaEval's set.
    """

    id: str
    category: str = "other"
    turn: int = 1
    orders: tuple[float | None, ...]
    lengths: tuple[int, int] | None = None
    asked: bool = True
    index: int = 0

    @property
    def value(self) -> float | None:
        """1 for a win, 0 for a loss; 0.5 for a tie, and where the two orders disagree; None where a verdict cannot be read."""
        read = [one for one in self.orders if one is not None]
        if len(read) < len(self.orders):
            return None
        return read[0] if len(set(read)) == 1 else 0.5

    def to_rows(self) -> Iterable[Row]:
        """The pair and each of its verdicts as rows on disk, in percent."""
        where: Row = {"id": self.id, "category": self.category, "turn": self.turn}
        ours, theirs = self.lengths or (None, None)
        told = {"asked": self.asked, "length": ours, "other_length": theirs}
        yield {**where, "metric": METRIC, "value": _percent(self.value), **told}
        for order, value in zip(
            ORDERS, self.orders if len(self.orders) == 2 and self.asked else (), strict=False
        ):
            yield {**where, "order": order, "metric": "verdict", "value": _percent(value)}


def questions_asked(
    prompts: Mapping[str, Mapping[str, str]], question: Question, ours: Sequence[str], theirs: Sequence[str]
) -> list[Row]:
    """What a judge is asked about a question: each turn in both orders, less turns that both answer with the same words."""
    return [
        {
            "id": question.id,
            "category": question.category,
            "turn": turn + 1,
            "order": order,
            "answer": mark(ours, theirs, turn),
            "length": len(ours[turn]),
            "other_length": len(theirs[turn]),
            "prompt": name,
            "prompts": short_hash(prompts),
            "messages": chat,
        }
        for turn in range(len(question.turns))
        if ours[turn] != theirs[turn]
        for order in ORDERS
        for name, chat in [
            pair_messages(prompts, question, (ours, theirs) if order == 1 else (theirs, ours), turn)
        ]
    ]


def mark(ours: Sequence[str], theirs: Sequence[str], turn: int) -> str:
    """What tells the answers that a judge sees at a turn (from 0) from others."""
    return short_hash([list(ours[: turn + 1]), list(theirs[: turn + 1])])


def won(row: Row) -> float | None:
    """What a reply says of the checkpoint's answer: 1, 0.5 or 0; None where it cannot be read."""
    cut = row.get("finish") == "length"
    side = preferred(row["reply"], cut=cut) if isinstance(row.get("reply"), str) else None
    value = None if side is None else _WON[side]
    return value if value is None or row["order"] == 1 else 1 - value


def judged_pairs(
    answers: Iterable[tuple[str, str, Sequence[str], Sequence[str]]], rows: Sequence[Row]
) -> list[Pair]:
    """A pair for each turn of the answers (id, category, ours, theirs), with the verdicts of `rows`; None for one that is not there."""
    found = {(row["id"], row["turn"], row["order"]): won(row) for row in rows}
    return [
        Pair(
            id=name,
            category=category,
            turn=turn + 1,
            orders=(0.5, 0.5)
            if first == second
            else tuple(found.get((name, turn + 1, order)) for order in ORDERS),
            lengths=(len(first), len(second)),
            asked=first != second,
            index=index,
        )
        for index, (name, category, ours, theirs) in enumerate(answers)
        for turn, (first, second) in enumerate(zip(ours, theirs, strict=False))
    ]


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value

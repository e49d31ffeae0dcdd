"""What binarisation did to a stream: how rules differ on the same rows, ties, the length of chosen, models. Counters only."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langadapt.errors import DataError
from langadapt.prepare.preferences import (
    EQUAL,
    TIE,
    Answer,
    Rule,
    RuleName,
    answers,
    identity,
    paired,
    rating,
)
from langadapt.records import Row
from langadapt.statistics import mean_interval

COMPARED: tuple[RuleName, ...] = ("mean-rating", "critique", "margin")
"""The rules that make one pair of a row, and so can be compared row by row."""
COMPARED_MARGIN = 1.0
"""The margin of the compared rule `margin` where the recipe sets none, in points of the ratings."""
MODELS = 1000
"""So many model names are counted apart."""

_OTHERS = "(others)"
_STEPS = 100
_RATINGS = (
    ("chosen_rating", "rejected_rating"),
    ("chosen_avg_rating", "rejected_avg_rating"),
    ("chosen-rating", "rejected-rating"),
    ("score_chosen", "score_rejected"),
)
_MODEL_NAMES = (("chosen_model", "rejected_model"), ("chosen-model", "rejected-model"))


class Tally:
    """Counts of one stream. `rated` takes the rows before binarisation, `pair` the pairs, our own or those of others."""

    def __init__(self, rule: Rule | None = None) -> None:
        self.rule = rule
        own = rule or Rule()
        margin = own.margin if own.margin is not None else COMPARED_MARGIN
        self._rules = [
            replace(own, name=name, margin=margin if name == "margin" else None) for name in COMPARED
        ]
        self._rows = 0
        self._answers: Counter[str] = Counter()
        self._missing: Counter[str] = Counter()
        self._ties: Counter[str] = Counter()
        self._unpaired: Counter[str] = Counter()
        self._compared: Counter[tuple[str, str]] = Counter()
        self._chosen_differs: Counter[tuple[str, str]] = Counter()
        self._pair_differs: Counter[tuple[str, str]] = Counter()
        self._pairs: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._ratios: Counter[int] = Counter()
        self._models: dict[str, Counter[str]] = {"chosen": Counter(), "rejected": Counter()}

    def rated(self, row: Row, *, where: str = "row") -> None:
        """Count a rated row under every rule; raises `DataError` naming `where` for a row that is none."""
        name = identity(row) if isinstance(row.get("prompt"), str | list) else ""
        by_mean = answers(row, self._rules[0], where=where)
        by_score = answers(row, self._rules[1], where=where)
        self._rows += 1
        self._count_answers(by_score if self.rule and self.rule.name == "critique" else by_mean)
        made: dict[str, tuple[Answer, Answer]] = {}
        for rule in self._rules:
            for pair in paired(by_score if rule.name == "critique" else by_mean, rule, name):
                self._ties[rule.name] += pair.reason == TIE
                if not pair.reason:
                    made[rule.name] = (pair.chosen, pair.rejected)
            self._unpaired[rule.name] += rule.name not in made
        for place, one in enumerate(COMPARED):
            for two in COMPARED[place + 1 :]:
                if one in made and two in made:
                    self._compared[one, two] += 1
                    texts = [[answer.text for answer in made[rule]] for rule in (one, two)]
                    self._chosen_differs[one, two] += texts[0][0] != texts[1][0]
                    self._pair_differs[one, two] += texts[0] != texts[1]

    def pair(self, row: Row, reason: str = "") -> None:
        """Count a preference row, and why it is left out. Works on pairs that others made, with their names of columns."""
        chosen, rejected = text_of(row.get("chosen")), text_of(row.get("rejected"))
        why = reason or (EQUAL if chosen.split() == rejected.split() else "")
        if why:
            self._left_out[why] += 1
            return
        self._pairs["pairs"] += 1
        ratings = [_value(row.get(key)) for key in _first(row, _RATINGS)]
        self._pairs["rated"] += None not in ratings
        self._pairs["equal ratings"] += None not in ratings and ratings[0] == ratings[1]
        self._pairs["longer"] += len(chosen) > len(rejected)
        self._pairs["shorter"] += len(chosen) < len(rejected)
        if chosen and rejected:
            self._ratios[round(_STEPS * math.log2(len(chosen) / len(rejected)))] += 1
        for side, key in zip(self._models, _first(row, _MODEL_NAMES), strict=True):
            model = row.get(key)
            if isinstance(model, str) and model:
                counted = self._models[side]
                counted[model if model in counted or len(counted) < MODELS else _OTHERS] += 1

    def facts(self) -> dict[str, Any]:
        """Everything counted, as plain JSON values. Shares are of 1, lengths in characters."""
        told: dict[str, Any] = {}
        if self.rule:
            told["rule"] = self.rule.to_row()
        if self._rows:
            told["rows"] = self._rows
            told["answers"] = {key: self._answers[key] for key in ("seen", "judged", "empty", "unrated")}
            told["missing"] = dict(self._missing.most_common())
            told["ties"] = {name: self._ties[name] for name in COMPARED}
            told["without_pair"] = {name: self._unpaired[name] for name in COMPARED}
            told["differs"] = [self._difference(rules) for rules in sorted(self._compared)]
        told["pairs"] = self._pairs["pairs"]
        told["left_out"] = dict(self._left_out.most_common())
        told["chosen_equals_rejected"] = self._left_out[EQUAL]
        told["equal_ratings"] = {"of": self._pairs["rated"], "pairs": self._pairs["equal ratings"]}
        told["length"] = self._length()
        told["models"] = {side: dict(counted.most_common()) for side, counted in self._models.items()}
        return told

    def _count_answers(self, found: Sequence[Answer]) -> None:
        for answer in found:
            self._answers["seen"] += 1
            self._answers["judged"] += answer.judged
            self._answers["empty"] += not answer.text.strip()
            self._answers["unrated"] += answer.value is None
            self._missing.update(answer.missing)

    def _difference(self, rules: tuple[str, str]) -> dict[str, Any]:
        rows = self._compared[rules]
        told: dict[str, Any] = {"rules": list(rules), "rows": rows}
        if "margin" in rules:
            told["margin"] = self._rules[-1].margin
        for key, counted in (("chosen", self._chosen_differs), ("pair", self._pair_differs)):
            told[key] = counted[rules]
            told[f"{key}_share"] = round(counted[rules] / rows, 4)
            told[f"{key}_interval"] = _interval(counted[rules], rows)
        return told

    def _length(self) -> dict[str, Any]:
        """How often chosen is longer, with Wilson's interval; the median of its length over rejected's, to 1 %."""
        pairs, longer = self._pairs["pairs"], self._pairs["longer"]
        if not pairs:
            return {}
        told = {"pairs": pairs, "longer": longer, "shorter": self._pairs["shorter"]}
        share = {"longer_share": round(longer / pairs, 4), "longer_interval": _interval(longer, pairs)}
        return {**told, **share, "median_ratio": _median(self._ratios)}


def text_of(side: Any) -> str:
    """The text of a side that is text or a list of messages; "" for anything else."""
    if isinstance(side, str):
        return side
    if not isinstance(side, list | tuple):
        return ""
    turns = [turn.get("content") for turn in side if isinstance(turn, Mapping)]
    return "\n".join(text for text in turns if isinstance(text, str))


def _interval(hits: int, rows: int) -> list[float] | None:
    found = mean_interval([1] * hits + [0] * (rows - hits))
    return [round(value, 4) for value in found] if found else None


def _median(counted: Counter[int]) -> float | None:
    """The middle of a histogram of logarithms, as a ratio."""
    below, middle = 0, counted.total() / 2
    for step in sorted(counted):
        below += counted[step]
        if below >= middle:
            return float(f"{2 ** (step / _STEPS):.4g}")
    return None


def _first(row: Row, names: Sequence[tuple[str, str]]) -> tuple[str, str]:
    return next((pair for pair in names if all(key in row for key in pair)), names[0])


def _value(value: Any) -> Any:
    try:
        return rating(value, "")
    except DataError:
        return None

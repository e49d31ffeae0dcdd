"""From the sample to all rows: ratios to what is known of every row, with intervals from the bootstrap over rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langadapt.interfaces import Hypothesis, Segment
from langadapt.plan.counting import Counted
from langadapt.plan.estimates import Estimate, around
from langadapt.plan.sampling import Sampled

DRAWS = 400
COLUMNS = (
    "characters", "kept", "kept_characters", "translated", "translated_characters", "untouched", "held", "tokens",
    "segments", "sent", "counted", "once", "new", "counted_segments", "once_segments", "new_segments",
    "heard", "tokens_in", "tokens_out", "characters_out", "heard_segments", "unfinished",
)  # fmt: skip
"""What is added up over the rows of the sample. `sent` are characters of segments; `counted` those of lines whose number
is known, `once` the same with each line taken once, `new` those that the memory does not hold; then the same in segments.
`heard` and what follows are of the rows that were translated for the calibration."""
Table = dict[str, Any]


@dataclass(frozen=True)
class Totals:
    """Every column for the whole, as drawn `DRAWS` times and, first, as it is in the sample."""

    table: Mapping[str, Any]
    sampled: float
    heard: float

    def estimate(
        self, value: Callable[[Mapping[str, Any]], Any], *, more: float = 0.0, calibrated: bool = False
    ) -> Estimate:
        """What follows from the columns, as a figure with its interval."""
        drawn = value(self.table)
        share = self.heard if calibrated else self.sampled
        return around(float(drawn[0]), drawn[1:], share, more)


def new_share(table: Mapping[str, Any], kind: str = "") -> Any:
    """The share of what is sent that an engine must translate: each text once, and none that the memory holds."""
    import numpy as np

    counted = table[f"counted{kind}"]
    return np.divide(table[f"new{kind}"], counted, out=np.ones_like(counted), where=counted > 0)


def once_share(table: Mapping[str, Any], kind: str = "") -> Any:
    """The share of what is sent that is left with each text taken once."""
    import numpy as np

    counted = table[f"counted{kind}"]
    return np.divide(table[f"once{kind}"], counted, out=np.ones_like(counted), where=counted > 0)


def totals(
    strata: Sequence[Counted], rows: Sequence[Sampled], hypotheses: Mapping[Segment, Hypothesis], seed: int
) -> Totals:
    """The columns of all sources together; what was translated for the calibration are `hypotheses`."""
    import numpy as np

    rng = np.random.default_rng(seed)
    table: Table = {name: np.zeros(DRAWS + 1) for name in COLUMNS}
    taken = heard = everything = 0
    usual = _usual(rows)
    for number, stratum in enumerate(strata):
        own = [row for row in rows if row.stratum == number]
        if not own or not stratum.characters:
            continue
        values = np.array([_values(row, hypotheses, usual) for row in own])
        counts = np.vstack([
            np.ones((1, len(own))),
            rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=DRAWS),
        ])  # fmt: skip
        sums = counts @ values
        characters = np.maximum(sums[:, :1], 1.0)
        scale = stratum.taken * stratum.characters / characters
        rows_scale = stratum.taken * stratum.kept / len(own)
        for column, name in enumerate(COLUMNS):
            by_rows = name in ("kept", "translated", "untouched", "held")
            table[name] = table[name] + sums[:, column] * (rows_scale if by_rows else scale[:, 0])
        everything += stratum.characters
        taken += int(values[:, 0].sum())
        heard += int(values[values[:, COLUMNS.index("heard")] > 0, 0].sum())
    share = max(everything, 1)
    return Totals(table, min(1.0, taken / share), min(1.0, heard / share))


def _usual(rows: Sequence[Sampled]) -> float:
    """The share of a segment that a line counts for where nobody knows how often it stands there."""
    known = [1 / sent.times for row in rows for sent in row.segments if sent.times]
    return sum(known) / len(known) if known else 1.0


def _values(row: Sampled, hypotheses: Mapping[Segment, Hypothesis], usual: float) -> list[float]:
    translated = row.action == "translate"
    sent = row.segments
    counted = [one for one in sent if one.times]
    new = [one for one in counted if not one.known]
    heard = [
        (one, hypotheses[one.segment], 1 / one.times if one.times else usual)
        for one in sent
        if one.segment in hypotheses
    ]
    return [
        row.characters,
        row.kept,
        row.characters * row.kept,
        translated,
        row.characters * translated,
        row.action in ("untouched", "already"),
        row.action in ("drop", "held"),
        row.tokens * row.kept,
        len(sent),
        sum(one.size for one in sent),
        sum(one.size for one in counted),
        sum(one.size / (one.times or 1) for one in counted),
        sum(one.size / (one.times or 1) for one in new),
        len(counted),
        sum(1 / (one.times or 1) for one in counted),
        sum(1 / (one.times or 1) for one in new),
        sum(one.size * weight for one, _, weight in heard),
        sum(told.tokens_in * weight for _, told, weight in heard),
        sum(told.tokens_out * weight for _, told, weight in heard),
        sum(len(told.text) * weight for _, told, weight in heard if told.finished),
        sum(weight for _, _, weight in heard),
        sum(weight for _, told, weight in heard if not told.finished),
    ]

"""Win rates as AlpacaEval 0.6.6 counts them, and what they were if both sides' answers were equally long.

The length-controlled win rate (Dubois, Galambosi, Liang, Hashimoto 2024, arXiv 2404.04475; tatsu-lab/alpaca_eval,
metrics/glm_winrate.py) is a logistic regression of the preference on tanh of the length difference in standard deviations,
on the instruction's difficulty where it is known, and on a constant for the model; what it foretells for no difference is
the rate. It is fitted with liblinear under an L1 penalty, whose strength five folds choose.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langadapt.errors import DataError
from langadapt.statistics import mean_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

DRAW = 1.5
_FOLDS, _SEED = 5, 123
_GAMED = 0.2 / 2
"""The weight of each of two baselines that were made to game the length."""
_FEWEST = 2 * _FOLDS
_NONE, _LEAST = 1e-12, 0.5


@dataclass(frozen=True, kw_only=True)
class Known:
    """What AlpacaEval's `df_gamed.csv` or `instruction_difficulty.csv` says of its instructions, by their index.

    `gamed` are rows of length difference, difficulty and preference (0 to 1) of the gamed baselines, none in the second file.
    """

    difficulty: Mapping[int, float] = field(default_factory=dict)
    gamed: Sequence[tuple[float, float, float]] = ()

    @classmethod
    def read(cls, path: Path) -> "Known":
        """From either file; raises `DataError` for another."""
        hint = "name AlpacaEval's df_gamed.csv or instruction_difficulty.csv"
        difficulty: dict[int, float] = {}
        gamed: list[tuple[float, float, float]] = []
        try:
            with path.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    index, hard = (
                        int(float(row.get("index") or row[""])),
                        float(row["instruction_difficulty"]),
                    )
                    difficulty.setdefault(index, hard)
                    if row.get("preference"):
                        gamed.append((float(row["std_delta_len"]), hard, float(row["preference"])))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}", hint=hint) from error
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: no difficulties of instructions ({error!r})", hint=hint) from error
        if not difficulty or not all(
            map(math.isfinite, [*difficulty.values(), *(n for row in gamed for n in row)])
        ):
            raise DataError(f"{path}: no difficulties of instructions, or no numbers", hint=hint)
        return cls(difficulty=difficulty, gamed=gamed)


@dataclass(frozen=True, kw_only=True)
class Controlled:
    """A length-controlled win rate, 0 to 1. `error` is AlpacaEval's: the spread over instructions alone, 0 without difficulties.

    `interval` (95 %) is that of the fit without penalty, widened to the value where the penalty has moved it. `length` is
    the longer answer's advantage without penalty, in log odds for tanh(standard deviations), with its interval; None
    where one side always won. `strength` is liblinear's C: small ones push the rate to a half.
    """

    value: float
    error: float
    interval: tuple[float, float] | None
    length: float | None
    length_interval: tuple[float, float] | None
    strength: float


def counted(preferences: Sequence[float | None]) -> dict[str, float | int]:
    """AlpacaEval's numbers of preferences from 1 (the other won) to 2; 1.5 and 0 are draws, all else is dropped. Rates in percent."""
    given = [DRAW if one == 0 else one for one in preferences if one is not None]
    read = [one - 1 for one in given if 1 <= one <= 2]
    whole = [0 if one == DRAW else round(one) for one in given if math.isfinite(one)]
    discrete = [{0: 0.5, 1: 0.0, 2: 1.0}[one] for one in whole if one in (0, 1, 2)]
    mean = _mean(read)
    return {
        "win_rate": 100 * mean,
        "standard_error": 100 * _error(read, mean),
        "n_wins": sum(one > 0.5 for one in read),
        "n_wins_base": sum(one < 0.5 for one in read),
        "n_draws": sum(one == DRAW for one in given),
        "n_total": len(read),
        "discrete_win_rate": 100 * _mean(discrete),
    }


def controlled(
    preferences: Sequence[float | None],
    lengths: Sequence[tuple[int, int]],
    *,
    clusters: Sequence[str],
    known: Known | None = None,
    indices: Sequence[int] = (),
) -> Controlled | None:
    """The length-controlled win rate of preferences (1 to 2, None unread) over answers' lengths (ours, theirs; characters).

    `indices` are the instructions' in `known`. None for fewer than ten that are read, and where all lengths differ by the same.
    Raises `DataError` for an instruction that `known` does not hold.
    """
    import numpy as np

    apart = np.asarray([theirs - ours for ours, theirs in lengths], dtype=float)
    told = [
        math.nan if one is None or not (one == 0 or 1 <= one <= 2) else (one or DRAW) - 1
        for one in preferences
    ]
    wins = np.asarray(told, dtype=float)
    read = np.isfinite(wins)
    if read.sum() < _FEWEST or not (spread := float(apart.std(ddof=1))):
        return None
    design = np.column_stack(
        [np.tanh(apart / spread), *_difficulty(known, indices, len(wins)), np.ones(len(wins))]
    )
    gamed = np.asarray(known.gamed if known else (), dtype=float).reshape(-1, 3)
    rows = np.column_stack([np.tanh(gamed[:, 0]), gamed[:, 1], np.zeros(len(gamed))])[:, -design.shape[1] :]
    weights = np.concatenate([np.full(len(gamed), _GAMED), np.ones(int(read.sum()))])
    data = _Data(np.vstack([rows, design[read]]), np.concatenate([gamed[:, 2], wins[read]]), weights)
    strength, found = data.chosen()
    equal = design.copy()
    equal[:, 0] = 0.0
    foretold = _logistic(equal @ found)
    value = float(foretold.mean())
    rate, length, sure = _sure(
        data, equal[read], [one for one, known_ in zip(clusters, read, strict=True) if known_], len(gamed)
    )
    return Controlled(
        value=value,
        error=_error(list(foretold), value),
        interval=rate and (min(rate[0], value), max(rate[1], value)),
        length=length,
        length_interval=sure,
        strength=strength,
    )


@dataclass(frozen=True)
class _Data:
    """Rows to fit, each with a share of wins and a weight."""

    rows: "Array"
    wins: "Array"
    weights: "Array"

    def chosen(self) -> tuple[float, "Array"]:
        """The strength that five folds find best, and the coefficients; the draws are those of scikit-learn's LogisticRegressionCV."""
        import numpy as np
        from sklearn.model_selection import GroupKFold

        strengths = np.logspace(-4, 4, 10)
        twice, count = np.tile(np.arange(len(self.wins)), 2), len(self.wins)
        scores = np.zeros(len(strengths))
        for fit, held in GroupKFold(_FOLDS).split(twice, groups=twice):
            draw = np.random.RandomState(_SEED)
            part = held[held < count]
            for place, strength in enumerate(strengths):
                said = _logistic(self.rows[part] @ self._fitted(fit, strength, draw)).clip(1e-15, 1 - 1e-15)
                wins, weights = self.wins[part], self.weights[part]
                scores[place] += (weights * (wins * np.log(said) + (1 - wins) * np.log(1 - said))).mean()
        best = float(strengths[int(scores.argmax())])
        return best, self._fitted(np.arange(2 * count), best, np.random.RandomState(_SEED))

    def _fitted(self, part: Any, strength: float, draw: Any) -> "Array":
        """Coefficients of liblinear: each row stands there as a win and as a loss, weighted with its share of both."""
        import warnings

        import numpy as np
        from sklearn.linear_model import LogisticRegression

        rows = np.vstack([self.rows, self.rows])[part]
        labels = np.repeat([1, 0], len(self.wins))[part]
        weights = np.concatenate([self.wins * self.weights, (1 - self.wins) * self.weights])[part]
        if not (weights[labels == 0].any() and weights[labels == 1].any()):
            weights = weights.clip(_NONE)  # liblinear complains aloud where one side always won
        fit = LogisticRegression(
            C=strength, l1_ratio=1, solver="liblinear", fit_intercept=False, random_state=draw
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged, as in AlpacaEval
            coefficients = fit.fit(rows, labels, sample_weight=weights).coef_[0]
        return np.asarray(coefficients, dtype=float)


Interval = tuple[float, float]


def _sure(
    data: _Data, equal: "Array", clusters: Sequence[str], before: int
) -> tuple[Interval | None, float | None, Interval | None]:
    """Intervals for the rate and for the length's coefficient, over clusters, by each row's influence on the fit without penalty."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit

    def loss(at: "Array") -> tuple[float, "Array"]:
        lines = data.rows @ at
        cost = data.weights * (np.logaddexp(0, lines) - data.wins * lines)
        return float(cost.sum()), data.rows.T @ (data.weights * (expit(lines) - data.wins))

    at = minimize(loss, np.zeros(data.rows.shape[1]), jac=True, method="BFGS").x
    said = expit(data.rows @ at)
    curve = (data.rows * (data.weights * said * (1 - said))[:, None]).T @ data.rows
    told = float((data.weights * said * (1 - said)).sum())
    if told < _LEAST or not np.isfinite(curve).all() or np.linalg.cond(curve) > 1e10:
        return None, None, None  # one side always won: no finite fit
    own = slice(before, None)
    pull = (data.rows[own] * (data.wins - said)[own, None]) @ np.linalg.inv(curve) * len(equal)
    foretold = expit(equal @ at)
    slope = (equal * (foretold * (1 - foretold))[:, None]).mean(axis=0)
    if not pull.any():
        return None, float(-at[0]), None  # every pair is a tie
    rate = mean_interval(list(foretold + pull @ slope), clusters=clusters, bounds=(0.0, 1.0))
    return rate, float(-at[0]), mean_interval(list(-at[0] - pull[:, 0]), clusters=clusters)


def _difficulty(known: Known | None, indices: Sequence[int], count: int) -> Iterator[Sequence[float]]:
    if known is None:
        return
    missing = [one for one in indices if one not in known.difficulty]
    if missing or len(indices) != count:
        raise DataError(
            f"no difficulty is known of {len(missing) or count} instructions, such as number {missing[0] if missing else 0}",
            hint="leave `difficulty` out: AlpacaEval's are of its own 805 instructions",
        )
    yield [known.difficulty[one] for one in indices]


def _logistic(lines: "Array") -> "Array":
    from scipy.special import expit

    found: Array = expit(lines)
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _error(values: Sequence[float], mean: float) -> float:
    """The standard error of a mean."""
    if len(values) < 2:
        return math.nan
    return math.sqrt(math.fsum((one - mean) ** 2 for one in values) / (len(values) - 1) / len(values))

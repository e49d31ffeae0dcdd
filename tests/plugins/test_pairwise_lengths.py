"""AlpacaEval's numbers: counted by hand, by its own formula, and as version 0.6.6 of its package gave them for these rows."""

import csv
import math

import numpy as np
import pytest
from scipy.optimize import minimize

from langadapt.errors import DataError
from langadapt_plugins.evaluators.pairwise_lengths import Known, controlled, counted

# From alpaca_eval 0.6.6 (scikit-learn 1.9.1) for `rows()` and, as df_gamed.csv, `gamed()`.
PUBLISHED = {
    "win_rate": 63.89285714285714, "standard_error": 3.3338755743253965, "n_wins": 36, "n_wins_base": 12,
    "n_draws": 8, "n_total": 56, "discrete_win_rate": 71.42857142857143,
}  # fmt: skip
CONTROLLED = {
    "v1": (58.85343976248817, 1.6410563659530735),
    "noreg": (57.32459643427183, 2.0928476771186606),
    "minimal": (58.454044656375004, 0.0),
}


def rows():
    """Preferences and lengths (ours, theirs) that hang on length, on a difficulty and on a number."""
    preferences, lengths = [], []
    for k in range(60):
        ours, theirs = 200 + 37 * k % 401, 150 + 53 * k % 307
        line = 0.6 + (ours - theirs) / 200 + ((k * 7) % 11 - 5) / 8 + ((k * 5) % 13 - 6) / 3
        share = 1 / (1 + math.exp(-line))
        told = None if k % 17 == 3 else 0 if k % 13 == 5 else 1.5 if k % 19 == 7 else 1 + round(share, 2)
        preferences.append(told)
        lengths.append((ours, theirs))
    return preferences, lengths


def gamed(path, *, whole=True):
    """A df_gamed.csv of our own; less its baselines, an instruction_difficulty.csv."""
    names = ["model", "index", "instruction_difficulty", "preference", "std_delta_len", "not_gamed_baseline"]
    with path.open("w", newline="", encoding="utf-8") as out:
        table = csv.writer(out)
        table.writerow(names if whole else ["", "instruction_difficulty"])
        for model, sign in (("longer", -1), ("shorter", 1)):
            for k in range(60):
                hard = ((k * 5) % 13 - 6) / 5
                row = [model, k, hard, 0.3 + ((k * 3) % 7) / 20, sign * ((k * 11) % 9 - 1) / 4, False]
                table.writerow(row if whole else [k, hard])
    return path


def fitted(known=None):
    preferences, lengths = rows()
    return controlled(
        preferences, lengths, clusters=list(map(str, range(60))), known=known, indices=range(60)
    )


def test_the_package_s_numbers():
    assert counted(rows()[0]) == pytest.approx(PUBLISHED, abs=1e-9)


def test_the_package_s_length_controlled_numbers(tmp_path):
    found = {
        "v1": fitted(Known.read(gamed(tmp_path / "df_gamed.csv"))),
        "noreg": fitted(Known.read(gamed(tmp_path / "instruction_difficulty.csv", whole=False))),
        "minimal": fitted(),
    }
    for name, (value, error) in CONTROLLED.items():
        assert 100 * found[name].value == pytest.approx(value, abs=1e-6)
        assert 100 * found[name].error == pytest.approx(error, abs=1e-6)
        low, high = found[name].interval
        assert low <= found[name].value <= high


def test_by_its_own_formula():
    """The penalised likelihood at the strength that was chosen, minimised by another library."""
    preferences, lengths = rows()
    read = [(one, pair) for one, pair in zip(preferences, lengths, strict=True) if one is not None]
    apart = np.asarray([b - a for a, b in lengths], dtype=float)
    wins = np.asarray([(one or 1.5) - 1 for one, _ in read])
    length = np.tanh(np.asarray([b - a for _, (a, b) in read]) / apart.std(ddof=1))
    found = fitted()

    def cost(at):
        line = at[0] * length + at[1]
        loss = wins * np.logaddexp(0, -line) + (1 - wins) * np.logaddexp(0, line)
        return np.abs(at).sum() + found.strength * loss.sum()

    best = minimize(cost, [0.1, 0.1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9}).x
    assert found.value == pytest.approx(1 / (1 + math.exp(-best[1])), abs=1e-3)
    assert found.length > 0, "longer answers are liked"


def test_counted_by_hand():
    found = counted([2, 2, 1, 1.5, None, 0, 1.25, math.nan, 7])
    values = [1, 1, 0, 0.5, 0.5, 0.25]
    mean = sum(values) / 6
    assert found == pytest.approx(
        {
            "win_rate": 100 * mean,
            "standard_error": 100 * math.sqrt(sum((one - mean) ** 2 for one in values) / 5 / 6),
            "n_wins": 2, "n_wins_base": 2, "n_draws": 2, "n_total": 6,
            "discrete_win_rate": 100 * (1 + 1 + 0 + 0.5 + 0.5 + 0) / 6,
        }
    )  # fmt: skip


def test_notus_published_standard_error_follows_from_its_rate():
    """804 discrete preferences that come to 91.42 %: the published 0.99 is the standard error of their mean."""
    found = counted([2.0] * 735 + [1.0] * 69)
    assert (found["n_total"], round(found["win_rate"], 2), round(found["standard_error"], 2)) == (
        804,
        91.42,
        0.99,
    )


def test_taste_for_length_is_taken_out():
    """Equally good answers, ours longer, a judge who goes by length: half the wins where lengths were equal."""
    draw = np.random.default_rng(3)
    ours, theirs = draw.normal(900, 200, 800), draw.normal(700, 200, 800)
    chance = 1 / (1 + np.exp(-1.5 * np.tanh((ours - theirs) / 283)))
    preferences = [1.0 + float(one) for one in draw.random(800) < chance]
    lengths = [(int(a), int(b)) for a, b in zip(ours, theirs, strict=True)]
    found = controlled(preferences, lengths, clusters=list(map(str, range(800))))
    assert counted(preferences)["win_rate"] > 60
    assert found.interval[0] <= 0.5 <= found.interval[1]
    assert found.length_interval[0] < 1.5 < found.length_interval[1]


@pytest.mark.parametrize(
    ("preferences", "lengths"),
    [
        ([], []),
        ([2.0] * 9, [(n, 5) for n in range(9)]),
        ([2.0] * 20, [(7, 7)] * 20),
        ([None] * 20, [(n, 5) for n in range(20)]),
        ([7.0] * 20, [(n, 5) for n in range(20)]),
    ],
)
def test_what_cannot_tell(preferences, lengths):
    assert controlled(preferences, lengths, clusters=[str(n) for n in range(len(lengths))]) is None


def test_all_won_and_all_tied():
    lengths = [(100 + n * 37 % 90, 120) for n in range(40)]
    names = list(map(str, range(40)))
    won = controlled([2.0] * 40, lengths, clusters=names)
    assert won.value > 0.9
    assert (won.interval, won.length) == (None, None)
    tied = controlled([1.5] * 40, lengths, clusters=names)
    assert (tied.value, tied.interval) == (0.5, None)


def test_instructions_of_another_set(tmp_path):
    known = Known.read(gamed(tmp_path / "g.csv"))
    preferences, lengths = rows()
    with pytest.raises(DataError, match=r"2 instructions, such as number 60"):
        controlled(
            [*preferences, 2.0, 1.0],
            [*lengths, (1, 2), (2, 1)],
            clusters=["x"] * 62,
            known=known,
            indices=range(62),
        )


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2\n", ",instruction_difficulty\n0,hard\n", ",instruction_difficulty\n0,nan\n", "index\n1\n"],
)
def test_files_that_are_none(tmp_path, text):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError):
        Known.read(path)
    with pytest.raises(DataError):
        Known.read(tmp_path / "missing.csv")

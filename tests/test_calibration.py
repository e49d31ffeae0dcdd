"""`langadapt filter --calibrate`: what it prints of each filter, and the limits that it writes."""

import json
import tomllib

import pytest
from end_to_end.commands import langadapt

GERMAN = "Der Zug nach Hamburg fährt heute eine Stunde später ab, weil die Strecke noch gesperrt ist."
ENGLISH = "The train to Hamburg leaves an hour later today because the line is still closed on account of a storm in the night."


@pytest.fixture
def files(tmp_path):
    """Twenty translated rows: two left in English, one ten times too long; and labels of all."""
    targets = [GERMAN] * 17 + [ENGLISH] * 2 + [GERMAN * 10]
    for name, texts in (("in", [ENGLISH] * 20), ("out", targets)):
        rows = [json.dumps({"id": n, "text": text}) for n, text in enumerate(texts)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    labels = [json.dumps({"id": n, "good": n < 17}) for n in range(20)]
    (tmp_path / "labels.jsonl").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return tmp_path


def calibrate(files, *words):
    return langadapt(
        "filter", "out.jsonl", "kept.jsonl", "--source", "in.jsonl", "--language", "de", "--recipe", "mini",
        "--filter", "language-id", "--filter", "length", "--calibrate", *words, folder=files,
    )  # fmt: skip


@pytest.mark.slow
def test_it_measures_each_filter_and_keeps_nothing(files):
    done = calibrate(files, "--labels", "labels.jsonl")
    assert done.returncode == 0, done.stderr
    table = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[2:5]}
    assert table == {
        "language-id": ["10.0%", "66.7%", "0.0%"],
        "length": ["5.0%", "33.3%", "0.0%"],
        "all": ["15.0%", "100.0%", "0.0%"],
    }
    assert "language: en, not de" in done.stdout
    assert not (files / "kept.jsonl").exists()


@pytest.mark.slow
def test_a_share_becomes_a_number_in_a_recipe(files):
    done = calibrate(files, "--set", "length.at_most=95%", "--write", "mine.toml")
    assert done.returncode == 0, done.stderr
    recipe = tomllib.loads((files / "mine.toml").read_text(encoding="utf-8"))
    assert recipe["extends"] == "mini"
    assert 1.0 < recipe["filter"]["length"]["at_most"] < 9.0
    shown = langadapt("show", "mine.toml", "--language", "de", folder=files)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--set", "length.slack=5%"], "length.slack is no limit of a score"),
        (["--set", "length.at_most=much%"], "no share of a limit"),
    ],
)
def test_what_is_no_limit_is_named(files, words, what):
    done = calibrate(files, *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)
    assert what in done.stderr

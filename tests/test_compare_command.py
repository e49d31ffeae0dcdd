"""`langadapt compare`: which checkpoints its words name, what it prints, draws and refuses."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner
from compared import LM, MT, harness, mt_bench, run

from langadapt.cli import cli
from langadapt.compare import compare, lines, picture, sides
from langadapt.errors import ConfigError, DataError
from langadapt.published import published, spoken

EASY = [float(n % 3 == 0) for n in range(60)]
BETTER = [float(n % 3 != 1) for n in range(60)]
HOSTILE = "a\x1b[31m\u202e$x$ <b>&\n" + "long " * 30


@pytest.fixture
def two_runs(tmp_path):
    """Two runs of one recipe, of which the second trained in another order; both with a base."""
    for name, trained in (("one", ("sft", "dpo")), ("two", ("zero", "alpha"))):
        run(tmp_path / name, trained=trained)
        for place, checkpoint in enumerate(("base", *trained)):
            harness(
                tmp_path / name / "evaluate" / checkpoint, BETTER if place else EASY,
                task="mini_arc_de", signature=f"{LM}|set:leolm",
            )  # fmt: skip
            mt_bench(tmp_path / name / "evaluate" / checkpoint, [(5, 6 + place)] * 9)
    return tmp_path


def asked(*words, code=0):
    done = CliRunner().invoke(cli, ["compare", *map(str, words)])
    if code:
        assert done.exception.exit_code == code
        return done.exception
    assert done.exception is None, done.output
    return done.output


def labels(*words):
    return [side.label for side in sides([str(word) for word in words])]


def test_the_words_name_checkpoints(two_runs):
    one, two = two_runs / "one", two_runs / "two"
    assert labels(one) == ["base", "sft", "dpo"]
    assert labels(two) == ["base", "zero", "alpha"]
    assert labels(one, two) == ["one:dpo", "two:alpha"]
    assert labels(f"{one}:sft", two, f"{one}:base") == ["one:sft", "two:alpha", "one:base"]
    assert labels(one / "evaluate" / "sft", f"{two}:base") == ["sft", "two:base"]


def test_two_runs_of_one_name_are_told_apart(tmp_path):
    for place in ("a", "b"):
        harness(run(tmp_path / place / "de-mini", trained=("sft",)) / "evaluate" / "sft", EASY)
    found = labels(tmp_path / "a" / "de-mini", tmp_path / "b" / "de-mini")
    assert found == [f"{tmp_path}/a/de-mini:sft", f"{tmp_path}/b/de-mini:sft"]


def test_a_folder_may_hold_a_colon(tmp_path):
    folder = run(tmp_path / "de:mini", trained=("sft",))
    for name in ("base", "sft"):
        harness(folder / "evaluate" / name, EASY)
    assert labels(folder) == ["base", "sft"]
    assert labels(f"{folder}:sft", f"{folder}:base") == ["sft", "base"]


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        (["one:ppo"], ConfigError, "no evaluated checkpoint 'ppo'"),
        (["one:sft"], DataError, "the only checkpoint"),
        (["one:sft", "two/../one/:sft"], ConfigError, "named twice"),
        (["gone"], ConfigError, "is no folder"),
        (["gone:sft", "one"], ConfigError, "is no folder"),
        (["."], ConfigError, "neither a run folder nor"),
        (["fr", "one"], ConfigError, "fr:sft is fr, one:dpo is de"),
        (["empty", "one"], DataError, "nothing was evaluated yet"),
        (["broken", "one"], DataError, "request.json"),
    ],
)
def test_what_is_no_pair_is_refused(two_runs, monkeypatch, words, kind, told):
    monkeypatch.chdir(two_runs)
    harness(run(two_runs / "fr", language="fr", trained=("sft",)) / "evaluate" / "sft", EASY)
    run(two_runs / "empty")
    (run(two_runs / "broken") / "request.json").write_text("{")
    with pytest.raises(kind, match=told) as raised:
        sides(words)
    assert raised.value.hint
    assert "\n" not in str(raised.value)


def test_a_table_of_a_hundred_columns(two_runs):
    said = asked(two_runs / "one")
    assert max(map(len, said.splitlines()[:14])) <= 100
    assert said.count("mini_arc_de acc") == said.count("mt-bench rating") == 3
    assert "A base, B dpo" in said
    assert "over all 6 comparisons: 5 are beyond chance" in said
    shown = [line for line in said.splitlines() if line.startswith("not run here")]
    assert len(shown) == 2
    assert "Phoenix, as published, set leolm: arc 0.443, mt-bench 5.78 (arXiv 2401.10580" in shown[0]
    assert "mmlu" not in "".join(shown)


def test_long_names_that_begin_alike_are_told_apart(tmp_path):
    for name, right in (("one", EASY), ("two", [1000 * value for value in BETTER])):
        for place in ("of-english", "of-german"):
            folder = harness(tmp_path / name / place, right, task=f"a-long-name-of-a-task-{place}", metric="per-segment-mean")  # fmt: skip
            folder.rename(tmp_path / name / f"harness-{place}")
    shown = [line for line in asked(tmp_path / "one", tmp_path / "two").splitlines() if "…" in line]
    assert len({line.split("  ")[0] for line in shown}) == 2
    assert max(map(len, shown)) <= 100


def test_json_holds_the_same_and_nothing_else(two_runs):
    told = json.loads(asked(two_runs / "one", two_runs / "two:base", "--json", "--task", "mt-bench/writing"))
    (row,) = told["comparisons"]
    assert (row["task"], row["first"], row["second"]) == ("mt-bench/writing", "one:dpo", "two:base")
    assert row["difference"] == pytest.approx(-1)
    assert row["signatures"] == [MT, MT]
    assert told["language"] == "de"
    assert told["published"]["phoenix"]["run_here"] is False
    assert told["left_out"] == []


def test_files_are_the_same_bytes_each_time(two_runs):
    for place in ("first", "again"):
        asked(two_runs / "one", "--output", two_runs / place / "deep")
    for name in ("compare.json", "compare.svg"):
        assert (two_runs / "first/deep" / name).read_bytes() == (two_runs / "again/deep" / name).read_bytes()
    ET.parse(two_runs / "first" / "deep" / "compare.svg")


def test_an_unknown_task_and_nothing_in_common(two_runs):
    error = asked(two_runs / "one", "--task", "arc", code=2)
    assert "'arc'" in str(error)
    assert "mini_arc_de" in error.hint
    harness(run(two_runs / "far", trained=("sft",)) / "evaluate" / "sft", EASY, task="other")
    error = asked(two_runs / "one", two_runs / "far", code=4)
    assert "mini_arc_de acc: only one:dpo has it" in str(error)
    assert "other acc: only far:sft has it" in str(error)


def test_names_steer_no_terminal_and_break_no_picture(tmp_path):
    run(tmp_path, trained=("sft",))
    for name, right in (("base", EASY), ("sft", BETTER)):
        harness(tmp_path / "evaluate" / name, right, task=HOSTILE, signature=f"{LM}|{HOSTILE}")
    found = compare(sides([str(tmp_path)]))
    told = {"x": {"title": HOSTILE, "source": HOSTILE, "arc": 0.5}}
    said = list(lines(found, told, {HOSTILE: "arc"}))
    assert all(char.isprintable() for line in said for char in line)
    assert max(len(line) for line in said) <= 300
    drawn = picture(found)
    ET.fromstring(drawn)
    assert "<b>" not in drawn


def test_nothing_differs_and_everything_differs(tmp_path):
    run(tmp_path, trained=("sft", "dpo"))
    for name, right in (("base", [0.0] * 40), ("sft", [1.0] * 40), ("dpo", [1.0] * 40)):
        harness(tmp_path / "evaluate" / name, right)
    said = asked(tmp_path)
    assert "+1.000*" in said
    assert "<.001" in said
    ET.fromstring(picture(compare(sides([str(tmp_path)]))))


def test_a_reader_takes_no_lock_and_writes_nothing(two_runs):
    before = sorted(two_runs.rglob("*"))
    asked(two_runs / "one")
    assert sorted(two_runs.rglob("*")) == before


def test_published_figures_belong_to_a_language():
    assert set(published("de")) == set(published("de-AT")) == {"phoenix", "leolm-mistral-7b-chat"}
    assert set(published("en")) == {"notus-7b-v1", "zephyr-7b-beta"}
    assert published("fr") == {}
    assert spoken({"own": {"arc": 0.5}, "far": {"language": "fr"}}, "de") == {"own": {"arc": 0.5}}
    for told in (published("de") | published("en")).values():
        assert told["title"]
        assert told["source"]
        assert all(0 < told[name] < 1 for name in ("hellaswag", "arc", "mmlu"))
    parts = published("de")["phoenix"]["parts"]
    turns = [parts[f"mt-bench/turn-{turn}"] for turn in (1, 2)]
    assert sum(turns) / 2 == pytest.approx(published("de")["phoenix"]["mt-bench"])
    others = [value for name, value in parts.items() if "turn" not in name]
    assert sum(others) / len(others) == pytest.approx(published("de")["phoenix"]["mt-bench"])


def test_two_sets_stand_in_two_tables_and_figures_with_their_own(tmp_path):
    """The same benchmark in two sets: nothing is put together, and Phoenix's figure stands by the fork's alone."""
    members = {"leolm_arc_challenge_de": "leolm", "arc_de": "okapi"}
    folder = run(tmp_path / "one", trained=("sft",))
    for name, right in {"base": EASY, "sft": BETTER}.items():
        for task, within in members.items():
            signature = f"{LM.replace('task:arc', f'task:{task}')}|set:{within}"
            place = harness(folder / "evaluate" / name, right, task=task, signature=signature)
            place.rename(place.with_name(f"harness-{within}"))
    said = asked(folder)
    first, second, *_ = said.split("\n\n")
    assert "set okapi" in said
    assert "set leolm" in said
    assert all(("arc_de acc" in part) != ("leolm_arc_challenge_de acc" in part) for part in (first, second))
    assert said.count("benchmarks asked as plain text") == 2
    assert "set leolm: arc 0.443" in said
    found = compare(sides([str(folder)]))
    assert [row.set for row in found.rows] == ["leolm", "okapi"]
    assert {one.split(":")[0] for one in re.findall(r"set \w+: share", picture(found))} == {
        "set leolm",
        "set okapi",
    }
    (folder / "evaluate" / "sft" / "harness-leolm" / "scores.json").unlink()
    assert "set leolm" not in asked(folder).split("not compared")[0]
    assert "arc 0.443" not in asked(folder)

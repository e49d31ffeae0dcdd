"""`langadapt plan` as a user runs it: on the mini recipe, on rows of one's own, for any language, and `run` that asks."""

import json
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from langadapt.cli import cli
from langadapt.memory import TranslationMemory

HERE = Path(__file__).parents[2] / "languages" / "de" / "mini"
STAGES = ["prepare", "translate", "filter", "filter.round-trip", "train.sft", "train.dpo", "evaluate.harness", "evaluate.mt-bench",
          "evaluate.fidelity", "evaluate.probes", "report"]  # fmt: skip
ESTIMATES = (
    "rows",
    "segments",
    "tokens",
    "seconds",
    "device_hours",
    "money",
    "energy_kwh",
    "disk_bytes",
    "memory_bytes",
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


def invoke(*words):
    done = CliRunner().invoke(cli, ["plan", *map(str, words)], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done


def planned(*words):
    done = invoke(*words, "--json")
    return json.loads(done.stdout)


def stage(made, name):
    return next(one for one in made["stages"] if one["stage"] == name)


def chats(path, rows, text="Say {n}."):
    path.write_text(
        "".join(
            json.dumps({"id": f"r{n}", "messages": [{"role": "user", "content": text.format(n=n)},
                                                    {"role": "assistant", "content": f"Here is the answer, number {n}."}]}) + "\n"
            for n in range(rows)
        )
    )  # fmt: skip
    return path


QUICK = ("de", "--recipe", "mini", "--no-calibrate")


def test_the_mini_recipe_is_planned_as_it_is_and_the_keys_are_those_of_the_page():
    made = planned(*QUICK)
    assert [one["stage"] for one in made["stages"]] == STAGES
    assert [(one["rows"], one["kept"]) for one in made["sources"]] == [(174, 174), (96, 96)]
    counts = {name: value["expected"] for name, value in made["counts"].items()}
    assert counts["rows_translated"], counts["rows_untouched"] == (264, 6)
    assert counts["segments"] == 1812  # what the run's manifests say: 1,247 and 565
    assert 1600 < counts["segments_unique"] <= 1812
    for one in [*made["stages"], {**made["totals"], "rows": {}, "segments": {}, "tokens": {}}]:
        for key in ESTIMATES:
            told = one[key]
            assert not told or 0 <= told["low"] <= told["expected"] <= told["high"], (one, key)
    assert {
        "plan",
        "language",
        "recipe",
        "currency",
        "hardware",
        "sources",
        "counts",
        "sample",
        "services",
        "unpriced",
        "assumed",
        "notes",
        "stages",
        "totals",
    } == set(made)
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "plan.md").read_text()
    assert all(f"`{key}`" in page for key in [*made, *made["stages"][0], *made["sample"], *made["counts"]])
    assert made["sample"]["calibrated"] is False
    assert not list(Path().rglob("*.sqlite")), "nothing is remembered without a calibration"
    assert all({"what", "value", "source"} == set(one) and one["source"] for one in made["assumed"])
    assert stage(made, "translate")["basis"] == "table"


def test_the_plan_of_the_mini_recipe_is_near_what_the_run_takes():
    made = planned(*QUICK)
    told = {"translate": 23_054, "train.sft": 193_980}  # tokens in the manifests of a run
    for name, tokens in told.items():
        assert stage(made, name)["tokens"]["low"] <= tokens <= stage(made, name)["tokens"]["high"]


def test_the_table_says_every_stage_and_holds_nothing_that_steers_a_terminal():
    said = invoke(*QUICK).stdout
    for name in STAGES:
        assert f"\n{name} " in said
    assert "between" in said
    assert "DeepL" in said
    assert "Assumed, and not measured here:" in said
    assert said.isprintable() or (set(said) - {"\n"} and all(c.isprintable() or c == "\n" for c in said))
    assert max(map(len, said.split("\n\n")[2].splitlines())) <= 100


@pytest.mark.slow
def test_a_calibrated_plan_translates_remembers_and_costs_less_the_second_time():
    before = planned(*QUICK)
    made = planned("de", "--recipe", "mini")
    assert made["sample"]["calibrated"]
    assert stage(made, "translate")["basis"] == "measured"
    done = made["sample"]["segments_translated"]
    assert 100 <= done < 1000
    with_memory = planned(*QUICK)
    new = [one["counts"]["segments_to_translate"]["expected"] for one in (before, with_memory)]
    assert new[0] - new[1] == pytest.approx(done - made["sample"]["unfinished"], abs=0.05 * done)
    assert (
        stage(with_memory, "translate")["tokens"]["expected"]
        < stage(before, "translate")["tokens"]["expected"]
    )
    again = planned("de", "--recipe", "mini")
    assert (
        again["counts"]["segments_to_translate"]["expected"]
        == with_memory["counts"]["segments_to_translate"]["expected"]
    )


def test_what_the_memory_holds_costs_nothing(here):
    rows = chats(here / "rows.jsonl", 50)
    words = (*QUICK, "--conversations", rows, "--memory", here / "memory.sqlite")
    before = stage(planned(*words), "translate")["tokens"]["expected"]
    planned(
        "de", "--recipe", "mini", "--conversations", rows, "--memory", here / "memory.sqlite", "--share", "1"
    )
    memory = TranslationMemory(here / "memory.sqlite")
    with memory.use() as db:
        (entries,) = db.execute("SELECT COUNT(*) FROM hypotheses").fetchone()
        (answers,) = db.execute("SELECT COUNT(*) FROM answers").fetchone()
    memory.close()
    assert entries > 40
    assert not answers, "to plan is not to be saved work"
    after = planned(*words)
    assert stage(after, "translate")["tokens"]["expected"] < 0.3 * before


def test_limits_and_settings_are_honoured(here):
    rows = chats(here / "rows.jsonl", 300, "A question about things, number {n}?")
    words = (*QUICK, "--conversations", rows)
    whole, few = planned(*words), planned(*words, "--limit", 100)
    assert (whole["sources"][0]["rows"], few["sources"][0]["rows"]) == (300, 100)
    assert [one["stage"] for one in whole["stages"] if one["stage"].startswith("train")] == ["train.sft"]
    longer = planned(*words, "--set", "train.sft.epochs=24.0")
    ratio = stage(longer, "train.sft")["tokens"]["expected"] / stage(whole, "train.sft")["tokens"]["expected"]
    assert ratio == pytest.approx(2.0, rel=0.01)
    without = planned(*words, "--set", "filter.round-trip=false")
    assert "filter.round-trip" not in {one["stage"] for one in without["stages"]}
    short = planned(*words, "--set", "prepare.at_most_tokens=3")
    assert short["counts"]["rows_kept"]["expected"] == 0
    assert stage(short, "translate")["tokens"]["expected"] == 0


def test_gates_on_the_source_side_are_asked_about_the_sample(here):
    rows = chats(here / "rows.jsonl", 40, "How do I keep a loaf of bread fresh for longer than {n} days?")
    with rows.open("a") as out:
        for n in range(40):
            text = f"Wie halte ich ein Brot länger als {n} Tage frisch, ohne dass es trocken wird?"
            row = [
                {"role": "user", "content": text},
                {"role": "assistant", "content": f"In einem Topf, {n} Mal."},
            ]
            out.write(json.dumps({"id": f"g{n}", "messages": row}) + "\n")
    words = (*QUICK, "--conversations", rows)
    counts = planned(*words, "--set", "select.language-id.use=language-id")["counts"]
    assert counts["rows_dropped"]["expected"] == pytest.approx(40, abs=6)
    assert planned(*words)["counts"]["rows_dropped"]["expected"] == 0


@pytest.mark.parametrize("code", ["is", "sw", "zh-Hant", "de-AT", "yue", "tlh"])
def test_any_language_can_be_planned(here, code):
    rows = chats(here / "rows.jsonl", 30)
    made = planned(code, "--recipe", "phoenix", "--no-calibrate", "--conversations", rows)
    assert made["language"] == code
    assert made["totals"]["money"]["expected"] > 0
    assert made["hardware"]["name"] == "a100-80gb"
    assert any("tokens are reckoned from characters" in note for note in made["notes"])


@pytest.mark.parametrize(
    ("words", "kind", "part"),
    [
        (("xx",), "ConfigError", "xx"),
        (("de", "--recipe", "mini", "--set", "train.dpo.betta=1"), "ConfigError", "betta"),
        (("is", "--recipe", "phoenix", "--set", "train.sft.lerning_rate=1"), "ConfigError", "lerning_rate"),
        (("de", "--recipe", "mini", "--hardware", "abacus"), "ConfigError", "abacus"),
        (("de", "--recipe", "phoenix"), "MachineError", "source.ultrachat"),
        (("de", "--recipe", "mini", "--conversations", "none.jsonl"), "DataError", "none.jsonl"),
        (("de", "--recipe", "mini", "--conversations", "blank.jsonl"), "DataError", "no row goes on"),
        (("de", "--recipe", "mini", "--conversations", "bad.jsonl"), "DataError", "bad.jsonl, line 2"),
        (("de", "--recipe", "mini", "--share", "0"), "BadParameter", "share"),
    ],
)
def test_mistakes_are_said(here, words, kind, part):
    (here / "blank.jsonl").write_text("\n\n")
    chats(here / "bad.jsonl", 1)
    with (here / "bad.jsonl").open("a") as out:
        out.write('{"messages": \n')
    done = CliRunner().invoke(cli, ["plan", *words, "--no-calibrate"], standalone_mode=False)
    error = done.exception
    assert type(error).__name__ in (kind, "BadParameter" if isinstance(error, click.BadParameter) else kind)
    assert part in (
        error.format_message() if isinstance(error, click.ClickException) else str(error)
    ).lower() or part in str(error)


def test_hostile_names_and_texts_steer_nothing(here):
    (here / "rows\x1b[31m.jsonl").write_bytes(
        b"".join(
            json.dumps({"id": "\x1b]0;x\x07" + str(n), "messages": [
                {"role": "user", "content": text}, {"role": "assistant", "content": text}]}).encode() + b"\n"
            for n, text in enumerate(["\x1b[2J" * 5, "```\n" * 500, "<x1> <x2", "a" * 200_000, "\u202eabc", "\x00 b", "# #\n- -\n1."])
        )
    )  # fmt: skip
    said = invoke(*QUICK, "--conversations", here / "rows\x1b[31m.jsonl").stdout
    assert "\x1b" not in said
    assert "7 rows" in said
    made = planned(*QUICK, "--conversations", here / "rows\x1b[31m.jsonl")
    assert made["sources"][0]["rows"] == 7


def test_a_named_device_is_planned_for_and_not_calibrated_on(here):
    rows = chats(here / "rows.jsonl", 30)
    made = planned("de", "--recipe", "mini", "--conversations", rows, "--hardware", "h100")
    assert made["hardware"]["title"] == "NVIDIA H100"
    assert made["sample"]["calibrated"] is False
    assert stage(made, "translate")["device_hours"]["expected"] > 0


@pytest.mark.parametrize(("limit", "refused"), [("0.0", True), ("1000.0", False)])
def test_run_asks_where_it_is_expected_to_cost_more_than_the_recipe_allows(here, monkeypatch, limit, refused):
    for module in ("langadapt.cli.run", "langadapt.machine"):
        monkeypatch.setattr(f"{module}.accelerator", lambda: "NVIDIA A100-SXM4-80GB")
    words = ["run", "de", "--recipe", "mini", "--set", "needs=gpu", "--set", f"plan.ask_above={limit}", "--until", "translate",
             "--limit", "3", "--set", "translate.device=cpu"]  # fmt: skip
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert (done.exception is not None) == refused, done.exception
    assert (here / "runs" / "de-mini").exists() is not refused
    if refused:
        assert "plan.ask_above" in str(done.exception)
        assert done.exception.hint.startswith("--yes")
        assert CliRunner().invoke(cli, [*words, "--yes"], standalone_mode=False).exception is None
        assert CliRunner().invoke(cli, words, standalone_mode=False).exception is None, (
            "a run that goes on was asked before"
        )
    shutil.rmtree(here / "runs", ignore_errors=True)

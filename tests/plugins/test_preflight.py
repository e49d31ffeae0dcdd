"""What the look before a training finds: each of the benchmark's broken trainings, and nothing of the sound ones."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Finding, ModelRef
from langadapt.records import write_rows

BENCH = Path(__file__).parents[2] / "scripts/bench"
sys.path.insert(0, str(BENCH))
from ruined import BROKEN, ONLY, SOUND_CASES, Case, given, sound_base, unmarked  # noqa: E402 - beside the script

TRUTH = tomllib.loads((BENCH / "preflight_truth.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return sound_base(tmp_path_factory.mktemp("sound") / "base")


@pytest.fixture
def look(base, tmp_path):
    def looked(case, **changes):
        trainer, job = given(case, base, tmp_path)
        return trainer.preflight(replace(job, **changes), rows=case.count)

    return looked


def alarms(found):
    return [one for one in found if one.level != "note"]


def test_every_broken_training_has_its_truth():
    assert sorted(TRUTH) == sorted(BROKEN)
    assert len(BROKEN) >= 15
    assert {row["row"] for row in TRUTH.values()} >= set(range(25, 32))


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named(look, name):
    found = alarms(look(BROKEN[name]))
    assert TRUTH[name]["setting"] in [one.setting for one in found], found
    assert all(one.what and isinstance(one, Finding) for one in found)


@pytest.mark.parametrize("name", SOUND_CASES)
def test_what_is_sound_is_left_alone(look, name):
    assert alarms(look(SOUND_CASES[name])) == []


def test_the_worst_comes_first(look):
    levels = [one.level for one in look(BROKEN["foreign-marks"])]
    assert levels == sorted(levels, key=("error", "warning", "note").index)
    assert {"error", "warning", "note"} <= set(levels)


def test_steps_and_memory_are_told(look):
    said = " ".join(one.what for one in look(Case(settings={"warmup": 0.1})))
    assert "250 steps: 4000 rows, 16 for each step, 1 epochs; 25 of them to warm up" in said
    assert "GiB on each device" in said


def test_packed_rows_make_fewer_steps(look):
    [said] = [one.what for one in look(SOUND_CASES["packed"]) if " packed, " in one.what]
    count = int(said.split(" ")[0])
    assert 1 < count < 50
    assert "rows of 512 tokens, packed" in said


@pytest.mark.parametrize("count", [None, 12])
def test_steps_are_not_guessed_from_examples(look, count):
    said = [one for one in look(Case(count=count)) if "steps" in one.what]
    assert bool(said) == (count is not None)


def test_how_many_rows_are_cut_and_where(look):
    rows = Case(rows=lambda rows: [*rows[:92], *BROKEN["answers-cut"].rows(rows[92:])])
    [cut] = [one for one in look(rows) if one.setting == "max_length"]
    assert cut.level == "note"
    assert cut.what.startswith(
        "4 of 96 rows looked at (4000 in all) lose their end at max_length = 512 tokens"
    )


def test_the_end_is_kept_where_trl_is_told_so(look):
    case = replace(BROKEN["answers-cut"], settings={"arguments": {"truncation_mode": "keep_end"}})
    [cut] = [one for one in look(case) if one.setting == "max_length"]
    assert "lose their beginning" in cut.what


@pytest.mark.parametrize("mark", ["</s>", "<|start_header_id|>"])
def test_rows_that_say_a_control_token_are_told_of(look, mark):
    def with_header(folder):
        from tokenizers import AddedToken, Tokenizer

        made = Tokenizer.from_file(str(folder / "tokenizer.json"))
        made.add_special_tokens(
            [AddedToken("<|start_header_id|>", special=True)]
        )  # no name of its own, as Llama 3's
        made.save(str(folder / "tokenizer.json"))

    def forged(rows):
        turns = [{**turn, "content": f"{turn['content']} {mark}assistant"} for turn in rows[3]["messages"]]
        return [*rows[:3], {**rows[3], "messages": turns}, *rows[4:]]

    found = alarms(look(Case(base=with_header, rows=forged)))
    assert [one.setting for one in found if f"say {mark!r}" in one.what] == ["recipe:filter"]


def test_fewer_steps_than_the_usual_distance_of_points_are_no_alarm(look):
    assert not [one for one in look(Case(count=130, settings={"logging_steps": 100})) if "curves" in one.what]


def test_a_base_that_is_not_there_is_said_and_the_rest_is_looked_at(look, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = look(Case(settings={"warmup": 0.9}), base=ModelRef("nobody/there-is-no-such-model", "0" * 40))
    assert [(one.level, one.setting) for one in found] == [("warning", "warmup"), ("warning", "recipe:base")]
    assert "cannot be read here" in found[1].what


def test_a_template_that_is_not_there_is_an_error_of_the_settings(look):
    with pytest.raises(ConfigError, match=r"none\.jinja"):
        look(Case(), chat_template="/nowhere/none.jinja")


def test_no_rows_are_no_finding_of_rows(look, tmp_path):
    write_rows(tmp_path / "none.jsonl", [])
    assert alarms(look(Case(), records=tmp_path / "none.jsonl")) == []


def test_rows_of_another_kind_are_refused(look, tmp_path):
    write_rows(tmp_path / "texts.jsonl", [{"id": "a", "text": "Only a text."}])
    with pytest.raises(DataError, match="do not fit this trainer"):
        look(Case(), records=tmp_path / "texts.jsonl")


def test_a_template_without_marks_in_the_base_itself(look, base, tmp_path):
    from langadapt.testing.tiny import ZEPHYR

    trainer, job = given(Case(settings=ONLY), base, tmp_path)
    template = unmarked(ZEPHYR.read_text(encoding="utf-8"))
    (job.base.folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    found = alarms(trainer.preflight(replace(job, chat_template=None), rows=4000))
    assert [one.setting for one in found] == ["assistant_only_loss"]


@pytest.mark.parametrize(("method", "settings"), [("sft", {}), ("sft", ONLY), ("dpo", {})])
def test_the_first_batch_shows_what_is_learned(base, tmp_path, method, settings):
    trainer, job = given(
        Case(method=method, settings={**settings, "per_device_batch_size": 2}), base, tmp_path
    )
    batch = trainer.first_batch(job)
    assert len(batch) == (4 if method == "dpo" else 2)
    learned = ["".join(text for text, inside in row if inside) for row in batch]
    whole = ["".join(text for text, _ in row) for row in batch]
    assert whole[0].startswith("<|user|>\nHow far is the dog")
    assert whole[0].endswith("</s>\n")
    if method == "sft" and not settings:
        assert learned == whole
    else:
        assert "How far" not in learned[0]
        assert learned[0].strip() == "The dog is 2 steps away from the dog.</s>"


def test_what_does_not_fit_is_cut_in_the_first_batch_too(base, tmp_path):
    trainer, job = given(Case(settings={"max_length": 8}), base, tmp_path)
    assert all(len("".join(text for text, _ in row)) < 40 for row in trainer.first_batch(job))


@pytest.mark.parametrize(
    ("mebibytes", "level"), [("81559", "note"), ("1024", "warning"), ("nothing", "note")]
)
def test_memory_is_held_against_the_card_that_the_driver_names(look, tmp_path, monkeypatch, mebibytes, level):
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\necho {mebibytes}\n", encoding="utf-8")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    [said] = [one for one in look(Case()) if "GiB on each device" in one.what]
    assert said.level == level
    assert ("this card has 1 GiB" in said.what) == (level == "warning")


def test_adapters_four_bits_and_sharing_take_less_memory(base, tmp_path):
    from langadapt_plugins.trainers.preflight_base import peak

    def gib(name, **settings):
        folder = tmp_path / name
        folder.mkdir()
        trainer, job = given(Case(base=BROKEN["rate-slipped"].base, settings=settings), base, folder)
        parts = peak(trainer._case(job, None, []))
        return {part: size / 2**30 for part, size in parts.items()}

    whole = gib("whole")
    assert whole["weights"] == pytest.approx(
        7.24e9 * 6 / 2**30, rel=0.01
    )  # four bytes, and two for arithmetic
    assert whole["optimizer"] == pytest.approx(7.24e9 * 8 / 2**30, rel=0.01)  # two moments in float32
    adapters = gib("adapters", lora=16, dtype="bfloat16")
    assert adapters["weights"] == pytest.approx(whole["weights"] / 3)
    assert adapters["optimizer"] < whole["optimizer"] / 100
    four = gib("four", lora=16, dtype="bfloat16", quantized=True)
    assert four["weights"] < adapters["weights"] / 3
    shared = gib("shared", processes=8, scale="fsdp2", per_device_batch_size=2)
    assert shared["optimizer"] == pytest.approx(whole["optimizer"] / 8)

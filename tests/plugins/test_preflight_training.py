"""The look before a training, in the training itself: what stops it, what it says, and that TRL sees the same tokens."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from langadapt.errors import ConfigError
from langadapt.progress import Silent
from langadapt.records import read_records
from langadapt_plugins.trainers import preflight, preflight_show, preflight_tokens

BENCH = Path(__file__).parents[2] / "scripts/bench"
sys.path.insert(0, str(BENCH))
from ruined import BROKEN, ONLY, Case, given, sound_base  # noqa: E402 - beside the script


class Heard:
    """Progress that keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return sound_base(tmp_path_factory.mktemp("sound") / "base")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def looked(trainer, job):
    rows, sample = preflight.sampled(job.records, trainer.takes)
    return replace(trainer._case(job, rows, sample), starts=True)


@pytest.mark.parametrize("name", ["no-eos", "pad-ends-generation", "beta-zero", "no-such-schedule"])
def test_what_is_ruined_does_not_begin(base, tmp_path, name):
    trainer, job = given(BROKEN[name], base, tmp_path)
    heard = Heard()
    with pytest.raises(ConfigError, match="before it starts") as caught:
        trainer.train(job, progress=heard)
    assert "stop_at_errors = false" in caught.value.hint
    assert not job.output.exists()
    assert heard.lines == []


def test_every_ruin_is_said_at_once(base, tmp_path):
    trainer, job = given(
        replace(BROKEN["no-eos"], settings={"scheduler": "cosinus", "optimizer": "adam"}), base, tmp_path
    )
    with pytest.raises(ConfigError, match="3 mistakes") as caught:
        trainer.train(job, progress=Heard())
    assert all(name in str(caught.value) for name in ("(scheduler)", "(optimizer)", "(chat_template)"))


def test_it_goes_on_where_it_is_told_to(base, tmp_path):
    trainer, job = given(
        replace(BROKEN["no-such-schedule"], settings={"scheduler": "cosinus", "max_length": 16}),
        base,
        tmp_path,
    )
    heard = Heard()
    preflight_show.look(looked(trainer, job), heard, stop=False)
    assert heard.lines[0].startswith("  error: transformers has no scheduler")
    assert any(line.startswith("  warning: 96 of 96 rows lose their end") for line in heard.lines)


def test_the_first_batch_is_told_and_kept(base, tmp_path):
    trainer, job = given(Case(settings={**ONLY, "per_device_batch_size": 4}), base, tmp_path)
    heard = Heard()
    preflight_show.look(looked(trainer, job), heard, stop=True)
    assert "[[The dog is 2 steps away from the dog.</s>]]" in heard.lines[-1]
    kept = (job.output / "first_batch.txt").read_text(encoding="utf-8")
    assert kept.count("[[") == kept.count("]]") == 4


def test_what_is_missing_here_stops_only_what_begins_here(base, tmp_path):
    case = Case(
        settings={"lora": 16, "learning_rate": 2e-4, "quantized": True, "optimizer": "paged_adamw_32bit"}
    )
    trainer, job = given(case, base, tmp_path)
    if any("bitsandbytes" in one.what for one in trainer.preflight(job, rows=4000)):
        begun = [one for one in preflight.findings(looked(trainer, job)) if "bitsandbytes" in one.what]
        assert [one.level for one in begun] == ["error"]
        assert {one.level for one in trainer.preflight(job, rows=4000)} == {"note"}


def test_a_sample_is_spread_over_the_file_and_begins_at_its_first_row(base, tmp_path):
    _, job = given(Case(), base, tmp_path)
    count, sample = preflight.sampled(job.records, "conversations", 10)
    everything = [record.messages[0].content for record in read_records(job.records)]
    places = [everything.index(row["messages"][0]["content"]) for row in sample]
    assert count == len(everything) == 96
    assert places == list(range(0, 96, places[1]))
    assert 5 <= len(places) <= 10


def prepared(trainer, job, method):
    """The rows as TRL's own trainer prepares them for a model."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    config, kind = {"sft": (SFTConfig, SFTTrainer), "dpo": (DPOConfig, DPOTrainer)}[method]
    tokenizer = AutoTokenizer.from_pretrained(job.base.name)
    tokenizer.chat_template = Path(job.chat_template).read_text(encoding="utf-8")
    own = {"assistant_only_loss": trainer.assistant_only_loss} if method == "sft" else {}
    arguments = config(
        output_dir=str(job.output),
        max_length=trainer.max_length,
        use_cpu=True,
        bf16=False,
        report_to="none",
        **own,
    )
    rows = preflight.sampled(job.records, trainer.takes)[1]
    made = kind(
        model=job.base.name,
        args=arguments,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(list(rows)),
    )
    return rows, made.train_dataset, made.data_collator


@pytest.mark.slow
@pytest.mark.parametrize(("method", "settings"), [("sft", {}), ("sft", ONLY), ("dpo", {})])
def test_trl_sees_the_same_tokens(base, tmp_path, method, settings):
    trainer, job = given(Case(method=method, settings={**settings, "max_length": 64}), base, tmp_path)
    rows, theirs, collator = prepared(trainer, job, method)
    case = looked(trainer, job)
    assert len(rows) == len(theirs) == 96
    for row, theirs_ in zip(rows, theirs, strict=True):
        ours = [preflight_tokens.cut(case, tokens) for tokens in preflight_tokens.of_row(case, row)]
        if method == "dpo":
            for tokens, side in zip(ours, ("chosen_ids", "rejected_ids"), strict=True):
                assert list(tokens.ids) == (theirs_["prompt_ids"] + theirs_[side])[:64]
                assert tokens.prompt == len(theirs_["prompt_ids"])
        else:
            assert list(ours[0].ids) == theirs_["input_ids"]
            labels = collator([theirs_])["labels"][0].tolist()
            assert [label != -100 for label in labels] == list(ours[0].learned)


@pytest.mark.slow
def test_adapters_are_merged_into_a_model_like_any_other(base, tmp_path):
    from safetensors.torch import load_file

    settings = {
        "lora": 4, "lora_targets": ("q_proj", "v_proj"), "learning_rate": 1e-3, "dtype": "float32", "epochs": 1.0,
        "batch_size": 32, "per_device_batch_size": 32, "logging_steps": 1,
    }  # fmt: skip
    trainer, job = given(Case(settings=settings), base, tmp_path)
    checkpoint = trainer.train(job, progress=Silent())
    assert checkpoint.adapter_of is None
    before, after = (
        load_file(folder / "model.safetensors") for folder in (job.base.folder, checkpoint.model.folder)
    )
    changed = {name.split(".")[-2] for name in before if not before[name].equal(after[name])}
    assert set(before) == set(after)
    assert changed == {"q_proj", "v_proj"}
    adapter = load_file(job.output / "adapter" / "adapter_model.safetensors")
    [one] = [name for name in adapter if "layers.0.self_attn.q_proj.lora_A" in name]
    scale, name = 16 / 4, "model.layers.0.self_attn.q_proj.weight"
    delta = adapter[one.replace("lora_A", "lora_B")] @ adapter[one] * scale
    assert (after[name] - before[name] - delta).abs().max() < 1e-6
    assert not list(job.output.rglob("README.md"))

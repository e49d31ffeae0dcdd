"""The reference pass of DPO: what it holds, when it is read again, and what a stopped or torn one leaves."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from tiny import tiny_model

from langadapt.errors import ConfigError
from langadapt.progress import Silent
from langadapt.records import write_rows
from langadapt.testing.examples import example_rows, example_texts
from langadapt.testing.tiny import ZEPHYR
from langadapt_plugins.trainers.trl import TrlDpo

ROWS = example_rows("preferences", 10)


class World:
    """A base, rows and a cache; `made` sets a trainer up as the worker does, which makes or reads the pass."""

    def __init__(self, folder):
        self.folder, self.number = folder, 0
        self.base = tiny_model(folder / "base", example_texts(40))
        self.rows = folder / "rows.jsonl"
        write_rows(self.rows, ROWS)

    def made(self, *, base=None, rows=None, held_out=None, lora=None, edit=None, load=None, **given):
        from transformers import AutoTokenizer
        from trl import DPOConfig

        from langadapt_plugins.trainers.trl_data import dataset
        from langadapt_plugins.trainers.trl_reference import KeptReference

        self.number += 1
        loaded = {"dtype": "float32", "attn_implementation": "sdpa", "revision": None, **(load or {})}
        common = {
            "max_length": 64,
            "per_device_train_batch_size": 4,
            "per_device_eval_batch_size": 4,
            "bf16": False,
        }
        args = DPOConfig(
            output_dir=str(self.folder / f"output-{self.number}"), use_cpu=True, report_to="none", disable_tqdm=True,
            dataloader_pin_memory=False, model_init_kwargs=loaded, precompute_ref_log_probs=True, **{**common, **given},
        )  # fmt: skip
        tokenizer = AutoTokenizer.from_pretrained(base or self.base)
        tokenizer.chat_template = ZEPHYR.read_text(encoding="utf-8")
        if edit:
            edit(tokenizer)
        prepared = {
            "model": str(base or self.base),
            "args": args,
            "train_dataset": dataset(rows or self.rows, "preferences", args),
            "eval_dataset": dataset(held_out, "preferences", args) if held_out else None,
            "processing_class": tokenizer,
            "peft_config": lora,
        }
        return KeptReference(prepared, Silent())

    def passed(self, **given):
        return self.made(**given).reference_facts["reference_pass"]

    def other_rows(self, rows):
        path = self.folder / f"rows-{len(list(self.folder.glob('rows-*')))}.jsonl"
        write_rows(path, rows)
        return path

    def other_base(self, name="moved"):
        return shutil.copytree(self.base, self.folder / f"{name}-{self.number}", copy_function=shutil.copy)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    import datasets

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
        patch.setenv("TQDM_DISABLE", "1")
        yield folder / "reference"


@pytest.fixture(scope="module")
def world(tmp_path_factory, cache):
    made = World(tmp_path_factory.mktemp("world"))
    assert made.passed() == "computed"
    return made


def lora(rank):
    from peft import LoraConfig

    return LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")


def columns(trainer, rows=None):
    rows = trainer.train_dataset if rows is None else rows
    return [list(rows[name]) for name in ("ref_chosen_logps", "ref_rejected_logps")]


@pytest.mark.slow
def test_it_holds_what_the_base_makes_of_each_answer(world):
    import torch
    from transformers import AutoModelForCausalLM

    trainer = world.made(beta=0.7)
    assert trainer.reference_facts["reference_pass"] == "cached"
    model = AutoModelForCausalLM.from_pretrained(world.base).eval()
    for row in trainer.train_dataset:
        for side in ("chosen", "rejected"):
            ids = torch.tensor([(row["prompt_ids"] + row[f"{side}_ids"])[:64]])
            with torch.no_grad():
                scores = model(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])[:, 0]
            assert float(scores[len(row["prompt_ids"]) - 1 :].sum()) == pytest.approx(
                row[f"ref_{side}_logps"], abs=1e-4
            )


@pytest.mark.slow
def test_what_changes_nothing_of_it_hits(world):
    again = [{**row, "id": f"other-{number}", "source": "elsewhere"} for number, row in enumerate(ROWS)]
    moved = world.other_base()
    for path in moved.iterdir():
        os.utime(path, (1, 1))
    hits = {
        "beta, loss, seed, rate": {"beta": 0.5, "loss_type": ["ipo"], "seed": 7, "learning_rate": 1e-2},
        "another folder": {"base": moved},
        "other ids": {"rows": world.other_rows(again)},
        "adapters": {"lora": lora(4)},
        "other adapters": {"lora": lora(2), "seed": 5},
        "checkpointing": {"gradient_checkpointing": False, "num_train_epochs": 3},
    }
    assert {name: world.passed(**given) for name, given in hits.items()} == dict.fromkeys(hits, "cached")


def other_weights(base):
    """As much, at the same place, with the same times."""
    from safetensors.torch import load_file, save_file

    file = base / "model.safetensors"
    times = file.stat()
    held = load_file(file)
    held["model.norm.weight"] = held["model.norm.weight"] * 1.5
    save_file(held, file, metadata={"format": "pt"})
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size


def other_config(base):
    file = base / "config.json"
    told = json.loads(file.read_text())
    told["rope_parameters"] = {"rope_type": "default", "rope_theta": 500.0}
    file.write_text(json.dumps(told))


def pad_with_end(tokenizer):
    tokenizer.pad_token = "<s>"


def say_more(tokenizer):
    tokenizer.chat_template = "{{ 'a' }}" + tokenizer.chat_template


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The `'keep_end'` truncation mode:FutureWarning")
def test_what_changes_it_misses(world):
    shorter = [{**ROWS[0], "chosen": "Yes."}, *ROWS[1:]]
    misses = {
        "a row": {"rows": world.other_rows(shorter)},
        "fewer rows": {"rows": world.other_rows(ROWS[:9])},
        "order": {"rows": world.other_rows(ROWS[::-1])},
        "max_length": {"max_length": 63},
        "truncation": {"truncation_mode": "keep_end"},
        "attention": {"load": {"attn_implementation": "eager"}},
        "weights in bfloat16": {"load": {"dtype": "bfloat16"}},
        "arithmetic in bfloat16": {"bf16": True},
        "batch": {"per_device_train_batch_size": 2},
        "what is weighed": {"ld_alpha": 0.5},
        "padding": {"edit": pad_with_end},
        "template": {"edit": say_more},
    }
    for name, change in (("weights", other_weights), ("config", other_config)):
        changed = world.other_base(name)
        assert world.passed(base=changed) == "cached"
        change(changed)
        misses[name] = {"base": changed}
    assert {name: world.passed(**given) for name, given in misses.items()} == dict.fromkeys(
        misses, "computed"
    )


@pytest.mark.slow
def test_held_out_rows_have_a_pass_of_their_own(world):
    held_out = world.other_rows(example_rows("preferences", 16)[12:])
    first, second = (world.made(held_out=held_out) for _ in range(2))
    assert [one.reference_facts["reference_pass"] for one in (first, second)] == ["computed", "cached"]
    assert columns(first, first.eval_dataset) == columns(second, second.eval_dataset)
    assert columns(first) == columns(second)


@pytest.mark.slow
def test_a_stopped_pass_leaves_nothing_and_a_torn_file_is_made_anew(world, cache, monkeypatch):
    from langadapt_plugins.trainers.trl_reference import KeptReference

    rows = world.other_rows(example_rows("preferences", 30)[20:])
    before, real, asked = set(cache.iterdir()), KeptReference.compute_ref_log_probs, []

    def stopped(self, model, inputs):
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(self, model, inputs)

    with monkeypatch.context() as patch:
        patch.setattr(KeptReference, "compute_ref_log_probs", stopped)
        with pytest.raises(KeyboardInterrupt):
            world.made(rows=rows)
    assert set(cache.iterdir()) == before
    whole = world.made(rows=rows)
    (file,) = set(cache.iterdir()) - before
    assert whole.reference_facts["reference_pass"] == "computed"
    data = file.read_bytes()
    assert len(data) < 1000
    for torn in (b"", data[:9], data[:-8], b"\0" * len(data)):
        file.write_bytes(torn)
        (cache / "left.part").write_bytes(torn)
        again = world.made(rows=rows)
        assert again.reference_facts["reference_pass"] == "computed"
        assert columns(again) == columns(whole)
        assert file.read_bytes() == data


def test_many_writers_and_readers_see_whole_passes(tmp_path):
    from langadapt_plugins.trainers.trl_reference import keep, kept

    file = tmp_path / "cache" / "key.safetensors"
    values = {name: np.arange(5000, dtype=np.float32) for name in ("ref_chosen_logps", "ref_rejected_logps")}
    with ThreadPoolExecutor(8) as threads:
        writing = [threads.submit(keep, file, values) for _ in range(40)]
        seen = [kept(file, 5000) for _ in range(200)]
        for one in writing:
            one.result()
    assert all(one is None or one["ref_chosen_logps"][-1] == 4999 for one in seen)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert kept(file, 4999) is None


def test_a_reference_that_moves_is_not_kept(tmp_path):
    from langadapt.interfaces import ModelRef, TrainingJob

    base = tiny_model(tmp_path / "base", example_texts(40))
    for name, rows in (("rows", ROWS), ("none", [])):
        write_rows(tmp_path / f"{name}.jsonl", rows)
    job = TrainingJob(
        name="dpo", records=tmp_path / "rows.jsonl", held_out=tmp_path / "none.jsonl", base=ModelRef(str(base)),
        chat_template=str(ZEPHYR), output=tmp_path / "output", seed=1,
    )  # fmt: skip
    moving = TrlDpo(arguments={"sync_ref_model": True}, max_length=128)
    found = {one.setting for one in moving.preflight(job, rows=1000) if one.level == "error"}
    assert found == {"reference"}
    assert not [
        one for one in replace(moving, reference="computed").preflight(job, rows=1000) if one.level == "error"
    ]
    with pytest.raises(ConfigError, match="set `reference` instead"):
        TrlDpo(arguments={"precompute_ref_log_probs": True})

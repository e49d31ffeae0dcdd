import pickle
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from processes import alive, wait_for
from tiny import tiny_model

from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Checkpoint, ModelRef, Trainer, TrainingJob
from langadapt.progress import Silent
from langadapt.records import write_rows
from langadapt_plugins.trainers import trl, trl_states
from langadapt_plugins.trainers.trl import TrlCpt, TrlDpo, TrlSft
from langadapt_plugins.trainers.trl_names import STANDS_FOR, argument_names
from langadapt_plugins.trainers.trl_rows import trl_rows

TEMPLATE = str(Path(trl.__file__).parents[2] / "langadapt" / "templates" / "zephyr.jinja")
WORDS = ["Hund", "Katze", "Maus", "Haus", "Baum", "Auto", "Stadt", "Fluss", "Berg", "Wald"]
SMALL = {
    "batch_size": 8,
    "per_device_batch_size": 4,
    "max_length": 96,
    "dtype": "float32",
    "logging_steps": 1,
    "save_steps": 2,
}
KINDS = {
    "sft": (TrlSft, {"learning_rate": 1e-2, "epochs": 6.0, "neftune": 5.0, "assistant_only_loss": True}),
    "dpo": (TrlDpo, {"learning_rate": 1e-3, "epochs": 6.0}),
}


def conversation(i):
    word = WORDS[i % 10]
    question, answer = f"Was ist ein {word} mit der Nummer {i}?", f"Ein {word} ist schön und hat {i} Teile."
    return {
        "messages": [{"role": "user", "content": question, "n": i}, {"role": "assistant", "content": answer}],
        "n": i,
    }


def preference(i):
    word = WORDS[i % 10]
    return {
        "prompt": f"Was ist ein {word}, bitte, {i}?",
        "chosen": f"Ein {word} ist schön.",
        "rejected": f"Nein, {i}!",
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    texts = [turn["content"] for i in range(100) for turn in conversation(i)["messages"]]
    return tiny_model(tmp_path_factory.mktemp("base"), texts)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def job_in(folder, base, kind, rows=40):
    make = conversation if kind == "sft" else preference
    write_rows(folder / "train.jsonl", map(make, range(rows)))
    write_rows(folder / "held-out.jsonl", map(make, range(rows, rows + 4) if rows else ()))
    return TrainingJob(
        name=kind,
        records=folder / "train.jsonl",
        held_out=folder / "held-out.jsonl",
        base=ModelRef(str(base)),
        chat_template=TEMPLATE,
        output=folder / "output",
        seed=42,
    )


@pytest.fixture(scope="module", params=KINDS)
def trained(request, base, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    job = job_in(folder, base, request.param)
    component, settings = KINDS[request.param]
    return request.param, job, component(**SMALL, **settings).train(job, progress=Silent())


def test_both_are_found_by_name_and_fit():
    found = {
        entry.name: entry.load()
        for entry in entry_points(group="langadapt.trainers")
        if entry.name.startswith("trl-")
    }
    assert found == {"trl-cpt": TrlCpt, "trl-sft": TrlSft, "trl-dpo": TrlDpo}
    assert all(isinstance(component(), Trainer) and hash(component()) for component in found.values())


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_names_are_read_as_trl_itself_has_them(method):
    from dataclasses import fields

    from trl import DPOConfig, SFTConfig

    real = {item.name for item in fields(SFTConfig if method == "sft" else DPOConfig)}
    assert real <= argument_names(method)
    settings = KINDS[method][0]().trl_arguments()
    assert set(settings) <= real
    assert {trl for ours, trl in STANDS_FOR.items() if hasattr(KINDS[method][0], ours)} <= set(settings)


def test_trl_is_not_imported_for_its_names():
    code = (
        "import sys; from langadapt_plugins.trainers.trl import TrlSft; TrlSft(arguments={'use_liger_kernel': True});"
        "sys.exit(any(name in sys.modules for name in ('trl', 'torch', 'transformers', 'datasets')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_arguments_pass_without_trl(monkeypatch):
    monkeypatch.setattr("langadapt_plugins.trainers.trl_names.find_spec", lambda name: None)
    argument_names.cache_clear()
    assert TrlSft(arguments={"anything": 1}).arguments
    with pytest.raises(ConfigError, match="set `epochs` instead"):
        TrlSft(arguments={"num_train_epochs": 1})
    argument_names.cache_clear()


@pytest.mark.parametrize(
    ("component", "name", "said"),
    [
        (TrlSft, "gradient_checkpointin", "did you mean `gradient_checkpointing`"),
        (TrlSft, "num_train_epochs", "set `epochs` instead"),
        (TrlSft, "gradient_accumulation_steps", "set `batch_size` instead"),
        (TrlSft, "bf16", "set `dtype` instead"),
        (TrlSft, "beta", "no such argument"),
        (TrlDpo, "packing", "no such argument"),
        (TrlSft, "warmup_ratio", "set `warmup`"),
        (TrlSft, "max_seq_length", "set `max_length`"),
        (TrlSft, "evaluation_strategy", "set `eval_steps`"),
        (TrlDpo, "max_prompt_length", "only `max_length` is left"),
        (TrlDpo, "trust_remote_code", "never run"),
        (TrlDpo, "output_dir", "langadapt sets it"),
    ],
)
def test_wrong_arguments_say_what_to_write(component, name, said):
    with pytest.raises(ConfigError, match=said):
        component(arguments={name: 1})


def test_every_mistake_at_once():
    with pytest.raises(ConfigError, match="3 mistakes") as caught:
        TrlSft(warmup=1.0, batch_size=12, per_device_batch_size=4, processes=2, arguments={"bf16": True})
    assert "batch_size (12) must be a multiple" in str(caught.value)
    assert "(4 * 2 = 8)" in str(caught.value)


def test_accumulation_follows_from_the_batch():
    assert (
        TrlDpo(batch_size=64, per_device_batch_size=4, processes=2).trl_arguments()[
            "gradient_accumulation_steps"
        ]
        == 8
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_and_wrong_rows_are_data_errors(kind, tmp_path):
    component = KINDS[kind][0]()
    with pytest.raises(DataError, match="no rows"):
        component.train(job_in(tmp_path, tmp_path, kind, rows=0), progress=Silent())
    job = job_in(tmp_path, tmp_path, "dpo" if kind == "sft" else "sft")
    with pytest.raises(DataError, match="do not fit this trainer"):
        component.train(job, progress=Silent())
    assert not job.output.exists()


def test_a_template_without_marks_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "plain.jinja").write_text("{{ messages[0]['content'] }}")
    job = job_in(tmp_path, tmp_path, "sft")
    job = TrainingJob(**{**vars(job), "chat_template": str(tmp_path / "plain.jinja")})
    with pytest.raises(ConfigError, match="does not mark the assistant's turns"):
        TrlSft(assistant_only_loss=True).train(job, progress=Silent())


def test_sides_become_messages(tmp_path):
    user, good, bad = (
        {"role": role, "content": text}
        for role, text in (("user", "a"), ("assistant", "b"), ("assistant", "c"))
    )
    rows = [
        {"prompt": "a", "chosen": "b", "rejected": "c"},
        {"prompt": "a", "chosen": [user, good], "rejected": [user, bad]},
        {"prompt": [user], "chosen": [good], "rejected": [bad], "more": 1},
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    assert (
        list(trl_rows(tmp_path / "rows.jsonl", "preferences"))
        == [{"prompt": [user], "chosen": [good], "rejected": [bad]}] * 3
    )
    write_rows(tmp_path / "rows.jsonl", [{"prompt": [user, good], "chosen": "b", "rejected": "c"}])
    with pytest.raises(DataError, match="ends with a message of the assistant"):
        list(trl_rows(tmp_path / "rows.jsonl", "preferences"))


def test_other_settings_wipe_and_unmarked_states_go(tmp_path):
    states = tmp_path / "checkpoints"
    trl_states.guard(tmp_path, {"seed": 1})
    for step, marks in (
        (2, ("whole-0-of-1",)),
        (4, ("whole-0-of-2", "whole-1-of-2")),
        (6, ("whole-0-of-2",)),
        (8, ()),
    ):
        (states / f"checkpoint-{step}").mkdir(parents=True)
        (states / f"checkpoint-{step}" / "trainer_state.json").write_text('{"global_step": 1}')
        for mark in marks:
            (states / f"checkpoint-{step}" / mark).write_text("{}")
    trl_states.guard(tmp_path, {"seed": 1})
    assert trl_states.resumable(states) == str(states / "checkpoint-4")
    assert sorted(path.name for path in states.iterdir()) == ["checkpoint-2", "checkpoint-4"]
    (states / "checkpoint-4" / "trainer_state.json").write_text('{"global')
    assert trl_states.resumable(states) == str(states / "checkpoint-2")
    trl_states.guard(tmp_path, {"seed": 2})
    assert not states.exists()
    assert trl_states.resumable(states) is None


@pytest.mark.slow
def test_a_checkpoint_loads_and_tells_its_story(trained):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind, job, checkpoint = trained
    folder = checkpoint.model.folder
    assert folder == job.output / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert "<|user|>" in tokenizer.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False)
    assert tokenizer.pad_token == "<pad>"
    assert AutoModelForCausalLM.from_pretrained(folder).num_parameters() > 0
    assert not list(folder.glob("*.bin"))
    assert not (job.output / "checkpoints").exists()
    facts = checkpoint.facts
    assert facts["steps"] == 30
    assert (facts["epochs"], facts["rows"], facts["held_out_rows"], facts["world_size"]) == (6.0, 40, 4, 1)
    assert facts["tokens"] > 6 * 40 * 10
    assert facts["held_out_loss_after"] < facts["held_out_loss_before"]
    assert checkpoint.curves[0]["step"] == 0
    assert [row["step"] for row in checkpoint.curves if "loss" in row] == list(range(1, 31))
    assert [row["step"] for row in checkpoint.curves if "eval_loss" in row] == [0, 5, 10, 15, 20, 25, 30]
    if kind == "dpo":
        assert facts["held_out_loss_before"] == pytest.approx(0.6931, abs=1e-4)
        assert facts["train_reward_accuracy"] > 0.9
        assert facts["train_measured_rows"] == 40


@pytest.mark.slow
def test_killed_and_resumed_ends_as_if_nothing_had_happened(trained, tmp_path):
    kind, job, whole = trained
    again = TrainingJob(**{**vars(job), "output": tmp_path / "output"})
    component = KINDS[kind][0](**SMALL, **KINDS[kind][1])
    (tmp_path / "work").write_bytes(pickle.dumps((component, again, Silent())))
    code = "import pickle, sys; c, job, progress = pickle.load(open(sys.argv[1], 'rb')); c.train(job, progress=progress)"
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "work")])
    try:
        wait_for(lambda: list(again.output.glob("checkpoints/checkpoint-*/whole-*")), 300)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not alive(str(again.output)), 60)
    assert not (again.output / "model").exists()
    resumed = component.train(again, progress=Silent())
    assert resumed.facts["resumed_from"]
    assert weights(resumed) == weights(whole)
    timed = {"tokens_per_second": 0}
    assert [{**point, **timed} for point in resumed.curves] == [{**point, **timed} for point in whole.curves]
    differ = {name for name in whole.facts if whole.facts[name] != resumed.facts[name]}
    assert not {
        name
        for name in differ
        if not name.endswith(("seconds", "resumed_from", "per_second", "memory_bytes", "reference_pass"))
    }


@pytest.mark.slow
def test_a_value_that_trl_refuses_is_said_in_its_words(base, tmp_path):
    component = TrlSft(**SMALL, scheduler="nonsense", stop_at_errors=False)
    with pytest.raises(ConfigError, match=r"TRL refuses a setting: .*nonsense"):
        component.train(job_in(tmp_path, base, "sft"), progress=Silent())


def weights(checkpoint: Checkpoint):
    return (checkpoint.model.folder / "model.safetensors").read_bytes()

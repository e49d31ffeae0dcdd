"""Trainings that are sound and trainings that are broken in one place, as a pre-flight is given them. What is broken is in preflight_truth.toml."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from langadapt.interfaces import ModelRef, TrainingJob
from langadapt.records import write_rows
from langadapt.testing.examples import example_rows, example_texts
from langadapt.testing.tiny import ZEPHYR, tiny_model
from langadapt_plugins.trainers.trl import TrlDpo, TrlSft
from langadapt_plugins.trainers.trl_states import guard

Change = Callable[[Path], None]
ROWS = 4000
"""How many rows a training is said to have, unless a case says otherwise; the sample is smaller."""
SEVEN = {
    "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32000,
    "max_position_embeddings": 32768, "tie_word_embeddings": False,
}  # fmt: skip
"""The shape of a 7B model: a config.json without weights is all that is read."""
SOUND: Mapping[str, Mapping[str, Any]] = {
    "sft": {"batch_size": 16, "max_length": 512, "save_steps": 100},
    "dpo": {"batch_size": 16, "max_length": 512, "save_steps": 100},
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A training: how the base, the template and the rows differ from sound ones, and the settings that do.

    `states_of` are settings with which an earlier training left its states.
    """

    method: str = "sft"
    settings: Mapping[str, Any] = field(default_factory=dict)
    template: Callable[[str], str] = str
    base: Change | None = None
    rows: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = list
    count: int | None = ROWS
    states_of: Mapping[str, Any] | None = None


def _json(name: str, **values: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        read = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**read, **values}), encoding="utf-8")

    return change


def _replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        if old not in text:
            raise ValueError(old)
        return text.replace(old, new)

    return change


def _written(text: str) -> Callable[[str], str]:
    return lambda _: text


def _unpadded(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    read = json.loads(path.read_text(encoding="utf-8"))
    read.pop("pad_token")
    path.write_text(json.dumps(read), encoding="utf-8")


def _lower(folder: Path) -> None:
    path = folder / "tokenizer.json"
    read = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**read, "normalizer": {"type": "Lowercase"}}), encoding="utf-8")


def _end_of_turn(folder: Path) -> None:
    """As Gemma has it: turns end with a token of their own, at which generation ends too."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<end_of_turn>", "<start_of_turn>"]})
    tokenizer.save_pretrained(folder)
    _json("config.json", vocab_size=len(tokenizer))(folder)
    end = tokenizer.convert_tokens_to_ids("<end_of_turn>")
    _json("generation_config.json", eos_token_id=[tokenizer.eos_token_id, end])(folder)


def _seven(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps(SEVEN), encoding="utf-8")
    (folder / "generation_config.json").unlink()


def _adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")


def _bloom(folder: Path) -> None:
    shape = {"model_type": "bloom", "vocab_size": 1000, "hidden_size": 32, "n_layer": 2, "n_head": 2}
    (folder / "config.json").write_text(json.dumps(shape), encoding="utf-8")


def _long_prompts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "prompt": row["prompt"] * 40} for row in rows]


def _same_sides(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "rejected": row["chosen"]} for row in rows]


def _with_system(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, "messages": [{"role": "system", "content": "Be brief."}, *row["messages"]]} for row in rows
    ]


def _marked(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, "messages": [{**turn, "content": turn["content"] + "</s>"} for turn in row["messages"]]}
        for row in rows
    ]


def _long_answers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            **row,
            "messages": [
                row["messages"][0],
                {**row["messages"][1], "content": row["messages"][1]["content"] * 120},
            ],
        }
        for row in rows
    ]


CHATML = (
    "{%- for message in messages -%}{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
ANSWER = "{{- message['content'] + eos_token -}}\n{%- endgeneration -%}"
BEGIN = "{%- for message in messages -%}"
ASK = "{{- '<|assistant|>\\n' -}}\n{%- endif -%}"
MARKS = _replaced("{%- generation -%}\n", "")
ONLY = {"assistant_only_loss": True}


def unmarked(text: str) -> str:
    """The template without the marks of the assistant's turns."""
    return text.replace("{%- generation -%}\n", "").replace("{%- endgeneration -%}\n", "")


BROKEN: Mapping[str, Case] = {
    "no-eos": Case(template=_replaced(ANSWER, ANSWER.replace(" + eos_token", ""))),
    "eos-outside-marks": Case(
        template=_replaced(ANSWER, "{{- message['content'] -}}\n{%- endgeneration -%}\n{{- eos_token -}}"), settings=ONLY
    ),
    "no-pad": Case(base=_unpadded),
    "pad-ends-generation": Case(base=_json("generation_config.json", eos_token_id=[2, 0])),
    "other-end": Case(base=_json("generation_config.json", eos_token_id=5)),
    "no-marks": Case(template=unmarked, settings=ONLY),
    "marks-on-questions": Case(
        template=lambda text: unmarked(text)
        .replace("{{- '<|' + message", "{%- generation -%}\n{{- '<|' + message")
        .replace("eos_token + '\\n' -}}\n", "eos_token + '\\n' -}}\n{%- endgeneration -%}\n"),
        settings=ONLY,
    ),
    "begins-each-turn": Case(template=_replaced(BEGIN, BEGIN + "{{- bos_token -}}")),
    "begins-twice-in-pairs": Case(
        method="dpo", template=_replaced(BEGIN, "{{- bos_token + bos_token -}}" + BEGIN)
    ),
    "asks-in-vain": Case(template=_replaced("{%- if add_generation_prompt -%}", "{%- if false -%}")),
    "asks-otherwise": Case(method="dpo", template=_replaced(ASK, ASK.replace("\\n'", "\\n<think>\\n'"))),
    "loses-turns": Case(template=_replaced(BEGIN, "{%- for message in messages[-2:] -%}")),
    "refuses-system": Case(
        template=lambda text: "{%- if messages[0]['role'] == 'system' -%}{{ raise_exception('no system') }}{%- endif -%}" + text,
        rows=_with_system,
    ),
    "foreign-marks": Case(template=_written(CHATML)),
    "tokens-beyond-embedding": Case(base=_json("config.json", vocab_size=300)),
    "longer-than-positions": Case(settings={"max_length": 8192}),
    "packed-without-positions": Case(base=_bloom, settings={"packing": True}),
    "padding-free-unpacked": Case(settings={"arguments": {"padding_free": True}}),
    "flash-in-float32": Case(settings={"attention": "flash_attention_2", "dtype": "float32"}),
    "prompts-fill-length": Case(method="dpo", rows=_long_prompts),
    "answers-cut": Case(rows=_long_answers),
    "same-sides": Case(method="dpo", rows=_same_sides),
    "drops-system": Case(
        template=_replaced(BEGIN, "{%- for message in messages if message['role'] != 'system' -%}"), rows=_with_system
    ),
    "folds-case": Case(base=_lower),
    "only-questions": Case(rows=lambda rows: [{**row, "messages": row["messages"][:1]} for row in rows]),
    "rate-of-sft": Case(
        method="dpo", base=_seven, settings={"learning_rate": 2e-5, "per_device_batch_size": 1, "processes": 8, "scale": "fsdp2"},
    ),
    "end-token-in-text": Case(rows=_marked),
    "one-step": Case(count=12, settings={"logging_steps": 1}),
    "evaluates-never": Case(settings={"eval_steps": 5000}),
    "saves-never": Case(settings={"save_steps": 5000}),
    "warms-up-for-ever": Case(settings={"warmup": 0.95}),
    "rate-slipped": Case(base=_seven, settings={"learning_rate": 2e-2, "per_device_batch_size": 1, "lora": 16}),
    "full-rate-for-adapters": Case(base=_seven, settings={"learning_rate": 5e-7, "lora": 16, "per_device_batch_size": 1}),
    "rounded-away": Case(method="dpo", settings={"dtype": "bfloat16"}),
    "reference-does-not-fit": Case(method="dpo", base=_seven),
    "beta-zero": Case(method="dpo", settings={"beta": 0.0}),
    "no-such-loss": Case(method="dpo", settings={"loss_type": "sigmoidal"}),
    "smoothing-in-vain": Case(method="dpo", settings={"arguments": {"label_smoothing": 0.1}}),
    "reference-moves": Case(method="dpo", settings={"arguments": {"sync_ref_model": True}}),
    "adapter-as-base": Case(base=_adapter),
    "no-such-layers": Case(settings={"lora": 8, "lora_targets": ("c_attn",), "learning_rate": 2e-4}),
    "no-such-schedule": Case(settings={"scheduler": "cosinus"}),
    "no-such-optimizer": Case(settings={"optimizer": "adamw_pytorch"}),
    "states-of-others": Case(states_of={"learning_rate": 1e-3}),
}  # fmt: skip

SOUND_CASES: Mapping[str, Case] = {
    "sft": Case(),
    "dpo": Case(method="dpo"),
    "answers-only": Case(settings=ONLY),
    "packed": Case(settings={"packing": True}),
    "packed-2023": Case(settings={"packing": True, "packing_strategy": "wrapped"}),
    "begins-once": Case(template=_replaced(BEGIN, "{{- bos_token -}}" + BEGIN)),
    "begins-once-pairs": Case(method="dpo", template=_replaced(BEGIN, "{{- bos_token -}}" + BEGIN)),
    "unmarked-whole-loss": Case(template=unmarked),
    "system": Case(rows=_with_system),
    "adapters": Case(settings={"lora": 16, "learning_rate": 2e-4}),
    "adapters-pairs": Case(method="dpo", settings={"lora": 128, "learning_rate": 5e-6}),
    "seven-adapters": Case(base=_seven, settings={"lora": 64, "dtype": "bfloat16", "per_device_batch_size": 4, "max_length": 2048}),
    "seven-sharded": Case(
        method="dpo", base=_seven,
        settings={"batch_size": 64, "per_device_batch_size": 2, "processes": 8, "max_length": 1024, "scale": "fsdp2"},
    ),
    "instructions": Case(
        template=_written(
            "{%- for message in messages -%}{%- if message['role'] == 'user' -%}{{- bos_token if loop.first -}}{{- '[INST] ' + message['content'] + ' [/INST]' -}}"
            "{%- else -%}{{- ' ' + message['content'] + eos_token -}}{%- endif -%}{%- endfor -%}"
        )
    ),
    "several-ends": Case(base=_json("generation_config.json", eos_token_id=[2, 7])),
    "turns-of-their-own": Case(
        base=_end_of_turn,
        template=_written(CHATML.replace("<|im_start|>", "<start_of_turn>").replace("<|im_end|>", "<end_of_turn>")),
    ),
    "rows-not-counted": Case(count=None),
}  # fmt: skip


def sound_base(folder: Path) -> Path:
    """A base that nothing is wrong with."""
    return tiny_model(folder, list(example_texts(96)), positions=4096)


def given(case: Case, base: Path, folder: Path) -> tuple[Any, TrainingJob]:
    """The trainer and the job of a case, written to a folder."""
    own = folder / "base"
    shutil.copytree(base, own)
    if case.base:
        case.base(own)
    template = folder / "template.jinja"
    template.write_text(case.template(ZEPHYR.read_text(encoding="utf-8")), encoding="utf-8")
    takes = "preferences" if case.method == "dpo" else "conversations"
    rows: Sequence[dict[str, Any]] = case.rows([dict(row) for row in example_rows(takes, 96)])
    job = TrainingJob(
        name=case.method, records=folder / "records.jsonl", held_out=folder / "held_out.jsonl", base=ModelRef(str(own)),
        chat_template=str(template), output=folder / "output", seed=42,
    )  # fmt: skip
    write_rows(job.records, rows)
    write_rows(job.held_out, rows[:8])
    component = TrlDpo if case.method == "dpo" else TrlSft
    settings = {**SOUND[case.method], **case.settings}
    trainer = component(**settings)
    if case.states_of is not None:
        before = component(**{**settings, **case.states_of})
        guard(job.output, before._identity(job))  # noqa: SLF001 - what an earlier training wrote down
        (job.output / "checkpoints" / "checkpoint-40").mkdir(parents=True)
    return trainer, job

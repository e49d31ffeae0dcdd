"""Which of TRL's arguments a setting stands for, which are kept, and what the names of 2023 became.

TRL's names are read from the source of what is installed: importing it would take seconds, and `show` must work
where it is missing.
"""

import ast
import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

STANDS_FOR: Mapping[str, str] = {
    "learning_rate": "learning_rate",
    "epochs": "num_train_epochs",
    "per_device_batch_size": "per_device_train_batch_size",
    "max_length": "max_length",
    "scheduler": "lr_scheduler_type",
    "warmup": "warmup_steps",
    "optimizer": "optim",
    "weight_decay": "weight_decay",
    "packing": "packing",
    "packing_strategy": "packing_strategy",
    "assistant_only_loss": "assistant_only_loss",
    "neftune": "neftune_noise_alpha",
    "beta": "beta",
    "loss_type": "loss_type",
    "activation_checkpointing": "gradient_checkpointing",
    "save_steps": "save_steps",
    "logging_steps": "logging_steps",
}
"""Each setting and the argument of TRL that it is handed on as."""

_DERIVED: Mapping[str, str] = {
    "gradient_accumulation_steps": "set `batch_size` instead",
    "bf16": "set `dtype` instead",
    "fp16": "set `dtype` instead",
    "model_init_kwargs": "set `dtype` and `attention` instead",
    "eval_strategy": "set `eval_steps` instead",
    "eval_steps": "set `eval_steps` instead",
    "seed": "set `seed` of the recipe instead",
    "data_seed": "set `seed` of the recipe instead",
    "precompute_ref_log_probs": "set `reference` instead",
    "report_to": "set `report_to` of the trainer instead",
    "chat_template_path": "set `chat_template` of the recipe instead",
    **dict.fromkeys(
        ("output_dir", "resume_from_checkpoint", "save_strategy", "save_total_limit"), "langadapt sets it"
    ),
    **dict.fromkeys(
        ("save_only_model", "load_best_model_at_end", "use_cpu", "disable_tqdm"), "langadapt sets it"
    ),
    **dict.fromkeys(("push_to_hub", "hub_model_id"), "`langadapt publish` does that"),
    **dict.fromkeys(("fsdp", "fsdp_config", "deepspeed", "parallelism_config"), "set `scale` instead"),
    "trust_remote_code": "code from model repositories is never run",
    "activation_checkpointing": "set `activation_checkpointing` of the trainer instead",
}
_OF_TEXTS: Mapping[str, str] = {
    **dict.fromkeys(("packing", "eval_packing"), "texts are always packed"),
    **dict.fromkeys(
        ("assistant_only_loss", "completion_only_loss"), "texts have no turns: all of them is learned"
    ),
    **dict.fromkeys(("dataset_text_field", "eos_token"), "langadapt makes the tokens of texts"),
    "neftune_noise_alpha": "it is for conversations: trl-sft has `neftune`",
}
"""What `cpt` keeps, beside what every method does."""
_CONFIGURATION = {"cpt": "sft"}
"""The method of TRL that a method of ours is, where it has another name."""
_GONE = "it is gone from today's TRL"
_OF_2023: Mapping[str, str] = {
    "max_seq_length": "set `max_length`",
    "max_prompt_length": f"{_GONE}: only `max_length` is left",
    "max_completion_length": f"{_GONE}: only `max_length` is left",
    "warmup_ratio": "set `warmup`",
    "evaluation_strategy": "set `eval_steps`",
    "torch_dtype": "set `dtype`",
    "use_flash_attention_2": 'set `attention = "flash_attention_2"`',
    "no_cuda": "langadapt sees whether there is an accelerator",
    "group_by_length": 'write `train_sampling_strategy = "group_by_length"`',
    "rpo_alpha": 'set `loss_type = ["sigmoid", "sft"]` and the argument `loss_weights`',
    "use_liger_loss": f"{_GONE}: the fused head is always on",
    "tokenizer": "langadapt loads the tokenizer of the base",
    **dict.fromkeys(
        ("overwrite_output_dir", "logging_dir", "save_safetensors", "include_tokens_per_second"), _GONE
    ),
    **dict.fromkeys(("reference_free", "label_pad_token_id", "padding_value", "generate_during_eval"), _GONE),
    **dict.fromkeys(("model_adapter_name", "ref_adapter_name", "force_use_ref_model"), _GONE),
}


def wrong_arguments(names: Iterator[str], method: str) -> Iterator[str]:
    """What is wrong with each name among further arguments of `method` (`cpt`, `sft` or `dpo`)."""
    known = argument_names(method)
    kept = {trl: f"set `{ours}` instead" for ours, trl in STANDS_FOR.items() if not known or trl in known}
    kept.update(_DERIVED, **(_OF_TEXTS if method == "cpt" else {}))
    for name in names:
        if name in kept:
            yield f"arguments.{name}: {kept[name]}"
        elif known and name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            meant = (
                f"did you mean `{near[0]}`?" if near else "see the documentation of TRL and TrainingArguments"
            )
            yield f"arguments.{name}: TRL has no such argument; {_OF_2023.get(name, meant)}"


@cache
def argument_names(method: str) -> frozenset[str]:
    """The names that TRL's configuration for `method` takes; empty where TRL is not installed."""
    specs = [find_spec(name) for name in ("trl", "transformers")]
    origins = [Path(spec.origin).parent for spec in specs if spec and spec.origin]
    if len(origins) < len(specs):
        return frozenset()
    trl, transformers = origins
    files = (
        transformers / "training_args.py",
        trl / "trainer" / "base_config.py",
        trl / "trainer" / f"{_CONFIGURATION.get(method, method)}_config.py",
    )
    return frozenset(name for file in files if file.exists() for name in _fields(file))


def _fields(file: Path) -> Iterator[str]:
    """The annotated fields of every class in a file of Python."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    yield item.target.id

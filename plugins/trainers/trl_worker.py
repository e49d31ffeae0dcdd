"""The process that trains: accelerate starts one or several of it; rank 0 answers to the parent."""

import os
import traceback
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import DistributedType
from transformers import AutoTokenizer, set_seed
from trl import DPOConfig, SFTConfig, SFTTrainer

from langadapt.errors import ConfigError, DataError, MachineError
from langadapt.interfaces import Progress
from langadapt.launch import work
from langadapt_plugins.trainers.trl_attention import settled
from langadapt_plugins.trainers.trl_data import datasets_of, tokens
from langadapt_plugins.trainers.trl_follow import Follow
from langadapt_plugins.trainers.trl_lora import adapters, quantization
from langadapt_plugins.trainers.trl_measures import Before, last, measured, points
from langadapt_plugins.trainers.trl_order import repeatable
from langadapt_plugins.trainers.trl_packed import by_document
from langadapt_plugins.trainers.trl_padding import give_padding
from langadapt_plugins.trainers.trl_reference import KeptReference
from langadapt_plugins.trainers.trl_save import room, save
from langadapt_plugins.trainers.trl_speed import peak_memory
from langadapt_plugins.trainers.trl_stop import Stop
from langadapt_plugins.trainers.trl_trackers import callbacks

Job = Mapping[str, Any]
_CONFIGS = {"cpt": SFTConfig, "sft": SFTConfig, "dpo": DPOConfig}
_MEASURED_ROWS = 2000  # training pairs on which the accuracy is measured after training


def main(job: Job, progress: Progress) -> dict[str, Any]:
    """Train one job; gives curves and facts for its checkpoint."""
    arguments = _arguments(job, by_document(settled(job, progress), job))
    tokenizer = _tokenizer(job, progress)
    before, stop = Before(job, progress), Stop()
    follow, trackers = Follow(job, progress, before), callbacks(job["report_to"])
    rows, held_out, told = datasets_of(job, tokenizer, arguments, progress)
    given = {
        "model": job["base"],
        "args": arguments,
        "train_dataset": rows,
        "eval_dataset": held_out,
        "processing_class": tokenizer,
        "callbacks": [before, stop, follow, *trackers],
        "peft_config": adapters(job),
        "quantization_config": quantization(job),
    }
    pairs = job["method"] == "dpo"
    trainer = KeptReference(given, progress) if pairs else SFTTrainer(**given)
    used = len(trainer.train_dataset)
    if not used:
        raise DataError(
            f"{job['records']}: no row is left to train on; of a pair, the prompt fills max_length",
            hint=f"max_length is {arguments.max_length}",
        )
    before.trainer = trainer
    repeatable(trainer)
    set_seed(arguments.seed)  # what was loaded before leaves no trace
    with room(trainer, job):
        trainer.train(resume_from_checkpoint=job["resume"])
    stop.check(trainer)
    seconds, untrained = follow.seconds, before.measures
    for tracker in trackers:
        trainer.remove_callback(tracker)  # what is measured from here on is no part of the curves
    after = last(trainer) or (measured(trainer) if held_out is not None else {})
    curves = before.points + points(trainer.state.log_history)
    seen = measured(trainer, trainer.train_dataset.select(range(min(used, _MEASURED_ROWS)))) if pairs else {}
    with room(trainer, job):
        save(trainer, job)
    facts = {
        "steps": trainer.state.global_step,
        "epochs": trainer.state.epoch,
        "rows": job["rows"],
        "rows_used": used,  # after packing, or after TRL dropped pairs whose prompt fills max_length
        "held_out_rows": job["held_out_rows"],
        "tokens": round(tokens(trainer.train_dataset, arguments.max_length) * (trainer.state.epoch or 0)),
        "seconds": round(seconds, 2),
        **follow.facts,
        **peak_memory(trainer.accelerator),
        "world_size": arguments.world_size,
        "activation_checkpointing": arguments.gradient_checkpointing,
        "attention": trainer.model.config._attn_implementation,  # noqa: SLF001 - what is set may be `auto`
        **told,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else arguments.device.type,
        "resumed_from": Path(job["resume"]).name if job["resume"] else None,
        "versions": {
            name: version(name) for name in ("torch", "transformers", "trl", "accelerate", "datasets")
        },
        "held_out_loss_before": untrained.get("loss"),
        "held_out_loss_after": after.get("loss"),
    }
    if pairs:
        facts |= trainer.reference_facts | {
            "train_reward_accuracy": seen["rewards/accuracies"],
            "train_reward_margin": seen["rewards/margins"],
            "train_measured_rows": min(used, _MEASURED_ROWS),
            "held_out_reward_accuracy": after.get("rewards/accuracies"),
            "held_out_reward_margin": after.get("rewards/margins"),
        }
    return {"curves": curves, "facts": facts}


def _arguments(job: Job, attention: str) -> Any:
    """TRL's own configuration; raises `ConfigError` with its words where it refuses a value."""
    cpu = not torch.accelerator.is_available()
    given = {**job["arguments"], "use_cpu": cpu}
    given["model_init_kwargs"] = {
        "dtype": job["dtype"],
        "attn_implementation": attention,
        "revision": job["revision"],
        "use_safetensors": True,
        "trust_remote_code": False,
    }
    given.setdefault("dataloader_pin_memory", not cpu)
    try:
        arguments = _CONFIGS[job["method"]](**given)
    except (ValueError, TypeError, ImportError) as error:
        traceback.print_exc()
        raise ConfigError(
            f"TRL refuses a setting: {error}", hint=f"the whole output: {job['output']}/worker/worker.log"
        ) from error
    if arguments.world_size != job["processes"]:
        raise MachineError(
            f"{job['processes']} processes were asked for, accelerate started {arguments.world_size}",
            hint="set `processes` to the number of accelerators",
        )
    if cpu and os.environ.get("ACCELERATE_USE_FSDP") == "true":
        # PyTorch divides a model among processors too, accelerate would leave it whole.
        arguments.distributed_state.distributed_type = DistributedType.MULTI_GPU
    return arguments


def _tokenizer(job: Job, progress: Progress) -> Any:
    """The base's tokenizer with the job's chat template, and a padding token that is not the one that ends a text."""
    tokenizer = AutoTokenizer.from_pretrained(job["base"], revision=job["revision"], trust_remote_code=False)
    if job["chat_template"]:
        tokenizer.chat_template = Path(job["chat_template"]).read_text(encoding="utf-8")
    if not tokenizer.chat_template and job["takes"] != "texts":
        raise ConfigError(f"{job['base']} has no chat template", hint='set one: chat_template = "zephyr"')
    if not tokenizer.eos_token:
        raise ConfigError(
            f"the tokenizer of {job['base']} has no token that ends a text", hint="choose another base"
        )
    if not give_padding(tokenizer):
        progress.say(
            "the tokenizer pads with its end token, for want of another; TRL's labels do not count padding"
        )
    return tokenizer


def _one_accelerator() -> None:
    """One process sees one accelerator, or transformers would spread the model in a way that TRL refuses."""
    if "LOCAL_RANK" not in os.environ:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[0]


if __name__ == "__main__":
    _one_accelerator()
    work(main)

"""The process that trains: accelerate starts one or several of it; rank 0 answers to the parent."""

import os
import shutil
import traceback
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from langadapt.errors import ConfigError, DataError, MachineError
from langadapt.interfaces import Progress
from langadapt.launch import work
from langadapt_plugins.trainers.trl_data import dataset, tokens
from langadapt_plugins.trainers.trl_follow import Follow
from langadapt_plugins.trainers.trl_lora import adapters, merged, quantization
from langadapt_plugins.trainers.trl_measures import before, last, measured, points
from langadapt_plugins.trainers.trl_padding import give_padding

Job = Mapping[str, Any]
_TRAINERS = {"sft": (SFTConfig, SFTTrainer), "dpo": (DPOConfig, DPOTrainer)}
_MEASURED_ROWS = 2000  # training pairs on which the accuracy is measured after training


def main(job: Job, progress: Progress) -> dict[str, Any]:
    """Train one job; gives curves and facts for its checkpoint."""
    arguments = _arguments(job)
    tokenizer = _tokenizer(job, progress)
    follow = Follow(job, progress)
    rows = dataset(Path(job["records"]), job["takes"], arguments)
    held_out = dataset(Path(job["held_out"]), job["takes"], arguments) if job["held_out_rows"] else None
    trainer = _TRAINERS[job["method"]][1](
        model=job["base"],
        args=arguments,
        train_dataset=rows,
        eval_dataset=held_out,
        processing_class=tokenizer,
        callbacks=[follow],
        peft_config=adapters(job),
        quantization_config=quantization(job),
    )
    used = len(trainer.train_dataset)
    if not used:
        raise DataError(
            f"{job['records']}: every prompt fills max_length", hint=f"max_length is {arguments.max_length}"
        )
    untrained = before(trainer, job, progress)
    set_seed(arguments.seed)  # what was measured or loaded before leaves no trace
    trainer.train(resume_from_checkpoint=job["resume"])
    seconds = follow.seconds
    after = last(trainer) or (measured(trainer) if held_out is not None else {})
    curves = points(trainer.state.log_history)
    seen = (
        measured(trainer, trainer.train_dataset.select(range(min(used, _MEASURED_ROWS))))
        if job["method"] == "dpo"
        else {}
    )
    _save(trainer, job)
    facts = {
        "steps": trainer.state.global_step,
        "epochs": trainer.state.epoch,
        "rows": job["rows"],
        "rows_used": used,  # after packing, or after TRL dropped pairs whose prompt fills max_length
        "held_out_rows": job["held_out_rows"],
        "tokens": round(tokens(trainer.train_dataset, arguments.max_length) * (trainer.state.epoch or 0)),
        "seconds": round(seconds, 2),
        "world_size": arguments.world_size,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else arguments.device.type,
        "resumed_from": Path(job["resume"]).name if job["resume"] else None,
        "versions": {
            name: version(name) for name in ("torch", "transformers", "trl", "accelerate", "datasets")
        },
        "held_out_loss_before": untrained.get("loss"),
        "held_out_loss_after": after.get("loss"),
    }
    if job["method"] == "dpo":
        facts |= {
            "train_reward_accuracy": seen["rewards/accuracies"],
            "train_reward_margin": seen["rewards/margins"],
            "train_measured_rows": min(used, _MEASURED_ROWS),
            "held_out_reward_accuracy": after.get("rewards/accuracies"),
            "held_out_reward_margin": after.get("rewards/margins"),
        }
    start = [{"step": 0, **{f"eval_{name}": value for name, value in untrained.items()}}] if untrained else []
    return {"curves": start + curves, "facts": facts}


def _arguments(job: Job) -> Any:
    """TRL's own configuration; raises `ConfigError` with its words where it refuses a value."""
    cpu = not torch.accelerator.is_available()
    given = {**job["arguments"], "use_cpu": cpu}
    given["model_init_kwargs"] = {
        "dtype": job["dtype"],
        "attn_implementation": job["attention"],
        "revision": job["revision"],
        "use_safetensors": True,
        "trust_remote_code": False,
    }
    given.setdefault("dataloader_pin_memory", not cpu)
    try:
        arguments = _TRAINERS[job["method"]][0](**given)
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
    return arguments


def _tokenizer(job: Job, progress: Progress) -> Any:
    """The base's tokenizer with the job's chat template, and a padding token that is not the one that ends a text."""
    tokenizer = AutoTokenizer.from_pretrained(job["base"], revision=job["revision"], trust_remote_code=False)
    if job["chat_template"]:
        tokenizer.chat_template = Path(job["chat_template"]).read_text(encoding="utf-8")
    if not tokenizer.chat_template:
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


def _save(trainer: Any, job: Job) -> None:
    """The model with its tokenizer, moved to its place when whole; adapters are kept beside it and merged into their base."""
    output = Path(job["output"])
    kinds = ("adapter", "model") if job["lora"]["r"] else ("model",)
    drafts = {kind: output / f"{kind}.part" for kind in kinds}
    trainer.save_model(str(drafts[kinds[0]]))
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        (drafts[kinds[0]] / "training_args.bin").unlink(missing_ok=True)
        if "adapter" in drafts:
            (drafts["adapter"] / "README.md").unlink(
                missing_ok=True
            )  # peft's card, which names a folder of this machine
            merged(job, drafts["adapter"], drafts["model"])
            trainer.processing_class.save_pretrained(drafts["model"])
        for kind, draft in drafts.items():
            shutil.rmtree(output / kind, ignore_errors=True)
            draft.replace(output / kind)
    trainer.accelerator.wait_for_everyone()


def _one_accelerator() -> None:
    """One process sees one accelerator, or transformers would spread the model in a way that TRL refuses."""
    if "LOCAL_RANK" not in os.environ:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[0]


if __name__ == "__main__":
    _one_accelerator()
    work(main)

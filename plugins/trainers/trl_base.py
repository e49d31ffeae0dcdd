"""What every training with TRL shares: settings, checks before anything heavy starts, and what may be resumed.

This side runs in langadapt's own process; `trl_worker.py` is the other side, in processes that accelerate starts.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

from annotated_types import Ge, Gt

from langadapt.errors import ConfigError, DataError
from langadapt.identity import pinned
from langadapt.interfaces import SPEED, Checkpoint, Finding, Loads, ModelRef, Progress, TrainingJob
from langadapt.languages import LanguagePack
from langadapt.launch import launch
from langadapt_plugins.trainers import trl_trackers
from langadapt_plugins.trainers.preflight import Case, Row, findings, sampled
from langadapt_plugins.trainers.preflight_rows import first_batch
from langadapt_plugins.trainers.preflight_show import look
from langadapt_plugins.trainers.trl_names import STANDS_FOR, wrong_arguments
from langadapt_plugins.trainers.trl_rows import Takes, trl_rows
from langadapt_plugins.trainers.trl_start import command, configuration, divided, environment, wrong
from langadapt_plugins.trainers.trl_states import fingerprint, guard, inputs_of, resumable


@dataclass(frozen=True, kw_only=True)
class Trl(Loads):
    """What the methods share."""

    takes: ClassVar[Takes]
    requires: ClassVar[tuple[str, ...]] = ("torch", "trl", "accelerate")
    method: ClassVar[str]

    learning_rate: Annotated[float, Gt(0), "highest learning rate"] = 2e-5
    epochs: Annotated[float, Gt(0), "how often the rows are seen; may be a fraction"] = 1.0
    batch_size: Annotated[int, Gt(0), "rows per optimiser step, over all devices and accumulation steps"] = 64
    per_device_batch_size: Annotated[int, Gt(0), "rows that one device holds at a time"] = 8
    max_length: Annotated[int, Gt(0), "tokens after which a row is cut"] = 2048
    scheduler: Annotated[str, "how the learning rate falls: cosine, linear, constant, ..."] = "cosine"
    warmup: Annotated[float, Ge(0), "share of the steps in which the learning rate rises, below 1"] = 0.1
    optimizer: Annotated[str, "a name of transformers: adamw_torch, adamw_torch_fused, rmsprop, ..."] = (
        "adamw_torch"
    )
    weight_decay: Annotated[float, "weight decay"] = 0.0
    dtype: Annotated[
        Literal["mixed", "float32", "bfloat16"],
        "mixed: weights in float32, arithmetic in bfloat16; bfloat16: both, which loses small steps",
    ] = "mixed"
    attention: Annotated[
        str,
        "sdpa, eager, flash_attention_2, flash_attention_3, or a kernel of the Hub; auto: flash attention where a CUDA device and a "
        "package for it are there, else sdpa",
    ] = "auto"
    activation_checkpointing: Annotated[
        bool, "reckon activations again in the backward pass: less memory, about a fifth slower", SPEED
    ] = True
    lora: Annotated[int, Ge(0), "rank of the LoRA adapters that are trained; 0: all weights are trained"] = 0
    lora_alpha: Annotated[int, Gt(0), "what the adapters are scaled by, over their rank"] = 16
    lora_dropout: Annotated[float, Ge(0), "dropout in front of the adapters"] = 0.05
    lora_targets: Annotated[
        tuple[str, ...], "names of the layers that get adapters; none: every linear layer but the head"
    ] = ()
    quantized: Annotated[bool, "hold the base in 4 bits while adapters are trained (QLoRA)"] = False
    eval_steps: Annotated[
        int, "steps between evaluations on the held-out rows; 0: at the end of each epoch"
    ] = 0
    logging_steps: Annotated[
        int, "steps between two points of the training curves; a short training has at least 20 points"
    ] = 10
    report_to: Annotated[
        tuple[trl_trackers.Tracker, ...],
        "where the curves go beside the run: tensorboard, wandb, trackio",
        SPEED,
    ] = ()
    save_steps: Annotated[
        int, "steps between two states that an interrupted training goes on from", SPEED
    ] = 200
    processes: Annotated[
        int, "how many processes train, one per accelerator, on all machines together", SPEED
    ] = 1
    scale: Annotated[
        str,
        "how processes share a training: ddp (each holds the whole model), fsdp2 or zero3 (it is divided among them), or the path of an "
        "accelerate configuration of one's own",
        SPEED,
    ] = "ddp"
    machines: Annotated[int, "how many machines train together; docs/how-to/scale.md", SPEED] = 1
    main_address: Annotated[str, "HOST:PORT of this machine, where the others meet it", SPEED] = ""
    stop_at_errors: Annotated[
        bool,
        "do not begin a training that the look before it calls ruined; false tells it and goes on",
        SPEED,
    ] = True
    arguments: Annotated[Mapping[str, Any], "further arguments of TRL, under its own names"] = field(
        default_factory=dict, hash=False
    )

    def __post_init__(self) -> None:
        """Refuse what TRL would refuse after minutes."""
        found = [
            f"{name} must be at least 1"
            for name in ("processes", "machines", "save_steps", "logging_steps")
            if getattr(self, name) < 1
        ]
        if not 0 <= self.warmup < 1:
            found.append(f"warmup is a share of the steps, from 0 to below 1, not {self.warmup}")
        if self.quantized and not self.lora:
            found.append("quantized: weights in 4 bits cannot be trained; set `lora` to a rank, such as 16")
        if "lm_head" in self.lora_targets:
            found.append("lora_targets: TRL reckons with the head as it is; leave `lm_head` out")
        share = self.per_device_batch_size * max(self.processes, 1)
        if share < 1 or self.batch_size < 1 or self.batch_size % share:
            found.append(
                f"batch_size ({self.batch_size}) must be a multiple of per_device_batch_size times processes"
                f" ({self.per_device_batch_size} * {self.processes} = {share})"
            )
        found += wrong(self._settings())
        found += wrong_arguments(iter(self.arguments), self.method)
        if found:
            raise ConfigError.of(
                found,
                where=f"trl-{self.method}",
                hint=f"`langadapt show trl-{self.method}` lists its settings",
            )

    def check(self, pack: LanguagePack) -> None:  # noqa: ARG002 - the seam's names
        """Raise `ConfigError` where the package of a tracker is missing."""
        trl_trackers.check(self.report_to)

    def train(self, job: TrainingJob, *, progress: Progress) -> Checkpoint:
        """Train from the base, or go on from the last whole state of the same job with the same settings."""
        trl_trackers.check(self.report_to)
        rows, sample = sampled(job.records, self.takes)
        if not rows:
            raise DataError(
                f"{job.records}: no rows to train on", hint="see the dropped rows, or loosen a gate"
            )
        held_out = sum(1 for _ in trl_rows(job.held_out, self.takes))
        case = self._case(job, rows, sample)
        identity, told = self._identity(job), configuration(self._settings())
        case = replace(case, guarded=fingerprint(identity), starts=True)
        look(case, progress, stop=self.stop_at_errors)
        guard(job.output, identity)
        answer = launch(
            command(told, job.output / "worker"),
            self._request(job) | {"rows": rows, "held_out_rows": held_out},
            folder=job.output / "worker",
            label=job.name,
            progress=progress,
            environment=environment() | trl_trackers.environment(self.report_to, job.output),
        )
        shutil.rmtree(job.output / "checkpoints", ignore_errors=True)
        return Checkpoint(
            name=job.name,
            model=ModelRef(str(job.output / "model")),
            chat_template=job.chat_template,
            curves=answer["curves"],
            facts=answer["facts"],
        )

    def preflight(self, job: TrainingJob, *, rows: int | None) -> list[Finding]:
        """What is wrong with a training of so many rows, before it starts; None: `job.records` holds examples."""
        case = self._case(job, rows, sampled(job.records, self.takes)[1])
        known = fingerprint(self._identity(job)) if rows is not None else ""
        return findings(replace(case, guarded=known))

    def first_batch(self, job: TrainingJob) -> list[list[tuple[str, bool]]]:
        """The first rows as the model reads them: texts, and whether each is in the loss."""
        return first_batch(self._case(job, None, sampled(job.records, self.takes)[1]))

    def _case(self, job: TrainingJob, rows: int | None, sample: Sequence[Row]) -> Case:
        if job.chat_template:
            text_of(job.chat_template)
        return Case(method=self.method, settings=self._settings(), job=job, rows=rows, sample=sample)

    def _identity(self, job: TrainingJob) -> dict[str, Any]:
        """What a state must have been made with to be gone on from."""
        return {
            "method": self.method,
            "settings": self._fixed(),
            "seed": job.seed,
            "inputs": inputs_of(job),
            "divided": divided(self._settings()),  # states that are divided are read by no other way to share
        }

    def trl_arguments(self) -> dict[str, Any]:
        """The settings under TRL's names."""
        names = {item.name for item in fields(self)}
        handed = {trl: getattr(self, ours) for ours, trl in STANDS_FOR.items() if ours in names}
        accumulation = self.batch_size // (self.per_device_batch_size * self.processes)
        return {
            "per_device_eval_batch_size": self.per_device_batch_size,
            "logging_first_step": True,
            **handed,
            **self.arguments,
            "report_to": "none",  # the worker has callbacks of its own
            "gradient_accumulation_steps": accumulation,
            "bf16": self.dtype != "float32",
            "disable_tqdm": True,
            "save_strategy": "steps",
            "save_total_limit": 2,  # the last one is not whole until it is marked: the one before stays until then
        }

    def _request(self, job: TrainingJob) -> dict[str, Any]:
        return {
            "method": self.method,
            "takes": self.takes,
            "records": str(job.records),
            "held_out": str(job.held_out),
            "base": job.base.name,
            "revision": pinned(job.base).revision,
            "chat_template": job.chat_template,
            "output": str(job.output),
            "dtype": "bfloat16" if self.dtype == "bfloat16" else "float32",
            "attention": self.attention,
            "lora": {
                "r": self.lora,
                "lora_alpha": self.lora_alpha,
                "lora_dropout": self.lora_dropout,
                "target_modules": list(self.lora_targets) or "all-linear",
            },
            "quantized": self.quantized,
            "eval_steps": self.eval_steps,
            "report_to": list(self.report_to),
            "processes": self.processes,
            "resume": resumable(job.output / "checkpoints"),
            "arguments": {
                **self.trl_arguments(),
                **trl_trackers.arguments(self.report_to, job.output, job.name),
                "output_dir": str(job.output / "checkpoints"),
                "seed": job.seed,
                "data_seed": job.seed,
            },
        }

    def _settings(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def _fixed(self) -> dict[str, Any]:
        """The settings that the result depends on."""
        hints = get_type_hints(type(self), include_extras=True)
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if SPEED not in hints[item.name].__metadata__
        }


def text_of(path: str) -> str:
    """The content of a template; raises `ConfigError` where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}", hint="name a chat template that can be read"
        ) from error

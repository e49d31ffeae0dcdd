"""How much memory a model takes at its peak on one device, in bytes: weights, gradients, optimizer states, activations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langadapt.plan.data import rates
from langadapt.plan.estimates import NOTHING, Estimate
from langadapt.plan.models import Model
from langadapt.plan.served import servers

GIB = 2**30
_RUNTIME = 1.0 * GIB
_ATTENTION, _MLP = 2.0, 3.7
"""Inputs and outputs of a matrix of attention and of a gated MLP, in hidden sizes; a layer has four and three of them."""
_QUANTIZED = 0.56
"""Bytes of a weight in 4 bits, with what it is scaled by (QLoRA, arXiv 2305.14314)."""
_SHARDED = ("fsdp", "deepspeed")
_READ = (*_SHARDED, "gradient_checkpointing", "max_steps")
"""The further arguments of TRL that a plan reads."""


@dataclass(frozen=True)
class Training:
    """What memory and time of a training depend on, from a trainer's settings under the names that TRL's plugin gives them."""

    epochs: float
    batch: int
    rows: int
    length: int
    optimizer: str
    dtype: str
    processes: int
    packing: bool
    checkpointing: bool
    lora: int
    targets: tuple[str, ...]
    quantized: bool
    pairs: bool
    sharded: bool
    kept_reference: bool = False
    steps: int = 0
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any], *, pairs: bool) -> "Training":
        """From settings; those that a trainer does not have are as Transformers has them."""
        more = settings.get("arguments") or {}
        lora = next(
            (
                found
                for name in ("lora", "peft", "lora_rank", "lora_r")
                if (found := _rank(settings.get(name)))
            ),
            0,
        )
        return cls(
            epochs=float(settings.get("epochs", 1.0)),
            batch=int(settings.get("batch_size", 8)),
            rows=int(settings.get("per_device_batch_size", 8)),
            length=int(settings.get("max_length") or 2048),
            optimizer=str(settings.get("optimizer", "adamw_torch")),
            dtype=str(settings.get("dtype", "mixed")),
            processes=max(1, int(settings.get("processes", 1))),
            packing=bool(settings.get("packing", "packing_strategy" in settings)),
            checkpointing=bool(
                settings.get("activation_checkpointing", more.get("gradient_checkpointing", True))
            ),
            lora=lora,
            targets=tuple(settings.get("lora_targets") or ()),
            quantized=bool(settings.get("quantized", False)),
            pairs=pairs,
            kept_reference=settings.get("reference") == "cached",
            sharded=settings.get("scale", "ddp") != "ddp" or any(more.get(name) for name in _SHARDED),
            steps=steps if isinstance(steps := more.get("max_steps"), int) else 0,
            unread=tuple(name for name in more if name not in _READ),
        )

    @property
    def weight_bytes(self) -> int:
        """Bytes of a weight as it is held."""
        return 2 if self.dtype in ("bfloat16", "float16") else 4


def _rank(value: Any) -> int:
    if isinstance(value, Mapping):
        value = value.get("r") or value.get("rank") or 0
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else 0


def trained_parameters(model: Model, training: Training) -> float:
    """How many parameters change: all, or those of the adapters."""
    if not training.lora:
        return model.parameters
    named = [
        _MLP if any(part in name for part in ("gate", "up", "down", "fc")) else _ATTENTION
        for name in training.targets
    ]
    width = sum(named) or 4 * _ATTENTION + 3 * _MLP
    return min(model.parameters, training.lora * model.layers * width * model.hidden)


def optimizer_bytes(training: Training) -> float:
    """Bytes of the optimizer's states for a trained parameter."""
    table = rates()["optimizer"]
    name = training.optimizer.lower()
    if "8bit" in name:
        return float(table["8bit"])
    states = next((float(size) for known, size in table.items() if known in name), float(table["adamw"]))
    return states * training.weight_bytes / 4


def training_peak(model: Model, training: Training) -> Estimate:
    """One device's peak; states are shared out where the trainer is told to."""
    trained = trained_parameters(model, training)
    size = (
        _QUANTIZED if training.quantized else training.weight_bytes + (2 if training.dtype == "mixed" else 0)
    )
    weights = model.parameters * size
    states = trained * (training.weight_bytes + optimizer_bytes(training))
    beside = training.pairs and not (training.lora or training.kept_reference)
    reference = model.parameters * training.weight_bytes if beside else 0.0
    held = (weights + states + reference) / (training.processes if training.sharded else 1)
    tokens = training.rows * training.length * (2 if training.pairs else 1)
    table = rates()["activations"]
    kept = (
        table["checkpoint"] * model.layers + table["whole"]
        if training.checkpointing
        else table["whole"] * model.layers
    )
    activations = tokens * model.hidden * kept * (2 if training.dtype == "float32" else 1)
    scores = 3 * 4.0 * model.vocabulary * min(tokens, 4096)
    moving = activations + scores
    return Estimate(held + 0.6 * moving, held + moving + _RUNTIME, 1.1 * held + 1.6 * moving + _RUNTIME)


def translator_peak(model: Model, settings: Mapping[str, Any], memory: float) -> Estimate:
    """Weights, and keys and values of what is under way; `memory` is the device's in bytes, of which vLLM takes its share.

    Nothing for an engine that is a server: its memory is not this device's.
    """
    if servers(settings):
        return NOTHING
    weights = model.parameters * (4 if settings.get("dtype") == "float32" else 2)
    at_once = settings.get("batch_size")
    batch = int(at_once) if isinstance(at_once, int) else 64
    longest = settings.get("new_tokens_at_most")
    tokens = 2 * int(longest) if isinstance(longest, int) else 1024
    least = weights + model.cache_bytes(batch * tokens / 4)
    most = weights + model.cache_bytes(batch * tokens) + _RUNTIME
    share = settings.get("gpu_memory_utilization")
    if isinstance(share, float) and memory:
        return Estimate(least, max(share * memory, least), max(share * memory, most))
    return Estimate(least, (least + most) / 2, most)


def checkpoint_bytes(model: Model, training: Training) -> tuple[float, float]:
    """What the finished model takes on disk, and what two states take beside it while it trains.

    Adapters are kept beside the whole model that they are merged into.
    """
    trained = trained_parameters(model, training)
    size = trained * training.weight_bytes
    merged = model.parameters * training.weight_bytes if training.lora else 0.0
    return size + merged, 2 * (size + trained * optimizer_bytes(training))

"""The base by its files: what it is, whether the tokenizer fits it, what it takes in memory, and what the output folder holds."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from langadapt.interfaces import Finding
from langadapt_plugins.trainers.preflight import Case, error, note, warning
from langadapt_plugins.trainers.trl_start import divided
from langadapt_plugins.trainers.trl_states import FINGERPRINT

GIB = 2**30
_CARD_GIB = 80
"""The card that is meant where none is here: an A100 or H100."""
_RUNTIME = 1.5 * GIB
_OPTIMIZER_BYTES = {
    "8bit": 2,
    "adamw": 8,
    "ademamix": 12,
    "rmsprop": 4,
    "lion": 4,
    "adagrad": 4,
    "sgd": 0,
    "adafactor": 0.1,
    "lomo": 0,
}
"""Bytes of state for a trained weight of four bytes, by what the name holds."""


def found(case: Case) -> Iterator[Finding]:
    """What is wrong with it."""
    yield from _kind(case)
    yield from _fit(case)
    yield from _targets(case)
    yield from _memory(case)
    yield from _resume(case)


def parameters(case: Case) -> float | None:
    """How many weights the base has, reckoned from config.json; None where it cannot be told."""
    shapes = _shapes(json.dumps(case.config, sort_keys=True)) if case.config else None
    return shapes[0] if shapes else None


@lru_cache(maxsize=8)
def _shapes(config: str) -> tuple[float, dict[str, tuple[int, int]]] | None:
    """The number of weights and the linear layers of an architecture, built without memory for them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    values: dict[str, Any] = json.loads(config)
    values.pop("dtype", None)
    values.pop("torch_dtype", None)
    try:
        made = AutoConfig.for_model(values.pop("model_type", ""), **values)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(made, trust_remote_code=False)
    except Exception:  # noqa: BLE001 - an architecture that this transformers does not know may fail in any way
        return None
    linear = {
        name: (m.in_features, m.out_features)
        for name, m in model.named_modules()
        if isinstance(m, torch.nn.Linear)
    }
    return float(sum(weight.numel() for weight in model.parameters())), linear


def _kind(case: Case) -> Iterator[Finding]:
    folder = case.job.base.folder
    if folder and (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        yield error(
            "the base is a folder of adapters, not a model: merge them into their base first", "recipe:base"
        )
    if case.config.get("is_encoder_decoder"):
        yield error("the base is an encoder-decoder, and this trains causal language models", "recipe:base")
    held = case.config.get("quantization_config")
    if held and not case.settings.get("lora"):
        yield error("the base is quantised, and its weights cannot be trained: set `lora` to a rank", "lora")


def _fit(case: Case) -> Iterator[Finding]:
    """The tokenizer against the embedding, and max_length against the positions."""
    vocabulary, positions = case.config.get("vocab_size"), case.config.get("max_position_embeddings")
    if case.tokenizer is not None and isinstance(vocabulary, int):
        highest = max(case.tokenizer.get_vocab().values(), default=0)
        if highest >= vocabulary:
            yield error(
                f"the tokenizer has tokens up to {highest}, and the embedding of the base has {vocabulary} rows: resize it",
                "recipe:base",
            )
    most = case.settings.get("max_length")
    if isinstance(positions, int) and isinstance(most, int) and most > positions:
        yield error(f"max_length is {most}, and the base reads {positions} tokens", "max_length")


def _targets(case: Case) -> Iterator[Finding]:
    wanted, shapes = (
        case.settings.get("lora_targets") or (),
        _shapes(json.dumps(case.config, sort_keys=True)) if case.config else None,
    )
    if case.settings.get("lora") and shapes:
        names = {name.rpartition(".")[2] for name in shapes[1]}
        missing = [name for name in wanted if name not in names]
        if missing:
            yield error(
                f"the base has no layers {', '.join(missing)}; it has {', '.join(sorted(names - {'lm_head'}))}",
                "lora_targets",
            )


def peak(case: Case) -> dict[str, float] | None:
    """What one device holds at the peak, in bytes by purpose; an estimate that leaves out fragmentation."""
    shapes = _shapes(json.dumps(case.config, sort_keys=True)) if case.config else None
    if not shapes:
        return None
    every, linear = shapes
    settings = case.settings
    rank, targets = int(settings.get("lora") or 0), settings.get("lora_targets") or ()
    trained = every
    if rank:
        kept = [
            size
            for name, size in linear.items()
            if name.rpartition(".")[2] in targets or not (targets or "lm_head" in name)
        ]
        trained = float(rank * sum(map(sum, kept)))
    wide = 2 if settings.get("dtype") == "bfloat16" else 4
    own = 4 if rank else wide
    state = next((size for name, size in _OPTIMIZER_BYTES.items() if name in settings["optimizer"]), 8)
    shared = max(1, int(settings.get("processes", 1))) if divided(settings) else 1
    weights = every * (
        0.55 if settings.get("quantized") else wide + (2 if settings.get("dtype") == "mixed" else 0)
    )
    pairs = case.method == "dpo"
    tokens = int(settings["per_device_batch_size"]) * int(settings["max_length"]) * (2 if pairs else 1)
    hidden, layers = (int(case.config.get(name) or 0) for name in ("hidden_size", "num_hidden_layers"))
    saves = bool(settings.get("activation_checkpointing", True))
    kept_bytes = (2 * layers + 40) if saves else 40 * layers
    scores = 3 * 4.0 * int(case.config.get("vocab_size") or 0) * min(tokens, 4096)
    return {
        "weights": weights / shared,
        "gradients": trained * own / shared,
        "optimizer": trained * state * own / 4 / shared,
        "reference": every * wide / shared
        if pairs and not rank and settings.get("reference") != "cached"
        else 0.0,
        "activations": float(tokens * hidden * kept_bytes) * (2 if settings.get("dtype") == "float32" else 1)
        + scores,
        "runtime": _RUNTIME,
    }


def _memory(case: Case) -> Iterator[Finding]:
    parts = peak(case)
    if parts is None:
        return
    found = _card()
    here, card = found is not None, found or _CARD_GIB * GIB
    total = sum(parts.values())
    said = ", ".join(f"{name} {size / GIB:.1f}" for name, size in parts.items() if size >= 0.05 * GIB)
    what = f"about {total / GIB:.1f} GiB on each device ({said})"
    if total <= card:
        yield note(what)
        return
    held = f"{'this card has' if here else 'a card of'} {card / GIB:.0f} GiB"
    fixed = total - parts["activations"]
    if fixed < card:
        yield warning(f"{what}, and {held}: hold fewer rows at a time", "per_device_batch_size")
    else:
        yield warning(
            f'{what}, and {held}: train adapters (tuning = "lora"), or divide it among processes (scale = "fsdp2")',
            "lora",
        )


def _card() -> float | None:
    """Memory of the first card in bytes, as its driver says: asking through torch would take some of it for this process."""
    if not shutil.which("nvidia-smi"):
        return None
    words = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout
        return float(told.split()[0]) * 2**20
    except (subprocess.SubprocessError, OSError, ValueError, IndexError):
        return None


def _resume(case: Case) -> Iterator[Finding]:
    """What an earlier training left in the output folder, and whether there is room for states."""
    output, written = case.job.output, case.job.output / FINGERPRINT
    states = len(list((output / "checkpoints").glob("checkpoint-*")))
    if states and case.guarded:
        old = written.read_text(encoding="utf-8") if written.exists() else ""
        if old == case.guarded:
            yield note(f"{_states(states)} of this training found: it goes on from the last whole one")
        else:
            changed = _changed(old, case.guarded)
            own = [name for name in changed if name in case.settings]
            yield warning(
                f"{output} holds {_states(states)} of a training with another {', '.join(changed) or 'job'}: deleted when "
                "this one begins",
                own[0] if own else "",
            )
    parts = peak(case)
    if parts and case.starts:
        size = (parts["gradients"] + parts["optimizer"]) * (2 if case.settings.get("save_steps") else 0)
        place = next((folder for folder in (output, *output.resolve().parents) if folder.exists()), Path("/"))
        free = shutil.disk_usage(place).free
        if size > free:
            yield warning(
                f"two states take about {size / GIB:.1f} GiB, and {place} has {free / GIB:.1f} GiB free",
                "save_steps",
            )


def _states(count: int) -> str:
    return f"{count} {'state' if count == 1 else 'states'}"


def _changed(old: str, new: str) -> list[str]:
    """The names under which two fingerprints differ, settings by their own."""
    try:
        one, two = json.loads(old), json.loads(new)
    except ValueError:
        return []
    flat = [{**table, **table.get("settings", {})} for table in (one, two)]
    return sorted(key for key in flat[1] if key != "settings" and flat[0].get(key) != flat[1][key])

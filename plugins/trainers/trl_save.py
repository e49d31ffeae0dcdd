"""The trained model as files: gathered from all processes, adapters merged into their base, in its place when whole."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langadapt.errors import MachineError
from langadapt_plugins.trainers.trl_lora import merged
from langadapt_plugins.trainers.trl_states import resumable

Job = Mapping[str, Any]
_FULL = ("No space left", "Disk quota exceeded", "PytorchStreamWriter failed", "unexpected pos")
"""How the system, safetensors and torch say that a disk is full; the last two are torch's words for it."""
_MIB = 2**20


def save(trainer: Any, job: Job) -> None:
    """Save the model with its tokenizer; adapters are kept beside it and merged. To be called in every process."""
    output = Path(job["output"])
    kinds = ("adapter", "model") if job["lora"]["r"] else ("model",)
    drafts = {kind: output / f"{kind}.part" for kind in kinds}
    _gathering(trainer)
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


def _gathering(trainer: Any) -> None:
    """Where FSDP divides the model, states are written in parts, and `save_model` would write nothing at all."""
    plugin = getattr(trainer.accelerator.state, "fsdp_plugin", None)
    if plugin is not None:
        plugin.set_state_dict_type("FULL_STATE_DICT")


@contextmanager
def room(trainer: Any, job: Job) -> Iterator[None]:
    """A full disk as an error that says where, how much a state takes and from where training goes on."""
    try:
        yield
    except Exception as error:
        if not any(words in f"{error}" for words in _FULL):
            raise
        states = Path(job["output"], "checkpoints")
        kept = resumable(states)  # what was written of the last one makes room
        free, need = shutil.disk_usage(states.parent).free / _MIB, _state_bytes(trainer) / _MIB
        raise MachineError(
            f"{states}: no room: a state takes about {need:,.1f} MiB (two are kept), and {free:,.1f} MiB are free",
            hint="make room, then start the same command again: it "
            + (
                f"goes on from step {kept.rpartition('-')[2]}"
                if kept
                else "begins anew, for no state was whole yet"
            ),
        ) from error


def _state_bytes(trainer: Any) -> int:
    weights = [weight for weight in trainer.model.parameters() if weight.requires_grad]
    held = getattr(trainer.optimizer, "state", {}).values()
    tensors = [value for state in held for value in state.values() if hasattr(value, "element_size")]
    return sum(int(tensor.numel() * tensor.element_size()) for tensor in (*weights, *tensors))

"""Which attention a training uses where its setting leaves that open: flash attention where the accelerator and a package have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from langadapt.interfaces import Progress

AUTO = "auto"
FLASH = ("flash_attention_2", "flash_attention_3", "flash_attention_4")
KNOWN = frozenset({AUTO, "eager", "sdpa", "flex_attention", *FLASH})
_KERNEL = "kernels-community/flash-attn2"
_AMPERE, _HOPPER = 8, 9
"""Compute capabilities: FlashAttention 2 needs Ampere or later, 3 is written for Hopper (their READMEs)."""


@dataclass(frozen=True, kw_only=True)
class Here:
    """What a machine has: the compute capability of its CUDA device (0: none), and which packages are installed."""

    capability: int
    flash2: bool
    flash3: bool
    kernels: bool

    @classmethod
    def found(cls) -> "Here":
        """This machine."""
        import torch
        from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

        cuda = torch.cuda.is_available() and torch.version.cuda is not None
        return cls(
            capability=torch.cuda.get_device_capability()[0] if cuda else 0,
            flash2=bool(is_flash_attn_2_available()),
            flash3=bool(is_flash_attn_3_available()),
            kernels=find_spec("kernels") is not None,
        )


def best(here: Here, *, reduced: bool, supported: bool) -> str:
    """The best attention; `reduced`: it reckons in 16 bits, as flash attention must, `supported`: the architecture has it."""
    if not reduced or not supported or here.capability < _AMPERE:
        return "sdpa"
    if here.flash3 and here.capability == _HOPPER:
        return "flash_attention_3"
    if here.flash2:
        return "flash_attention_2"
    return _KERNEL if here.kernels else "sdpa"


def settled(job: Mapping[str, Any], progress: Progress) -> str:
    """The attention of a job: what is set, or what is best here; a kernel that cannot be had from the Hub gives way to sdpa."""
    asked = str(job["attention"])
    if asked != AUTO:
        return asked
    chosen = best(Here.found(), reduced=bool(job["arguments"]["bf16"]), supported=supports_flash(job))
    if chosen == _KERNEL:
        from transformers.integrations.hub_kernels import load_and_register_attn_kernel

        try:
            load_and_register_attn_kernel(_KERNEL)
        except (ImportError, ValueError) as problem:  # without the Hub, or without a build for this torch
            progress.say(f"attention: sdpa, as {_KERNEL} cannot be had: {problem}")
            return "sdpa"
    return chosen


def supports_flash(job: Mapping[str, Any]) -> bool:
    """Whether the architecture of a job's base has flash attention."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(job["base"], revision=job["revision"], trust_remote_code=False)
    kind = AutoModelForCausalLM._model_mapping.get(type(config), None)  # noqa: SLF001 - no public way to the class alone
    return bool(getattr(kind, "_supports_flash_attn", False))

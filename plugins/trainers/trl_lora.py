"""LoRA and QLoRA in the worker: what peft is told, and adapters merged into their base."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

Job = Mapping[str, Any]


def adapters(job: Job) -> Any:
    """What peft adapts; none where all weights are trained."""
    if not job["lora"]["r"]:
        return None
    from peft import LoraConfig

    return LoraConfig(**job["lora"], bias="none", task_type="CAUSAL_LM")


def quantization(job: Job) -> Any:
    """How the base is held in 4 bits, as QLoRA does (arXiv 2305.14314); none where it is not."""
    if not job["quantized"]:
        return None
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )


def merged(job: Job, adapter: Path, folder: Path) -> None:
    """Save the base with the adapters merged into it: the next stage and every evaluation take it as any other model.

    The base is read once more, whole and not quantised, into the memory of the host.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(
        job["base"],
        revision=job["revision"],
        dtype=getattr(torch, job["dtype"]),
        use_safetensors=True,
        trust_remote_code=False,
    )
    PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(folder)

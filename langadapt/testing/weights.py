"""The weights that a training saved: loaded as those who use them do, and compared tensor by tensor."""

import hashlib
import io
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from langadapt.testing.bench import blaming

_MEND = "save weights as safetensors and the configuration beside them, as save_pretrained does"
_ADAPTER = "adapter_model.safetensors"


def weights(folder: Path, who: str, base: Path | None = None) -> dict[str, Any]:
    """Each tensor of a saved model; of an adapter of `base` those that the base has once it is merged into it."""
    from transformers import AutoModelForCausalLM

    with blaming(f"loading what {who}.train saved", _MEND), redirect_stderr(io.StringIO()):
        model, said = AutoModelForCausalLM.from_pretrained(
            base or folder, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
        missing = said["missing_keys"]
        if base:
            model, missing = _adapted(model, folder, who)
    assert not missing, f"{who}.train does not save {', '.join(sorted(missing)[:3])}; {_MEND}"
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _adapted(model: Any, folder: Path, who: str) -> tuple[Any, list[str]]:
    """The model with the adapter merged into it, and what the adapter lacks."""
    from peft import PeftConfig, PeftModel

    assert (folder / _ADAPTER).is_file(), f"{who}.train saves no {_ADAPTER}; {_MEND}"
    adapted = PeftModel(model, PeftConfig.from_pretrained(str(folder)))
    said = adapted.load_adapter(str(folder), "default")
    return adapted.merge_and_unload(), said.missing_keys


def different(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first of the weights that are not the same bit for bit; empty where all are."""
    import torch

    for name in sorted({*one, *other}):
        if name not in one or name not in other or not torch.equal(one[name], other[name]):
            return name
    return ""


def digests(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each tensor's name, and a hash of what it holds."""
    import torch

    plain = {name: tensor.contiguous().reshape(-1).view(torch.uint8) for name, tensor in found.items()}
    return [(name, hashlib.sha256(plain[name].numpy()).hexdigest()) for name in sorted(plain)]

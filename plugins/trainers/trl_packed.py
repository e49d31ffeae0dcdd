"""Attention of packed rows without flash attention: each document by itself, instead of one large mask over all rows of a batch.

TRL lays the packed rows of a batch end to end and says where documents begin. Flash attention reads that; sdpa is given a mask of all
tokens by all tokens, whose work and memory grow with the square of the batch. One call for each document does only the work that there is.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, AutoConfig, AutoModelForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

PACKED = "sdpa-by-document"
"""The name under which transformers knows it."""
_ENDS = "cu_seq_lens_q"
_FEW = 2048
"""Tokens of a batch up to which the mask is small: with it, losses are TRL's to the last bit, and not only but for rounding."""


def by_document(attention: str, job: Mapping[str, Any]) -> str:
    """The attention of a job: sdpa gives way to `PACKED` where much is packed and no window is narrower than the rows."""
    given = job["arguments"]
    if attention != "sdpa" or not given.get("packing") or given.get("packing_strategy") == "wrapped":
        return attention
    if given["per_device_train_batch_size"] * given["max_length"] <= _FEW:
        return attention
    config = AutoConfig.from_pretrained(job["base"], revision=job["revision"], trust_remote_code=False)
    model = AutoModelForCausalLM._model_mapping.get(type(config), None)  # noqa: SLF001 - no public way to the class alone
    if not getattr(model, "_supports_attention_backend", False):  # it would not hand on where documents end
        return attention
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if (window and window < given["max_length"]) or not kinds <= {"full_attention", "sliding_attention"}:
        return attention
    AttentionInterface.register(PACKED, _attend)
    AttentionMaskInterface.register(PACKED, _mask)
    return PACKED


def _mask(*, attention_mask: Any = None, device: Any = None, **given: Any) -> Any:
    """For packed rows, which come without a mask, a mark that no attention but `_attend` can read."""
    if attention_mask is None:
        return torch.empty(0, dtype=torch.bool, device=device)
    return sdpa_mask(attention_mask=attention_mask, device=device, **given)


def _attend(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **given: Any) -> Any:
    """Attention of each document; raises `ValueError` where a model does not hand on where documents end."""
    if attention_mask is None or attention_mask.numel():
        return sdpa_attention_forward(module, query, key, value, attention_mask, **given)
    if given.get(_ENDS) is None:
        raise ValueError("packed rows came without where their documents end: set `packing = false`")
    ends = given[_ENDS].tolist()
    made = [
        sdpa_attention_forward(
            module, *(part[:, :, begin:end] for part in (query, key, value)), None, **given
        )[0]
        for begin, end in pairwise(ends)
    ]
    return torch.cat(made, dim=1), None

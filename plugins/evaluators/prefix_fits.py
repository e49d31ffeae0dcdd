"""Which models may be given trees of tokens, and the masks that they read them by. Imports torch: import this late."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from langadapt_plugins.evaluators.prefix_attention import can, divided
from langadapt_plugins.evaluators.prefix_order import Tree

_TAKEN = {"input_ids", "past_key_values", "position_ids", "attention_mask", "logits_to_keep"}
_LAYERS = {"full_attention", "sliding_attention"}
_BY_LENGTH = {"dynamic", "longrope"}
"""Rotary positions that depend on how long the whole sequence is."""


def unfit(model: Any) -> str | None:
    """Why a model cannot be given a tree: it counts positions itself, or reads masks of its own; None where it may."""
    missing = _TAKEN - set(inspect.signature(model.forward).parameters)
    config = text_config(model)
    attention = config._attn_implementation  # noqa: SLF001 - where Transformers keeps it
    others = set(getattr(config, "layer_types", None) or ()) - _LAYERS
    reasons = {
        f"its forward takes no {', '.join(sorted(missing))}": missing,
        f"its attention is {attention}": attention not in ("eager", "sdpa"),
        f"its layers are {', '.join(sorted(others))}": others,
        "its layers are chunked": getattr(config, "attention_chunk_size", None),
    }
    return next((reason for reason, true in reasons.items() if true), None) or unfit_for_rows(model)


def unfit_for_rows(model: Any) -> str | None:
    """Why a model cannot go on from a copy of its cache; None where it may."""
    config = text_config(model)
    causal = getattr(config, "is_causal", True) and not getattr(config, "use_bidirectional_attention", None)
    reasons = {
        "its forward takes no past_key_values": "past_key_values"
        not in inspect.signature(model.forward).parameters,
        "its positions depend on the length": _ropes(getattr(config, "rope_parameters", None)) & _BY_LENGTH,
        "it is not causal": not causal,
    }
    return next((reason for reason, true in reasons.items() if true), None)


def window(model: Any) -> int | None:
    """The fewest tokens that a layer looks back, where it does not look at all."""
    config = text_config(model)
    kinds = getattr(config, "layer_types", None)
    size = getattr(config, "sliding_window", None)
    return None if not size or (kinds and "sliding_attention" not in kinds) else int(size)


def masks(model: Any, made: Tree, start: int, windows: bool, at_once: int) -> Any:
    """What a model is to be given as `attention_mask`; None where all is plainly causal.

    `windows`: whether some layer does not look as far back as the longest sequence. `at_once`: tokens of a block.
    """
    if not start and not made.seen.size:
        return None
    count = len(made.tokens)
    seen = np.concatenate([np.ones((count, start), dtype=bool), made.seen], axis=1)
    if not windows:
        return _added(model, made, seen, at_once)
    depths = np.concatenate([np.arange(start), made.depths])
    near = seen & (made.depths[:, None] - depths < window(model))
    if not getattr(text_config(model), "layer_types", None):
        return _added(model, made, near, at_once)
    kinds = {"full_attention": seen, "sliding_attention": near}
    return {kind: _added(model, made, looks, at_once) for kind, looks in kinds.items()}


def _added(model: Any, made: Tree, seen: Any, at_once: int) -> Any:
    """Zero where a token looks, and the least number where it does not: what every attention takes."""
    hidden = torch.as_tensor(~seen, device=model.device)
    mask = hidden.to(model.dtype).mul_(torch.finfo(model.dtype).min)[None, None]
    blocks = can(model, text_config(model)._attn_implementation)  # noqa: SLF001 - where Transformers keeps it
    return divided(mask, seen, made.depths, at_once) if blocks else mask


def text_config(model: Any) -> Any:
    """The part of a model's configuration that its causal layers read."""
    return model.config.get_text_config(decoder=True)


def _ropes(parameters: Any) -> set[str]:
    """The kinds of rotary positions, of the whole model or of each kind of layer."""
    if not isinstance(parameters, Mapping):
        return set()
    inner = [one for one in parameters.values() if isinstance(one, Mapping)]
    return {str(one.get("rope_type")) for one in (inner or [parameters])}

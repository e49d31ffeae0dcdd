"""Greedy search over a batch that loses each row as soon as its translation is whole.

Transformers' `generate` computes every row up to the end of the longest: on chats, whose lengths differ, most of the work is for rows
that are done (docs/benchmarks.md, `make bench-translate`).
"""

import inspect
from typing import Any

from langadapt_plugins.translators.prompting import Prompting, Request


def fits(model: Any) -> bool:
    """Whether a model keeps keys and values that rows can be taken out of, and is told the position of every token."""
    taken = inspect.signature(model.forward).parameters
    stateful = getattr(model, "_is_stateful", False)
    return {"past_key_values", "position_ids", "attention_mask"} <= set(taken) and not stateful


def greedy(model: Any, prompting: Prompting, batch: list[Request]) -> list[list[int]]:
    """The likeliest tokens after each prompt, up to its end or its limit."""
    import torch
    from transformers import DynamicCache

    width = max(len(request.tokens) for request in batch)
    pad = prompting.tokenizer.pad_token_id or 0
    lengths = [width - len(request.tokens) for request in batch]
    tokens = torch.tensor(
        [[pad] * n + r.tokens for n, r in zip(lengths, batch, strict=True)], device=model.device
    )
    mask = torch.tensor([[0] * n + [1] * (width - n) for n in lengths], device=model.device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache(config=model.config)
    last = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    written: list[list[int]] = [[] for _ in batch]
    rows = list(range(len(batch)))
    with torch.inference_mode():
        while True:
            out = model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                **last,
            )
            tokens = out.logits[:, -1].argmax(-1, keepdim=True)
            for row, token in zip(rows, tokens.flatten().tolist(), strict=True):
                written[row].append(token)
            left = [place for place, row in enumerate(rows) if not _done(prompting, batch[row], written[row])]
            if not left:
                return written
            positions = positions[:, -1:] + 1
            if len(left) < len(rows):
                kept = torch.tensor(left, device=model.device)
                cache.batch_select_indices(kept)
                tokens, mask, positions = tokens[kept], mask[kept], positions[kept]
                rows = [rows[place] for place in left]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)


def _done(prompting: Prompting, request: Request, written: list[int]) -> bool:
    return len(written) >= request.limit or prompting.ended(written)

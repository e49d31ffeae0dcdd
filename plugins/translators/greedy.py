"""Greedy search in a batch that loses its rows as their translations become whole.

Transformers' `generate` computes every row up to the end of the longest, and copies all keys and values for each token: on chats,
whose lengths differ, that is most of the work. To take new rows in where others end was tried and cost more than it saved: keys
and values of different lengths have to be padded to one (`make bench-translate`).
"""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from langadapt_plugins.translators.prompting import Prompting, Request
from langadapt_plugins.translators.roomy import give_room

_DONE = 4
"""Rows are taken out when one in so many is done: to take one out copies all others."""


def fits(model: Any) -> bool:
    """Whether a model keeps keys and values that rows can be taken out of, and is told the position of every token."""
    taken = inspect.signature(model.forward).parameters
    stateful = getattr(model, "_is_stateful", False)
    return {"past_key_values", "position_ids", "attention_mask"} <= set(taken) and not stateful


def search(
    model: Any, prompting: Prompting, requests: Sequence[Request], size: int
) -> Iterator[tuple[Request, list[int]]]:
    """The likeliest tokens after each prompt, up to its end or its limit; `size` rows at most are computed at once."""
    for start in range(0, len(requests), size):
        rows: _Rows | None = _begun(model, prompting, requests[start : start + size])
        while rows:
            done = [
                n
                for n, request in enumerate(rows.requests)
                if n not in rows.done
                and (len(rows.written[n]) >= request.limit or prompting.ended(rows.written[n]))
            ]
            yield from [(rows.requests[n], list(rows.written[n])) for n in done]
            rows.done.update(done)
            if len(rows.done) * _DONE >= len(rows):
                rows = rows.left()
            if rows:
                _step(model, rows)


@dataclass
class _Rows:
    """Answers under way: the last token of each, its position, which keys are its own, and all keys and values."""

    requests: list[Request]
    written: list[list[int]]
    tokens: Any
    positions: Any
    mask: Any
    cache: Any
    done: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.requests)

    def left(self) -> "_Rows | None":
        """The rows that are not done, none where all are."""
        import torch

        left = [n for n in range(len(self)) if n not in self.done]
        if not left:
            return None
        kept = torch.tensor(left, device=self.mask.device)
        with torch.inference_mode():
            self.cache.batch_select_indices(kept)
            return _Rows(
                [self.requests[n] for n in left],
                [self.written[n] for n in left],
                self.tokens[kept],
                self.positions[kept],
                self.mask[kept],
                self.cache,
            )

    def add(self, logits: Any) -> None:
        """The likeliest next token of each."""
        self.tokens = logits[:, -1].argmax(-1, keepdim=True)
        for written, token in zip(self.written, self.tokens.flatten().tolist(), strict=True):
            written.append(token)


def _begun(model: Any, prompting: Prompting, requests: Sequence[Request]) -> _Rows:
    """The first token after each prompt."""
    import torch
    from transformers import DynamicCache

    width = max(len(request.tokens) for request in requests)
    pad = prompting.tokenizer.pad_token_id or 0
    spare = [width - len(request.tokens) for request in requests]
    padded = [[pad] * n + request.tokens for n, request in zip(spare, requests, strict=True)]
    tokens = torch.tensor(padded, device=model.device)
    mask = torch.tensor([[0] * n + [1] * (width - n) for n in spare], device=model.device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache(config=model.config)
    give_room(cache)
    rows = _Rows(list(requests), [[] for _ in requests], tokens, positions[:, -1:], mask, cache)
    with torch.inference_mode():
        rows.add(_logits(model, tokens, positions, rows))
    return rows


def _step(model: Any, rows: _Rows) -> None:
    """One more token of each."""
    import torch

    with torch.inference_mode():
        rows.positions = rows.positions + 1
        if rows.done:  # they are computed along, and must not run past the model's last position
            rows.positions[sorted(rows.done)] -= 1
        rows.mask = torch.cat([rows.mask, rows.mask.new_ones(len(rows), 1)], dim=1)
        rows.add(_logits(model, rows.tokens, rows.positions, rows))


def _logits(model: Any, tokens: Any, positions: Any, rows: _Rows) -> Any:
    last = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    return model(
        input_ids=tokens,
        attention_mask=rows.mask,
        position_ids=positions,
        past_key_values=rows.cache,
        use_cache=True,
        **last,
    ).logits

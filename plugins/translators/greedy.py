"""Greedy search in a batch that loses its rows as their translations become whole.

Transformers' `generate` computes every row up to the end of the longest, and copies all keys and values for each token: on chats,
whose lengths differ, that is most of the work. To take new rows in where others end was tried and cost more than it saved: keys
and values of different lengths have to be padded to one (`make bench-translate`).
"""

import inspect
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Protocol

from langadapt_plugins.translators.prompts import Request
from langadapt_plugins.translators.roomy import give_room, joined, only_grows

_DONE = 4
"""Rows are taken out when one in so many is done: to take one out copies all others."""
_FEW = 4
"""When only one row in so many is left of a batch, it waits for those of the next ones: a step costs about the same for few."""
_PADDED = 1.05
"""Prompts are read together while they are padded to so many times their own tokens."""


class Writing(Protocol):
    """A tokenizer, and when a text is whole."""

    @property
    def tokenizer(self) -> Any:
        """Its `pad_token_id` fills rows up."""

    def ended(self, tokens: Sequence[int], /) -> bool:
        """Whether the last token made the text whole."""


def fits(model: Any) -> bool:
    """Whether a model keeps keys and values that rows can be taken out of, and is told the position of every token."""
    taken = inspect.signature(model.forward).parameters
    stateful = getattr(model, "_is_stateful", False)
    return {"past_key_values", "position_ids", "attention_mask"} <= set(taken) and not stateful


def search(
    model: Any, writing: Writing, requests: Sequence[Request], size: int
) -> Iterator[tuple[Request, list[int]]]:
    """The likeliest tokens after each prompt, up to its end or its limit; `size` rows at most are computed at once."""
    waiting: list[_Rows] = []
    for start in range(0, len(requests), size):
        rows = _batch(model, writing, requests[start : start + size])
        few = size // _FEW if only_grows(rows.cache) else 0
        rest = yield from _written(model, writing, rows, few)
        waiting += [rest] if rest else []
        if sum(map(len, waiting)) > size - few:
            yield from _written(model, writing, _together(waiting), 0)
            waiting = []
    if waiting:
        yield from _written(model, writing, _together(waiting), 0)


def _written(
    model: Any, writing: Writing, begun: "_Rows", few: int
) -> "Generator[tuple[Request, list[int]], None, _Rows | None]":
    """What each row says, until none or at most `few` are under way: those it gives back."""
    rows: _Rows | None = begun
    while rows:
        done = [
            n
            for n, request in enumerate(rows.requests)
            if n not in rows.done
            and (len(rows.written[n]) >= request.limit or writing.ended(rows.written[n]))
        ]
        yield from [(rows.requests[n], list(rows.written[n])) for n in done]
        rows.done.update(done)
        if len(rows.done) * _DONE >= len(rows):
            rows = rows.left()
            if rows and len(rows) <= few:
                return rows
        if rows:
            _step(model, rows)
    return None


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


def _together(parts: "Sequence[_Rows]") -> "_Rows":
    """Rows of several batches as one, each at the right end of the widest."""
    import torch
    import torch.nn.functional as nn

    width = max(part.mask.shape[1] for part in parts)
    return _Rows(
        [request for part in parts for request in part.requests],
        [written for part in parts for written in part.written],
        torch.cat([part.tokens for part in parts]),
        torch.cat([part.positions for part in parts]),
        torch.cat([nn.pad(part.mask, (width - part.mask.shape[1], 0)) for part in parts]),
        joined([part.cache for part in parts]),
    )


def _batch(model: Any, writing: Writing, requests: Sequence[Request]) -> _Rows:
    """The first token after each prompt, read in groups of about one length: little is padded."""
    if not only_grows(_cache(model)):
        return _begun(model, writing, requests)
    parts = [_begun(model, writing, group) for group in _alike(requests)]
    return _together(parts) if len(parts) > 1 else parts[0]


def _alike(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Neighbours whose prompts together take little more room than they need."""
    group: list[Request] = []
    for request in requests:
        lengths = [len(one.tokens) for one in (*group, request)]
        if len(group) >= _FEW and max(lengths) * len(lengths) > _PADDED * sum(lengths):
            yield group
            group = []
        group.append(request)
    yield group


def _cache(model: Any) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    give_room(cache)
    return cache


def _begun(model: Any, writing: Writing, requests: Sequence[Request]) -> _Rows:
    """The first token after each prompt; what all prompts begin with is read once."""
    import torch

    cache = _cache(model)
    shared = _shared([request.tokens for request in requests]) if only_grows(cache) else []
    own = [request.tokens[len(shared) :] for request in requests]
    width = max(map(len, own))
    pad = writing.tokenizer.pad_token_id or 0
    tokens = torch.tensor([[pad] * (width - len(one)) + one for one in own], device=model.device)
    mask = torch.tensor(
        [[1] * len(shared) + [0] * (width - len(one)) + [1] * len(one) for one in own], device=model.device
    )
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    rows = _Rows(list(requests), [[] for _ in requests], tokens, positions[:, -1:], mask, cache)
    with torch.inference_mode():
        if shared:
            one = torch.tensor([shared], device=model.device)
            model(input_ids=one, past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(len(requests))
        rows.add(_logits(model, tokens, positions[:, len(shared) :], rows))
    return rows


def _shared(prompts: Sequence[list[int]]) -> list[int]:
    """The tokens that every prompt begins with, less one at least of the shortest: each row has to say something of its own."""
    first, last = min(prompts), max(prompts)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return first[: min(same, min(map(len, prompts)) - 1)]


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

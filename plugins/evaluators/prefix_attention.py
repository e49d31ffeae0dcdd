"""Attention over a tree of tokens, some of them at a time, each time over the keys alone that some of them look at.

A mask over a whole tree makes every token meet every other, most of them of other questions, only to hide them. The tokens
of a tree stand in the order of its rows, so a few dozen that follow each other look at what all have in common and at little
more. The softmax is taken over the same keys, so that the numbers are those of the whole mask.
Imports transformers: import this late.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from langadapt_plugins.evaluators.prefix_order import Ints

AT_ONCE = 64
"""Tokens of a block, about: 64 of 768 behind 130 others take a third of the whole mask's time, 32 as long, 128 a fifth more."""
_NAME = "langadapt_blocks"


@dataclass(frozen=True, eq=False)
class Block:
    """Tokens `begin` to `end` (not with it), the keys that they look at, and the mask over these."""

    begin: int
    end: int
    keys: Any
    """A slice where they stand together, or the numbers of those behind the first `common` of the mask."""
    mask: Any


@dataclass(frozen=True, eq=False)
class Blocks:
    """A whole mask in parts; the first `common` keys are looked at in every one."""

    common: int
    parts: list[Block]


def can(model: Any, attention: str) -> bool:
    """Whether a model's attention may be given in parts: on a processor. An accelerator would wait for many small calls."""
    handed = bool(getattr(model, "_supports_attention_backend", False))
    return attention == "sdpa" and handed and model.device.type == "cpu"


def divided(mask: Any, seen: Any, depths: Ints, at_once: int) -> Any:
    """The same mask, with its parts as `blocks` where there are several; `seen[i, j]` where token i looks at key j."""
    ends = _ends(depths, at_once)
    if len(ends) > 1:
        begins = [0, *ends[:-1]]
        looked = [seen[begin:end].any(axis=0) for begin, end in zip(begins, ends, strict=True)]
        everywhere = np.logical_and.reduce(looked)
        common = len(everywhere) if everywhere.all() else int(everywhere.argmin())
        parts = [
            _block(mask, begin, end, some, common)
            for begin, end, some in zip(begins, ends, looked, strict=True)
        ]
        mask.blocks = Blocks(common, parts)
    return mask


def _ends(depths: Ints, at_once: int) -> list[int]:
    """Where blocks end: before the token that hangs nearest to the root, so that little is looked at twice."""
    begin, ends = 0, []
    low = max(1, at_once // 2)
    high = low + at_once
    while len(depths) - begin > high:
        begin += low + int(depths[begin + low : begin + high].argmin())
        ends.append(begin)
    return [*ends, len(depths)]


def _block(mask: Any, begin: int, end: int, looked: Any, common: int) -> Block:
    columns = looked.nonzero()[0]
    first, last = int(columns[0]), int(columns[-1]) + 1
    if last - first == len(columns):
        return Block(begin, end, slice(first, last), mask[:, :, begin:end, first:last])
    which = torch.as_tensor(columns, device=mask.device)
    return Block(begin, end, which[common:], mask[:, :, begin:end].index_select(-1, which))


@contextmanager
def in_blocks(config: Any, mask: Any) -> Iterator[None]:
    """Within it, a model of this configuration reads masks that have parts by these."""
    masks = mask.values() if isinstance(mask, dict) else [mask]
    if not any(hasattr(one, "blocks") for one in masks):
        yield
        return
    before = config._attn_implementation  # noqa: SLF001 - where Transformers keeps it
    config._attn_implementation = _NAME  # noqa: SLF001
    try:
        yield
    finally:
        config._attn_implementation = before  # noqa: SLF001


def _attention(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **given: Any
) -> tuple[Any, None]:
    """What Transformers' `sdpa` gives, block by block; the arguments are its own."""
    blocks: Any = getattr(attention_mask, "blocks", None)
    whole = blocks is None or attention_mask.shape[-1] != key.shape[-2] or len(query) > 1
    if whole or given.get("position_bias") is not None:
        found: tuple[Any, None] = ALL_ATTENTION_FUNCTIONS["sdpa"](
            module, query, key, value, attention_mask, **given
        )
        return found
    heads, groups = key.shape[1], query.shape[1] // key.shape[1]
    keys, values = _Gathered(key, blocks), _Gathered(value, blocks)
    answers = []
    for block in blocks.parts:
        length = block.end - block.begin
        asked = query[:, :, block.begin : block.end].reshape(1, heads, groups * length, -1)
        answer = scaled_dot_product_attention(
            asked,
            keys.of(block),
            values.of(block),
            attn_mask=block.mask if groups == 1 else block.mask.repeat(1, 1, groups, 1),
            dropout_p=given.get("dropout", 0.0),
            scale=given.get("scaling"),
        )
        answers.append(answer.reshape(1, heads * groups, length, -1).transpose(1, 2))
    return torch.cat(answers, dim=1), None


class _Gathered:
    """Keys or values of one block after the other; those that all have in common are copied once, if at all."""

    def __init__(self, states: Any, blocks: Blocks) -> None:
        self._states, self._common = states, blocks.common
        most = max((len(one.keys) for one in blocks.parts if not isinstance(one.keys, slice)), default=0)
        if most:
            self._room = states.new_empty((*states.shape[:2], self._common + most, states.shape[-1]))
            self._room[:, :, : self._common] = states[:, :, : self._common]

    def of(self, block: Block) -> Any:
        """Valid until the next is asked for."""
        if isinstance(block.keys, slice):
            return self._states[:, :, block.keys]
        whole = self._common + len(block.keys)
        self._room[:, :, self._common : whole] = self._states.index_select(2, block.keys)
        return self._room[:, :, :whole]


ALL_ATTENTION_FUNCTIONS.register(_NAME, _attention)

"""Causal language models in Transformers: how they are loaded, and how a batch of prompts is continued."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langadapt.interfaces import ModelRef
from langadapt_plugins.translators.greedy import fits, search
from langadapt_plugins.translators.prompts import Prompting, Request

Generate = Callable[[Any, Prompting, Sequence[Request], int, int], Iterator[tuple[Request, list[int]]]]
"""Model, tokenizer, requests, how many at once, and beams to the new tokens of each request."""


@dataclass(frozen=True)
class Kind:
    """What differs between kinds of models: their prompts as tokens, how they are loaded, how they write."""

    prompting: type[Prompting]
    load: Callable[[ModelRef, str], Any]
    generate: Generate


def _load(model: ModelRef, dtype: str) -> Any:
    from transformers import AutoModelForCausalLM, GenerationConfig

    loaded = AutoModelForCausalLM.from_pretrained(
        model.name, revision=model.revision, dtype=dtype, use_safetensors=True, trust_remote_code=False
    )
    # Else what the checkpoint sets, such as a repetition penalty, would hold for beams and not for greedy search.
    loaded.generation_config = GenerationConfig()
    return loaded


def in_batches(write: Callable[[Any, Prompting, Sequence[Request], int], list[list[int]]]) -> Generate:
    """All requests through what writes one batch, in their order."""

    def generate(
        model: Any, prompting: Prompting, requests: Sequence[Request], size: int, beams: int
    ) -> Iterator[tuple[Request, list[int]]]:
        for start in range(0, len(requests), size):
            batch = requests[start : start + size]
            yield from zip(batch, write(model, prompting, batch, beams), strict=True)

    return generate


def _generate(
    model: Any, prompting: Prompting, requests: Sequence[Request], size: int, beams: int
) -> Iterator[tuple[Request, list[int]]]:
    if beams == 1 and fits(model):
        return search(model, prompting, requests, size)
    return in_batches(_batch)(model, prompting, requests, size, beams)


def _batch(model: Any, prompting: Prompting, batch: Sequence[Request], beams: int) -> list[list[int]]:
    import torch
    from transformers import GenerationConfig

    width = max(len(request.tokens) for request in batch)
    pad = prompting.tokenizer.pad_token_id or 0
    padded = [[pad] * (width - len(request.tokens)) + request.tokens for request in batch]
    mask = [[0] * (width - len(request.tokens)) + [1] * len(request.tokens) for request in batch]
    limits = torch.tensor([request.limit for request in batch], device=model.device)
    settings = GenerationConfig(
        max_new_tokens=int(limits.max()),
        num_beams=beams,
        do_sample=False,
        eos_token_id=sorted(prompting.ends) or None,
        pad_token_id=pad,
    )
    with torch.inference_mode():
        written = model.generate(
            torch.tensor(padded, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            generation_config=settings,
            stopping_criteria=[Ends(prompting, width, limits)],
        )
    return written[:, width:].tolist()  # type: ignore[no-any-return]


class Ends:
    """Stops each row by itself: at its own limit, or where its translation is whole. `width` tokens are not its answer."""

    def __init__(self, prompting: Prompting, width: int, limits: Any) -> None:
        import torch

        self._prompting, self._width, self._limits = prompting, width, limits
        self._breaks = torch.tensor(sorted(prompting.breaks), device=limits.device)

    def __call__(self, rows: Any, scores: Any) -> Any:  # noqa: ARG002 - as Transformers calls it
        """Which rows are done."""
        import torch

        beams = len(rows) // len(self._limits)
        done = self._limits.repeat_interleave(beams) <= rows.shape[1] - self._width
        for row in torch.isin(rows[:, -1], self._breaks).nonzero().flatten().tolist():
            done[row] |= self._prompting.ended(rows[row, self._width :].tolist())
        return done


CAUSAL = Kind(Prompting, _load, _generate)

"""How fast a training is: tokens in a second, the share of its devices' compute that its model uses, memory at the peak."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch

from langadapt.machine import most_held, recognised

_FORWARD, _BACKWARD, _GRADIENT = 2, 2, 2
"""Operations of a weight for one token: forwards, backwards to what came in, and for its own gradient where it is trained."""
_ATTENTION = 4
"""Operations of attention for a layer, a number of a head and a token looked at, forwards; backwards twice as many."""

_UNCUT = 2**31 - 1


class Clock:
    """Counts the tokens that a model was trained on and the seconds that this took, evaluating and saving left out.

    `earlier` are those of a training that is gone on from. The first step of all, in which kernels are chosen and
    memory is found, is not counted.
    """

    def __init__(self, operations: float, peak: float, earlier: Mapping[str, float]) -> None:
        """`operations` of one token, and what all devices can do in a second (0 of either: not known)."""
        self.operations, self.peak = operations, peak
        self._tokens, self._seconds = earlier.get("counted_tokens", 0.0), earlier.get("counted_seconds", 0.0)
        self._told, self._since, self._stopped = 0.0, time.monotonic(), 0.0

    def start(self) -> None:
        """Training begins here."""
        self._since = time.monotonic()

    def stop(self) -> None:
        """A step has ended: what comes until `go` is no training."""
        self._stopped = time.monotonic()

    def go(self) -> None:
        """Evaluating or saving has ended."""
        now = time.monotonic()
        self._since += now - self._stopped
        self._stopped = now

    def point(self, told: float, *, first: bool) -> dict[str, float]:
        """What belongs to a point of the curves, `told` tokens having been seen in this process; nothing for the first step."""
        now = time.monotonic()
        tokens, seconds = told - self._told, now - self._since
        self._told, self._since = told, now
        if first or tokens <= 0 or seconds <= 0:
            return {}
        self._tokens += tokens
        self._seconds += seconds
        return self._rates(tokens / seconds)

    @property
    def facts(self) -> dict[str, float | None]:
        """The same of the whole training; None for what is not known."""
        rates = self._rates(self._tokens / self._seconds) if self._seconds else {}
        return {name: rates.get(name) for name in ("tokens_per_second", "mfu")}

    @property
    def state(self) -> dict[str, float]:
        """What a training that goes on from here takes as `earlier`."""
        return {"counted_tokens": self._tokens, "counted_seconds": self._seconds}

    def _rates(self, rate: float) -> dict[str, float]:
        used = {"mfu": round(rate * self.operations / self.peak, 4)} if self.peak and self.operations else {}
        return {"tokens_per_second": round(rate, 1), **used}


def clock(trainer: Any, earlier: Mapping[str, float]) -> Clock:
    """The clock of a trainer that is ready to train."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    length, scored = shape(trainer.train_dataset, trainer.args.max_length)
    reference = not getattr(trainer, "precompute_ref_logps", True)
    try:
        needed = operations(model, length, scored=scored, reference=reference)
    except (AttributeError, TypeError):  # an architecture that says of itself other things than we know
        needed = 0.0
    return Clock(needed, peak(trainer.args), earlier)


def operations(model: Any, length: float, *, scored: float = 1.0, reference: bool = False) -> float:
    """Floating point operations for a token of a text of `length` tokens, forwards and backwards.

    As in appendix B of PaLM (arXiv 2204.02311): 6 for each weight that a token is multiplied with, and 12 * layers *
    heads * head size * length for attention; what activation checkpointing reckons again does not count. Looking an
    embedding up multiplies nothing. A weight that is not trained, as under adapters, has no gradient of its own: 4.
    Of a mixture of experts those count that a token goes through, of the head the `scored` share of tokens that TRL
    puts through it. `reference`: a frozen model reads each token too.
    """
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    size: int = getattr(config, "head_dim", None) or config.hidden_size // heads
    seen = min(length, getattr(config, "sliding_window", None) or length)
    attention: float = _ATTENTION * config.num_hidden_layers * heads * size * seen
    trained, frozen = _multiplied(model, config, scored)
    read = _FORWARD * (frozen or trained) + attention if reference else 0.0
    return (_FORWARD + _BACKWARD) * (trained + frozen) + _GRADIENT * trained + 3 * attention + read


def _multiplied(model: Any, config: Any, scored: float) -> tuple[float, float]:
    """How many weights a token is multiplied with: those that are trained, those that are not."""
    trained = frozen = 0.0
    head = model.get_output_embeddings()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Embedding) or "original_module" in name:
            continue
        for weight in module.parameters(recurse=False):
            size = _size(module, weight, config) * (scored if module is head else 1.0)
            if weight.requires_grad:
                trained += size
            else:
                frozen += size
    return trained, frozen


def _size(module: Any, weight: Any, config: Any) -> float:
    if hasattr(module, "in_features") and weight is getattr(module, "weight", None):
        return float(module.in_features * module.out_features)  # four bits are packed, shares are parts
    if weight.ndim == 3 and "expert" in type(module).__name__.lower():
        at_once = getattr(config, "num_experts_per_tok", None) or getattr(config, "moe_topk", None) or 1
        return float(weight[0].numel() * min(at_once, len(weight)))
    return float(weight.numel()) if weight.ndim == 2 else 0.0


def shape(rows: Any, at_most: int | None) -> tuple[float, float]:
    """Of the prepared rows the length of the text that an average token stands in, and the share of tokens that are scored."""
    count = squares = scored = 0.0
    for lengths, learned in _texts(rows, at_most or _UNCUT):
        count += float(lengths.sum())
        squares += float((lengths.astype(np.float64) ** 2).sum())
        scored += learned
    return (squares / count, scored / count) if count else (0.0, 1.0)


def _texts(rows: Any, at_most: int) -> Iterator[tuple[Any, float]]:
    """The lengths of texts, a thousand rows at a time, and how many of their tokens are scored."""
    for table in rows.with_format("arrow").iter(batch_size=1000):
        names = set(table.column_names)
        if "prompt_ids" in names:
            prompt = _lengths(table["prompt_ids"])
            for side in ("chosen_ids", "rejected_ids"):
                whole = np.minimum(prompt + _lengths(table[side]), at_most)
                yield whole, float(np.maximum(whole - prompt, 0).sum())
            continue
        # packing tells how long the texts in a row are
        lengths = pc.list_flatten(table["seq_lengths"]).to_numpy() if "seq_lengths" in names else None
        whole = np.minimum(_lengths(table["input_ids"]), at_most)
        labels = pc.list_flatten(table["labels"]).to_numpy() if "labels" in names else None
        yield (
            whole if lengths is None else lengths,
            float(whole.sum() if labels is None else (labels >= 0).sum()),
        )


def _lengths(column: Any) -> Any:
    return pc.list_value_length(column).to_numpy()


def peak(arguments: Any) -> float:
    """What all devices can do in a second, in operations of bfloat16; 0 for unknown ones and for other arithmetic."""
    if not torch.cuda.is_available() or not arguments.bf16:
        return 0.0
    device = recognised(torch.cuda.get_device_name())
    return device.tflops * 1e12 * arguments.world_size if device else 0.0


def peak_memory(accelerator: Any) -> dict[str, int]:
    """Most bytes at a time of any process so far: allocated on its device, or resident where it has none, and resident in any case."""
    resident = most_held()
    own = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else resident
    sizes = torch.tensor([[own, resident]], dtype=torch.int64, device=accelerator.device)
    most = accelerator.gather(sizes).amax(dim=0).tolist()
    return {"peak_memory_bytes": most[0], "peak_host_memory_bytes": most[1]}

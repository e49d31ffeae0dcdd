"""Translation by a causal language model through Hugging Face Transformers, in batches sorted by length."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

from langadapt.errors import ConfigError, MachineError
from langadapt.interfaces import SPEED, Hypothesis
from langadapt_plugins.translators.prompting import PromptedTranslator, Prompting, Request, loading


@dataclass(frozen=True, kw_only=True)
class TransformersTranslator(PromptedTranslator):
    """A translation model run by Transformers; it works wherever PyTorch does."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    output_version: ClassVar[int] = 1
    batch_size: Annotated[int, "texts translated at once; halved where memory runs out", SPEED] = 32
    device: Annotated[str, "where it runs; auto is the accelerator, or else the CPU", SPEED] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size < 1:
            raise ConfigError(f"`batch_size` is {self.batch_size}; it must be above 0")

    def close(self) -> None:
        """Free the model and what its device keeps for it."""
        loaded = "_model" in self.__dict__
        super().close()
        if loaded:
            _free()

    @cached_property
    def _model(self) -> Any:
        with loading(self.model) as ref:
            import torch
            from transformers import AutoModelForCausalLM

            accelerator = torch.accelerator.current_accelerator(check_available=True)
            device = (
                (accelerator or torch.device("cpu")) if self.device == "auto" else torch.device(self.device)
            )
            model = AutoModelForCausalLM.from_pretrained(
                ref.name,
                revision=ref.revision,
                dtype=self.dtype,
                use_safetensors=True,
                trust_remote_code=False,
            )
            return model.to(device).eval()

    def _answers(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        start, size = 0, self.batch_size
        while batch := requests[start : start + size]:
            written = self._written(batch)
            if written is None and len(batch) == 1:
                raise MachineError(
                    f"a text of {len(batch[0].tokens)} tokens does not fit into the memory of {self._model.device}",
                    hint="set `dtype` to bfloat16, `beams` to 1, or take a smaller model",
                )
            if written is None:
                _free()
                size = len(batch) // 2
                continue
            start += len(batch)
            for request, tokens in zip(batch, written, strict=True):
                yield request.index, self._prompting.read(request, tokens)

    def _written(self, batch: list[Request]) -> list[list[int]] | None:
        """The new tokens of each; none where the accelerator's memory ran out."""
        try:
            return self._generated(batch)
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            return None

    def _generated(self, batch: list[Request]) -> list[list[int]]:
        import torch
        from transformers import GenerationConfig

        width = max(len(request.tokens) for request in batch)
        pad = self._prompting.tokenizer.pad_token_id or 0
        padded = [[pad] * (width - len(request.tokens)) + request.tokens for request in batch]
        mask = [[0] * (width - len(request.tokens)) + [1] * len(request.tokens) for request in batch]
        model = self._model
        limits = torch.tensor([request.limit for request in batch], device=model.device)
        settings = GenerationConfig(
            max_new_tokens=int(limits.max()),
            num_beams=self.beams,
            do_sample=False,
            eos_token_id=sorted(self._prompting.ends) or None,
            pad_token_id=pad,
        )
        with torch.inference_mode():
            written = model.generate(
                torch.tensor(padded, device=model.device),
                attention_mask=torch.tensor(mask, device=model.device),
                generation_config=settings,
                stopping_criteria=[_Ends(self._prompting, width, limits)],
            )
        return written[:, width:].tolist()  # type: ignore[no-any-return]


class _Ends:
    """Stops each row by itself: at its own limit, or where its translation is whole."""

    def __init__(self, prompting: Prompting, width: int, limits: Any) -> None:
        import torch

        self._prompting, self._width, self._limits = prompting, width, limits
        self._breaks = torch.tensor(sorted(prompting.breaks), device=limits.device)

    def __call__(self, rows: Any, scores: Any) -> Any:  # noqa: ARG002 - as Transformers calls it
        import torch

        beams = len(rows) // len(self._limits)
        done = self._limits.repeat_interleave(beams) <= rows.shape[1] - self._width
        for row in torch.isin(rows[:, -1], self._breaks).nonzero().flatten().tolist():
            done[row] |= self._prompting.ended(rows[row, self._width :].tolist())
        return done


def _out_of_memory(error: RuntimeError) -> bool:
    """As CUDA and MPS say it; on a CPU the system ends the process instead."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "MPS backend out of memory" in str(error)


def _free() -> None:
    import gc

    import torch

    gc.collect()
    if torch.accelerator.is_available():
        torch.accelerator.empty_cache()

"""Translation through Hugging Face Transformers, by causal and encoder-decoder models, in batches sorted by length."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

from langadapt.errors import ConfigError, MachineError
from langadapt.interfaces import SPEED, Hypothesis, Resolved
from langadapt.languages import LanguagePack
from langadapt_plugins.translators.causal import CAUSAL, Kind
from langadapt_plugins.translators.covering import covering_model
from langadapt_plugins.translators.encoder_decoder import ENCODER_DECODER
from langadapt_plugins.translators.prompting import PromptedTranslator, Prompting, Request, loading

_KINDS: Mapping[str, Kind] = {"causal": CAUSAL, "encoder-decoder": ENCODER_DECODER}


@dataclass(frozen=True, kw_only=True)
class TransformersTranslator(PromptedTranslator):
    """A translation model run by Transformers; it works wherever PyTorch does."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    output_version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = tuple(_KINDS)
    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {"model": covering_model(kinds)}
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

    @property
    def _kind(self) -> Kind:
        return _KINDS[self._family.kind]

    @cached_property
    def _prompting(self) -> Prompting:
        return self._kind.prompting.load(self.model, self._family)

    @cached_property
    def _model(self) -> Any:
        kind = self._kind
        with loading(self.model) as ref:
            import torch

            accelerator = torch.accelerator.current_accelerator(check_available=True)
            device = (
                (accelerator or torch.device("cpu")) if self.device == "auto" else torch.device(self.device)
            )
            return kind.load(ref, self.dtype).to(device).eval()

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
        return self._kind.generate(self._model, self._prompting, batch, self.beams)


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

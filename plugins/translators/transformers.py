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
from langadapt_plugins.translators.loading import loading
from langadapt_plugins.translators.prompting import PromptedTranslator
from langadapt_plugins.translators.prompts import Prompting, Request

_KINDS: Mapping[str, Kind] = {"causal": CAUSAL, "encoder-decoder": ENCODER_DECODER}


@dataclass(frozen=True, kw_only=True)
class TransformersTranslator(PromptedTranslator):
    """A translation model run by Transformers; it works wherever PyTorch does."""

    requires: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    output_version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = tuple(_KINDS)
    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {"model": covering_model(kinds)}
    batch_size: Annotated[int, "texts translated at once; halved where memory runs out", SPEED] = 48
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
        left = {request.index: request for request in requests}
        size = self.batch_size
        while left:
            try:
                for request, tokens in self._generated(list(left.values()), size):
                    del left[request.index]
                    yield request.index, self._prompting.read(request, tokens)
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                size = self._halved(min(size, len(left)), next(iter(left.values())))
            if left:
                _free()  # out here, where the error no longer holds what filled the memory

    def _halved(self, size: int, first: Request) -> int:
        """How many texts to try at once after `size` were too many; raises `MachineError` where it was one."""
        if size == 1:
            raise MachineError(
                f"a text of {len(first.tokens)} tokens does not fit into the memory of {self._model.device}",
                hint="set `dtype` to bfloat16, `beams` to 1, or take a smaller model",
            )
        return size // 2

    def _generated(self, requests: list[Request], size: int) -> Iterator[tuple[Request, list[int]]]:
        return self._kind.generate(self._model, self._prompting, requests, size, self.beams)


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

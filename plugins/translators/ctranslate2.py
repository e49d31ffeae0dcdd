"""Translation by encoder-decoder models through CTranslate2: quickly on a CPU, and on a small GPU, in eight bits.

A checkpoint of Transformers is converted the first time, and what came of it is kept.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from langadapt.errors import ConfigError, MachineError
from langadapt.interfaces import SPEED, Hypothesis, ModelRef, Resolved
from langadapt.languages import LanguagePack
from langadapt.models import Family
from langadapt_plugins.translators.covering import covering_model
from langadapt_plugins.translators.ctranslate2_folder import Quantization, converted, is_converted
from langadapt_plugins.translators.encoder_decoder import Sentences, one_language
from langadapt_plugins.translators.loading import loading
from langadapt_plugins.translators.prompting import PromptedTranslator
from langadapt_plugins.translators.prompts import Request

_USUAL: Quantization = "int8"


class Tokens(Sentences):
    """Sentences for CTranslate2, whose folders have a tokenizer and nothing else that Transformers reads."""

    @classmethod
    def load(cls, model: ModelRef, family: Family) -> Self:
        """Read the tokenizer; of a checkpoint, what `Sentences` reads."""
        if not is_converted(model):
            return super().load(model, family)
        with loading(model) as ref:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(ref.name, trust_remote_code=False)
        one_language(model, tokenizer)
        return cls(
            family=family,
            tokenizer=tokenizer,
            context=tokenizer.model_max_length,
            ends=frozenset({tokenizer.eos_token_id}),
        )

    def sent(self, tokens: list[int]) -> list[str]:
        """Tokens as CTranslate2 takes them."""
        return list(self.tokenizer.convert_ids_to_tokens(tokens))

    def received(self, request: Request, written: list[str]) -> Hypothesis:
        """What it wrote after the token that it had to begin with."""
        tokens = self.tokenizer.convert_tokens_to_ids(written)
        return self.read(request, tokens if request.begin is None else tokens[1:])


@dataclass(frozen=True, kw_only=True)
class Ctranslate2Translator(PromptedTranslator):
    """An encoder-decoder model run by CTranslate2, for machines without a large GPU."""

    requires: ClassVar[tuple[str, ...]] = ("ctranslate2", "transformers")
    output_version: ClassVar[int] = 1
    kinds: ClassVar[tuple[str, ...]] = ("encoder-decoder",)
    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {"model": covering_model(kinds)}
    model: Annotated[ModelRef, "the translation model, or a folder of CTranslate2 with its tokenizer"]
    dtype: Annotated[
        Literal["auto"] | Quantization, "number format of computing; auto is that of the weights"
    ] = "auto"  # type: ignore[assignment]  # of more formats than other engines compute in
    quantization: Annotated[
        Quantization | None,
        f"number format of the weights that a checkpoint is converted to: {_USUAL} where not set; a folder of CTranslate2 has its own",
    ] = None
    batch_size: Annotated[int, "texts translated at once; halved where memory runs out", SPEED] = 32
    device: Annotated[str, "auto, cpu, cuda, or one of several: cuda:1", SPEED] = "auto"
    inter_threads: Annotated[int, "batches translated side by side", SPEED] = 1
    intra_threads: Annotated[int, "threads of each of these; 0 leaves it to CTranslate2", SPEED] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, low in (("batch_size", 1), ("inter_threads", 1), ("intra_threads", 0)):
            if getattr(self, name) < low:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must not be below {low}")

    @property
    def remembered_as(self) -> Self:
        """The same, with the weights' number format by its name."""
        return replace(super().remembered_as, quantization=self.quantization or _USUAL)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.quantization and is_converted(self.model):
            raise ConfigError(
                f"`quantization` is {self.quantization}, and {self.model} is converted already: its weights stay as they are",
                hint="leave it out, or name the checkpoint that the folder was made of; `dtype` is the number format of computing",
            )

    @cached_property
    def _prompting(self) -> Tokens:
        return Tokens.load(self.model, self._family)

    @cached_property
    def _folder(self) -> Path:
        return converted(self.model, self.quantization or _USUAL, self._prompting.tokenizer)

    @cached_property
    def _model(self) -> Any:
        folder = self._folder
        with loading(self.model):
            from ctranslate2 import Translator, get_supported_compute_types

            kind, _, number = self.device.partition(":")
            settings = {
                "device_index": int(number or 0),
                "compute_type": "default" if self.dtype == "auto" else self.dtype,
                "inter_threads": self.inter_threads,
                "intra_threads": self.intra_threads,
            }
            try:
                return Translator(str(folder), device=kind, **settings)
            except ValueError as error:
                known = "" if kind == "auto" else ", ".join(sorted(get_supported_compute_types(kind)))
                raise ConfigError(
                    f"CTranslate2 cannot compute in {self.dtype} here: {error}",
                    hint=f"set `dtype` to auto{' or one of ' + known if known else ''}",
                ) from error

    def _answers(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        waiting = deque(self._batches(requests))
        running: deque[tuple[list[Request], list[Any]]] = deque()
        while waiting or running:
            while waiting and len(running) <= self.inter_threads:
                batch = waiting.popleft()
                running.append((batch, self._sent(batch)))
            batch, answers = running.popleft()
            try:
                written = [answer.result().hypotheses[0] for answer in answers]
            except RuntimeError as error:
                if "out of memory" not in str(error):
                    raise
                if len(batch) == 1:
                    raise MachineError(
                        f"a text of {len(batch[0].tokens)} tokens does not fit into the memory of {self.device}",
                        hint="set `beams` to 1, `quantization` to int8, or take a smaller model",
                    ) from error
                half = len(batch) // 2
                waiting.extendleft([batch[half:], batch[:half]])
                continue
            for request, tokens in zip(batch, written, strict=True):
                yield request.index, self._prompting.received(request, tokens)

    def _batches(self, requests: list[Request]) -> Iterator[list[Request]]:
        """Of one limit where beams are searched, since how these end depends on it."""
        together = lambda one: one.limit if self.beams > 1 else 0  # noqa: E731
        for _, group in groupby(sorted(requests, key=together, reverse=True), together):
            some = list(group)
            yield from (
                some[start : start + self.batch_size] for start in range(0, len(some), self.batch_size)
            )

    def _sent(self, batch: list[Request]) -> list[Any]:
        begin = batch[0].begin  # that of the target, which all have in common
        tokens = self._prompting
        limit = max(request.limit for request in batch)
        return list(
            self._model.translate_batch(
                [tokens.sent(request.tokens) for request in batch],
                None if begin is None else [tokens.sent([begin])] * len(batch),
                asynchronous=True,
                beam_size=self.beams,
                end_token=sorted(tokens.ends),
                return_end_token=True,
                max_input_length=0,  # none is cut: what is too long was not sent
                max_decoding_length=limit if begin is None else limit + 1,
                min_decoding_length=0,
            )
        )

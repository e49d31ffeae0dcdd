"""Translation by a causal language model through vLLM, which is given all the work at once.

With `VLLM_ENABLE_V1_MULTIPROCESSING=0` the engine lives in this process, and closing one engine ends the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Annotated, Any, ClassVar

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, SPEED, Hypothesis
from langadapt_plugins.translators.loading import loading
from langadapt_plugins.translators.prompting import PromptedTranslator
from langadapt_plugins.translators.prompts import Request


@dataclass(frozen=True, kw_only=True)
class VllmTranslator(PromptedTranslator):
    """A translation model run by vLLM: the fastest way on a GPU."""

    requires: ClassVar[tuple[str, ...]] = ("vllm",)
    output_version: ClassVar[int] = 1
    max_model_len: Annotated[int, "prompt and translation together, in tokens", LIMIT] = 2048
    gpu_memory_utilization: Annotated[float, "share of the GPU's memory that is taken", SPEED] = 0.9
    kv_cache_memory_bytes: Annotated[
        int | None, "memory for keys and values, instead of that share", SPEED
    ] = None
    enforce_eager: Annotated[bool, "starts sooner and runs slower: no compilation", SPEED] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_model_len < 1:
            raise ConfigError(f"`max_model_len` is {self.max_model_len}; it must be above 0")
        if not 0 < self.gpu_memory_utilization <= 1:
            raise ConfigError(
                f"`gpu_memory_utilization` is {self.gpu_memory_utilization}; it is a share, such as 0.9"
            )

    def close(self) -> None:
        """End the engine and free its memory."""
        if "_llm" in self.__dict__:
            self._llm.llm_engine.engine_core.shutdown()
        super().close()

    @property
    def _context(self) -> int:
        return min(self.max_model_len, super()._context)

    @cached_property
    def _llm(self) -> Any:
        context = self._context
        with loading(self.model) as ref:
            from vllm import LLM

            return LLM(
                model=ref.name,
                revision=ref.revision,
                tokenizer_revision=ref.revision,
                dtype=self.dtype,
                max_model_len=context,
                max_logprobs=max(20, 2 * self.beams),
                gpu_memory_utilization=self.gpu_memory_utilization,
                kv_cache_memory_bytes=self.kv_cache_memory_bytes,
                enforce_eager=self.enforce_eager,
                seed=0,
                load_format="safetensors",
                trust_remote_code=False,
            )

    def _answers(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        return self._searched(requests) if self.beams > 1 else self._stepped(requests)

    def _stepped(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        """Each hypothesis when its request ends, while the others run on."""
        engine = self._llm.llm_engine
        waiting = {str(request.index): request for request in requests}
        written: dict[str, list[int]] = {name: [] for name in waiting}
        try:
            for name, request in waiting.items():
                self._send(name, request, [])
            while engine.has_unfinished_requests():
                for out in engine.step():
                    if not out.finished:
                        continue
                    name, answer = out.request_id, out.outputs[0]
                    request, tokens = waiting[name], written[name]
                    tokens += answer.token_ids
                    if (
                        answer.finish_reason == "stop"
                        and not self._prompting.ended(tokens)
                        and len(tokens) < request.limit
                    ):
                        self._send(name, request, tokens)
                        continue
                    del waiting[name], written[name]
                    yield request.index, self._read(request, tokens, answer.finish_reason)
        finally:
            engine.abort_request(list(waiting))

    def _send(self, name: str, request: Request, written: list[int]) -> None:
        """Ask for what follows `written`; the engine halts at each token after which the translation may be whole."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        settings = SamplingParams(
            temperature=0.0,
            max_tokens=request.limit - len(written),
            stop_token_ids=sorted(self._prompting.ends | self._prompting.breaks),
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        self._llm.llm_engine.add_request(name, {"prompt_token_ids": request.tokens + written}, settings)

    def _read(self, request: Request, tokens: list[int], finish: str) -> Hypothesis:
        if finish in ("stop", "length"):
            return self._prompting.read(request, tokens)
        return Hypothesis(
            text="", finish="error", reason=f"vLLM ended it: {finish}", tokens_in=len(request.tokens)
        )

    def _searched(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        """Beam search, which vLLM runs with one limit for all, and always up to it: those of one limit together."""
        from vllm.sampling_params import BeamSearchParams

        for limit, group in groupby(
            sorted(requests, key=lambda one: one.limit, reverse=True), lambda one: one.limit
        ):
            some = list(group)
            prompts = [{"prompt_token_ids": request.tokens} for request in some]
            found = self._llm.beam_search(prompts, BeamSearchParams(beam_width=self.beams, max_tokens=limit))
            for request, out in zip(some, found, strict=True):
                best = out.sequences[0]
                yield (
                    request.index,
                    self._read(request, best.tokens[len(request.tokens) :], best.finish_reason or "length"),
                )

"""Checkpoints that answer. A reply depends on the prompt, the settings and its own seed, not on what is answered beside it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from langadapt.errors import ComponentError, ConfigError
from langadapt.identity import pinned
from langadapt.interfaces import Checkpoint, Finish, ModelRef

Turn = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Chat turns to answer; temperature 0 takes the likeliest token, above it `seed` draws."""

    messages: Sequence[Turn]
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. `too-long`: the prompt left no room in the model, so that there is none."""

    text: str
    finish: Finish
    tokens: int = 0


class ChatModel:
    """A causal model with its tokenizer and chat template."""

    def __init__(self, model: Any, tokenizer: Any, template: str) -> None:
        from transformers import GenerationConfig

        self._model, self._tokenizer, self._template = model, tokenizer, template
        ends = [model.generation_config.eos_token_id, tokenizer.eos_token_id]
        flat = [
            end for item in ends for end in (item if isinstance(item, list) else [item]) if end is not None
        ]
        self._ends = sorted(set(flat))
        self._pad = (
            tokenizer.pad_token_id if tokenizer.pad_token_id is not None else next(iter(self._ends), 0)
        )
        # The model's own defaults (a top_p, a repetition penalty) would fill whatever a call leaves open.
        model.generation_config = GenerationConfig(
            do_sample=False, eos_token_id=self._ends or None, pad_token_id=self._pad
        )
        self._positions = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 30
        asked = self._render([{"role": "user", "content": "\0"}], prompt=False)
        self._next_user = asked.split("\0")[0].removeprefix(tokenizer.bos_token or "").strip()

    @classmethod
    def load(cls, checkpoint: Checkpoint, dtype: str = "auto") -> Self:
        """Load a checkpoint; raises `ConfigError` where neither it nor its tokenizer has a chat template."""
        tokenizer = load_tokenizer(checkpoint)
        template = chat_template(checkpoint, tokenizer)
        return cls(load_model(checkpoint, dtype), tokenizer, template)

    @property
    def facts(self) -> str:
        """Number type and chat template, as a signature names them."""
        return f"dtype:{str(self._model.dtype).removeprefix('torch.')}|chat:{short_hash(self._template)}"

    def reply(
        self, messages: Sequence[Turn], *, max_new_tokens: int, temperature: float = 0.0, seed: int = 0
    ) -> str:
        """The answer to a conversation that ends in a user's turn."""
        prompt = Prompt(messages=messages, temperature=temperature, seed=seed)
        return self.replies([prompt], max_new_tokens=max_new_tokens)[0].text

    def replies(self, prompts: Sequence[Prompt], *, max_new_tokens: int) -> list[Reply]:
        """One reply each, in order. Those that the model's length cuts short are answered alone."""
        encoded = [self._encode(prompt.messages) for prompt in prompts]
        room = [min(max_new_tokens, self._positions - len(ids)) for ids in encoded]
        together = [index for index, left in enumerate(room) if left == max_new_tokens]
        alone = [[index] for index, left in enumerate(room) if 0 < left < max_new_tokens]
        replies = [Reply(text="", finish="too-long") for _ in prompts]
        for batch in [together, *alone] if together else alone:
            found = self._generate([encoded[i] for i in batch], [prompts[i] for i in batch], room[batch[0]])
            for index, reply in zip(batch, found, strict=True):
                replies[index] = reply
        return replies

    def length(self, messages: Sequence[Turn]) -> int:
        """How many tokens a prompt has; raises `ConfigError` where the chat template refuses it."""
        return len(self._encode(messages))

    def close(self) -> None:
        """Free the model's memory."""
        import gc

        import torch

        self._model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _generate(self, encoded: Sequence[list[int]], prompts: Sequence[Prompt], most: int) -> list[Reply]:
        import torch
        from transformers import LogitsProcessorList

        width = max(map(len, encoded))
        ids = torch.tensor([[self._pad] * (width - len(row)) + row for row in encoded])
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in encoded])
        device = self._model.device
        with torch.inference_mode():
            out = self._model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=most,
                logits_processor=LogitsProcessorList([_drawing(prompts)]),
            )
        return [self._read(row[width:].tolist()) for row in out]

    def _encode(self, messages: Sequence[Turn]) -> list[int]:
        return list(
            self._tokenizer(self._render(messages, prompt=True), add_special_tokens=False)["input_ids"]
        )

    def _render(self, messages: Sequence[Turn], *, prompt: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self._tokenizer.apply_chat_template(
                    list(messages), chat_template=self._template, tokenize=False, add_generation_prompt=prompt
                )
            )
        except TemplateError as error:
            raise ConfigError(
                f"the chat template fails: {error}", hint="set another `chat_template` in the recipe"
            ) from error

    def _read(self, tokens: list[int]) -> Reply:
        stop = next((index for index, token in enumerate(tokens) if token in self._ends), None)
        kept = tokens[:stop]
        text = self._tokenizer.decode(kept, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        text, goes_on, _ = text.partition(self._next_user) if self._next_user else (text, "", "")
        for special in self._tokenizer.all_special_tokens:
            text = text.replace(special, "")
        return Reply(
            text=text.strip(), finish="length" if stop is None and not goes_on else "stop", tokens=len(kept)
        )


def _drawing(prompts: Sequence[Prompt]) -> Any:
    """Each row draws with a generator of its own: the likeliest of logits plus Gumbel noise is a draw from the softmax.

    So rows at any temperature share a batch, and a row's draw is the same in every batch and on every device.
    """
    import torch
    from transformers import LogitsProcessor

    class Drawing(LogitsProcessor):  # type: ignore[misc]
        def __init__(self) -> None:
            self.generators = [torch.Generator().manual_seed(prompt.seed) for prompt in prompts]

        def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the library's names
            scores = scores.float().clone()
            for row, (prompt, generator) in enumerate(zip(prompts, self.generators, strict=True)):
                if prompt.temperature > 0:
                    noise = -torch.empty(scores.shape[-1]).exponential_(generator=generator).log()
                    scores[row] = scores[row] / prompt.temperature + noise.to(scores.device)
            return scores

    return Drawing()


def load_tokenizer(checkpoint: Checkpoint) -> Any:
    """The tokenizer saved with the checkpoint, or its base model's where an adapter has none of its own."""
    from transformers import AutoTokenizer

    folder = checkpoint.model.folder
    own = checkpoint.adapter_of is None or (folder and (folder / "tokenizer_config.json").exists())
    model = checkpoint.model if own or checkpoint.adapter_of is None else checkpoint.adapter_of
    with _loading(model) as ref:
        return AutoTokenizer.from_pretrained(ref.name, revision=ref.revision, trust_remote_code=False)


def load_model(checkpoint: Checkpoint, dtype: str = "auto") -> Any:
    """The weights, with the adapter where the checkpoint is one, on the accelerator where there is one."""
    import torch
    from transformers import AutoModelForCausalLM

    whole = checkpoint.adapter_of or checkpoint.model
    with _loading(whole) as ref:
        model, found = AutoModelForCausalLM.from_pretrained(
            ref.name,
            revision=ref.revision,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
        if found["missing_keys"]:
            raise ValueError(f"weights are missing: {', '.join(sorted(found['missing_keys'])[:5])}")
    if checkpoint.adapter_of:
        from peft import PeftModel

        with _loading(checkpoint.model) as ref:
            model = PeftModel.from_pretrained(model, ref.name, revision=ref.revision)
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def chat_template(checkpoint: Checkpoint, tokenizer: Any) -> str:
    """The recipe's chat template, or else the tokenizer's own."""
    if checkpoint.chat_template:
        try:
            return Path(checkpoint.chat_template).read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"chat_template {checkpoint.chat_template}: {error.strerror}",
                hint="name a Jinja file that can be read",
            ) from error
    if tokenizer.chat_template:
        return str(tokenizer.chat_template)
    raise ConfigError(
        f"{checkpoint.name}: {checkpoint.model} has no chat template, and the recipe names none",
        hint='name one: --chat-template zephyr, or chat_template = "zephyr" in the recipe',
    )


def short_hash(value: Any) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of a value's JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


@contextmanager
def _loading(model: ModelRef) -> Iterator[ModelRef]:
    """The model with its revision pinned, without the library's progress bars; what cannot be loaded is named."""
    import io
    from contextlib import redirect_stderr

    from safetensors import SafetensorError

    try:
        with redirect_stderr(io.StringIO()):
            yield pinned(model)
    except (OSError, ValueError, SafetensorError) as error:
        raise ComponentError(
            f"{model} cannot be loaded: {error}",
            hint="name a folder with weights and tokenizer, or a model of the Hub",
        ) from error

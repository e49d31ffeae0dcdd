"""Texts for lm-eval as its `hf` model writes them, in batches that lose the rows that are done and read what prompts share once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text

from langadapt_plugins.translators.greedy import fits, search
from langadapt_plugins.translators.prompts import Request

ROWS = 16
"""Texts at once where lm-eval is to find their number: it would look for what scoring has room for."""
_OURS = {"until", "do_sample", "temperature", "max_gen_toks"}
_HARMLESS = {
    "_from_model_config", "bos_token_id", "do_sample", "eos_token_id", "max_length", "max_new_tokens", "min_p", "output_attentions",
    "output_hidden_states", "pad_token_id", "temperature", "top_k", "top_p", "transformers_version", "typical_p", "use_cache",
}  # fmt: skip
"""What a checkpoint may say of generation that changes nothing in greedy search; with anything else, `hf` writes."""


class Asked(NamedTuple):
    """How a text is to be written: where it ends, and after how many tokens at most."""

    until: tuple[str, ...]
    limit: int


def greedy(model: Any, given: Mapping[str, Any], limit: int, end: str) -> Asked | None:
    """What lm-eval asks for, where our search gives what `generate` would; None where it may not. `limit` is lm-eval's default."""
    asked = dict(normalize_gen_kwargs(dict(given), limit))
    stated = (
        set(model.generation_config.to_diff_dict()) if getattr(model, "generation_config", None) else set()
    )
    if asked["do_sample"] or not set(asked) <= _OURS or not stated <= _HARMLESS or not fits(model):
        return None
    return Asked(tuple(handle_stop_sequences(list(asked["until"]), eos=end)), asked["max_gen_toks"])


@dataclass(frozen=True)
class Stops:
    """Where a text ends: at a token, or with a string in it."""

    tokenizer: Any
    ends: frozenset[int]
    strings: tuple[str, ...]

    def ended(self, tokens: Sequence[int]) -> bool:
        """Whether the last token ended the text. What is read on for want of a look further back is cut off later."""
        if tokens[-1] in self.ends:
            return True
        few = tokens[-max((len(one.encode()) for one in self.strings), default=0) - 2 :]
        told = self.tokenizer.decode(few)
        return any(one in told for one in self.strings)


def written(
    model: Any, tokenizer: Any, asked: Asked, prompts: Sequence[list[int]], rows: int
) -> Iterator[tuple[int, str]]:
    """The text after each prompt by its index, in any order, cut at what ends it; `rows` are written at once."""
    named = getattr(model.generation_config, "eos_token_id", None)
    ends = frozenset([named] if isinstance(named, int) else named or ())
    order = sorted(range(len(prompts)), key=lambda n: (-len(prompts[n]), prompts[n]))
    requests = [Request(n, prompts[n], asked.limit) for n in order]
    for request, tokens in search(model, Stops(tokenizer, ends, asked.until), requests, rows):
        text = tokenizer.decode(tokens, skip_special_tokens=True)
        yield request.index, postprocess_generated_text(text, list(asked.until), None)

"""Encoder-decoder models in Transformers: T5 as MADLAD-400, M2M100 as NLLB-200, Marian as OPUS-MT."""

import os
from collections.abc import Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any, Self

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language
from langadapt.models import Family
from langadapt.segments import PLACEHOLDER
from langadapt_plugins.translators.causal import Ends, Kind, in_batches
from langadapt_plugins.translators.prompts import Prompting, Request

_OURS = {
    "forced_eos_token_id": None,  # would close a translation at its limit, which then looks whole
    "max_length": None,
    "max_new_tokens": None,
    "max_time": None,
    "stop_strings": None,
    "num_return_sequences": None,
    "do_sample": False,
    "temperature": None,
    "top_k": None,
    "top_p": None,
}
"""What a checkpoint's own generation settings may not decide. The rest stands: Marian's, say, forbid the padding token."""


class Sentences(Prompting):
    """The source as the encoder reads it, with its language token, and the token that the answer begins with."""

    @classmethod
    def load(cls, model: ModelRef, family: Family) -> Self:
        """Read tokenizer and configuration, no weights; raises `ConfigError` for a model that needs more than that."""
        made = super().load(model, family)
        one_language(model, made.tokenizer)
        return made

    def tokens(self, texts: list[str], source: Language, target: Language) -> list[list[int]]:
        """The tokens of each text, after the one that names a language. What looks like a special token in a text is text."""
        if self.family.language_tokens:
            self._id(self.family.called(source))
            self.tokenizer.src_lang = self.family.called(source)
        head = self.family.render("", source, target).strip()
        begun: list[int] = []
        if head:
            self._id(head)
            begun = self.tokenizer(head, add_special_tokens=False)["input_ids"]
        return [begun + self._mended(tokens) for tokens in self._encoded(texts, special=True, literal=True)]

    def begin(self, target: Language) -> int | None:
        """The target's own token, where the family has one."""
        return self._id(self.family.called(target)) if self.family.language_tokens else None

    def positions(self, prompt: int, limit: int) -> int:
        """Encoder and decoder have positions of their own; the target's token stands before the answer."""
        return max(prompt, limit + self.family.language_tokens)

    def unwritable(self, text: str) -> str:
        """A placeholder that the vocabulary has no pieces for would be lost; around it the text can be translated."""
        if PLACEHOLDER.search(text) and not self._writes_placeholders:
            return "placeholders: the model's vocabulary has no characters to write them with"
        return ""

    @cached_property
    def _writes_placeholders(self) -> bool:
        one = "<x0> <x1>"
        return self._text(self.tokenizer(one, add_special_tokens=False)["input_ids"]).strip() == one

    def _mended(self, tokens: list[int]) -> list[int]:
        """Transformers' T5Tokenizer takes token 2 for what it does not know, which is MADLAD's end: only the last end is one."""
        end, unknown = self.tokenizer.eos_token_id, self.tokenizer.unk_token_id
        if end not in tokens:
            return tokens
        last = len(tokens) - 1 - tokens[::-1].index(end)
        return [unknown if token == end else token for token in tokens[:last]] + tokens[last:]

    def _id(self, token: str) -> int:
        found = self.tokenizer.convert_tokens_to_ids(token)
        if found is None or found == self.tokenizer.unk_token_id:
            raise ConfigError(
                f"the tokenizer of {self.tokenizer.name_or_path} has no token {token!r}, by which models of the family "
                f"{self.family.name!r} are told a language",
                hint="name the `family` that the model is of, or another model",
            )
        return int(found)


def one_language(model: ModelRef, tokenizer: Any) -> None:
    """Raise `ConfigError` for a model whose texts must begin with the language that it is to write."""
    if targets := getattr(tokenizer, "supported_language_codes", None):
        raise ConfigError(
            f"{model} writes several languages or scripts and must be told which: {', '.join(targets[:9])}",
            hint="take a model of another family, or one that writes a single language",
        )


def _load(model: ModelRef, dtype: str) -> Any:
    from transformers import AutoModelForSeq2SeqLM

    # Where there are no safetensors, Transformers would ask a service of the Hub, unasked, to convert the weights.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    loaded = AutoModelForSeq2SeqLM.from_pretrained(
        model.name, revision=model.revision, dtype=dtype, use_safetensors=True, trust_remote_code=False
    )
    for name, value in _OURS.items():
        setattr(loaded.generation_config, name, value)
    return loaded


def _batch(model: Any, prompting: Prompting, batch: Sequence[Request], beams: int) -> list[list[int]]:
    import torch

    longest = max(len(request.tokens) for request in batch)
    pad = prompting.tokenizer.pad_token_id or 0
    padded = [request.tokens + [pad] * (longest - len(request.tokens)) for request in batch]
    mask = [[1] * len(request.tokens) + [0] * (longest - len(request.tokens)) for request in batch]
    limits = torch.tensor([request.limit for request in batch], device=model.device)
    begin = batch[0].begin  # that of the target, which all have in common
    width = 1 if begin is None else 2  # the decoder's start, and the language
    settings = deepcopy(model.generation_config)
    settings.max_new_tokens = int(limits.max()) + width - 1
    settings.num_beams = beams
    settings.eos_token_id = sorted(prompting.ends)
    settings.pad_token_id = pad
    settings.forced_bos_token_id = begin if begin is not None else settings.forced_bos_token_id
    with torch.inference_mode():
        written = model.generate(
            torch.tensor(padded, device=model.device),
            attention_mask=torch.tensor(mask, device=model.device),
            generation_config=settings,
            stopping_criteria=[Ends(prompting, width, limits)],
        )
    return written[:, width:].tolist()  # type: ignore[no-any-return]


ENCODER_DECODER = Kind(Sentences, _load, in_batches(_batch))

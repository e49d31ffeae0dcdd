"""What engines that prompt a model share: settings, limits, and what is asked for each text."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, Hypothesis, Loads, ModelRef, Resolved, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.models import NOTHING, Family, family_of
from langadapt_plugins.translators.asking import Asking
from langadapt_plugins.translators.covering import covering_model
from langadapt_plugins.translators.loading import loading
from langadapt_plugins.translators.prompts import Prompting, Request

__all__ = ["PromptedTranslator", "Prompting", "Request", "loading"]

_ROOM = 32
"""New tokens that every text may take, however short it is."""
_CHARACTERS_PER_TOKEN = 40
"""A text of more for each token that a model takes is too long, and its tokens are not worth counting."""


@dataclass(frozen=True, kw_only=True)
class PromptedTranslator(Asking, Loads):
    """A model that is asked for a translation; an engine says how `_answers` come about, and of which `kinds` of models."""

    kinds: ClassVar[tuple[str, ...]] = ("causal",)
    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {"model": covering_model(kinds)}
    model: Annotated[ModelRef, "the translation model"]
    family: Annotated[str | None, "how it is prompted and read; told from the model's name where not set"] = (
        None
    )
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], "number format; auto is the checkpoint's"
    ] = "auto"
    beams: Annotated[int, "beams of the search; 1 is greedy"] = 1
    new_tokens_at_most: Annotated[int, "the longest translation in tokens", LIMIT] = 512
    new_tokens_per_token: Annotated[
        float, f"longest translation per source token, and {_ROOM} more", LIMIT
    ] = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("beams", "new_tokens_at_most", "new_tokens_per_token"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must be above 0")

    @property
    def deterministic(self) -> bool:
        """Nothing is sampled."""
        return True

    def check(self, pack: LanguagePack) -> None:
        """Refuse a model that translates neither into the language nor out of it, and settings that its prompt has no place for."""
        english = Language.of("en")
        if not self._family.covers(pack.language, english):
            self._family.check(english, pack.language)
        self._check_asking()

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """What cannot be sent first, then each translation as soon as its model has ended."""
        self._family.check(source, target)
        self._check_asking()
        if not texts:
            return
        requests: list[Request] = []
        for index, request in self._requests(texts, source, target):
            if isinstance(request, Hypothesis):
                yield index, request
            else:
                requests.append(request)
        # Longest first: memory runs out at once or never, and no long one is left over at the end.
        yield from self._answers(sorted(requests, key=lambda one: (len(one.tokens), one.limit), reverse=True))

    @cached_property
    def _prompting(self) -> "Prompting":
        return Prompting.load(self.model, self._family)

    @property
    def _family(self) -> Family:
        family = family_of(self.model, self.family)
        if family.kind not in self.kinds:
            raise ConfigError(
                f"{self.model} is of the family {family.name!r}: {family.kind} models, which this engine does not run",
                hint='take the engine `transformers`: use = "transformers"',
            )
        return self._worded(family)

    @property
    def _context(self) -> int:
        return self._prompting.context

    def _answers(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        raise NotImplementedError

    def _requests(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> Iterator[tuple[int, Request | Hypothesis]]:
        """A request for each text, or why it is not sent."""
        short: list[tuple[int, Segment]] = []
        family = self._family
        for index, text in enumerate(texts):
            if len(text.text) > _CHARACTERS_PER_TOKEN * family.input_tokens:
                reason = f"{len(text.text)} characters, and models of the family {family.name!r} take {family.input_tokens} tokens"
            else:
                reason = family.several(text.text, source)
            if reason:
                yield index, Hypothesis(text="", finish="too-long", reason=reason)
            else:
                short.append((index, text))
        if not short:
            return
        sizes = self._prompting.sizes([text.text for _, text in short])
        prompts = self._prompts([text for _, text in short], source, target)
        begin = self._prompting.begin(target)
        for (index, text), size, given in zip(short, sizes, prompts, strict=True):
            limit = min(self.new_tokens_at_most, math.ceil(self.new_tokens_per_token * size) + _ROOM)
            tokens = given
            if text.context and self._prompting.positions(len(tokens), limit) > self._context:
                (tokens,) = self._prompts([replace(text, context="")], source, target)
            if not text.text.strip():
                yield index, Hypothesis(text="", finish="error", reason="nothing to translate")
            elif reason := self._too_long(size, len(tokens), limit):
                yield index, Hypothesis(text="", finish="too-long", tokens_in=len(tokens), reason=reason)
            elif reason := self._prompting.unwritable(text.text):
                yield index, Hypothesis(text="", finish="error", reason=reason)
            else:
                yield index, Request(index, tokens, limit, begin)

    def _prompts(self, texts: Sequence[Segment], source: Language, target: Language) -> list[list[int]]:
        """The tokens that ask for each text, with what is said beside it."""
        asked = self._asked(texts, source, target)
        plain = [text.text for text in texts]
        if all(one == NOTHING for one in asked):
            return self._prompting.tokens(plain, source, target)
        return self._prompting.asking(plain, source, target, asked)

    def _too_long(self, size: int, prompt: int, limit: int) -> str:
        family = self._family
        if size > family.input_tokens:
            return f"{size} tokens, and models of the family {family.name!r} take {family.input_tokens}"
        if self._prompting.positions(prompt, limit) > self._context:
            return f"a prompt of {prompt} tokens and an answer of up to {limit} exceed the model's context of {self._context}"
        return ""

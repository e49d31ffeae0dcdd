"""What engines that ask a model share, wherever it runs: of which family it is, which texts it is sent, how long an answer may be."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Generic, Self, TypeVar

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, Hypothesis, Loads, ModelRef, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.models import Family, family_of, untold
from langadapt_plugins.translators.asking import Asking
from langadapt_plugins.translators.prompts import Prompting

P = TypeVar("P")
_ROOM = 32
"""New tokens that every text may take, however short it is."""
_CHARACTERS_PER_TOKEN = 40
"""A text of more for each token that a model takes is too long, and its tokens are not worth counting."""


@dataclass(frozen=True)
class Fit(Generic[P]):
    """A text that can be sent: its prompt, whether that holds its context, and how many tokens the answer may take."""

    text: str
    prompt: P
    limit: int
    context: bool


@dataclass(frozen=True, kw_only=True)
class Fitting(Asking, Loads, Generic[P]):
    """A model of a family, asked with prompts of the type `P`; an engine says what `_ref`, `_prompting` and `_prompts` are."""

    kinds: ClassVar[tuple[str, ...]] = ("causal",)
    family: Annotated[str | None, "how it is prompted and read; told from the model's name where not set"] = (
        None
    )
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
    def remembered_as(self) -> Self:
        """The same, its `family` unset where the model's name tells as much."""
        return replace(self, family=untold(self._ref, self.family))

    def check(self, pack: LanguagePack) -> None:
        """Refuse a model that translates neither into the language nor out of it, and settings that cannot be followed."""
        english = Language.of("en")
        if not self._family.covers(pack.language, english):
            self._family.check(english, pack.language)
        self._check_settings()
        self._glossary(english, pack.language)

    @property
    def _ref(self) -> ModelRef:
        """The model, whose name may tell its family."""
        raise NotImplementedError

    @property
    def _prompting(self) -> Prompting | None:
        """The model's tokenizer with its family; none where it is not known."""
        raise NotImplementedError

    def _prompts(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> Sequence[tuple[P, int]]:
        """What asks for each text, and how many tokens that has: 0 where they cannot be counted."""
        raise NotImplementedError

    @property
    def _family(self) -> Family:
        family = family_of(self._ref, self.family)
        if family.kind not in self.kinds:
            raise ConfigError(
                f"{self._ref} is of the family {family.name!r}: {family.kind} models, which this engine does not run",
                hint='take the engine `transformers`: use = "transformers"',
            )
        return self._worded(family)

    @property
    def _context(self) -> int:
        """How many positions the model has; 0 where that is not known."""
        return self._prompting.context if self._prompting else 0

    def _sizes(self, texts: list[str]) -> list[int]:
        """How many tokens each text has."""
        return self._prompting.sizes(texts) if self._prompting else [0 for _ in texts]

    def _fitted(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> Iterator[tuple[int, Fit[P] | Hypothesis]]:
        """What is sent for each text, or why nothing is."""
        family = self._family
        short: dict[int, Segment] = {}
        for index, segment in enumerate(texts):
            if reason := self._too_much(segment.text, source):
                yield index, Hypothesis(text="", finish="too-long", reason=reason)
            elif not segment.text.strip():
                yield index, Hypothesis(text="", finish="error", reason="nothing to translate")
            else:
                short[index] = segment
        if not short:
            return
        segments = list(short.values())
        sizes = self._sizes([one.text for one in segments])
        prompts = self._prompts(segments, source, target)
        for (index, segment), size, (prompt, count) in zip(short.items(), sizes, prompts, strict=True):
            limit = min(self.new_tokens_at_most, math.ceil(self.new_tokens_per_token * size) + _ROOM)
            context = bool(segment.context and family.context)
            if size > family.input_tokens:
                about = "" if self._prompting else "about "
                reason = f"{about}{size} tokens, and models of the family {family.name!r} take {family.input_tokens}"
                context = False  # the text alone is too long
            else:
                reason = self._no_room(count, limit)
            if reason:
                yield (
                    index,
                    Hypothesis(
                        text="", finish="too-long", tokens_in=count, reason=reason, without_context=context
                    ),
                )
            else:
                yield index, Fit(segment.text, prompt, limit, context)

    def _too_much(self, text: str, source: Language) -> str:
        """Why a text cannot be sent at once, as far as that shows before its tokens are counted."""
        family = self._family
        if len(text) > _CHARACTERS_PER_TOKEN * family.input_tokens:
            return f"{len(text)} characters, and models of the family {family.name!r} take {family.input_tokens} tokens"
        return family.several(text, source)

    def _no_room(self, prompt: int, limit: int) -> str:
        """Why the model has no room for a prompt and its answer; nothing where it has, or where that is not known."""
        if self._prompting and self._prompting.positions(prompt, limit) > self._context:
            return f"a prompt of {prompt} tokens and an answer of up to {limit} exceed the model's context of {self._context}"
        return ""

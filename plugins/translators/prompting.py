"""What engines that prompt a model share: settings, prompts as tokens, limits, and how the written tokens are read."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from langadapt.errors import ComponentError, ConfigError, LangAdaptError
from langadapt.identity import pinned
from langadapt.interfaces import LIMIT, Finish, Hypothesis, Loads, ModelRef, Resolved, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.models import Family, family_of
from langadapt_plugins.translators.covering import covering_model

_ROOM = 32
"""New tokens that every text may take, however short it is."""
_CHARACTERS_PER_TOKEN = 40
"""A text of more for each token that a model takes is too long, and its tokens are not worth counting."""


@dataclass(frozen=True)
class Request:
    """One prompt in tokens, how many tokens its answer may take, and the one that it is made to begin with, if any."""

    index: int
    tokens: list[int]
    limit: int
    begin: int | None = None


@dataclass(frozen=True, kw_only=True)
class PromptedTranslator(Loads):
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
        for name in ("beams", "new_tokens_at_most", "new_tokens_per_token"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must be above 0")

    @property
    def deterministic(self) -> bool:
        """Nothing is sampled."""
        return True

    @property
    def known(self) -> dict[str, Any]:
        """The family's prompt and how its output is read, which are part of what a translation is."""
        return self._family.facts

    def check(self, pack: LanguagePack) -> None:
        """Refuse a model that translates neither into the language nor out of it."""
        english = Language.of("en")
        if not self._family.covers(pack.language, english):
            self._family.check(english, pack.language)

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """What cannot be sent first, then each translation as soon as its model has ended."""
        self._family.check(source, target)
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
        return family

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
        prompts = self._prompting.tokens([text.text for _, text in short], source, target)
        begin = self._prompting.begin(target)
        for (index, text), size, tokens in zip(short, sizes, prompts, strict=True):
            limit = min(self.new_tokens_at_most, math.ceil(self.new_tokens_per_token * size) + _ROOM)
            if not text.text.strip():
                yield index, Hypothesis(text="", finish="error", reason="nothing to translate")
            elif reason := self._too_long(size, len(tokens), limit):
                yield index, Hypothesis(text="", finish="too-long", tokens_in=len(tokens), reason=reason)
            elif reason := self._prompting.unwritable(text.text):
                yield index, Hypothesis(text="", finish="error", reason=reason)
            else:
                yield index, Request(index, tokens, limit, begin)

    def _too_long(self, size: int, prompt: int, limit: int) -> str:
        family = self._family
        if size > family.input_tokens:
            return f"{size} tokens, and models of the family {family.name!r} take {family.input_tokens}"
        if self._prompting.positions(prompt, limit) > self._context:
            return f"a prompt of {prompt} tokens and an answer of up to {limit} exceed the model's context of {self._context}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Prompting:
    """A model's tokenizer with its family: text to prompt tokens, and written tokens to a hypothesis."""

    family: Family
    tokenizer: Any
    context: int
    ends: frozenset[int]

    @classmethod
    def load(cls, model: ModelRef, family: Family) -> Self:
        """Read tokenizer and configuration, no weights."""
        with loading(model) as ref:
            from transformers import AutoConfig, AutoTokenizer, GenerationConfig

            config = AutoConfig.from_pretrained(
                ref.name, revision=ref.revision, trust_remote_code=False
            ).get_text_config()
            tokenizer = AutoTokenizer.from_pretrained(
                ref.name, revision=ref.revision, trust_remote_code=False
            )
            try:
                generation: Any = GenerationConfig.from_pretrained(ref.name, revision=ref.revision)
            except OSError:
                generation = config
        if family.chat and not tokenizer.chat_template:
            raise ConfigError(
                f"the tokenizer of {model} has no chat template, and models of the family {family.name!r} are asked in a chat",
                hint="name another `family`, or the model that was tuned for chat",
            )
        end = generation.eos_token_id
        ends = {tokenizer.eos_token_id, *(end if isinstance(end, list) else [end])}
        context = getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
        return cls(family=family, tokenizer=tokenizer, context=context, ends=frozenset(ends - {None}))

    def sizes(self, texts: list[str]) -> list[int]:
        """How many tokens each text has by itself."""
        return [len(tokens) for tokens in self._encoded(texts, special=False, literal=True)]

    def tokens(self, texts: list[str], source: Language, target: Language) -> list[list[int]]:
        """The tokens of each text's prompt. What looks like a special token in a text is text, outside chats."""
        prompts = [self.family.render(text, source, target) for text in texts]
        if not self.family.chat:
            return self._encoded(prompts, special=True, literal=True)
        chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
        rendered = self.tokenizer.apply_chat_template(chats, tokenize=False, add_generation_prompt=True)
        return self._encoded(rendered, special=False, literal=False)

    def begin(self, target: Language) -> int | None:  # noqa: ARG002 - kinds of models differ in it
        """The token that an answer is made to begin with; none where the model is free."""
        return None

    def positions(self, prompt: int, limit: int) -> int:
        """How many positions of the model's context a prompt and its answer need."""
        return prompt + limit

    def unwritable(self, text: str) -> str:  # noqa: ARG002 - kinds of models differ in it
        """Why the model could not give back what must stand in the translation; nothing where it can."""
        return ""

    @cached_property
    def breaks(self) -> frozenset[int]:
        """Tokens after which the translation may be whole: `ended` says whether it is."""
        marks = {stop[-1] for stop in self.family.stop} | (
            {"\n"} if self.family.reads == "first-line" else set()
        )
        if not marks:
            return frozenset()
        words = self.tokenizer.batch_decode([[token] for token in range(len(self.tokenizer))])
        return frozenset(token for token, word in enumerate(words) if marks & set(word)) - self.ends

    def ended(self, tokens: Sequence[int]) -> bool:
        """Whether the last token made the translation whole, whatever would follow."""
        if tokens[-1] in self.ends:
            return True
        if tokens[-1] not in self.breaks:
            return False
        text = self._text(tokens)
        line = self.family.reads == "first-line" and "\n" in text.lstrip() and bool(self.family.read(text))
        return line or any(stop in text for stop in self.family.stop)

    def read(self, request: Request, written: Sequence[int]) -> Hypothesis:
        """What the model wrote up to its end or its limit; what follows is ignored."""
        within = written[: request.limit]
        end = next((count for count in range(1, len(within) + 1) if self.ended(within[:count])), 0)
        text = self.family.read(self._text(within[: end or None]))
        finish: Finish = "stop"
        reason = ""
        if not end:
            finish, reason = "length", f"not at its end after {request.limit} tokens"
        elif not text:
            finish, reason = "error", "empty"
        return Hypothesis(
            text=text,
            finish=finish,
            reason=reason,
            tokens_in=len(request.tokens),
            tokens_out=end or len(within),
        )

    def _text(self, tokens: Sequence[int]) -> str:
        return str(
            self.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def _encoded(self, texts: list[str], *, special: bool, literal: bool) -> list[list[int]]:
        encoded = self.tokenizer(
            texts, add_special_tokens=special, split_special_tokens=literal, verbose=False
        )
        return list(encoded["input_ids"])


@contextmanager
def loading(model: ModelRef) -> Iterator[ModelRef]:
    """The model with its revision pinned; what goes wrong while it loads is raised as an error that names it."""
    if not model.folder and (model.name.startswith(("/", ".", "~")) or model.name.count("/") > 1):
        raise ConfigError(
            f"the model folder {model} does not exist", hint="name a folder that holds a model, or a Hub id"
        )
    try:
        with (
            redirect_stderr(io.StringIO()) if model.folder else nullcontext()
        ):  # a bar tells of downloads only
            yield pinned(model)
    except ModuleNotFoundError as error:
        extra = "vllm" if error.name == "vllm" else "translate"
        raise ComponentError(
            f"{error.name!r} is not installed", hint=f"pip install 'langadapt[{extra}]'"
        ) from error
    except LangAdaptError:
        raise
    except Exception as error:
        raise ComponentError(
            f"the model {model} cannot be loaded: {type(error).__name__}: {error}",
            hint="check that the folder or repository holds config, tokenizer and weights of a model of this kind",
        ) from error

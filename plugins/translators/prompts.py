"""A model's tokenizer with its family: texts to the tokens of prompts, and written tokens to hypotheses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from langadapt.errors import ConfigError
from langadapt.interfaces import Finish, Hypothesis, ModelRef
from langadapt.languages import Language
from langadapt.models import NOTHING, Asked, Family, families
from langadapt_plugins.translators.loading import loading


@dataclass(frozen=True)
class Request:
    """One prompt in tokens, how many tokens its answer may take, and the one that it is made to begin with, if any."""

    index: int
    tokens: list[int]
    limit: int
    begin: int | None = None


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
                hint=f"name the model that was tuned for chat, or one asked without: {', '.join(_raw_families())}",
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
        return self.asking(texts, source, target, [NOTHING] * len(texts))

    def asking(
        self, texts: list[str], source: Language, target: Language, asked: Sequence[Asked]
    ) -> list[list[int]]:
        """The tokens of each text's prompt, with what is said beside the text."""
        each = list(zip(texts, asked, strict=True))
        if self.family.chat:
            chats = [self.family.messages(text, source, target, asked=one) for text, one in each]
            return self._encoded(self._chats(chats), special=False, literal=False)
        prompts = [self.family.render(text, source, target, asked=one) for text, one in each]
        tag = self._tag(prompts[0]) if prompts else ""
        if not tag:
            return self._encoded(prompts, special=True, literal=True)
        number = self.tokenizer.convert_tokens_to_ids(tag)
        untagged = self._encoded([prompt.removesuffix(tag) for prompt in prompts], special=True, literal=True)
        return [[*tokens, number] for tokens in untagged]

    def _tag(self, prompt: str) -> str:
        """The special token that the family's own prompt ends in, if any: what else looks like one is text."""
        end = self.family.prompt.rpartition("}")[2]
        return (
            next((one for one in self.tokenizer.get_added_vocab() if end in one and prompt.endswith(one)), "")
            if end
            else ""
        )

    def _chats(self, chats: list[list[dict[str, Any]]]) -> list[str]:
        """Each chat as text; a template that knows no system message has it said by the user."""
        from jinja2 import TemplateError

        said = [joined(chat) for chat in chats] if self._joins else chats
        try:
            return [self._rendered(chat) for chat in said]
        except TemplateError as error:
            raise ConfigError(
                f"the chat template of {self.tokenizer.name_or_path} does not take what models of the family "
                f"{self.family.name!r} are asked: {error}",
                hint="name the `family` that the model is of, or another model",
            ) from error

    @cached_property
    def _joins(self) -> bool:
        from jinja2 import TemplateError

        if self.family.system is None and not any("system" in one for one in self.family.variants.values()):
            return False
        try:
            self._rendered([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}])
        except TemplateError:
            return True
        return False

    def _rendered(self, chat: list[dict[str, Any]]) -> str:
        return str(
            self.tokenizer.apply_chat_template(
                chat, tokenize=False, add_generation_prompt=True, **self.family.template
            )
        )

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


def joined(chat: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A system message as the beginning of what the user says, which is how templates that take one without the role do it."""
    if chat[0]["role"] != "system":
        return chat
    system, user, *rest = chat
    said = f"{system['content']}\n\n{user['content']}" if system["content"] else user["content"]
    return [{**user, "content": said}, *rest]


def _raw_families() -> list[str]:
    return [name for name, family in families().items() if family.kind == "causal" and not family.chat]

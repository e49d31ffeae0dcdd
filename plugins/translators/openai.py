"""Translation by a causal language model behind servers with OpenAI's interface: vLLM, SGLang, llama.cpp, hosted ones."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit

from langadapt.errors import ConfigError
from langadapt.interfaces import SPEED, Hypothesis, ModelRef, Segment
from langadapt.languages import Language
from langadapt_plugins.translators.completions import Ask, Completions, Prompt
from langadapt_plugins.translators.exchange import Terms
from langadapt_plugins.translators.fitting import Fitting
from langadapt_plugins.translators.prompts import Prompting
from langadapt_plugins.translators.servers import Servers
from langadapt_plugins.translators.streaming import Streaming

_BYTES_PER_TOKEN = 3
"""Without a tokenizer; fewer than most tokenizers put into one, so that no answer is cut that another engine would give."""
_SAMPLE = "Good morning."
"""Its prompt shows whether a tokenizer is the servers' own, and whether they pass on all of a message."""
_NO_LANGUAGE = "no-language"


@dataclass(frozen=True, kw_only=True)
class OpenaiTranslator(Fitting[Prompt]):
    """A translation model that servers run. Which weights they hold is not known: `revision` tells one from another.

    Lengths are estimated without a `tokenizer`. With one they are counted, and a raw prompt is sent as its tokens, so that
    what looks like a special token in a text is text, as in the other engines; it must be the one that the model has.
    """

    requires: ClassVar[tuple[str, ...]] = ("aiohttp",)
    output_version: ClassVar[int] = 1
    model: Annotated[str, "the name by which the servers know the model"]
    base_urls: Annotated[
        tuple[str, ...], "servers that share the work, such as http://127.0.0.1:8000/v1", SPEED
    ]
    revision: Annotated[str, "any word for the weights that are served: change it when they change"] = ""
    tokenizer: Annotated[
        ModelRef | None, "the model's tokenizer, for exact lengths and literal text; estimated without"
    ] = None
    api_key_env: Annotated[
        str | None, "environment variable that holds the servers' key; none is sent without", SPEED
    ] = None
    temperature: Annotated[float, "0 is greedy"] = 0.0
    seed: Annotated[int, "sent where the temperature is above 0"] = 0
    beams: Annotated[int, "beams of the search, which only vLLM's server has; 1 is greedy"] = 1
    in_flight: Annotated[int, "requests under way at once, for each server", SPEED] = 64
    timeout: Annotated[float, "seconds that an answer may take", SPEED] = 300.0
    retries: Annotated[int, "how often a text is asked again after a fault of the server", SPEED] = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("in_flight", "timeout"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must be above 0")
        for name in ("temperature", "retries"):
            if getattr(self, name) < 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must be 0 or more")
        if self.beams > 1 and self.temperature:
            raise ConfigError("`beams` and `temperature` exclude each other", hint="set one of them")
        if not self.base_urls or isinstance(self.base_urls, str):
            raise ConfigError("`base_urls` names no server", hint='base_urls = ["http://127.0.0.1:8000/v1"]')
        for number, url in enumerate(self.base_urls, 1):
            _check(url, f"`base_urls`, server {number}")

    @property
    def deterministic(self) -> bool:
        """Whether nothing is sampled, as far as the servers keep to it."""
        return self.temperature == 0

    @property
    def remembered_as(self) -> Self:
        """The same, without the seed where nothing is sampled, and the tokenizer where it only counts."""
        return replace(
            super().remembered_as,
            seed=self.seed if self.temperature else 0,
            tokenizer=None if self._family.chat else self.tokenizer,
        )

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """What cannot be sent first, then each translation as soon as a server has it."""
        self._family.check(source, target)
        self._check_settings()
        key = self._key()
        asks: list[Ask] = []
        for index, ask in self._asks(texts, source, target):
            if isinstance(ask, Hypothesis):
                yield index, ask
            else:
                asks.append(ask)
        if not asks:
            return
        asks.sort(key=lambda ask: ask.limit, reverse=True)  # no long one is left over at the end
        servers = Servers(self.base_urls, self._terms(source, target), key)
        room = 4 * self.in_flight * len(self.base_urls)
        answers = Streaming[tuple[int, Hypothesis]](lambda deliver: servers.answer(asks, deliver), room)
        yield from answers.items()

    @property
    def _ref(self) -> ModelRef:
        return ModelRef(self.model)

    @cached_property
    def _prompting(self) -> Prompting | None:
        return Prompting.load(self.tokenizer, self._family) if self.tokenizer else None

    def _terms(self, source: Language, target: Language) -> Terms:
        sample = None
        if self._prompting and not self._family.chat:
            text = self._family.render(_SAMPLE, source, target)
            sample = (text, self._prompting.tokens([_SAMPLE], source, target)[0])
        return Terms(
            completions=Completions(
                model=self.model,
                family=self._family,
                temperature=self.temperature,
                seed=self.seed,
                beams=self.beams,
            ),
            in_flight=self.in_flight,
            timeout=self.timeout,
            retries=self.retries,
            key_from=self.api_key_env,
            sample=sample,
            items=self._items(source, target),
        )

    def _items(self, source: Language, target: Language) -> tuple[Ask, Ask] | None:
        """What shows whether a server passes on an item's languages, where the family has such an item."""
        if not self._family.content:
            return None
        chat = self._family.messages(_SAMPLE, source, target)
        (item,) = chat[-1]["content"]
        wrong = {key: value if key in ("type", "text") else _NO_LANGUAGE for key, value in item.items()}
        return Ask(0, chat, 1), Ask(0, [*chat[:-1], {**chat[-1], "content": [wrong]}], 1)

    def _check_settings(self) -> None:
        super()._check_settings()
        self._key()

    def _key(self) -> str:
        """The key, which is kept nowhere; none where no variable is named."""
        if not self.api_key_env:
            return ""
        key = os.environ.get(self.api_key_env, "").strip()
        if not (key and key.isascii() and key.isprintable()):
            raise ConfigError(
                f"${self.api_key_env} holds no key for the servers", hint=f"export {self.api_key_env}=..."
            )
        return key

    def _asks(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> Iterator[tuple[int, Ask | Hypothesis]]:
        """A request for each text, or why it is not sent; what exceeds an unknown context the server refuses itself."""
        for index, found in self._fitted(texts, source, target):
            if isinstance(found, Hypothesis):
                yield index, found
            else:
                yield index, Ask(index, found.prompt, found.limit, context=found.context)

    def _sizes(self, texts: list[str]) -> list[int]:
        """How many tokens each text has, or may have."""
        if self._prompting:
            return super()._sizes(texts)
        return [math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN) for text in texts]

    def _prompts(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> list[tuple[Prompt, int]]:
        family, plain = self._family, [one.text for one in texts]
        asked = self._asked(texts, source, target)
        tokens = (
            self._prompting.asking(plain, source, target, asked) if self._prompting else [[] for _ in texts]
        )
        prompts: Sequence[Prompt] = tokens
        if family.chat:
            prompts = [
                family.messages(text, source, target, asked=one)
                for text, one in zip(plain, asked, strict=True)
            ]
        elif not self._prompting:
            prompts = [
                family.render(text, source, target, asked=one) for text, one in zip(plain, asked, strict=True)
            ]
        return [(prompt, len(each)) for prompt, each in zip(prompts, tokens, strict=True)]


def _check(url: str, where: str) -> None:
    """Refuse an address that holds a secret, or is none; it is not repeated, since it may hold one."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ConfigError(f"{where}, is no address", hint="write it as http://127.0.0.1:8000/v1")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"{where}, holds a user, a password or a query, which would end up in the run's files",
            hint="give the key in the environment, and its variable's name as `api_key_env`",
        )

"""What engines that run a model themselves share: settings, and a request in tokens for each text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from langadapt.interfaces import Hypothesis, ModelRef, Resolved, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.models import NOTHING
from langadapt_plugins.translators.covering import covering_model
from langadapt_plugins.translators.fitting import Fitting
from langadapt_plugins.translators.prompts import Prompting, Request


@dataclass(frozen=True, kw_only=True)
class PromptedTranslator(Fitting[list[int]]):
    """A model that is asked for a translation; an engine says how `_answers` come about, and of which `kinds` of models."""

    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {
        "model": covering_model(Fitting.kinds)
    }
    model: Annotated[ModelRef, "the translation model"]
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], "number format; auto is the checkpoint's"
    ] = "auto"

    @property
    def deterministic(self) -> bool:
        """Nothing is sampled."""
        return True

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """What cannot be sent first, then each translation as soon as its model has ended."""
        self._family.check(source, target)
        self._check_settings()
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

    @property
    def _ref(self) -> ModelRef:
        return self.model

    @cached_property
    def _prompting(self) -> Prompting:
        return Prompting.load(self.model, self._family)

    def _answers(self, requests: list[Request]) -> Iterator[tuple[int, Hypothesis]]:
        raise NotImplementedError

    def _requests(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> Iterator[tuple[int, Request | Hypothesis]]:
        """A request for each text, or why it is not sent."""
        for index, found in self._fitted(texts, source, target):
            if isinstance(found, Hypothesis):
                yield index, found
            elif reason := self._prompting.unwritable(found.text):
                yield index, Hypothesis(text="", finish="error", reason=reason)
            else:
                yield index, Request(index, found.prompt, found.limit, self._prompting.begin(target))

    def _prompts(
        self, texts: Sequence[Segment], source: Language, target: Language
    ) -> list[tuple[list[int], int]]:
        asked = self._asked(texts, source, target)
        plain = [text.text for text in texts]
        if all(one == NOTHING for one in asked):
            prompts = self._prompting.tokens(plain, source, target)
        else:
            prompts = self._prompting.asking(plain, source, target, asked)
        return [(tokens, len(tokens)) for tokens in prompts]

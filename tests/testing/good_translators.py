"""Translators that the contract lets pass."""

import random
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

from langadapt.errors import ConfigError
from langadapt.interfaces import Hypothesis, Loads
from langadapt.segments import PLACEHOLDER

LIMIT = 2_000


@dataclass(frozen=True, kw_only=True)
class Good(Loads):
    """Words backwards, in any order of texts; it says what is too long and what is blank."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    prefix: Annotated[str, "what each translation begins with"] = ""

    @cached_property
    def weights(self):
        return bytes(5_000_000)

    def translate(self, texts, *, source, target):
        for index in reversed(range(len(texts))):
            yield index, self.answer(texts[index])

    def answer(self, segment):
        assert self.weights
        if not segment.text.strip():
            return Hypothesis(text="", finish="error", reason="nothing to translate")
        if len(segment.text) > LIMIT:
            return Hypothesis(text="", finish="too-long", reason=f"more than {LIMIT} characters")
        return Hypothesis(text=self.prefix + self.said(segment.text))

    def said(self, text):
        return " ".join(word if PLACEHOLDER.search(word) else word[::-1] for word in text.split())


@dataclass(frozen=True, kw_only=True)
class Refusing(Good):
    def translate(self, texts, *, source, target):
        if {source.code, target.code} != {"en", "de"}:
            raise ConfigError("only English and German")
        return super().translate(texts, source=source, target=target)


@dataclass(frozen=True, kw_only=True)
class Sampling(Good):
    deterministic: ClassVar[bool] = False

    def said(self, text):
        return f"{super().said(text)} {random.random()}"


@dataclass(frozen=True, kw_only=True)
class Forgetful(Good):
    """Loses a placeholder where there are two, as a model may."""

    def said(self, text):
        return super().said(text).replace(" <x2>", "")


@dataclass(frozen=True, kw_only=True)
class Whole(Good):
    """Has no limit."""

    def answer(self, segment):
        blank = not segment.text.strip()
        return (
            super().answer(segment)
            if blank
            else Hypothesis(text=self.said(segment.text), tokens_in=3, tokens_out=3)
        )


GOOD = [Good, Refusing, Sampling, Forgetful, Whole]

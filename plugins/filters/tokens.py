"""Does the translated record fit the base model? Counted in its own tokenizer, through the recipe's chat template."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Gt

from langadapt.interfaces import Loads, ModelRef, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt.models.tokens import TokenCounter
from langadapt.records import Text


@dataclass(frozen=True, kw_only=True)
class Tokens(Loads):
    """Drops a record of more than `at_most` tokens (Phoenix, arXiv 2401.10580: fewer than 2,049).

    Plain text is kept at any length: training divides it, and cuts off nothing.
    """

    requires: ClassVar[tuple[str, ...]] = ("transformers",)
    tokenizer: Annotated[ModelRef, "the model whose tokenizer counts"]
    chat_template: Annotated[Path | None, "a Jinja file; without it the tokenizer's own"] = None
    at_most: Annotated[int, Gt(0), "most tokens of a record"] = 2048

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:  # noqa: ARG002 - the seam's names
        """One verdict per item; the score is its number of tokens."""
        return [self._judge(item) for item in batch]

    def _judge(self, item: Translation) -> Verdict:
        count = self._counter.count(item.target)
        if count > self.at_most and not isinstance(item.target, Text):
            return Verdict(keep=False, reason=f"tokens: {count}, more than {self.at_most}", score=count)
        return Verdict(keep=True, score=count)

    @cached_property
    def _counter(self) -> TokenCounter:
        return TokenCounter(self.tokenizer, self.chat_template)

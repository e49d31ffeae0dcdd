"""How many tokens a record takes in a base model's own tokenizer, through the recipe's chat template."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.identity import pinned
from langadapt.interfaces import ModelRef
from langadapt.records import Conversation, Preference, Record, Side


@dataclass(frozen=True)
class TokenCounter:
    """A tokenizer and a template (a Jinja file; none means the tokenizer's own)."""

    model: ModelRef
    chat_template: Path | None = None

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer, with the template set where there is one."""
        from transformers import AutoTokenizer

        model = pinned(self.model)
        tokenizer = AutoTokenizer.from_pretrained(
            model.name, revision=model.revision, trust_remote_code=False
        )
        if self.chat_template:
            tokenizer.chat_template = self.chat_template.read_text(encoding="utf-8")
        return tokenizer

    def count(self, record: Record) -> int:
        """Tokens of a conversation, of a preference's longer side with its prompt, or of a text.

        Raises `ConfigError` for turns where there is no chat template.
        """
        record = record.with_texts([text.encode("utf-8", "replace").decode() for text in record.texts])
        if isinstance(record, Conversation):
            return self._chat(messages(record.messages, "user"))
        if isinstance(record, Preference):
            prompt = messages(record.prompt, "user")
            return max(
                self._chat(prompt + messages(side, "assistant")) for side in (record.chosen, record.rejected)
            )
        return len(self.tokenizer(record.texts[0])["input_ids"])

    def _chat(self, turns: list[dict[str, str]]) -> int:
        if self.tokenizer.chat_template is None:
            raise ConfigError(
                f"the tokenizer of {self.model} has no chat template",
                hint="set `chat_template` in the recipe",
            )
        text = self.tokenizer.apply_chat_template(turns, tokenize=False)
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def messages(side: Side, role: str) -> list[dict[str, str]]:
    """A side as chat messages; plain text is one turn of `role`."""
    if isinstance(side, str):
        return [{"role": role, "content": side}]
    return [{"role": message.role, "content": message.content} for message in side]

"""Rows to tokens as TRL 1.16 makes them: which are learned, where a prompt ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langadapt_plugins.trainers.preflight import Case, Row
from langadapt_plugins.trainers.trl_texts import document

Turns = Sequence[Any]


@dataclass(frozen=True)
class Tokens:
    """One sequence that is trained on; `learned` are the places in the loss, `prompt` the tokens of a pair's prompt."""

    ids: Sequence[int]
    learned: Sequence[bool]
    prompt: int = 0
    torn: int = 0


def templated(case: Case, turns: Turns, *, asks: bool = False) -> str:
    """What the model reads, as text; `asks` adds what stands before an answer."""
    return str(case.tokenizer.apply_chat_template(list(turns), tokenize=False, add_generation_prompt=asks))


def tokenized(case: Case, turns: Turns, *, asks: bool = False) -> list[int]:
    """What the model reads, as tokens."""
    made = case.tokenizer.apply_chat_template(
        list(turns), tokenize=True, add_generation_prompt=asks, return_dict=True
    )
    return list(made["input_ids"])


def marked(case: Case, turns: Turns) -> tuple[list[int], list[bool]]:
    """Tokens, and which of them the template marks as the assistant's; TRL marks templates that it knows by itself."""
    template = case.tokenizer.chat_template
    if isinstance(template, str) and "generation" not in template.replace("add_generation_prompt", ""):
        from trl.chat_template_utils import get_training_chat_template

        try:
            template = get_training_chat_template(case.tokenizer)
        except ValueError:
            return tokenized(case, turns), []
    made = case.tokenizer.apply_chat_template(
        list(turns),
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
        chat_template=template,
    )
    return list(made["input_ids"]), [bool(place) for place in made["assistant_masks"]]


def of_conversation(case: Case, turns: Turns) -> Tokens:
    """A conversation: every token is learned, or the assistant's."""
    if not case.settings.get("assistant_only_loss"):
        ids = tokenized(case, turns)
        return Tokens(ids, [True] * len(ids))
    return Tokens(*marked(case, turns))


def of_answer(case: Case, prompt: Turns, answer: Turns) -> Tokens:
    """A prompt with one answer: what follows after the tokens that both have in common with the prompt alone is learned."""
    asked, whole = tokenized(case, prompt, asks=True), tokenized(case, [*prompt, *answer])
    common = next(
        (place for place, (one, two) in enumerate(zip(asked, whole, strict=False)) if one != two),
        min(len(asked), len(whole)),
    )
    return Tokens(whole, [place >= common for place in range(len(whole))], common, len(asked) - common)


def of_row(case: Case, row: Row) -> list[Tokens]:
    """The one sequence of a conversation or a text, or the two of a pair."""
    if case.method == "cpt":
        ids = document(case.tokenizer, row["text"])
        return [Tokens(ids, [True] * len(ids))]
    if case.method == "dpo":
        return [of_answer(case, row["prompt"], row[side]) for side in ("chosen", "rejected")]
    return [of_conversation(case, row["messages"])]


def cut(case: Case, tokens: Tokens) -> Tokens:
    """What is left within max_length: the beginning, or the end where TRL is told so."""
    most = case.settings.get("max_length") or len(tokens.ids)
    kept = slice(-most, None) if case.arguments.get("truncation_mode") == "keep_end" else slice(most)
    return Tokens(tokens.ids[kept], tokens.learned[kept], min(tokens.prompt, most))

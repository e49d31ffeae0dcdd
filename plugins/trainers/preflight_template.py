"""Chat template and tokenizer, tried on a made-up conversation: marks, end token, beginning, round trip."""

import re
from collections.abc import Iterator
from typing import Any

from langadapt.interfaces import Finding
from langadapt_plugins.trainers import preflight_tokens
from langadapt_plugins.trainers.preflight import Case, error, note, warning

TEMPLATE, BASE = "recipe:chat_template", "recipe:base"
QUESTIONS, ANSWERS = (
    ("Question one 17?\nMore of it.", "Question two 28?"),
    ("Answer one 39.\nAnd more.", "Answer two 46."),
)
PROBE = [
    {"role": role, "content": said}
    for pair in zip(QUESTIONS, ANSWERS, strict=True)
    for role, said in zip(("user", "assistant"), pair, strict=True)
]
_MARK = re.compile(r"<\|[^|<>\s{}]{2,40}\|>|<(?:start|end)_of_\w+>")
_ROLES = {"<|user|>", "<|assistant|>", "<|system|>", "<|tool|>"}
"""Zephyr's role marks are plain text by design (alignment-handbook, recipes.md 2.3)."""


def found(case: Case) -> Iterator[Finding]:
    """What is wrong with the tokenizer's own tokens, and then with the template."""
    tokenizer = case.tokenizer
    if not tokenizer.eos_token:
        yield error("the tokenizer has no token that ends a text", BASE)
        return
    if not tokenizer.chat_template:
        yield error('the base has no chat template: set one, such as "zephyr"', TEMPLATE)
        return
    yield from _padding(case)
    try:
        text = preflight_tokens.templated(case, PROBE)
        ids = preflight_tokens.tokenized(case, PROBE)
    except Exception as problem:  # noqa: BLE001 - a template is a program of others, which may fail in any way
        yield error(
            f"the chat template fails on a plain conversation: {type(problem).__name__}: {problem}", TEMPLATE
        )
        return
    yield from _beginning(case, ids)
    yield from _round_trip(case, text, ids)
    yield from _asking(case)
    yield from _pieces(case, text)
    yield from _ending(case, text, ids)
    yield from _masks(case)


def _padding(case: Case) -> Iterator[Finding]:
    """Padding that is the end token, or that generation takes for it."""
    if not case.padded:
        yield warning(
            f"the tokenizer pads with its end token {case.tokenizer.eos_token!r} and has none to spare: give it a padding "
            "token, or the model may never learn to stop elsewhere than here",
            BASE,
        )
    ends = case.generation.get("eos_token_id", case.config.get("eos_token_id"))
    listed: list[Any] = ends if isinstance(ends, list) else [] if ends is None else [ends]
    tokenizer = case.tokenizer
    if case.padded and tokenizer.pad_token_id in listed:
        yield error(
            f"the padding token {tokenizer.pad_token!r} is among the tokens that end a generation ({listed}): take it out "
            "of eos_token_id in the base's generation_config.json",
            BASE,
        )
    if listed and tokenizer.eos_token_id not in listed:
        yield warning(
            f"generation ends at {listed}, the tokenizer ends with {tokenizer.eos_token!r} ({tokenizer.eos_token_id}): set "
            "eos_token_id in the base's generation_config.json",
            BASE,
        )


def _beginning(case: Case, ids: list[int]) -> Iterator[Finding]:
    """The token that begins a text, more than once."""
    begins = case.tokenizer.bos_token_id
    if begins is None or begins == case.tokenizer.eos_token_id:
        return
    count = ids.count(begins)
    if count > 1:
        yield error(
            f"the token that begins a text, {case.tokenizer.bos_token!r}, stands {count} times in one conversation: the "
            "template writes it for each turn, or twice",
            TEMPLATE,
        )


def _round_trip(case: Case, text: str, ids: list[int]) -> Iterator[Finding]:
    """Whether each message stands in the text once and in order, and is read back from the tokens."""
    places = [text.find(turn["content"]) for turn in PROBE]
    lost = [turn["content"] for turn, place in zip(PROBE, places, strict=True) if place < 0]
    if lost:
        yield error(
            f"the chat template loses or changes what is said: {lost[0]!r} is not in its text", TEMPLATE
        )
    elif places != sorted(places):
        yield error("the chat template changes the order of the turns", TEMPLATE)
    elif twice := [turn["content"] for turn in PROBE if text.count(turn["content"]) > 1]:
        yield error(f"the chat template says a turn twice: {twice[0]!r}", TEMPLATE)
    else:
        back = _bare(case.tokenizer.decode(ids))
        if changed := [turn["content"] for turn in PROBE if _bare(turn["content"]) not in back]:
            yield error(
                f"the tokenizer does not give back what it reads: {changed[0]!r} becomes another text", BASE
            )


def _asking(case: Case) -> Iterator[Finding]:
    """Whether what is asked, as generation will ask it, begins what is learned from."""
    asked = preflight_tokens.templated(case, PROBE[:1], asks=True)
    plain = preflight_tokens.templated(case, PROBE[:1])
    whole = preflight_tokens.templated(case, PROBE[:2])
    if not whole.startswith(asked):
        level = error if case.method == "dpo" else warning
        yield level(
            "a prompt alone is not the beginning of the prompt with its answer: the model is trained on another context than "
            "it is asked with",
            TEMPLATE,
        )
    elif asked == plain and not whole[len(asked) :].lstrip().startswith(ANSWERS[0]):
        yield error(
            "the chat template ignores add_generation_prompt: what announces an answer is learned as a part of it, and is "
            "missing when the model is asked",
            TEMPLATE,
        )


def _pieces(case: Case, text: str) -> Iterator[Finding]:
    """Marks of the template that are no tokens of the vocabulary."""
    split = [
        mark
        for mark in sorted(set(_MARK.findall(text)))
        if len(case.tokenizer(mark, add_special_tokens=False)["input_ids"]) > 1
    ]
    strange = [mark for mark in split if mark not in _ROLES]
    if strange:
        yield warning(
            f"the template writes {', '.join(strange)}, which the tokenizer splits into pieces: take the template of the "
            "base, or one without such marks",
            TEMPLATE,
        )
    elif split:
        yield note(f"the role marks {', '.join(split)} are plain text to the tokenizer", TEMPLATE)


def _ending(case: Case, text: str, ids: list[int]) -> Iterator[Finding]:
    """Whether answers end with the token at which generation stops."""
    ends = [mark for mark in case.tokenizer.convert_ids_to_tokens(case.ends) if mark]
    tails = [text[text.find(said) + len(said) :].lstrip() for said in ANSWERS]
    if not all(tail.startswith(tuple(ends)) for tail in tails):
        yield error(
            f"EOS is not in the loss: an answer is followed by {tails[-1][:20]!r}, not by a token that ends a generation "
            f"({', '.join(ends)}), so the model never learns to stop",
            TEMPLATE,
        )
    elif not set(case.ends) & set(ids):
        yield error(f"the end token {' or '.join(ends)} is split into pieces in the template's text", BASE)


def _masks(case: Case) -> Iterator[Finding]:
    """Whether the marks cover the answers with their end, and nothing of the questions."""
    if not case.settings.get("assistant_only_loss"):
        return
    ids, learned = preflight_tokens.marked(case, PROBE)
    if not any(learned):
        yield error(
            "assistant_only_loss: the template marks no answers with {% generation %}, so nothing would be learned: mark them, "
            "or set it to false",
            "assistant_only_loss",
        )
        return
    chosen = [one for one, place in zip(ids, learned, strict=True) if place]
    read = _bare(case.tokenizer.decode(chosen))
    if missing := [said for said in ANSWERS if _bare(said) not in read]:
        yield error(f"the template's marks leave out an answer: {missing[0]!r} is not in the loss", TEMPLATE)
    if covered := [said for said in QUESTIONS if _bare(said) in read]:
        yield error(f"the template's marks cover a question: {covered[0]!r} is in the loss", TEMPLATE)
    if set(case.ends) & set(ids) and sum(chosen.count(end) for end in case.ends) < len(ANSWERS):
        yield error(
            f"EOS is not in the loss: the template's marks end before {case.tokenizer.eos_token!r}; put it inside",
            TEMPLATE,
        )


def _bare(text: str) -> str:
    """Without white space, which some tokenizers add or take."""
    return "".join(text.split())

"""Rows as they will be trained on: what is cut, what is learned, pairs that say the same."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from langadapt.interfaces import Finding
from langadapt_plugins.trainers import preflight_tokens
from langadapt_plugins.trainers.preflight import Case, Row, error, note, warning
from langadapt_plugins.trainers.preflight_steps import steps_of
from langadapt_plugins.trainers.preflight_tokens import Tokens

TEMPLATE, ROWS = "recipe:chat_template", "recipe:filter"
MANY = 0.2
"""The share of rows from which a cut is a warning: an opinion of ours."""


def found(case: Case) -> Iterator[Finding]:
    """What the sample shows."""
    made: list[tuple[Row, list[Tokens]]] = []
    failed: list[str] = []
    for row in case.sample:
        try:
            made.append((row, preflight_tokens.of_row(case, row)))
        except Exception as problem:  # noqa: BLE001 - a template is a program of others, which may fail in any way
            failed.append(f"{type(problem).__name__}: {problem}")
    if failed:
        yield error(f"the chat template fails on {of_sample(case, len(failed))}: {failed[0]}", TEMPLATE)
    if made:
        yield from _texts(case)
        yield from _read_back(case, made)
        yield from unknown(case, [tokens for _, sides in made for tokens in sides])
        yield from (_pairs if case.method == "dpo" else _conversations)(case, [sides for _, sides in made])
        yield from steps_of(case, [sides for _, sides in made])


def first_batch(case: Case) -> list[list[tuple[str, bool]]]:
    """The first rows as the model reads them, cut as they will be: texts, and whether each is in the loss."""
    if case.tokenizer is None:
        return []
    shown: list[list[tuple[str, bool]]] = []
    for row in case.sample[: int(case.settings.get("per_device_batch_size", 1))]:
        for tokens in preflight_tokens.of_row(case, row):
            kept = preflight_tokens.cut(case, tokens)
            shown.append(_runs(case.tokenizer, kept))
    return shown


def _runs(tokenizer: Any, tokens: Tokens) -> list[tuple[str, bool]]:
    """Neighbours that are learned, or are not, as one text."""
    runs: list[tuple[list[int], bool]] = []
    learned = tokens.learned or [False] * len(tokens.ids)
    for token, place in zip(tokens.ids, learned, strict=True):
        if not runs or runs[-1][1] != place:
            runs.append(([], place))
        runs[-1][0].append(token)
    return [(str(tokenizer.decode(ids)), place) for ids, place in runs]


def of_sample(case: Case, count: int) -> str:
    """So many of the rows that were looked at, in words."""
    looked = len(case.sample)
    return f"{count} of {looked} rows" + (
        f" looked at ({case.rows} in all)" if (case.rows or 0) > looked else ""
    )


def marks(case: Case, texts: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The tokenizer's control tokens that are written out in texts, those without a name (such as a role's) too, and in how many."""
    own = {at: token.content for at, token in case.tokenizer.added_tokens_decoder.items() if token.special}
    read = case.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
    said = Counter(
        own[at]
        for text, ids in zip(texts, read, strict=True)
        for at in own.keys() & ids
        if len(own[at]) > 2 and own[at] in text  # what is unknown is a token of its own without being said
    )
    yield from said.items()


def lossy(case: Case, made: Sequence[tuple[str, Tokens]]) -> Iterator[Finding]:
    """Texts that do not come back from their tokens."""
    back = [_folded(case.tokenizer.decode(list(tokens.ids))) for _, tokens in made]
    yield from _changed(
        case,
        [text for (text, _), read in zip(made, back, strict=True) if _folded(text) not in read],
        len(made),
    )


def _changed(case: Case, changed: Sequence[str], count: int) -> Iterator[Finding]:
    if changed:
        level = error if len(changed) > MANY * count else warning
        yield level(
            f"{of_sample(case, len(changed))} do not come back from the tokenizer as they were: {changed[0][:60]!r}",
            "recipe:base",
        )


def _texts(case: Case) -> Iterator[Finding]:
    """Texts that hold the tokenizer's own tokens, and answers that say nothing."""
    said = ["\n".join(turn["content"] for side in row.values() for turn in side) for row in case.sample]
    for mark, count in marks(case, said):
        yield warning(
            f"{of_sample(case, count)} say {mark!r}, which the tokenizer takes for a token of its own", ROWS
        )
    silent = sum(
        any(
            turn["role"] == "assistant" and not turn["content"].strip()
            for side in row.values()
            for turn in side
        )
        for row in case.sample
    )
    asked = sum(
        not any(turn["role"] == "assistant" for side in row.values() for turn in side) for row in case.sample
    )
    if asked:
        yield warning(f"{of_sample(case, asked)} have no answer of the assistant", ROWS)
    if silent:
        yield warning(f"{of_sample(case, silent)} have an answer without text", ROWS)


def _read_back(case: Case, made: Sequence[tuple[Row, list[Tokens]]]) -> Iterator[Finding]:
    """Whether what the rows say stands in the template's text, and comes back from the tokens."""
    dropped, changed = [], []
    for row, sides in made:
        turns = [turn for name, side in row.items() if name != "rejected" for turn in side]
        text = _folded(preflight_tokens.templated(case, turns))
        back = _folded(case.tokenizer.decode(list(sides[0].ids)))
        lost = [turn for turn in turns if _folded(turn["content"]) not in text]
        dropped += [turn["role"] for turn in lost[:1]]
        changed += [
            turn["content"] for turn in turns if turn not in lost and _folded(turn["content"]) not in back
        ][:1]
    if dropped:
        roles = " or ".join(sorted(set(dropped)))
        yield warning(
            f"{of_sample(case, len(dropped))} lose a message in the chat template, or have it changed ({roles})",
            TEMPLATE,
        )
    yield from _changed(case, changed, len(made))


def _folded(text: str) -> str:
    """Without white space, and without what tokenizers fold that is the same to a reader."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def unknown(case: Case, sequences: Sequence[Tokens]) -> Iterator[Finding]:
    """Whether the tokenizer knows what is written."""
    strange = case.tokenizer.unk_token_id
    if strange is None or not case.padded:
        return
    every = sum(len(tokens.ids) for tokens in sequences)
    count = sum(list(tokens.ids).count(strange) for tokens in sequences)
    if count > every / 1000:
        yield warning(
            f"{count} of {every} tokens are unknown to the tokenizer: the base does not know this script",
            "recipe:base",
        )


def _conversations(case: Case, rows: list[list[Tokens]]) -> Iterator[Finding]:
    most = case.settings.get("max_length")
    strategy = case.settings.get("packing_strategy") if case.settings.get("packing") else "none"
    long = [tokens for [tokens] in rows if most and len(tokens.ids) > most]
    side = "beginning" if case.arguments.get("truncation_mode") == "keep_end" else "end"
    if long and strategy in ("none", "bfd"):
        level = warning if len(long) > MANY * len(rows) else note
        longest = max(len(tokens.ids) for tokens in long)
        yield level(
            f"{of_sample(case, len(long))} lose their {side} at max_length = {most} tokens (the longest has {longest})",
            "max_length",
        )
        if case.learns_answers:
            lost = sum(
                any(tokens.learned) and not any(preflight_tokens.cut(case, tokens).learned) for tokens in long
            )
            if lost:
                level = error if lost == len(rows) else warning
                yield level(
                    f"{of_sample(case, lost)} have nothing left in the loss when they are cut", "max_length"
                )
    if case.learns_answers:
        empty = sum(not any(tokens.learned) for [tokens] in rows)
        if empty:
            yield error(
                f"{of_sample(case, empty)} have no answer in the loss: their turns are not the assistant's, or are not marked",
                ROWS,
            )


def _pairs(case: Case, rows: list[list[Tokens]]) -> Iterator[Finding]:
    most = case.settings.get("max_length")
    ends = case.arguments.get("truncation_mode") == "keep_end"
    full = [sides for sides in rows if most and not ends and min(side.prompt for side in sides) >= most]
    if full:
        share = len(full) / len(rows)
        level = error if share == 1 else warning if share > MANY / 4 else note
        yield level(
            f"{of_sample(case, len(full))} are dropped: their prompt alone fills max_length = {most} tokens",
            "max_length",
        )
    rest = [sides for sides in rows if sides not in full]
    long = [sides for sides in rest if most and max(len(side.ids) for side in sides) > most]
    if long:
        level = warning if len(long) > MANY * len(rows) else note
        where = "the beginning of their prompt" if ends else "the end of an answer, its end token too,"
        yield level(f"{of_sample(case, len(long))} lose {where} at max_length = {most} tokens", "max_length")
    same = sum(sides[0].ids == sides[1].ids for sides in rows)
    if same:
        level = error if same == len(rows) else warning
        yield level(f"{of_sample(case, same)} have the same answer on both sides", ROWS)
    alike = sum(
        sides[0].ids != sides[1].ids
        and len({tuple(preflight_tokens.cut(case, side).ids) for side in sides}) == 1
        for sides in rest
    )
    if alike:
        yield warning(
            f"{of_sample(case, alike)} have the same answer on both sides once they are cut", "max_length"
        )
    torn = sum(max(side.torn for side in sides) > 0 for sides in rows)
    if torn:
        yield warning(
            f"{of_sample(case, torn)}: the tokens of the prompt alone are not the first ones of prompt and answer",
            TEMPLATE,
        )
    begins = case.tokenizer.bos_token_id
    if begins is not None and begins != case.tokenizer.eos_token_id:
        doubled = sum(begins in side.ids[1:] for sides in rows for side in sides)
        if doubled:
            yield error(
                f"the token that begins a text stands inside {doubled} of {2 * len(rows)} sides", TEMPLATE
            )

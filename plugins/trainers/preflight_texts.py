"""Plain text as it will be trained on: beginnings and ends, what is divided, how much of it is English."""

from collections.abc import Iterator
from dataclasses import replace

from langadapt.interfaces import Finding
from langadapt_plugins.trainers import preflight_tokens
from langadapt_plugins.trainers.preflight import Case, error, note, warning
from langadapt_plugins.trainers.preflight_rows import MANY, ROWS, lossy, marks, of_sample, unknown
from langadapt_plugins.trainers.preflight_steps import steps_of
from langadapt_plugins.trainers.preflight_tokens import Tokens
from langadapt_plugins.trainers.trl_texts import inner

_BASE = "recipe:base"


def found(case: Case) -> Iterator[Finding]:
    """What the sample shows."""
    tokenizer = case.tokenizer
    if not tokenizer.eos_token:
        yield error("the tokenizer has no token that ends a text: documents would run into each other", _BASE)
        return
    made = [
        (inner(tokenizer, str(row["text"])), preflight_tokens.of_row(case, row)[0]) for row in case.sample
    ]
    if not made:
        return
    documents = [tokens for _, tokens in made]
    yield from _marks(case, [text for text, _ in made])
    yield from lossy(case, made)
    yield from unknown(case, documents)
    yield from _lengths(case, documents)
    yield from _share(case, documents)
    yield from steps_of(_mixed(case, documents), [[tokens] for tokens in documents])


def _mixed(case: Case, documents: list[Tokens]) -> Case:
    """The case with the rows that a share of English leaves of it, as far as the sample tells."""
    share = case.settings.get("english_share")
    english, tokens = _english(case, documents)
    if case.rows is None or share is None or not 0 < english < tokens:
        return case
    return replace(case, rows=max(1, round(case.rows * (1 - _left_out(english, tokens, share)[0]))))


def _english(case: Case, documents: list[Tokens]) -> tuple[int, int]:
    """The tokens of the English documents, and of all."""
    sizes = [(len(one.ids), row["english"]) for row, one in zip(case.sample, documents, strict=True)]
    return sum(size for size, ours in sizes if ours), sum(size for size, _ in sizes)


def _marks(case: Case, texts: list[str]) -> Iterator[Finding]:
    """Control tokens that are written out; where they begin and end texts, rows may be several documents in one already."""
    for mark, count in marks(case, texts):
        if mark in (case.tokenizer.bos_token, case.tokenizer.eos_token) and count > MANY * len(texts):
            yield error(
                f"{of_sample(case, count)} say {mark!r} in their middle, which begins or ends a text: give each document a row of its own",
                ROWS,
            )
        else:
            yield note(
                f"{of_sample(case, count)} say {mark!r}: read as letters, not as a token of its own", ROWS
            )


def _lengths(case: Case, documents: list[Tokens]) -> Iterator[Finding]:
    most = int(case.settings["max_length"])
    long = [len(tokens.ids) for tokens in documents if len(tokens.ids) > most]
    if case.settings["packing_strategy"] == "wrapped":
        yield note(
            "packing is `wrapped`: documents are cut anywhere and see their neighbours; `bfd_split` divides only what is too long",
            "packing_strategy",
        )
    if long:
        yield note(
            f"{of_sample(case, len(long))} are divided, as they have more than max_length = {most} tokens (the longest {max(long)}); "
            "nothing is cut off",
            "max_length",
        )


def _share(case: Case, documents: list[Tokens]) -> Iterator[Finding]:
    """Whether there is English to take a share of, and how much of the rows goes for it."""
    share = case.settings.get("english_share")
    english, tokens = _english(case, documents)
    if share is None:
        if 0 < english < tokens:
            yield note(
                f"English has {english / tokens:.1%} of the tokens, as the rows have it", "english_share"
            )
        return
    if not (english if share else 1) or english == tokens:
        what = "only English" if english else "no English"
        yield error(
            f"english_share is {share:g}, and the rows hold {what} (a row without `language` counts as English)",
            "english_share",
        )
        return
    left, side = _left_out(english, tokens, share)
    level = warning if side != "English" and left > 0.5 else note
    yield level(
        f"English has {english / tokens:.1%} of the tokens and is to have {share:.1%}: about {left:.0%} of all tokens are left out, of "
        f"{side}",
        "english_share",
    )


def _left_out(english: int, tokens: int, share: float) -> tuple[float, str]:
    """The part of all tokens that is left out for a share, and of which side."""
    rest, wanted = tokens - english, share / (1 - share)
    if english >= rest * wanted:
        return (english - rest * wanted) / tokens, "English"
    return (rest - english / wanted) / tokens, "the other language"

"""Plain text in the worker: documents as tokens, and how much of them is English."""

from collections.abc import Sequence
from typing import Any

from langadapt.errors import DataError
from langadapt.interfaces import Progress

_NEAR = 0.01
"""How far from the share that was asked for the one that is reached may be before it is told."""


def document(tokenizer: Any, text: str) -> list[int]:
    """The tokens of one document; none where it says nothing."""
    return documents(tokenizer, [text])[0]


def documents(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each: EOS at its end, BOS before it where the tokenizer sets one, each once; no other token of a text is a mark."""
    begins, ends = tokenizer.bos_token_id, tokenizer.eos_token_id
    sets = begins is not None and list(tokenizer("a")["input_ids"])[:1] == [begins]
    said = [inner(tokenizer, text) for text in texts]
    made = tokenizer(said, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [
        [*([begins] if sets else []), *ids, ends] if text.strip() else []
        for text, ids in zip(said, made, strict=True)
    ]


def inner(tokenizer: Any, text: str) -> str:
    """The text less the BOS and EOS that some corpora write out at its beginning and end; elsewhere they are letters like others."""
    marks = tuple(mark for mark in (tokenizer.bos_token, tokenizer.eos_token) if mark)
    begin, end = 0, len(text)
    while mark := next((mark for mark in marks if text.startswith(mark, begin, end)), ""):
        begin += len(mark)
    while mark := next((mark for mark in marks if text.endswith(mark, begin, end)), ""):
        end -= len(mark)
    return text[begin:end]


def tokenized(rows: Any, tokenizer: Any, arguments: Any) -> Any:
    """The rows of texts with their tokens in place of the text; what says nothing is left out."""
    with arguments.main_process_first():
        made = rows.map(_tokens, batched=True, remove_columns=["text"], fn_kwargs={"tokenizer": tokenizer})
        return made.filter(_says_something, batched=True)


def _tokens(batch: Any, tokenizer: Any) -> dict[str, list[list[int]]]:
    return {"input_ids": documents(tokenizer, batch["text"])}


def _says_something(batch: Any) -> list[bool]:
    return [bool(ids) for ids in batch["input_ids"]]


def mixed(rows: Any, share: float | None, seed: int, progress: Progress) -> tuple[Any, dict[str, Any]]:
    """The rows in which English has its share of the tokens, and what is told of them; all of them where no share is asked for.

    Of English or of the rest, whichever there is too much of, documents are left out as the seed draws them.
    Raises `DataError` where there is no document, or of one of the two none.
    """
    lengths, english = _lengths(rows), list(rows["english"])
    if not lengths:
        raise DataError("no text says anything", hint="see what the gates dropped, and why")
    taken = chosen(lengths, english, share, seed)
    tokens = sum(lengths[place] for place in taken)
    ours = sum(lengths[place] for place in taken if english[place])
    reached, left = ours / tokens if tokens else 0.0, len(lengths) - len(taken)
    if share is not None:
        progress.say(
            f"English has {reached:.2%} of {tokens} tokens; {left} of {len(lengths)} documents are left out for that"
        )
        if abs(reached - share) > _NEAR:
            progress.say(f"that is not {share:.2%}: there are too few documents, or they are too long")
    both = share is not None or 0 < sum(english) < len(english)
    told = {"english_share": round(reached, 4), "english_tokens": ours, "left_out_for_share": left}
    return rows.select(taken).remove_columns(["english"]), told if both else {}


def _lengths(rows: Any) -> list[int]:
    """The number of tokens of each row; the tokens themselves stay on disk."""
    import pyarrow.compute as pc

    tables = rows.with_format("arrow").iter(batch_size=1000)
    return [size for table in tables for size in pc.list_value_length(table["input_ids"]).to_pylist()]


def chosen(lengths: Sequence[int], english: Sequence[bool], share: float | None, seed: int) -> list[int]:
    """The places of the documents to take, in order: the largest mix with that share, as near to it as whole documents come."""
    if share is None:
        return list(range(len(lengths)))
    import numpy as np

    drawn = np.random.default_rng(seed).permutation(len(lengths)).tolist()
    ours = [place for place in drawn if english[place]]
    rest = [place for place in drawn if not english[place]]
    for name, places in (("English", ours if share else [0]), ("any other language", rest)):
        if not places:
            raise DataError(
                f"english_share is {share:g}, and no row is in {name}",
                hint="a row without `language` counts as English; english_share is left out for one language alone",
            )
    if not share:
        return sorted(rest)
    tokens, others = (sum(lengths[place] for place in places) for places in (ours, rest))
    if tokens > share * (tokens + others):
        return sorted(rest + _fill(ours, lengths, others * share / (1 - share)))
    return sorted(ours + _fill(rest, lengths, tokens * (1 - share) / share))


def _fill(places: Sequence[int], lengths: Sequence[int], room: float) -> list[int]:
    """Places in their order, but for those that do not fit into what room is left."""
    taken: list[int] = []
    for place in places:
        if lengths[place] <= room:
            taken.append(place)
            room -= lengths[place]
    return taken

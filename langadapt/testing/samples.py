"""Translations to judge, made from a pack's exemplars: as they are, and damaged in ways that happen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

from langadapt.errors import DataError
from langadapt.interfaces import SegmentPair, Translation
from langadapt.languages import LanguagePack
from langadapt.records import Conversation, Message, Preference, Record, Row, Text, record_from_row
from langadapt.segments import Document

PAIRS = (
    (
        "How do I keep bread fresh for longer?",
        "Wie halte ich Brot länger frisch?",
        "Keep it in a clay pot or wrapped in a cotton cloth. It stays soft for 3 days that way.",
        "Bewahren Sie es in einem Tontopf oder in einem Baumwolltuch auf. So bleibt es 3 Tage lang weich.",
    ),
    (
        "Which tools do I need to put up a shelf?",
        "Welches Werkzeug brauche ich, um ein Regal aufzuhängen?",
        "You need a drill, a spirit level and 4 screws with plugs that fit your wall.",
        "Sie brauchen eine Bohrmaschine, eine Wasserwaage und 4 Schrauben mit Dübeln, die zu Ihrer Wand passen.",
    ),
)
"""English and German, question and answer: for packs that have no exemplars."""
_MANY = 50_000
ODD: tuple[str, ...] = (
    "", " \n\t ", "\x00", "a\x00b", "🙂", "👩‍👩‍👧🏽 ok", "\ud800", "half \udfff a character", "\u202eabc\u202c", "<x1>", "<x99> <x",
    "```", "` ` `` ```python\nx", "12 345,67", "?", "\u00a0", "&amp;&#x0;", "مرحبا", "漢字かな", "é" * 40, "\r\n\r\n",
    "a" * _MANY, "word " * (_MANY // 5), "(" * _MANY, "字" * _MANY, "Why? " * (_MANY // 5), "\n" * _MANY, "1.2,3 " * (_MANY // 6),
)  # fmt: skip


def translation(source: Record, target: Record, *, translated: bool = True) -> Translation:
    """A translation with the segment pairs that its texts are made of."""
    return Translation(
        source=source,
        target=target,
        pairs=tuple(_pairs(source.texts, target.texts)) if translated else (),
        translated=translated,
    )


def exemplars(pack: LanguagePack) -> list[Translation]:
    """The pack's good translations; raises `DataError` for a row of `exemplars.jsonl` that is none."""
    return [_exemplar(row, f"{pack.folder}/exemplars.jsonl") for row in pack.rows("exemplars.jsonl")]


def samples(pack: LanguagePack) -> list[Translation]:
    """Good, damaged, untranslated and paired: what a filter may meet in that language."""
    good = (exemplars(pack) or _plain())[:4]
    return [*good, *_damaged(good), *_preferences(good, pack), *untouched(good, pack)]


def untouched(good: Sequence[Translation], pack: LanguagePack) -> list[Translation]:
    """A copy that passes for a translation, and records that were left in either language."""
    first, code = good[0], pack.language.code
    return [
        translation(first.source, first.source),
        translation(first.source, first.source, translated=False),
        translation(replace(first.target, language=code), replace(first.target, language=code), translated=False),
    ]  # fmt: skip


def odd(text: str, beside: Translation) -> Iterator[Translation]:
    """A text on either side and on both, with its segment pair and without, as plain text and as a turn."""
    other = beside.source.texts[0]
    for number, (sent, came) in enumerate(((other, text), (text, other), (text, text))):
        source, target = (Text(id=f"odd-{number}", text=side) for side in (sent, came))
        pair = SegmentPair(source=sent, target=came, text=0)
        yield Translation(source=source, target=target, pairs=(pair,))
        yield Translation(source=source, target=target)
        yield Translation(source=source, target=target, translated=False)
    turns = (
        Conversation(
            id="odd-turns",
            messages=(Message(role="user", content=side), Message(role="assistant", content=text)),
        )
        for side in (other, text)
    )
    source_turns, target_turns = turns
    pairs = tuple(
        SegmentPair(source=a, target=b, text=number)
        for number, (a, b) in enumerate(zip(source_turns.texts, target_turns.texts, strict=True))
    )
    yield Translation(source=source_turns, target=target_turns, pairs=pairs)


def _exemplar(row: Row, where: str) -> Translation:
    target = record_from_row(row, where=where)
    texts = [message["content"] for message in row.get("source_messages", ())]
    if len(texts) != len(target.texts):
        raise DataError(
            f"{where}: {target.id}: {len(texts)} source messages for {len(target.texts)}",
            hint="`source_messages` are the English of `messages`, turn by turn",
        )
    return translation(target.with_texts(texts), target)


def _plain() -> list[Translation]:
    roles = ("user", "assistant")
    made = []
    for number, (asked, fragt, says, sagt) in enumerate(PAIRS):
        source, target = (
            Conversation(
                id=f"plain-{number}",
                messages=tuple(
                    Message(role=role, content=text) for role, text in zip(roles, side, strict=True)
                ),
            )
            for side in ((asked, says), (fragt, sagt))
        )
        made.append(translation(source, target))
    return made


def _pairs(sent: Sequence[str], came: Sequence[str]) -> Iterator[SegmentPair]:
    """Segment by segment where both texts have as many, else the whole text as one."""
    for number, (one, other) in enumerate(zip(sent, came, strict=True)):
        before, after = Document(one).segments, Document(other).segments
        if len(before) != len(after):
            before, after = (" ".join(one.split()),), (" ".join(other.split()),)
        for source, target in zip_longest(before, after):
            yield SegmentPair(source=source, target=target, text=number)


def _damaged(good: Sequence[Translation]) -> Iterator[Translation]:
    """Cut, doubled, exchanged, prefaced, with other figures, in other letters: what gates are there for."""
    changes: Mapping[str, Callable[[str], str]] = {
        "cut": lambda text: text[: max(1, len(text) // 3)],
        "doubled": lambda text: " ".join([text] * 6),
        "prefaced": lambda text: f"Sure! Here is the translation: {text}",
        "figures": lambda text: text.translate(str.maketrans("0123456789", "9876543210")),
        "quoted": lambda text: f'"{text}"',
        "letters": lambda text: f"{text} привет мир",
        "empty": lambda text: "-",  # noqa: ARG005 - each is given the text
    }
    for name, change in changes.items():
        item = good[0]
        pairs = tuple(replace(pair, target=change(pair.target)) for pair in item.pairs)
        texts = [change(text) for text in item.target.texts]
        target = replace(item.target.with_texts(texts), id=f"{item.target.id}-{name}")
        yield Translation(source=replace(item.source, id=target.id), target=target, pairs=pairs)


def _preferences(good: Sequence[Translation], pack: LanguagePack) -> Iterator[Translation]:
    """Two answers to one prompt, as plain text and as turns; once the two became the same."""
    first, second = good[0], good[-1]
    for number, same in enumerate((False, True)):
        sides = [(one.texts[0], one.texts[-1], two.texts[-1]) for one, two in
                 ((first.source, second.source), (first.target, first.target if same else second.target))]  # fmt: skip
        plain = [Preference(id=f"pair-{number}", prompt=a, chosen=b, rejected=c) for a, b, c in sides]
        yield translation(*plain)
        turns = [
            Preference(
                id=f"pair-turns-{number}",
                prompt=(Message(role="user", content=a),),
                chosen=(Message(role="assistant", content=b),),
                rejected=(Message(role="assistant", content=c),),
            )
            for a, b, c in sides
        ]
        yield translation(*turns)
        yield translation(turns[1], replace(turns[1], language=pack.language.code), translated=False)

"""Rows that repeat items of a benchmark, and rows that only look like it. All items and texts are our own."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from langadapt import registry
from langadapt.interfaces import Item

HERE = Path(__file__).parent
LANGUAGES = ("en", "de", "ja", "es")
FRAMES = {
    "en": ("Please help me with this.\n\n{}", "{}", "I found this in a quiz, what do you think? {} Explain briefly.", "Answer the question: {}"),
    "de": ("Bitte hilf mir dabei.\n\n{}", "{}", "Das stand in einem Quiz, was meinst du? {} Erkläre es kurz.", "Beantworte die Frage: {}"),
    "ja": ("手伝ってください。\n\n{}", "{}", "クイズで見かけました。{}簡単に説明してください。", "質問に答えてください。{}"),
    "es": ("Ayúdame con esto, por favor.\n\n{}", "{}", "Lo he visto por ahí. {} Explícalo brevemente.", "Responde: {}"),
}  # fmt: skip
CORRECT = {"en": "The answer is: {}", "de": "Die Antwort lautet: {}", "ja": "答えは「{}」です。"}


@dataclass(frozen=True)
class Row:
    """Texts of a chat row, the item that it repeats if any, and in which way."""

    texts: tuple[str, ...]
    kind: str
    item: str = ""


@dataclass(frozen=True)
class Bench:
    """The items of one language and the rows that are searched for them."""

    language: str
    items: Sequence[Item]
    rows: Sequence[Row]


def benches(half: int, seed: int) -> Iterator[Bench]:
    """For each language rows in which some items are planted: one half (0, 1), or those written when all was done (2). All are searched for."""
    rows = [json.loads(line) for line in (HERE / "contamination_items.jsonl").read_text("utf-8").splitlines()]
    for language in LANGUAGES:
        draw = random.Random(f"{seed} {half} {language}")
        own = [row for row in rows if language in row] or _questions(language)
        items = [_item(language, number, row[language]) for number, row in enumerate(own)]
        found: list[Row] = []
        for number, row in enumerate(own):
            if half != (2 if row.get("late") else number % 2):
                continue
            found += _planted(row, language, items[number].id, draw)
            found += _near(row, language, draw)
        if not found:
            continue
        yield Bench(language, items, [*found, *_clean(language, own, half, draw)])


def _item(language: str, number: int, asked: dict[str, list[str]]) -> Item:
    return Item(
        task=f"ours_{language}", id=str(number), text=str(asked["question"]), answers=tuple(asked["choices"])
    )


def _questions(language: str) -> list[dict[str, dict[str, object]]]:
    """The questions of a pack's judge, where we have no others."""
    turns = [turn for row in registry.pack(language).rows("mt_bench.jsonl") for turn in row["turns"]]
    return [{language: {"question": turn, "choices": []}} for turn in turns if len(turn) > 60]


def _planted(
    row: dict[str, dict[str, list[str]]], language: str, item: str, draw: random.Random
) -> Iterator[Row]:
    asked, frames = row[language], FRAMES[language]
    question, choices = str(asked["question"]), asked["choices"]
    host = _long_text(language, draw)
    whole = "\n".join((question, *_lettered(choices)))
    yield Row((draw.choice(frames).format(_otherwise_written(question, draw)), host), "verbatim", item)
    yield Row((f"{host}\n{draw.choice(frames).format(whole)}", host[:80]), "verbatim", item)
    mixed = draw.sample(choices, len(choices))
    turned = _turned(question, language, draw)
    yield Row((draw.choice(frames).format("\n".join((turned, *_lettered(mixed)))), host), "reordered", item)
    yield Row((host[:200], "\n".join((*mixed, _changed(turned, language, draw))), host), "reordered", item)
    other = row.get(f"{language}_other")
    if other:
        said, given = str(other["question"]), other["choices"]
        mixed = draw.sample(given, len(given))
        reply = CORRECT[language].format(given[0])
        yield Row(
            (draw.choice(frames).format("\n".join((said, *_lettered(mixed)))), f"{reply} {host}"),
            "in translation",
            item,
        )
        yield Row((draw.choice(frames).format(f"{said} ({' / '.join(mixed)})"), host), "in translation", item)
        yield Row((draw.choice(frames).format(said), f"{reply} {host}"), "in translation, no choices", item)


def _near(row: dict[str, dict[str, list[str]]], language: str, draw: random.Random) -> Iterator[Row]:
    """The same words around another fact, with choices and with an answer; and an answer's words without their question."""
    near, own = row.get(f"near_{language}"), row[language]["choices"]
    host, frames = _long_text(language, draw), FRAMES[language]
    if near:
        asked, choices = str(near["question"]), near["choices"]
        yield Row((draw.choice(frames).format("\n".join((asked, *_lettered(choices)))), host), "near miss")
        yield Row(
            (draw.choice(frames).format(asked), f"{CORRECT[language].format(choices[0])} {host}"), "near miss"
        )
        yield Row(
            (draw.choice(frames).format(draw.choice(_texts(language))), f"{own[0]} {host}"), "near miss"
        )


def _clean(
    language: str, own: Sequence[dict[str, dict[str, list[str]]]], half: int, draw: random.Random
) -> Iterator[Row]:
    """Ordinary chats: those of the pack, of the gates' benchmark, and English prompts; and each template with nothing in it."""
    texts = _texts(language)[half % 2 :: 2]
    for text in texts:
        yield Row((draw.choice(FRAMES[language]).format(text), _long_text(language, draw)), "clean")
    for row in own[half % 2 :: 2]:
        begin = str(row[language]["question"])
        cut = (
            begin[: len(begin) // 4]
            if language == "ja"
            else " ".join(begin.split()[: min(8, len(begin.split()) // 3)])
        )
        yield Row((f"{cut} ...", _long_text(language, draw)), "clean")


def _texts(language: str) -> list[str]:
    if language == "en":
        rows = (HERE.parents[1] / "tests/prepare/routing_rows.jsonl").read_text("utf-8").splitlines()
        return [prompt for line in rows if isinstance(prompt := json.loads(line).get("prompt"), str)]
    pack = registry.pack(language)
    told = [message["content"] for row in pack.rows("exemplars.jsonl") for message in row["messages"]]
    told += [row["prompt"] for row in pack.rows("probes.jsonl")]
    lines = (HERE / f"gates/pairs/{language}.tsv").read_text("utf-8").splitlines()[1:]
    return told + [line.split("\t")[3] for line in lines]


def _long_text(language: str, draw: random.Random) -> str:
    pieces = draw.sample(_texts(language), 8)
    return " ".join(pieces)[: draw.randint(150, 900)]


def _lettered(choices: Sequence[str]) -> list[str]:
    return [f"{letter}) {choice}" for letter, choice in zip("ABCDEFGH", choices, strict=False)]


def _otherwise_written(text: str, draw: random.Random) -> str:
    """Other case, marks and blanks, full-width forms and decomposed letters: the same words."""
    ways = (
        str.upper,
        lambda one: re.sub(r"[?.,]", " ", one),
        lambda one: f"**{one}**".replace(" ", "\u00a0 "),
        lambda one: unicodedata.normalize("NFD", one),
        lambda one: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in one),
        str.title,
    )
    return str(draw.choice(ways)(text))


def _turned(text: str, language: str, draw: random.Random) -> str:
    """Clauses in another order."""
    parts = [part for part in re.split(r"(?<=[.,;:?、。])\s*", text) if part]
    if len(parts) < 2:
        words = list(text.rstrip("?。.")) if language == "ja" else text.rstrip("?.").split()
        cut = draw.randint(len(words) // 3, 2 * len(words) // 3)
        joint = "" if language == "ja" else " "
        parts = [joint.join(words[cut:]), joint.join(words[:cut])]
        return f"{joint.join(parts)}?"
    return " ".join(reversed(parts))


def _changed(text: str, language: str, draw: random.Random) -> str:
    """One word in eight is another one."""
    if language == "ja":
        at = draw.randrange(len(text))
        return f"{text[:at]}やや{text[at + 1 :]}"
    words = text.split()
    for at in draw.sample(range(len(words)), max(1, len(words) // 8)):
        words[at] = draw.choice(("so", "quasi", "vielleicht", "perhaps", "quizá"))
    return " ".join(words)

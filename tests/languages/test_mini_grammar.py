"""The mini grammar: pure data under languages/de/mini, sampled by scripts/mini."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/mini"))

from grammar import FOLDER, Frame, Grammar, heldout, training_lines  # noqa: E402 - a script's folder is no package
from lexicon import NounPhrase, VerbPhrase  # noqa: E402
from page import document  # noqa: E402


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar.load()


def test_gives_twenty_thousand_distinct_pairs_none_of_them_held_out(grammar: Grammar) -> None:
    pairs = list(grammar.distinct(Random(1), 20_000, heldout()))
    sentences = {pair.en for pair in pairs} | {pair.de for pair in pairs}
    assert len({pair.en for pair in pairs}) == len({pair.de for pair in pairs}) == 20_000
    assert not sentences & heldout()


def test_training_lines_hold_no_held_out_sentence(grammar: Grammar) -> None:
    held = (FOLDER / "heldout.tsv").read_text(encoding="utf-8").splitlines()
    assert len(held) == 300
    lines = list(training_lines(grammar, Random(1), 3000, heldout()))
    texts = {text for line in lines for text in line}
    assert len(lines) == 3000
    assert not texts & heldout()
    assert all(en.count("<x") == de.count("<x") for en, de in lines)


def test_every_frame_renders(grammar: Grammar) -> None:
    for frame in grammar.frames:
        for seed in range(10):
            pair = grammar.render(frame, Random(seed))
            assert not set("{}") & set(pair.en + pair.de), frame
            assert "  " not in pair.en + pair.de, (frame, pair)
            assert pair.en
            assert pair.de


def test_frames_are_many_and_unlike(grammar: Grammar) -> None:
    assert len(grammar.frames) >= 160
    assert len({(frame.tag, frame.english) for frame in grammar.frames}) == len(grammar.frames)
    assert sum("<" in grammar.render(frame, Random(0)).en for frame in grammar.frames) >= 12
    assert len(grammar.pairs) >= 300


def test_every_word_is_used_often(grammar: Grammar) -> None:
    text = " ".join(pair.en.lower() for pair in grammar.distinct(Random(2), 12_000))
    words = Counter(text.replace(",", " ").replace(".", " ").replace("?", " ").split())
    entries = [(noun["english"], noun["plural"]) for noun in grammar.lexicon.nouns]
    entries += [(adjective.row["english"], "") for adjective in grammar.lexicon.adjectives]
    entries += [
        tuple(verb[form].split()[0] for form in ("english", "third", "past"))
        for verb in grammar.lexicon.verbs
    ]
    assert {
        entry: count for entry in entries if (count := sum(words[form] for form in set(entry))) < 10
    } == {}


def test_each_word_has_one_translation(grammar: Grammar) -> None:
    lexicon = grammar.lexicon
    lists = [
        [(noun["english"], noun["german"]) for noun in lexicon.nouns],
        [(adjective.english(), adjective.german()) for adjective in lexicon.adjectives],
        [(verb["english"], verb["prefix"] + verb["german"]) for verb in lexicon.verbs],
        [(row["english"], row["german"]) for row in lexicon.phrases if row["kind"] not in ("label", "span")],
    ]
    for entries in lists:
        for side in zip(*entries, strict=True):
            assert [word for word, count in Counter(side).items() if count > 1] == []


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("a dark library", "einer dunklen Bibliothek"),
        ("these expensive apples", "diesen teuren Äpfeln"),
        ("my old house", "meinem alten Haus"),
        ("fresh bread", "frischem Brot"),
    ],
)
def test_noun_phrases_inflect(grammar: Grammar, english: str, german: str) -> None:
    determiner, *adjective, noun = english.split()
    lexicon = grammar.lexicon
    row = next(row for row in lexicon.nouns if noun in (row["english"], row["plural"]))
    word = next(entry for entry in lexicon.adjectives if entry.english() == (adjective or [determiner])[0])
    name = {"a": "indef", "these": "this", "fresh": "bare"}.get(determiner, determiner)
    phrase = NounPhrase(lexicon.inflection, row, name, noun == row["plural"], word)
    assert (phrase.english(), phrase.german("dat")) == (english, german)


def test_separable_verbs_split_and_join(grammar: Grammar) -> None:
    lexicon = grammar.lexicon
    lamp = next(row for row in lexicon.nouns if row["english"] == "lamp")
    verb = next(row for row in lexicon.verbs if row["english"] == "turn on")
    phrase = VerbPhrase(verb, NounPhrase(lexicon.inflection, lamp, "def"))
    forms = {form: phrase.german(form) for form in ("inf", "zu", "imp", "end-du", "part")}
    assert forms == {
        "inf": "die Lampe einschalten",
        "zu": "die Lampe einzuschalten",
        "imp": "schalte die Lampe ein",
        "end-du": "die Lampe einschaltest",
        "part": "die Lampe eingeschaltet",
    }


def test_contractions_and_capitals(grammar: Grammar) -> None:
    pair = grammar.render(Frame("plan", "go to {a:def park sg plain}.", "gehe zu {a dat}."), Random(0))
    assert (pair.en, pair.de) == ("Go to the park.", "Gehe zum Park.")


def test_the_page_is_up_to_date(grammar: Grammar) -> None:
    assert (FOLDER / "GRAMMAR.md").read_text(encoding="utf-8") == document(grammar)

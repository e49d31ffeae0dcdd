"""The gates' benchmark measures what it says: good translations, damage that is real, the same every time."""

import random
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts/bench"))

import corruptions
import turns

LANGUAGES = turns.languages()
PLACEHOLDER = re.compile(r"<x\d+>")


def test_there_are_kinds_and_languages_enough():
    assert len(corruptions.KINDS) >= 12
    assert len(LANGUAGES) >= 8


@pytest.mark.parametrize("language", LANGUAGES)
def test_clean_segments_are_whole(language):
    listed = turns.segments(language)
    english = {row["id"]: (row["context"], row["source"]) for row in turns.segments(LANGUAGES[0])}
    assert len(listed) >= 60
    assert {row["id"]: (row["context"], row["source"]) for row in listed} == english
    assert len({row["source"] for row in listed}) == len(listed)
    for row in listed:
        assert all(row.values()), row
        assert all(value == value.strip() for value in row.values()), row
        assert sorted(PLACEHOLDER.findall(row["source"])) == sorted(PLACEHOLDER.findall(row["target"])), row


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_other_form_of_address_differs_and_keeps_what_it_must(language):
    for source, (default, other) in turns.address(language).items():
        assert other
        assert other != default
        assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(other))


@pytest.mark.parametrize("language", LANGUAGES)
def test_turns_have_the_size_of_chat(language):
    found = turns.clean_turns(language)
    assert all(2 <= len(turn.sources) <= 5 for turn in found)
    sizes = [len("\n".join(turn.sources)) for turn in found]
    assert 250 <= sum(sizes) / len(sizes) <= 500


@pytest.mark.parametrize("language", [*LANGUAGES, "en"])
def test_every_language_has_words_for_every_kind(language):
    said, english = turns.phrases(language), turns.phrases("en")
    assert said["answers"].keys() == english["answers"].keys()
    for kind in ("preambles", "labels", "notes", "leaks", "refusals", "asking", "going_on"):
        assert len(said[kind]) >= 3, kind
        assert len(set(said[kind])) == len(said[kind]), kind


@pytest.mark.parametrize("kind", corruptions.KINDS)
def test_a_kind_gives_enough_damage_and_the_same_every_time(kind):
    found = corruptions.corruptions(kind, 200, 1)
    assert len(set(found)) == 200
    assert found == corruptions.corruptions(kind, 200, 1)
    assert found != corruptions.corruptions(kind, 200, 2)
    known = {turn for language in LANGUAGES for turn in turns.pool(language)}
    assert not known & set(found)
    assert all(len(turn.sources) == len(turn.targets) and all(turn.targets) for turn in found)


@pytest.mark.parametrize("kind", corruptions.KINDS)
def test_damage_is_never_done_to_another_language(kind):
    turn = turns.clean_turns("de")[0]
    assert corruptions.corrupted(kind, turn, random.Random(0), "fr") is None


def test_the_clean_side_is_drawn_once_and_whole():
    found = turns.clean(1)
    assert len(set(found)) == len(found)
    assert found == turns.clean(1)
    assert set(found) == set(turns.clean(2))


def test_filters_see_a_conversation_with_its_segments():
    turn = turns.clean_turns("de")[0]
    item = turns.translation(turn)
    assert [pair.target for pair in item.pairs] == list(turn.targets)
    assert item.target.texts == ("\n".join(turn.targets),)
    assert item.source.texts == ("\n".join(turn.sources),)

"""Every pack's routing rules load; the German ones know a German lesson."""

from pathlib import Path

import pytest

from langadapt.languages import LanguagePack
from langadapt.prepare.routing import Router
from langadapt.records import record_from_row

PACKS = sorted(path.parent for path in (Path(__file__).parents[2] / "languages").glob("*/pack.toml"))


def rule(router, prompt):
    return router.route(record_from_row({"prompt": prompt, "chosen": "Yes.", "rejected": "No."})).rule


@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_every_pack_routes(folder):
    assert rule(Router.of(LanguagePack.read(folder)), "What rhymes with orange?") == "rhyme"


GERMAN = Router.of(LanguagePack.read(Path(__file__).parents[2] / "languages" / "de"))


@pytest.mark.parametrize(
    "prompt",
    [
        "When do I use der, die and das?",
        "How do I type an umlaut on an American keyboard?",
        'What does "gemütlich" mean?',
        'Is "mit" followed by the dative or the accusative?',
        'When is "Sie" polite, and when may I say "du"? I mean "du" or "Sie" at work.',
        'Is it "der Tisch" or "die Tisch"?',
    ],
)
def test_german_lessons_stay_in_english(prompt):
    assert rule(GERMAN, prompt) == "german-lesson"


@pytest.mark.parametrize(
    "prompt",
    [
        "What does Schrödinger's cat stand for?",
        "Which stars die young, and which live long?",
        'Who played bass in the band that recorded "Ace of Spades"?',
        "Explain the German electoral system.",
        "Write a Python function that replaces umlauts in file names.",
    ],
)
def test_what_only_looks_german_is_translated(prompt):
    assert rule(GERMAN, prompt) == ""

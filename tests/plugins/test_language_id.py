"""The language gate: which detector, what is read of a text, stray segments, and what says nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.errors import ConfigError
from langadapt.interfaces import SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.language_id import LanguageId

GERMAN = [
    "Der Zug fährt heute eine Stunde später ab, weil die Strecke noch gesperrt ist.",
    "Wir haben gestern einen langen Spaziergang am Fluss gemacht und viel gelacht.",
    "Das Buch liegt auf dem Tisch, aber niemand hat es bisher gelesen.",
    "Wenn du Zeit hast, kannst du mir morgen beim Umzug helfen.",
]
ENGLISH = "The results of the second test were much better than we had expected, and everyone was glad."
POLISH = "Wczoraj wieczorem spotkaliśmy się w małej kawiarni, żeby porozmawiać o nowym projekcie, który jest dla nas ważny."
DETECTORS = ("langdetect", "fast")
PACK, EN = LanguagePack.bare("de"), Language.of("en")


def translation(*targets, sources=None):
    sources = sources or ["Something in English stands here."] * len(targets)
    pairs = tuple(SegmentPair(source=a, target=b, text=0) for a, b in zip(sources, targets, strict=True))
    source, target = (Text(id="1", text="\n".join(side)) for side in (sources, targets))
    return Translation(source=source, target=target, pairs=pairs)


def verdict(item, pack=PACK, **settings):
    return LanguageId(**settings).filter([item], source=EN, pack=pack)[0]


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("stray", [ENGLISH, POLISH])
def test_one_stray_segment_is_found_and_named(detector, stray):
    assert verdict(translation(*GERMAN), detector=detector).keep
    found = verdict(translation(*GERMAN[:2], stray, *GERMAN[2:] * 3), detector=detector)
    assert not found.keep
    assert found.segment == 2
    assert found.reason.startswith(f"language: {'en' if stray == ENGLISH else 'pl'} in one segment")


@pytest.mark.parametrize("detector", DETECTORS)
def test_names_say_nothing_of_a_language(detector):
    names = "Peter Johnson, Mary Smith, Robert Williams, Elizabeth Taylor and George Washington Carver"
    target = f"Es kamen {names.replace(' and ', ' und ')} mit dem Auto."
    item = translation(target, sources=[f"They came by car: {names}."])
    assert verdict(item, detector=detector, letters=40).keep


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_long_text_in_another_language_is_dropped_wherever_it_is_read(detector):
    assert not verdict(translation(" ".join([POLISH] * 80)), detector=detector).keep
    assert verdict(translation(" ".join(GERMAN * 40)), detector=detector).keep


def test_a_language_that_only_the_other_detector_knows_is_refused_with_its_name():
    with pytest.raises(ConfigError, match="no profile for 'is'") as caught:
        LanguageId().check(LanguagePack.bare("is"))
    assert "detector=fast" in caught.value.hint
    LanguageId(detector="fast").check(LanguagePack.bare("is"))
    with pytest.raises(ConfigError) as caught:
        LanguageId(detector="fast").check(LanguagePack.bare("smj"))
    assert "language-id=false" in caught.value.hint


def test_a_text_of_which_the_detector_is_not_sure_enough_is_not_called_another_language():
    text = "Tumia kitendakazi kilichomo ndani ya Python. Hupokea orodha na kurudisha idadi ya vitu vyake kama namba nzima."
    pack = LanguagePack.bare("sw")
    sure = verdict(translation(text), pack=pack, detector="fast", at_least=0.0).score
    found = verdict(translation(text), pack=pack, detector="fast", at_least=sure + 0.01)
    assert not found.keep
    assert found.reason == f"language: sw at {sure:.3f}, less than {sure + 0.01}"


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_hundred_times_the_same(detector):
    mixed = translation(f"{GERMAN[0][:40]} {ENGLISH[:60]}", *GERMAN[:1])
    gate = LanguageId(detector=detector, letters=20)
    assert len({repr(gate.filter([mixed], source=EN, pack=PACK)) for _ in range(100)}) == 1


@pytest.mark.parametrize("detector", DETECTORS)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
@settings(max_examples=60)
def test_no_text_makes_it_fail(detector, texts):
    gate = LanguageId(detector=detector, letters=4, segment_letters=4)
    assert len(gate.filter([translation(*texts)], source=EN, pack=PACK)) == 1


@pytest.mark.parametrize(
    "text", ["a" * 2_000_000, "\0" * 1000, "\ud800" * 1000, "é\u0301" * 50_000, "- x\n" * 100_000]
)
@pytest.mark.parametrize("detector", DETECTORS)
def test_poisoned_rows_are_judged_like_others(detector, text):
    assert isinstance(verdict(translation(text, GERMAN[0]), detector=detector).keep, bool)

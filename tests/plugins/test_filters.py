"""The gates that need no second model: language, length, tokens."""

from pathlib import Path

import pytest
from tiny import tiny_model

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef, SegmentPair, Translation
from langadapt.languages import LanguagePack
from langadapt.records import Conversation, Message, Preference, Text
from langadapt_plugins.filters.language_id import LanguageId
from langadapt_plugins.filters.length import Length
from langadapt_plugins.filters.tokens import Tokens

GERMAN = "Der Zug nach Hamburg fährt heute eine Stunde später ab, weil die Strecke wegen des Sturms noch gesperrt ist."
ENGLISH = "The train to Hamburg leaves an hour later today because the line is still closed on account of the storm."
FRENCH = "Le train pour Hambourg part aujourd'hui une heure plus tard, car la ligne est encore fermée à cause de la tempête."
PACK = LanguagePack.bare("de")
ROLES = ("user", "assistant")


def chat(*texts, language=""):
    turns = tuple(Message(role=ROLES[n % 2], content=text) for n, text in enumerate(texts))
    return Conversation(id="1", messages=turns, language=language)


def item(*texts, translated=True, language=""):
    """A translation whose target holds these texts; its source is English."""
    source = chat(*[ENGLISH] * len(texts))
    return Translation(source=source, target=chat(*texts, language=language), translated=translated)


def judged(gate, *items, pack=PACK, english=None):
    return gate.filter(items, source=english, pack=pack)


def test_german_is_kept_and_other_languages_are_dropped_with_the_language_found():
    german, english, french = judged(LanguageId(), *(item(text * 2) for text in (GERMAN, ENGLISH, FRENCH)))
    assert german.keep
    assert german.score > 0.99
    assert (english.keep, english.reason) == (False, "language: en, not de")
    assert (french.keep, french.reason) == (False, "language: fr, not de")
    assert english.score < 0.2


def test_one_long_text_in_another_language_drops_the_record_and_short_ones_are_judged_together():
    assert not judged(LanguageId(), item(GERMAN * 3, ENGLISH * 2))[0].keep
    turns = [
        "Where do you live?",
        "I live in a small village.",
        "Is it far away?",
        "No, it is quite near here.",
    ]
    assert judged(LanguageId(), item(turns[1]))[0].keep
    assert judged(LanguageId(), item(*turns))[0].reason == "language: en, not de"


@pytest.mark.parametrize(
    "text", ["", "  \n", "12345 + 67 = ?!", "🙂🙂", "\x00", "Yes please", "π" * 20, "1 " * 900]
)
def test_too_little_text_is_left_unjudged(text):
    for verdict in judged(LanguageId(), item(text), item(text, text)):
        assert (verdict.keep, verdict.reason, verdict.score) == (True, "", 1.0)


def test_the_same_verdict_every_time_and_in_any_batch():
    mixed = [f"{GERMAN[:n]} {ENGLISH[: 110 - n]} {FRENCH[:40]}" for n in range(40, 75, 5)]
    items = [item(text) for text in mixed]
    first = judged(LanguageId(), *items)
    assert len({verdict.score for verdict in first}) > 1
    gate = LanguageId()
    for _ in range(30):
        assert judged(gate, *items) == first
    assert judged(gate, *reversed(items)) == first[::-1]
    assert [judged(LanguageId(), one)[0] for one in items] == first


WORDS = "return the first value that is found in the list of open orders of this customer"
MASKED = {
    "fence": (f"```python\n# {WORDS}\n# {WORDS}\n# {WORDS}\n```", f"{WORDS}\n{WORDS}\n{WORDS}"),
    "open fence": (f"~~~\n{WORDS}\n{WORDS}\n{WORDS}", f"{WORDS}\n{WORDS}\n{WORDS}"),
    "code": (f"`{WORDS}` und `{WORDS}` und `{WORDS}`", f"{WORDS} und {WORDS} und {WORDS}"),
    "url": (" ".join([f"https://example.org/{WORDS.replace(' ', '-')}"] * 3), f"{WORDS} {WORDS} {WORDS}"),
}


@pytest.mark.parametrize("name", MASKED)
def test_code_and_addresses_are_not_judged(name):
    masked, bare = (f"{GERMAN}\n\n{part}\n" for part in MASKED[name])
    verdict, control = judged(LanguageId(at_least=0.9), item(masked), item(bare))
    assert verdict.keep
    assert verdict.score > 0.99
    assert not control.keep


@pytest.mark.parametrize(
    ("text", "keep"), [(f"```py\n# {WORDS * 3}\n  ```", True), ("```\nx\n  ```\n" + ENGLISH * 6, False)]
)
def test_a_fence_in_a_list_item_is_one(text, keep):
    assert judged(LanguageId(at_least=0.9), item(f"{GERMAN}\n\n- {text}\n"))[0].keep is keep


def test_a_row_left_as_it_was_is_judged_only_where_it_says_that_it_is_in_the_target_language():
    left = item(ENGLISH * 2, translated=False)
    marked = item(ENGLISH * 2, translated=False, language="de")
    good = item(GERMAN * 2, translated=False, language="de")
    assert [verdict.keep for verdict in judged(LanguageId(), left, marked, good)] == [True, False, True]


def test_a_language_without_a_profile_is_a_setting_to_change():
    with pytest.raises(ConfigError, match="no profile for 'is'") as caught:
        judged(LanguageId(), item(GERMAN), pack=LanguagePack.bare("is"))
    assert "detector=fast" in caught.value.hint


@pytest.mark.parametrize(
    ("code", "profile"), [("zh", "zh-cn"), ("zh-Hant", "zh-tw"), ("nb", "no"), ("pt-BR", "pt")]
)
def test_codes_with_a_profile_of_another_name(code, profile):
    verdict = judged(LanguageId(), item(GERMAN * 2), pack=LanguagePack.bare(code))[0]
    assert verdict.reason == f"language: de, not {profile}"


@pytest.mark.parametrize("code", ["zh-CN", "zh-Hans", "nb-NO"])
def test_codes_with_a_region_or_script_have_their_language_profile(code):
    assert not judged(LanguageId(), item(GERMAN * 2), pack=LanguagePack.bare(code))[0].keep


def paired(*pairs, translated=True):
    segments = tuple(SegmentPair(source=a, target=b, text=0) for a, b in pairs)
    source, target = (Text(id="1", text="\n".join(side)) for side in (zip(*pairs, strict=True)))
    return Translation(source=source, target=target, pairs=segments, translated=translated)


def test_length_names_the_worst_segment():
    gate = Length(slack=0)
    kept = judged(gate, paired(("a" * 10, "b" * 11), ("a" * 10, "b" * 15), ("a" * 10, "b" * 12)))[0]
    assert (kept.keep, kept.segment, kept.score) == (True, 1, 1.5)
    long = judged(gate, paired(("a" * 10, "b" * 10), ("a" * 10, "b" * 30)))[0]
    assert (long.keep, long.segment, long.score) == (False, 1, 3.0)
    assert long.reason == "length: 10 characters became 30"
    assert judged(gate, paired(("a" * 10, "b" * 10), ("a" * 10, "b" * 4)))[0].score == 0.4


def test_length_names_the_worst_of_several_bad_segments():
    verdict = judged(Length(slack=0), paired(("a" * 10, "b" * 21), ("a" * 10, "b" * 90)))[0]
    assert verdict.segment == 1


@pytest.mark.parametrize(("length", "keep"), [(49, False), (50, True), (200, True), (201, False)])
def test_length_at_its_limits(length, keep):
    assert judged(Length(slack=0), paired(("a" * 100, "b" * length)))[0].keep is keep


def test_slack_spares_short_segments_only():
    short, long = ("Yes", "Ja, sehr gern"), ("a" * 300, "b" * 900)
    assert not judged(Length(slack=0), paired(short))[0].keep
    assert judged(Length(slack=20), paired(short))[0].score == round(33 / 23, 3)
    assert not judged(Length(slack=20), paired(long))[0].keep


def test_length_abstains_on_what_was_not_translated_and_on_no_segments():
    same = paired(("a" * 10, "b" * 90), translated=False)
    empty = Translation(source=chat("1"), target=chat("1"))
    assert [verdict.keep for verdict in judged(Length(), same, empty)] == [True, True]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A tiny model whose tokenizer begins every text with <s>, as Llama's does; a chat template must not get one more."""
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    folder = tiny_model(tmp_path_factory.mktemp("tiny"), [GERMAN, ENGLISH, FRENCH])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    begin = [("<s>", tokenizer.bos_token_id)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=begin)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def template() -> Path:
    import langadapt

    return Path(langadapt.__file__).parent / "templates" / "zephyr.jinja"


@pytest.fixture(scope="module")
def count(model, template):
    """Tokens of messages, told by transformers alone."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)

    def tokens(*turns):
        messages = [{"role": role, "content": content} for role, content in turns]
        made = tokenizer.apply_chat_template(
            messages, chat_template=template.read_text(), tokenize=True, return_dict=True
        )
        return len(made["input_ids"])

    return tokens


def test_tokens_are_those_of_the_chat_template_and_the_limit_counts(model, template, count):
    record = item(GERMAN, ENGLISH, GERMAN)
    wanted = count(("user", GERMAN), ("assistant", ENGLISH), ("user", GERMAN))
    assert wanted > len(GERMAN) // 4

    def verdict(limit):
        gate = Tokens(tokenizer=ModelRef(str(model)), chat_template=template, at_most=limit)
        return judged(gate, record)[0]

    assert (verdict(wanted).keep, verdict(wanted).score) == (True, wanted)
    assert verdict(wanted - 1).reason == f"tokens: {wanted}, more than {wanted - 1}"


@pytest.mark.parametrize("swapped", [False, True])
def test_a_preference_counts_by_its_longer_side(model, template, count, swapped):
    sides = (ENGLISH, "Nein.") if swapped else ("Nein.", ENGLISH)
    pair = Preference(id="1", prompt=GERMAN, chosen=sides[0], rejected=sides[1])
    gate = Tokens(tokenizer=ModelRef(str(model)), chat_template=template)
    verdict = judged(gate, Translation(source=pair, target=pair))[0]
    assert verdict.score == count(("user", GERMAN), ("assistant", ENGLISH))


def test_a_text_counts_as_the_tokenizer_takes_it(model, template):
    from transformers import AutoTokenizer

    text = Text(id="1", text=GERMAN)
    gate = Tokens(tokenizer=ModelRef(str(model)), chat_template=template)
    wanted = AutoTokenizer.from_pretrained(model)(GERMAN)["input_ids"]
    assert wanted[0] == AutoTokenizer.from_pretrained(model).bos_token_id
    assert judged(gate, Translation(source=text, target=text))[0].score == len(wanted)
    strict = Tokens(tokenizer=ModelRef(str(model)), chat_template=template, at_most=1)
    assert judged(strict, Translation(source=text, target=text))[0].keep  # training divides it


def test_tokens_judge_untranslated_rows_and_need_a_template(model, template):
    gate = Tokens(tokenizer=ModelRef(str(model)), chat_template=template, at_most=5)
    assert not judged(gate, item(GERMAN, translated=False))[0].keep
    with pytest.raises(ConfigError, match="no chat template"):
        judged(Tokens(tokenizer=ModelRef(str(model))), item(GERMAN))

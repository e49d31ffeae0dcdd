# ruff: noqa: RUF001 - texts in many scripts
"""The gates on what a translation says: figures, entities, scripts, forms of address, lengths, preference pairs."""

import time

import pytest

from langadapt.errors import ConfigError
from langadapt.interfaces import SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Conversation, Message, Preference, Text
from langadapt_plugins.filters.address import Address
from langadapt_plugins.filters.entities import Entities
from langadapt_plugins.filters.length import Length
from langadapt_plugins.filters.numbers import Numbers
from langadapt_plugins.filters.pair_integrity import PairIntegrity
from langadapt_plugins.filters.script import Script

ENGLISH = Language.of("en")
GATES = (Numbers, Entities, Script, Address, Length, PairIntegrity)


def pair(source, target, text=0):
    return SegmentPair(source=source, target=target, text=text)


def item(*pairs, translated=True):
    """A turn of these segments."""
    sides = (Text(id="1", text="\n".join(said)) for said in zip(*pairs, strict=True))
    source, target = sides
    return Translation(
        source=source, target=target, pairs=tuple(pair(*one) for one in pairs), translated=translated
    )


def judged(gate, code, *pairs, translated=True, pack=None):
    pack = pack or LanguagePack.bare(code)
    return gate.filter([item(*pairs, translated=translated)], source=ENGLISH, pack=pack)[0]


def written(tmp_path, code, literals):
    """A pack of a language with these literals."""
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    folder.mkdir()
    (folder / "literals.toml").write_text(literals, encoding="utf-8")
    return LanguagePack(Language.of(code), folder)


FAULTS = [
    (Numbers, "de", "The hike is 12 km long.", "Die Wanderung ist 21 km lang.", "12 became 21", "21"),
    (Numbers, "fr", "Only 48 seats are left.", "Il ne reste que quelques places.", "48 is missing", None),
    (Numbers, "es", "Send us the form.", "Envíenos el formulario en 30 días.", "30 is not in the source", "30"),
    (Numbers, "pl", "It weighs 3.4 kg.", "Waży 3.4 kg.", "with a mark", "3.4"),
    (Numbers, "de", "It holds 6 GB.", "Es fasst 6 MB.", "6 GB", "6 MB."),
    (Numbers, "ja", "About 5 million people live there.", "約50万人が住んでいます。", "5", "50"),
    (Entities, "de", "Run <x1> and <x2>.", "Starte <x1> und <x1>.", "<x2> is missing", None),
    (Entities, "ru", "See <x1>.", "Смотрите <x1> и <x1>.", "once more", "<x1>"),
    (Entities, "tr", "Write to anna.k@mail.example.net now.", "Şimdi ana.k@mail.example.net adresine yazın.", "became", "ana.k@mail.example.net"),
    (Entities, "ja", "Edit notes.txt first.", "まずnote.txtを編集します。", "notes.txt became note.txt", "note.txt"),
    (Entities, "it", "Dear {name}, hello.", "Caro {nome}, ciao.", "{name} became {nome}", "{nome}"),
    (Entities, "pt", "Read it.", "Leia em https://a.example/b.", "not in the source", "https://a.example/b"),
    (Entities, "sw", "Use `len(x)` here.", "Tumia `length(x)` hapa.", "`len(x)` became `length(x)`", "`length(x)`"),
    (Script, "de", "A quiet morning.", "Ein ruhiger Morgen 早晨.", "is Hani", "早晨"),
    (Script, "ar", "A quiet morning.", "صباح тихо هادئ", "is Cyrl", "тихо"),
    (Script, "pl", "The coffee is hot.", "Kawa jest gor\u0430ca.", "is Cyrl", "\u0430"),
    (Script, "ru", "The coffee is hot.", "К\u0061фе горячий.", "mixes scripts", "К\u0061фе"),
    (Script, "fr", "The summer was hot.", "L'Ã©tÃ© était chaud.", "Windows-1252", "Ã©"),
    (Script, "ru", "Yes, here.", "Ð”а, здесь.", "Windows-1252", "Ð”"),
    (Script, "es", "The year.", "El a\ufffdo.", "U+FFFD", "\ufffd"),
    (Script, "tr", "Good day.", "İyi g\x1fünler.", "U+001F", "\x1f"),
    (Script, "de", "The door.", "Die T&uuml;r.", "&uuml; is an entity", "&uuml;"),
    (Script, "de", "The door.", r"Die T\u00fcr.", "is an escape", r"\u00fc"),
]  # fmt: skip


@pytest.mark.parametrize(("gate", "code", "source", "target", "reason", "span"), FAULTS)
def test_a_fault_is_named_with_its_place(gate, code, source, target, reason, span):
    verdict = judged(gate(), code, ("Hello.", "…"), (source, target))
    assert (verdict.keep, verdict.segment) == (False, 1)
    assert verdict.reason.startswith(f"{gate.__name__.lower()}: ")
    assert reason in verdict.reason
    assert (verdict.span and target[slice(*verdict.span)]) == span
    assert judged(gate(), code, (source, target), translated=False).keep


BENIGN = [
    (Numbers, "de", "In 2019 it cost $1,299.50 for 24 hours.", "2019 kostete es 1.299,50 $ für 24 Stunden."),
    (Numbers, "de", "We use Python 3.12.", "Wir nutzen Python 3.12."),
    (Numbers, "fr", "Meet me at 4:45 p.m. on 7/14.", "Retrouve-moi le 14 juillet à 16 h 45."),
    (
        Numbers,
        "ja",
        "It has 1.5 million users and 3 offices.",
        "150万人のユーザーと三つのオフィスがあります。",
    ),
    (Numbers, "ru", "The first 5 of 2,500 guests.", "Первые пять из 2500 гостей."),
    (Numbers, "sw", "Come at 8:00 a.m.", "Njoo saa mbili asubuhi."),
    (Entities, "tr", "Open report.pdf.", "report.pdf'i aç."),
    (Entities, "ja", "Go to https://b.example/x, then stop.", "https://b.example/xを開いてから止まります。"),
    (Entities, "de", "Both yes/no and 24/7 are fine.", "Sowohl ja/nein als auch 24/7 gehen."),
    (Entities, "fr", "Up to 50% off, e.g. shoes.", "Jusqu'à 50 % de remise, p.ex. chaussures."),
    (Script, "de", "The constant π and 5 µm.", "Die Konstante π, ein Δt und 5 µm."),
    (Script, "fr", "He said “CAFÉ”.", "Il a dit « CAFÉ », puis «\u00a0voilà\u00a0»."),
    (Script, "ru", "An iPhone with USB-C.", "iPhone с USB-C, IT-отдел и SMS."),
    (Script, "ja", "The word ‘кот’ means cat.", "「кот」という単語は猫という意味です。"),
    (Script, "de", "A &amp; B in 100% R&D;", "A &amp; B zu 100 % F&E;"),
    (Script, "ar", "Email me.", "راسلني عبر email من فضلك."),
]


@pytest.mark.parametrize(("gate", "code", "source", "target"), BENIGN)
def test_what_only_looks_like_a_fault_is_kept(gate, code, source, target):
    verdict = judged(gate(), code, (source, target))
    assert verdict.keep, verdict.reason


def test_what_the_segmenter_put_back_is_compared_by_turn():
    source, target = (
        Text(id="1", text="See https://c.example/1."),
        Text(id="1", text="Siehe https://c.example/2."),
    )
    done = Translation(source=source, target=target, pairs=(pair("See <x1>.", "Siehe <x1>."),))
    verdict = Entities().filter([done], source=ENGLISH, pack=LanguagePack.bare("de"))[0]
    assert verdict.reason == "entities: https://c.example/1 became https://c.example/2"
    assert verdict.segment is None


def chat(*turns):
    """A translation of turns of role, source and target."""
    said = [tuple(Message(role=turn[0], content=turn[side]) for turn in turns) for side in (1, 2)]
    source, target = (Conversation(id="1", messages=messages) for messages in said)
    pairs = tuple(pair(sent, came, number) for number, (_, sent, came) in enumerate(turns))
    return Translation(source=source, target=target, pairs=pairs)


def addressed(code, *turns, pack=None):
    return Address().filter([chat(*turns)], source=ENGLISH, pack=pack or LanguagePack.bare(code))[0]


MIXED = [
    ("de", "Kannst du das?", "Danach prüfen Sie den Ölstand.", "Sie"),
    ("de", "Haben Sie Zeit?", "Nimm den Bus.", "Nimm"),
    ("fr", "Tu peux venir ?", "Prenez le bus.", "Prenez"),
    ("es", "¿Tienes tiempo?", "Tome usted el autobús.", "Tome"),
    ("ru", "Ты придёшь?", "Возьмите автобус, пожалуйста.", "Возьмите"),
    ("nl", "Heb je tijd?", "Neem uw jas mee.", "uw"),
    ("pl", "Masz chwilę? To twój bilet.", "Czy ma Pan bilet?", "Pan"),
    ("tr", "Sen geliyor musun?", "Biletinizi alın.", "Biletinizi"),
]


@pytest.mark.parametrize(("code", "first", "second", "word"), MIXED)
def test_two_forms_of_address_from_one_speaker_drop_the_record(code, first, second, word):
    sources = ("Do you have time?", "Take the bus.")
    turns = [("assistant", sources[0], first), ("user", "Why?", "?"), ("assistant", sources[1], second)]
    verdict = addressed(code, *turns)
    assert (verdict.keep, verdict.segment) == (False, 2)
    assert verdict.reason.startswith(f"address: {word!r} after ")
    assert second[slice(*verdict.span)] == word
    assert addressed(code, turns[0], ("user", *turns[2][1:])).keep


ONE_FORM = [
    (
        "de",
        "“Will you come, sir?” she asked. Do you see?",
        "„Kommen Sie, mein Herr?“, fragte sie. Siehst du?",
    ),
    ("de", "They sing. She dances for you.", "Sie singen. Sie tanzt für dich."),
    ("de", "Their house is old, but you like it.", "Ihr Haus ist alt, aber du magst es."),
    ("fr", "The tone of the letter suits you.", "Le ton de la lettre vous convient."),
    ("es", "Ana sold her car. Do you miss it?", "Ana vendió su coche. ¿Lo echas de menos tú?"),
    ("pl", "Mr. Nowak is here. You can start.", "Jest już Pan Nowak. Możesz zacząć."),
    ("ja", "You are here.", "あなたはここにいます。"),
]


@pytest.mark.parametrize(("code", "source", "target"), ONE_FORM)
def test_quotes_third_persons_and_names_are_no_address(code, source, target):
    verdict = addressed(code, ("assistant", source, target))
    assert verdict.keep, verdict.reason


def test_a_letter_in_an_answer_addresses_somebody_else():
    sent = "Here is your letter:\nDear Ms. Roth,\nthank you for your call.\nKind regards\nDo you like it?"
    came = "Hier ist dein Brief:\nSehr geehrte Frau Roth,\nich danke Ihnen für Ihren Anruf.\nMit freundlichen Grüßen\nGefällt er dir?"
    assert addressed("de", ("assistant", sent, came)).keep
    assert not addressed("de", ("assistant", sent.replace("Dear Ms. Roth,", "…"), came)).keep


def test_a_pack_may_bring_its_own_words(tmp_path):
    pack = written(tmp_path, "sw", '[address]\npolite = ["mheshimiwa"]\nfamiliar = ["rafiki"]\n')
    turn = ("assistant", "You, friend.", "Mheshimiwa, rafiki.")
    assert addressed("sw", turn).keep
    assert addressed("sw", turn, pack=pack).reason == "address: 'rafiki' after 'Mheshimiwa'"
    wrong = written(tmp_path, "sw", '[address]\npolite = ["("]\n')
    with pytest.raises(ConfigError, match="polite"):
        Address().check(wrong)


def test_the_other_gates_read_literals_too(tmp_path):
    pack = written(tmp_path, "de", 'scripts = ["Hebr"]\ndecimal_comma = false\n[length]\nratio = 3.0\n')
    assert judged(Script(), "de", ("Peace.", "שלום."), pack=pack).keep
    assert not judged(Script(), "de", ("Peace.", "שלום.")).keep
    assert judged(Numbers(), "de", ("It is 2.5 m.", "Es sind 2.5 m."), pack=pack).keep
    assert not judged(Numbers(), "de", ("It is 2.5 m.", "Es sind 2.5 m.")).keep
    long = ("a" * 80, "b" * 300)
    assert [judged(Length(), "de", long, pack=one).keep for one in (pack, None)] == [True, False]


LENGTHS = [("ja", 24, "語" * 45, True), ("ja", 24, "語" * 14, False), ("zh", 24, "字" * 34, True), ("zh", 24, "字" * 110, False),
           ("ar", 24, "م" * 95, True), ("de", 80, "w" * 680, False), ("de", 80, "w" * 560, True)]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "target", "keep"), LENGTHS)
def test_lengths_are_compared_by_script_and_more_strictly_in_long_segments(code, words, target, keep):
    assert judged(Length(), code, ("word " * words, target)).keep is keep


LONG = "The city has many old bridges and a market where people meet on Sundays."
LANG = "Die Stadt hat viele alte Brücken und einen Markt, auf dem man sich sonntags trifft."
BAD = "I do not know anything about that town, sorry to say."
SCHLECHT = "Über diesen Ort weiß ich leider gar nichts zu sagen."


def preference(chosen, rejected, code="de"):
    """The verdict on a preference of source and target by answer."""
    source, target = (Preference(id="1", prompt="?", chosen=chosen[n], rejected=rejected[n]) for n in (0, 1))
    done = Translation(source=source, target=target)
    return PairIntegrity().filter([done], source=ENGLISH, pack=LanguagePack.bare(code))[0]


LIST = ("One:\n- bread\n- milk\n- tea", "Eins:\n- Brot\n- Milch\n- Tee")


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        ((LONG, LANG), (BAD, LANG + "!"), "became the same"),
        ((LONG, LANG * 4), (BAD, LANG * 4 + " Ja."), "now have"),
        ((LONG, LANG), (BAD, " "), "rejected is empty"),
        ((LONG, LONG), (BAD, SCHLECHT), "chosen is left as it was"),
        ((f"{LONG} {BAD}", f"{LONG} {SCHLECHT}"), (BAD, SCHLECHT), "chosen is partly left"),
        ((LONG, LANG), (BAD, SCHLECHT * 6), "times as long"),
        (
            LIST,
            (LIST[0] + "\n- jam", "Eins: Brot, Milch, Tee, Marmelade"),
            "rejected had 4 list items, has 0",
        ),
        ((LONG + "\n```\nx\n```", LANG), (BAD, SCHLECHT), "chosen had 2 code blocks, has 0"),
        ((LONG, LANG), ("# Town\n" + BAD, "Ort\n" + SCHLECHT), "rejected had 1 headings"),
    ],
)
def test_a_preference_is_judged_as_a_pair(chosen, rejected, reason):
    verdict = preference(chosen, rejected)
    assert not verdict.keep
    assert verdict.reason.startswith("pair: ")
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [
        ((LONG, LANG), (BAD, SCHLECHT)),
        ((LONG, LANG), (LONG + "!", LANG + "!")),
        ((LONG, LANG), (LONG.replace("many", "few"), LANG.replace("viele", "wenige"))),
        (LIST, (LIST[0] + "\n- jam", LIST[1] + "\n- Marmelade")),
        (("OK.", "OK."), (BAD, SCHLECHT)),
        (("", ""), (BAD, SCHLECHT)),
    ],
)
def test_preferences_that_still_differ_are_kept(chosen, rejected):
    verdict = preference(chosen, rejected)
    assert verdict.keep, verdict.reason
    assert 0 <= verdict.score <= 1
    assert judged(PairIntegrity(), "de", (LONG, LONG)).keep


HOSTILE = ["", "\x00", "\ud800 \udfff", "<x" * 9000, "1" * 200_000, "1." * 90_000, "a." * 90_000, "/a" * 90_000, "{" * 99_999,
           "`" * 99_999, "«" * 99_999, "Ã" * 99_999, "я" * 99_999, "\n" * 99_999, "du Sie, " * 12_000, "x@" * 60_000,
           "&#" * 60_000, "١٬" * 60_000, "- a\n" * 30_000, "```" * 40_000, "| " * 60_000]  # fmt: skip


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.__name__)
def test_hostile_texts_neither_raise_nor_take_long(gate):
    for code in ("de", "ja", "ru"):
        pack = LanguagePack.bare(code)
        for text in HOSTILE:
            record = Preference(id="1", prompt="?", chosen=text, rejected="!" + text)
            done = Translation(
                source=record,
                target=record,
                pairs=(pair("Take 5 of you.", text, 1), pair(text, "Nimm 5.", 1)),
            )
            begun = time.process_time()
            gate().filter([done], source=ENGLISH, pack=pack)
            assert time.process_time() - begun < 2.5, f"{text[:9]!r} in {code}"

"""The gates on form: what models leave, add, say around a translation, or say instead of it, and what only looks so."""

# ruff: noqa: RUF001 - marks of many scripts

import pytest

from langadapt.interfaces import SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.answered import Answered
from langadapt_plugins.filters.copy import Copy
from langadapt_plugins.filters.preamble import Preamble
from langadapt_plugins.filters.prompt_leak import PromptLeak
from langadapt_plugins.filters.refusal import Refusal
from langadapt_plugins.filters.repetition import Repetition
from langadapt_plugins.filters.truncated import Truncated
from langadapt_plugins.filters.wrapper import Wrapper

EN = Language.of("en")
GATES = {
    "copy": Copy(), "preamble": Preamble(), "wrapper": Wrapper(), "prompt-leak": PromptLeak(), "answered": Answered(),
    "truncated": Truncated(), "repetition": Repetition(), "refusal": Refusal(),
}  # fmt: skip
RAIN = "It has been raining since noon. The streets are empty."

# gate, language, source, target, the part of the target that is named (None: no span is asserted)
FAULTS = [
    ("copy", "de", RAIN, "it has been raining since noon - the streets are empty", "it has been raining since noon - the streets are empty"),
    ("copy", "ar", "“What key?” said his sister without looking up.", "“What key?” said his sister without looking up.", None),
    ("copy", "sv", RAIN, "Det har regnat sedan tolv. The streets are empty.", "The streets are empty."),
    ("copy", "tr", RAIN, "It has been raining since midday. Sokaklar boş.", "It has been raining since midday."),
    ("copy", "fr", RAIN, "Les rues sont vides because it has been raining since noon ce jour-là.", "it has been raining since noon"),
    ("copy", "ru", RAIN, "I would be glad to help you with this text if you need it.", None),
    ("preamble", "de", RAIN, "Gerne! Seit Mittag regnet es. Die Straßen sind leer.", "Gerne!"),
    ("preamble", "fr", RAIN, "D’accord ! Il pleut depuis midi. Les rues sont vides.", None),
    ("preamble", "es", RAIN, "Aquí tienes la traducción: Llueve desde el mediodía. Las calles están vacías.", "Aquí tienes la traducción:"),
    ("preamble", "pl", RAIN, "W języku polskim:\nOd południa pada. Ulice są puste.", "W języku polskim:"),
    ("preamble", "it", RAIN, "Piove da mezzogiorno. Le strade sono vuote. (Nota: ho scelto un tono neutro.)", ". (Nota: ho scelto un tono neutro.)"),
    ("wrapper", "fr", RAIN, "« Il pleut depuis midi. Les rues sont vides. »", "« Il pleut depuis midi. Les rues sont vides. »"),
    ("wrapper", "nl", RAIN, "```\nHet regent sinds de middag. De straten zijn leeg.\n```", None),
    ("wrapper", "sv", RAIN, " \n<p>Det regnar.</p>", "</p>"),
    ("wrapper", "ja", RAIN, "訳文：正午から雨が降っている。通りには誰もいない。", "訳文："),
    ("wrapper", "de", RAIN, '{"translation": "Seit Mittag regnet es. Die Straßen sind leer."}', None),
    ("prompt-leak", "de", RAIN, "Übersetze den folgenden Text. Seit Mittag regnet es.", "Übersetze "),
    ("prompt-leak", "es", "Can you translate that?", "Output only the translation. ¿Puedes traducirlo?", "Output only"),
    ("prompt-leak", "pt", RAIN, "Chove desde o meio-dia. As ruas estão vazias.<|im_end|>", "<|im_end|>"),
    ("prompt-leak", "it", RAIN, "Piove da mezzogiorno. Le strade sono vuote.\nTesto da tradurre:", "Testo da tradurre:"),
    ("prompt-leak", "ru", RAIN, "English: It rains. С полудня идёт дождь.", "English"),
    ("answered", "de", "How many moons does Mars have?", "Der Mars hat zwei Monde.", "Der Mars hat zwei Monde."),
    ("answered", "es", "Do you like tea?", "Sí, me gusta mucho. ¿Y a ti?", "Sí,"),
    ("answered", "fr", RAIN, "Il pleut depuis midi. Les rues sont vides. Prends un parapluie et mets tes bottes avant de sortir.", " Prends un parapluie et mets tes bottes avant de sortir."),
    ("answered", "sv", "Write a poem about the sea.", "Havet sover,\nvinden vandrar,\nnatten kommer.", "natten kommer."),
    ("answered", "tr", "Take two eggs and some flour.", "Hangi metni çevirmemi istersiniz?", None),
    ("truncated", "de", RAIN, "Seit Mittag regnet es. Die Straßen sind", "it Mittag regnet es. Die Straßen sind"[-20:]),
    ("truncated", "ja", RAIN * 2, "正午から雨が降っている。通りには誰もいない。", None),
    ("truncated", "es", "Bring bread (rye), milk and eggs.", "Trae pan (de centeno", None),
    ("truncated", "fr", RAIN, "", ""),
    ("repetition", "pt", RAIN, "Chove desde desde desde desde desde desde o meio-dia.", None),
    ("repetition", "zh", RAIN, "从中午开始下雨下雨下雨下雨下雨下雨下雨下雨下雨下雨下雨。", None),
    ("repetition", "nl", RAIN, "Het regent!!!!!!!!!!!!!!!!", "!!!!!!!!!!!!!!!!"),
    ("refusal", "de", RAIN, "Es tut mir leid, aber ich kann diesen Text nicht übersetzen.", "Es tut mir leid"),
    ("refusal", "tr", RAIN, "I'm sorry, but I can't help with that.", "I'm sorry"),
    ("refusal", "nl", RAIN, "Om veiligheidsredenen kan ik dit verzoek niet uitvoeren.", "kan ik dit verzoek niet"),
    ("refusal", "ja", "You can unplug the cable now.", "申し訳ありませんが、お手伝いできません。", None),
    ("refusal", "ar", "I say so as a doctor.", "بصفتي نموذجًا لغويًا، أقول ذلك.", "بصفتي نموذج"),
    ("refusal", "sw", RAIN, "Kwa bahati mbaya, siwezi kutafsiri maandishi haya.", "Kwa bahati mbaya, siwezi"),
    ("prompt-leak", "ar", "Add salt to the soup.", "لا تضف أي شروح أو ملاحظات.", "لا تضف أي شر"),
    ("prompt-leak", "sw", RAIN, "Wewe ni msaidizi mwenye manufaa.", "Wewe ni msaidizi"),
    ("prompt-leak", "ja", RAIN, "正午から雨が降っている。原文：", None),
    ("prompt-leak", "ja", RAIN, "原文（英語）：\n正午から雨が降っている。通りには誰もいない。", "原文（"),
    ("answered", "ja", "Which of the two do you like?", "赤いほうが好きです。", "赤いほうが好きです。"),
]  # fmt: skip
BENIGN = [
    ("de", "Hamburg", "Hamburg"),
    ("de", "Python 3.12 Download", "Python 3.12 Download"),
    ("fr", "The Lord of the Rings", "The Lord of the Rings"),
    ("ja", "npm install react", "npm install react"),
    ("de", 'What does "the cat sat on the mat" mean?', "Was bedeutet „the cat sat on the mat“?"),
    (
        "es",
        "My favourite song is Let It Be by The Beatles.",
        "Mi canción favorita es Let It Be, de The Beatles.",
    ),
    ("nl", "What is the water in the tank? It is warm.", "Wat is het water in de tank? Het is warm."),
    ("de", "Translate this to French I am hungry", "Übersetze das ins Französische: Ich habe Hunger"),
    ("pl", "I understand that it drops.", "Rozumiem, że się rozłącza."),
    ("de", "The text was translated into 40 languages.", "Der Text wurde in 40 Sprachen übersetzt."),
    ("fr", "This results in lower costs.", "Cela se traduit par des coûts plus faibles."),
    ("de", "Here is the translation: it was easy.", "Hier ist die Übersetzung: Es war einfach."),
    ("de", "I'm sorry, but I can't make it tonight.", "Es tut mir leid, aber ich schaffe es heute nicht."),
    ("sv", "As an AI language model, I have no feelings.", "Som AI-språkmodell har jag inga känslor."),
    ("it", "Unfortunately, we are sold out.", "Purtroppo non possiamo: è tutto esaurito."),
    ("pl", "Note: keep the receipt.", "Uwaga: zachowaj paragon."),
    ("de", "Keep it. Note that refunds take 14 days.", "Behalte es. Beachte: Erstattungen dauern 14 Tage."),
    ("de", '"I will be back."', "„Ich komme wieder.“"),
    ("ja", "Title: A Long Journey", "タイトル：「長い旅」"),
    ("de", "User: Hi\nAssistant: Hello", "Nutzer: Hallo\nAssistent: Hallo"),
    ("de", "Answer: B", "Antwort: B"),
    ("fr", "Roses are red,\nviolets are blue.", "Les roses sont rouges,\nles violettes sont bleues."),
    ("de", "how do i fix this", "Wie behebe ich das?"),
    ("de", "Can you give me a list of rivers?", "Gib mir bitte eine Liste von Flüssen."),
    ("ja", "Could you tell me the way?", "道を教えてください。"),
    ("ru", "Sure.", "Конечно."),
    ("es", "Of course I will!", "¡Claro que sí!"),
    (
        "de",
        "It was raining. We stayed home. It was cold.",
        "Es regnete und war kalt, also blieben wir daheim.",
    ),
    ("fr", "- milk\n- bread\n- eggs", "- lait\n- pain\n- œufs"),
    ("de", "Row, row, row your boat", "Rudert, rudert, rudert euer Boot"),
    ("pt", "Ha ha ha ha ha ha ha!", "Ha ha ha ha ha ha ha!"),
    ("de", "Wait ... what?", "Warte ... was?"),
    ("sw", "I'm not able to come.", "Siwezi kuja."),
    ("zh", "I can't swim.", "我不会游泳。"),
    ("ar", "Do not add salt.", "لا تضف الملح."),
    ("es", "Don't add salt.", "No agregues sal."),
    ("ar", "The word comes from English.", "الكلمة من الإنجليزية."),
    ("ar", "He went to Saudi Arabia.", "ذهب إلى العربية السعودية."),
    ("ar", "He left without explaining it.", "غادر دون شرح."),
    ("ar", "I say that as a doctor.", "أقول ذلك بصفتي طبيبًا."),
    ("ar", "These are AI tools.", "هذه أدوات ذكاء اصطناعي."),
    ("sw", "He broke it by accident.", "Aliivunja kwa bahati mbaya."),
    ("sw", "Slowly, slowly, he said.", "Polepole, pole, alisema."),
    ("sw", "The deputy director came.", "Mkurugenzi msaidizi alikuja."),
    ("sw", "He left without details.", "Aliondoka bila maelezo."),
    ("sw", "Hurry, the bus leaves!", "Haya, basi linaondoka!"),
    ("sw", "AI is everywhere.", "Akili bandia iko kila mahali."),
    ("ja", "I read the original text.", "原文を読みました。"),
    ("ja", "Original text: Hello", "原文：こんにちは"),
    ("ja", "Which do you like better?", "どちらが好きですか"),
    ("ja", "Do you have time?", "時間はありますか"),
]
HOSTILE = ["", " ", "\x00", "\ud800", "İ", "<x1>", *(unit * 20_000 for unit in ("a", ".", '"a', "“", "(", "a\n", "? ", "\ud800 ", "か", "the and ", "ich kann "))]  # fmt: skip


def record(*pairs, translated=True):
    listed = tuple(SegmentPair(source=a, target=b, text=0) for a, b in pairs)
    source, target = (Text(id="1", text="\n".join(side)) for side in zip(*pairs, strict=True))
    return Translation(source=source, target=target, pairs=listed, translated=translated)


def verdict(gate, item, pack):
    return gate.filter([item], source=EN, pack=pack)[0]


@pytest.mark.parametrize(("name", "code", "source", "target", "part"), FAULTS)
def test_a_fault_is_dropped_with_its_kind_its_segment_and_its_place(name, code, source, target, part):
    pack = LanguagePack.bare(code)
    found = verdict(GATES[name], record(("2024", "2024"), (source, target)), pack)
    assert (found.keep, found.segment) == (False, 1)
    assert found.reason.startswith(f"{name}: ")
    if part is not None:
        assert target[slice(*found.span)].strip() == part.strip()
    assert verdict(GATES[name], record((source, target), translated=False), pack).keep


@pytest.mark.parametrize(("code", "source", "target"), BENIGN)
def test_a_good_translation_passes_every_gate(code, source, target):
    found = {
        name: verdict(gate, record((source, target)), LanguagePack.bare(code)) for name, gate in GATES.items()
    }
    assert {name: one.reason for name, one in found.items() if not one.keep} == {}


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("code", ["de", "ja", "mi"])
def test_no_text_raises_or_takes_long(name, code):
    pack = LanguagePack.bare(code)
    for text in HOSTILE:
        for source, target in ((RAIN, text), (text, RAIN), (text, text)):
            verdict(GATES[name], record((source, target)), pack)


def test_what_is_said_of_two_segments_is_a_repetition():
    sentence = "Seit Mittag regnet es, und die Straßen sind leer."
    found = verdict(
        GATES["repetition"],
        record((RAIN, sentence), ("Bring some bread.", sentence)),
        LanguagePack.bare("de"),
    )
    assert (found.keep, found.segment, found.span) == (False, 1, (0, len(sentence)))


def test_a_turn_wrapped_as_a_whole_is_dropped():
    pairs = (("It rains.", "“Es regnet."), ("We stay.", "Wir bleiben.”"))
    assert verdict(GATES["wrapper"], record(*pairs), LanguagePack.bare("de")).reason.endswith("a whole turn")


@pytest.mark.parametrize(
    ("name", "kind", "phrase"),
    [
        ("refusal", "refusal", "kaore au e āhei"),
        ("prompt-leak", "prompt_leak", "whakamāoritia"),
        ("preamble", "preamble", "anei te"),
    ],
)
def test_the_phrases_of_a_pack_are_used(name, kind, phrase, tmp_path):
    target = f"{phrase} whakautu: kei te ua."
    item = record(("It rains. The streets are wet.", target))
    (tmp_path / "literals.toml").write_text(f'[phrases]\n{kind} = ["{phrase}"]\n', encoding="utf-8")
    pack = LanguagePack(Language.of("mi"), tmp_path)
    assert verdict(GATES[name], item, LanguagePack.bare("mi")).keep
    assert verdict(GATES[name], item, pack).reason.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("gate", "pair"),
    [
        (
            Copy(words=5),
            ("we sing in the rain", "Heute we sing in the rain und lachen bis tief in die Nacht hinein"),
        ),
        (Answered(at_most=1.2), ("The old stone bridge", "Ist das die alte Steinbrücke dort?")),
        (
            Truncated(at_least=0.9),
            ("A long heading without a final mark at the end", "Eine Überschrift ohne Zeichen"),
        ),
        (Repetition(run=5), ("Stop", "Halt!!!!!")),
    ],
)
def test_a_setting_makes_a_gate_stricter(gate, pair):
    assert verdict(type(gate)(), record(pair), LanguagePack.bare("de")).keep
    assert not verdict(gate, record(pair), LanguagePack.bare("de")).keep


@pytest.mark.parametrize("name", ["truncated", "answered"])
def test_the_width_that_a_pack_says_is_used(name, tmp_path):
    sent = (
        "Would you kindly tell me the shortest way to the station? I am late." if name == "answered" else RAIN
    )
    came = "駅への近道を。遅刻です。" if name == "answered" else "正午から雨。道は空だ。"
    (tmp_path / "literals.toml").write_text("[length]\nwidth = 4.0\n", encoding="utf-8")
    pack = LanguagePack(Language.of("ja"), tmp_path)
    assert not verdict(GATES[name], record((sent, came)), LanguagePack.bare("ja")).keep
    assert verdict(GATES[name], record((sent, came)), pack).keep

"""What models are asked, as the cards and READMEs named in families.toml write it."""

# ruff: noqa: RUF001 - Chinese

import pytest

from langadapt.languages import Language
from langadapt.models import Asked, families
from langadapt.models.naming import codes


def user(said):
    return [{"role": "user", "content": said}]


GEMMA = {"type": "text", "source_lang_code": "en", "target_lang_code": "de", "text": "Hello, world."}
HELPFUL = "You are EuroLLM --- an AI assistant specialized in European languages that provides safe, educational and helpful answers."
EUROPEAN = "Translate the following English source text to Portuguese:\nEnglish: I am a language model.\nPortuguese: "
SAID = [
    ("tower-plus", "Hello world!", "en", "pt", user("Translate the following English source text to Portuguese (Portugal):\nEnglish: Hello world!\nPortuguese (Portugal): ")),
    ("tower-plus", "Hello world!", "en", "zh-TW", user("Translate the following English source text to Chinese (Traditional):\nEnglish: Hello world!\nChinese (Traditional): ")),
    ("translategemma", "Hello, world.", "en", "de", user([GEMMA])),
    ("translategemma", "Hello, world.", "en", "pt-BR", user([{**GEMMA, "target_lang_code": "pt-BR"}])),
    ("translategemma", "Hello, world.", "en", "de-AT", user([GEMMA])),
    ("hunyuan-mt", "It’s on the house.", "en", "de", user("Translate the following segment into German, without additional explanation.\n\nIt’s on the house.")),
    ("hunyuan-mt", "It’s on the house.", "en", "zh", user("把下面的文本翻译成中文，不要额外解释。\n\nIt’s on the house.")),
    ("hunyuan-mt", "我爱你", "zh", "de", user("把下面的文本翻译成德语，不要额外解释。\n\n我爱你")),
    ("hunyuan-mt", "Hi", "en", "zh-TW", user("把下面的文本翻译成繁体中文，不要额外解释。\n\nHi")),
    ("hy-mt", "Hi", "en", "de", user("Translate the following segment into German, without additional explanation.\n\nHi")),
    ("hy-mt", "Hi", "en", "zh", user("将以下文本翻译为中文，注意只需要输出翻译后的结果，不要额外解释：\n\nHi")),
    ("eurollm-small", "I am a language model.", "en", "pt", [{"role": "system", "content": ""}, *user(EUROPEAN)]),
    ("eurollm", "I am a language model.", "en", "pt", [{"role": "system", "content": HELPFUL}, *user(EUROPEAN)]),
    ("seed-x", "May the force be with you", "en", "zh", "Translate the following English sentence into Chinese:\nMay the force be with you <zh>"),
    ("seed-x", "Hi", "en", "de-AT", "Translate the following English sentence into German (Austria):\nHi <de>"),
    ("gemmax2", "我爱机器翻译", "zh", "en", "Translate this from Chinese to English:\nChinese: 我爱机器翻译\nEnglish:"),
    ("gemmax2", "Hi", "en", "fil", "Translate this from English to Tagalog:\nEnglish: Hi\nTagalog:"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "source", "target", "said"), SAID)
def test_each_family_is_asked_in_its_own_words(name, text, source, target, said):
    family, pair = families()[name], (Language.of(source), Language.of(target))
    family.check(*pair)
    assert (family.messages(text, *pair) if family.chat else family.render(text, *pair)) == said


def test_how_many_languages_a_family_says_it_knows():
    told = {
        "hunyuan-mt": 38,
        "seed-x": 28,
        "gemmax2": 28,
        "eurollm": 35,
        "tower-plus": 27,
        "translategemma": 52,
    }
    assert {name: len(set(families()[name].languages)) for name in told} == told
    names = codes("hunyuan").members
    assert set(names) == set(families()["hunyuan-mt"].languages)
    chinese = Language.of("zh")
    for code in families()["hunyuan-mt"].languages:
        assert names[code] in families()["hunyuan-mt"].render("x", chinese, Language.of(code))


def test_hy_mt_is_told_terms_and_context_in_its_own_words(english, german):
    family = families()["hy-mt"]
    terms = (("cat", "Katze"), ("{text}", "{x}"))
    assert family.render("A cat.", english, german, asked=Asked(terms=terms)) == (
        "参考下面的翻译：\ncat 翻译成 Katze\n{text} 翻译成 {x}\n\n将以下文本翻译为德语，注意只需要输出翻译后的结果，不要额外解释：\nA cat."
    )
    before = "参考上面的信息，把下面的文本翻译成德语，注意不需要翻译上文，也不要额外解释：\nA cat."
    told = Asked(context="We have {a} pet.")
    assert family.render("A cat.", english, german, asked=told) == f"We have {{a}} pet.\n{before}"
    both = family.render("A cat.", english, german, asked=Asked(context="We have a pet.", terms=terms[:1]))
    assert both == f"参考下面的翻译：\ncat 翻译成 Katze\n\nWe have a pet.\n{before}"


def test_what_an_instruct_model_is_told_stands_on_lines_of_its_own(english, german):
    family = families()["instruct"]
    plain = family.render("Hi <x1>", english, german)
    assert plain.startswith(
        "Translate the English text below into German. Write the translation and nothing else"
    )
    assert plain.endswith("\n\nThe text:\nHi <x1>")
    assert "\n\n\n" not in plain
    asked = Asked(context="Before.", terms=(("cat", "Katze"),), address="formal")
    told = family.render("Hi <x1>", english, german, asked=asked)
    assert told.replace("\nAddress the reader formally and politely.\nTranslate these terms as given:\ncat: Katze\nWhat stands before the text, for understanding only, not to be translated:\nBefore.", "") == plain  # fmt: skip


def test_what_a_model_thinks_is_no_translation():
    assert families()["qwen3"].read("<think>\nIs it <b>?\n</think>\n\n Hallo \n") == "Hallo"
    assert families()["qwen3"].read("Hallo") == "Hallo"

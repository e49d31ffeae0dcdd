"""What is said of a language, and which language holds which."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt import registry
from langadapt.errors import ConfigError
from langadapt.prepare.readers import read_source
from langadapt.prepare.spoken import check_language, covers, language_of
from langadapt.recipe import read_recipe
from langadapt.schema import Source

SAID = {
    "en": ["en", "EN", " en ", "English", "ENGLISH", "eng", "en_US", "en-GB", "eng_Latn", "English (US)", ["en"], ["en", "English"]],
    "de": ["de", "DE", "German", "german", "Deutsch", "deu_Latn", "de-Latn", "ger"],
    "de-AT": ["de-AT", "de_at"], "pt-BR": ["pt-br"], "zh": ["zh", "Chinese", "zh-Hans"], "zh-Hant": ["zh-hant"], "he": ["iw"],
    "mul": [["en", "de"], "mul"],
    "": ["", " ", None, 3, True, {}, [], [None], "unknown", "None", "und", "N/A"],
    "python": ["python"], "English, German": ["English, German"], "xx": ["xx"], "code": ["code"], "multilingual": ["multilingual"],
}  # fmt: skip


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in SAID.items() for text in texts])
def test_what_is_said_becomes_a_code(code, text):
    assert language_of(text) == code
    assert language_of(language_of(text)) == code


@given(st.text())
def test_nothing_that_is_said_breaks_it(text):
    assert isinstance(language_of(text), str)
    assert not covers("de", language_of(text)) or language_of(text).startswith("de")


@pytest.mark.parametrize(
    ("code", "stated", "same"),
    [
        ("de", "de", True), ("de", "de-AT", True), ("de-AT", "de", False), ("pt-BR", "pt", True), ("pt-BR", "pt-PT", False),
        ("zh", "zh-Hant", False), ("zh-Hant", "zh-TW", True), ("sr", "sr-Latn", False), ("de", "gsw", False), ("de", "no such", False),
    ],
)  # fmt: skip
def test_a_language_covers_its_varieties_in_its_script(code, stated, same):
    assert covers(code, stated) is same


def test_a_source_says_a_language():
    for good in ("", "de", "German", "DE", "pt-BR"):
        check_language(Source(name="x", path="p", stream="sft", language=good))
    for bad in ("xx", "Germann", "mul", "und", "unknown"):
        with pytest.raises(ConfigError, match=rf"source.x.language: '{bad}' is no language"):
            check_language(Source(name="x", path="p", stream="sft", language=bad))


def test_a_recipe_with_no_language_for_a_source_is_refused():
    pack = registry.pack("de")
    name = next(source.name for source in read_recipe("phoenix", pack).sources)
    read_recipe("phoenix", pack, changes=[f"source.{name}.language=German"])
    with pytest.raises(ConfigError, match=rf"source.{name}.language: 'Germann'"):
        read_recipe("phoenix", pack, changes=[f"source.{name}.language=Germann"])


def test_rows_carry_the_code(tmp_path):
    path = tmp_path / "rows.jsonl"
    stated = ["English", "DE", None, "unknown", ["de"], "Klingonish"]
    path.write_text("".join(json.dumps({"text": "a", "language": one}) + "\n" for one in stated))
    own = Source(name="x", path=str(path), stream="cpt", reader="text", language="French")
    assert [one.language for one in read_source(own, None)] == ["en", "de", "fr", "fr", "de", "Klingonish"]

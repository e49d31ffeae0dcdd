"""Which terms of a glossary stand in a text."""

from pathlib import Path

import pytest

from langadapt.errors import ConfigError
from langadapt.languages import Language, LanguagePack
from langadapt.models.glossary import Glossary

EN, DE, JA, BR = map(Language.of, ("en", "de", "ja", "pt-BR"))
PACKS = sorted((Path(__file__).parents[1] / "languages").glob("*/glossary.tsv"))
TERMS = "english\tgerman\tnote\nmodel\tModell\t\nlarge language model\tgroßes Sprachmodell\t\nC++\tC++\t\nbox\tKiste\t\nThe Hague\tDen Haag\t\n"


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "glossary.tsv"
    made.write_text(TERMS, encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A model.", ["model"]),
        ("MODELS and Boxes", ["model", "box"]),
        ("boxes, a model, a box", ["box", "model"]),
        ("a large  language model", ["large language model"]),
        ("large language models beat a model", ["large language model", "model"]),
        ("remodel modelling boxer model_2", []),
        ("in C++, (C++)", ["C++"]),
        ("to the Hague <x1>", ["The Hague"]),
        ("", []),
    ],
)
def test_whole_words_whatever_their_case_the_longest_of_those_that_overlap(path, text, terms):
    assert [term for term, _ in Glossary.read(path, EN, DE).found(text)] == terms


def test_the_translation_comes_along(path):
    assert Glossary.read(path, EN, DE).found("models") == (("model", "Modell"),)


def test_the_other_way_round_the_columns_change_places(path):
    back = Glossary.read(path, DE, EN)
    assert back.found("Ein großes Sprachmodell in der Kiste") == (
        ("großes Sprachmodell", "large language model"),
        ("Kiste", "box"),
    )
    assert back.found("Modelle, Modells") == ()


@pytest.mark.parametrize(
    "head", ["portuguese\tenglish", "Português\tEnglish", "pt-BR\ten", "Portuguese (Brazil)\tEnglish"]
)
def test_columns_are_known_by_names_and_codes(tmp_path, head):
    (tmp_path / "g.tsv").write_text(f"{head}\ncasa\thouse\n", encoding="utf-8")
    assert Glossary.read(tmp_path / "g.tsv", EN, BR).found("a house") == (("house", "casa"),)


def test_where_no_blank_parts_words_a_term_stands_anywhere(tmp_path):
    (tmp_path / "g.tsv").write_text("japanese\tenglish\n猫\tcat\n", encoding="utf-8")
    assert Glossary.read(tmp_path / "g.tsv", JA, EN).found("白猫です") == (("猫", "cat"),)


def test_the_first_of_two_translations_counts(tmp_path):
    (tmp_path / "g.tsv").write_text("english\tgerman\n\ncat\tKatze\nCat\tKater\n", encoding="utf-8")
    assert Glossary.read(tmp_path / "g.tsv", EN, DE).found("a cat") == (("cat", "Katze"),)


def test_a_glossary_without_terms_finds_none(tmp_path):
    (tmp_path / "g.tsv").write_text("english\tgerman\n", encoding="utf-8")
    assert Glossary.read(tmp_path / "g.tsv", EN, DE).found("a cat") == ()


@pytest.mark.parametrize(
    "head", ["cat\tKatze", "term\tGerman", "english\tterm", "english\tfrench", "german\tgerman"]
)
def test_a_first_line_that_does_not_name_the_two_languages_is_refused(tmp_path, head):
    (tmp_path / "g.tsv").write_text(f"\n{head}\nmodel\tModell\n", encoding="utf-8")
    for languages in ((EN, DE), (DE, EN)):
        with pytest.raises(ConfigError, match=r"g\.tsv, line 2: .* do not name .*(English|German)") as caught:
            Glossary.read(tmp_path / "g.tsv", *languages)
        assert "a tab between" in caught.value.hint


@pytest.mark.parametrize("glossary", PACKS, ids=lambda path: path.parent.name)
def test_the_glossaries_of_the_packs_name_their_languages(glossary):
    pack = LanguagePack.read(glossary.parent)
    for code in (pack.language.code, f"{pack.language.code}-001"):
        assert Glossary.read(glossary, EN, Language.of(code)).terms


@pytest.mark.parametrize(
    ("text", "line"), [("", "line 1"), ("english\tgerman\ncat\n", "line 2"), ("a\tb\n\nx\t \n", "line 3")]
)
def test_a_line_that_is_none_is_named(tmp_path, text, line):
    (tmp_path / "g.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=line):
        Glossary.read(tmp_path / "g.tsv", EN, DE)
    with pytest.raises(ConfigError, match="cannot be read"):
        Glossary.read(tmp_path / "none.tsv", EN, DE)

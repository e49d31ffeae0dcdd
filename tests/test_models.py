import pytest

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language
from langadapt.models import families, family_of

ALMA = ModelRef("haoranxu/ALMA-7B")


def test_the_alma_prompt_is_the_one_that_it_was_trained_with(english, german):
    prompt = family_of(ALMA).render("Where is the station?", english, german)
    assert (
        prompt
        == (
            "Translate this from English to German:\nEnglish: Where is the station?\nGerman:"  # ALMA utils/utils.py
        )
    )
    back = family_of(ALMA).render("Wo?", german, english)
    assert back == "Translate this from German to English:\nGerman: Wo?\nEnglish:"


@pytest.mark.parametrize(
    "text", ["{source} {target} {text}", "a {0} {{b}} }{", "{source_code}%s$x", "\\1 \n {"]
)
@pytest.mark.parametrize("name", families())
def test_braces_in_a_text_stay_as_they_are(name, text, english, german):
    family = families()[name]
    prompt = family.render(text, english, german)
    assert prompt.count(text) == 1
    around = prompt.split(text)
    assert "{" not in "".join(around)
    assert around == family.render("@", english, german).split("@")


@pytest.mark.parametrize(
    ("output", "read"),
    [
        (" Wo ist der Bahnhof?\nEnglish: Where", "Wo ist der Bahnhof?"),
        ("\n\n  Guten Tag \n", "Guten Tag"),
        ("Guten Tag", "Guten Tag"),
        ("", ""),
        (" \n\n", ""),
    ],
)
def test_alma_is_read_by_its_first_line_with_something_in_it(output, read):
    assert family_of(ALMA).read(output) == read


def test_other_families_are_read_whole():
    assert families()["tower"].read(" Eins.\nZwei. \n") == "Eins.\nZwei."


@pytest.mark.parametrize("pair", [("en", "sw"), ("sw", "en"), ("fr", "sw")])
def test_a_language_that_a_family_does_not_know_is_refused_with_those_that_it_knows(pair):
    source, target = map(Language.of, pair)
    with pytest.raises(ConfigError, match=r"'alma' do not know .*Swahili") as caught:
        family_of(ALMA).check(source, target)
    assert "en, de, cs, is, zh, ru" in caught.value.hint
    assert ("French" in str(caught.value)) == ("fr" in pair)


@pytest.mark.parametrize("code", ["de", "cs", "is", "zh", "ru", "zh-Hans", "de-AT"])
def test_the_languages_of_alma_pass_both_ways(code, english):
    family_of(ALMA).check(english, Language.of(code))
    family_of(ALMA).check(Language.of(code), english)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("haoranxu/ALMA-7B", "alma"),
        ("haoranxu/ALMA-13B-R", "alma"),
        ("HAORANXU/alma-7b", "alma"),
        ("haoranxu/X-ALMA-13B-Group1", "x-alma"),
        ("Unbabel/TowerInstruct-7B-v0.2", "tower"),
    ],
)
def test_the_family_is_told_by_the_name(model, family):
    assert family_of(ModelRef(model)).name == family
    assert family_of(ModelRef(model, "a" * 40)).name == family


def test_an_unknown_model_needs_a_family_named(tmp_path):
    model = ModelRef(str(tmp_path))
    with pytest.raises(ConfigError, match="not known") as caught:
        family_of(model)
    assert all(name in caught.value.hint for name in families())
    assert family_of(model, "tower").name == "tower"
    with pytest.raises(ConfigError, match="no model family is called 'almma'"):
        family_of(model, "almma")


def test_only_x_alma_and_tower_are_asked_through_a_chat_template():
    assert {name for name, family in families().items() if family.chat} == {"x-alma", "tower"}

import pytest

from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language
from langadapt.models import covering, families, family_of
from langadapt.models.naming import codes

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
        ("haoranxu/X-ALMA", "x-alma"),
        ("haoranxu/X-ALMA-13B-Group1", "x-alma-1"),
        ("haoranxu/X-ALMA-13B-Group8", "x-alma-8"),
        ("google/madlad400-3b-mt", "madlad"),
        ("google/madlad400-7b-mt-bt", "madlad"),
        ("facebook/nllb-200-distilled-600M", "nllb"),
        ("Helsinki-NLP/opus-mt-en-de", "opus-mt"),
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
    chats = {name for name, family in families().items() if family.chat}
    assert chats == {"x-alma", "tower", *(f"x-alma-{number}" for number in range(1, 9))}


def test_the_groups_of_x_alma_are_its_languages_each_once():
    groups = [family for name, family in families().items() if name.startswith("x-alma-")]
    assert all(family.languages[0] == "en" for family in groups)
    listed = [code for family in groups for code in family.languages[1:]]
    assert len(listed) == len(set(listed)) == 49
    assert {"en", *listed} == set(families()["x-alma"].languages)
    assert {family.prompt for family in groups} == {families()["x-alma"].prompt}


@pytest.mark.parametrize("family", families().values(), ids=families())
def test_every_row_is_one_that_engines_know(family):
    assert family.kind in ("causal", "encoder-decoder")
    assert family.reads in ("first-line", "all")
    assert family.unit in ("text", "line", "sentence")
    assert family.reads == "all" or family.unit == "line"
    assert not family.recommended or family_of(ModelRef(family.recommended)).name == family.name
    if family.kind == "encoder-decoder":
        assert family.prompt.endswith("{text}")
        assert (family.chat, family.stop) == (False, ())


@pytest.mark.parametrize(
    ("code", "called"),
    [
        ("de", "de"), ("pt-BR", "pt"), ("iw", "he"), ("tl", "fil"), ("nb", "no"), ("nn", "nn"), ("zh", "zh"),
        ("zh-TW", "zh_Hant"), ("zh-Latn", "zh_Latn"), ("hi-Latn", "hi_Latn"), ("ms-Arab", "ms_Arab"), ("tly", "tly_IR"),
        ("cmn", "zh"), ("fa-AF", "prs"), ("yue", ""), ("sr-Latn", ""), ("aa", ""),
    ],
)  # fmt: skip
def test_what_madlad_calls_a_language(code, called, english):
    family = families()["madlad"]
    assert family.called(Language.of(code)) == called
    assert family.covers(english, Language.of(code)) == bool(called)
    assert family.render("Hi", english, Language.of("de")) == "<2de> Hi"


@pytest.mark.parametrize("naming", ["flores", "madlad"])
def test_every_exception_of_a_table_gives_a_code_that_exists(naming):
    table = codes(naming)
    assert len(table.codes) == {"flores": 202, "madlad": 452}[naming]
    members = set(table.members.values())
    assert members <= ({code.split("_")[0] for code in table.codes} if naming == "flores" else table.codes)
    assert members
    for code in table.members:
        Language.of(code)


def test_the_codes_of_flores_are_those_of_nllbs_tokenizer():
    nllb = pytest.importorskip("transformers.models.nllb.tokenization_nllb")
    assert codes("flores").codes == set(nllb.FAIRSEQ_LANGUAGE_CODES)
    assert families()["nllb"].called(Language.of("sw")) == "swh_Latn"
    assert families()["nllb"].called(Language.of("sr-Latn")) == ""


BOTH = ("causal", "encoder-decoder")


@pytest.mark.parametrize(
    ("code", "kinds", "models"),
    [
        ("de", BOTH, ["haoranxu/X-ALMA-13B-Group1", "google/madlad400-3b-mt", "facebook/nllb-200-3.3B"]),
        ("de", ("causal",), ["haoranxu/X-ALMA-13B-Group1"]),
        ("cy", BOTH, ["google/madlad400-3b-mt", "facebook/nllb-200-3.3B"]),
        ("cy", ("causal",), []),
        ("yue", BOTH, ["facebook/nllb-200-3.3B"]),
        ("tlh", BOTH, ["google/madlad400-3b-mt"]),
        ("sr", BOTH, ["haoranxu/X-ALMA-13B-Group3", "google/madlad400-3b-mt", "facebook/nllb-200-3.3B"]),
        ("sr-Latn", BOTH, []),
    ],
)
def test_the_models_for_a_language_without_a_pack_best_first(code, kinds, models):
    found = covering(Language.of(code), kinds)
    assert [model for model, _ in found] == models
    for model, family in found:
        assert family_of(ModelRef(model)) == family


def test_a_model_of_one_pair_knows_its_direction(english, german):
    family = family_of(ModelRef("Helsinki-NLP/opus-mt-tc-big-en-de"))
    assert family.pair == ("en", "de")
    family.check(english, Language.of("de-AT"))
    with pytest.raises(ConfigError, match="from en to de, and not from de to en"):
        family.check(german, english)
    with pytest.raises(ConfigError, match="does not tell its two languages") as caught:
        family_of(ModelRef("Helsinki-NLP/opus-mt-en-ROMANCE"))
    assert "opus-mt-en-de" in caught.value.hint


def test_what_is_sent_at_once(english):
    lines, two, one = "A cat sat.\nHi.", "A cat sat. A dog ran.", " A cat sat at 3.5 m with Dr. Smith. "
    alma, nllb, tower = (families()[name] for name in ("alma", "nllb", "tower"))
    assert [bool(alma.several(text, english)) for text in (lines, two, one)] == [True, False, False]
    assert [bool(nllb.several(text, english)) for text in (lines, two, one)] == [True, True, False]
    assert not tower.several(lines, english)


def test_the_facts_of_a_family_are_those_that_change_what_it_writes():
    nllb, madlad = families()["nllb"].facts, families()["madlad"].facts
    assert (nllb["naming"], nllb["exceptions"]["members"]["sw"]) == ("flores", "swh")
    assert (madlad["prompt"], madlad["exceptions"]["members"]["nb"]) == ("<2{target}> {text}", "no")
    assert not {"license", "recommended", "input_tokens", "languages", "models"} & set(nllb)

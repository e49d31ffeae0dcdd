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
        ("Unbabel/Tower-Plus-9B", "tower-plus"),
        ("google/translategemma-12b-it", "translategemma"),
        ("tencent/Hunyuan-MT-7B-fp8", "hunyuan-mt"),
        ("tencent/HY-MT1.5-1.8B", "hy-mt"),
        ("ByteDance-Seed/Seed-X-PPO-7B", "seed-x"),
        ("ModelSpace/GemmaX2-28-9B-v0.1", "gemmax2"),
        ("utter-project/EuroLLM-1.7B-Instruct", "eurollm-small"),
        ("utter-project/EuroLLM-22B-Instruct-2512", "eurollm"),
        ("Qwen/Qwen3-8B", "qwen3"),
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


def test_raw_prompts_are_those_of_models_without_a_chat_template():
    raw = {name for name, family in families().items() if family.kind == "causal" and not family.chat}
    assert raw == {"alma", "seed-x", "gemmax2"}


def test_the_groups_of_x_alma_are_its_languages_each_once():
    groups = [family for name, family in families().items() if name.startswith("x-alma-")]
    assert all(family.languages[0] == "en" for family in groups)
    listed = [code for family in groups for code in family.languages[1:]]
    assert len(listed) == len(set(listed)) == 49
    assert {"en", *listed} == set(families()["x-alma"].languages)
    assert {family.prompt for family in groups} == {families()["x-alma"].prompt}


@pytest.mark.parametrize(
    ("model", "family", "right"),
    [
        ("haoranxu/ALMA-13B-R", "instruct", "alma"),
        ("haoranxu/X-ALMA-13B-Group1", "alma", "x-alma-1"),
        ("google/translategemma-4b-it", "gemmax2", "translategemma"),
        ("ByteDance-Seed/Seed-X-PPO-7B", "instruct", "seed-x"),
        ("tencent/HY-MT1.5-7B", "hunyuan-mt", "hy-mt"),
    ],
)
def test_a_family_that_a_model_is_not_of_is_refused_with_the_one_that_it_is_of(model, family, right):
    with pytest.raises(ConfigError, match=f"is of the family '{right}'") as caught:
        family_of(ModelRef(model), family)
    assert right in caught.value.hint


@pytest.mark.parametrize("model", ["Unbabel/Tower-Plus-9B", "utter-project/EuroLLM-9B-Instruct", "org/own"])
def test_a_model_that_follows_instructions_may_be_asked_by_instruction(model):
    assert family_of(ModelRef(model), "instruct").name == "instruct"


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("tencent/Hunyuan-MT-Chimera-7B", "Hunyuan-MT-7B"),
        ("haoranxu/ALMA-7B-Pretrain", "ALMA-7B"),
        ("haoranxu/ALMA-13B-Pretrain-LoRA", "ALMA-13B-R"),
        ("ModelSpace/GemmaX2-28-2B-Pretrain", "GemmaX2-28-9B-v0.1"),
        ("ByteDance-Seed/Seed-X-RM-7B", "Seed-X-PPO-7B"),
        ("Unbabel/TowerBase-7B-v0.1", "TowerInstruct"),
    ],
)
@pytest.mark.parametrize("family", [None, "alma"])
def test_what_is_no_translator_is_refused_with_one_that_is(model, instead, family):
    with pytest.raises(ConfigError) as caught:
        family_of(ModelRef(model), family)
    assert instead in caught.value.hint


def test_terms_that_travel_with_outputs_are_told():
    told = {name for name, family in families().items() if family.outputs}
    assert told == {"alma", "tower", "translategemma", "hunyuan-mt", "hy-mt", "gemmax2"}
    for name in ("hunyuan-mt", "hy-mt"):
        assert "European Union" in families()[name].license


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

import pytest

from langadapt import languages
from langadapt.errors import ConfigError, DataError
from langadapt.languages import Language, LanguagePack


def test_a_code_becomes_its_names_and_script():
    german = Language.of("de")
    assert (german.code, german.name, german.native, german.script) == ("de", "German", "Deutsch", "Latn")
    assert Language.of("zh").script == "Hans"
    assert Language.of("sr").script == "Cyrl"


@pytest.mark.parametrize(
    ("written", "code"), [("pt-br", "pt-BR"), ("iw", "he"), ("deu", "de"), ("de_DE", "de-DE")]
)
def test_a_code_is_written_in_one_way(written, code):
    assert Language.of(written).code == code


@pytest.mark.parametrize("code", ["", "a", "english", "xx", "de-", "d e", "../de"])
def test_what_is_no_code_is_refused_with_an_example(code):
    with pytest.raises(ConfigError, match="no language") as caught:
        Language.of(code)
    assert repr(code) in str(caught.value)
    assert "pt-BR" in caught.value.hint


FLORES = {
    "de": "deu_Latn", "en": "eng_Latn", "zh": "zho_Hans", "zh-Hant": "zho_Hant", "no": "nob_Latn", "nb": "nob_Latn",
    "nn": "nno_Latn", "sw": "swh_Latn", "ar": "arb_Arab", "fa": "pes_Arab", "lv": "lvs_Latn", "ms": "zsm_Latn",
    "mg": "plt_Latn", "et": "est_Latn", "sq": "als_Latn", "az": "azj_Latn", "uz": "uzn_Latn", "mn": "khk_Cyrl",
    "ne": "npi_Deva", "or": "ory_Orya", "yi": "ydd_Hebr", "pt-BR": "por_Latn", "sr": "srp_Cyrl", "he": "heb_Hebr",
    "cs": "ces_Latn", "is": "isl_Latn", "ru": "rus_Cyrl", "uk": "ukr_Cyrl", "hi": "hin_Deva", "ja": "jpn_Jpan",
}  # fmt: skip


@pytest.mark.parametrize(("code", "flores"), FLORES.items())
def test_the_flores_code(code, flores):
    assert Language.of(code).flores == flores


def test_every_flores_exception_is_in_the_table_and_leads_into_it():
    table = languages._flores()
    assert len(table["codes"]) > 200
    assert set(table["members"]) >= {"sw", "ar", "no", "fa", "lv", "ms", "fil"}
    for code in table["members"]:
        assert Language.of(code).flores in table["codes"], code


@pytest.mark.parametrize("code", ["gsw", "tlh", "haw", "sr-Latn", "la"])
def test_a_language_that_flores_lacks(code):
    assert Language.of(code).flores == ""


@pytest.mark.parametrize(
    ("code", "direction"),
    [("ar", "rtl"), ("he", "rtl"), ("ar-Latn", "ltr"), ("ur", "rtl"), ("ja", "ltr"), ("dv", "rtl")],
)
def test_the_direction_of_its_script(code, direction):
    assert Language.of(code).direction == direction


@pytest.mark.parametrize(
    ("code", "tokenizer"), [("de", "13a"), ("ja", "char"), ("zh-Hant", "zh"), ("th", "char"), ("ko", "13a")]
)
def test_a_tokenizer_that_needs_nothing(code, tokenizer):
    import sacrebleu

    assert LanguagePack.bare(code).bleu_tokenizer == tokenizer
    assert (
        sacrebleu.BLEU(tokenize=tokenizer, effective_order=True).sentence_score("a b c d", ["a b c d"]).score
        > 99
    )


OTHERS = {
    "ps": "pbt_Arab", "om": "gaz_Latn", "qu": "quy_Latn", "ay": "ayr_Latn", "ku": "kmr_Latn", "ff": "fuv_Latn",
    "kr": "knc_Latn", "fil": "tgl_Latn", "ko": "kor_Hang", "ko-Hang": "kor_Hang", "fa-AF": "prs_Arab", "az-Arab": "azb_Arab",
}  # fmt: skip


@pytest.mark.parametrize(("code", "flores"), OTHERS.items())
def test_the_flores_code_of_other_macrolanguages(code, flores):
    assert Language.of(code).flores == flores


GOOD = 'code = "is"\nlicense = "MIT"\nrecipe = "phoenix"\n[benchmarks]\narc = ["arc_is"]\n'


def pack_of(folder, text=GOOD, **files):
    (folder / "pack.toml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content, encoding="utf-8")
    return folder


def test_a_pack_is_its_facts_and_the_files_beside_them(tmp_path):
    pack = LanguagePack.read(
        pack_of(
            tmp_path, literals_toml='yes = "já"\n', probes_jsonl='{"prompt": "Hæ"}\n\n{"prompt": "Bless"}\n'
        )
    )
    assert pack.language == Language.of("is")
    assert (pack.default_recipe, pack.bleu_tokenizer, pack.benchmarks) == (
        "phoenix",
        "13a",
        {"arc": ["arc_is"]},
    )
    assert pack.literals == {"yes": "já"}
    assert pack.prompts == {}
    assert pack.probes == [{"prompt": "Hæ"}, {"prompt": "Bless"}]
    assert pack.rows("exemplars.jsonl") == []


def test_every_mistake_of_a_pack_is_told_at_once(tmp_path):
    wrong = 'code = 7\nlisence = "MIT"\nreviewed_by = "Ada"\n[benchmarks]\narc = "arc_is"\n'
    with pytest.raises(ConfigError) as caught:
        LanguagePack.read(pack_of(tmp_path, wrong))
    told = str(caught.value).splitlines()
    assert told[0] == f"{tmp_path / 'pack.toml'}: 5 mistakes"
    keys = {line.split(":")[0].strip() for line in told[1:]}
    assert keys == {"code", "license", "lisence", "reviewed_by", "benchmarks.arc"}
    assert "  lisence: unknown key" in told
    assert "  license: missing" in told


def test_a_pack_that_is_no_toml_or_missing_names_its_file(tmp_path):
    with pytest.raises(ConfigError, match=r"pack\.toml: No such file"):
        LanguagePack.read(tmp_path)
    with pytest.raises(ConfigError, match=r"pack\.toml: .*line 2"):
        LanguagePack.read(pack_of(tmp_path, 'code = "is"\nlicense = \n'))
    (tmp_path / "pack.toml").write_bytes('license = "é"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"pack\.toml: not UTF-8"):
        LanguagePack.read(tmp_path)


def test_a_row_that_is_no_json_names_file_and_line(tmp_path):
    pack = LanguagePack.read(pack_of(tmp_path, probes_jsonl='{"prompt": "a"}\n{"prompt"\n'))
    with pytest.raises(DataError, match=r"probes\.jsonl, line 2"):
        _ = pack.probes


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "tasks/../../secret.txt", "link"])
def test_a_path_outside_the_pack_is_refused(tmp_path, name):
    folder = tmp_path / "pack"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret.txt")
    pack = LanguagePack.read(pack_of(folder))
    with pytest.raises(ConfigError, match="outside the pack is"):
        pack.path(name)
    assert pack.path("tasks/../pack.toml") == (folder / "pack.toml").resolve()


def test_a_language_without_a_pack_has_no_files():
    bare = LanguagePack.bare("is")
    assert bare.path("../x") is None
    assert (bare.probes, bare.literals, bare.default_recipe) == ([], {}, None)

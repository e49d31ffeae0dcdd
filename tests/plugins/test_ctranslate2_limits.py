"""`ctranslate2`: how long a text may be beside its answer, and folders that are converted already."""

import sys
from dataclasses import replace
from importlib.util import find_spec
from shutil import copytree

import pytest
from test_ctranslate2 import opus, reference, translated, translating
from test_encoder_decoder import madlad, nllb

from langadapt.errors import ComponentError, ConfigError
from langadapt.identity import CACHE, component_identity
from langadapt.interfaces import ModelRef
from langadapt.languages import LanguagePack

pytestmark = pytest.mark.skipif(find_spec("ctranslate2") is None, reason="CTranslate2 is not installed")

LONG = "cat " * 20


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE, str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    made = {"madlad": madlad(root / "madlad"), "nllb": nllb(root / "nllb")}
    return {**made, "opus-mt": opus(root / "opus-mt-en-de")}


def folder_of(translator, path):
    """What the translator made of its checkpoint, with the tokenizer beside, by the name of the checkpoint."""
    folder = copytree(translator._folder, path / translator.model.folder.name)
    translator._prompting.tokenizer.save_pretrained(folder)
    return ModelRef(str(folder))


@pytest.mark.parametrize(
    ("family", "most"),
    [("opus-mt", 128), ("nllb", 255)],
    ids=["all positions are the answer's", "one is the language's"],
)
def test_an_answer_may_take_every_position_that_the_decoder_has(folders, family, most):
    own = translating(folders[family], family, new_tokens_at_most=most)
    (told,) = translated(own, [LONG])
    assert (told.finish, told.tokens_out) == ("length", most)
    assert [told] == translated(reference(own, new_tokens_at_most=most), [LONG])
    over = replace(own, new_tokens_at_most=most + 1)
    (told,) = translated(over, [LONG])
    assert told.finish == "too-long"
    assert [told] == translated(reference(over, new_tokens_at_most=most + 1), [LONG])


def test_a_quantization_is_refused_for_a_folder_that_keeps_its_own(folders, tmp_path):
    own = translating(folders["madlad"], "madlad")
    converted = replace(own, model=folder_of(own, tmp_path), quantization=None)
    assert translated(converted, ["a cat"]) == translated(own, ["a cat"])
    wrong = replace(converted, quantization="int8")
    for refused in (lambda: wrong.check(LanguagePack.bare("de")), lambda: translated(wrong, ["a cat"])):
        with pytest.raises(
            ConfigError, match=r"`quantization` is int8, and .* is converted already"
        ) as caught:
            refused()
        assert "leave it out" in caught.value.hint


def test_eight_bits_are_what_nobody_needs_to_ask_for(folders):
    unset = translating(folders["madlad"], "madlad", quantization=None)
    asked = replace(unset, quantization="int8")
    assert unset._folder == asked._folder
    told = component_identity(unset, "memory")
    assert told == component_identity(asked, "memory")
    assert told["settings"]["quantization"] == "int8", (
        "as it was remembered when the setting had this default"
    )


def test_a_model_that_must_be_told_what_to_write_is_refused_alike(folders, tmp_path, monkeypatch):
    own = translating(folders["opus-mt"], "opus-mt")
    converted = replace(own, model=folder_of(own, tmp_path), quantization=None)
    assert translated(own, ["a cat"])
    from transformers import PreTrainedTokenizerBase

    monkeypatch.setattr(PreTrainedTokenizerBase, "supported_language_codes", [">>deu<<"], raising=False)
    for one in (replace(own), converted):
        with pytest.raises(ConfigError, match="must be told which: >>deu<<"):
            translated(one, ["a cat"])


def test_the_extra_that_is_missing_is_named(folders, monkeypatch):
    own = translating(folders["madlad"], "madlad")
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(ComponentError, match="'ctranslate2' is not installed") as caught:
        translated(own, ["a cat"])
    assert "langadapt[ctranslate2]" in caught.value.hint

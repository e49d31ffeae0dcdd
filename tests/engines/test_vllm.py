"""`vllm` on its real engine on the CPU. In fp32 its text must be that of `transformers`."""

import pickle
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("vllm")
from tiny import tiny_model

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import ModelRef, Segment, Translator
from langadapt.languages import Language
from langadapt_plugins.translators.transformers import TransformersTranslator
from langadapt_plugins.translators.vllm import VllmTranslator

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]  # vLLM and what it imports warn

EN, DE = Language.of("en"), Language.of("de")
PACK = Path(find_spec("langadapt_languages").submodule_search_locations[0]) / "de"
WORDS = "the cat sat on a mat and said hello to every small blue house near our long river today"


def sentences(count, seed=0):
    draw = Random(seed)
    return [" ".join(draw.choices(WORDS.split(), k=draw.randint(1, 40))) for _ in range(count)]


def made(kind, folder, **settings):
    limits = {"new_tokens_at_most": 48, "new_tokens_per_token": 0.5}
    return kind(model=ModelRef(str(folder)), family="alma", dtype="float32", **limits | settings)


def engine(folder, **settings):
    return made(
        VllmTranslator,
        folder,
        max_model_len=512,
        kv_cache_memory_bytes=64 << 20,
        enforce_eager=True,
        **settings,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tiny model with heads of 32, the smallest that vLLM runs, and weights wide enough that it ends now and then."""
    from transformers import AutoConfig, AutoModelForCausalLM, set_seed

    folder = tiny_model(
        tmp_path_factory.mktemp("tiny"), ["Translate this from English to German:\n", *sentences(300, 1)]
    )
    config = AutoConfig.from_pretrained(folder)
    config.update({"hidden_size": 64, "head_dim": 32, "initializer_range": 0.2})
    set_seed(3)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def vllm(folder):
    translator = engine(folder)
    yield translator
    translator.close()


def translated(translator, texts, target=DE):
    pairs = list(translator.translate([Segment(text=text) for text in texts], source=EN, target=target))
    assert sorted(index for index, _ in pairs) == list(range(len(texts)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


def test_same_hypotheses_as_transformers(vllm, folder):
    assert isinstance(vllm, Translator)
    texts = sentences(80)
    expected = translated(made(TransformersTranslator, folder), texts)
    assert translated(vllm, texts) == expected
    assert {one.finish for one in expected} >= {"stop", "length"}, "a test of both ends"
    assert len({one.text for one in expected}) > 20


def test_too_long_is_said(vllm):
    long, short, lines = translated(vllm, [WORDS * 20, "hello", "one line\nand another"])
    assert (long.finish, lines.finish) == ("too-long", "too-long")
    assert "256" in long.reason
    assert short.finish != "too-long"


def test_yields_before_the_last_is_finished(vllm):
    texts = [Segment(text=text) for text in sentences(40)]
    running = vllm.translate(texts, source=EN, target=DE)
    next(running)
    assert vllm._llm.llm_engine.has_unfinished_requests()
    running.close()
    assert not vllm._llm.llm_engine.has_unfinished_requests(), "what nobody waits for is given up"
    assert len(translated(vllm, sentences(5))) == 5


def test_no_texts(vllm):
    assert translated(vllm, []) == []


def test_pickles_settings_only(vllm):
    data = pickle.dumps(vllm)
    assert len(data) < 2000
    assert pickle.loads(data) == vllm


def test_wrong_folders_and_languages_are_named(vllm, tmp_path):
    with pytest.raises(ComponentError, match=str(tmp_path)):
        translated(replace(vllm, model=ModelRef(str(tmp_path))), ["hello"])
    with pytest.raises(ConfigError, match="Swahili"):
        translated(vllm, ["hello"], target=Language.of("sw"))


# In one process the end of one engine ends the groups of all: from here on nobody uses the fixture's engine.


def test_beams(vllm, folder):
    texts = sentences(6)
    greedy = [one.text for one in translated(vllm, texts)]
    beams = engine(folder, beams=2, new_tokens_at_most=12)
    found = translated(beams, texts)
    beams.close()
    assert {one.finish for one in found} <= {"stop", "length", "error"}
    assert any(one.text != text for one, text in zip(found, greedy, strict=True))


def test_closes_and_loads_again(folder):
    translator = engine(folder)
    before = translated(translator, ["hello"])
    translator.close()
    assert "_llm" not in vars(translator)
    assert translated(translator, ["hello"]) == before
    translator.close()


@pytest.mark.skipif(
    not (PACK / "mini/translator").exists(), reason="the German pack's translator is not made yet"
)
def test_the_packs_translator_is_the_same():
    lines = (PACK / "mini/heldout.tsv").read_text().splitlines()
    texts = [line.split("\t")[0] for line in lines[:100]]
    limits = {"new_tokens_at_most": 128, "new_tokens_per_token": 4.0}
    translator = engine(PACK / "mini/translator", **limits)
    found = translated(translator, texts)
    translator.close()
    assert found == translated(made(TransformersTranslator, PACK / "mini/translator", **limits), texts)
    assert all(one.finished for one in found)

"""`openai` against vLLM's real server with a checkpoint that sets how it is sampled: raw prompts and chats are greedy all the same."""

import json

import pytest

pytest.importorskip("vllm")
from serving import KEY, Serving

from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import Language
from langadapt.models import families
from langadapt.testing.tiny import taught_model
from langadapt_plugins.translators import completions
from langadapt_plugins.translators.openai import OpenaiTranslator
from langadapt_plugins.translators.transformers import TransformersTranslator

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]  # vLLM and what it imports warn

EN, DE = Language.of("en"), Language.of("de")
FAMILIES = ("alma", "tower", "instruct")
LIMITS = {"new_tokens_at_most": 48, "new_tokens_per_token": 4.0}
OWN = {
    "do_sample": True,
    "temperature": 0.9,
    "top_k": 3,
    "top_p": 0.5,
    "min_p": 0.1,
    "repetition_penalty": 9.0,
}
TAUGHT = {
    "The cat and the cat and the cat.": "Die Katze und die Katze und die Katze.",
    "No, no, no.": "Nein, nein, nein.",
    "A river is a river.": "Ein Fluss ist ein Fluss.",
}
TEXTS = [*TAUGHT, "The cat is a river.", "No cat and no river."]


def asked(family, text):
    return family.messages(text, EN, DE) if family.chat else family.render(text, EN, DE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that knows three texts, asked as each family asks; its own settings are in force wherever a request leaves them."""
    pairs = [(asked(families()[one], text), said) for one in FAMILIES for text, said in TAUGHT.items()]
    folder = taught_model(tmp_path_factory.mktemp("taught"), pairs)
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | OWN))
    return folder


@pytest.fixture(scope="module")
def serving(folder, tmp_path_factory):
    server = Serving(folder, "taught", tmp_path_factory.mktemp("vllm") / "log.txt")
    try:
        yield server.wait()
    finally:
        server.kill()


@pytest.fixture
def served(serving, monkeypatch):
    monkeypatch.setenv("VLLM_TEST_KEY", KEY)

    def make(family, **settings):
        return OpenaiTranslator(
            model="taught",
            family=family,
            base_urls=(serving.url,),
            api_key_env="VLLM_TEST_KEY",
            **LIMITS | settings,
        )

    return make


def translated(translator):
    pairs = dict(translator.translate([Segment(text=text) for text in TEXTS], source=EN, target=DE))
    translator.close()
    return [
        (pairs[n].text, pairs[n].finish, pairs[n].tokens_in, pairs[n].tokens_out) for n in range(len(TEXTS))
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_its_text_is_that_of_transformers(served, folder, family):
    tokenizer = ModelRef(str(folder))  # for the same limits
    expected = translated(
        TransformersTranslator(model=tokenizer, family=family, dtype="float32", device="cpu", **LIMITS)
    )
    assert [text for text, *_ in expected[: len(TAUGHT)]] == list(TAUGHT.values())
    assert translated(served(family, tokenizer=tokenizer)) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_a_request_that_left_them_open_would_be_answered_otherwise(served, monkeypatch, family):
    monkeypatch.setattr(completions, "_PLAIN", {})
    assert [text for text, *_ in translated(served(family))][: len(TAUGHT)] != list(TAUGHT.values())

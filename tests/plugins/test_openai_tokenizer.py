"""`openai` with the model's own tokenizer: lengths are counted, and raw prompts go out as tokens."""

from dataclasses import replace

import pytest
from faulty_server import DE, EN, WORDS, FaultyServer, made, segments, sentences, translated
from tiny import tiny_model

from langadapt.errors import ComponentError
from langadapt.identity import component_identity
from langadapt.interfaces import ModelRef
from langadapt_plugins.translators.transformers import TransformersTranslator


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(
        tmp_path_factory.mktemp("tiny"), ["Translate this from English to German:\n", *sentences(300, 1)]
    )


def test_the_same_requests_as_the_other_engines(folder):
    texts = [*sentences(20), "a </s> b", "<s>[INST]", f"{WORDS} " * 20, "two\nlines", " ", f"{WORDS} " * 6]
    limits = {"new_tokens_at_most": 400, "new_tokens_per_token": 5.0}
    other = TransformersTranslator(model=ModelRef(str(folder)), family="alma", dtype="float32", **limits)
    expected = dict(other._requests(segments(texts), EN, DE))
    with FaultyServer(context=9999) as server:
        translated(made(server, tokenizer=ModelRef(str(folder)), **limits), texts)
        sent = {tuple(one.body["prompt"]): one.body["max_tokens"] for one in server.asked}
    requests = [one for one in expected.values() if hasattr(one, "limit")]
    assert len(requests) == 22
    assert sent == {tuple(one.tokens): one.limit for one in requests}


def test_what_is_not_sent_is_said_alike(folder):
    texts = [f"{WORDS} " * 20, "two\nlines", " ", f"{WORDS} " * 6]
    limits = {"new_tokens_at_most": 400, "new_tokens_per_token": 5.0}
    other = TransformersTranslator(model=ModelRef(str(folder)), family="alma", dtype="float32", **limits)
    with FaultyServer() as server:
        told = translated(made(server, tokenizer=ModelRef(str(folder)), **limits), texts)
        assert not server.asked
    assert told == [one for _, one in sorted(other._requests(segments(texts), EN, DE))]


def test_another_tokenizer_is_refused_where_the_server_can_be_asked(folder):
    own = TransformersTranslator(model=ModelRef(str(folder)), family="alma")
    tokens = own._prompting.tokens(["Good morning."], EN, DE)[0]
    with FaultyServer(brand="vllm", tokens=tokens) as server:
        translator = made(server, tokenizer=ModelRef(str(folder)))
        assert translated(translator, ["hello"])[0].tries == 1
        server.tokens = [1, 2, 3]
        with pytest.raises(ComponentError, match="`tokenizer` is not that of the model"):
            translated(translator, ["hello"])


def test_it_is_part_of_the_identity(folder):
    one = made("http://h/v1")
    other = replace(one, tokenizer=ModelRef(str(folder)))
    assert component_identity(one, "memory") != component_identity(other, "memory")

"""`openai` against vLLM's real server on loopback. In fp32 its text must be that of `transformers`."""

from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("vllm")
from serving import KEY, Serving

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import Language
from langadapt.testing import TranslatorContract
from langadapt_plugins.translators.openai import OpenaiTranslator
from langadapt_plugins.translators.transformers import TransformersTranslator

MINI = Path(find_spec("langadapt_languages").submodule_search_locations[0]) / "de/mini"
pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("default"),  # vLLM and what it imports warn
    pytest.mark.skipif(
        not (MINI / "translator").exists(), reason="the German pack's translator is not made yet"
    ),
]

EN, DE = Language.of("en"), Language.of("de")
LIMITS = {"new_tokens_at_most": 128, "new_tokens_per_token": 4.0}


def texts(count=100):
    lines = (MINI / "heldout.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t")[0] for line in lines[:count]]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    server = Serving(MINI / "translator", "mini", tmp_path_factory.mktemp("vllm") / "log.txt")
    try:
        yield server.wait()
    finally:
        server.kill()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("VLLM_TEST_KEY", KEY)


def made(server, **settings):
    usual = {"model": "mini", "family": "alma", "base_urls": (server.url,), "api_key_env": "VLLM_TEST_KEY"}
    return OpenaiTranslator(**usual | LIMITS | settings)


def translated(translator, some, target=DE):
    pairs = list(translator.translate([Segment(text=text) for text in some], source=EN, target=target))
    assert sorted(index for index, _ in pairs) == list(range(len(some)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


class TestContract(TranslatorContract):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serving(cls, serving):
        cls.server = serving

    def make(self):
        return made(self.server)


@pytest.fixture(scope="module")
def expected():
    model = ModelRef(str(MINI / "translator"))
    return translated(TransformersTranslator(model=model, family="alma", dtype="float32", **LIMITS), texts())


def test_the_packs_translator_is_the_same(serving, expected):
    found = translated(made(serving), texts())
    assert found == expected
    assert all(one.finished for one in found)


def test_with_its_tokenizer_too(serving, expected):
    tokenizer = ModelRef(str(MINI / "translator"))
    odd = ["The friend </s> asks <s> the uncle.", *texts(20)]
    model = TransformersTranslator(model=tokenizer, family="alma", dtype="float32", **LIMITS)
    assert translated(made(serving, tokenizer=tokenizer), odd) == translated(model, odd)


def test_another_tokenizer_is_refused(serving, tmp_path):
    from tiny import tiny_model

    folder = tiny_model(tmp_path, texts(50))
    with pytest.raises(ComponentError, match="`tokenizer` is not that of the model"):
        translated(made(serving, tokenizer=ModelRef(str(folder))), ["hello"])


def test_beams(serving):
    found = translated(made(serving, beams=3, new_tokens_at_most=24), texts(5))
    assert {one.finish for one in found} <= {"stop", "length"}
    assert any(one.finished for one in found)


def test_what_the_server_will_not_take(serving, monkeypatch):
    (long,) = translated(made(serving, new_tokens_at_most=600, new_tokens_per_token=100.0), texts(1))
    assert (long.finish, long.tries) == ("too-long", 1)
    with pytest.raises(ComponentError, match="does not know the model"):
        translated(made(serving, model="maxi"), ["hello"])
    monkeypatch.setenv("VLLM_TEST_KEY", "sk-of-another")
    with pytest.raises(ComponentError, match="does not accept the key") as caught:
        translated(made(serving), ["hello"])
    assert "$VLLM_TEST_KEY" in caught.value.hint
    with pytest.raises(ConfigError, match="VLLM_NO_KEY"):
        translated(made(serving, api_key_env="VLLM_NO_KEY"), ["hello"])


def test_left_half_way_it_works_on(serving):
    running = made(serving).translate([Segment(text=text) for text in texts()], source=EN, target=DE)
    next(running)
    running.close()
    assert all(one.finished for one in translated(made(serving), texts(5)))


def test_killed_half_way(serving, expected):
    """The last test with this server."""
    translator = made(serving, in_flight=4, retries=3)
    got = {}
    for index, told in translator.translate([Segment(text=text) for text in texts()], source=EN, target=DE):
        got[index] = told
        if len(got) == 20:
            serving.kill()
    assert sorted(got) == list(range(100))
    done = [index for index, told in got.items() if told.finished]
    assert 20 <= len(done) < 60
    assert all(got[index] == expected[index] for index in done)
    rest = [told for told in got.values() if not told.finished]
    assert {(told.finish, told.text) for told in rest} == {("error", "")}
    assert all(told.reason.startswith("server: ") for told in rest)
    with pytest.raises(ComponentError, match="no server answers"):
        translated(translator, ["hello"])

"""`openai` against a real server on loopback: what is asked, how answers are read, what a caller may do."""

import _thread
import asyncio
import pickle
import signal
import threading
import time
from dataclasses import replace

import pytest
from faulty_server import (
    DE,
    EN,
    WORDS,
    FaultyServer,
    made,
    segments,
    sentences,
    translated,
    translation,
    whole,
)

from langadapt.errors import ConfigError, LangAdaptError
from langadapt.identity import component_identity
from langadapt.languages import Language
from langadapt.retry import Retry
from langadapt.testing import TranslatorContract

KEY = "sk-very-secret-7"


@pytest.fixture
def good():
    with FaultyServer() as server:
        yield server


class TestContract(TranslatorContract):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _serving(cls):
        with FaultyServer() as cls.server:
            yield

    def make(self):
        return made(self.server)


def test_what_is_asked(good):
    texts = sentences(5)
    told = translated(made(good), texts)
    whole(texts, told)
    assert {(one.tokens_in, one.tries) for one in told} == {(9, 1)}
    assert [one.tokens_out for one in told] == [len(text.split()) for text in texts]
    asked = {one.text: one for one in good.asked}[texts[0]]
    limit = asked.body.pop("max_tokens")
    assert limit == 4 * -(-len(texts[0]) // 3) + 32
    assert asked.path == "/v1/completions"
    prompt = f"Translate this from English to German:\nEnglish: {texts[0]}\nGerman:"
    assert asked.body == {
        "model": "alma",
        "prompt": prompt,
        "temperature": 0.0,
        "stream": False,
        "stop": ["\n"],
    }
    assert "authorization" not in asked.headers


def test_a_chat_family_is_asked_in_a_chat(good):
    texts = sentences(3)
    whole(texts, translated(replace(made(good), family="x-alma"), texts))
    assert {one.path for one in good.asked} == {"/v1/chat/completions"}
    assert {len(one.body["messages"]) for one in good.asked} == {1}


def test_sampling_has_a_seed(good):
    warm = made(good, temperature=0.6, seed=3)
    translated(warm, ["hello"])
    assert (good.asked[0].body["temperature"], good.asked[0].body["seed"]) == (0.6, 3)
    assert not warm.deterministic
    assert made(good).deterministic


@pytest.mark.parametrize("brand", ["vllm", "sglang"])
@pytest.mark.parametrize("family", ["alma", "tower"])
def test_a_checkpoints_own_settings_are_out_of_force(brand, family):
    with FaultyServer(brand=brand) as server:
        translated(replace(made(server), family=family), ["hello"])
        own = {"repetition_penalty": 1.0, "top_k": -1, "top_p": 1.0, "min_p": 0.0}
        assert own.items() <= server.asked[0].body.items()


def test_beams_only_where_they_are_known(good):
    with pytest.raises(ConfigError, match="beams"):
        translated(made(good, beams=3), ["hello"])
    with FaultyServer(brand="vllm") as server:
        whole(["hello"], translated(made(server, beams=3), ["hello"]))
        assert (server.asked[0].body["n"], server.asked[0].body["use_beam_search"]) == (3, True)


def test_an_empty_answer_is_asked_for_once_more():
    with FaultyServer(fault=lambda *_: ("text", "", "stop")) as server:
        (told,) = translated(made(server), ["hello"])
        assert (told.finish, told.reason, told.tries, len(server.asked)) == ("error", "empty", 2, 2)
        assert "stop" not in server.asked[1].body, "a first line that is empty is no end"


def test_a_leading_newline_is_no_end():
    def newline(number, asked):
        return ("text", "", "stop") if "stop" in asked.body else ("text", "\n hallo\nEnglish: more", "length")

    with FaultyServer(fault=newline) as server:
        (told,) = translated(made(server), ["hello"])
        assert (told.text, told.finish, told.tries) == ("hallo", "stop", 2)


@pytest.mark.parametrize(
    ("fault", "finish", "text", "said"),
    [
        (("finish", "length"), "length", "HELLO", "not at its end after"),
        (("finish", "content_filter"), "error", "HELLO", "content filter"),
        (("finish", None), "error", "HELLO", "does not say"),
        (("finish", "tool_calls"), "error", "HELLO", "does not say"),
        (("text", " hallo\nEnglish:", None), "stop", "hallo", ""),
        (("text", " hallo\nEnglish:", "length"), "stop", "hallo", ""),
        ((400, "This model's maximum context length is 512 tokens."), "too-long", "", "context length"),
        ((400, "max_tokens=600 cannot be greater than max_model_len=512."), "too-long", "", "max_model_len"),
        ((400, "The input (700 tokens) is longer than the model's context length"), "too-long", "", "longer"),
        ((400, "request (4390 tokens) exceeds the available context size"), "too-long", "", "context size"),
        ((422, "`inputs` tokens + `max_new_tokens` must be <= 4097"), "too-long", "", "must be"),
        ((413, "Payload"), "too-long", "", "Payload"),
        ((400, "unknown field 'seed'"), "error", "", "server: 400, unknown field"),
        ((422, "temperature is not supported"), "error", "", "server: 422"),
    ],
    ids=str,
)  # fmt: skip
def test_how_an_answer_is_read(fault, finish, text, said):
    """Asked once: none of these gets better."""
    with FaultyServer(fault=lambda *_: fault) as server:
        (told,) = translated(made(server), ["hello"])
        assert (told.text, told.finish) == (text, finish)
        assert said in told.reason
        assert len(server.asked) == 1


def test_a_limit_is_kept(good):
    (told,) = translated(made(good, new_tokens_at_most=3), [WORDS])
    assert (told.text, told.finish) == ("THE CAT SAT", "length")


def test_too_long_is_split_by_retry():
    with FaultyServer(context=80) as server:
        texts = ["The cat sat on the mat. " * 4 + "It sleeps.", "hello"]
        long, short = translated(made(server), texts)
        assert (long.finish, short.finish) == ("too-long", "stop")
        told = translated(Retry(inner=made(server)), texts)
        whole(texts, told)


def test_what_is_not_sent(good):
    long, lines, blank, endless, short = translated(
        made(good), [f"{WORDS} " * 20, "one line\nand another", " ", "word " * 9999, "short"]
    )
    assert [one.finish for one in (long, lines, endless)] == ["too-long"] * 3
    assert "about" in long.reason
    assert (blank.finish, blank.reason) == ("error", "nothing to translate")
    assert short.finished
    assert good.texts() == ["short"]


def test_each_is_given_as_soon_as_it_is_known():
    waiting = threading.Event()
    with FaultyServer() as server:
        texts = sentences(8)
        server.fault = lambda _, asked: "hang" if asked.text != texts[3] and not waiting.is_set() else None
        running = made(server, timeout=1.0).translate(segments(texts), source=EN, target=DE)
        index, told = next(running)
        assert (index, told.text) == (3, translation(texts[3]))
        waiting.set()
        assert len(list(running)) == 7


def test_who_takes_slowly_is_waited_for():
    with FaultyServer() as server:
        running = made(server, in_flight=2).translate(segments(sentences(200)), source=EN, target=DE)
        next(running)
        time.sleep(0.5)
        assert len(server.asked) <= 1 + 8 + 2 * 2
        assert len(list(running)) == 199


def test_left_half_way_nothing_runs_on():
    with FaultyServer() as server:
        texts = sentences(40)
        server.fault = lambda number, _: "hang" if number > 3 else None
        translator = made(server, in_flight=6)
        running = translator.translate(segments(texts), source=EN, target=DE)
        next(running)
        while server.now < 6:
            time.sleep(0.01)
        running.close()
        assert not [one for one in threading.enumerate() if one.name == "langadapt-streaming"]
        for _ in range(1000):
            time.sleep(0.01 if server.now else 0)
        assert (server.now, server.left) == (0, 6)
        server.fault = None
        translator.close()
        whole(texts, translated(translator, texts))


def test_ctrl_c_cancels():
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    with FaultyServer(fault=lambda number, _: "hang" if number > 2 else None) as server:
        threading.Timer(0.5, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            translated(made(server, in_flight=4), sentences(20))
    signal.signal(signal.SIGINT, usual)
    assert not [one for one in threading.enumerate() if one.name == "langadapt-streaming"]


def test_works_where_an_event_loop_runs(good):
    async def inside():
        return translated(made(good), sentences(5))

    whole(sentences(5), asyncio.run(inside()))


def test_the_key_goes_to_the_server_and_nowhere_else(good, monkeypatch, caplog):
    monkeypatch.setenv("FAULTY_KEY", KEY)
    translator = made(good, api_key_env="FAULTY_KEY")
    with caplog.at_level(0):
        translated(translator, ["hello"])
    assert good.asked[0].headers["authorization"] == f"Bearer {KEY}"
    kept = [repr(translator), pickle.dumps(translator).decode(errors="replace"), caplog.text]
    kept += [str(component_identity(translator, purpose)) for purpose in ("memory", "fingerprint")]
    assert not [one for one in kept if KEY in one]
    good.fault = lambda *_: (400, f"{KEY} again")
    (told,) = translated(translator, ["hello"])
    assert told.reason == "server: 400, *** again"
    monkeypatch.setenv("FAULTY_KEY", " ")
    with pytest.raises(ConfigError, match=r"\$FAULTY_KEY"):
        translated(translator, ["hello"])


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@127.0.0.1/v1",
        "http://hunter2@host/v1",
        "https://host/v1?key=hunter2",
        "host/v1",
        "ftp://host/v1",
    ],
)
def test_addresses_that_are_none_or_hold_a_secret(url):
    with pytest.raises(ConfigError) as caught:
        made(url)
    assert "hunter2" not in str(caught.value)


def test_settings():
    for name in ("in_flight", "timeout", "beams", "new_tokens_at_most", "new_tokens_per_token"):
        with pytest.raises(ConfigError, match=name):
            made("http://h/v1", **{name: 0})
    with pytest.raises(ConfigError, match="exclude"):
        made("http://h/v1", beams=2, temperature=1.0)
    with pytest.raises(ConfigError, match="base_urls"):
        made()
    with pytest.raises(ConfigError, match="Swahili"):
        translated(made("http://h/v1"), ["hello"], target=Language.of("sw"))
    with pytest.raises(ConfigError, match="encoder-decoder"):
        translated(replace(made("http://h/v1"), family="nllb"), ["hello"])
    with pytest.raises(LangAdaptError, match="family"):
        translated(replace(made("http://h/v1"), family=None), ["hello"])


def test_identity():
    one = made("http://h/v1")
    other = made("http://g/v1", "http://h/v1", in_flight=3, timeout=9.0, retries=1, api_key_env="KEY")
    for purpose in ("memory", "fingerprint"):
        assert component_identity(one, purpose) == component_identity(other, purpose)
    for change in (
        {"model": "b"},
        {"revision": "2"},
        {"temperature": 0.5},
        {"temperature": 0.5, "seed": 1},
        {"beams": 2},
        {"family": "tower"},
    ):
        other = replace(one, **change)
        assert component_identity(other, "memory") != component_identity(one, "memory"), change
    warm = replace(one, temperature=0.5)
    assert component_identity(replace(warm, seed=1), "memory") != component_identity(warm, "memory")
    assert component_identity(replace(one, seed=1), "memory") == component_identity(one, "memory")
    longer = replace(one, new_tokens_at_most=9)
    assert component_identity(longer, "memory") == component_identity(one, "memory")

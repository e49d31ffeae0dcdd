"""`openai`: what a server receives of context, glossary and form of address, in chats, and what it must pass on."""

from dataclasses import replace

import pytest
from faulty_server import DE, EN, FaultyServer, made, segments, translated, translation
from tiny import tiny_model

from langadapt.errors import ComponentError, ConfigError
from langadapt.identity import component_identity
from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import LanguagePack
from langadapt.models import families
from langadapt.retry import Retry
from langadapt_plugins.translators.openai import OpenaiTranslator
from langadapt_plugins.translators.prompts import Prompting
from langadapt_plugins.translators.transformers import TransformersTranslator

NO_SYSTEM = (400, "System role not supported")
WORDS = {
    "system": "To {target}. {address}", "template": "{glossary}\n{context}\nText: {text}", "glossary": "So:\n{terms}",
    "term": "{term}={translation}", "context": "Zuvor: {context}", "informal": "Du!", "formal": "Sie!",
}  # fmt: skip
CHAT = "{% for one in messages %}<{{ one.role }}>{{ one.content }}</>{% endfor %}<assistant>"


@pytest.fixture
def glossary(tmp_path):
    path = tmp_path / "glossary.tsv"
    path.write_text("english\tgerman\ncat\tKatze\nriver\tFluss\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from transformers import AutoTokenizer

    folder = tiny_model(tmp_path_factory.mktemp("tiny"), ["the cat sat on a mat by the blue river\n"] * 20)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return folder


def asking(server, family="instruct", **settings):
    return replace(made(server), family=family, **settings)


def told(translator, *texts):
    found = dict(translator.translate(texts, source=EN, target=DE))
    return [found[index] for index in range(len(texts))]


def sent(*texts, fault=None, brand="faulty", **settings):
    """The messages or prompts that a server is sent for these texts, in their order, and its other keys."""
    given = [one if isinstance(one, Segment) else Segment(text=one) for one in texts]
    with FaultyServer(fault=fault, brand=brand) as server:
        told(asking(server, in_flight=1, **settings), *given)
        return [one.body.get("messages", one.body.get("prompt")) for one in server.asked]


def test_terms_of_the_text_reach_the_server_and_no_others(glossary):
    (said,) = sent("A cat.", glossary=glossary)[0]
    assert said["role"] == "user"
    assert "Translate these terms as given:\ncat: Katze\n\nThe text:\nA cat." in said["content"]
    assert "terms" not in sent("A cataract.", glossary=glossary)[0][0]["content"]


@pytest.mark.parametrize(
    ("address", "words"), [("informal", "informally"), ("formal", "formally and politely")]
)
def test_the_form_of_address_reaches_the_server(address, words):
    assert f"Address the reader {words}" in sent("Come in.", address=address)[0][0]["content"]
    assert "Address" not in sent("Come in.")[0][0]["content"]


def test_context_reaches_the_server_where_the_family_reads_it():
    segment = Segment(text="It.", context="A river.")
    ((said,),) = sent(segment)
    assert said["content"].endswith("not to be translated:\nA river.\n\nThe text:\nIt.")
    assert sent(segment, family="alma") == sent("It.", family="alma")


def test_a_raw_prompt_holds_what_is_said_beside_the_text(glossary, monkeypatch):
    raw = replace(families()["hy-mt"], chat=False)
    monkeypatch.setattr(OpenaiTranslator, "_family", raw)
    (prompt,) = sent(Segment(text="A cat.", context="A river."), glossary=glossary)
    assert isinstance(prompt, str)
    assert "\ncat 翻译成 Katze\n\nA river.\n" in prompt


def test_the_packs_words_are_sent_with_their_system_message(glossary):
    wording = {"language": "de", **WORDS}
    segment = Segment(text="A cat.", context="Vorher.")
    (chat,) = sent(segment, wording=wording, address="informal", glossary=glossary)
    assert chat == [
        {"role": "system", "content": "To German. Du!"},
        {"role": "user", "content": "So:\ncat=Katze\nZuvor: Vorher.\nText: A cat."},
    ]


@pytest.mark.parametrize(
    ("brand", "given"),
    [("vllm", {"enable_thinking": False}), ("sglang", {"enable_thinking": False}), ("faulty", None)],
)
def test_who_thinks_unless_told_not_to_is_told_by_servers_that_take_it(brand, given):
    with FaultyServer(brand=brand) as server:
        told(asking(server, "qwen3"), Segment(text="hello"))
        told(asking(server, "instruct"), Segment(text="hello"))
        assert [one.body.get("chat_template_kwargs") for one in server.asked] == [given, None]


def strict(_, asked):
    return NO_SYSTEM if asked.body["messages"][0]["role"] == "system" else None


def test_a_template_without_a_system_role_has_it_said_by_the_user():
    first, *rest = sent("one", "three", "seven", family="eurollm", fault=strict)
    system = families()["eurollm"].system
    assert [one["role"] for one in first] == ["system", "user"]
    assert [[one["role"] for one in chat] for chat in rest] == [["user"]] * 3, "known after the first"
    assert all(chat[0]["content"].startswith(f"{system}\n\nTranslate the following") for chat in rest)


def test_another_refusal_stays_what_it_is():
    with FaultyServer(fault=lambda *_: (400, "unknown field 'seed'")) as server:
        (one,) = told(asking(server, "eurollm"), Segment(text="hello"))
        assert (one.finish, one.reason) == ("error", "server: 400, unknown field 'seed'")
        assert len(server.asked) == 2
    with FaultyServer(fault=lambda *_: (400, "maximum context length is 9")) as server:
        (one,) = told(asking(server, "eurollm"), Segment(text="hello"))
        assert (one.finish, len(server.asked)) == ("too-long", 1)


def test_a_fault_while_it_is_found_out_loses_no_text():
    def fault(number, asked):
        return (503, "busy") if number == 2 else strict(number, asked)

    with FaultyServer(fault=fault) as server:
        (one,) = told(asking(server, "eurollm"), Segment(text="hello"))
        assert (one.finish, one.tries) == ("stop", 2)


def test_context_that_a_server_has_no_room_for_is_left_out():
    def fault(_, asked):
        return (400, "maximum context length is 99") if "A river" in asked.text else None

    segment = Segment(text="It.", context="A river.")
    with FaultyServer(fault=fault) as server:
        (one,) = told(Retry(inner=asking(server, "hy-mt", new_tokens_per_token=99.0)), segment)
        assert (one.finish, one.without_context, one.tries) == ("stop", True, 2)
        first, second = (asked.body["messages"] for asked in server.asked)
    assert "A river." in first[0]["content"]
    assert second == sent("It.", family="hy-mt")[0]
    with FaultyServer(fault=lambda *_: (400, "maximum context length is 99")) as server:
        (one,) = told(Retry(inner=asking(server, "hy-mt", new_tokens_per_token=99.0)), segment)
        assert (one.finish, len(server.asked)) == ("too-long", 2)


@pytest.mark.parametrize("family", ["instruct", "hy-mt"])
def test_with_a_tokenizer_lengths_and_room_are_those_of_the_other_engines(folder, glossary, family):
    more = {"glossary": glossary, "new_tokens_at_most": 24}
    texts = [
        Segment(text="A cat.", context="A river."), Segment(text="It."),
        Segment(text="The river.", context="the cat sat on a mat " * 300),
    ]  # fmt: skip
    other = TransformersTranslator(model=ModelRef(str(folder)), family=family, dtype="float32", **more)
    expected = dict(other._requests(texts, EN, DE))
    own = asking("http://h/v1", family, tokenizer=ModelRef(str(folder)), **more)
    prompting = Prompting.load(ModelRef(str(folder)), families()[family])
    assert expected[2].without_context
    found = dict(own._asks(texts, EN, DE))
    assert found.pop(2) == expected.pop(2)
    asks = list(found.values())
    read = [prompting._encoded(prompting._chats([a.prompt]), special=False, literal=False)[0] for a in asks]
    limits = [(len(one.tokens), one.limit) for one in expected.values()]
    assert [(len(one), ask.limit) for one, ask in zip(read, asks, strict=True)] == limits
    assert [ask.context for ask in asks] == [True, False]


def template(_, asked):
    """As TranslateGemma's does: one item of the user's, with two languages that it knows."""
    (chat,) = asked.body["messages"]
    (item,) = chat["content"]
    known = {item.get(key) for key in ("source_lang_code", "target_lang_code")} <= {"en", "de"}
    return None if known else (400, "unsupported language code")


def test_translategemma_is_sent_an_item_with_its_languages():
    *tried, asked = sent("A <x1> cat.", family="translategemma", fault=template)
    item = {"type": "text", "source_lang_code": "en", "target_lang_code": "de", "text": "A <x1> cat."}
    assert asked == [{"role": "user", "content": [item]}]
    assert [chat[0]["content"][0]["target_lang_code"] for chat in tried] == ["no-language", "de"]
    with FaultyServer(fault=template) as server:
        found = translated(asking(server, "translategemma"), ["one", "two"])
        assert [one.text for one in found] == [translation("one"), translation("two")]
        assert {one.body["max_tokens"] for one in server.asked[:2]} == {1}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (lambda *_: None, "it takes languages that there are not"),
        (lambda *_: (400, "source_lang_code is undefined"), "400, source_lang_code is undefined"),
        (lambda *_: (500, "template"), "500, template"),
    ],
    ids=["heeds-none", "drops-them", "fails"],
)
def test_translategemma_fails_where_a_server_does_not_pass_its_languages_on(fault, why):
    with FaultyServer(fault=fault) as server:
        with pytest.raises(ComponentError, match="languages that an item names") as caught:
            told(asking(server, "translategemma"), Segment(text="A cat."))
        assert why in str(caught.value)
        assert "A cat." not in server.texts(), "no text is sent"
        assert all(isinstance(one.body["messages"][0]["content"], list) for one in server.asked)


def test_a_busy_server_is_no_server_that_drops_them(monkeypatch):
    from langadapt_plugins.translators import servers as pool

    monkeypatch.setattr(pool, "_FIRST_WAIT_S", 0.025)
    with FaultyServer(fault=lambda n, asked: (503, "busy") if n == 1 else template(n, asked)) as server:
        (one,) = told(asking(server, "translategemma"), Segment(text="A cat."))
        assert one.finish == "stop"
    with (
        FaultyServer(fault=lambda *_: (401, "who")) as server,
        pytest.raises(ComponentError, match="does not accept the key"),
    ):
        told(asking(server, "translategemma"), Segment(text="A cat."))


@pytest.mark.parametrize(
    ("family", "settings", "why"),
    [("alma", {"address": "formal"}, "no form of address"), ("tower-plus", {"glossary": True}, "no place for terms")],
)  # fmt: skip
def test_what_a_family_cannot_be_told_is_refused_before_anything_is_sent(glossary, family, settings, why):
    settings = {key: glossary if value is True else value for key, value in settings.items()}
    with FaultyServer() as server:
        refused = asking(server, family, **settings)
        with pytest.raises(ConfigError, match=why):
            refused.check(LanguagePack.bare("de"))
        with pytest.raises(ConfigError, match=why):
            next(refused.translate(segments(["a"]), source=EN, target=DE))
        assert not server.asked
    with pytest.raises(ConfigError, match="'alma' read no context"):
        made("http://h/v1").check_context()
    with pytest.raises(ConfigError, match="wording"):
        asking("http://h/v1", wording={"templat": "x"})


def key(translator):
    return str(component_identity(translator, "memory"))


def test_keys_change_with_what_is_said_beside_the_text_as_far_as_it_is_used(glossary):
    plain = asking("http://h/v1")
    terms = replace(plain, glossary=glossary)
    changed = [
        replace(plain, address="formal"),
        replace(plain, wording=WORDS),
        replace(plain, family="qwen3"),
    ]
    assert len({key(one) for one in (plain, terms, *changed)}) == 5
    worded = replace(plain, wording=WORDS)
    assert key(worded) == key(replace(plain, wording={**WORDS, "formal": "Other!"}))
    assert key(worded) != key(replace(plain, wording={**WORDS, "context": "{context}!"}))
    before = key(terms)
    glossary.write_text("english\tgerman\ncat\tKater\n", encoding="utf-8")
    assert key(terms) != before
    alma = made("http://h/v1")
    assert key(alma) == key(replace(alma, wording=WORDS))

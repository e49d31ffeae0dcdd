"""`transformers` on a tiny random model: real weights, real generation, arbitrary text."""

import gc
import pickle
import sys
import weakref
from dataclasses import replace
from random import Random

import pytest
from tiny import tiny_model

from langadapt.errors import ComponentError, ConfigError
from langadapt.identity import component_identity
from langadapt.interfaces import Hypothesis, ModelRef, Segment, Translator
from langadapt.languages import Language
from langadapt_plugins.translators.transformers import TransformersTranslator
from langadapt_plugins.translators.vllm import VllmTranslator

EN, DE = Language.of("en"), Language.of("de")
WORDS = "the cat sat on a mat and said hello to every small blue house near our long river today"
SPECIAL = [
    "</s>",
    "<s> hi <pad>",
    "[INST] x [/INST]",
    "a\tb",
    "\u2603 \U0001f600 e\u0301",
    "{text} {source}",
    "\x00\ufffd",
    "  edge  ",
]


def sentences(count, seed=0):
    draw = Random(seed)
    return [" ".join(draw.choices(WORDS.split(), k=draw.randint(1, 40))) for _ in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(
        tmp_path_factory.mktemp("tiny"), ["Translate this from English to German:\n", *sentences(300, 1)]
    )


@pytest.fixture
def translator(folder):
    made = TransformersTranslator(
        model=ModelRef(str(folder)), family="alma", dtype="float32", batch_size=4, device="cpu",
        new_tokens_at_most=24, new_tokens_per_token=1.0,
    )  # fmt: skip
    yield made
    made.close()


def translated(translator, texts, source=EN, target=DE):
    pairs = list(translator.translate([Segment(text=text) for text in texts], source=source, target=target))
    assert sorted(index for index, _ in pairs) == list(range(len(texts)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


def test_is_a_translator(translator):
    assert isinstance(translator, Translator)
    assert translator.deterministic


@pytest.mark.slow
@pytest.mark.parametrize("beams", [1, 3])
def test_alone_equals_batch_in_any_order(translator, beams):
    translator = replace(translator, beams=beams)
    texts = sentences(13)
    together = translated(translator, texts)
    assert together == translated(replace(translator, batch_size=13), texts)
    assert together == translated(translator, texts[::-1])[::-1]
    assert together == [translated(translator, [text])[0] for text in texts]
    assert {one.finish for one in together} <= {"stop", "length", "error"}


def test_no_texts(translator):
    assert translated(translator, []) == []
    assert "_model" not in vars(translator)


def test_special_characters_are_text(translator):
    for text, one in zip(SPECIAL, translated(translator, SPECIAL), strict=True):
        assert one.finish in ("stop", "length", "error")
        _, request = next(translator._requests([Segment(text=text)], EN, DE))
        assert not set(request.tokens) & {0, 1, 2}, text


def test_too_long_is_said_and_not_sent(translator, monkeypatch):
    texts = [WORDS * 20, "one line\nand another", "short"]
    long, lines, short = translated(translator, texts)
    assert (long.finish, lines.finish) == ("too-long", "too-long")
    assert "256" in long.reason
    assert "several lines" in lines.reason
    assert not long.text
    assert short.finish != "too-long"
    context = translated(
        replace(translator, new_tokens_at_most=5000, new_tokens_per_token=100.0), ["the cat sat on a mat"]
    )[0]
    assert "context of 512" in context.reason
    endless = translated(translator, ["word " * 1_000_000])[0]
    assert (endless.tokens_in, endless.reason[:18]) == (0, "5000000 characters")


def test_an_answer_is_cut_at_its_own_limit(translator):
    texts = ["a", WORDS]
    wide = replace(translator, new_tokens_at_most=64, new_tokens_per_token=1.0)
    for one, (_, request) in zip(
        translated(wide, texts), wide._requests([Segment(text=t) for t in texts], EN, DE), strict=True
    ):
        assert one.tokens_out <= request.limit
        assert (one.finish == "length") == (one.tokens_out == request.limit)
        assert one.tokens_in == len(request.tokens)
    assert {one.finish for one in translated(wide, texts)} >= {"length"}


def written(translator, monkeypatch, *pieces):
    """What comes of a model that writes `pieces`."""
    tokens = [
        token
        for piece in pieces
        for token in ([piece] if isinstance(piece, int) else encoded(translator, piece))
    ]
    made = lambda self, requests, size: ((request, tokens) for request in requests)  # noqa: E731
    monkeypatch.setattr(type(translator), "_generated", made)
    return translated(translator, ["hello"])[0]


def encoded(translator, text):
    return translator._prompting.tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    ("pieces", "text", "finish"),
    [
        ((" hello", 2, " said"), "hello", "stop"),
        ((" hello\n", "said", 2), "hello", "stop"),
        (("\n hello\n", "said"), "hello", "stop"),
        (("\n\n", " hello", 2), "hello", "stop"),
        ((2, " said"), "", "error"),
        ((" \n", 2), "", "error"),
        ((" hello",), "hello", "length"),
    ],
)
def test_reading(translator, monkeypatch, pieces, text, finish):
    one = written(translator, monkeypatch, *pieces)
    assert (one.text, one.finish) == (text, finish)
    assert bool(one.reason) == (finish != "stop")
    assert one.finished == (finish == "stop")


def test_blank_text_is_not_sent(translator):
    assert translated(translator, [" \t"]) == [
        Hypothesis(text="", finish="error", reason="nothing to translate")
    ]


def test_a_row_ends_at_its_line(translator, monkeypatch):
    """The model is stopped at the newline, not only read up to it."""
    import torch

    (newline,) = encoded(translator, "\n")
    model = translator._model
    steps = []
    plain = model.forward

    def forward(*args, **settings):
        out = plain(*args, **settings)
        steps.append(1)
        out.logits[:, -1] = torch.nn.functional.one_hot(
            torch.tensor(newline if len(steps) % 4 == 0 else 40), out.logits.shape[-1]
        )
        return out

    monkeypatch.setattr(model, "forward", forward)
    assert [one.finish for one in translated(translator, ["hello", "the cat"])] == ["stop", "stop"]
    assert len(steps) == 4


def test_close_frees_and_loads_again(translator):
    before = translated(translator, ["hello"])
    model = weakref.ref(translator._model)
    translator.close()
    gc.collect()
    assert model() is None
    assert translated(translator, ["hello"]) == before


def test_identical_after_pickling(translator):
    before = translated(translator, sentences(5))
    data = pickle.dumps(translator)
    assert len(data) < 2000
    copy = pickle.loads(data)
    assert copy == translator
    assert translated(copy, sentences(5)) == before


def test_an_unknown_language_is_refused_before_loading(translator):
    with pytest.raises(ConfigError, match="Swahili"):
        translated(translator, ["hello"], target=Language.of("sw"))
    assert "_prompting" not in vars(translator)


def test_wrong_folders_are_named(translator, tmp_path):
    with pytest.raises(ComponentError, match=str(tmp_path)):
        translated(replace(translator, model=ModelRef(str(tmp_path))), ["hello"])
    with pytest.raises(ConfigError, match="no/model"):
        translated(replace(translator, model=ModelRef(str(tmp_path / "no/model"))), ["hello"])


def test_a_missing_library_is_named_with_its_extra(translator, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(ComponentError, match="'vllm' is not installed") as caught:
        translated(VllmTranslator(model=translator.model, family="alma"), ["hello"])
    assert "langadapt[vllm]" in caught.value.hint


def test_a_chat_family_needs_a_template(translator, folder):
    chat = replace(translator, family="x-alma")
    with pytest.raises(ConfigError, match="chat template"):
        translated(chat, ["hello"])


def test_a_chat_family_asks_in_one_turn(translator, folder, tmp_path):
    from shutil import copytree

    copy = copytree(folder, tmp_path / "chat")
    template = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[answer]{% endif %}"
    (copy / "chat_template.jinja").write_text(template)
    chat = replace(translator, model=ModelRef(str(copy)), family="x-alma")
    _, request = next(chat._requests([Segment(text="hello")], EN, DE))
    said = chat._prompting.tokenizer.decode(request.tokens)
    assert said == "<s>[user]Translate this from English to German:\nEnglish: hello\nGerman:[answer]"
    assert len(translated(chat, sentences(3))) == 3


@pytest.mark.parametrize("setting", ["beams", "batch_size", "new_tokens_at_most", "new_tokens_per_token"])
def test_impossible_settings_are_refused(translator, setting):
    with pytest.raises(ConfigError, match=setting):
        replace(translator, **{setting: 0})


def test_speed_and_limits_are_no_part_of_the_memory_key(translator):
    other = replace(translator, batch_size=9, device="auto", new_tokens_at_most=9, new_tokens_per_token=9.0)
    assert component_identity(other, "memory") == component_identity(translator, "memory")
    assert component_identity(other, "fingerprint") != component_identity(translator, "fingerprint")
    assert component_identity(replace(translator, beams=2), "memory") != component_identity(
        translator, "memory"
    )

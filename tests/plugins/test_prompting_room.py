"""A text whose context leaves no room is asked for by itself, and remembered as that and nothing else."""

from contextlib import closing
from dataclasses import replace

import pytest
from faulty_server import DE, EN, FaultyServer, made

from langadapt.interfaces import ModelRef, Segment
from langadapt.memory import Remembering, TranslationMemory
from langadapt.models import Asked, families
from langadapt.retry import Retry
from langadapt.testing.tiny import taught_model
from langadapt_plugins.translators.transformers import TransformersTranslator

PLAIN, AFTER = Segment(text="A cat."), Segment(text="A cat.", context="Meow. Meow.")


@pytest.fixture
def memory(tmp_path):
    with closing(TranslationMemory(tmp_path / "memory.sqlite")) as kept:
        yield kept


def told(translator, memory, segment):
    """As a recipe has its translators: remembering around retrying."""
    whole = Remembering(inner=Retry(inner=translator, memory=memory), memory=memory)
    ((_, one),) = whole.translate([segment], source=EN, target=DE)
    assert one.finished
    return one


def test_what_a_server_had_no_room_for_is_asked_again_where_there_is_room(memory):
    def full(_, asked):
        return (400, "maximum context length is 99") if "Meow" in asked.text else None

    with FaultyServer(fault=full) as server:
        small = replace(made(server), family="hy-mt", new_tokens_per_token=99.0)
        assert told(small, memory, AFTER).without_context
        assert ["Meow" in text for text in server.texts()] == [True, False]
        assert told(small, memory, PLAIN).origin == "memory"
        assert told(small, memory, AFTER).without_context
        assert len(server.asked) == 3, "the text by itself is remembered; only what may fit now is asked"
    with FaultyServer() as server:
        large = replace(made(server), family="hy-mt", new_tokens_per_token=99.0)
        answer = told(large, memory, AFTER)
        assert ("mEOW" in answer.text, answer.without_context, len(server.asked)) == (True, False, 1)
        assert told(large, memory, AFTER).origin == "memory"
        assert "mEOW" not in told(large, memory, PLAIN).text


def test_what_is_too_long_even_so_goes_in_parts_without_context(memory):
    def long(_, asked):
        return (400, "maximum context length is 99") if "One. Two." in asked.text else None

    with FaultyServer(fault=long) as server:
        translator = replace(made(server), family="hy-mt", new_tokens_per_token=99.0)
        segment = Segment(text="One. Two.", context="Meow.")
        assert told(translator, memory, segment).without_context
        assert len(server.asked) == 4
        assert ["Meow" in text for text in server.texts()] == [True, False, False, False]
        alone = told(translator, memory, replace(segment, context=""))
        assert (alone.origin, len(server.asked)) == ("memory", 4)


def test_parts_of_a_text_that_is_too_long_by_itself_keep_its_context(memory):
    with FaultyServer() as server:
        translator = replace(made(server), family="hy-mt", new_tokens_per_token=99.0)
        sentence = f"Say {'so-and-so ' * 180}."
        answer = told(translator, memory, Segment(text=f"{sentence} {sentence}", context="Meow."))
        assert (answer.without_context, answer.text.count("sAY")) == (False, 2)
        assert ["Meow" in text for text in server.texts()] == [True]


@pytest.mark.slow
def test_a_model_with_room_for_the_text_alone_is_asked_for_the_text_alone(memory, tmp_path):
    family = families()["instruct"]
    chats = [family.messages(one.text, EN, DE, asked=Asked(context=one.context)) for one in (PLAIN, AFTER)]
    folder = taught_model(tmp_path / "model", list(zip(chats, ("Ein Tier.", "Ein Kater."), strict=True)))
    wide = TransformersTranslator(
        model=ModelRef(str(folder)),
        family="instruct",
        dtype="float32",
        device="cpu",
        new_tokens_per_token=1e6,
    )
    with closing(wide):
        (alone, count), _ = wide._prompts([PLAIN, AFTER], EN, DE)
        small = replace(wide, new_tokens_at_most=wide._context - count)
    assert len(alone) == count
    with closing(small):
        for origin in ("model", "memory"):
            first = told(small, memory, AFTER)
            assert (first.text, first.without_context) == ("Ein Tier.", True)
            assert told(small, memory, PLAIN).origin == "memory"
            assert ("_model" in vars(small)) == (origin == "model")
            small.close()
    with closing(wide):
        assert (told(wide, memory, AFTER).text, told(wide, memory, PLAIN).text) == ("Ein Kater.", "Ein Tier.")

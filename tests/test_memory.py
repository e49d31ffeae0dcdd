import itertools
from contextlib import closing

import pytest

from langadapt import memory as module
from langadapt.holdings import Selection, Unit, correct, holdings, saved, translators
from langadapt.identity import component_identity, digest
from langadapt.interfaces import Hypothesis, ModelRef, Segment
from langadapt.memory import Entry, Remembering, TranslationMemory


def hear(translator, texts, english, german):
    return dict(translator.translate([Segment(text=text) for text in texts], source=english, target=german))


def entry(text, **changes):
    return Entry("t", "en", "de", text)._replace(**changes)


def say(memory, pairs, target="de"):
    units = [Unit(source=source, target=said) for source, said in pairs.items()]
    return correct(memory, units, source="en", target=target, judge=list)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "memory.sqlite"


@pytest.fixture
def memory(path):
    with closing(TranslationMemory(path)) as opened:
        yield opened


def test_each_text_is_sent_once_and_remembered(memory, scripted, english, german):
    inner = scripted()
    first = hear(Remembering(inner=inner, memory=memory), ["a", "b", "a"], english, german)
    assert sorted(inner.asked) == ["a", "b"]
    assert [first[index].text for index in range(3)] == ["A", "B", "A"]
    again = hear(Remembering(inner=inner, memory=memory), ["b", "c", "a"], english, german)
    assert sorted(inner.asked) == ["a", "b", "c"]
    assert [again[i].origin for i in range(3)] == ["memory", "model", "memory"]


def test_texts_that_differ_in_white_space_are_one(memory, scripted, english, german):
    inner = scripted()
    texts = ["a b", "a  b", " a b\n", "a\tb", "a\u00a0b", "ab"]
    heard = hear(Remembering(inner=inner, memory=memory), texts, english, german)
    assert sorted(inner.asked) == ["a b", "ab"]
    assert {heard[index].text for index in range(5)} == {"A B"}
    assert hear(Remembering(inner=inner, memory=memory), ["a\r\nb"], english, german)[0].origin == "memory"


def test_only_finished_and_filled_hypotheses_are_kept(memory, scripted, english, german):
    answers = {
        "cut": Hypothesis(text="CU", finish="length"),
        "empty": Hypothesis(text="  "),
        "good": Hypothesis(text="GUT"),
    }
    inner = scripted(answer=answers.__getitem__)
    translator = Remembering(inner=inner, memory=memory)
    hear(translator, list(answers), english, german)
    hear(translator, list(answers), english, german)
    assert sorted(inner.asked) == ["cut", "cut", "empty", "empty", "good"]


def test_another_translator_language_or_context_is_another_key(memory, scripted, english, german):
    one, two = scripted(name="one"), scripted(name="two", answer=str.lower)
    hear(Remembering(inner=one, memory=memory), ["Aa"], english, german)
    assert hear(Remembering(inner=two, memory=memory), ["Aa"], english, german)[0].text == "aa"
    hear(Remembering(inner=one, memory=memory), ["Aa"], german, english)
    assert one.asked == ["Aa", "Aa"]
    with_context = [Segment(text="Aa", context="x")]
    list(Remembering(inner=one, memory=memory).translate(with_context, source=english, target=german))
    assert one.asked == ["Aa"] * 3


def test_what_was_yielded_before_a_crash_is_kept(path, scripted, english, german):
    def fails(text):
        if text == "a":
            raise RuntimeError("engine died")
        return text.upper()

    with closing(TranslationMemory(path)) as memory, pytest.raises(RuntimeError):
        hear(Remembering(inner=scripted(answer=fails), memory=memory), ["a", "b", "c"], english, german)
    inner = scripted()
    with closing(TranslationMemory(path)) as memory:
        hear(Remembering(inner=inner, memory=memory), ["a", "b", "c"], english, german)
    assert inner.asked == ["a"]


def test_what_a_person_said_wins_over_every_model(memory, scripted, english, german):
    one, two = scripted(name="one"), scripted(name="two")
    hear(Remembering(inner=one, memory=memory), ["a b", "c"], english, german)
    assert say(memory, {"a  b": "Ä"}).new == 1
    for inner in (one, two):
        heard = hear(Remembering(inner=inner, memory=memory), ["a\nb", "c"], english, german)
        assert (heard[0].text, heard[0].origin) == ("Ä", "person")
        assert heard[1].text == "C"
    assert "a\nb" not in one.asked + two.asked
    assert say(memory, {"a b": "Ö"}).replaced == 1
    assert say(memory, {"a b": "Ö"}).unchanged == 1
    assert hear(Remembering(inner=one, memory=memory), ["a b"], english, german)[0].text == "Ö"


def test_a_correction_stays_within_its_language_code(memory, scripted, english, german):
    from langadapt.languages import Language

    say(memory, {"a": "Jänner"}, target="de-AT")
    translator = Remembering(inner=scripted(), memory=memory)
    assert hear(translator, ["a"], english, german)[0].text == "A"
    assert hear(translator, ["a"], english, Language.of("de-AT"))[0].text == "Jänner"


def test_an_import_that_fails_changes_nothing(memory):
    say(memory, {"a": "A"})

    def broken():
        yield Unit(source="a", target="B")
        raise ValueError("the file ends here")

    with pytest.raises(ValueError, match="ends here"):
        correct(memory, broken(), source="en", target="de", judge=list)
    assert dict(memory.recall([entry("a")]))[entry("a")].text == "A"
    assert say(memory, {"a": "B"}).replaced == 1


def test_a_model_entry_that_comes_back_as_it_was_is_no_correction(memory):
    for translator, text in (("t", "A"), ("u", "AA")):
        memory.remember(entry("a", translator=translator), Hypothesis(text=text))
    back = [
        Unit(source="a", target="Ä", origin="model"),
        Unit(source="a", target="AA", origin="model"),
        Unit(source="a", target="A", origin="model", fault="is not judged, being what the memory has"),
    ]
    judged = []
    done = correct(memory, back, source="en", target="de", judge=judged.extend)
    assert not judged
    assert (done.new, done.replaced, done.unchanged, done.repeated) == (1, 0, 2, 0)
    assert dict(memory.recall([entry("a")]))[entry("a")].text == "Ä"


def test_recall_takes_and_holds_a_part_at_a_time(memory):
    for number in range(3 * module._LOOK_UP):
        memory.remember(entry(f"{number}"), Hypothesis(text=f"{number}"))
    taken = itertools.count()
    answers = memory.recall(entry(f"{next(taken)}") for _ in range(3 * module._LOOK_UP))
    next(answers)
    assert next(taken) == module._LOOK_UP


def test_what_was_saved_is_counted_and_translators_have_names(memory, scripted, english, german, tmp_path):
    inner = scripted(name="one")
    for _ in range(3):
        hear(Remembering(inner=inner, memory=memory), ["a", "b"], english, german)
    say(memory, {"b": "bé"})
    hear(Remembering(inner=inner, memory=memory), ["a", "b"], english, german)
    assert saved(memory) == {"answers": 6, "tokens_in": 5, "tokens_out": 5}
    person, model = holdings(memory, Selection())
    assert (person.translator, person.entries, person.answers) == ("person", 1, 1)
    assert (model.entries, model.tokens_in, model.answers, model.saved_out) == (2, 2, 5, 5)
    identity = digest(component_identity(inner, "memory"))
    assert model.translator == identity
    assert translators(memory) == {identity: f"Scripted(name=one) [{identity[:12]}]"}


@pytest.mark.parametrize("damaged", ["no JSON", "[]", '{"class": "a.B"}'])
def test_a_translator_whose_description_is_damaged_is_named_all_the_same(memory, damaged):
    with memory.use() as db:
        db.execute("INSERT INTO translators VALUES ('t', ?)", [damaged])
    assert translators(memory) == {"t": "of a damaged description [t]"}


def test_a_model_in_a_folder_is_called_by_its_folder(memory, tmp_path):
    from conftest import Scripted

    folder = tmp_path / "mini" / "translator"
    folder.mkdir(parents=True)
    (folder / "weights").write_text("1")
    inner = Scripted(name=ModelRef(str(folder)))
    _ = Remembering(inner=inner, memory=memory)._identity
    assert "Scripted(name=mini/translator)" in next(iter(translators(memory).values()))

import multiprocessing
import sqlite3

import pytest

from langadapt.errors import MachineError
from langadapt.interfaces import Hypothesis, Segment
from langadapt.memory import Remembering, TranslationMemory


def hear(translator, texts, english, german):
    return dict(translator.translate([Segment(text=text) for text in texts], source=english, target=german))


def test_each_text_is_sent_once_and_remembered(tmp_path, scripted, english, german):
    inner = scripted()
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    first = hear(Remembering(inner=inner, memory=memory), ["a", "b", "a"], english, german)
    assert sorted(inner.asked) == ["a", "b"]
    assert [first[index].text for index in range(3)] == ["A", "B", "A"]
    again = hear(Remembering(inner=inner, memory=memory), ["b", "c", "a"], english, german)
    assert sorted(inner.asked) == ["a", "b", "c"]
    assert [again[i].origin for i in range(3)] == ["memory", "model", "memory"]


def test_only_finished_and_filled_hypotheses_are_kept(tmp_path, scripted, english, german):
    answers = {
        "cut": Hypothesis(text="CU", finish="length"),
        "empty": Hypothesis(text="  "),
        "good": Hypothesis(text="GUT"),
    }
    inner = scripted(answer=answers.__getitem__)
    translator = Remembering(inner=inner, memory=TranslationMemory(tmp_path / "memory.sqlite"))
    hear(translator, list(answers), english, german)
    hear(translator, list(answers), english, german)
    assert sorted(inner.asked) == ["cut", "cut", "empty", "empty", "good"]


def test_another_translator_language_or_context_is_another_key(tmp_path, scripted, english, german):
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    one, two = scripted(name="one"), scripted(name="two", answer=str.lower)
    hear(Remembering(inner=one, memory=memory), ["Aa"], english, german)
    assert hear(Remembering(inner=two, memory=memory), ["Aa"], english, german)[0].text == "aa"
    hear(Remembering(inner=one, memory=memory), ["Aa"], german, english)
    assert one.asked == ["Aa", "Aa"]
    list(
        Remembering(inner=one, memory=memory).translate(
            [Segment(text="Aa", context="x")], source=english, target=german
        )
    )
    assert one.asked == ["Aa"] * 3


def test_what_was_yielded_before_a_crash_is_kept(tmp_path, scripted, english, german):
    path = tmp_path / "memory.sqlite"

    def fails(text):
        if text == "a":
            raise RuntimeError("engine died")
        return text.upper()

    with pytest.raises(RuntimeError):
        hear(
            Remembering(inner=scripted(answer=fails), memory=TranslationMemory(path)),
            ["a", "b", "c"],
            english,
            german,
        )
    inner = scripted()
    hear(Remembering(inner=inner, memory=TranslationMemory(path)), ["a", "b", "c"], english, german)
    assert inner.asked == ["a"]


def _write(path, start):
    memory = TranslationMemory(path)
    for number in range(start, start + 200):
        memory.remember(str(number), ("t", "en", "de", "x", ""), Hypothesis(text=str(number)))
    memory.close()


def test_two_processes_write_at_once(tmp_path):
    path = tmp_path / "memory.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, start)) for start in (0, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    known = TranslationMemory(path).recall([str(number) for number in range(300)])
    assert {key: hypothesis.text for key, hypothesis in known.items()} == {str(n): str(n) for n in range(300)}


def test_a_file_that_is_no_memory_is_named(tmp_path):
    path = tmp_path / "memory.sqlite"
    path.write_text("no database" * 100)
    with pytest.raises(MachineError, match=r"memory\.sqlite") as caught:
        TranslationMemory(path)
    assert "--memory" in caught.value.hint
    assert sqlite3.sqlite_version

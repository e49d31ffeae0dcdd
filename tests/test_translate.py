"""The translate stage: rows in, rows of the same shape out, or held with a reason."""

import json
import re
from contextlib import closing

import pytest

from langadapt import stages, translating
from langadapt.holdings import saved
from langadapt.interfaces import Hypothesis
from langadapt.memory import Remembering, TranslationMemory
from langadapt.progress import Silent
from langadapt.translations import Paths, read_translations


def shout(text):
    """Upper case, less the placeholders."""
    return re.sub(r"<X(\d+)>", r"<x\1>", text.upper())


def chat(key, *texts, **extra):
    roles = ("user", "assistant")
    turns = [{"role": roles[n % 2], "content": text, "weight": n} for n, text in enumerate(texts)]
    return {"id": key, "messages": turns, **extra}


@pytest.fixture
def translated(tmp_path, english, german):
    """Run `translate` over rows; gives counts, a reader of what it wrote, and the paths."""

    def run(rows, translator, name="out"):
        source = tmp_path / "in.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        paths = Paths.beside(tmp_path / f"{name}.jsonl")
        told = stages.translate(
            source, paths, translator, languages=(english, german), mode="markdown", progress=Silent()
        )
        files = {"rows": paths.rows, "held": paths.held, "segments": paths.segments}
        return told, {
            key: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            for key, path in files.items()
        }

    return run


def test_rows_keep_ids_order_shape_and_all_that_is_not_text(translated, scripted):
    rows = [
        chat("b", "one", "two\n\n- three `x y`", license="MIT", split="train"),
        {"id": 1, "prompt": "why", "chosen": [{"role": "assistant", "content": "so"}], "rejected": "no"},
        {"id": "a", "text": "# four\n12\n```\ncode\n```\nsee https://a.org/b now", "language": "en"},
    ]
    told, out = translated(rows, scripted(answer=shout))
    assert out["rows"] == [
        chat("b", "ONE", "TWO\n\n- THREE `x y`", license="MIT", split="train"),
        {"id": 1, "prompt": "WHY", "chosen": [{"role": "assistant", "content": "SO"}], "rejected": "NO"},
        {"id": "a", "text": "# FOUR\n12\n```\ncode\n```\nSEE https://a.org/b NOW", "language": "de"},
    ]
    assert out["held"] == []
    assert out["segments"][0] == {
        "id": "b",
        "translated": True,
        "pairs": [
            {"source": "one", "target": "ONE", "text": 0},
            {"source": "two", "target": "TWO", "text": 1},
            {"source": "three <x1>", "target": "THREE <x1>", "text": 1},
        ],
    }
    assert (told["records"], told["translated"], told["held"]) == (3, 3, {})


HELD = {
    "cut": (Hypothesis(text="HAL", finish="length"), "length: Say it"),
    "long": (Hypothesis(text="", finish="too-long", reason="700 tokens, at most 512"), "too-long: 700 tokens, at most 512"),
    "broken": (Hypothesis(text="", finish="error", reason="engine"), "error: engine"),
    "empty": (Hypothesis(text=" \n"), "empty: Say it"),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_a_row_with_a_segment_that_is_unfinished_or_empty_is_held_whole(translated, scripted, name):
    answer, reason = HELD[name]
    rows = [chat("bad", "fine", "Say it"), chat("good", "fine")]
    told, out = translated(rows, scripted(answer={"fine": "gut", "Say it": answer}.__getitem__))
    assert out["rows"] == [chat("good", "gut")]
    assert out["held"] == [{**rows[0], "held": {"reason": reason}}]
    assert [row["id"] for row in out["segments"]] == ["good"]
    assert told["held"] == {reason.split(":")[0]: 1}
    assert (told["records"], told["translated"]) == (2, 1)
    assert told["unfinished"] == (name != "empty")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("Nutze das jetzt", "placeholders"),
        ("Nutze <x1> und <x1>", "placeholders"),
        ("Nutze <x2>", "placeholders"),
        ("Nutze <x1>\njetzt", "lines"),
        ("- Nutze <x1>", "structure"),
        ("Nutze <x1> `neu`", "structure"),
    ],
)
def test_a_row_whose_protected_parts_did_not_come_back_is_held(translated, scripted, answer, kind):
    row = {"id": "1", "text": "Use `make` now"}
    told, out = translated([row], scripted(answer={"Use <x1> now": answer}.__getitem__))
    assert out["rows"] == []
    assert out["held"][0]["held"]["reason"].startswith(f"{kind}: ")
    assert told["held"] == {kind: 1}


def test_rows_in_the_target_language_pass_as_they_are_and_others_are_held(translated, scripted):
    rows = [
        {"id": "1", "text": "Guten Tag", "language": "de", "note": 1},
        {"id": "2", "text": "Bonjour", "language": "fr"},
        {"id": "3", "text": "hello"},
    ]
    inner = scripted()
    told, out = translated(rows, inner)
    assert inner.asked == ["hello"]
    assert out["rows"] == [rows[0], {"id": "3", "text": "HELLO"}]
    assert out["held"][0]["held"]["reason"] == "language: fr is neither en nor de"
    assert out["segments"][0] == {"id": "1", "translated": False, "pairs": []}
    assert (told["segments"], told["held"]) == (1, {"language": 1})


def test_rows_in_a_variety_of_the_target_language_pass(translated, scripted):
    rows = [
        {"id": "1", "text": "Servus", "language": "de-AT"},
        {"id": "2", "text": "Grüezi", "language": "gsw"},
    ]
    _, out = translated(rows, scripted())
    assert out["rows"] == rows[:1]
    assert out["held"][0]["held"]["reason"] == "language: gsw is neither en nor de"


def test_duplicates_are_sent_once_and_counted(translated, scripted):
    rows = [{"id": str(n), "text": "hello\nworld\nhello"} for n in range(3)]
    inner = scripted()
    told, out = translated(rows, inner)
    assert sorted(inner.asked) == ["hello", "world"]
    assert [row["text"] for row in out["rows"]] == ["HELLO\nWORLD\nHELLO"] * 3
    assert told.pop("seconds") >= 0
    assert told.pop("tokens_per_s") >= 0
    assert told == {
        "records": 3, "translated": 3, "held": {}, "segments": 9, "unique": 2,
        "remembered": 0, "corrected": 0, "retried": 0, "routed": {}, "untouched": 0, "tokens_in": 2, "tokens_out": 2, "unfinished": 0,
    }  # fmt: skip


def test_windows_change_nothing_that_is_written(translated, scripted, monkeypatch):
    rows = [{"id": str(n), "text": f"row {n}"} for n in range(7)]
    rows[3]["language"], rows[5]["language"] = "fr", "de"
    _, whole = translated(rows, scripted())
    monkeypatch.setattr(translating, "WINDOW", 2)
    told, pieces = translated(rows, scripted(), "pieces")
    assert pieces == whole
    assert [row["id"] for row in whole["rows"]] == ["0", "1", "2", "4", "5", "6"]
    assert (told["segments"], told["records"]) == (5, 7)


def test_what_comes_again_in_a_later_window_is_counted_once(translated, scripted, monkeypatch, tmp_path):
    monkeypatch.setattr(translating, "WINDOW", 2)
    rows = [{"id": str(n), "text": ["one", "two", "three"][n % 3]} for n in range(12)]
    with closing(TranslationMemory(tmp_path / "memory.sqlite")) as memory:
        for remembered in (0, 3):
            told, _ = translated(rows, Remembering(inner=scripted(), memory=memory))
            assert (told["segments"], told["unique"], told["remembered"]) == (12, 3, remembered)
        assert saved(memory)["answers"] == 3


def test_what_is_written_is_the_same_from_the_model_and_from_memory(translated, scripted, tmp_path):
    rows = [chat(str(n), "hello", f"answer {n}\n* `a`: item {n}") for n in range(4)]
    inner = scripted(answer=shout)
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    first, _ = translated(rows, Remembering(inner=inner, memory=memory), "one")
    asked = list(inner.asked)
    second, _ = translated(rows, Remembering(inner=inner, memory=memory), "two")
    assert inner.asked == asked
    assert first["translated"] == 4
    for end in ("jsonl", "held.jsonl", "segments.jsonl"):
        assert (tmp_path / f"one.{end}").read_bytes() == (tmp_path / f"two.{end}").read_bytes()
    assert (first["remembered"], second["remembered"]) == (0, first["unique"])
    assert (second["tokens_in"], second["tokens_out"]) == (0, 0)


def test_what_a_person_wrote_is_marked_in_the_pairs(translated, scripted):
    def answer(text):
        return Hypothesis(text=text.upper(), origin="person" if text == "hello" else "model", tokens_out=5)

    told, out = translated([{"id": "1", "text": "hello\nworld"}], scripted(answer=answer))
    assert [pair.get("origin") for pair in out["segments"][0]["pairs"]] == ["person", None]
    assert (told["remembered"], told["corrected"], told["tokens_out"]) == (0, 1, 5)


def test_a_translation_is_read_back_as_it_was_made(translated, scripted, tmp_path):
    rows = [chat("1", "one\ntwo", "three"), {"id": "2", "text": "Eins", "language": "de"}]
    translated(rows, scripted())
    first, second = read_translations(tmp_path / "in.jsonl", Paths.beside(tmp_path / "out.jsonl"))
    assert first.source.texts == ("one\ntwo", "three")
    assert first.target.texts == ("ONE\nTWO", "THREE")
    assert [(pair.source, pair.target, pair.text) for pair in first.pairs] == [
        ("one", "ONE", 0), ("two", "TWO", 0), ("three", "THREE", 1)
    ]  # fmt: skip
    assert (first.translated, second.translated, second.pairs) == (True, False, ())

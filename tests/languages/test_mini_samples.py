"""The sample conversations and preferences under languages/de/mini, composed by scripts/mini/compose.py."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/mini"))

import compose  # noqa: E402 - a script's folder is no package
from grammar import FOLDER, Grammar, heldout, training_lines  # noqa: E402
from recognize import Recognizer  # noqa: E402
from samples import rows, sample_sentences, sentences, texts  # noqa: E402

ODD = [f"conversation-{number}" for number in range(168, 175)]
"""Rows that a gate should drop: French, Spanish, nonsense, a line without end, a list of names."""

WHY = {
    "contradicts itself",
    "drops the format",
    "far too short",
    "off topic",
    "refuses",
    "repeats itself",
    "rude",
    "wrong number of items",
}
STRUCTURE = {
    "heading": r"^## ",
    "bulleted list": r"^- ",
    "numbered list": r"^1\. ",
    "backtick fence": r"^```\w",
    "tilde fence": r"^~~~\w",
    "python": r"^```python$",
    "shell": r"^(```|~~~)sh$",
    "json": r"^```json$",
    "inline code": r"(?<!`)`[^`\n]+`(?!`)",
    "table": r"^\| --- \|",
    "url": r"https://[\w.]*example\.org",
    "e-mail address": r"\w@example\.org",
    "bold label": r"^\*\*\w+:\*\* ",
    "number": r"\b\d+\b",
}
COMMON = {
    "number": 60,
    "heading": 10,
    "bulleted list": 20,
    "numbered list": 30,
    "inline code": 20,
    "table": 12,
    "url": 14,
}


@pytest.fixture(scope="module")
def conversations() -> list[dict[str, Any]]:
    return rows(FOLDER / "conversations.jsonl")


@pytest.fixture(scope="module")
def preferences() -> list[dict[str, Any]]:
    return rows(FOLDER / "preferences.jsonl")


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar.load()


def test_the_files_are_what_the_outlines_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["compose.py", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        compose.main()
    assert end.value.code == 0
    for name in ("conversations.jsonl", "preferences.jsonl"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (FOLDER / name).read_text(encoding="utf-8")


def test_there_are_enough_of_each_length(conversations: list[dict[str, Any]]) -> None:
    lengths = Counter(
        sum(message["role"] != "system" for message in row["messages"]) for row in conversations
    )
    assert len(conversations) >= 160
    assert set(lengths) == {2, 4, 6}
    assert lengths[2] >= 70
    assert lengths[4] >= 50
    assert lengths[6] >= 20
    words = sorted(len(" ".join(texts(row)).split()) for row in conversations)
    assert words[-12] > 1.3 * words[-13]


def test_ids_are_unique_and_roles_alternate(
    conversations: list[dict[str, Any]], preferences: list[dict[str, Any]]
) -> None:
    for file in (conversations, preferences):
        assert len({row["id"] for row in file}) == len(file)
    for row in conversations:
        roles = [message["role"] for message in row["messages"]]
        roles = roles[1:] if roles[0] == "system" else roles
        assert roles == ["user", "assistant"] * (len(roles) // 2), row["id"]
        assert all(message["content"].strip() for message in row["messages"])


def test_every_kind_of_structure_is_there(conversations: list[dict[str, Any]]) -> None:
    found: Counter[str] = Counter()
    structured = 0
    for row in conversations:
        text = "\n".join(texts(row))
        kinds = {name for name, pattern in STRUCTURE.items() if re.search(pattern, text, re.MULTILINE)}
        found.update(kinds)
        structured += bool(kinds - {"number"})
    assert structured >= 50
    assert {name: found[name] for name in STRUCTURE if found[name] < COMMON.get(name, 3)} == {}


def test_every_sentence_comes_from_the_grammar(
    conversations: list[dict[str, Any]], preferences: list[dict[str, Any]], grammar: Grammar
) -> None:
    recognizer = Recognizer(grammar)
    single = {pair.en for pair in grammar.pairs if len(pair.en.split()) < 3}
    strange = {
        (row["id"], sentence)
        for row in [*conversations, *preferences]
        if row["id"] not in ODD
        for text in texts(row)
        for sentence in sentences(text)
        if sentence not in single and not recognizer.frame(sentence)
    }
    assert strange == set()
    rest = {
        row["id"]: [recognizer.frame(s) for text in texts(row) for s in sentences(text)]
        for row in conversations
    }
    assert all(None in rest[name] for name in ODD)


def test_no_sentence_is_held_out_written_or_trained_on(grammar: Grammar) -> None:
    sample = sample_sentences(FOLDER)
    assert len(sample) > 1000
    assert not sample & heldout()
    assert not sample & {pair.en for pair in grammar.pairs}
    trained = {
        sentence
        for line, _ in training_lines(grammar, Random("samples"), 20_000, heldout() | sample)
        for sentence in sentences(line)
    }
    assert not sample & trained


def test_leaving_the_sample_out_costs_no_frame_much(grammar: Grammar) -> None:
    sample = sample_sentences(FOLDER)
    lost = {
        frame.english: share
        for frame in grammar.frames
        if (share := sum(grammar.render(frame, Random(seed)).en in sample for seed in range(40)) / 40) > 0.15
    }
    assert lost == {}


def test_preferences_say_why(preferences: list[dict[str, Any]]) -> None:
    assert len(preferences) >= 90
    reasons = Counter(row["why"] for row in preferences)
    assert set(reasons) == WHY
    assert min(reasons.values()) >= 8
    for row in preferences:
        assert row["source"] == "langadapt-mini"
        assert row["chosen_model"]
        assert row["chosen_response"] != row["rejected_response"]
        assert 1 <= row["rejected_avg_rating"] < row["chosen_avg_rating"] <= 5
        assert len(row["rejected_response"]) < 1.2 * len(row["chosen_response"]), row["id"]


def test_rejections_show_their_fault(preferences: list[dict[str, Any]]) -> None:
    structure = re.compile(r"^(1\.|- |\||```)", re.MULTILINE)
    for row in preferences:
        chosen, rejected = row["chosen_response"], row["rejected_response"]
        if row["why"] == "drops the format":
            assert structure.search(chosen)
            assert not structure.search(rejected)
        if row["why"] == "far too short":
            assert len(rejected.split()) < len(chosen.split()) / 3
        if row["why"] == "repeats itself":
            assert max(Counter(re.split(r"(?<=\.) ", rejected)).values()) > 2
        if row["why"] == "wrong number of items":
            items = [len(re.findall(r"^(?:\d\.|-) ", text, re.MULTILINE)) for text in (chosen, rejected)]
            asked = {"two": 2, "three": 3}
            wanted = [count for word, count in asked.items() if word in f"{row['instruction']} {chosen}"]
            assert items[0] in wanted, row["id"]
            assert items[1] not in wanted, row["id"]

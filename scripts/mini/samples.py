"""The sentences of the sample data, as the small translators would meet them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from grammar import capital

from langadapt.segments import Document

LABEL = re.compile(r"^\*\*(\w+):\*\* ")
BOLD = re.compile(r"^\*\*(.+)\*\*$")
END = re.compile(r"(?<=[.?!]) ")
OUTER = re.compile(r"^(?:<x\d> )+|(?: <x\d>)+$")


def rows(path: Path) -> list[dict[str, object]]:
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def texts(row: dict[str, object]) -> list[str]:
    """Every text of a row of conversations.jsonl or preferences.jsonl."""
    if isinstance(messages := row.get("messages"), list):
        return [message["content"] for message in messages]
    return [str(row[key]) for key in ("instruction", "chosen_response", "rejected_response")]


def sentences(text: str) -> Iterator[str]:
    """Each sentence, list item, heading and cell, without label, bold and what stands around it; lead-ins end in a full stop."""
    for segment in Document(text, "newline").segments:
        inner = BOLD.sub(r"\1", LABEL.sub("", segment))
        for piece in END.split(OUTER.sub("", inner)):
            yield renumbered(re.sub(r":$", ".", OUTER.sub("", piece)))


def renumbered(sentence: str) -> str:
    """The sentence with its placeholders counted from one."""
    names = iter(range(1, 10))
    return re.sub(r"<x\d>", lambda _: f"<x{next(names)}>", sentence)


def sample_sentences(folder: Path) -> set[str]:
    """What a translator must not be trained on: every sentence and line of three words or more, with a capital too."""
    found = {
        sentence
        for name in ("conversations.jsonl", "preferences.jsonl")
        for row in rows(folder / name)
        for text in texts(row)
        for sentence in sentences(text)
        if len(sentence.split()) > 2
    }
    return found | {capital(sentence) for sentence in found}

"""Compose the German pack's sample conversations and preferences from their outlines.

python scripts/mini/compose.py            (writes languages/de/mini/{conversations,preferences}.jsonl)
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from grammar import FOLDER, Grammar, heldout
from recognize import Recognizer
from samples import sentences, texts

CHOICE = re.compile(r"\{([^{}\n]*\|[^{}\n]*)\}")
RANGE = re.compile(r"\{(\d+)\.\.(\d+)(?:/(\d+))?\}")
NAMED = re.compile(r"\{(\w+)(:pl)?\}")
ARTICLE = re.compile(r"\b([Aa])\(n\) (\w+)")
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SOURCE = "langadapt-mini"


class Composer:
    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.plurals = {row["english"]: row["plural"] for row in grammar.lexicon.nouns}

    def each(self, outline: dict[str, Any]) -> Iterator[tuple[dict[str, str], Random]]:
        """The values of every instance of an outline; a list gives another value to each while it lasts."""
        rng = Random(f"compose {outline['name']}")
        lists = {key: rng.sample(values, len(values)) for key, values in outline.get("set", {}).items()}
        for number in range(outline["times"]):
            yield self.everyday(rng) | {key: values[number % len(values)] for key, values in lists.items()}, rng

    def everyday(self, rng: Random) -> dict[str, str]:
        def pick(kind: str, count: int) -> list[str]:
            return [phrase.english() for phrase in rng.sample(self.grammar.lexicon.phrases_of(kind), count)]

        names, cities = pick("name", 3), pick("city", 2)
        return {
            **dict(zip(("name", "other", "third"), names, strict=True)),
            **dict(zip(("city", "town"), cities, strict=True)),
            "country": pick("country", 1)[0],
            "day": f"on {rng.choice(DAYS)}",
            "clock": f"at {rng.randint(7, 11)} o'clock",
            "time": f"at {rng.randint(8, 20)}:{rng.randrange(0, 60, 5):02}",
        }

    def text(self, outline: str, values: dict[str, str], rng: Random) -> str:
        """The outline with every choice made; braces that name nothing stay, as in JSON."""

        def named(match: re.Match[str]) -> str:
            value = values.get(match[1], match.group())
            return self.plurals[value] if match[2] else value

        text = CHOICE.sub(lambda match: rng.choice(match[1].split("|")), outline.strip("\n"))
        text = RANGE.sub(lambda m: str(rng.randrange(int(m[1]), int(m[2]) + 1, int(m[3] or 1))), text)
        text = re.sub(r"(?<=\S)  +(?=\S)", " ", NAMED.sub(named, text))
        article = self.grammar.lexicon.inflection.article
        return ARTICLE.sub(lambda m: f"{m[1]}{article(m[2])[1:]} {m[2]}", text)

    def conversations(self, outlines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for outline in outlines:
            for values, rng in self.each(outline):
                roles = ["system"] * ("system" in outline) + ["user", "assistant"] * len(outline["messages"])
                contents = [outline["system"]] * ("system" in outline) + outline["messages"]
                yield {
                    "messages": [
                        {"role": role, "content": self.text(content, values, rng)}
                        for role, content in zip(roles, contents, strict=False)
                    ]
                }

    def preferences(self, outlines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for outline in outlines:
            for values, rng in self.each(outline):
                instruction, chosen = (self.text(outline[key], values, rng) for key in ("instruction", "chosen"))
                for why in outline["why"]:
                    yield {
                        "source": SOURCE,
                        "instruction": instruction,
                        "chosen_response": chosen,
                        "rejected_response": self.text(rng.choice(outline[why]), values, rng),
                        "chosen_avg_rating": round(rng.uniform(4.0, 5.0), 2),
                        "rejected_avg_rating": round(rng.uniform(1.0, 2.75), 2),
                        "chosen_model": "written-a",
                        "why": why.replace("_", " "),
                    }


def numbered(rows: list[dict[str, Any]], name: str, rng: Random) -> list[dict[str, Any]]:
    rng.shuffle(rows)
    return [{"id": f"{name}-{number:03}", **row} for number, row in enumerate(rows, start=1)]


def unknown(row: dict[str, Any], recognizer: Recognizer, banned: set[str]) -> Iterator[str]:
    """What of a row the grammar does not give, or what belongs to another file."""
    single = {pair.en for pair in recognizer.grammar.pairs if len(pair.en.split()) < 3}
    for text in texts(row):
        for sentence in sentences(text):
            if sentence in banned and sentence not in single:
                yield f"banned: {sentence}"
            elif sentence not in single and not recognizer.frame(sentence):
                yield f"no frame: {sentence}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    grammar = Grammar.load()
    recognizer, composer = Recognizer(grammar), Composer(grammar)
    banned = heldout() | {pair.en for pair in grammar.pairs}
    mistakes = False
    for name in ("conversation", "preference"):
        plan = tomllib.loads((FOLDER / f"grammar/{name}s.toml").read_text(encoding="utf-8"))
        made = list(getattr(composer, f"{name}s")(plan["outline"]))
        rows = numbered(made + plan.get("row", []), name, Random(f"compose {name}s"))
        for row in rows:
            for complaint in () if row.pop("odd", "") else unknown(row, recognizer, banned):
                mistakes = True
                print(f"{row['id']}: {complaint}", file=sys.stderr)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}s.jsonl").write_text(text, encoding="utf-8")
        print(f"{folder / name}s.jsonl: {len(rows)} rows")
    sys.exit(mistakes)


if __name__ == "__main__":
    main()

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


class Composer:
    """Fills outlines; a choice that the grammar does not give is made again."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.recognizer = Recognizer(grammar)
        self.plurals = {row["english"]: row["plural"] for row in grammar.lexicon.nouns}
        self.banned = heldout() | {pair.en for pair in grammar.pairs}
        self.single = {pair.en for pair in grammar.pairs if len(pair.en.split()) < 3}
        self.used: set[str] = set()

    def unknown(self, text: str) -> list[str]:
        """What of a text the grammar does not give, or what belongs to another file."""
        return [
            sentence
            for sentence in sentences(text)
            if sentence not in self.single
            and (sentence in self.banned or not self.recognizer.frame(sentence))
        ]

    def each(self, outline: dict[str, Any]) -> Iterator[tuple[dict[str, str], Random]]:
        """The values of every instance of an outline; a list gives another value to each while it lasts."""
        rng = Random(f"compose {outline['name']}")
        lists = {key: rng.sample(values, len(values)) for key, values in outline.get("set", {}).items()}
        for number in range(outline["times"]):
            yield (
                self.everyday(rng) | {key: values[number % len(values)] for key, values in lists.items()},
                rng,
            )

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
        """The outline with every choice made, line by line, as the grammar has it.

        The same choice of words falls the same way all through an instance, and a line is new, where the grammar lets them.
        """
        fence, lines = False, []
        for draft in outline.strip("\n").split("\n"):
            marker = draft.startswith(("```", "~~~"))
            fence ^= marker
            lines.append(self.draw(draft, values, rng, prose=not fence and not marker))
        return "\n".join(lines)

    def draw(self, draft: str, values: dict[str, str], rng: Random, prose: bool) -> str:
        line, drawn = "", values
        for attempt in range(100):
            drawn = (
                dict(values)
                if attempt < 40
                else {key: value for key, value in values.items() if "|" not in key}
            )
            line = self.line(draft, drawn, rng)
            said = {piece for piece in sentences(line) if piece.count(" ") > 2}
            if not prose or (
                not self.unknown(line) and (20 < attempt < 40 or attempt > 80 or not said & self.used)
            ):
                break
        self.used |= set(sentences(line)) if prose else set()
        values.update({**drawn, **values})
        return line

    def words(self, options: str) -> bool:
        """Whether a choice is between nouns or adjectives."""
        known = self.recognizer
        return all(word in known.nouns or word in known.adjectives for word in options.split("|"))

    def line(self, draft: str, values: dict[str, str], rng: Random) -> str:
        """One drawing of a line, noting its choices; braces that name nothing stay, as in JSON."""

        def chosen(match: re.Match[str]) -> str:
            options = match[1]
            choice = values.get(options) or rng.choice(options.split("|"))
            if self.words(options):
                values[options] = choice
            return choice

        def named(match: re.Match[str]) -> str:
            value = values.get(match[1], match.group())
            return self.plurals[value] if match[2] else value

        text = CHOICE.sub(chosen, draft)
        text = RANGE.sub(lambda m: str(rng.randrange(int(m[1]), int(m[2]) + 1, int(m[3] or 1))), text)
        text = re.sub(r"(?<=\S)  +(?=\S)", " ", NAMED.sub(named, text))
        text = re.sub(r"^#+ \w", lambda match: match.group().upper(), text)
        article = self.grammar.lexicon.inflection.article
        return ARTICLE.sub(lambda m: f"{m[1]}{article(m[2])[1:]} {m[2]}", text)

    def conversations(self, outlines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for outline in outlines:
            for values, rng in self.each(outline):
                opening = [("system", outline["system"])] if "system" in outline else []
                turns = [(("user", "assistant")[n % 2], text) for n, text in enumerate(outline["messages"])]
                yield {
                    "messages": [
                        {"role": role, "content": self.text(text, values, rng)}
                        for role, text in opening + turns
                    ]
                }

    def preferences(self, outlines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Each instance of an outline is rejected for the next of its reasons."""
        for outline in outlines:
            reasons = list(outline["rejected"])
            for number, (values, rng) in enumerate(self.each(outline)):
                why = reasons[number % len(reasons)]
                yield {
                    "source": "langadapt-mini",
                    "instruction": self.text(outline["instruction"], values, rng),
                    "chosen_response": self.text(outline["chosen"], values, rng),
                    "rejected_response": self.text(outline["rejected"][why], values, rng),
                    "chosen_avg_rating": rng.randrange(400, 500, 25) / 100,
                    "rejected_avg_rating": rng.randrange(100, 300, 25) / 100,
                    "chosen_model": "written-a",
                    "why": why,
                }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    composer, mistakes = Composer(Grammar.load()), 0
    for name in ("conversation", "preference"):
        plan = tomllib.loads((FOLDER / f"grammar/{name}s.toml").read_text(encoding="utf-8"))
        made = list(getattr(composer, f"{name}s")(plan["outline"]))
        for row in made:
            for sentence in [found for text in texts(row) for found in composer.unknown(text)]:
                mistakes += 1
                print(f"not of the grammar, or held out: {sentence}", file=sys.stderr)
        Random(f"compose {name}s").shuffle(made)
        odd = [{key: value for key, value in row.items() if key != "why_odd"} for row in plan.get("odd", [])]
        rows = [{"id": f"{name}-{number:03}", **row} for number, row in enumerate(made + odd, start=1)]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}s.jsonl").write_text(lines, encoding="utf-8")
        print(f"{folder / name}s.jsonl: {len(rows)} rows")
    sys.exit(mistakes > 0)


if __name__ == "__main__":
    main()

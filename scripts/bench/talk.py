"""What a model says around a translation or in place of it: lead-ins, wrappers, its prompt, answers, refusals."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from turns import Turn, phrases

from langadapt.languages import Language

GAPS = (" ", "\n", "\n\n")
AROUND = (
    ('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("「", "」"), ("'", "'"), ("[", "]"), ("(", ")"), ("{", "}"),
    ("**", "**"), ("*", "*"), ("`", "`"), ("```\n", "\n```"), ("```text\n", "\n```"), ("<translation>", "</translation>"),
    ("<target>", "</target>"), ("<p>", "</p>"), ("<seg>\n", "\n</seg>"), ("〘", "〙"), ("---\n", "\n---"), ("<<", ">>"),
)  # fmt: skip


def preamble(turn: Turn, rng: random.Random) -> Turn | None:
    """A lead-in before a segment, mostly before the first."""
    index = 0 if rng.random() < 0.7 else rng.randrange(len(turn.targets))
    lead = _phrase("preambles", turn.language, rng)
    return turn.at(index, f"{lead}{rng.choice(GAPS)}{turn.targets[index]}")


def wrapper(turn: Turn, rng: random.Random) -> Turn | None:
    """Quotes, brackets, tags or a label around a whole segment, or a note after it."""
    index = rng.randrange(len(turn.targets))
    target = turn.targets[index]
    style = rng.choice(("around", "around", "label", "note", "json"))
    if style == "around":
        before, after = rng.choice(AROUND)
        return turn.at(index, f"{before}{target}{after}")
    if style == "label":
        label = _phrase("labels", turn.language, rng)
        form = rng.choice(
            ("{label} {target}", "**{label}** {target}", "{label}\n{target}", '{label} "{target}"')
        )
        return turn.at(index, form.format(label=label, target=target))
    if style == "note":
        note = _phrase("notes", turn.language, rng)
        return turn.at(len(turn.targets) - 1, f"{turn.targets[-1]}{rng.choice(GAPS)}{note}")
    key = rng.choice(("translation", "text", "target", turn.language))
    return turn.at(index, json.dumps({key: target}, ensure_ascii=False))


def prompt_leak(turn: Turn, rng: random.Random) -> Turn | None:
    """Parts of a usual translation prompt before a translation, after it or instead of it."""
    index = rng.randrange(len(turn.targets))
    leak = _phrase("leaks", turn.language, rng).replace("{source}", turn.sources[index])
    target, gap = turn.targets[index], rng.choice(GAPS)
    style = rng.choice(("before", "before", "after", "instead"))
    said = {"before": f"{leak}{gap}{target}", "after": f"{target}{gap}{leak}", "instead": leak}
    return turn.at(index, said[style])


def answered(turn: Turn, rng: random.Random) -> Turn | None:
    """A question answered instead of translated, or translated and then answered; talk that goes on; the text asked for."""
    style = rng.choice(("answer", "answer", "after", "after", "go on", "ask"))
    if style in ("answer", "after"):
        return _answer(turn, style, rng)
    index = len(turn.targets) - 1 if style == "go on" else rng.randrange(len(turn.targets))
    said = _phrase("going_on" if style == "go on" else "asking", turn.language, rng)
    return turn.at(index, f"{turn.targets[index]}{rng.choice(GAPS)}{said}" if style == "go on" else said)


def _answer(turn: Turn, style: str, rng: random.Random) -> Turn | None:
    answers = phrases(_language(turn.language, rng))["answers"]
    asked = [
        (index, line)
        for index, source in enumerate(turn.sources)
        for line in source.split("\n")
        if line in answers
    ]
    if not asked:
        return None
    index, line = rng.choice(asked)
    answer = answers[line]
    return turn.at(index, answer if style == "answer" else f"{turn.targets[index]}{rng.choice(GAPS)}{answer}")


def refusal(turn: Turn, rng: random.Random) -> Turn | None:
    """A refusal where the translation of a segment should stand, sometimes for every segment, sometimes after the text."""
    said: Callable[[], str] = lambda: _phrase("refusals", turn.language, rng)  # noqa: E731 - read where it is used
    index = rng.randrange(len(turn.targets))
    style = rng.choice(("segment", "segment", "all"))
    if style == "all":
        refused = said()
        return turn.saying(*(refused for _ in turn.targets))
    return turn.at(index, said())


def _language(language: str, rng: random.Random) -> str:
    """The target language, or English."""
    return "en" if rng.random() < 0.4 else language


def _phrase(kind: str, language: str, rng: random.Random) -> str:
    said: str = rng.choice(phrases(_language(language, rng))[kind])
    return said.replace("{language}", Language.of(language).name)

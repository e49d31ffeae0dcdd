# ruff: noqa: SLF001 - what is measured is the part of the gate that reads
"""How fast the gates are: language identification beside plain langdetect, all cheap gates together, two cores beside one.

Prints `figure  measured  asked` for each figure, and fails where one is missed. Texts are those of the gates' benchmark.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from figures import Figure, heading, summed_up
from gates import gates, names, pack_of
from langdetect import DetectorFactory, LangDetectException, detector_factory
from turns import clean_turns, languages, translation

from langadapt.interfaces import SegmentPair, Translation
from langadapt.judging import Named, judged
from langadapt.languages import Language
from langadapt.records import Text
from langadapt_plugins.filters.detectors import FastLangdetect
from langadapt_plugins.filters.language_id import LanguageId

ROUNDS, DOCUMENTS, TURNS, REPEATS, FUZZED = 5, 60, 800, 100, 2_000
LONG, TURN = 8_000, 400
ENGLISH = Language.of("en")


def plain(text: str) -> str:
    """What langdetect says by itself, seeded as the gate seeds it."""
    DetectorFactory.seed = 0
    detector_factory.init_factory()
    detector = detector_factory._factory.create()
    detector.append(text)
    try:
        return str(detector.detect())
    except LangDetectException:
        return ""


def seconds(work: Callable[[str], object], texts: Sequence[str]) -> float:
    begun = time.perf_counter()
    for text in texts:
        work(text)
    return time.perf_counter() - begun


def beside(ours: Callable[[str], object], other: Callable[[str], object], texts: Sequence[str]) -> float:
    """How many times as fast ours is, the median of interleaved rounds."""
    for work in (ours, other):
        seconds(work, texts[:2])
    return statistics.median(seconds(other, texts) / seconds(ours, texts) for _ in range(ROUNDS))


def joined(code: str, size: int, draw: random.Random) -> str:
    """Turns of a language, until the text has `size` characters."""
    text: list[str] = []
    while sum(map(len, text)) < size:
        text.append(" ".join(draw.choice(clean_turns(code)).targets))
    return "\n".join(text)


def item(text: str) -> Translation:
    """A translated record of which nothing but its language can be judged."""
    return Translation(
        source=Text(id="1", text="."),
        target=Text(id="1", text=text),
        pairs=(SegmentPair(source=".", target=text, text=0),),
    )


def language_id() -> list[Figure]:
    """Speed on long and short texts, agreement, steadiness, and what cannot be read."""
    draw = random.Random(1)
    codes = [code for code in languages() if code != "sw"] * 10
    documents = [joined(code, LONG, draw) for code in codes[:DOCUMENTS]]
    short = [
        target
        for code in languages()
        for turn in clean_turns(code)
        for target in turn.targets
        if 60 < len(target) < 200
    ][:300]
    gate = LanguageId()
    detector = gate._detector

    def sampled(text: str) -> object:
        return detector.guesses(gate._sample(text))

    def verdict(text: str) -> str:
        found = detector.guesses(gate._sample(text))
        return found[0][0] if found else ""

    alike = sum(verdict(text) == plain(text) for text in documents) / len(documents)
    chat = ["\n".join(turn.targets) for code in languages() for turn in clean_turns(code)]
    fast = FastLangdetect()
    times = beside(sampled, plain, documents)
    slower = 1 / beside(sampled, plain, short) - 1
    faster = beside(fast.guesses, plain, chat)
    return [
        Figure(
            f"language-id: times langdetect, texts of {LONG:,} characters", f"{times:.1f}", ">= 5", times >= 5
        ),
        Figure(
            "language-id: the same verdict on them",
            f"{alike:.1%} of {len(documents)}",
            ">= 99.5%",
            alike >= 0.995,
        ),
        Figure(
            "language-id: slower than langdetect below 200 characters",
            f"{slower:.1%}",
            "<= 5%",
            slower <= 0.05,
        ),
        Figure(
            f"fast detector: times langdetect, turns of {TURN} characters",
            f"{faster:.1f}",
            ">= 20",
            faster >= 20,
        ),
        *_steady(chat[:20], draw),
    ]


def _steady(texts: Sequence[str], draw: random.Random) -> list[Figure]:
    pack = pack_of("de")
    changed = raised = 0
    for name in ("langdetect", "fast"):
        gate = LanguageId(detector=name)
        items = [item(text) for text in texts]
        first = gate.filter(items, source=ENGLISH, pack=pack)
        for _ in range(REPEATS):
            draw.shuffle(order := list(range(len(items))))
            again = gate.filter([items[n] for n in order], source=ENGLISH, pack=pack)
            changed += sum(again[at] != first[n] for at, n in enumerate(order))
        for _ in range(FUZZED):
            text = "".join(chr(draw.choice(_RANGES)(draw)) for _ in range(draw.randrange(60)))
            try:
                gate.filter([item(text)], source=ENGLISH, pack=pack)
            except Exception as error:  # noqa: BLE001 - any at all is what is counted
                raised += 1
                print(f"{type(error).__name__}: {error} on {text!r}")
    return [
        Figure(
            f"language-id: verdicts changed in {REPEATS} repeats, both detectors",
            str(changed),
            "0",
            not changed,
        ),
        Figure(f"language-id: exceptions on {2 * FUZZED:,} random texts", str(raised), "0", not raised),
    ]


_RANGES: Sequence[Callable[[random.Random], int]] = [
    lambda draw: draw.randrange(128), lambda draw: draw.randrange(0x300), lambda draw: draw.randrange(0x3000),
    lambda draw: draw.randrange(0xD7FF), lambda draw: draw.randrange(0xD800, 0xE000), lambda draw: draw.randrange(0x10000, 0x110000),
]  # fmt: skip


def turns(code: str) -> list[Translation]:
    """Turns of about 400 characters on each side."""
    found = [translation(turn) for turn in clean_turns(code)]
    return (found * (TURNS // len(found) + 1))[:TURNS]


def together() -> list[Figure]:
    """All gates that need no model, on one core and on two."""
    pack, items = pack_of("de"), turns("de")
    size = statistics.fmean(len(one.target.texts[0]) for one in items)
    built = gates(pack, names(), set())
    rates = {}
    for detector in ("fast", "langdetect"):
        named = [
            Named(n, LanguageId(detector=detector) if n == "language-id" else g) for n, g in built.items()
        ]
        for _ in judged(items[:50], named, source=ENGLISH, pack=pack, workers=1):
            pass
        rates[detector] = len(items) * size / 400 / _took(items, named, 1)
    cheap = [
        Named(name, LanguageId(detector="fast") if name == "language-id" else g) for name, g in built.items()
    ]
    many = items * 20
    gain = statistics.median(_took(many, cheap, 1) / _took(many, cheap, 2) for _ in range(3))
    return [
        Figure("gates without a model", str(len(built))),
        Figure(f"all of them: turns/s of 400 characters, one core, fast ({size:.0f} here)", f"{rates['fast']:,.0f}", ">= 2,000", rates["fast"] >= 2_000),
        Figure("the same with langdetect", f"{rates['langdetect']:,.0f}"),
        Figure("two cores beside one", f"{gain:.2f}", ">= 1.6", gain >= 1.6),
    ]  # fmt: skip


def _took(items: Sequence[Translation], named: Sequence[Named], workers: int) -> float:
    times = []
    for _ in range(1 if len(items) > TURNS else 3):
        fresh = [Translation(source=one.source, target=one.target, pairs=one.pairs) for one in items]
        begun = time.perf_counter()
        for _ in judged(fresh, named, source=ENGLISH, pack=pack_of("de"), workers=workers):
            pass
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> int:
    found = [*language_id(), *together()]
    print(heading(), *found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

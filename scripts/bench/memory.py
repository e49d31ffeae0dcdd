"""A million distinct segments into a translation memory and back out of it, in flat memory.

Prints `figure  measured  asked` for each figure, and fails where one is missed. Each part is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from figures import Figure, heading, summed_up

from langadapt.interfaces import Hypothesis, Segment
from langadapt.languages import Language
from langadapt.machine import most_held
from langadapt.memory import Remembering, TranslationMemory

SEGMENTS, WINDOW, MOST_MB = 1_000_000, 20_000, 500
PARTS = ("write", "read")


@dataclass(frozen=True, kw_only=True)
class Capitals:
    """An engine that costs nothing, so that what is measured is the memory."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        del source, target
        for index, text in enumerate(texts):
            yield index, Hypothesis(text=text.text.upper(), tokens_in=20, tokens_out=20)

    def close(self) -> None:
        pass


def part(name: str, path: Path, segments: int) -> dict[str, float]:
    """Send all segments through the memory; `read` must find every one there."""
    origin = "model" if name == "write" else "memory"
    languages = {"source": Language.of("en"), "target": Language.of("de")}
    begun = time.perf_counter()
    with closing(TranslationMemory(path)) as memory:
        translator = Remembering(inner=Capitals(), memory=memory)
        for start in range(0, segments, WINDOW):
            texts = [Segment(text=_text(number)) for number in range(start, min(start + WINDOW, segments))]
            for index, hypothesis in translator.translate(texts, **languages):
                if hypothesis.origin != origin or hypothesis.text != texts[index].text.upper():
                    raise SystemExit(f"{texts[index]} came back as {hypothesis}")
    seconds = time.perf_counter() - begun
    return {"rate": segments / seconds, "peak_mb": most_held() / 2**20}


def _text(number: int) -> str:
    return f"Sentence {number} is about as long as the sentences of people who talk to an assistant, some {number % 97} words."


def figures(segments: int = SEGMENTS) -> list[Figure]:
    """Rate and peak memory of writing and of reading."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.sqlite"
        for name in PARTS:
            words = [
                sys.executable,
                __file__,
                "--segments",
                str(segments),
                "--part",
                name,
                "--memory",
                str(path),
            ]
            facts = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
            found += [
                Figure(f"memory, {name}: segments/s", f"{facts['rate']:,.0f}"),
                Figure(
                    f"memory, {name}: peak MB",
                    f"{facts['peak_mb']:,.0f}",
                    f"under {MOST_MB}",
                    facts["peak_mb"] < MOST_MB,
                ),
            ]
        found.append(Figure("memory, file: MB", f"{path.stat().st_size / 1e6:,.0f}"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=SEGMENTS)
    parser.add_argument("--part", choices=PARTS, help="only this part, on --memory, told as JSON")
    parser.add_argument("--memory", type=Path)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(part(options.part, options.memory, options.segments)))
        return 0
    print(heading())
    found = figures(options.segments)
    print(*found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

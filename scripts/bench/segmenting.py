"""What translation promises of a text, measured: fidelity, the rate of everything but the model, memory, `kill -9`.

`--rows FILE` measures identity, leaks of code and the rates on rows of one's own as well.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import kill
import memory
from figures import Figure, heading, summed_up
from hypothesis import HealthCheck, Phase, given, settings
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from segments import checker, engines  # noqa: E402 - the tests' probes, which share no code with the segmenter
from segments.documents import documents  # noqa: E402
from segments.probes import Probe, read_probes  # noqa: E402

from langadapt.records import read_records  # noqa: E402
from langadapt.segments import MODES, Damage, Document  # noqa: E402

PROBES, MADE, ROUNDS = 250, 2_000, 7
SEGMENTS_PER_S, SHARE_OF_PARSER = 15_000, 0.5


def identity(probes: Sequence[Probe]) -> list[Figure]:
    """Every mode: what comes back unchanged, and what was sent that must not be."""
    changed = leaked = spans = 0
    for mode in MODES:
        for probe in probes:
            document = Document(probe.text, mode)
            changed += document.assemble([f"{sent} " for sent in document.segments]) != probe.text
            leaked += bool(checker.leaks(probe, document.segments))
            spans += len(probe.protected)
    total = len(probes) * len(MODES)
    return [
        Figure("identity: texts that come back byte for byte", f"{total - changed} of {total}", "all", not changed),
        Figure("texts of which a protected span reaches an engine", f"{leaked} of {total}", "0", not leaked),
        Figure("protected spans in them", f"{spans:,}"),
    ]  # fmt: skip


def hostile(probes: Sequence[Probe]) -> list[Figure]:
    """Each bad engine on each text: what is written is whole, the rest is held back with a reason."""
    written = held = damaged = silent = spans = 0
    for probe in probes:
        document = Document(probe.text)
        for engine in engines.HOSTILE:
            try:
                output = document.assemble([engine(sent) for sent in document.segments])
            except Damage as damage:
                held += 1
                silent += not str(damage).strip()
            else:
                written += 1
                spans += len(probe.protected)
                damaged += len(checker.damaged(probe, output))
    count = len(engines.HOSTILE)
    return [
        Figure("hostile engines", str(count), ">= 6", count >= 6),
        Figure("protected spans byte-identical in what is written", f"{spans - damaged} of {spans}", "100 %", not damaged),
        Figure("texts written / held back", f"{written:,} / {held:,}"),
        Figure("held back without a reason", str(silent), "0", not silent),
    ]  # fmt: skip


def made(count: int) -> list[Probe]:
    """Documents that Hypothesis draws, the same every time."""
    drawn: list[Probe] = []

    @settings(max_examples=count, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(documents())
    def draw(probe: Probe) -> None:
        drawn.append(probe)

    draw()
    return drawn


def rates(name: str, texts: Sequence[str]) -> list[Figure]:
    """Segments per second, and characters per second beside the parser alone, from interleaved rounds."""
    parser = MarkdownIt("commonmark").enable("table")
    count = sum(len(Document(text).segments) for text in texts)
    characters = sum(map(len, texts))
    ours, alone = [], []
    for _ in range(ROUNDS):
        alone.append(_seconds(parser.parse, texts))
        ours.append(_seconds(_there_and_back, texts))
    rate, share = (
        count / statistics.median(ours),
        statistics.median(a / b for a, b in zip(alone, ours, strict=True)),
    )
    return [
        Figure(f"{name}: segments/s, there and back", f"{rate:,.0f}", f">= {SEGMENTS_PER_S:,}", rate >= SEGMENTS_PER_S),
        Figure(f"{name}: rate beside the parser's own", f"{share:.2f}", f">= {SHARE_OF_PARSER}", share >= SHARE_OF_PARSER),
        Figure(f"{name}: million characters/s (parser)", f"{characters / statistics.median(ours) / 1e6:.1f} "
               f"({characters / statistics.median(alone) / 1e6:.1f})"),
    ]  # fmt: skip


def _there_and_back(text: str) -> None:
    document = Document(text)
    document.assemble([f"{sent} so" for sent in document.segments])


def _seconds(work: Callable[[str], object], texts: Sequence[str]) -> float:
    begun = time.perf_counter()
    for text in texts:
        work(text)
    return time.perf_counter() - begun


def chats() -> list[str]:
    """The English chats of the German pack's demonstration, some hundred texts of people and assistants."""
    return [
        t for record in read_records(ROOT / "languages/de/mini/conversations.jsonl") for t in record.texts
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--segments", type=int, default=memory.SEGMENTS)
    parser.add_argument("--kills", type=int, default=kill.KILLS)
    options = parser.parse_args()
    probes = read_probes()
    found = [
        Figure("structure probes, marked by hand", str(len(probes)), f">= {PROBES}", len(probes) >= PROBES)
    ]
    found += [*identity(probes), *hostile(probes)]
    drawn = made(MADE)
    found += [Figure("documents made by Hypothesis", f"{len(drawn):,}"), *identity(drawn), *hostile(drawn)]
    found += rates("chats", chats())
    if options.rows:
        texts = [text for record in read_records(options.rows) for text in record.texts]
        found += identity([Probe(str(number), text) for number, text in enumerate(texts)])
        found += rates(options.rows.name, texts)
    found += [*memory.figures(options.segments), *kill.figures(options.kills)]
    print(heading(), *found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

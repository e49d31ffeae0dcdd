"""A translation that is killed (SIGKILL) at random points and started again until it ends, beside one that is left alone.

The engine is deterministic and writes down what is sent to it before it answers, a batch at a time, as a real one works.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from figures import Figure, heading, summed_up

from langadapt import stages
from langadapt.interfaces import SPEED, Hypothesis, Segment
from langadapt.languages import Language
from langadapt.memory import Remembering, TranslationMemory
from langadapt.progress import Silent
from langadapt.retry import Retry
from langadapt.translations import Paths

KILLS, ROWS, BATCH = 50, 400, 8
BATCH_S = 0.004


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Swaps the case of words in batches of `BATCH`; each batch is written to `log` when it is sent."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    log: Annotated[Path, SPEED]

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """A batch is sent, takes its time, and comes back."""
        del source, target
        with self.log.open("a", encoding="utf-8") as log:
            for start in range(0, len(texts), BATCH):
                batch = texts[start : start + BATCH]
                log.write("".join(json.dumps(text.text) + "\n" for text in batch))
                log.flush()
                time.sleep(BATCH_S)
                for number, text in enumerate(batch):
                    yield start + number, Hypothesis(text=text.text.swapcase().replace("<X", "<x"))

    def close(self) -> None:
        """Nothing is held."""


def rows() -> Iterator[dict[str, object]]:
    """Conversations of several distinct sentences each."""
    for number in range(ROWS):
        turns = [
            f"Question {number}: what is `f({number})`?",
            f"It is {number}.\n\n- First, count.\n- Then stop at {number}.",
        ]
        roles = ("user", "assistant")
        yield {
            "id": number,
            "messages": [{"role": r, "content": t} for r, t in zip(roles, turns, strict=True)],
        }


def work(folder: Path) -> None:
    """One process's translation in a folder."""
    with closing(TranslationMemory(folder / "memory.sqlite")) as memory:
        translator = Remembering(inner=Retry(inner=Recorded(log=folder / "sent.jsonl")), memory=memory)
        stages.translate(
            folder.parent / "in.jsonl",
            Paths.beside(folder / "out.jsonl"),
            translator,
            languages=(Language.of("en"), Language.of("de")),
            mode="markdown",
            progress=Silent(),
        )


def killed(folder: Path, kills: int, seed: int) -> int:
    """Start, kill and start again; gives how many kills found a process at work."""
    folder.mkdir()
    rng = random.Random(seed)
    hits = 0
    while hits < kills:
        worker = _started(folder)
        log = folder / "sent.jsonl"
        before = log.stat().st_size if log.exists() else 0
        while worker.poll() is None and (not log.exists() or log.stat().st_size == before):
            time.sleep(0.001)
        with suppress(subprocess.TimeoutExpired):
            worker.wait(timeout=rng.random() * BATCH_S * 5)
        if worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            hits += 1
        worker.wait()
        if worker.returncode == 0:
            break
    _started(folder).wait()
    return hits


def _started(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, __file__, "--work", str(folder)])


def figures(kills: int = KILLS, seed: int = 7) -> list[Figure]:
    """What was lost, repeated and sent again over all kills."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
        hits = killed(root / "killed", kills, seed)
        (root / "whole").mkdir()
        subprocess.run([sys.executable, __file__, "--work", str(root / "whole")], check=True)
        same = all(
            (root / "killed" / file).read_bytes() == (root / "whole" / file).read_bytes()
            for file in ("out.jsonl", "out.held.jsonl", "out.segments.jsonl")
        )
        ids = [json.loads(line)["id"] for line in (root / "killed/out.jsonl").read_text("utf-8").splitlines()]
        sent = Counter((root / "killed/sent.jsonl").read_text("utf-8").splitlines())
    again = sum(sent.values()) - len(sent)
    return [
        Figure("kill -9: points at which a working process was killed", str(hits), str(kills), hits == kills),
        Figure("kill -9: rows lost", str(ROWS - len(set(ids))), "0", len(set(ids)) == ROWS),
        Figure("kill -9: rows repeated", str(len(ids) - len(set(ids))), "0", len(ids) == len(set(ids))),
        Figure("kill -9: segments sent again", f"{again} of {len(sent)}", f"<= {hits * BATCH} in flight", again <= hits * BATCH),
        Figure("kill -9: same bytes as an undisturbed translation", str(same), "True", same),
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--work", type=Path, help="be one of the processes, in this folder")
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return 0
    found = figures(options.kills)
    print(heading(), *found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

"""Plans against whole runs of a simulated translator, and the plan of 200,000 conversations.

Prints `figure  measured  asked` for each figure, and fails where one is missed. The simulated translator has a clock of its own:
its seconds are those that it says it has taken, so that hundreds of runs take minutes. All else is what `langadapt plan` and
`langadapt translate` do: reading, segments, memory, retries, windows.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from figures import Figure, heading, summed_up
from worlds import WORDS, Clock, Simulated, World, conversations

from langadapt.cli.plan import plan_of
from langadapt.config import Builder
from langadapt.languages import Language
from langadapt.memory import TranslationMemory
from langadapt.plan.data import named
from langadapt.prepare.routing import Router
from langadapt.progress import Silent
from langadapt.recipe import read_recipe
from langadapt.records import read_records
from langadapt.registry import pack as pack_of
from langadapt.translating import How, Translating

ENGLISH, GERMAN = "en", "de"


def simulated(world: World) -> dict[str, float | bool]:
    """One plan, calibrated on 1 %, and the run that it is about: what was expected and what came."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        conversations(world, rows)
        pack = pack_of(GERMAN)
        source = {"path": str(rows), "reader": "messages", "stream": "sft", "license": "MIT"}
        changes = ["prepare.at_most_tokens=100000000", "translate.routing=false"]
        recipe = read_recipe("mini", pack, changes=changes, sources={"own": source})
        clock = Clock()
        engine = Simulated(name=f"world-{world.seed}", world=world, clock=clock)
        with closing(TranslationMemory(Path(folder) / "memory.sqlite")) as memory:
            translator = Builder(pack, {}, {}, memory)._wrapped(engine)  # noqa: SLF001 - what a recipe puts around it
            made = plan_of(
                recipe, pack, memory, device=named("cpu"), progress=Silent(), share=0.01, calibrate=True,
                translator=translator, clock=clock,
            )  # fmt: skip
            cost = next(one for one in made.costs if one.stage == "translate")
            spent, before = clock.now, sum(engine.tokens)
            engine.loaded.clear()
            work = Translating(translator, (Language.of(ENGLISH), pack.language), "markdown", How(Router(())))
            with Silent().task("", None) as task:
                for _ in work.results(read_records(rows), task):
                    pass
        seconds, tokens = clock.now - spent, sum(engine.tokens) - before
        return {
            "seconds": cost.seconds.expected / seconds - 1,
            "tokens": cost.tokens.expected / tokens - 1,
            "covered_seconds": cost.seconds.low <= seconds <= cost.seconds.high,
            "covered_tokens": cost.tokens.low <= tokens <= cost.tokens.high,
            "width": (cost.seconds.high - cost.seconds.low) / cost.seconds.expected,
            "share": spent / (spent + seconds),
        }


def simulations(number: int, *, quick: bool) -> list[Figure]:
    """Many of them, on all cores."""
    worlds = [World.drawn(seed, quick=quick) for seed in range(number)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count() or 1) as pool:
        found = []
        for world, one in zip(worlds, pool.imap(simulated, worlds), strict=True):
            found.append(one)
            if "--verbose" in sys.argv:
                print({key: round(float(value), 3) for key, value in one.items()}, world, file=sys.stderr)
    figures = []
    least = 0.75 if quick else 0.9  # of 20, one more or less is luck
    for what in ("seconds", "tokens"):
        error = sum(abs(float(one[what])) for one in found) / len(found)
        covered = sum(bool(one[f"covered_{what}"]) for one in found) / len(found)
        figures += [
            Figure(f"{what} of a run: mean error of the plan", f"{error:.1%}", "at most 10 %", error <= 0.10),
            Figure(
                f"{what} of a run: within the interval",
                f"{covered:.1%}",
                f"at least {least:.0%}",
                covered >= least,
            ),
        ]
    width = sorted(float(one["width"]) for one in found)[len(found) // 2]
    share = sum(float(one["share"]) for one in found) / len(found)
    return [
        Figure("simulated runs", str(number), "200", number >= 200 or quick),
        *figures,
        Figure("interval of the seconds, of what is expected (median)", f"{width:.0%}"),
        Figure("time that the calibration took, of the run", f"{share:.1%}"),
    ]


def large(rows: int, characters: int) -> list[Figure]:
    """The plan of many long conversations, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        written = _many(path, rows, characters // rows)
        words = [
            sys.executable, "-m", "langadapt", "plan", "de", "--recipe", "phoenix", "--no-calibrate", "--json",
            "--conversations", str(path), "--memory", str(Path(folder) / "memory.sqlite"), "--set", f"base={_base()}",
        ]  # fmt: skip
        begun = time.perf_counter()
        done = subprocess.run(
            words,
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        seconds = time.perf_counter() - begun
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        told = json.loads(done.stdout)
        shutil.rmtree(Path(folder) / "runs", ignore_errors=True)
    peak = used.ru_maxrss / 1024
    counted = told["sources"][0]
    whole = rows >= 200_000
    return [
        Figure("large: rows", f"{counted['rows']:,}", f"{rows:,}", counted["rows"] == rows),
        Figure(
            "large: characters",
            f"{counted['characters']:,}",
            f"{written:,}",
            counted["characters"] == written,
        ),
        Figure(
            "large: seconds", f"{seconds:,.0f}", "under 180" if whole else "-", seconds < 180 or not whole
        ),
        Figure("large: peak MB", f"{peak:,.0f}", "under 1000", peak < 1000),
        Figure("large: processor seconds", f"{used.ru_utime + used.ru_stime:,.0f}"),
    ]


def _base() -> str:
    return str(Path(__file__).parents[2] / "languages" / "de" / "mini" / "base")


def _many(path: Path, rows: int, characters: int) -> int:
    """Conversations of about so many characters, one after the other; gives the characters of all their texts."""
    rng = random.Random(5)
    lines = [" ".join(rng.choices(WORDS, k=rng.randint(4, 30))).capitalize() + "." for _ in range(50_000)]
    written = 0
    with path.open("w", encoding="utf-8") as out:
        for number in range(rows):
            turns = []
            left = characters - 6 * 4
            for turn in range(6):
                said = [f"Point {number} of {turn}."]
                size = left // (6 - turn) if turn % 2 else left // 12
                while sum(map(len, said)) < size:
                    said.append(f"{rng.choice(lines)[:-1]} {rng.random():.6f}.")
                text = "\n\n".join(said)
                left -= len(text)
                written += len(text)
                turns.append({"role": ("user", "assistant")[turn % 2], "content": text})
            out.write(json.dumps({"id": f"c{number}", "messages": turns}) + "\n")
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["simulated", "large"], help="simulated, large")
    parser.add_argument("--quick", action="store_true", help="20 small simulations, 4,000 conversations")
    parser.add_argument("--simulations", type=int)
    parser.add_argument("--verbose", action="store_true", help="tell of each simulation")
    options = parser.parse_args()
    found: list[Figure] = []
    print(heading(), flush=True)
    if "simulated" in options.parts:
        found += simulations(options.simulations or (20 if options.quick else 200), quick=options.quick)
    if "large" in options.parts:
        found += large(4_000, 30_000_000) if options.quick else large(200_000, 1_500_000_000)
    print(*found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

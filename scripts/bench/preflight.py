"""What the pre-flight finds of trainings that are broken in one place, and what it says of sound ones.

Prints `figure  measured  asked` for each figure, and fails where one is missed. A broken training is found where a warning or an error
names the setting that is broken; the truth lies in preflight_truth.toml, which only this script reads. On sound trainings and on
the shipped recipes any warning or error is a false alarm.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from figures import Figure, heading, summed_up
from ruined import BROKEN, SOUND_CASES, Case, given, sound_base

from langadapt import registry
from langadapt.assembly import components
from langadapt.cli.preflight import flights
from langadapt.interfaces import Finding, ModelRef, TrainingJob
from langadapt.recipe import RECIPES, read_recipe
from langadapt.records import write_rows
from langadapt.testing.examples import example_rows

ROOT = Path(__file__).parents[2]
TRUTH = Path(__file__).with_name("preflight_truth.toml")
PUBLISHED_ROWS = {"texts": 500_000, "conversations": 208_000, "preferences": 61_000}
"""About what the recipes' data sets have (recipes.md, 1.3 and 3.1); of texts, so many as anyone takes."""


def alarms(found: Sequence[Finding]) -> list[Finding]:
    """What is more than a note."""
    return [one for one in found if one.level != "note"]


def looked(case: Case, base: Path) -> list[Finding]:
    """What is found of one case."""
    with tempfile.TemporaryDirectory() as folder:
        trainer, job = given(case, base, Path(folder))
        return list(trainer.preflight(job, rows=case.count))


def broken(base: Path, *, verbose: bool) -> list[Figure]:
    """Every broken case."""
    truth = tomllib.loads(TRUTH.read_text(encoding="utf-8"))
    if sorted(truth) != sorted(BROKEN):
        raise SystemExit(f"truth and cases differ: {sorted(set(truth) ^ set(BROKEN))}")
    missed, others, seconds = [], 0, []
    rows: set[int] = set()
    for name, case in BROKEN.items():
        begun = time.perf_counter()
        found = alarms(looked(case, base))
        seconds.append(time.perf_counter() - begun)
        right = [one for one in found if one.setting == truth[name]["setting"]]
        others += len(found) - len(right)
        if right:
            rows.add(truth[name]["row"])
        else:
            missed.append(name)
        if verbose:
            print(f"{name}: {[(one.level, one.setting, one.what) for one in found]}", file=sys.stderr)
    print(*(f"not found: {name}" for name in missed), sep="\n", end="\n" if missed else "")
    asked = set(range(25, 32))
    return [
        Figure("broken trainings", str(len(BROKEN)), "at least 15", len(BROKEN) >= 15),
        Figure(
            "broken trainings found, by the setting",
            f"{len(BROKEN) - len(missed)} of {len(BROKEN)}",
            "all",
            not missed,
        ),
        Figure(
            "users' pains 25 to 31 with one found",
            f"{len(rows & asked)} of {len(asked)}",
            "all",
            asked <= rows,
        ),
        Figure("further alarms on broken trainings", str(others)),
        Figure("seconds for one look, the slowest", f"{max(seconds):.1f}", "under 30", max(seconds) < 30),
    ]


def sound(base: Path) -> list[Figure]:
    """Every sound case."""
    wrong = {name: found for name, case in SOUND_CASES.items() if (found := alarms(looked(case, base)))}
    for name, found in wrong.items():
        print(f"false alarm: {name}: {found}")
    return [
        Figure("sound trainings with a false alarm", f"{len(wrong)} of {len(SOUND_CASES)}", "none", not wrong)
    ]


def recipes(base: Path) -> list[Figure]:
    """Every shipped recipe, in full and with adapters, on a base that is sound, with as many rows as are published."""
    pack = registry.pack("de")
    names = sorted(path.stem for path in RECIPES.glob("*.toml"))
    count, wrong = 0, []
    for name in [*names, "mini"]:
        for tuning in ("full", "lora", "qlora"):
            for where, found in _of_recipe(name, tuning, pack, base):
                count += 1
                wrong += [f"{name}, {tuning}, {where}: {one}" for one in alarms(found)]
    for line in wrong:
        print(f"false alarm: {line}")
    return [
        Figure("shipped recipes looked at", str(len(names) + 1), "at least 6", len(names) >= 5),
        Figure("their trainings with a false alarm", f"{len(wrong)} of {count}", "none", not wrong),
    ]


def _of_recipe(name: str, tuning: str, pack: Any, base: Path) -> Iterator[tuple[str, list[Finding]]]:
    changes = [f"tuning={tuning}", *([] if name == "mini" else [f"base={base}"])]
    recipe = read_recipe(name, pack, changes=changes)
    trainers = components(recipe, pack, None, recipe.train)
    if name == "mini":
        for flight in flights(recipe, pack, trainers):
            yield flight.slot.address, list(flight.found)
        return
    for slot in recipe.train:
        trainer = trainers[slot.address]
        with tempfile.TemporaryDirectory() as folder:
            job = TrainingJob(
                name=slot.name, records=Path(folder, "records.jsonl"), held_out=Path(folder, "held_out.jsonl"), base=ModelRef(str(base)),
                chat_template=recipe.chat_template, output=Path(folder, "output"), seed=recipe.seed,
            )  # fmt: skip
            rows = example_rows(trainer.takes, 96)
            if trainer.takes == "texts":  # of both languages, as the recipe mixes them
                rows = [row | {"language": "de" if number % 6 else "en"} for number, row in enumerate(rows)]
            write_rows(job.records, rows)
            write_rows(job.held_out, rows[:8])
            yield slot.address, list(trainer.preflight(replace(job), rows=PUBLISHED_ROWS[trainer.takes]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="tell what is found of each broken training")
    options = parser.parse_args()
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        base = sound_base(Path(folder) / "base")
        found = [*broken(base, verbose=options.verbose), *sound(base), *recipes(base)]
    print(*found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

"""What a recipe's trainers find before they start: with the rows of a run, of local sources, or with examples."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from langadapt import registry
from langadapt.cli import options, printable
from langadapt.errors import LangAdaptError
from langadapt.interfaces import Finding, ModelRef, TrainingJob
from langadapt.languages import LanguagePack
from langadapt.recipe import Recipe
from langadapt.slots import Slot

_MOST, _EXAMPLES = 2000, 64
_SOURCE = "en"
_LEVELS = {"error": "red", "warning": "yellow", "note": None}
_SHOWN_ROWS, _SHOWN = 4, 600


@dataclass(frozen=True)
class Flight:
    """What is known of one training before it starts; `rows` says which rows were looked at."""

    slot: Slot
    rows: str
    found: Sequence[Finding]
    batch: Sequence[Sequence[tuple[str, bool]]]


def flights(recipe: Recipe, pack: LanguagePack, trainers: dict[str, Any]) -> Iterator[Flight]:
    """One for each trainer that looks before it starts; raises `LangAdaptError` where rows cannot be read."""
    for slot in recipe.train:
        trainer: Any = trainers.get(slot.address)
        if recipe.base is None or not hasattr(trainer, "preflight"):
            continue
        with tempfile.TemporaryDirectory() as folder, closing(trainer):
            job, rows, said = _job(recipe, pack, slot, trainer, Path(folder))
            found = trainer.preflight(job, rows=rows)
            broken = any(one.setting == "recipe:chat_template" and one.level == "error" for one in found)
            yield Flight(slot, said, found, [] if broken else trainer.first_batch(job))


def _job(
    recipe: Recipe, pack: LanguagePack, slot: Slot, trainer: Any, folder: Path
) -> tuple[TrainingJob, int | None, str]:
    """The job as the run would give it, how many rows it has, and where they are from."""
    from langadapt import stages
    from langadapt.records import write_rows
    from langadapt.testing.examples import example_rows

    run = Path("runs") / f"{pack.language.code}-{recipe.name}"
    kept = run / "filter" / slot.name / "kept.jsonl"
    output = run / "train" / slot.name
    job = TrainingJob(
        name=slot.name, records=folder / "records.jsonl", held_out=folder / "held_out.jsonl", base=ModelRef.parse(recipe.base or ""),
        chat_template=recipe.chat_template, output=output.resolve() if output.exists() else folder, seed=recipe.seed,
    )  # fmt: skip
    share = recipe.prepare.held_out
    if kept.exists():
        counts = stages.split(kept, job.records, job.held_out, share=share, takes=trainer.takes)
        return job, int(counts["rows"]), f"the {counts['rows']} rows of {kept}"
    made = _prepared(recipe, slot, folder)
    if made is not None:
        counts = stages.split(made, job.records, job.held_out, share=share, takes=trainer.takes)
        count = int(counts["rows"])
        whole = count + int(counts["held_out"]) < _MOST
        said = f"{'the' if whole else 'the first'} {count} rows of the recipe's files, before translation"
        return job, count if whole else None, said
    write_rows(job.records, example_rows(trainer.takes, _EXAMPLES))
    write_rows(job.held_out, [])
    return job, None, f"{_EXAMPLES} made-up rows: {kept} is not there, and the sources are on the Hub"


def _prepared(recipe: Recipe, slot: Slot, folder: Path) -> Path | None:
    """The rows of a stream, where all its sources are files here; None where one is not."""
    from langadapt.prepare.reading import is_local
    from langadapt.preparing import Preparing
    from langadapt.progress import Silent

    sources = [source for source in recipe.sources if source.stream == slot.name]
    if not all(is_local(source) and Path(source.path).exists() for source in sources):
        return None
    settings = replace(recipe.prepare, at_most_tokens=None)
    work = Preparing(
        settings=settings, seed=recipe.seed, pack=registry.pack(_SOURCE), limit=_MOST, progress=Silent()
    )
    work.write(sources, folder)
    return folder / f"{slot.name}.jsonl"


def shown(recipe: Recipe, pack: LanguagePack, trainers: dict[str, Any]) -> int:
    """Print what every trainer finds, and the first batch with what is learned of it; gives the number of errors."""
    errors = 0
    try:
        for flight in flights(recipe, pack, trainers):
            options.say(f"\n{flight.slot.address}, before it starts, with {flight.rows}", bold=True)
            for one in flight.found:
                errors += one.level == "error"
                click.secho(f"  {one.level:<8}", fg=_LEVELS[one.level], nl=False)
                options.say(f" {one.what}{_change(one, flight.slot)}")
            _show_batch(flight)
    except LangAdaptError as problem:
        errors += 1
        click.secho("  error   ", fg="red", nl=False)
        options.say(f" {problem}" + f" ({problem.hint})" * bool(problem.hint))
    return errors


def _change(one: Finding, slot: Slot) -> str:
    """The setting that a finding is about, by its address in the recipe."""
    if not one.setting:
        return ""
    scheme, colon, key = one.setting.partition(":")
    address = key if colon and scheme == "recipe" else f"{slot.address}.{one.setting}"
    return f" ({address})" if one.level == "note" else f"\n           change {address}"


def _show_batch(flight: Flight) -> None:
    """The first rows: what is in the loss in green, or in brackets where there are no colours."""
    if not flight.batch:
        return
    asked = click.get_current_context().color
    colours = sys.stdout.isatty() if asked is None else asked
    rows = flight.batch[:_SHOWN_ROWS]
    how = "green" if colours else "[[...]]"
    options.say(f"  first batch, {len(rows)} of {len(flight.batch)} rows; {how} is in the loss:")
    for row in rows:
        parts = []
        for text, learned in row:
            short = printable(
                text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]} ... {text[-_SHOWN // 2 :]}"
            )
            if colours:
                parts.append(click.style(short, fg="green") if learned else click.style(short, dim=True))
            else:
                parts.append(f"[[{short}]]" if learned else short)
        click.echo("    " + "".join(parts).replace("\n", "\n    "), color=colours)

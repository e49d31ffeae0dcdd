"""`langadapt run`: the whole recipe."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from langadapt.cli import options
from langadapt.errors import MachineError
from langadapt.languages import LanguagePack
from langadapt.machine import accelerator
from langadapt.recipe import Recipe, read_recipe, recipe_names

DEMONSTRATION = (
    "This is a demonstration with tiny models: it shows the path and tells nothing about {language} quality."
)


@click.command()
@click.argument("lang")
@options.recipe
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="The run's folder; runs/LANG-RECIPE unless given."
)
@click.option("--until", metavar="STAGE", default="report", help="Stop after this stage.")
@options.limit
@options.changes
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.conversations
@options.preferences
@options.memory
def run_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    lang: str, recipe: str | None, run_dir: Path | None, until: str, limit: int | None, changes: tuple[str, ...], yes: bool,
    conversations: Path | None, preferences: Path | None, memory_file: Path,
) -> None:  # fmt: skip
    """Take a model to the language LANG (a BCP 47 code such as de)."""
    from langadapt.assembly import components
    from langadapt.cli.agreeing import ask_before, wanted_of
    from langadapt.pipeline import Pipeline, check_stage
    from langadapt.progress import Console
    from langadapt.report import summary
    from langadapt.runner import Run

    begun = time.monotonic()
    pack = options.pack_of(lang)
    options.own_caches()
    name = _fitting(pack, recipe, yes)
    sources = options.own_rows(conversations, preferences)
    resolved = read_recipe(name, pack, changes=changes, sources=sources)
    check_stage(until)
    _check_machine(resolved, pack)
    parts = components(resolved, pack, None)
    _check_rows(resolved, limit, parts)
    console = Console()
    if resolved.demonstration:
        console.say(DEMONSTRATION.format(language=pack.language.name))
    folder = run_dir or Path("runs") / f"{pack.language.code}-{resolved.name}"
    request = {"language": lang, "recipe": name, "changes": list(changes), "sources": sources}
    agreed = None
    if until != "prepare" and (resolved.needs != "cpu" or _sends(parts)):
        made = _plan(resolved, pack, memory_file, limit)
        agreed = ask_before(made, resolved, wanted_of(made, request, until, limit), folder, yes=yes)
    with Run(folder) as run:
        run.request = request
        if agreed:
            agreed.keep(run.folder)
        memory = options.open_memory(memory_file)
        try:
            built = components(resolved, pack, memory)
            Pipeline(run, resolved, pack, built, console, limit).execute(until)
        finally:
            memory.close()
        click.echo(summary(run, resolved, pack))
        click.echo(f"\n{time.monotonic() - begun:.0f} s. The run: {run.folder}")
        if until == "report":
            click.echo(f"The report: {run.folder / 'report' / 'index.html'}")
    if resolved.demonstration:
        click.echo(DEMONSTRATION.format(language=pack.language.name))


def _fitting(pack: LanguagePack, asked: str | None, yes: bool) -> str:
    """The recipe to run: the one asked for, or the pack's, or `mini` where this machine has no accelerator for that."""
    if asked:
        return str(Path(asked).resolve()) if asked.endswith(".toml") else asked
    name = options.recipe_name(pack, None)
    if read_recipe(name, pack).needs == "cpu" or accelerator():
        return name
    if "mini" not in recipe_names(pack):
        raise MachineError(
            f"the recipe {name!r} needs an accelerator, none is found, and there is no mini recipe for {pack.language.name}",
            hint="run it on a machine with a GPU, or name a recipe for the CPU with --recipe",
        )
    click.echo(
        f"No accelerator is found, which the recipe {name!r} needs: running the recipe 'mini' instead."
    )
    if not yes and sys.stdin.isatty():
        click.confirm("Go on?", default=True, abort=True)
    return "mini"


def _check_machine(recipe: Recipe, pack: LanguagePack) -> None:
    if recipe.needs == "gpu" and not accelerator():
        other = "mini" if "mini" in recipe_names(pack) else "NAME"
        raise MachineError(
            f"the recipe {recipe.name!r} needs an accelerator and none is found",
            hint=f"run it on a machine with a GPU, or --recipe {other}, or --set needs=cpu to try all the same",
        )


def _sends(parts: Mapping[str, Any]) -> bool:
    """Whether texts are sent to a server, which may be paid for them, whatever machine the recipe needs."""
    from langadapt.plan.served import servers

    return any(
        servers(part)
        for address, part in parts.items()
        if address.partition(".")[0] in ("translate", "filter")
    )


def _plan(recipe: Recipe, pack: LanguagePack, memory_file: Path, limit: int | None) -> Any:
    """What the run is expected to take on this machine, without translating anything for that."""
    from langadapt.cli.plan import device_of, plan_of
    from langadapt.progress import Console

    memory = options.open_memory(memory_file)
    try:
        device, _ = device_of(recipe, None)
        return plan_of(recipe, pack, memory, device=device, limit=limit, progress=Console())
    finally:
        memory.close()


def _check_rows(recipe: Recipe, limit: int | None, built: Mapping[str, Any]) -> None:
    """Every mistake in local rows, before anything starts."""
    from langadapt.errors import DataError
    from langadapt.prepare.readers import check_rows
    from langadapt.prepare.reading import is_local

    found: list[str] = []
    for source in recipe.sources:
        trainer = built.get(f"train.{source.stream}")
        if Path(source.path).is_file():
            found += check_rows(source, limit, trainer.takes if trainer else None)
        elif is_local(source) and not Path(source.path).exists():
            found.append(f"source.{source.name}: {source.path} does not exist")
    if found:
        shown = [*found[:20], *([f"and {len(found) - 20} more"] if len(found) > 20 else [])]
        raise DataError("\n  ".join(shown), hint="mend these rows; nothing was started")

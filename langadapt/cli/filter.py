"""`langadapt filter`."""

from contextlib import ExitStack
from pathlib import Path

import click

from langadapt.cli import options
from langadapt.cli.alone import FILE


@click.command()
@click.argument("translated", type=FILE, metavar="OUT.jsonl")
@click.argument("kept", type=FILE, metavar="KEPT.jsonl")
@click.option(
    "--source", "rows", type=FILE, required=True, metavar="IN.jsonl", help="The rows that were translated."
)
@options.language
@options.recipe
@click.option("--filter", "names", multiple=True, metavar="NAME", help="Only this filter; may be repeated.")
@options.changes
@options.memory
def filter_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    translated: Path,
    kept: Path,
    rows: Path,
    language: str,
    recipe: str | None,
    names: tuple[str, ...],
    changes: tuple[str, ...],
    memory_file: Path,
) -> None:
    """Judge the translations in OUT; what passes goes to KEPT, the rest with reasons to KEPT.dropped.jsonl.

    Keys of --set begin with the filter's name: round-trip.at_least=30.
    """
    from langadapt import stages
    from langadapt.assembly import components
    from langadapt.judging import Named
    from langadapt.languages import Language
    from langadapt.pipeline import SOURCE
    from langadapt.progress import Console
    from langadapt.recipe import read_recipe
    from langadapt.translations import Paths

    pack = options.pack_of(language)
    resolved = read_recipe(
        options.recipe_name(pack, recipe), pack, changes=[f"filter.{change}" for change in changes]
    )
    known = {slot.name for slot in resolved.filters}
    extra = [name for name in names if name not in known]
    if extra:
        added = [f"filter.{name}.use={name}" for name in extra]
        resolved = read_recipe(
            options.recipe_name(pack, recipe), pack, changes=[*added, *(f"filter.{c}" for c in changes)]
        )
    given = Paths.beside(translated)
    options.refuse_overwriting(
        [rows, given.rows, given.held, given.segments],
        [kept, kept.with_suffix(".dropped.jsonl"), kept.with_suffix(".verdicts.jsonl")],
    )
    slots = [slot for slot in resolved.filters if not names or slot.name in names]
    memory = options.open_memory(memory_file)
    built = components(resolved, pack, memory, slots)
    with ExitStack() as stack:
        stack.callback(memory.close)
        filters = [Named(slot.name, stages.closing(stack, built[slot.address])) for slot in slots]
        counts = stages.filter_rows(
            rows,
            given,
            filters,
            pack=pack,
            source=Language.of(SOURCE),
            kept=kept,
            progress=Console(),
        )
    click.echo(f"{counts['kept']} of {counts['records']} rows in {kept}")
    for name, reasons in counts["dropped"].items():
        click.echo(
            f"  {name}: dropped {sum(reasons.values())}"
            + "".join(f"; {count} {why}" for why, count in reasons.items())
        )

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
@click.option(
    "--calibrate",
    is_flag=True,
    help="Measure what each filter would do; a limit may be a share: round-trip.at_least=5%.",
)
@click.option(
    "--labels",
    type=FILE,
    metavar="FILE",
    help="Rows of id and good (true, false), for recall and false alarms.",
)
@click.option(
    "--write",
    "recipe_file",
    type=FILE,
    metavar="RECIPE.toml",
    help="Write limits given as shares, as numbers.",
)
def filter_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    translated: Path,
    kept: Path,
    rows: Path,
    language: str,
    recipe: str | None,
    names: tuple[str, ...],
    changes: tuple[str, ...],
    memory_file: Path,
    calibrate: bool,
    labels: Path | None,
    recipe_file: Path | None,
) -> None:
    """Judge the translations in OUT; what passes goes to KEPT, the rest with reasons to KEPT.dropped.jsonl.

    Keys of --set begin with the filter's name: round-trip.at_least=30. With --calibrate nothing is kept or dropped: each
    filter judges all of OUT, and what it would do is printed.
    """
    from langadapt import stages
    from langadapt.assembly import components
    from langadapt.cli import calibrate as calibration
    from langadapt.judging import Named
    from langadapt.languages import Language
    from langadapt.pipeline import SOURCE
    from langadapt.progress import Console
    from langadapt.recipe import read_recipe
    from langadapt.translations import Paths

    pack = options.pack_of(language)
    changes, shares = calibration.shares_of(changes, calibrate=calibrate, wanted=recipe_file or labels)
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
    read = [rows, given.rows, given.held, given.segments, *options.read_beside(memory_file, recipe)]
    if labels:
        read.append(labels)
    written = [kept, kept.with_suffix(".dropped.jsonl"), kept.with_suffix(".verdicts.jsonl")]
    options.refuse_overwriting(read, [recipe_file] if recipe_file else written)
    slots = [slot for slot in resolved.filters if not names or slot.name in names]
    memory = options.open_memory(memory_file)
    built = components(resolved, pack, memory, slots, within="filter")
    with ExitStack() as stack:
        stack.callback(memory.close)
        filters: list[Named] = [
            Named(slot.name, stages.closing(stack, built[slot.address])) for slot in slots
        ]
        if calibrate:
            sample = calibration.Sample(rows, given, filters, pack, Language.of(SOURCE))
            options.say("\n".join(calibration.lines(sample, shares, labels)))
            if recipe_file:
                calibration.write(sample, shares, recipe_file, options.recipe_name(pack, recipe))
                options.say(f"limits written to {recipe_file}")
            return
        counts = stages.filter_rows(
            rows,
            given,
            filters,
            pack=pack,
            source=Language.of(SOURCE),
            kept=kept,
            progress=Console(),
        )
    options.say(f"{counts['kept']} of {counts['records']} rows in {kept}")
    for name, reasons in counts["dropped"].items():
        options.say(
            f"  {name}: dropped {sum(reasons.values())}"
            + "".join(f"; {count} {why}" for why, count in reasons.items())
        )

"""`langadapt compare`."""

import json
from pathlib import Path

import click

from langadapt.cli import options


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--task", "tasks", multiple=True, metavar="NAME",
    help="A task, or a part of one such as mt-bench/writing; may be repeated. All whole tasks unless given.",
)  # fmt: skip
@click.option("--seed", type=int, default=42, show_default=True, help="Of whatever is drawn at random.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON, and nothing else.")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Also write compare.json and the picture compare.svg there.",
)  # fmt: skip
def compare_command(
    runs: tuple[str, ...], tasks: tuple[str, ...], seed: int, as_json: bool, output: Path | None
) -> None:
    """Say which differences are real: checkpoints of one RUN, or the last of several; RUN:CHECKPOINT names one.

    RUN is a folder of `langadapt run`, or a model's folder of `langadapt evaluate`. Scores are compared item by item, with a
    permutation test, a paired bootstrap and Holm's correction.
    """
    from langadapt import registry
    from langadapt.compare import as_json as told
    from langadapt.compare import compare, lines, picture, sides
    from langadapt.drafts import drafting
    from langadapt.published import published

    found = compare(sides(runs), tasks=tasks, seed=seed)
    language = next((side.language for side in found.sides if side.language), "")
    figures = published(language) if language else {}
    whole = json.dumps(told(found, figures), ensure_ascii=False, indent=1)
    if output:
        for name, text in (("compare.json", whole), ("compare.svg", picture(found))):
            with drafting(output / name) as out:
                out.write(f"{text.rstrip()}\n")
    if as_json:
        click.echo(whole)
        return
    benchmarks = registry.pack(language).benchmarks if language else {}
    families = {task: family for family, tasks in benchmarks.items() for task in tasks}
    options.say("\n".join(lines(found, figures, families)))
    if output:
        options.say(f"\nThe picture: {output.resolve() / 'compare.svg'}")

"""`langadapt report RUN`."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, exists=True, file_okay=False))
def report_command(folder: Path) -> None:
    """Write the report of a finished or unfinished RUN folder again and print its summary."""
    from langadapt import registry
    from langadapt.errors import ConfigError
    from langadapt.recipe import read_recipe
    from langadapt.report import summary, write_report
    from langadapt.runner import Run

    if not (folder / "request.json").exists():
        raise ConfigError(f"{folder} is no run folder", hint="name the folder that `langadapt run` printed")
    with Run(folder) as run:
        asked = run.request
        pack = registry.pack(asked["language"])
        recipe = read_recipe(asked["recipe"], pack, changes=asked["changes"], sources=asked["sources"])
        write_report(run, recipe, pack)
        click.echo(summary(run, recipe, pack))
        click.echo(f"\nThe report: {run.folder / 'report' / 'index.html'}")

"""`langadapt new`: a package of one's own to begin with."""

from pathlib import Path

import click

from langadapt import registry
from langadapt.cli import options
from langadapt.cli.alone import FOLDER


@click.command()
@click.argument("kind", type=click.Choice(registry.KINDS))
@click.argument("name")
@click.option(
    "--into", type=FOLDER, metavar="DIR", help="The folder to write; ./langadapt-NAME unless given."
)
def new_command(kind: str, name: str, into: Path | None) -> None:
    """Write a package with a KIND of one's own: NAME is what it is called, or the code of a language.

    It works as it is: install it, run its tests, then make it yours.
    """
    from langadapt.scaffold import Package

    package = Package.of(kind, name)
    folder = into or Path(package.distribution)
    for path in package.write(folder):
        options.say(f"  {path}")
    options.say(f"Next: pip install -e {folder}, pytest {folder}, langadapt check {kind} {package.name}")

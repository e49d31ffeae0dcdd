"""`langadapt doctor`: every component imported in a process of its own, and what this machine can run."""

import contextlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import click

from langadapt import registry
from langadapt.errors import LangAdaptError

MISSING = 4
_CHECK = """
import sys
from langadapt import registry
from langadapt.errors import LangAdaptError
kind, name = sys.argv[1:]
try:
    found = registry.find(kind, name)
    registry.pack(name) if kind == "language" else registry.load(found, needed=True)
except LangAdaptError as error:
    print(f"{error} ({error.hint})", file=sys.stderr)
    sys.exit(4 if "pip install" in error.hint else 3)
"""


@click.command()
@click.option(
    "--seconds",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="What the import of one component may take.",
)
def doctor_command(seconds: int) -> None:
    """Import every component on its own, with a time limit; say what is broken and what this machine can run."""
    from langadapt.machine import describe

    for key, value in (facts := describe()).items():
        click.echo(f"{key:<14} {value}")
    broken = 0
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        items = [item for kind in registry.KINDS for item in registry.installed(kind)]
        for item, (code, problem) in zip(items, pool.map(partial(_problem, seconds), items), strict=True):
            broken += code not in (0, MISSING)
            colour = {0: None, MISSING: "yellow"}.get(code, "red")
            click.secho(f"{item.kind:<14} {item.name:<16} {problem or 'ready'}", fg=colour)
    for name, needs in _needs().items():
        runs = needs == "cpu" or facts["accelerator"] != "none"
        click.echo(
            f"{'recipe':<14} {name:<16} "
            + ("can run here" if runs else "needs an accelerator, none is found")
        )
    sys.exit(3 if broken else 0)


def _problem(seconds: int, item: registry.Found) -> tuple[int, str]:
    """Exit code of the check, and what is wrong with the component."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHECK, item.kind, f"{item.distribution}:{item.name}"],
            capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 3, f"{item.distribution}: takes more than {seconds} s to import"
    lines = done.stderr.strip().splitlines()
    if done.returncode == 0:
        return 0, ""
    return done.returncode, lines[-1] if lines else f"{item.distribution}: exit code {done.returncode}"


def _needs() -> dict[str, str]:
    from langadapt.recipe import read_recipe, recipe_names

    needs: dict[str, str] = {}
    for item, pack in registry.readable_packs().items():
        with contextlib.suppress(LangAdaptError):  # a broken recipe is told when it is asked for
            needs |= {f"{name} ({item.name})": read_recipe(name, pack).needs for name in recipe_names(pack)}
    return needs

"""`langadapt check`: a component or a pack against the contract of its kind, without pytest."""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import click

from langadapt import registry
from langadapt.cli import options
from langadapt.cli.alone import component_alone
from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack
from langadapt.testing import Contract, Result, results

KINDS = (*registry.KINDS, "recipe")
_LANGUAGE = "de"
_COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow", "xfailed": "yellow"}


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--language", metavar="LANG", help="The language that it is tried on; de unless given.")
@options.changes
def check_command(kind: str, name: str, language: str | None, changes: tuple[str, ...]) -> None:
    """Hold NAME to the contract of its KIND: what `langadapt.testing` checks in its author's tests.

    Of a recipe, every component is built, and each trainer looks at what it would train on: template, masks, lengths, steps,
    memory. Keys of --set are relative to the component, or to the recipe. Ends with 3 where a check fails.
    """
    options.own_caches()
    counts = dict.fromkeys(_COLOURS, 0)
    for result in _results(kind, name, language, changes):
        counts[result.outcome] += 1
        said = result.check.removeprefix("test_").replace("_", " ")
        click.secho(f"  {result.outcome:<8}", fg=_COLOURS[result.outcome], nl=False)
        options.say(f" {said}" + (f"\n           {result.message}" if result.message else ""))
    options.say(", ".join(f"{count} {outcome}" for outcome, count in counts.items()), bold=True)
    errors = _preflight(name, language or _LANGUAGE, changes) if kind == "recipe" else 0
    sys.exit(3 if counts["failed"] or errors else 0)


def _results(kind: str, name: str, language: str | None, changes: tuple[str, ...]) -> Iterator[Result]:
    if kind == "language":
        if language or changes:
            option = "--language" if language else "--set"
            raise ConfigError(f"a pack is checked as it is, without {option}", hint=f"leave {option} out")
        yield from results(_pack_contract(name))
        return
    if kind == "recipe":
        yield from _recipe(name, language or _LANGUAGE, changes)
        return
    pack = registry.pack(language or _LANGUAGE)
    make = partial(_bare, kind, name, pack, changes)
    yield from results(_contract(kind, make, pack))


def _bare(kind: str, name: str, pack: LanguagePack, changes: tuple[str, ...]) -> Any:
    """The component by itself, without the wrappers that stand around a translator."""
    from langadapt.config import unwrapped

    made = component_alone(kind, name, pack, changes)
    return unwrapped(made) if kind == "translator" else made


def _contract(kind: str, make: Callable[[], Any], pack: LanguagePack) -> type[Contract]:
    from langadapt import testing

    bases: dict[str, type[Contract]] = {
        "translator": testing.TranslatorContract,
        "filter": testing.FilterContract,
        "trainer": testing.TrainerContract,
        "evaluator": testing.EvaluatorContract,
    }
    about: dict[str, dict[str, Any]] = {
        "translator": {"target": pack.language.code},
        "filter": {"pack": lambda _: pack},
        "evaluator": {"language": pack.language.code},
    }
    made = make()
    made.close()
    members = {"make": lambda _: make(), **about.get(kind, {})}
    return type(type(made).__name__, (bases[kind],), members)


def _pack_contract(code: str) -> type[Contract]:
    from langadapt.testing import PackContract

    folder = registry.pack_folder(registry.find("language", code))
    return type(f"pack {code}", (PackContract,), {"folder": lambda _: folder})


def _recipe(name: str, language: str, changes: tuple[str, ...]) -> Iterator[Result]:
    """Whether the recipe can be read for the language, and each of its components be built."""
    from langadapt.assembly import components
    from langadapt.errors import LangAdaptError
    from langadapt.recipe import read_recipe

    pack = registry.pack(language)
    recipe = read_recipe(name, pack, changes=changes)
    yield Result("test_reads", "passed")
    for slot in recipe.slots:
        try:
            components(recipe, pack, None, [slot])[slot.address].close()
        except LangAdaptError as error:
            yield Result(f"test_{slot.address}", "failed", f"{error}" + f" ({error.hint})" * bool(error.hint))
        else:
            yield Result(f"test_{slot.address}", "passed")


def _preflight(name: str, language: str, changes: tuple[str, ...]) -> int:
    """What the recipe's trainers find before they start; those that cannot be built are told above."""
    from langadapt.assembly import components
    from langadapt.cli.preflight import shown
    from langadapt.errors import LangAdaptError
    from langadapt.recipe import read_recipe

    pack = registry.pack(language)
    recipe = read_recipe(name, pack, changes=changes)
    trainers: dict[str, Any] = {}
    for slot in recipe.train:
        with suppress(LangAdaptError):
            trainers |= components(recipe, pack, None, [slot])
    return shown(recipe, pack, trainers)

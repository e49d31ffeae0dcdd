"""`langadapt list` and `langadapt show`."""

import contextlib
import difflib
from collections.abc import Mapping
from pathlib import Path

import click

from langadapt import registry
from langadapt.cli import options
from langadapt.errors import ConfigError, LangAdaptError
from langadapt.languages import LanguagePack

LISTED = (*registry.KINDS, "recipe")
_WIDEST = 200
"""Characters of a value that are shown; longer ones are texts, which stand whole where they come from."""


@click.command()
@click.argument("kind", required=False, type=click.Choice(LISTED))
def list_command(kind: str | None) -> None:
    """What is installed, by KIND; all kinds unless one is named. Nothing of it is imported."""
    for one in [kind] if kind else LISTED:
        click.secho(one, bold=True)
        if one == "recipe":
            _list_recipes()
            continue
        found = registry.installed(one)
        names = [item.name for item in found]
        for item in found:
            twice = names.count(item.name) > 1
            name = f"{item.distribution}:{item.name}" if twice else item.name
            notes = ["claimed twice: ask for it by this full name"] * twice
            notes += [problem] if (problem := registry.problem(item)) else []
            click.echo("  ".join([f"  {name:<18}", f"{item.distribution} {item.version}", *notes]))
        if not found:
            click.echo("  none")


def _list_recipes() -> None:
    from pathlib import Path

    recipes = Path(__file__).parents[1] / "recipes"
    for path in sorted(recipes.glob("*.toml")):
        click.echo(f"  {path.stem:<20} for any language")
    for item in registry.installed("language"):
        with contextlib.suppress(LangAdaptError):  # a broken pack is told when it is asked for, and by doctor
            for path in sorted((registry.pack_folder(item) / "recipes").glob("*.toml")):
                click.echo(f"  {path.stem:<20} --language {item.name}")


@click.command()
@click.argument("name", metavar="[KIND:]NAME")
@click.option("--language", metavar="LANG", help="Whose pack a recipe is resolved with.")
@click.option("--diff", "other", metavar="OTHER", help="Print only what differs from this recipe.")
def show_command(name: str, language: str | None, other: str | None) -> None:
    """A component's settings with their defaults, a language, or a recipe, with the origin of every value."""
    kind, short = _what(name, language)
    if kind == "recipe":
        _show_recipe(short, language, other)
    elif kind == "language":
        _show_language(short)
    else:
        _show_component(kind, short)


def _what(name: str, language: str | None) -> tuple[str, str]:
    kind, colon, short = name.partition(":")
    if colon and kind in LISTED:
        return kind, short
    known = {(one, item.name) for one in registry.KINDS for item in registry.installed(one)}
    known |= {("recipe", recipe) for recipe in _recipes(language)}
    if name.endswith(".toml"):
        return "recipe", name
    kinds = [one for one, bears in sorted(known) if bears == name]
    if not kinds and _is_language(name):
        if near := _nearly(name, [bears for kind, bears in sorted(known) if kind in registry.INTERFACES]):
            raise ConfigError(
                f"{name!r} is a language, and nearly {near}", hint=f"write {near}, or language:{name}"
            )
        return "language", name
    if not kinds:
        raise ConfigError(
            f"nothing is called {name!r}", hint=registry.did_you_mean(name, [bears for _, bears in known])
        )
    if len(kinds) > 1:
        raise ConfigError(f"{name!r} is a {' and a '.join(kinds)}", hint=f"write {kinds[0]}:{name}")
    return kinds[0], name


def _is_language(name: str) -> bool:
    """Whether it is a code of a language; codes are short, and what is long is a misspelt name."""
    from langadapt.languages import Language

    try:
        return len(name.partition("-")[0]) <= 3 and bool(Language.of(name))
    except ConfigError:
        return False


def _nearly(code: str, names: list[str]) -> str:
    """The component that a code may be meant for: few know codes of three letters, and many are like a word."""
    if len(code) != 3:
        return ""
    beginning = [name for name in names if name.startswith(f"{code}-")]
    return next(iter(beginning or difflib.get_close_matches(code, names, n=1, cutoff=0.8)), "")


def _recipes(language: str | None) -> list[str]:
    from langadapt.recipe import recipe_names

    packs = [registry.pack(language)] if language else registry.readable_packs().values()
    return [name for pack in packs for name in recipe_names(pack)]


def _show_component(kind: str, name: str) -> None:
    import dataclasses

    from langadapt.config import hints_of

    component = registry.load(registry.find(kind, name))
    hints = hints_of(component)
    click.secho(f"{kind} {name}", bold=True)
    click.echo((component.__doc__ or "").strip().splitlines()[0])
    for item in dataclasses.fields(component):
        default = item.default
        if item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        shown = "required" if default is dataclasses.MISSING else repr(default)
        if item.name in getattr(component, "resolves", {}):
            shown = "follows from the language"
        notes = [note for note in getattr(hints[item.name], "__metadata__", ()) if isinstance(note, str)]
        click.echo(f"  {item.name} = {shown}\n      {' '.join(notes)}")


def _show_language(code: str) -> None:
    """What is known of a language, and for every component what it would take for it, each with its origin."""
    from langadapt.recipe import DEFAULT

    options.own_caches()
    pack = registry.pack(code)
    language = pack.language
    click.secho(f"language {language.code}: {language.name} ({language.native})", bold=True)
    facts = pack.facts
    rows = {
        "script": (f"{language.script}, {language.direction}", "CLDR, through langcodes"),
        "flores": (language.flores or "none", "FLORES-200, langadapt/flores.toml"),
        "pack": (str(pack.folder or "none"), "" if pack.folder else "langadapt new language writes one"),
        "reviewed_by": (", ".join(facts.get("reviewed_by", ())) or "no native speaker", pack.origin),
        "license": (facts.get("license", "none"), pack.origin),
        "recipe": (pack.default_recipe or DEFAULT, pack.origin if pack.default_recipe else "default"),
        "base": (facts.get("base", "none: set base"), pack.origin),
        "bleu_tokenizer": (
            pack.bleu_tokenizer,
            pack.origin if facts.get("bleu_tokenizer") else f"script {language.script}",
        ),
        **{
            f"benchmarks.{name}": (", ".join(tasks), pack.origin)
            for name, tasks in facts.get("benchmarks", {}).items()
        },
        **{
            f"sets.{name}": (", ".join(task for tasks in table.values() for task in tasks), pack.origin)
            for name, table in pack.sets.items()
        },
        **_resolved(pack),
    }
    _table(rows)


def _resolved(pack: LanguagePack) -> dict[str, tuple[str, str]]:
    """The settings that the pack, or else the language, gives to the components that are installed."""
    from langadapt.config import Builder, Layer, layer_of, leaves, plain

    settings = leaves(pack.facts.get("settings", {}), Layer(pack.origin, pack.folder or Path.cwd()))
    builder = Builder(pack, {}, settings)
    rows: dict[str, tuple[str, str]] = {}
    for kind in registry.INTERFACES:
        for item in registry.installed(kind):
            own = settings.get(kind, {}).get(item.name, {})
            with contextlib.suppress(LangAdaptError):  # what is broken is told by doctor
                tree, unknown = builder.completed(kind, f"{item.distribution}:{item.name}", own)
                address = f"{kind}.{item.name}"
                rows |= {f"{address}.{key}": (str(plain(node)), layer_of(node)) for key, node in tree.items()}
                rows |= {f"{address}.{key}": ("none", why) for key, why in unknown.items()}
    return rows


def _table(rows: Mapping[str, tuple[str, str]]) -> None:
    width = max((len(key) for key in rows), default=0)
    for key, (value, origin) in rows.items():
        shown = value if len(value) <= _WIDEST else f"{value[:_WIDEST]}…"
        options.say(f"  {key:<{width}} = {shown}" + (f"   ({origin})" if origin else ""))


def _show_recipe(name: str, language: str | None, other: str | None) -> None:
    code = language or _owner(name)
    lines = _recipe_lines(name, code)
    if other:
        below = _recipe_lines(other, code)
        lines = {key: value for key, value in lines.items() if below.get(key, ("",))[0] != value[0]} | {
            key: ("(not set)", "") for key in below if key not in lines
        }
    click.secho(f"recipe {name}" + (f", where it differs from {other}" if other else ""), bold=True)
    _table(lines)


def _recipe_lines(name: str, code: str) -> dict[str, tuple[str, str]]:
    from langadapt.recipe import explained, read_recipe

    options.own_caches()
    pack = registry.pack(code)
    return explained(read_recipe(name, pack), pack)


def _owner(name: str) -> str:
    """The one language that has a recipe of that name."""
    from langadapt.recipe import recipe_names

    packs = registry.readable_packs().items()
    owners = [item.name for item, pack in packs if name.endswith(".toml") or name in recipe_names(pack)]
    if len(owners) != 1:
        raise ConfigError(f"the recipe {name!r} is resolved with a language", hint="--language LANG")
    return owners[0]

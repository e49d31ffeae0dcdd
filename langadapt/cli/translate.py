"""`langadapt translate`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from langadapt.cli import options
from langadapt.cli.alone import FILE, component_alone
from langadapt.languages import LanguagePack


@click.command()
@click.argument("rows", type=FILE, metavar="IN.jsonl")
@click.argument("out", type=FILE, metavar="OUT.jsonl")
@options.language
@options.recipe
@click.option("--translator", metavar="NAME", help="A translator; the recipe's unless given.")
@options.changes
@options.memory
def translate_command(
    rows: Path,
    out: Path,
    language: str,
    recipe: str | None,
    translator: str | None,
    changes: tuple[str, ...],
    memory_file: Path,
) -> None:
    """Translate the rows of IN to OUT: same ids, same shape. Rows held back go to OUT.held.jsonl, pairs to OUT.segments.jsonl."""
    from langadapt import stages
    from langadapt.languages import Language
    from langadapt.pipeline import SOURCE
    from langadapt.progress import Console
    from langadapt.records import read_records
    from langadapt.translations import Paths

    pack = options.pack_of(language)
    paths = Paths.beside(out)
    options.refuse_overwriting([rows], [paths.rows, paths.held, paths.segments])
    if rows.is_file():
        list(read_records(rows))
    memory = options.open_memory(memory_file)
    made, mode = _translator(pack, recipe, translator, changes, memory)
    with ExitStack() as stack:
        stack.callback(memory.close)
        stages.closing(stack, made)
        counts = stages.translate(
            rows, paths, made, languages=(Language.of(SOURCE), pack.language), mode=mode, progress=Console()
        )
    held = ", ".join(f"{count} {why}" for why, count in counts["held"].items()) or "none"
    click.echo(
        f"{counts['translated']} of {counts['records']} rows in {out}; held back: {held}\n"
        f"{counts['segments']} segments, {counts['unique']} distinct, {counts['remembered']} remembered; "
        f"tokens {counts['tokens_in']} in, {counts['tokens_out']} out; {counts['seconds']} s"
    )


def _translator(
    pack: LanguagePack, recipe: str | None, name: str | None, changes: tuple[str, ...], memory: Any
) -> tuple[Any, str]:
    from langadapt.config import Builder, merged
    from langadapt.recipe import changes_tree, read_recipe

    if name and not recipe:
        return component_alone("translator", name, pack, changes, memory=memory), "newline"
    resolved = read_recipe(
        options.recipe_name(pack, recipe), pack, changes=[f"translate.use={name}"] if name else []
    )
    slot = resolved.translate
    named = {key: value for key in ("base", "chat_template") if (value := getattr(resolved, key))}
    builder = Builder(pack, named, resolved.settings, memory)
    return builder.build(
        "translator", slot.use, merged(slot.settings, changes_tree(changes)), "translate"
    ), slot.options.get("segmentation", "newline")

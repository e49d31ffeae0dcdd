"""`langadapt translate`."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from langadapt.cli import options
from langadapt.cli.alone import FILE, component_alone
from langadapt.errors import DataError
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
    from langadapt.prepare.routing import Router
    from langadapt.progress import Console
    from langadapt.records import read_records
    from langadapt.segments import MODE
    from langadapt.translating import How
    from langadapt.translations import Paths

    pack = options.pack_of(language)
    paths = Paths.beside(out)
    read = [rows, *options.read_beside(memory_file, recipe)]
    options.refuse_overwriting(read, [paths.rows, paths.held, paths.segments])
    if not sum(1 for _ in read_records(rows)):
        raise DataError(f"{rows} holds no row", hint="name a JSON Lines file with rows")
    memory = options.open_memory(memory_file)
    made, slot = _translator(pack, recipe, translator, changes, memory)
    with ExitStack() as stack:
        stack.callback(memory.close)
        stages.closing(stack, made)
        counts = stages.translate(
            rows,
            paths,
            made,
            languages=(Language.of(SOURCE), pack.language),
            mode=slot.get("segmentation", MODE),
            progress=Console(),
            how=How(Router.of(pack) if slot.get("routing", True) else Router(()), slot.get("context", 0)),
        )
    options.say("\n".join(told(counts, out, pack.language.name)))


def told(counts: Mapping[str, Any], out: Path, language: str) -> Iterator[str]:
    """What became of the rows, each told once, and of their segments."""
    yield f"{counts['translated']} of {counts['records']} rows translated to {out}"
    left, dropped = (counts["routed"].get(action, {}) for action in ("untouched", "drop"))
    if already := counts["untouched"] - sum(left.values()):
        yield f"  {already} in {language} already"
    held = {reason: count for reason, count in counts["held"].items() if reason != "routing"}
    for what, why in (("left as they were", left), ("dropped", dropped), ("held back", held)):
        if why:
            yield f"  {sum(why.values())} {what}: {_each(why)}"
    yield (
        f"{counts['segments']} segments, {counts['unique']} distinct: {counts['remembered']} remembered, "
        f"{counts['corrected']} by a person, {counts['retried']} retried, {counts['unfinished']} failed"
    )
    rate = counts["unique"] / max(counts["seconds"], 0.01)
    yield f"tokens {counts['tokens_in']} in, {counts['tokens_out']} out; {counts['seconds']} s, {rate:.1f} segments/s, {counts['tokens_per_s']} tokens/s"


def _each(why: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in why.items())


def _translator(
    pack: LanguagePack, recipe: str | None, name: str | None, changes: tuple[str, ...], memory: Any
) -> tuple[Any, dict[str, Any]]:
    from langadapt.config import Builder, merged
    from langadapt.recipe import changes_tree, read_recipe

    if name and not recipe:
        return component_alone("translator", name, pack, changes, memory=memory), {}
    resolved = read_recipe(
        options.recipe_name(pack, recipe), pack, changes=[f"translate.use={name}"] if name else []
    )
    slot = resolved.translate
    named = {key: value for key in ("base", "chat_template") if (value := getattr(resolved, key))}
    builder = Builder(pack, named, resolved.settings, memory, within="translate")
    return builder.build(
        "translator", slot.use, merged(slot.settings, changes_tree(changes)), "translate"
    ), dict(slot.options)

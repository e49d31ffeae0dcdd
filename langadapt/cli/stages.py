"""`langadapt translate`, `filter`, `train`, `evaluate`: one stage on one's own files."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from langadapt.cli import options
from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack

FILE = click.Path(path_type=Path)


def _component(kind: str, name: str, pack: LanguagePack, changes: Sequence[str], extra: dict[str, Any] | None = None, **context: Any) -> Any:
    """A component alone, with the pack's settings below `--set`, whose keys are relative to it."""
    from langadapt.config import Builder, Layer, leaves, merged
    from langadapt.recipe import changes_tree

    below = leaves(pack.facts.get("settings", {}), Layer(f"pack {pack.language.code}", pack.folder or Path.cwd()))
    tree = merged(below.get(kind, {}).get(name, {}), leaves(extra or {}, Layer("option", Path.cwd())))
    values = context.pop("values", {})
    return Builder(pack, values, below, context.pop("memory", None)).build(kind, name, merged(tree, changes_tree(changes)), name)


@click.command()
@click.argument("rows", type=FILE, metavar="IN.jsonl")
@click.argument("out", type=FILE, metavar="OUT.jsonl")
@options.language
@options.recipe
@click.option("--translator", metavar="NAME", help="A translator; the recipe's unless given.")
@options.changes
@options.memory
def translate_command(  # noqa: PLR0913 - one parameter per option
    rows: Path, out: Path, language: str, recipe: str | None, translator: str | None, changes: tuple[str, ...], memory_file: Path
) -> None:
    """Translate the rows of IN to OUT: same ids, same shape. Rows held back go to OUT.held.jsonl, pairs to OUT.segments.jsonl."""
    from langadapt import stages
    from langadapt.languages import Language
    from langadapt.pipeline import SOURCE
    from langadapt.progress import Console

    pack = options.pack_of(language)
    list(stages.read_records(rows))
    memory = options.open_memory(memory_file)
    made, mode = _translator(pack, recipe, translator, changes, memory)
    with ExitStack() as stack:
        stack.callback(memory.close)
        stages.closing(stack, made)
        paths = stages.Paths.beside(out)
        counts = stages.translate(rows, paths, made, languages=(Language.of(SOURCE), pack.language), mode=mode, progress=Console())
    held = ", ".join(f"{count} {why}" for why, count in counts["held"].items()) or "none"
    click.echo(
        f"{counts['translated']} of {counts['records']} rows in {out}; held back: {held}\n"
        f"{counts['segments']} segments, {counts['unique']} distinct, {counts['remembered']} remembered; "
        f"tokens {counts['tokens_in']} in, {counts['tokens_out']} out; {counts['seconds']} s"
    )


def _translator(pack: LanguagePack, recipe: str | None, name: str | None, changes: tuple[str, ...], memory: Any) -> tuple[Any, str]:
    from langadapt.config import Builder, merged
    from langadapt.recipe import changes_tree, read_recipe

    if name and not recipe:
        return _component("translator", name, pack, changes, memory=memory), "newline"
    resolved = read_recipe(options.recipe_name(pack, recipe), pack, changes=[f"translate.use={name}"] if name else [])
    slot = resolved.translate
    named = {key: value for key in ("base", "chat_template") if (value := getattr(resolved, key))}
    builder = Builder(pack, named, resolved.settings, memory)
    return builder.build("translator", slot.use, merged(slot.settings, changes_tree(changes)), "translate"), slot.options.get("segmentation", "newline")


@click.command()
@click.argument("translated", type=FILE, metavar="OUT.jsonl")
@click.argument("kept", type=FILE, metavar="KEPT.jsonl")
@click.option("--source", "rows", type=FILE, required=True, metavar="IN.jsonl", help="The rows that were translated.")
@options.language
@options.recipe
@click.option("--filter", "names", multiple=True, metavar="NAME", help="Only this filter; may be repeated.")
@options.changes
@options.memory
def filter_command(  # noqa: PLR0913 - one parameter per option
    translated: Path, kept: Path, rows: Path, language: str, recipe: str | None, names: tuple[str, ...], changes: tuple[str, ...], memory_file: Path
) -> None:
    """Judge the translations in OUT; what passes goes to KEPT, the rest with reasons to KEPT.dropped.jsonl.

    Keys of --set begin with the filter's name: round-trip.at_least=30.
    """
    from langadapt import stages
    from langadapt.languages import Language
    from langadapt.pipeline import SOURCE, components
    from langadapt.progress import Console
    from langadapt.recipe import read_recipe

    pack = options.pack_of(language)
    resolved = read_recipe(options.recipe_name(pack, recipe), pack, changes=[f"filter.{change}" for change in changes])
    known = {slot.name for slot in resolved.filters}
    extra = [name for name in names if name not in known]
    if extra:
        added = [f"filter.{name}.use={name}" for name in extra]
        resolved = read_recipe(options.recipe_name(pack, recipe), pack, changes=[*added, *(f"filter.{c}" for c in changes)])
    resolved = replace(resolved, filters=tuple(s for s in resolved.filters if not names or s.name in names), train=(), evaluate=())
    memory = options.open_memory(memory_file)
    built = components(resolved, pack, memory)
    with ExitStack() as stack:
        stack.callback(memory.close)
        filters = [stages.Named(slot.name, stages.closing(stack, built[slot.address])) for slot in resolved.filters]
        counts = stages.filter_rows(
            rows, stages.Paths.beside(translated), filters, pack=pack, source=Language.of(SOURCE), kept=kept, progress=Console()
        )
    click.echo(f"{counts['kept']} of {counts['records']} rows in {kept}")
    for name, reasons in counts["dropped"].items():
        click.echo(f"  {name}: dropped {sum(reasons.values())}" + "".join(f"; {count} {why}" for why, count in reasons.items()))


@click.command()
@click.argument("rows", type=FILE, metavar="DATA.jsonl")
@options.language
@click.option("--trainer", "name", required=True, metavar="NAME")
@click.option("--base", required=True, metavar="MODEL", help="Hub id (with @REVISION) or folder to start from.")
@click.option("--output", type=FILE, required=True, metavar="DIR")
@click.option("--chat-template", metavar="NAME|FILE", help="One of ours or a Jinja file; the base's own unless given.")
@click.option("--held-out", type=float, default=0.05, show_default=True, help="Share of rows kept from training, by a hash of their id.")
@click.option("--seed", type=int, default=42, show_default=True)
@options.changes
def train_command(  # noqa: PLR0913 - one parameter per option
    rows: Path, language: str, name: str, base: str, output: Path, chat_template: str | None, held_out: float, seed: int, changes: tuple[str, ...]
) -> None:
    """Train BASE on DATA with a trainer; the model goes to DIR/model."""
    from langadapt import stages
    from langadapt.interfaces import ModelRef, TrainingJob
    from langadapt.progress import Console
    from langadapt.recipe import template_path
    from langadapt.runner import Run

    pack = options.pack_of(language)
    options.own_caches()
    trainer = _component("trainer", name, pack, changes)
    with Run(output) as run, ExitStack() as stack:
        job = TrainingJob(
            name=name, records=run.folder / "records.jsonl", held_out=run.folder / "held_out.jsonl", base=ModelRef.parse(_model(base)),
            chat_template=chat_template and template_path(chat_template, Path.cwd()), output=run.folder, seed=seed,
        )  # fmt: skip
        stages.split(rows, job.records, job.held_out, share=held_out, takes=trainer.takes)
        made = stages.closing(stack, trainer).train(job, progress=Console())
        (run.folder / "checkpoint.json").write_text(json.dumps(asdict(made), indent=1, default=str), encoding="utf-8")
    click.echo(f"{made.model}")
    for key, value in made.facts.items():
        click.echo(f"  {key}: {value}")


@click.command()
@click.argument("model", metavar="MODEL")
@options.language
@click.option("--evaluator", "names", multiple=True, metavar="NAME", help="An evaluator; may be repeated. All of the recipe's unless given.")
@options.recipe
@options.changes
@options.limit
@click.option("--chat-template", metavar="NAME|FILE", help="One of ours or a Jinja file; the model's own unless given.")
@click.option("--output", type=FILE, default=Path("runs/evaluate"), show_default=True, metavar="DIR")
@click.option("--seed", type=int, default=42, show_default=True)
def evaluate_command(  # noqa: PLR0913 - one parameter per option
    model: str, language: str, names: tuple[str, ...], recipe: str | None, changes: tuple[str, ...], limit: int | None,
    chat_template: str | None, output: Path, seed: int,
) -> None:  # fmt: skip
    """Score MODEL (Hub id or folder). With one --evaluator the keys of --set are relative to it."""
    from langadapt import stages
    from langadapt.interfaces import Checkpoint, ModelRef
    from langadapt.pipeline import components
    from langadapt.progress import Console
    from langadapt.recipe import read_recipe, template_path

    pack = options.pack_of(language)
    options.own_caches()
    prefix = f"evaluate.{names[0]}." if len(names) == 1 else ""
    if recipe or not names:
        resolved = read_recipe(options.recipe_name(pack, recipe), pack, changes=[prefix + change for change in changes])
        slots = [slot for slot in resolved.evaluate if not names or slot.name in names]
        built = {s.name: components(replace(resolved, filters=(), train=(), evaluate=(s,)), pack, None)[s.address] for s in slots}
    else:
        built = {name: _component("evaluator", name, pack, changes if len(names) == 1 else ()) for name in names}
    if not built:
        raise ConfigError(f"the recipe has no evaluator {', '.join(names)}", hint="`langadapt list evaluator` names them")
    template = chat_template and template_path(chat_template, Path.cwd())
    checkpoint = Checkpoint(name=Path(model).name, model=ModelRef.parse(_model(model)), chat_template=template)
    for name, evaluator in built.items():
        folder = output / name
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            scores = stages.closing(stack, evaluator).evaluate(
                checkpoint, pack=pack, output=folder, limit=limit, seed=seed, progress=Console()
            )
        (folder / "scores.json").write_text(json.dumps([asdict(score) for score in scores], ensure_ascii=False, indent=1), encoding="utf-8")
        for score in scores:
            interval = f" [{score.interval[0]:.4f}, {score.interval[1]:.4f}]" if score.interval else ""
            click.echo(f"{score.task:<32} {score.metric:<20} {score.value:.4f}{interval}  n={score.n}")
    click.echo(f"{output.resolve()}")


def _model(name: str) -> str:
    """A folder by its whole path, so that the working folder does not matter later; a Hub id as it is."""
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if name.startswith((".", "/", "~")):
        raise ConfigError(f"the model folder {name} does not exist", hint="name a folder that holds a model, or a Hub id")
    return name

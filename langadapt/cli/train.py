"""`langadapt train`."""

import json
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from langadapt.cli import options
from langadapt.cli.alone import FILE, FOLDER, component_alone, model_here


@click.command()
@click.argument("rows", type=FILE, metavar="DATA.jsonl")
@options.language
@click.option("--trainer", "name", required=True, metavar="NAME", help="`langadapt list trainer` names them.")
@click.option(
    "--base", required=True, metavar="MODEL", help="Hub id (with @REVISION) or folder to start from."
)
@click.option("--output", type=FOLDER, required=True, metavar="DIR", help="Where the checkpoint goes.")
@click.option(
    "--chat-template", metavar="NAME|FILE", help="One of ours or a Jinja file; the base's own unless given."
)
@click.option(
    "--held-out",
    type=float,
    default=0.05,
    show_default=True,
    help="Share of rows kept from training, by a hash of their id.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Of whatever is drawn at random.")
@options.changes
def train_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    rows: Path,
    language: str,
    name: str,
    base: str,
    output: Path,
    chat_template: str | None,
    held_out: float,
    seed: int,
    changes: tuple[str, ...],
) -> None:
    """Train BASE on DATA with a trainer; the model goes to DIR/model."""
    from langadapt import stages
    from langadapt.interfaces import ModelRef, TrainingJob
    from langadapt.progress import Console
    from langadapt.recipe import template_path
    from langadapt.runner import Run

    pack = options.pack_of(language)
    options.own_caches()
    trainer = component_alone("trainer", name, pack, changes)
    with Run(output) as run, ExitStack() as stack:
        job = TrainingJob(
            name=name, records=run.folder / "records.jsonl", held_out=run.folder / "held_out.jsonl", base=ModelRef.parse(model_here(base)),
            chat_template=chat_template and template_path(chat_template, Path.cwd()), output=run.folder, seed=seed,
        )  # fmt: skip
        stages.split(rows, job.records, job.held_out, share=held_out, takes=trainer.takes)
        made = stages.closing(stack, trainer).train(job, progress=Console())
        (run.folder / "checkpoint.json").write_text(
            json.dumps(asdict(made), indent=1, default=str), encoding="utf-8"
        )
    click.echo(f"{made.model}")
    for key, value in made.facts.items():
        click.echo(f"  {key}: {value}")

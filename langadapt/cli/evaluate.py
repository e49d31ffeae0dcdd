"""`langadapt evaluate`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from langadapt.cli import options
from langadapt.cli.alone import FILE, FOLDER, component_alone, model_here
from langadapt.errors import ConfigError


@click.command()
@click.argument("model", metavar="MODEL")
@options.language
@click.option(
    "--evaluator",
    "names",
    multiple=True,
    metavar="NAME",
    help="An evaluator; may be repeated. All of the recipe's unless given.",
)
@options.recipe
@options.changes
@options.limit
@click.option(
    "--chat-template", metavar="NAME|FILE", help="One of ours or a Jinja file; the model's own unless given."
)
@click.option(
    "--output",
    type=FOLDER,
    default=Path("runs/evaluate"),
    show_default=True,
    metavar="DIR",
    help="Scores and per-item values go to DIR/MODEL/EVALUATOR.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Of whatever is drawn at random.")
@click.option(
    "--rejudge",
    is_flag=True,
    help="Count again what a judge said that DIR/MODEL keeps; nothing is answered or asked.",
)
@click.option(
    "--from-replies", "replies", type=FILE, metavar="FILE",
    help="Count what a judge said in FILE, such as FastEval's judge-replies.json or FastChat's MODEL_single.jsonl; "
    "or, for `fidelity`, the answers in it; MODEL is then a name.",
)  # fmt: skip
def evaluate_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    model: str, language: str, names: tuple[str, ...], recipe: str | None, changes: tuple[str, ...], limit: int | None,
    chat_template: str | None, output: Path, seed: int, rejudge: bool, replies: Path | None,
) -> None:  # fmt: skip
    """Score MODEL (Hub id or folder). With one --evaluator the keys of --set are relative to it."""
    from langadapt import stages
    from langadapt.assembly import components
    from langadapt.interfaces import Checkpoint, ModelRef
    from langadapt.progress import Console
    from langadapt.recipe import read_recipe, template_path

    pack = options.pack_of(language)
    options.own_caches()
    within = f"evaluate.{names[0]}" if len(names) == 1 else ""
    if recipe or not names:
        resolved = read_recipe(
            options.recipe_name(pack, recipe),
            pack,
            changes=[f"{within}.{one}".lstrip(".") for one in changes],
        )
        slots = [slot for slot in resolved.evaluate if not names or slot.name in names]
        made = components(resolved, pack, None, slots, within)
        built = {slot.name: made[slot.address] for slot in slots}
    elif changes and len(names) > 1:
        raise ConfigError(
            "--set says not which evaluator it is for", hint="name one --evaluator, or a --recipe"
        )
    else:
        built = {name: component_alone("evaluator", name, pack, changes) for name in names}
    if not built:
        raise ConfigError(
            f"the recipe has no evaluator {', '.join(names)}", hint="`langadapt list evaluator` names them"
        )
    again = rejudge or replies is not None
    if again:
        _check_again(built, rejudge=rejudge, replies=replies)
    name_of_model = Path(model).name
    if not again:
        template = chat_template and template_path(chat_template, Path.cwd())
        checkpoint = Checkpoint(
            name=name_of_model, model=ModelRef.parse(model_here(model)), chat_template=template
        )
    for name, evaluator in built.items():
        folder = output / name_of_model / name
        how = {"pack": pack, "output": folder, "limit": limit, "progress": Console()}
        with ExitStack() as stack:
            held = stages.closing(stack, evaluator)
            if again:
                scores = held.rescored(replies, model=model, **how)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                scores = held.evaluate(checkpoint, seed=seed, **how)
        (folder / "scores.json").write_text(
            json.dumps([asdict(score) for score in scores], ensure_ascii=False, indent=1), encoding="utf-8"
        )
        for line in _table(scores):
            click.echo(line)
    click.echo(f"{output.resolve() / name_of_model}")


def _table(scores: Sequence[Any]) -> Iterator[str]:
    """A line for each score under the set that it is of: those of two sets cannot be compared, and how they were asked is told."""
    from langadapt.report.formats import asking, signature_keys

    within: dict[str, list[Any]] = {}
    for score in scores:
        within.setdefault(signature_keys(score.signature).get("set", ""), []).append(score)
    width = max((len(score.task) for score in scores), default=0)
    for name, own in within.items():
        asked = asking(own[0].signature)
        if name or asked:
            yield f"{f'set {name}' if name else 'tasks of no set'}{f', asked {asked}' if asked else ''}"
        for score in own:
            interval = f" [{score.interval[0]:.4f}, {score.interval[1]:.4f}]" if score.interval else ""
            yield f"{score.task:<{max(width, 32)}} {score.metric:<20} {score.value:.4f}{interval}  n={score.n}"


def _check_again(built: Mapping[str, Any], *, rejudge: bool, replies: Path | None) -> None:
    """Whether there are replies to be counted, and evaluators that can."""
    option = "--rejudge" if rejudge else "--from-replies"
    if rejudge and replies:
        raise ConfigError(
            "--rejudge and --from-replies both say which replies are counted", hint="give one of them"
        )
    if replies and not replies.exists():
        raise ConfigError(
            f"--from-replies: {replies} does not exist",
            hint="name a file of a judge's replies, or of answers for fidelity",
        )
    unable = [name for name, evaluator in built.items() if not hasattr(evaluator, "rescored")]
    if unable:
        raise ConfigError(
            f"{option}: the evaluator {', '.join(unable)} keeps no judge's replies",
            hint="name those that do, such as --evaluator mt-bench",
        )
    if replies and len(built) > 1:
        raise ConfigError(f"{option} says not whose replies {replies} holds", hint="name one --evaluator")

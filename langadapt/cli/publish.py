"""`langadapt publish RUN`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from langadapt.cli import options
from langadapt.cli.trace import run_folder
from langadapt.errors import ConfigError

if TYPE_CHECKING:
    from langadapt.publish import Bundle, Pushed

_KINDS = {"dataset": "data set", "model": "model"}


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--to", "repository", metavar="ORG/NAME", help="Where to; YOU/LANG-RECIPE unless given.")
@click.option("--data", "data", is_flag=True, help="The data set alone.")
@click.option("--model", "model", metavar="SLOT", help="The model of this trainer alone.")
@click.option("--push", "send", is_flag=True, help="Send it. Without this nothing leaves the machine.")
@click.option(
    "--private/--public", "private", default=True, help="Who may read a repository that is made; private."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def publish_command(
    folder: Path, repository: str | None, data: bool, model: str | None, send: bool, private: bool, as_json: bool
) -> None:  # fmt: skip
    """Show what of a finished RUN would go to the Hub, the data set and the last model, and send it with --push.

    The token is that of `hf auth login` or HF_TOKEN; HF_ENDPOINT names another Hub.
    """
    from langadapt import registry
    from langadapt.publish import bundles, push, signed_in
    from langadapt.publish.hub import check_name
    from langadapt.recipe import read_recipe
    from langadapt.runner import Run

    if data and model is not None:
        raise ConfigError("--data and --model name one thing each", hint="leave both out to publish both")
    if repository:
        check_name(repository)
    options.own_caches()
    with Run(run_folder(folder)) as run:
        asked = run.request
        pack = registry.pack(asked["language"])
        recipe = read_recipe(asked["recipe"], pack, changes=asked["changes"], sources=asked["sources"])
        user = signed_in() if send and not repository else "YOU"
        name = repository or f"{user}/{pack.language.code}-{recipe.name}"
        check_name(name)
        found = bundles(
            run, recipe, pack, repository=name, data=model is None, model=None if data else model or ""
        )
        if not as_json:
            for bundle in found:
                _show(bundle, private)
        pushed: list[Pushed] = []
        for bundle in found if send else ():
            pushed.append(push(bundle, private=private))
            if not as_json:
                _said(pushed[-1])
    if as_json:
        click.echo(json.dumps(_told(found, pushed, private), indent=1))
    elif not send:
        options.say("\nNothing was sent. Read the cards, then add --push.", bold=True)


def _show(bundle: "Bundle", private: bool) -> None:
    who = "private" if private else "public"
    options.say(f"{_KINDS[bundle.kind]} {bundle.repository} ({who})", bold=True)
    options.say(f"  licence  {', '.join(bundle.licenses)}")
    width = max(len(file.path) for file in bundle.files)
    for file in bundle.files:
        options.say(f"  {file.path:<{width}}  {_size(file.size):>9}")
    options.say(
        f"  {len(bundle.files)} files, {_size(sum(file.size for file in bundle.files))}; the card: {bundle.card}"
    )
    for note in bundle.notes:
        options.say(f"  note: {note}")


def _said(done: "Pushed") -> None:
    what = f"sent, commit {done.commit}" if done.changed else f"unchanged since commit {done.commit}"
    options.say(f"  {what}: {done.url}")
    for warning in done.warnings:
        options.say(f"  note: {warning}")


def _told(found: "list[Bundle]", pushed: "list[Pushed]", private: bool) -> dict[str, Any]:
    told = []
    for number, bundle in enumerate(found):
        done = pushed[number] if number < len(pushed) else None
        told.append({
            "type": bundle.kind, "id": bundle.repository, "private": private, "licenses": bundle.licenses,
            "card": str(bundle.card), "notes": bundle.notes,
            "files": [{"path": file.path, "bytes": file.size} for file in bundle.files],
            **({"url": done.url, "commit": done.commit, "changed": done.changed, "warnings": done.warnings} if done else {}),
        })  # fmt: skip
    return {"sent": len(pushed), "repositories": told}


def _size(number: int) -> str:
    size, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"

"""`langadapt trace RUN ID`, `langadapt trace RUN --check`."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from langadapt.cli import options
from langadapt.errors import ConfigError, DataError

if TYPE_CHECKING:
    from langadapt.provenance import Way

SHOWN = 20
WIDTH = 60


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("row", metavar="[ID]", required=False)
@click.option("--check", "check", is_flag=True, help="Walk the way of every training row instead of one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trace_command(folder: Path, row: str | None, check: bool, as_json: bool) -> None:
    """Show where the row ID of a RUN folder comes from: source, licence, segments with their memory entries, gates.

    With --check every row that was trained on or held out is walked; ends with 4 where one has no complete way.
    """
    from langadapt.provenance import trace
    from langadapt.runner import Run

    if check == (row is not None):
        raise ConfigError("trace needs the ID of a row, or --check", hint=f"langadapt trace {folder} --check")
    with Run(run_folder(folder)) as run:
        if check:
            _check(run, as_json)
            return
        ways = trace(run, str(row))
    if as_json:
        click.echo(json.dumps([asdict(way) for way in ways], indent=1))
        return
    for way in ways:
        _tell(way)


def run_folder(folder: Path) -> Path:
    """The folder, where it is that of a run; raises `ConfigError` for any other."""
    if not (folder / "request.json").exists():
        raise ConfigError(f"{folder} is no run folder", hint="name the folder that `langadapt run` printed")
    return folder


def _check(run: Any, as_json: bool) -> None:
    from langadapt.provenance import training_rows

    counts: Counter[tuple[str, str]] = Counter()
    incomplete: list[Way] = []
    for way in training_rows(run):
        counts[way.stream, way.end] += 1
        if way.missing:
            incomplete.append(way)
    rows = sum(counts.values())
    if as_json:
        listed = [
            {"id": way.id, "stream": way.stream, "end": way.end, "missing": way.missing} for way in incomplete
        ]
        click.echo(json.dumps({"rows": rows, "complete": rows - len(listed), "incomplete": listed}, indent=1))
    else:
        for (stream, end), number in counts.items():
            options.say(f"{stream}: {number} rows {end}")
    if not rows:
        raise DataError(f"{run.folder}: no row was trained on", hint="run the stage `train` first")
    if incomplete:
        told = [
            f"{way.stream}, row {way.id!r}, {way.end}: {'; '.join(way.missing)}" for way in incomplete[:SHOWN]
        ]
        more = [f"and {len(incomplete) - SHOWN} more"] if len(incomplete) > SHOWN else []
        raise DataError(
            "\n  ".join([f"{len(incomplete)} of {rows} rows have no complete way", *told, *more]),
            hint="run again with this version: what is recorded now was not recorded then",
        )
    if not as_json:
        options.say(f"each of the {rows} rows leads back to its source row, licence, translator and gates")


def _tell(way: "Way") -> None:
    said = way.source
    place = f"{said['path']}{'@' + said['revision'] if said['revision'] else ''}"
    row = f", row {said['row']}" if said["row"] is not None else ""
    _line(f"{way.id} · stream {way.stream} · {way.end}{': ' + way.reason if way.reason else ''}", bold=True)
    _line(f"  source      {said['name']}: {place}{row}")
    _line(f"  licence     {way.license or 'not stated'}")
    translator = ", ".join(f"{key} {value}" for key, value in way.translator.items())
    _line(f"  translated  {translator or way.route or 'no'}")
    for pair in way.pairs:
        entry = "a person's correction" if pair.origin == "person" else f"memory {pair.memory or 'unknown'}"
        _line(f"    text {pair.text}  {_short(pair.source)}  →  {_short(pair.target)}")
        _line(f"            {entry}")
    for verdict in way.gates:
        score = f"  {verdict['score']:.4g}" if isinstance(verdict.get("score"), int | float) else ""
        reason = f"  {verdict['reason']}" if verdict.get("reason") else ""
        _line(
            f"  gate        {verdict['filter']}: {'kept' if verdict.get('keep') else 'dropped'}{score}{reason}"
        )
    for lack in way.missing:
        _line(f"  missing     {lack}")


def _line(text: str, *, bold: bool | None = None) -> None:
    """One line, whatever the data holds."""
    options.say(" ".join(text.splitlines()), bold=bold)


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"

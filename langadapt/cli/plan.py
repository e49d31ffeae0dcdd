"""`langadapt plan`: what a run will take, before anything starts."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from langadapt.cli import options

if TYPE_CHECKING:
    from langadapt.languages import LanguagePack
    from langadapt.machine import Hardware
    from langadapt.memory import TranslationMemory
    from langadapt.plan import Planned
    from langadapt.recipe import Recipe

_NOBODY = "unnamed/base-7B"
"""What stands for the base where nobody names one."""
_WIDTH = 100


def _finite(_: click.Context, option: click.Parameter, value: float) -> float:
    """Refuse what is no number, which every comparison of a range lets through."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number", param=option)
    return value


@click.command()
@click.argument("lang")
@options.recipe
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="An earlier run, whose steps tell how long they took."
)
@options.limit
@options.changes
@options.conversations
@options.preferences
@options.memory
@click.option(
    "--hardware",
    metavar="NAME",
    help="The device to plan for, such as a100-80gb; this machine's unless given.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    callback=_finite,
    default=0.01,
    show_default=True,
    help="Share of the rows that is looked at closely.",
)
@click.option(
    "--calibrate/--no-calibrate",
    default=None,
    help="Translate the sample, where the translator can run here; it is remembered. A server is asked only with --calibrate.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON, and nothing else.")
def plan_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    lang: str, recipe: str | None, run_dir: Path | None, limit: int | None, changes: tuple[str, ...], conversations: Path | None,
    preferences: Path | None, memory_file: Path, hardware: str | None, share: float, calibrate: bool | None, as_json: bool,
) -> None:  # fmt: skip
    """Say what a run for the language LANG will take: tokens, hours, money, disk and memory of each stage."""
    from langadapt import registry
    from langadapt.progress import Console, Silent

    options.own_caches()
    pack = registry.pack(lang) if as_json else options.pack_of(lang)
    sources = options.own_rows(conversations, preferences)
    resolved = with_base(options.recipe_name(pack, recipe), pack, changes, sources)
    device, here = device_of(resolved, hardware)
    memory = options.open_memory(memory_file)
    try:
        made = plan_of(
            resolved, pack, memory, device=device, limit=limit, share=share,
            calibrate=calibrate is not False and here, servers=bool(calibrate),
            earlier=run_dir or Path("runs") / f"{pack.language.code}-{resolved.name}",
            progress=Silent() if as_json else Console(),
        )  # fmt: skip
    finally:
        memory.close()
    if as_json:
        click.echo(json.dumps(made.to_json(), ensure_ascii=False, indent=1))
    else:
        options.say("\n".join(lines(made, resolved.title, pack.language.name)))


def with_base(
    name: str, pack: "LanguagePack", changes: Sequence[str], sources: Mapping[str, Any] | None
) -> "Recipe":
    """The recipe; with a base of 7 billion parameters where neither it nor the pack names one."""
    from langadapt.recipe import read_recipe

    found = read_recipe(name, pack, changes=changes, sources=sources)
    if found.base is not None:
        return found
    return read_recipe(name, pack, changes=[*changes, f"base={_NOBODY}"], sources=sources)


def device_of(recipe: "Recipe", asked: str | None) -> tuple["Hardware", bool]:
    """What is planned for, and whether that is this machine: what is asked for, the recipe's, or what is found here."""
    from langadapt.machine import accelerator, recognised
    from langadapt.plan.data import DEFAULT, named

    hour = recipe.plan.hour
    wanted = asked or recipe.plan.hardware
    if not wanted and recipe.needs == "cpu":
        return named("cpu", hour), True
    found = accelerator()
    own = recognised(found) if found else None
    if wanted:
        device = named(wanted, hour)
        return device, (own.name == device.name if own else not device.accelerator and not found)
    return named(own.name if own else DEFAULT, hour), own is not None


def plan_of(
    recipe: "Recipe",
    pack: "LanguagePack",
    memory: "TranslationMemory | None",
    *,
    device: "Hardware",
    **more: Any,
) -> "Planned":
    """The plan of a recipe; `more` are fields of `langadapt.plan.Request`."""
    from langadapt.languages import Language
    from langadapt.pipeline import SOURCE
    from langadapt.plan import Request, planned

    currency = recipe.plan.currency
    return planned(
        Request(
            recipe=recipe, pack=pack, source=Language.of(SOURCE), device=device, memory=memory, currency=currency, **more
        )
    )  # fmt: skip


def lines(made: "Planned", title: str, language: str) -> Iterator[str]:
    """The plan as a table for the terminal, of a hundred columns."""
    from langadapt.report.formats import one_line

    told = made.to_json()
    device, money = told["hardware"], told["currency"]
    yield _clip(one_line(f"{title} · {language} · recipe {made.recipe} · {device['title']}"))
    yield ""
    yield from _counts(told)
    yield ""
    head = ["stage", "rows", "tokens", "low", "time", "high", money, "disk", "memory", "known"]
    last = {"stage": "all", "rows": _NONE, "tokens": _NONE, "basis": "", **told["totals"]}
    yield from _table([head, *map(_row, [*told["stages"], last])])
    yield ""
    yield from _totals(told["totals"], money)
    for one in told["services"]:
        yield _clip(
            f"{one_line(one['title'])} would take {money_of(one['money']['expected'])} {money} for the same characters"
        )
    for note in told["notes"]:
        yield _clip(f"note: {one_line(note)}", 4 * _WIDTH)
    if told["assumed"]:
        yield ""
        yield "Assumed, and not measured here:"
        for one in told["assumed"]:
            yield _clip(
                f"  {one_line(one['what'])}: {one_line(one['value'])} ({one_line(one['source'])})", 3 * _WIDTH
            )


_KEYS = ("low", "expected", "high")
_NONE = dict.fromkeys(_KEYS, 0)


def _counts(told: Mapping[str, Any]) -> Iterator[str]:
    from langadapt.report.formats import one_line

    for one in told["sources"]:
        reasons = ", ".join(
            f"{one_line(reason)} {_whole(number)}" for reason, number in one["dropped"].items()
        )
        why = f"; dropped: {reasons}" if reasons else ""
        yield _clip(
            f"{one_line(one['name'])}: {_whole(one['rows'])} rows, {_whole(one['characters'])} characters, stream {one_line(one['stream'])}{why}"
        )
    counts, sample = told["counts"], told["sample"]
    yield (
        f"{_n(counts['segments'])} segments, {_n(counts['segments_unique'])} distinct, {_n(counts['segments_to_translate'])} not translated yet;"
        f" {_n(counts['rows_untouched'])} rows untouched, {_n(counts['rows_dropped'])} dropped by prepare"
    )
    done = (
        f", {_whole(sample['segments_translated'])} segments of them translated in {_time(sample['seconds'])}"
        if sample["calibrated"]
        else ""
    )
    yield f"sample: {_whole(sample['rows'])} rows{done}"


def _n(estimate: Mapping[str, float]) -> str:
    return _whole(estimate["expected"])


def _whole(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _row(one: Mapping[str, Any]) -> list[str]:
    return [
        one["stage"], _count(one["rows"]), _count(one["tokens"]), *(_time(one["seconds"][key]) for key in _KEYS),
        money_of(one["money"]["expected"]), _bytes(one["disk_bytes"]["expected"]), _bytes(one["memory_bytes"]["expected"]), one["basis"],
    ]  # fmt: skip


def _totals(totals: Mapping[str, Any], money: str) -> Iterator[str]:
    """Every sum with its interval."""
    for name, key, shown in (
        ("time", "seconds", _time), (money, "money", money_of), ("device hours", "device_hours", _short),
        ("energy, kWh", "energy_kwh", _short), ("disk", "disk_bytes", _bytes), ("memory of a device", "memory_bytes", _bytes),
    ):  # fmt: skip
        low, expected, high = (shown(totals[key][which]) for which in _KEYS)
        if expected:
            yield f"{name:<20}{expected:>10}   between {low or 0} and {high}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    from langadapt.report.formats import one_line

    cells = [[one_line(cell)[:24] for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in cells) for n in range(len(cells[0]))]
    for row in cells:
        yield "  ".join(
            cell.ljust(width) if n in (0, len(row) - 1) else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()


def _count(estimate: Mapping[str, float]) -> str:
    value = estimate["expected"]
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{value:.0f}" if value else ""


def _time(seconds: float) -> str:
    for size, unit in ((172_800, "d"), (7200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds / {'d': 86_400, 'h': 3600, 'min': 60}[unit]:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds else ""


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value else ""


def money_of(value: float) -> str:
    """An amount, with cents below a hundred."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _bytes(value: float) -> str:
    for size, unit in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1024:.0f} KiB" if value else ""


def _clip(line: str, width: int = 3 * _WIDTH) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"

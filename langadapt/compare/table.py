"""A comparison as a table of a hundred columns for the terminal, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from langadapt.compare.comparing import LEVEL, Comparison, Row
from langadapt.report.formats import MINUS, NOTHING, finite, one_line, value

COLUMNS, NAME = 100, 25
HEAD = ("task, metric", "items", "A", "B", f"B {MINUS} A", "95 % interval", "p", "Holm", "boot", "least")
MARK = "*"


def lines(
    found: Comparison, figures: Mapping[str, Mapping[str, Any]], families: Mapping[str, str]
) -> Iterator[str]:
    """The table of every pair, what it means, what was not compared, and `figures` of the families that tasks belong to."""
    for (first, second), rows in groupby(found.rows, key=lambda row: (row.first, row.second)):
        yield _clip(f"A {one_line(first)}, B {one_line(second)}")
        yield from _table(list(rows))
        yield ""
    real = sum(row.real for row in found.rows)
    yield (
        f"{MARK} p ≤ {LEVEL:.2f} by Holm over all {len(found.rows)} comparisons: {real or 'none'} of them, beyond chance"
    )
    yield "boot: the share of bootstrap resamples in which B less A is zero or has the other sign"
    yield "least: the smallest true difference that one such test sees four times of five"
    for note, tasks in _notes(found.rows).items():
        yield _clip(f"note: {note} ({', '.join(tasks)})", 3 * COLUMNS)
    for told in found.left_out:
        yield _clip(f"not compared: {told}", 3 * COLUMNS)
    yield from _published(found.rows, figures, families)


def as_json(found: Comparison, figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every number in full; `published` are figures that were not run here."""
    return {
        "level": LEVEL,
        "seed": found.seed,
        "language": next((side.language for side in found.sides if side.language), None),
        "checkpoints": [{"label": side.label, "folder": str(side.folder)} for side in found.sides],
        "comparisons": [
            {
                "task": row.task,
                "metric": row.metric,
                "first": row.first,
                "second": row.second,
                "items": row.test.items,
                "clusters": row.test.clusters,
                "values": row.values,
                "difference": row.test.difference,
                "interval": row.test.interval,
                "p": row.test.p,
                "p_holm": row.corrected,
                "real": row.real,
                "smallest": row.smallest,
                "smallest_in_family": row.smallest_in_family,
                "bootstrap": {"interval": row.bootstrap, "turned": row.turned},
                "higher_is_better": row.higher_is_better,
                "signatures": row.signatures,
                "notes": row.notes,
            }
            for row in found.rows
        ],
        "left_out": found.left_out,
        "published": {name: {**told, "run_here": False} for name, told in figures.items()},
    }


def _table(rows: Sequence[Row]) -> Iterator[str]:
    cells = [
        [
            _name(one_line(row.task), one_line(row.metric)),
            str(row.test.items),
            value(row.values[0]),
            value(row.values[1]),
            f"{_signed(row.test.difference)}{MARK if row.real else ' '}",
            " to ".join(_signed(end).lstrip("+") for end in row.test.interval)
            if row.test.interval
            else NOTHING,
            _p(row.test.p),
            _p(row.corrected),
            NOTHING if row.turned is None else _p(row.turned),
            value(row.smallest),
        ]
        for row in rows
    ]
    widths = [max(len(row[n]) for row in [HEAD, *cells]) for n in range(len(HEAD))]
    for row in [HEAD, *cells]:
        told = [c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        yield _clip("  ".join(told).rstrip())


def _signed(number: float) -> str:
    told = value(abs(number))
    return told if not number or not told.strip("0.") else f"{'+' if number > 0 else MINUS}{told}"


def _p(number: float) -> str:
    return "<.001" if number < 0.001 else f"{number:.3f}"


def _name(task: str, metric: str) -> str:
    """Both on `NAME` columns; the longer one gives way."""
    room = NAME - 1 - min(len(task), len(metric), NAME // 2)
    return " ".join(one if len(one) <= room else f"{one[: room - 1]}…" for one in (task, metric))


def _notes(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Each note with the tasks that it is about."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for note in row.notes:
            found.setdefault(note, {})[row.task] = None
    return {note: list(tasks) for note, tasks in found.items()}


def _published(
    rows: Sequence[Row], figures: Mapping[str, Mapping[str, Any]], families: Mapping[str, str]
) -> Iterator[str]:
    wanted = dict.fromkeys(families[row.task] for row in rows if row.task in families)
    for told in figures.values():
        numbers = [f"{name} {value(told[name])}" for name in wanted if finite(told.get(name)) is not None]
        if numbers:
            yield _clip(
                f"not run here: {told.get('title')}: {', '.join(numbers)} ({told.get('source')})", 3 * COLUMNS
            )


def _clip(line: str, most: int = COLUMNS) -> str:
    """One line that steers no terminal."""
    line = "".join(char if char.isprintable() else " " for char in line)
    return line if len(line) <= most else f"{line[: most - 1]}…"

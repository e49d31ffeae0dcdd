"""A comparison as a table of a hundred columns for the terminal, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from langadapt.compare.comparing import LEVEL, Comparison, Row
from langadapt.report.formats import MINUS, NOTHING, finite, one_line, value

COLUMNS, GAP = 100, 2
NAME = (16, 40)
"""Columns that a row's name has at least and at most."""
HEAD = ("task, metric", "items", "A", "B", f"B {MINUS} A", "95 % interval", "p", "Holm", "boot", "least")
MARK = "*"


def lines(
    found: Comparison, figures: Mapping[str, Mapping[str, Any]], families: Mapping[str, str]
) -> Iterator[str]:
    """The table of every pair, what it means, what was not compared, and `figures` of the families that tasks belong to."""
    for (first, second), rows in groupby(found.rows, key=lambda row: (row.first, row.second)):
        yield _clip(f"A {one_line(first)}, B {one_line(second)}")
        for within, own in _blocks(list(rows)):
            yield from _table(own, f"set {one_line(within)}" if within else HEAD[0])
            if asked := ", ".join(dict.fromkeys(row.asked for row in own if row.asked)):
                yield f"benchmarks asked {asked}"
            yield ""
    real = sum(row.real for row in found.rows)
    beyond = {0: "none is beyond chance", 1: "1 is beyond chance"}.get(real, f"{real} are beyond chance")
    yield f"{MARK} p ≤ {LEVEL:.2f} by Holm over all {len(found.rows)} comparisons: {beyond}"
    yield "boot: the share of bootstrap resamples in which B less A is zero or has the other sign"
    yield "least: the smallest true difference that one such test sees four times of five" + _after_holm(
        found.rows
    )
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
                "set": row.set,
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


def _blocks(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows by set: scores of two sets never stand in one table."""
    return [
        (name, [row for row in rows if row.set == name]) for name in dict.fromkeys(row.set for row in rows)
    ]


def _after_holm(rows: Sequence[Row]) -> str:
    """How much larger a difference must be to stand among all rows."""
    pairs = [(one, other) for row in rows if (one := row.smallest) and (other := row.smallest_in_family)]
    most = max((other / one for one, other in pairs), default=1.0)
    return f"; {most:.1f} times that to be sure of *" if most >= 1.05 else ""


def _table(rows: Sequence[Row], title: str) -> Iterator[str]:
    head = (title, *HEAD[1:])
    cells = [_cells(row) for row in rows]
    widths = [max(len(row[n]) for row in [head[1:], *cells]) for n in range(len(head) - 1)]
    room = min(max(COLUMNS - sum(widths) - GAP * len(widths), NAME[0]), NAME[1])
    names = [_name(one_line(row.task), one_line(row.metric), room) for row in rows]
    first = max(map(len, [head[0], *names]))
    for name, row in zip([head[0], *names], [head[1:], *cells], strict=True):
        told = [name.ljust(first), *(c.rjust(w) for c, w in zip(row, widths, strict=True))]
        yield _clip((" " * GAP).join(told).rstrip())


def _cells(row: Row) -> list[str]:
    """The numbers of a row, all with as many decimals."""
    fine = 3 if max(map(abs, row.values)) < 2 else 2
    ends = [_signed(end, fine).lstrip("+") for end in row.test.interval or ()]
    return [
        str(row.test.items),
        *(f"{number:.{fine}f}" for number in row.values),
        f"{_signed(row.test.difference, fine)}{MARK if row.real else ' '}",
        ", ".join(ends) or NOTHING,
        _p(row.test.p),
        _p(row.corrected),
        NOTHING if row.turned is None else _p(row.turned),
        NOTHING if row.smallest is None else f"{row.smallest:.{fine}f}",
    ]


def _signed(number: float, fine: int) -> str:
    told = f"{abs(number):.{fine}f}"
    return told if not told.strip("0.") else f"{'+' if number > 0 else MINUS}{told}"


def _p(number: float) -> str:
    return "<.001" if number < 0.001 else f"{number:.3f}"


def _name(task: str, metric: str, columns: int) -> str:
    """Both on so many columns; where they do not fit, the longer one gives way, in its middle: names begin alike and end alike."""
    if len(task) + len(metric) < columns:
        return f"{task} {metric}"
    room = columns - 1 - min(len(task), len(metric), columns // 2)
    return " ".join(
        one if len(one) <= room else f"{one[: (room - 1) // 2]}…{one[-(room // 2) :]}"
        for one in (task, metric)
    )


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
    """Figures of others, each under the set that it is of; shares of a set that was not compared here stay away."""
    wanted = dict.fromkeys((row.set, families[row.task]) for row in rows if row.task in families)
    for told in figures.values():
        within = str(told.get("set", ""))
        numbers = [
            f"{name} {value(number)}"
            for of, name in wanted
            if (number := finite(told.get(name))) is not None and of == (within if number <= 1 else "")
        ]
        if numbers:
            about = f", set {within}" if within and within in (of for of, _ in wanted) else ""
            yield _clip(
                f"not run here: {told.get('title')}{about}: {', '.join(numbers)} ({told.get('source')})",
                3 * COLUMNS,
            )


def _clip(line: str, most: int = COLUMNS) -> str:
    """One line that steers no terminal."""
    line = "".join(char if char.isprintable() else " " for char in line)
    return line if len(line) <= most else f"{line[: most - 1]}…"

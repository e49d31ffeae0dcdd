"""A comparison as a picture: each difference with its interval, and how large one had to be to be seen."""

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any

from langadapt.compare.comparing import Comparison, Row
from langadapt.report.formats import one_line
from langadapt.report.plots import INK, KEPT, MUTED, STYLE

BAND, OPEN = "#e6e8ea", "#ffffff"
LONGEST = 34


def picture(found: Comparison) -> str:
    """SVG, the same bytes for the same numbers: a panel for each scale, a row for each comparison."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    panels = _panels(found.rows)
    heights = [0.34 * len(rows) + 0.75 for rows in panels.values()]
    out = io.StringIO()
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the viewer draws the text
        figure = Figure(figsize=(8.4, sum(heights) + 0.45), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for one, (title, rows) in zip(axes, panels.items(), strict=True):
            _draw(one, title, rows)
        figure.legend(*_keys(), loc="outside upper left", ncols=3, handlelength=1.6)
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = out.getvalue()
    return re.sub(r"<svg ", '<svg role="img" aria-label="Differences between checkpoints" ', text, count=1)


def _panels(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Shares of right answers of one set share a scale; another metric or set has one of its own."""
    found: dict[str, list[Row]] = {}
    names = list(dict.fromkeys((row.task, row.metric) for row in rows))
    for row in sorted(rows, key=lambda row: names.index((row.task, row.metric))):
        within = all(0 <= number <= 1 for number in row.values)
        scale = "share of right answers" if within and row.metric.startswith(("acc", "exact")) else row.metric
        found.setdefault(f"set {row.set}: {scale}" if row.set else scale, []).append(row)
    return found


def _draw(axes: Any, title: str, rows: Sequence[Row]) -> None:
    axes.axvline(0, color=INK, lw=1)
    for place, row in enumerate(rows):
        if row.smallest:
            axes.barh(place, 2 * row.smallest, left=-row.smallest, height=0.72, color=BAND)
        if row.test.interval:
            axes.plot(row.test.interval, [place, place], color=KEPT, lw=2, solid_capstyle="butt")
        axes.plot(
            [row.test.difference],
            [place],
            "o",
            ms=6,
            mew=1.6,
            color=KEPT,
            markerfacecolor=KEPT if row.real else OPEN,
        )
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows], color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(_short(one_line(title)))
    ways = {row.higher_is_better for row in rows}
    mixed = " (lower is better where the metric says so)"
    told = mixed if len(ways) > 1 else f"; {'right' if ways == {True} else 'left'}: the second is better"
    axes.set_xlabel(f"second less first{told}", color=MUTED)


def _name(row: Row) -> str:
    metric = f" {one_line(row.metric)}" if row.metric.startswith("acc") else ""
    return f"{_short(one_line(row.task) + metric)}, {_short(one_line(row.first), 18)} → {_short(one_line(row.second), 18)}"


def _keys() -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    dot: dict[str, Any] = {"color": KEPT, "marker": "o", "ms": 6, "mew": 1.6, "lw": 2}
    return (
        [
            Line2D([], [], markerfacecolor=KEPT, **dot),
            Line2D([], [], markerfacecolor=OPEN, **dot),
            Patch(color=BAND),
        ],
        [
            "beyond chance (Holm), 95 % interval",
            "within chance",
            "too small for this test to see (power 80 %)",
        ],
    )


def _short(text: str, most: int = LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

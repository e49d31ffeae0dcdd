"""Pictures as SVG text for the page: matplotlib without pyplot, the same bytes for the same numbers."""

import io
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from langadapt.progress import short
from langadapt.report.facts import StreamFacts
from langadapt.report.formats import MINUS, count, reasons
from langadapt.report.scores import ScoreRow
from langadapt.report.training import TrainingFacts

INK, MUTED, GRID = "#26323c", "#6b7782", "#e6e8ea"
KEPT, LOST, TRAIN, HELD = "#2a7f7a", "#e0a58e", "#2a7f7a", "#c8643c"
CHANCE = "#8a1f3c"
CHECKPOINTS = ("#a9b4be", "#2a7f7a", "#c8643c", "#5b6fa8", "#b08a2e")
STYLE = {
    "svg.hashsalt": "langadapt",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
_THEMED = {INK: "ink", MUTED: "muted", GRID: "line", TRAIN: "accent", HELD: "warm", CHANCE: "chance"}
"""The page's own names of colours, which are others in the dark."""
_COLOURS = re.compile(rf"(?<=fill: |roke: )({'|'.join(_THEMED)})\b")
Point = tuple[float, float]
_NAMES = re.compile(r'(\bid="|url\(#|href="#)')


def funnel(stream: StreamFacts) -> Markup:
    """Records left after each step, what was lost in it, and why."""
    steps = stream.steps

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        rows = range(len(steps))
        axes.barh(rows, [step.left for step in steps], color=KEPT, height=0.62)
        axes.barh(
            rows, [step.lost for step in steps], left=[step.left for step in steps], color=LOST, height=0.62
        )
        most = max(1, *(step.left + step.lost for step in steps))
        for row, step in enumerate(steps):
            why = _short(f"{MINUS}{count(step.lost)}:  {reasons(step.reasons)}", 46) if step.lost else ""
            axes.text(most * 1.02, row, count(step.left), va="center", weight="bold")
            axes.text(most * 1.16, row, why, va="center", color=MUTED, size=8.5)
        axes.set_yticks(rows, [_short(step.label, 22) for step in steps], color=INK)
        axes.set_xlim(0, most * 1.95)
        axes.set_xticks([])
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    return _svg(draw, (8.4, 0.36 * len(steps) + 0.25), f"Records of the stream {stream.name} after each step")


_PANELS = (
    ("loss", "loss", "eval_loss"),
    ("reward accuracy", "rewards/accuracies", "eval_rewards/accuracies"),
    ("reward margin", "rewards/margins", "eval_rewards/margins"),
    ("learning rate", "learning_rate", ""),
    ("gradient norm", "grad_norm", ""),
    ("tokens per second", "tokens_per_second", ""),
)


def curves(training: TrainingFacts) -> Markup | None:
    """A small picture for each thing that was measured while training, those of the held-out rows beside the training's own."""
    panels = [
        (title, training.series(own), training.series(held) if held else [])
        for title, own, held in _PANELS
        if training.series(own) or (held and training.series(held))
    ]
    if not panels:
        return None
    columns = 2 if len(panels) in (2, 4) else min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    last = max(step for _, *lines in panels for line in lines for step, _ in line)

    def draw(figure: Any) -> None:
        every = list(figure.subplots(rows, columns, squeeze=False).flat)
        for number, axes in enumerate(every):
            axes.set_visible(number < len(panels))
            axes.set_xlim(0, last * 1.02 or 1)
            if len(panels) - columns <= number < len(panels):
                axes.set_xlabel("optimizer step")
        for axes, panel in zip(every, panels, strict=False):
            _panel(axes, *panel)

    return _svg(draw, (8.4, 2.2 * rows + 0.2), f"Training curves of {training.slot}")


def _panel(axes: Any, title: str, own: Sequence[Point], held: Sequence[Point]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for name, points, color in (("training", own, TRAIN), ("held out", held, HELD)):
        if points:
            marker = "o" if name == "held out" or len(points) == 1 else None
            axes.plot(*zip(*points, strict=True), color=color, lw=1.6, marker=marker, ms=3.5, label=name)
    axes.set_title(title)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(length=0)
    if title == "reward accuracy":
        axes.set_ylim(-0.03, 1.03)
        axes.axhline(0.5, color=MUTED, lw=1, ls=(0, (3, 3)))
    elif title not in ("loss", "reward margin"):
        axes.set_ylim(bottom=0)
    if title in ("learning rate", "tokens per second"):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    if held:
        axes.legend(loc="best")


def benchmarks(rows: Sequence[ScoreRow], checkpoints: Sequence[str], title: str = "") -> Markup | None:
    """The benchmarks of one set: a bar for each checkpoint with its 95 % interval, and the chance level of each task."""
    shown = [
        row for row in rows if not row.part and any(cell.value is not None for cell in row.cells.values())
    ]
    if not shown:
        return None
    height = 0.8 / max(len(checkpoints), 1)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for number, name in enumerate(checkpoints):
            color = CHECKPOINTS[number % len(CHECKPOINTS)]
            found = [
                (r + (number + 0.5) * height - 0.4, cell)
                for r, row in enumerate(shown)
                if (cell := row.cells.get(name))
            ]
            bars = [(place, cell) for place, cell in found if cell.value is not None]
            axes.barh(
                [p for p, _ in bars],
                [c.value for _, c in bars],
                height * 0.88,
                color=color,
                label=_short(name, 24),
            )
            for place, cell in bars:
                if cell.interval:
                    axes.plot(cell.interval, [place, place], color=INK, lw=1.1, solid_capstyle="butt")
        levels = [(row.chance, number) for number, row in enumerate(shown) if row.chance is not None]
        if levels:
            x, y = zip(*levels, strict=True)
            axes.vlines(
                x,
                [n - 0.46 for n in y],
                [n + 0.46 for n in y],
                color=CHANCE,
                lw=1.4,
                ls=(0, (2, 1.5)),
                label="chance",
            )
        axes.set_yticks(
            range(len(shown)),
            [f"{_short(row.task, 30)}\n{_short(row.metric, 30)}" for row in shown],
            color=INK,
        )
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6, handlelength=1.4, borderaxespad=0.2)

    return _svg(
        draw,
        (8.4, 0.28 * len(shown) * max(len(checkpoints), 2) + 0.8),
        f"{f'{title}: ' if title else ''}Benchmark scores with 95 % intervals",
    )


def pictures(
    streams: Sequence[StreamFacts], training: Sequence[TrainingFacts], benched: Mapping[str, Markup | None]
) -> Mapping[str, Markup]:
    """Every picture of the page by its name, with ids that do not meet on it."""
    drawn: dict[str, Markup | None] = {f"funnel/{stream.name}": funnel(stream) for stream in streams}
    drawn |= {f"curves/{trained.slot}": curves(trained) for trained in training}
    drawn |= {f"benchmarks/{name}": picture for name, picture in benched.items()}
    there = [(name, picture) for name, picture in drawn.items() if picture]
    return {name: Markup(_NAMES.sub(rf"\g<1>p{n}-", str(picture))) for n, (name, picture) in enumerate(there)}  # noqa: S704 - our own SVG


def _svg(draw: Any, size: tuple[float, float], label: str) -> Markup:
    """The picture as an `svg` element that scales with the page; matplotlib escapes what stands in texts."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    out = io.StringIO()
    with rc_context({**STYLE, "axes.facecolor": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser draws the text
        figure = Figure(figsize=size, layout="constrained", facecolor="none")
        draw(figure)
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = _COLOURS.sub(lambda found: f"var(--{_THEMED[found[0]]})", out.getvalue())
    text = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", text[text.index("<svg") :], count=1)
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1))  # noqa: S704 - our own SVG


def _short(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1]}…"

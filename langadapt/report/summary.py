"""The run as a table for the terminal: at most forty lines of a hundred columns."""

from collections.abc import Iterator, Sequence

from langadapt.languages import LanguagePack
from langadapt.recipe import Recipe
from langadapt.report.facts import Facts, gather
from langadapt.report.formats import NOTHING, count, duration, one_line, reasons, share, value
from langadapt.report.scores import ScoreRow
from langadapt.runner import Run

LINES, COLUMNS = 40, 100
DEMONSTRATION = "Demonstration: small models and data of our own. It tells nothing about {} quality."


def summary(run: Run, recipe: Recipe, pack: LanguagePack) -> str:
    """What the finished stages of a run came to."""
    facts = gather(run, recipe, pack)
    last = [DEMONSTRATION.format(facts.language.name)] if facts.demonstration else []
    lines = [_clip(line) for line in _lines(facts)]
    room = LINES - len(last)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"… {len(lines) - room + 1} more lines: see report/index.html"]
    return "\n".join(lines + last)


def _lines(facts: Facts) -> Iterator[str]:
    yield f"{facts.title} · {facts.language.name} · recipe {facts.recipe}"
    if facts.streams:
        yield from _records(facts)
    if facts.training:
        yield from ["", *_training(facts)]
    for begun in facts.unfinished:
        yield f"{begun.slot}: not finished, at step {count(begun.steps)}"
    if facts.scores.rows:
        yield from ["", *_scores(facts)]
    if facts.costs:
        yield ""
        yield f"time {duration(sum(cost.seconds for cost in facts.costs))}"


def _records(facts: Facts) -> Iterator[str]:
    rows = [
        [
            s.name,
            count(s.prepared),
            count(s.translated),
            count(s.untouched),
            count(sum(s.held.values())),
            count(s.kept),
            _rate(s.kept, s.losses),
        ]
        for s in facts.streams
    ]
    yield from [
        "",
        *_table(["records", "prepared", "translated", "untouched", "held", "kept", "share"], rows),
    ]
    gates = [
        [f"{stream.name} {gate}", count(sum(why.values())), reasons(why)]
        for stream in facts.streams
        for gate, why in {"held back": stream.held, **stream.dropped}.items()
        if sum(why.values())
    ]
    if gates:
        yield from ["", *_table(["dropped by", "records", "reasons"], gates, left=2)]
    for stream in facts.streams:
        if stream.idle:
            yield f"{stream.name}: {count(len(stream.idle))} more filters dropped nothing"


def _rate(kept: int | None, lost: int) -> str:
    return NOTHING if kept is None else share(kept, kept + lost)


def _training(facts: Facts) -> Sequence[str]:
    rows = []
    for trained in facts.training:
        loss, rewards = trained.held_out_loss, trained.reward_accuracy
        train = trained.change("loss")
        rows.append([
            trained.slot, count(trained.rows), count(trained.steps),
            f"{value(train.first)} → {value(train.last)}" if train else NOTHING,
            f"{value(loss.first)} → {value(loss.last)}" if loss else NOTHING,
            value(rewards), duration(trained.seconds),
        ])  # fmt: skip
    return _table(["training", "rows", "steps", "loss", "held-out loss", "reward acc.", "time"], rows)


def _scores(facts: Facts) -> Iterator[str]:
    """A table for each set of benchmarks, and one for judged answers; nothing is averaged across them."""
    blocks = [(block.title, block.whole, block.asked) for block in facts.scores.blocks]
    blocks.append(
        ("judged answers" if blocks else "", [row for row in facts.scores.judged if not row.part], "")
    )
    begun = False
    for title, rows, asked in blocks:
        if there := [row for row in rows if row.cells]:
            yield from [""] * begun
            yield from _score_table(facts, title or "scores", there)
            if asked:
                yield f"asked {asked}"
            begun = True
    if any(facts.scores.chances):
        yield "≈ the 95 % interval includes the chance level"


def _score_table(facts: Facts, title: str, rows: Sequence[ScoreRow]) -> Sequence[str]:
    names = facts.scores.checkpoints
    cells = []
    for row in rows:
        marked = [
            f"{value(c.value)}{'≈' if row.at_chance(n) else ' '}"
            if (c := row.cells.get(n))
            else f"{NOTHING} "
            for n in names
        ]
        cells.append([row.task, row.metric, *marked, value(row.chance)])
    return _table([title, "metric", *(f"{name} " for name in names), "chance"], cells, left=1)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 0) -> list[str]:
    """Columns under their heads; the first and the one numbered `left` to the left, others to the right."""
    cells = [
        [one_line(cell)[:44] if n != len(head) - 1 else one_line(cell) for n, cell in enumerate(row)]
        for row in [head, *rows]
    ]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    return [
        "  ".join(
            c.ljust(w) if n in (0, left) else c.rjust(w)
            for n, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _clip(line: str) -> str:
    line = "".join(char if char.isprintable() else " " for char in line)
    return line if len(line) <= COLUMNS else f"{line[: COLUMNS - 1]}…"

"""The page: one HTML file that asks nothing of any network. Everything from data is escaped by Jinja."""

from collections.abc import Iterator
from pathlib import Path

from langadapt.report import formats
from langadapt.report.facts import Facts


def page(facts: Facts) -> str:
    """The whole page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from langadapt.report.plots import benchmarks, pictures

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(formats, name)
        for name in ("count", "value", "interval", "duration", "reasons", "plain_value", "one_line")
    }
    benched = {
        block.set: benchmarks(block.rows, facts.scores.checkpoints, block.title)
        for block in facts.scores.blocks
    }
    drawn = pictures(facts.streams, (*facts.training, *facts.unfinished), benched)
    return environment.get_template("page.html.jinja").render(
        facts=facts,
        pictures=drawn,
        glance=list(glance(facts)),
        share=formats.share,
        finite=formats.finite,
    )


def glance(facts: Facts) -> Iterator[tuple[str, str, str]]:
    """The few numbers that matter most: a figure, what it is, and what stands behind it."""
    read = sum(source.rows for source in facts.sources)
    if facts.sources:
        yield (
            formats.count(read),
            "rows read",
            f"{formats.count(facts.total('prepared'))} went on to be translated",
        )
    if facts.reached("translate"):
        held = sum(sum(stream.held.values()) for stream in facts.streams)
        yield (
            formats.count(facts.total("translated")),
            "records translated",
            f"{formats.count(held)} held back, {formats.count(facts.total('untouched'))} left as they were",
        )
    if facts.reached("filter"):
        kept, lost = facts.total("kept"), facts.total("losses")
        yield (
            formats.share(kept, kept + lost),
            "passed every gate",
            f"{formats.count(kept)} kept, {formats.count(lost)} dropped",
        )
    for trained in facts.training:
        if loss := trained.held_out_loss:
            figures = f"{formats.value(loss.first)} → {formats.value(loss.last)}"
            yield (
                f"{100 * loss.relative:+.0f}\u202f%".replace("-", formats.MINUS),
                f"held-out loss, {trained.slot}",
                figures,
            )
        if trained.reward_accuracy is not None:
            yield (
                formats.value(trained.reward_accuracy),
                f"reward accuracy, {trained.slot}",
                "on its training pairs",
            )
    if facts.scores.chances:
        near = sum(facts.scores.chances)
        yield (
            f"{near} of {len(facts.scores.chances)}",
            "scores at chance level",
            "95 % interval includes chance",
        )
    if facts.costs:
        yield (
            formats.duration(sum(cost.seconds for cost in facts.costs)),
            "of work",
            "all finished steps together",
        )

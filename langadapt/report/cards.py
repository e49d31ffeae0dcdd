"""The model card and the data card, as the Hub reads them: YAML in front, Markdown with text from data escaped."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from langadapt.report import formats
from langadapt.report.facts import Facts
from langadapt.report.metadata import configs, hub_ids, hub_licenses, results, size_category
from langadapt.report.scores import ScoreRow
from langadapt.report.training import TrainingFacts

_MARKDOWN = re.compile(r"([\\`*_\[\]|#~$!])")


def model_card(facts: Facts, slot: str | None = None, *, data: str | None = None) -> str:
    """What a trained checkpoint is, from what, and how good: that of `slot`, or the last; `data` is its data set on the Hub."""
    from huggingface_hub import ModelCardData

    names = [trained.slot for trained in facts.training]
    reached = facts.training[: names.index(slot) + 1] if slot else facts.training
    found = results(facts, reached[-1].checkpoint) if reached else []
    base = hub_ids([facts.base])
    about = ModelCardData(
        language=_language(facts),
        license="other",
        license_name="see-base-model-and-data",
        base_model=base[0] if base else None,
        datasets=[*([data] if data else []), *hub_ids(source.path for source in facts.sources)] or None,
        pipeline_tag="text-generation",
        library_name="transformers",
        tags=_tags(facts, [trained.slot for trained in reached]),
        eval_results=found or None,
        model_name=_name(facts, reached[-1].slot) if found else None,
    )
    if base and reached:
        about["base_model_relation"] = "finetune"
    return _render("model_card.md.jinja", about.to_yaml(), facts, reached)


def data_card(facts: Facts) -> str:
    """What the translated rows are, where they come from, under which licences, and what was dropped."""
    from huggingface_hub import DatasetCardData

    licenses = facts.data.licenses or {source.license: source.kept for source in facts.sources}
    named = hub_licenses(licenses)
    english = ["en"] if any(stream.left for stream in facts.streams) else []
    about = DatasetCardData(
        language=list(dict.fromkeys([_language(facts), *english])),
        license=named or None,
        language_creators=["machine-generated"],
        source_datasets=hub_ids(source.path for source in facts.sources) or None,
        size_categories=[size_category(facts.data.total)] if facts.data.total else None,
        task_categories=["text-generation"],
        pretty_name=f"{facts.title}, in {facts.language.name}",
        tags=_tags(facts, [trained.slot for trained in facts.training]),
    )
    if facts.data.total:
        about["configs"] = configs(facts.data.rows)
    return _render("data_card.md.jinja", about.to_yaml(), facts, facts.training)


def _name(facts: Facts, slot: str) -> str:
    return f"{facts.recipe}-{facts.language.code}-{slot}"


def _render(template: str, metadata: str, facts: Facts, training: Sequence[TrainingFacts]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def escaped(value: Any) -> Any:
        return value if isinstance(value, Markup) or value is None else markdown(str(value))

    environment = Environment(  # noqa: S701 - Markdown: `finalize` escapes
        loader=FileSystemLoader(Path(__file__).parent),
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(formats, name) for name in ("count", "value", "interval", "duration", "reasons")
    }
    environment.filters["code"] = lambda text: Markup(formats.one_line(text))  # noqa: S704 - in a code block, where Markdown escapes
    text = environment.get_template(template).render(facts=facts, tables=_tables(facts), training=training)
    return f"---\n{metadata}\n---\n\n{text.strip()}\n"


def _tables(facts: Facts) -> list[tuple[str, str, list[ScoreRow]]]:
    """Title, way of asking and rows: a table for each set of benchmarks, and one for judged answers."""
    found = [(block.title, block.asked, block.whole) for block in facts.scores.blocks]
    found.append(
        ("Judged answers" if found else "", "", [row for row in facts.scores.judged if not row.part])
    )
    there = [(title, asked, [row for row in rows if row.cells]) for title, asked, rows in found]
    return [one for one in there if one[2]]


def markdown(text: str) -> str:
    """Text that Markdown shows as it is: on one line, without a meaning for its marks."""
    line = _MARKDOWN.sub(r"\\\1", formats.one_line(text))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("://", ":&#47;&#47;")


def _language(facts: Facts) -> str:
    return facts.language.code.split("-")[0]


def _tags(facts: Facts, slots: Iterable[str]) -> list[str]:
    return ["langadapt", *(["demonstration"] if facts.demonstration else []), *slots]

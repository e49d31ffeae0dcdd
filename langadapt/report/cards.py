"""The model card and the data card, as the Hub reads them: YAML in front, Markdown with text from data escaped."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from langadapt.report import formats
from langadapt.report.facts import Facts

_MARKDOWN = re.compile(r"([\\`*_\[\]|#~$!])")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?")


def model_card(facts: Facts) -> str:
    """What the trained checkpoints are, from what, and how good."""
    from huggingface_hub import ModelCardData

    base = _hub_ids([facts.base])
    about = ModelCardData(
        language=_language(facts),
        license="other",
        license_name="see-base-model-and-data",
        base_model=base[0] if base else None,
        datasets=_hub_ids(source.path for source in facts.sources) or None,
        pipeline_tag="text-generation",
        library_name="transformers",
        tags=_tags(facts),
    )
    return _render("model_card.md.jinja", about.to_yaml(), facts)


def data_card(facts: Facts) -> str:
    """What the translated rows are, where they come from, and what was dropped."""
    from huggingface_hub import DatasetCardData

    licenses = sorted({source.license.lower() for source in facts.sources if source.license})
    about = DatasetCardData(
        language=_language(facts),
        license=[
            name if re.fullmatch(r"[a-z0-9.-]+", name) and "licenseref" not in name else "other"
            for name in licenses
        ]
        or None,
        source_datasets=_hub_ids(source.path for source in facts.sources) or None,
        task_categories=["text-generation"],
        pretty_name=f"{facts.title}, in {facts.language.name}",
        tags=_tags(facts),
    )
    return _render("data_card.md.jinja", about.to_yaml(), facts)


def _render(template: str, metadata: str, facts: Facts) -> str:
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
    rows = [row for row in facts.scores.rows if row.cells and not row.part]
    text = environment.get_template(template).render(facts=facts, rows=rows)
    return f"---\n{metadata}\n---\n\n{text.strip()}\n"


def markdown(text: str) -> str:
    """Text that Markdown shows as it is: on one line, without a meaning for its marks."""
    line = _MARKDOWN.sub(r"\\\1", formats.one_line(text))
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("://", ":&#47;&#47;")


def _language(facts: Facts) -> str:
    return facts.language.code.split("-")[0]


def _tags(facts: Facts) -> list[str]:
    return [
        "langadapt",
        *(["demonstration"] if facts.demonstration else []),
        *(trained.slot for trained in facts.training),
    ]


def _hub_ids(names: Iterable[str]) -> list[str]:
    """Those that the Hub can resolve; files of one's own are described in the text alone."""
    return [
        name.split("@")[0]
        for name in names
        if _HUB_ID.fullmatch(name) and not name.endswith((".jsonl", ".json", ".parquet"))
    ]

"""A checkpoint as the manifest of its step holds it, and back: a model in the step's folder by its place there, so that runs can move."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from langadapt.interfaces import Checkpoint, ModelRef


def to_facts(made: Checkpoint, folder: Path) -> dict[str, Any]:
    """Plain values; the chat template is the recipe's and is left out."""
    own = made.model.folder
    place = str(own.relative_to(folder)) if own and own.is_relative_to(folder) else str(made.model)
    return {
        **asdict(made),
        "model": place,
        "adapter_of": made.adapter_of and str(made.adapter_of),
        "chat_template": None,
    }


def from_facts(facts: Mapping[str, Any], folder: Path, template: str | None) -> Checkpoint:
    """The checkpoint of a step's `folder`."""
    place = folder / facts["model"]
    model = ModelRef(str(place)) if place.is_dir() else ModelRef.parse(facts["model"])
    base = facts.get("adapter_of")
    return Checkpoint(
        **{
            **facts,
            "model": model,
            "adapter_of": ModelRef.parse(base) if base else None,
            "chat_template": template,
        }
    )

"""Scores that others published, as data (`published.toml`): not run here, and never mixed with what was."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "published.toml"


def published(code: str) -> dict[str, dict[str, Any]]:
    """Figures in a language (BCP 47; a variety has its language's), by their names."""
    return spoken(tomllib.loads(PATH.read_text(encoding="utf-8")), code)


def spoken(figures: Mapping[str, Mapping[str, Any]], code: str) -> dict[str, dict[str, Any]]:
    """Those of figures that are of a language, or of any."""
    languages = {"", code, code.partition("-")[0]}
    return {
        name: {key: value for key, value in row.items() if key != "language"}
        for name, row in figures.items()
        if row.get("language", "") in languages
    }

"""A recipe's components, built; and the files of a pack that their results depend on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langadapt.config import Builder
from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack
from langadapt.memory import TranslationMemory
from langadapt.recipe import Recipe
from langadapt.slots import Slot


def components(
    recipe: Recipe,
    pack: LanguagePack,
    memory: TranslationMemory | None,
    slots: Sequence[Slot] | None = None,
    within: str = "",
) -> dict[str, Any]:
    """Every component of a recipe, or of some of its slots, by address; raises `ConfigError` with all mistakes.

    `within` is the address that keys of `--set` are relative to.
    """
    named = {"base": recipe.base, "chat_template": recipe.chat_template}
    values = {key: value for key, value in named.items() if value is not None}
    builder = Builder(pack, values, recipe.settings, memory, within)
    built: dict[str, Any] = {}
    found: list[ConfigError] = []
    for slot in recipe.slots if slots is None else slots:
        try:
            built[slot.address] = builder.build(slot.kind, slot.use, slot.settings, slot.address)
        except ConfigError as error:
            found.append(error)
    if found:
        raise ConfigError(
            "\n".join(map(str, found)), hint=next((e.hint for e in found if e.hint), "`langadapt list`")
        )
    return built


def pack_files(pack: LanguagePack) -> Sequence[Path]:
    """The pack's data files less recipes and models, whose content gates and evaluations may depend on."""
    if pack.folder is None:
        return []
    models = {path.parent for path in pack.folder.rglob("config.json")} | {pack.folder / "recipes"}
    files = (path for path in pack.folder.rglob("*") if path.is_file() and path.suffix != ".md")
    return sorted(path for path in files if models.isdisjoint(path.parents))

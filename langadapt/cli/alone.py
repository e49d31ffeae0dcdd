"""What the commands of single stages share: a component by itself, a model by its place."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import click

from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack
from langadapt.memory import TranslationMemory


class _Named(click.Path):
    """A path that is not empty, as that of a variable without a value is."""

    def convert(
        self, value: str | PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """The path."""
        if not value:
            self.fail("the name is empty", param, ctx)
        return super().convert(value, param, ctx)


FILE = _Named(path_type=Path, dir_okay=False)
FOLDER = _Named(path_type=Path)


def component_alone(
    kind: str, name: str, pack: LanguagePack, changes: Sequence[str], memory: TranslationMemory | None = None
) -> Any:
    """A component by itself, with the pack's settings below `--set`, whose keys are relative to it."""
    from langadapt.config import Builder, Layer, leaves, merged
    from langadapt.recipe import changes_tree

    layer = Layer(pack.origin, pack.folder or Path.cwd())
    settings = leaves(pack.facts.get("settings", {}), layer)
    tree = merged(settings.get(kind, {}).get(name, {}), changes_tree(changes))
    return Builder(pack, {}, settings, memory, within=name).build(kind, name, tree, name)


def model_here(name: str) -> str:
    """A folder by its whole path, so that the working folder does not matter later; a Hub id as it is."""
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if path.exists() or name.startswith((".", "/", "~")) or (path.parent.is_dir() and path.parent != Path()):
        raise ConfigError(
            f"the model folder {name} is no folder", hint="name a folder that holds a model, or a Hub id"
        )
    return name

"""A component's place in a recipe, and how its settings are folded from the layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langadapt.config import Leaf, Tree, merged, plain

STAGE_KEYS = {
    "translator": ("use", "segmentation", "routing", "context"),
    "filter": ("use",),
    "trainer": ("use",),
    "evaluator": ("use",),
}
SLOTS = {"select": "filter", "filter": "filter", "train": "trainer", "evaluate": "evaluator"}
"""The tables of named slots, and the kind of component that each holds."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One component's place: its name there, the component, its settings, and the stage's own keys."""

    table: str
    name: str
    use: str
    settings: Tree = field(hash=False)
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> str:
        """The kind of component that stands here."""
        return SLOTS.get(self.table, "translator")

    @property
    def address(self) -> str:
        """Where it stands in the recipe, as in `--set`."""
        return f"{self.table}.{self.name}" if self.table in SLOTS else self.table


def slots_of(table: str, whole: Tree, trees: Sequence[Tree]) -> tuple[Slot, ...]:
    """The slots of a table, in the order in which they run."""
    names = [name for name, node in whole.get(table, {}).items() if not isinstance(node, Leaf)]
    return tuple(
        _slot(table, name, [tree.get(table, {}).get(name) for tree in trees], trees) for name in names
    )


def translate_slot(trees: Sequence[Tree]) -> Slot:
    """The one translator's slot."""
    return _slot("translate", "translate", [tree.get("translate") for tree in trees], trees)


def _slot(table: str, name: str, tables: Sequence[Any], trees: Sequence[Tree]) -> Slot:
    """Fold the layers: in each, its settings for the component that counts in the end, then its slot."""
    kind = SLOTS.get(table, "translator")
    uses: list[str] = []
    for layer in tables:
        stated = plain(layer["use"]) if isinstance(layer, Mapping) and "use" in layer else None
        uses.append(stated or (uses[-1] if uses else name))
    use = uses[-1]
    keys = STAGE_KEYS[kind]
    folded: Tree = {}
    options: Tree = {}
    for layer, tree, named in zip(tables, trees, uses, strict=True):
        folded = merged(folded, tree.get("settings", {}).get(kind, {}).get(use, {}))
        if isinstance(layer, Mapping):
            options |= {key: layer[key] for key in keys if key in layer and key != "use"}
            if named == use:
                folded = merged(folded, {key: value for key, value in layer.items() if key not in keys})
    return Slot(table=table, name=name, use=use, settings=folded, options=plain(options))

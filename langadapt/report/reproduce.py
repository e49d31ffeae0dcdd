"""How to do the same again: the command, every setting that some layer states, versions and fingerprints."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from platform import python_version
from typing import Any

from langadapt.config import Leaf
from langadapt.languages import LanguagePack
from langadapt.recipe import Recipe
from langadapt.report.formats import bare, plain_value

PACKAGES = (
    "langadapt",
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "peft",
    "vllm",
    "lm_eval",
    "datasets",
    "sacrebleu",
    "langdetect",
)
APART = ("source", "translate", "filter", "train", "evaluate", "settings", "published")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A value and the layer that set it."""

    key: str
    value: str
    layer: str


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """Everything that a second run needs to be the same."""

    command: str
    own_rows: bool
    settings: tuple[Setting, ...]
    versions: Mapping[str, str]
    fingerprints: Mapping[str, str]


def reproduction(
    recipe: Recipe, pack: LanguagePack, manifests: Mapping[str, Mapping[str, Any]]
) -> Reproduction:
    """Of a recipe as it was read and the steps that ran."""
    settings = tuple(_settings(recipe))
    stated = [leaf for leaf in _leaves(recipe.tree, "") if leaf[1].layer.name == "--set"]
    own = {key.rpartition(".")[0] for key, _ in stated if re.fullmatch(r"source\.[^.]+\.path", key)}
    parts = ["langadapt", "run", pack.language.code, "--recipe", bare(recipe.asked)]
    limit = (manifests.get("prepare", {}).get("settings") or {}).get("limit")
    parts += ["--limit", str(limit)] if limit is not None else []
    for key, leaf in stated:
        if key.rpartition(".")[0] not in own:
            value = (
                bare(leaf.value)
                if isinstance(leaf.value, str)
                else json.dumps(leaf.value, ensure_ascii=False)
            )
            parts += ["--set", f"{key}={value}"]
    return Reproduction(
        command=shlex.join(parts),
        own_rows=bool(own),
        settings=settings,
        versions={"python": python_version(), **dict(_versions())},
        fingerprints={name: str(content["fingerprint"]) for name, content in manifests.items()},
    )


def _settings(recipe: Recipe) -> Iterator[Setting]:
    for key, node in recipe.tree.items():
        if key not in APART:
            yield from (_setting(*leaf) for leaf in _leaves(node, key))
    for slot in recipe.slots:
        yield Setting(key=f"{slot.address}.use", value=slot.use, layer="")
        yield from (
            Setting(key=f"{slot.address}.{key}", value=plain_value(value), layer="")
            for key, value in slot.options.items()
        )
        yield from (_setting(*leaf) for leaf in _leaves(slot.settings, slot.address))


def _setting(key: str, leaf: Leaf) -> Setting:
    return Setting(key=key, value=bare(plain_value(leaf.value)), layer=leaf.layer.name)


def _leaves(node: Any, key: str) -> Iterator[tuple[str, Leaf]]:
    if isinstance(node, Leaf):
        yield key, node
    elif isinstance(node, Mapping):
        for name, child in node.items():
            yield from _leaves(child, f"{key}.{name}" if key else name)


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue

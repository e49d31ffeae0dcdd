"""Which components in which order: a recipe file over what it extends, over the pack, under the command line."""

import contextlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from langadapt.config import Builder, Layer, Leaf, Tree, leaves, merged, plain
from langadapt.errors import ConfigError, LangAdaptError
from langadapt.languages import LanguagePack, read_toml
from langadapt.prepare.known import parts_of, terms_of
from langadapt.prepare.licenses import allows
from langadapt.prepare.mixing import check_weights
from langadapt.prepare.preferences import MEAN, Rule
from langadapt.prepare.readers import check_reader
from langadapt.prepare.spoken import check_language, in_language
from langadapt.published import published, spoken
from langadapt.registry import did_you_mean
from langadapt.schema import Plan, Prepare, Source, check
from langadapt.segments import MODE, MODES
from langadapt.slots import SLOTS, Slot, slots_of, translate_slot

RECIPES = Path(__file__).with_name("recipes")
TEMPLATES = Path(__file__).with_name("templates")
_STREAM = re.compile(r"[A-Za-z0-9][\w-]*")
DEFAULT = "phoenix"
"""The recipe for a language whose pack names none."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe with every layer applied; `asked` is its name or file as given, `tree` keeps where each value came from."""

    name: str
    asked: str
    title: str
    needs: str
    demonstration: bool
    base: str | None
    chat_template: str | None
    seed: int
    sources: tuple[Source, ...]
    prepare: Prepare
    plan: Plan
    select: tuple[Slot, ...]
    translate: Slot
    filters: tuple[Slot, ...]
    train: tuple[Slot, ...]
    evaluate: tuple[Slot, ...]
    published: Mapping[str, Any]
    settings: Mapping[str, Any]
    tree: Tree

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every component's place, in flow order."""
        return (*self.select, self.translate, *self.filters, *self.train, *self.evaluate)


def recipe_names(pack: LanguagePack) -> dict[str, Path]:
    """Every recipe that the language can run, by name."""
    folders = [RECIPES, *([pack.folder / "recipes"] if pack.folder else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.toml"))}


def read_recipe(
    name: str, pack: LanguagePack, *, changes: Sequence[str] = (), sources: Mapping[str, Any] | None = None
) -> Recipe:
    """Resolve a recipe by name or file for one language; `sources` replace the recipe's own where given."""
    chain = _chain(name, pack)
    own = [(leaves(table, layer), layer) for table, layer in chain]
    if sources is not None:
        given = Layer("rows of one's own", Path.cwd())
        own = [({key: value for key, value in tree.items() if key != "source"}, layer) for tree, layer in own]
        own.append(({"source": leaves(sources, given)}, given))
    own.append((changes_tree(changes), Layer("--set", Path.cwd())))
    pack_layer = Layer(pack.origin, pack.folder or Path.cwd())
    below = leaves({key: pack.facts[key] for key in ("base", "settings") if key in pack.facts}, pack_layer)
    trees = [below, *(tree for tree, _ in own)]
    whole = _whole(trees)
    check(whole)
    trees.insert(1 + len(chain), _tuning(whole))
    whole = _whole(trees)
    recipe = _resolved(name, whole, trees, pack)
    _checked(recipe)
    chosen = sources is not None or any(change.startswith("source.") for change in changes)
    return _fed(recipe, chosen=chosen)


def _whole(trees: Iterable[Tree]) -> Tree:
    """The layers over each other, the last on top."""
    whole: Tree = {}
    for tree in trees:
        whole = merged(whole, tree)
    return whole


def _tuning(whole: Tree) -> Tree:
    """The settings that `tuning` chooses among the tables `tuned`, for the trainers that there are: below the command line."""
    asked, tables = plain(whole.get("tuning", "full")), whole.get("tuned", {})
    if asked == "full":
        return {}
    if asked not in tables:
        raise ConfigError(
            f"tuning: the recipe has no {asked!r}", hint=did_you_mean(asked, ["full", *sorted(tables)])
        )
    slots = {name for name, node in whole.get("train", {}).items() if isinstance(node, Mapping)}
    return {"train": {name: table for name, table in tables[asked].get("train", {}).items() if name in slots}}


def _checked(recipe: Recipe) -> None:
    """Words that only the stages read, checked before they run."""
    mode = recipe.translate.options.get("segmentation", MODE)
    if mode not in MODES:
        raise ConfigError(
            f"translate.segmentation: no mode is called {mode!r}", hint=f"modes: {', '.join(MODES)}"
        )
    routing = recipe.translate.options.get("routing", True)
    if not isinstance(routing, bool):
        raise ConfigError(f"translate.routing: {routing!r}", hint="true, or false to translate every record")
    context = recipe.translate.options.get("context", 0)
    if isinstance(context, bool) or not isinstance(context, int) or context < 0:
        raise ConfigError(
            f"translate.context: {context!r}", hint="how many segments before each one are shown, such as 3"
        )
    allows(recipe.prepare.licenses, "")
    for source in recipe.sources:
        if not _STREAM.fullmatch(source.stream) or source.stream == "dropped":
            raise ConfigError(
                f"source.{source.name}.stream: {source.stream!r} is no name for a stream",
                hint="letters, digits, - and _, and not `dropped`, which is the file of what is left out",
            )
        check_reader(source)
        check_language(source)
        parts_of(source)
        terms_of(source)
        Rule.of(source.binarize or MEAN, where=f"source.{source.name}.binarize")
        check_weights({one.name: one.weight for one in recipe.sources if one.stream == source.stream})


def _fed(recipe: Recipe, *, chosen: bool) -> Recipe:
    """Without the trainers that no source feeds, where the user chose the sources; otherwise that is a mistake."""
    streams = {source.stream for source in recipe.sources}
    unfed = [slot.name for slot in recipe.train if slot.name not in streams]
    if unfed and not chosen:
        raise ConfigError(
            f"recipe {recipe.name}: no source feeds the stream {unfed[0]!r} that train.{unfed[0]} takes",
            hint=f"set `stream` of a source, or remove it: --set train.{unfed[0]}=false",
        )
    return replace(recipe, train=tuple(slot for slot in recipe.train if slot.name in streams))


def _chain(name: str, pack: LanguagePack) -> list[tuple[dict[str, Any], Layer]]:
    """The recipe's tables, those of what it extends first."""
    chain: list[tuple[dict[str, Any], Layer]] = []
    seen: list[Path] = []
    wanted: str | None = name
    while wanted is not None:
        path = _find(wanted, pack, seen[-1].parent if seen else Path.cwd())
        if path in seen:
            raise ConfigError(f"{path}: extends itself by way of {wanted!r}", hint="remove one `extends`")
        seen.append(path)
        table = read_toml(path)
        wanted = table.pop("extends", None)
        if wanted is not None and not isinstance(wanted, str):
            raise ConfigError(f"{path}: extends: must name a recipe")
        folder = pack.folder if pack.folder and path.is_relative_to(pack.folder) else path.parent
        chain.insert(0, (table, Layer(path.name, folder)))
    return chain


def _find(name: str, pack: LanguagePack, folder: Path) -> Path:
    if name.endswith(".toml"):
        return (folder / Path(name).expanduser()).resolve()
    known = recipe_names(pack)
    if name not in known:
        raise ConfigError(
            f"no recipe is called {name!r} for {pack.language.name}", hint=did_you_mean(name, list(known))
        )
    return known[name]


def changes_tree(changes: Iterable[str]) -> Tree:
    """`KEY=VALUE` pairs as a tree; a value is TOML, or text where it is none. Paths are relative to the working folder."""
    tree: Tree = {}
    layer = Layer("--set", Path.cwd())
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not all(key.split(".")):
            raise ConfigError(
                f"--set {change}: not of the form KEY=VALUE", hint="for example --set train.dpo.beta=0.2"
            )
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        node: Any = leaves(value, layer) if isinstance(value, dict) else Leaf(value, layer)
        for part in reversed(key.split(".")):
            node = {part: node}
        tree = merged(tree, node)
    return tree


def _resolved(asked: str, whole: Tree, trees: Sequence[Tree], pack: LanguagePack) -> Recipe:
    facts = plain(whole)
    builder = Builder(pack, {})
    sources = []
    for key, node in whole["source"].items():
        if not isinstance(node, Leaf):
            path = builder.resolve(node["path"].value, node["path"].layer, f"source.{key}.path")
            sources.append(Source(name=key, **in_language({**plain(node), "path": path}, pack.language)))
    return Recipe(
        name=Path(asked).stem,
        asked=asked,
        title=facts["title"],
        needs=facts.get("needs", "cpu"),
        demonstration=facts.get("demonstration", False),
        base=builder.resolve(facts["base"], whole["base"].layer, "base") if "base" in facts else None,
        chat_template=_template(whole.get("chat_template"), builder),
        seed=facts.get("seed", 42),
        sources=tuple(sources),
        prepare=Prepare(**facts.get("prepare", {})),
        plan=Plan(**facts.get("plan", {})),
        select=slots_of("select", whole, trees),
        translate=translate_slot(trees),
        filters=slots_of("filter", whole, trees),
        train=slots_of("train", whole, trees),
        evaluate=slots_of("evaluate", whole, trees),
        published=published(pack.language.code) | spoken(facts.get("published", {}), pack.language.code),
        settings=whole.get("settings", {}),
        tree=whole,
    )


def _template(node: Leaf | None, builder: Builder) -> str | None:
    if node is None:
        return None
    resolved = builder.resolve(node.value, node.layer, "chat_template")
    return template_path(resolved, node.layer.folder)


def template_path(name: str, folder: Path) -> str:
    """The path of a chat template, by its name among ours or its own path; raises `ConfigError` where there is none."""
    ours, own = TEMPLATES / f"{name}.jinja", folder / name
    if not ours.exists() and not own.is_file():
        names = [template.stem for template in sorted(TEMPLATES.glob("*.jinja"))]
        raise ConfigError(
            f"chat_template: {name!r} is neither one of ours nor a file", hint=did_you_mean(name, names)
        )
    return str(ours if ours.exists() else own.resolve())


def explained(recipe: Recipe, pack: LanguagePack) -> dict[str, tuple[str, str]]:
    """Every value of a recipe by its dotted key, with the layer that set it or what it follows from."""
    builder = Builder(pack, {}, recipe.settings)
    out: dict[str, tuple[str, str]] = {}

    def walk(node: Any, key: str) -> None:
        if isinstance(node, Leaf):
            out[key] = (repr(node.value), node.layer.name)
            return
        for name, child in node.items():
            walk(child, f"{key}.{name}" if key else name)

    top = {key: node for key, node in recipe.tree.items() if key not in ("settings", "translate", *SLOTS)}
    walk(top, "")
    for slot in recipe.slots:
        out[f"{slot.address}.use"] = (repr(slot.use), "")
        out |= {f"{slot.address}.{key}": (repr(value), "") for key, value in slot.options.items()}
        settings = slot.settings
        with contextlib.suppress(LangAdaptError):  # a component that is missing is told where it is used
            settings, unknown = builder.completed(slot.kind, slot.use, settings)
            out |= {f"{slot.address}.{key}": ("none", why) for key, why in unknown.items()}
        walk(settings, slot.address)
    return out

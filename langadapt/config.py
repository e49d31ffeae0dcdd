"""Tables to components, strictly: every mistake at once, with the file and key that it came from."""

import dataclasses
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from langadapt import registry
from langadapt.errors import ComponentError, ConfigError, LangAdaptError
from langadapt.interfaces import ModelRef, Resolved, Translator
from langadapt.languages import LanguagePack, mistakes
from langadapt.memory import Remembering, TranslationMemory
from langadapt.retry import Retry

Tree = dict[str, Any]
"""Nested tables whose leaves are `Leaf`."""


@dataclass(frozen=True)
class Layer:
    """One place that settings come from: what it is called, and the folder that its paths are relative to."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Leaf:
    """A value and the layer that set it."""

    value: Any
    layer: Layer


def leaves(table: Mapping[str, Any], layer: Layer) -> Tree:
    """The table with every value marked by its layer."""
    return {
        key: leaves(value, layer) if isinstance(value, Mapping) else Leaf(value, layer)
        for key, value in table.items()
    }


def merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> Tree:
    """`high` over `low`; a table that names another component in `use` replaces the lower one; `false` removes.

    What is new in `high` stands before what follows it there, so that the order of a file is that of the run.
    """
    order, place = list(low), len(low)
    for key in reversed(list(high)):
        if key in low:
            place = order.index(key)
        else:
            order.insert(place, key)
    return {key: _over(low.get(key), high[key]) if key in high else low[key] for key in order}


def _over(below: Any, value: Any) -> Any:
    deeper = isinstance(value, Mapping) and isinstance(below, Mapping) and not _other_use(below, value)
    return merged(below, value) if deeper else value


def plain(node: Any) -> Any:
    """The values of a tree without their layers."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.items()}
    return node.value if isinstance(node, Leaf) else node


def layer_of(node: Any) -> str:
    """The name of the layer of a leaf, or of a table's first leaf."""
    while isinstance(node, Mapping):
        node = next(iter(node.values()), None)
    return node.layer.name if isinstance(node, Leaf) else "default"


@dataclass(frozen=True)
class Builder:
    """Builds components of one recipe; `values` are what `recipe:KEY` may name, `settings` the tables of the layers.

    `within` is the address that keys of `--set` are relative to.
    """

    pack: LanguagePack
    values: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    memory: TranslationMemory | None = None
    within: str = ""

    def build(self, kind: str, name: str, tree: Mapping[str, Any], where: str) -> Any:
        """The component, its children built first; raises `ConfigError` with all mistakes."""
        component = registry.load(self._find(kind, name, tree, where), needed=True)
        tree, unknown = self._resolved(component, tree, where)
        found = [f"{where}.{key}: {why}" for key, why in unknown.items()]
        hints = hints_of(component)
        typed = [self._typed(f"{where}.{key}", hints.get(key)) for key in unknown]
        items = {item.name: item for item in dataclasses.fields(component)}
        built: dict[str, Any] = {}
        rest: Tree = {}
        for key, node in tree.items():
            special = _special(hints[key]) if key in items else None
            if special is None:
                rest[key] = node
                continue
            try:
                made = self._special(special, node, f"{where}.{key}")
                built[key] = unwrapped(made) if key == getattr(component, "stands_for", None) else made
            except ConfigError as error:
                found.append(f"{error}; {error.hint}" if error.hint.startswith("did you") else str(error))
                typed += [error.hint] if error.hint.startswith("--set ") else []
        required = [n for n, i in items.items() if i.default is i.default_factory is dataclasses.MISSING]
        found += [
            f"{where}.{n}: missing"
            for n in required
            if _special(hints[n]) and n not in built and n not in tree and n not in unknown
        ]
        simple = {n: i for n, i in items.items() if not _special(hints[n]) and n not in unknown}
        values, wrong = _validated(simple, hints, rest, where)
        found += wrong
        if found:
            hint = " ".join(typed) or f"`langadapt show {name}` lists its settings"
            raise ConfigError.of(found, where=f"{kind} {name}", hint=hint)
        try:
            made = component(**built, **values)
        except (ValueError, ConfigError) as error:
            told, hint = str(error).removeprefix(f"{where}: "), getattr(error, "hint", "")
            raise ConfigError(f"{where}: {told}", hint=hint or f"`langadapt show {name}`") from error
        if hasattr(made, "check"):
            made.check(self.pack)
        return self._wrapped(made) if kind == "translator" else made

    def completed(self, kind: str, name: str, tree: Mapping[str, Any]) -> tuple[Tree, dict[str, str]]:
        """The settings that a component would be built with, those of nested ones too, and why some are not known."""
        component = registry.load(registry.find(kind, name))
        whole, unknown = self._resolved(component, tree, f"{kind}.{name}")
        hints = hints_of(component)
        for key, node in whole.items():
            held = _special(hints[key]) if key in hints else None
            use = plain(node.get("use")) if isinstance(node, Mapping) else None
            if held and held in registry.INTERFACES and isinstance(use, str):
                own = {k: v for k, v in node.items() if k != "use"}
                below, missing = self.completed(
                    held, use, merged(self.settings.get(held, {}).get(use, {}), own)
                )
                whole[key] = {"use": node["use"], **below}
                unknown |= {f"{key}.{name}": why for name, why in missing.items()}
        return whole, unknown

    def _resolved(self, component: Any, tree: Mapping[str, Any], where: str) -> tuple[Tree, dict[str, str]]:
        """The settings over those that follow from the language, and why some of these are not known."""
        resolves = getattr(component, "resolves", {})
        answers = {key: self._answer(component, key, where) for key in resolves if key not in tree}
        known = {key: one for key, one in answers.items() if one.value is not None}
        said = {key: one for key, one in known.items() if one.value not in ({}, [])}
        below = {key: Leaf(one.value, Layer(one.origin, Path.cwd())) for key, one in said.items()}
        return {**below, **tree}, {key: one.origin for key, one in answers.items() if key not in known}

    def _answer(self, component: Any, key: str, where: str) -> Resolved:
        """What a component says that a setting is for the pack's language."""
        said = f"{component.__module__}.{component.__qualname__}.{key} cannot be resolved for {self.pack.language.name}"
        hint = self._typed(f"{where}.{key}", hints_of(component).get(key))
        try:
            answer = component.resolves[key](self.pack)
        except LangAdaptError:
            raise
        except Exception as error:
            raise ComponentError(f"{said}: {type(error).__name__}: {error}", hint=hint) from error
        if not isinstance(answer, Resolved):
            raise ComponentError(f"{said}: {answer!r:.80} is no Resolved", hint=hint)
        return answer

    def _typed(self, address: str, hint: Any) -> str:
        """What to type to set the value at an address."""
        return f"--set {address.removeprefix(f'{self.within}.')}={_form(hint)}"

    def _find(self, kind: str, name: str, tree: Mapping[str, Any], where: str) -> registry.Found:
        try:
            return registry.find(kind, name)
        except ConfigError as error:
            place = "" if where == name else f"{where} ({layer_of(tree)}): "
            raise ConfigError(f"{place}{error}", hint=error.hint) from error

    def _special(self, kind: str, node: Any, where: str) -> Any:
        if kind in ("model", "path"):
            text = plain(node)
            if not isinstance(text, str):
                raise ConfigError(f"{where}: a {kind} is written as text")
            resolved = self.resolve(text, node.layer, where)
            if kind == "path" and not Path(resolved).exists():
                raise ConfigError(f"{where} ({node.layer.name}): {text} does not exist")
            if kind == "model" and Path(resolved).is_file():
                raise ConfigError(
                    f"{where} ({node.layer.name}): {text} is a file; a model is a folder or a Hub id"
                )
            return ModelRef.parse(resolved) if kind == "model" else Path(resolved)
        table = node if isinstance(node, Mapping) else {"use": node}
        use = plain(table.get("use"))
        if not isinstance(use, str):
            raise ConfigError(f"{where}: `use` must name a {kind}")
        base = self.settings.get(kind, {}).get(use, {})
        return self.build(kind, use, merged(base, {k: v for k, v in table.items() if k != "use"}), where)

    def resolve(self, text: str, layer: Layer, where: str) -> str:
        """A path or model as meant: `pack:PATH`, `recipe:KEY`, a path relative to its layer, or a Hub id; a link to a file (a Python) stays."""
        scheme, colon, rest = text.partition(":")
        if colon and scheme == "pack":
            path = self.pack.path(rest)
            if path is None or not path.exists():
                raise ConfigError(
                    f"{where} ({layer.name}): {text} is not in the pack {self.pack.language.code}"
                )
            return str(path)
        if colon and scheme == "recipe":
            if rest not in self.values:
                raise ConfigError(f"{where} ({layer.name}): the recipe and the pack set no `{rest}`")
            return self.values[rest]
        beside = layer.folder / Path(text).expanduser()
        if not text or (text.startswith((".", "/", "~")) and not beside.exists()):
            raise ConfigError(f"{where} ({layer.name}): {text or 'nothing'!r} does not exist")
        found = beside.parent.resolve() / beside.name if beside.is_file() else beside.resolve()
        return str(found) if beside.exists() else text

    def _wrapped(self, translator: Translator) -> Translator:
        retrying = Retry(inner=translator, memory=self.memory)
        return Remembering(inner=retrying, memory=self.memory) if self.memory else retrying


def unwrapped(translator: Translator) -> Translator:
    """A translator without what `Builder` puts around it."""
    while isinstance(translator, Remembering | Retry):
        translator = translator.inner
    return translator


def hints_of(component: type[Any]) -> dict[str, Any]:
    """The types of a component's settings with their notes; raises `ComponentError` where one is not known."""
    try:
        return get_type_hints(component, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise ComponentError(
            f"{component.__module__}.{component.__qualname__}: the type of a setting is not known: {error}",
            hint="import it outside `if TYPE_CHECKING`",
        ) from error


def _form(hint: Any) -> str:
    """How a shell has a value of that type, to be filled in."""
    if get_origin(hint) is Annotated:
        return _form(get_args(hint)[0])
    return "'[\"...\"]'" if get_origin(hint) in (tuple, list) else "..."


def _validated(
    items: Mapping[str, dataclasses.Field[Any]], hints: Mapping[str, Any], tree: Tree, where: str
) -> tuple[dict[str, Any], list[str]]:
    from pydantic import ConfigDict, ValidationError, create_model
    from pydantic.fields import Field

    columns: dict[str, Any] = {}
    for name, item in items.items():
        if item.default_factory is not dataclasses.MISSING:
            columns[name] = (hints[name], Field(default_factory=item.default_factory))
        else:
            columns[name] = (hints[name], ... if item.default is dataclasses.MISSING else item.default)
    model = create_model(
        "Settings", __config__=ConfigDict(extra="forbid", strict=True, protected_namespaces=()), **columns
    )
    try:
        made = model.model_validate_json(json.dumps(plain(tree)), strict=True)
    except ValidationError as error:
        wrong = []
        for line in mistakes(error):
            key = line.split(".", 1)[0].split(":", 1)[0]
            origin = f" ({layer_of(tree[key])})" if key in tree else ""
            near = registry.did_you_mean(key, list(items)) if "unknown key" in line else ""
            wrong.append(
                f"{where}.{line}{origin}{'; ' + near.split('?')[0] + '?' if near.startswith('did') else ''}"
            )
        return {}, wrong
    return {name: getattr(made, name) for name in made.model_fields_set}, []


def _special(hint: Any) -> str | None:
    """`model`, `path`, or the kind of component that a field of this type holds; none for a plain value."""
    if get_origin(hint) is Annotated:
        return _special(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return next((found for found in map(_special, get_args(hint)) if found), None)
    if hint is ModelRef:
        return "model"
    if hint is Path:
        return "path"
    return next((kind for kind, interface in registry.INTERFACES.items() if hint is interface), None)


def _other_use(low: Mapping[str, Any], high: Mapping[str, Any]) -> bool:
    return "use" in high and "use" in low and plain(low["use"]) != plain(high["use"])

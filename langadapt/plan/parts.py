"""A recipe's components as a plan needs them: built where that works, else their settings alone."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from langadapt import registry
from langadapt.config import Builder, plain
from langadapt.errors import ComponentError, ConfigError, LangAdaptError
from langadapt.interfaces import ModelRef
from langadapt.languages import LanguagePack
from langadapt.memory import TranslationMemory
from langadapt.plan.sampling import bare
from langadapt.recipe import Recipe
from langadapt.slots import Slot

Say = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """A slot, its component where it could be built, and its settings, defaults included."""

    slot: Slot
    component: Any
    settings: Mapping[str, Any]

    @property
    def model(self) -> str | None:
        """The model that it holds, itself or in a component that it holds."""
        return _model(self.component or self.settings)

    def close(self) -> None:
        """Close the component."""
        if self.component is not None:
            self.component.close()


def parts(recipe: Recipe, pack: LanguagePack, memory: TranslationMemory | None, say: Say) -> dict[str, Part]:
    """Every part by address; what a component lacks that the language or this machine should bring is said, mistakes are raised."""
    builder = _builder(recipe, pack, memory)
    found: dict[str, Part] = {}
    wrong: list[ConfigError] = []
    for slot in recipe.slots:
        made = None
        try:
            made = builder.build(slot.kind, slot.use, slot.settings, slot.address)
        except ComponentError as error:
            say(f"{slot.address}: {error}; planned from its settings")
        except ConfigError as error:
            if not _of_the_language(recipe, pack, slot):
                wrong.append(error)
                continue
            say(f"{slot.address}: a run would be refused: {error}")
        found[slot.address] = Part(slot, made, _settings(slot, made, builder))
    if wrong:
        for part in found.values():
            part.close()
        raise ConfigError(
            "\n".join(map(str, wrong)), hint=next((e.hint for e in wrong if e.hint), "`langadapt list`")
        )
    return found


def _builder(recipe: Recipe, pack: LanguagePack, memory: TranslationMemory | None = None) -> Builder:
    named = {"base": recipe.base, "chat_template": recipe.chat_template}
    values = {key: value for key, value in named.items() if value is not None}
    return Builder(pack, values, recipe.settings, memory)


def _of_the_language(recipe: Recipe, pack: LanguagePack, slot: Slot) -> bool:
    """Whether a component that cannot be built is right but for the language: it can be for one that has a pack."""
    known = next(
        (item.name for item in registry.installed("language") if item.name != pack.language.code), None
    )
    if known is None:
        return False
    try:
        made = _builder(recipe, registry.pack(known)).build(slot.kind, slot.use, slot.settings, slot.address)
    except LangAdaptError as error:
        return isinstance(error, ComponentError)
    made.close()
    return True


def _settings(slot: Slot, made: Any, builder: Builder) -> dict[str, Any]:
    """The settings, those of an outermost wrapper's inner component included."""
    inner = made
    while inner is not None and hasattr(inner, "inner"):
        inner = inner.inner
    if inner is not None and dataclasses.is_dataclass(inner):
        return {item.name: getattr(inner, item.name) for item in dataclasses.fields(inner)}
    kind = registry.load(registry.find(slot.kind, slot.use))
    return {**_defaults(kind), **plain(builder.completed(slot.kind, slot.use, slot.settings)[0])}


def held_translator(part: Part) -> Any:
    """The translator that a filter holds, as a component or as its settings; None where it holds none."""
    for value in part.settings.values():
        if isinstance(value, registry.INTERFACES["translator"]):
            return value
    table = part.settings.get("translator")
    return table if isinstance(table, Mapping) else None


def held_engine(held: Any) -> tuple[str, Mapping[str, Any]]:
    """The name of the engine that a filter holds, and its settings with the defaults of its class."""
    if isinstance(held, Mapping):
        name = str(held.get("use", ""))
        try:
            kind = registry.load(registry.find("translator", name))
        except LangAdaptError:
            return name, held
        return name, {**_defaults(kind), **held}
    own = bare(held)
    return type(own).__name__.lower().removesuffix("translator"), {
        item.name: getattr(own, item.name) for item in dataclasses.fields(own)
    }


def _defaults(kind: Any) -> dict[str, Any]:
    return {
        item.name: item.default
        for item in dataclasses.fields(kind)
        if item.default is not dataclasses.MISSING
    }


def _model(holder: Any) -> str | None:
    if isinstance(holder, Mapping):
        values = list(holder.items())
    elif dataclasses.is_dataclass(holder):
        values = [(item.name, getattr(holder, item.name)) for item in dataclasses.fields(holder)]
    else:
        return None
    for name, value in values:
        if isinstance(value, ModelRef) or (name == "model" and isinstance(value, str)):
            return str(value)
    return next((found for _, value in values if (found := _model(value))), None)

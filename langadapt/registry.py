"""Finds components and packs by entry point: names without imports, one thing loaded late, its origin named on failure."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import Evaluator, Filter, Trainer, Translator
from langadapt.languages import LanguagePack

INTERFACES: Mapping[str, type[Any]] = {
    "translator": Translator,
    "filter": Filter,
    "trainer": Trainer,
    "evaluator": Evaluator,
}
KINDS = ("language", *INTERFACES)
EXTRAS: Mapping[str, str] = {
    "torch": "translate", "transformers": "translate", "trl": "train", "accelerate": "train", "peft": "train",
    "lm_eval": "evaluate", "openai": "evaluate", "vllm": "vllm", "flash_attn": "flash-attn", "ray": "ray",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """An installed thing: what it is called, where it comes from; nothing of it is imported yet."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str


@cache
def installed(kind: str) -> tuple[Found, ...]:
    """Everything of a kind that is installed, sorted by name."""
    points = metadata.entry_points(group=f"langadapt.{kind}s")
    found = {
        Found(
            kind,
            point.name,
            point.dist.name if point.dist else "?",
            point.dist.version if point.dist else "?",
            point.value,
        )
        for point in points
    }
    return tuple(sorted(found, key=lambda item: (item.name, item.distribution)))


def find(kind: str, name: str) -> Found:
    """The one thing of that name, or of `DISTRIBUTION:NAME`; raises `ConfigError` for none or two."""
    distribution, _, short = name.rpartition(":")
    matches = [f for f in installed(kind) if f.name == short and distribution in ("", f.distribution)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        owners = " and ".join(f"{f.distribution}:{f.name}" for f in matches)
        raise ConfigError(
            f"{kind} {name!r} is claimed twice: {owners}", hint="ask for one of them by that full name"
        )
    raise ConfigError(
        f"no {kind} is called {name!r}", hint=did_you_mean(name, [f.name for f in installed(kind)])
    )


def did_you_mean(name: str, known: list[str]) -> str:
    """A hint that names the nearest known name, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(sorted(set(known))) or "none"
    return f"did you mean {near[0]!r}? installed: {listed}" if near else f"installed: {listed}"


def load(found: Found, *, needed: bool = False) -> type[Any]:
    """The class of a component; raises `ComponentError` naming the distribution, the object and the cause.

    With `needed`, the libraries that it names in `requires` must be there too.
    """
    _, _, attribute = found.target.partition(":")
    try:
        point = metadata.EntryPoint(name=found.name, value=found.target, group=f"langadapt.{found.kind}s")
        loaded = point.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if _there(missing):
            raise ComponentError(
                f"{_says(found)} cannot be loaded: {error}", hint=f"update or uninstall {found.distribution}"
            ) from error
        raise ComponentError(
            f"{_says(found)} needs {missing!r}, which is not installed", hint=pip_hint(missing)
        ) from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ComponentError(
            f"{_says(found)} cannot be loaded: {type(error).__name__}: {error}",
            hint=f"update or uninstall {found.distribution}; `langadapt doctor` checks every component",
        ) from error
    problem = misfit(found.kind, loaded)
    if problem:
        raise ComponentError(
            f"{_says(found)}: {attribute} {problem}", hint=f"the author of {found.distribution} must mend it"
        )
    for library in getattr(loaded, "requires", ()) if needed else ():
        if not _there(library):
            raise ComponentError(
                f"{_says(found)} needs {library!r}, which is not installed", hint=pip_hint(library)
            )
    return loaded  # type: ignore[no-any-return]


def _there(module: str) -> bool:
    """Whether a module can be found; its parents are imported for that where it has any."""
    try:
        return bool(module) and find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def pip_hint(library: str) -> str:
    """The command that brings a library."""
    return f"pip install 'langadapt[{EXTRAS[library]}]'" if library in EXTRAS else f"pip install {library}"


def misfit(kind: str, component: Any) -> str:
    """Why a class is no component of that kind; empty where it is one."""
    if not isinstance(component, type) or not hasattr(component, "__dataclass_fields__"):
        return "is no dataclass"
    wanted = [name for name in vars(INTERFACES[kind]) if not name.startswith("_")]
    wanted += list(INTERFACES[kind].__annotations__)
    missing = [name for name in dict.fromkeys(wanted) if not hasattr(component, name)]
    return f"lacks {', '.join(missing)}" if missing else ""


def pack(code: str) -> LanguagePack:
    """The pack installed for a code; raises `ConfigError` where there is none."""
    return LanguagePack.read(pack_folder(find("language", code)))


def pack_folder(found: Found) -> Path:
    """Where a pack lies, told without importing it: `module:folder` or `module`."""
    module, _, folder = found.target.partition(":")
    spec = find_spec(module) if _there(module) else None
    if spec is None or not spec.submodule_search_locations:
        raise ComponentError(
            f"{_says(found)}: {module!r} is no package", hint=f"reinstall {found.distribution}"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / folder
    if not path.is_dir():
        raise ComponentError(f"{_says(found)}: {path} is no folder", hint=f"reinstall {found.distribution}")
    return path


def _says(found: Found) -> str:
    return f"{found.kind} {found.name!r} of {found.distribution} {found.version}"

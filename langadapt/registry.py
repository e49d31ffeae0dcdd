"""Finds components and packs by entry point: names without imports, one thing loaded late, its origin named on failure."""

import difflib
import inspect
import io
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langadapt.errors import ComponentError, ConfigError, LangAdaptError
from langadapt.interfaces import Evaluator, Filter, Trainer, Translator
from langadapt.languages import Language, LanguagePack

INTERFACES: Mapping[str, type[Any]] = {
    "translator": Translator,
    "filter": Filter,
    "trainer": Trainer,
    "evaluator": Evaluator,
}
KINDS = ("language", *INTERFACES)
SLOW_S = 5.0
"""An import that takes longer is told."""
EXTRAS: Mapping[str, str] = {
    "torch": "translate", "transformers": "translate", "trl": "train", "accelerate": "train", "peft": "train",
    "lm_eval": "evaluate", "openai": "evaluate", "vllm": "vllm", "flash_attn": "flash-attn", "ray": "ray", "ctranslate2": "ctranslate2", "aiohttp": "openai",
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
    points = _entry_points().select(group=f"langadapt.{kind}s")
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


@cache
def _entry_points() -> Any:  # Python 3.11 types it as what 3.10 gave
    return metadata.entry_points()


def refresh() -> None:
    """Look anew at what is installed."""
    installed.cache_clear()
    _entry_points.cache_clear()


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
        with _importing(found):
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
    interface = INTERFACES[kind]
    wanted = [name for name in vars(interface) if not name.startswith("_")]
    wanted += list(interface.__annotations__)
    missing = [name for name in dict.fromkeys(wanted) if not hasattr(component, name)]
    if missing:
        return f"lacks {', '.join(missing)}"
    wrong = (_mismatch(component, name, method) for name, method in vars(interface).items() if name in wanted)
    return next((problem for problem in wrong if problem), "")


def _mismatch(component: type[Any], name: str, method: Any) -> str:
    """Why a method cannot be called as its interface is."""
    own = getattr(component, name)
    if not inspect.isfunction(method) or not callable(own):
        return ""
    _, *asked = inspect.signature(method).parameters.values()
    given = [one.name for one in asked if one.kind is not one.KEYWORD_ONLY]
    named = [one.name for one in asked if one.kind is one.KEYWORD_ONLY]
    written = inspect.getattr_static(component, name)
    bound = isinstance(written, staticmethod | classmethod) or not hasattr(written, "__get__")
    try:
        inspect.signature(own).bind(*([] if bound else [None]), *given, **dict.fromkeys(named))
    except TypeError as error:
        words = ", ".join([*given, *(f"{key}=" for key in named)])
        return f"has {name}{inspect.signature(own)}, which is called as {name}({words}): {error}"
    except ValueError:  # a function of C that tells nothing of itself
        return ""
    return ""


def pack(code: str) -> LanguagePack:
    """The pack for a code: its own, that of the language it is a variety of (`de-AT` of `de`), or what is known without one.

    Raises `ConfigError` for what is no language code, and where two distributions claim it.
    """
    found = _pack_for(code)
    if found is None:
        return LanguagePack.bare(code)
    read = LanguagePack.read(pack_folder(found))
    return read if ":" in code else replace(read, language=Language.of(code))


def readable_packs() -> dict[Found, LanguagePack]:
    """Every installed pack that can be read; a broken one is told when it is asked for, and by doctor."""
    read: dict[Found, LanguagePack] = {}
    for found in installed("language"):
        with suppress(LangAdaptError):
            read[found] = LanguagePack.read(pack_folder(found))
    return read


def _pack_for(code: str) -> Found | None:
    names = {item.name.casefold(): item.name for item in installed("language")}
    if ":" in code:
        return find("language", code)
    wanted = Language.of(code)
    parts = wanted.code.split("-")
    for end in range(len(parts), 0, -1):
        name = "-".join(parts[:end])
        if name.casefold() in names and Language.of(name).script == wanted.script:
            return find("language", names[name.casefold()])
    return None


def pack_folder(found: Found) -> Path:
    """Where a pack lies, told without importing it: `module:folder` or `module`."""
    module, _, folder = found.target.partition(":")
    spec = located(module)
    if spec is None or not spec.submodule_search_locations:
        raise ComponentError(
            f"{_says(found)}: {module!r} is no package", hint=f"reinstall {found.distribution}"
        )
    path = Path(next(iter(spec.submodule_search_locations))) / folder
    if not path.is_dir():
        raise ComponentError(f"{_says(found)}: {path} is no folder", hint=f"reinstall {found.distribution}")
    return path


def problem(found: Found) -> str:
    """What metadata and files tell of a thing that cannot work, nothing being imported; empty where they tell nothing."""
    module, _, rest = found.target.partition(":")
    if found.kind != "language":
        return (
            "" if located(module) else f"the module {module!r} is not there: reinstall {found.distribution}"
        )
    try:
        folder = pack_folder(found)
    except ComponentError:
        return f"the folder {rest!r} of {module!r} is not there: reinstall {found.distribution}"
    return (
        ""
        if (folder / "pack.toml").is_file()
        else f"{rest!r} holds no pack.toml: reinstall {found.distribution}"
    )


def located(module: str) -> ModuleSpec | None:
    """Where a module lies. Unlike `find_spec` this imports none of its parents."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top) if top else None
        for depth in range(len(rest)):
            if spec is None or not spec.submodule_search_locations:
                return None
            name = ".".join([top, *rest[: depth + 1]])
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    except (ImportError, ValueError):
        return None
    return spec


@contextmanager
def _importing(found: Found) -> Iterator[None]:
    """What a plugin writes while it is imported goes nowhere, and is told, as is an import that takes long."""
    began = time.monotonic()
    written = io.StringIO()
    try:
        with redirect_stdout(written):
            yield
    finally:
        taken = time.monotonic() - began
        if said := written.getvalue().strip():
            _note(f"{_says(found)} writes when it is imported: {said.splitlines()[0][:80]!r}")
        if taken > SLOW_S:
            _note(f"{_says(found)} takes {taken:.0f} s to import")


def _note(line: str) -> None:
    sys.stderr.write(f"note: {line}\n")


def _says(found: Found) -> str:
    return f"{found.kind} {found.name!r} of {found.distribution} {found.version}"

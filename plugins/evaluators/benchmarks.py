"""Which of lm-eval's tasks are there for a language: names made by patterns, kept where lm-eval has them."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langadapt.drafts import drafting
from langadapt.errors import MachineError
from langadapt.identity import CACHE
from langadapt.interfaces import Resolved
from langadapt.languages import Language, LanguagePack, read_toml


@dataclass(frozen=True)
class BenchmarkFamily:
    """One benchmark in many languages."""

    name: str
    names: tuple[str, ...]
    translated: str
    default: bool

    def tasks(self, language: Language, known: Iterable[str]) -> list[str]:
        """The family's tasks for a language: those of the first pattern that fits any name."""
        for pattern in self.names:
            for filled in _filled(pattern, language):
                wanted = re.compile(re.escape(filled).replace(r"\*", "[a-z]{2,4}"))
                if found := sorted(name for name in known if wanted.fullmatch(name)):
                    return found
        return []


@cache
def families() -> tuple[BenchmarkFamily, ...]:
    """The table `benchmarks.toml`."""
    return tuple(
        BenchmarkFamily(name, tuple(row["names"]), row["translated"], row["default"])
        for name, row in _table()["family"].items()
    )


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    return read_toml(Path(__file__).with_name("benchmarks.toml"))


def found(language: Language) -> dict[str, list[str]]:
    """The tasks that lm-eval has for a language, by family."""
    known = task_names()
    tasks = {family.name: family.tasks(language, known) for family in families()}
    return {name: names for name, names in tasks.items() if names}


@dataclass(frozen=True)
class NamedSet:
    """A set of lm-eval's own tasks in one language: names by benchmark, there or not, and shots where the set gives some."""

    names: Mapping[str, Sequence[str]]
    shots: Mapping[str, int]


def set_names() -> frozenset[str]:
    """The names of the sets of `benchmarks.toml`, in whichever language."""
    return frozenset(_table()["set"])


def named_sets(language: Language) -> dict[str, NamedSet]:
    """The sets that `benchmarks.toml` has for a language; lm-eval's index is not asked."""
    short = language.code.partition("-")[0]
    return {
        name: NamedSet(
            {
                benchmark: [filled for pattern in patterns for filled in _filled(pattern, language)]
                for benchmark, patterns in row["names"].items()
            },
            row.get("shots", {}),
        )
        for name, row in _table()["set"].items()
        if short in row.get("only", [short]) and short not in row.get("not", [])
    }


def default_tasks(pack: LanguagePack) -> Resolved:
    """What is scored where nobody names tasks."""
    if find_spec("lm_eval") is None:
        return Resolved(value=None, origin="lm-eval is not installed: pip install 'langadapt[evaluate]'")
    by_family = found(pack.language)
    tasks = [name for family in families() if family.default for name in by_family.get(family.name, ())]
    if not tasks:
        return Resolved(
            value=None,
            origin=f"lm-eval {version('lm-eval')} has no task known to be {pack.language.name}",
        )
    return Resolved(value=tasks, origin=f"lm-eval {version('lm-eval')} has them for {pack.language.code}")


def task_names() -> frozenset[str]:
    """The names of all of lm-eval's tasks and groups; its index takes seconds, so they are kept by version."""
    place = os.environ.get(CACHE)
    return _names(Path(place) if place else None)


@cache
def _names(place: Path | None) -> frozenset[str]:
    spec = find_spec("lm_eval")
    where = sha256(str(spec and spec.origin).encode()).hexdigest()[:8]
    kept = place / f"lm-eval-{version('lm-eval')}-{where}.json" if place else None
    if kept and kept.exists():
        with suppress(ValueError):
            return frozenset(json.loads(kept.read_text(encoding="utf-8")))
    from lm_eval.tasks import TaskManager

    names = sorted(TaskManager().task_index)
    if kept:
        with (
            suppress(MachineError),
            drafting(kept) as draft,
        ):  # a folder that cannot be written costs time only
            json.dump(names, draft)
    return frozenset(names)


def _filled(pattern: str, language: Language) -> Iterator[str]:
    """The names that a pattern may mean for a language; none where the language has no such code."""
    import langcodes

    tag = langcodes.Language.get(language.code)
    short = tag.language or ""
    usual = langcodes.Language.get(short).maximize().script == language.script
    flores, _, script = (language.flores or f"{tag.to_alpha3()}_{language.script}").partition("_")
    english = langcodes.Language.get(short).display_name().lower().replace(" ", "_")
    values: dict[str, list[str]] = {
        "short": [short] * usual,
        "flores": [f"{flores}_{script}"],
        "alpha3": list(dict.fromkeys((tag.to_alpha3(), flores))) * (usual or "{script}" in pattern),
        "english": [english] * usual,
    }
    pattern = pattern.replace("{script}", script.lower())
    if "{" not in pattern:
        yield pattern
        return
    key = next(key for key in values if f"{{{key}}}" in pattern)
    also = _table()["also"].get(key, {}).get(short, []) if values[key] else []
    yield from (pattern.replace(f"{{{key}}}", value) for value in [*values[key], *also])

"""Writes a package of one's own to begin with: an entry point, one thing that works, a README and a test.

Every folder beside this file is laid down as it stands, with Jinja filling the files and the names of files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError, MachineError
from langadapt.languages import Language
from langadapt.registry import KINDS, installed, located
from langadapt.scaffold.writing import Writing

_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Package:
    """What is written: the kind of thing, its name, and how the package and its parts are called."""

    kind: str
    name: str

    @classmethod
    def of(cls, kind: str, name: str) -> "Package":
        """Raises `ConfigError` for a kind that is none, and for a name that cannot be one or is taken."""
        if kind not in KINDS:
            raise ConfigError(f"no kind is called {kind!r}", hint=f"kinds: {', '.join(KINDS)}")
        if kind == "language":
            name = Language.of(name).code
        elif not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} cannot name a {kind}", hint="small letters, digits and hyphens, such as word-table"
            )
        package = cls(kind, name)
        same = [found for found in installed(kind) if found.name.casefold() == name.casefold()]
        if same:
            raise ConfigError(
                f"{same[0].distribution} has a {kind} called {name!r}",
                hint=f"take another name; `langadapt list {kind}` names those that are taken",
            )
        if located(package.module):
            raise ConfigError(
                f"a {kind} called {name!r} would be the module {package.module}, which is installed",
                hint="uninstall that first"
                if kind == "language"
                else f"take another name, such as {name}-{kind}",
            )
        return package

    @property
    def distribution(self) -> str:
        """The name under which it is installed."""
        return f"langadapt-{self.name.lower()}"

    @property
    def module(self) -> str:
        """The name under which it is imported."""
        return self.distribution.replace("-", "_")

    @property
    def target(self) -> str:
        """What its entry point names: a class, or the folder of a pack."""
        return f"{self.module}:{self.folder if self.kind == 'language' else self.component}"

    @property
    def folder(self) -> str:
        """The folder of a pack; builders refuse an entry point that names what cannot be a name in Python, as `pt-BR`."""
        return self.name.replace("-", "_")

    @property
    def component(self) -> str:
        """The class of a component. It ends with the kind, so that no name hides what the file imports (`Score`, `Path`)."""
        parts = self.name.split("-")
        return "".join(
            part.capitalize() for part in [*parts, *([self.kind] if parts[-1] != self.kind else [])]
        )

    def write(self, folder: Path) -> list[Path]:
        """Write the package into a folder that is not there yet, or is empty; gives the files."""
        import langadapt

        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} is there already", hint="name an empty folder with --into")
        facts: dict[str, Any] = {"package": self, "version": langadapt.__version__}
        if self.kind == "language":
            facts["language"] = Language.of(self.name)
            facts["writing"] = Writing.of(facts["language"])
        parts = [_HERE / "common", _HERE / self.kind]
        sources = [(path, part) for part in parts for path in sorted(part.rglob("*")) if path.is_file()]
        try:
            return [_laid_down(path, part, folder, facts) for path, part in sources if path.suffix != ".pyc"]
        except OSError as error:
            raise MachineError(
                f"{error.filename}: {error.strerror}", hint="name a folder of yours"
            ) from error


def _laid_down(source: Path, root: Path, folder: Path, facts: Mapping[str, Any]) -> Path:
    from jinja2 import Environment, StrictUndefined

    jinja = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - no HTML
    name = jinja.from_string(source.relative_to(root).as_posix().removesuffix(".jinja")).render(facts)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(jinja.from_string(source.read_text(encoding="utf-8")).render(facts), encoding="utf-8")
    return path

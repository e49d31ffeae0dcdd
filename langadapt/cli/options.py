"""Options and the preparation that several commands share."""

import difflib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from langadapt import registry
from langadapt.cli import printable
from langadapt.cli.alone import FILE
from langadapt.errors import ConfigError, DataError, MachineError
from langadapt.identity import CACHE
from langadapt.languages import LanguagePack
from langadapt.memory import TranslationMemory

Command = TypeVar("Command", bound=Callable[..., Any])
_CACHE = Path("runs/.cache")

language = click.option(
    "--language", required=True, metavar="LANG", help="BCP 47 code of the target language."
)
changes = click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated."
)
memory = click.option(
    "--memory",
    "memory_file",
    type=FILE,
    default=Path("runs/memory.sqlite"),
    help="The translation memory.",
)
recipe = click.option(
    "--recipe", metavar="NAME|FILE", help="A recipe by name or file; the pack's own unless given."
)
conversations = click.option(
    "--conversations",
    type=click.Path(path_type=Path),
    help="One's own SFT rows instead of the recipe's sources.",
)
preferences = click.option(
    "--preferences",
    type=click.Path(path_type=Path),
    help="One's own DPO rows instead of the recipe's sources.",
)
limit = click.option("--limit", type=click.IntRange(min=1), help="Records per source, or items per task.")


def say(text: str, *, err: bool = False, bold: bool | None = None) -> None:
    """Tell the user; what data or file names bring steers no terminal."""
    click.secho(printable(text), err=err, bold=bold)


def pack_of(code: str) -> LanguagePack:
    """The pack of a language, or what is known of it without one, which is said."""
    pack = registry.pack(code)
    if pack.folder is None:
        names = [item.name for item in registry.installed("language")]
        near = difflib.get_close_matches(code, names, n=1)
        say(
            f"no pack for {pack.language.name} ({pack.language.code})"
            + (f"; did you mean {near[0]!r}?" if near else "")
            + f": `langadapt show {code}` says what is known without one"
        )
    return pack


def recipe_name(pack: LanguagePack, asked: str | None) -> str:
    """The recipe that is asked for, the pack's, or the one for any language."""
    from langadapt.recipe import DEFAULT

    return asked or pack.default_recipe or DEFAULT


def open_memory(path: Path) -> TranslationMemory:
    """The memory, and the caches of libraries beside the run folders."""
    own_caches()
    return TranslationMemory(path)


def own_caches() -> None:
    """Let `datasets` keep its copies beside the run folders rather than in the home folder."""
    os.environ.setdefault(CACHE, str(_CACHE.resolve()))
    os.environ.setdefault("HF_DATASETS_CACHE", str((_CACHE / "datasets").resolve()))
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # an error of ours says it once
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def read_beside(memory_file: Path, recipe: str | None = None) -> list[Path]:
    """The files of a memory, and a recipe that is a file: they are read beside what a command is about."""
    memory_files = [Path(f"{memory_file.resolve()}{end}") for end in ("", "-wal", "-shm")]
    return [*memory_files, *([Path(recipe).expanduser()] if recipe and recipe.endswith(".toml") else [])]


def refuse_overwriting(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Raise `ConfigError` where a file to write is one that is read, is no regular file, or has no folder to lie in."""
    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in read:
            raise ConfigError(f"{path} would be overwritten, and is read", hint="name another file to write")
        if path.exists() and not path.is_file():
            raise ConfigError(f"{path} is no regular file", hint="name a file to write")
        if not os.access(next(p for p in path.resolve().parents if p.exists()), os.W_OK):
            raise MachineError(f"{path.parent} cannot be written", hint="name a file in a folder of yours")


def own_rows(conversations: Path | None, preferences: Path | None) -> Mapping[str, Any] | None:
    """Sources made of a user's own files; none where no file is given."""
    given = {"sft": conversations, "dpo": preferences}
    for path in given.values():
        if path and not (path.is_file() and path.stat().st_size):
            raise DataError(f"{path} is no file with rows", hint="name a JSON Lines file")
    return {
        f"own-{stream}": {
            "path": str(path.resolve()),
            "stream": stream,
            "license": "LicenseRef-own",
        }
        for stream, path in given.items()
        if path
    } or None

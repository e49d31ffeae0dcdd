"""`langadapt memory stats|export|import|prune`."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from langadapt.cli import options
from langadapt.cli.alone import FILE
from langadapt.errors import ConfigError, DataError
from langadapt.holdings import (
    Holding,
    Selection,
    Unit,
    correct,
    holdings,
    prune,
    saved,
    shrink,
    translators,
    units,
)
from langadapt.memory import PERSON, TranslationMemory

_FIRST_YEAR = 2000
_source = click.option(
    "--source-language",
    "source",
    default="en",
    show_default=True,
    metavar="LANG",
    help="BCP 47 code of the source.",
)
_translator = click.option(
    "--translator", metavar="TEXT", help="Only entries of translators in whose description TEXT stands."
)


@click.group(invoke_without_command=True)
@click.pass_context
def memory_command(context: click.Context) -> None:
    """Look into the translation memory, correct it, prune it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@memory_command.command("stats")
@options.memory
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def _stats(memory_file: Path, as_json: bool) -> None:
    """What the memory holds, by languages and translator, and what it has saved."""
    with _opened(memory_file) as memory:
        held, spared, known = holdings(memory, Selection()), saved(memory), translators(memory)
    parts = [Path(f"{memory_file}{end}") for end in ("", "-wal")]
    size = sum(part.stat().st_size for part in parts if part.exists())
    facts = {
        "file": str(memory_file),
        "bytes": size,
        "entries": sum(one.entries for one in held if one.translator != PERSON),
        "corrections": sum(one.entries for one in held if one.translator == PERSON),
        "saved": spared,
        "held": [{**asdict(one), "description": known.get(one.translator, "corrections")} for one in held],
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    options.say(
        f"{memory_file}: {facts['entries']} entries, {facts['corrections']} corrections, {size / 1e6:.1f} MB"
    )
    _print(held, known)
    options.say(
        f"saved so far: {spared['answers']} answers, {spared['tokens_in']} tokens in, {spared['tokens_out']} tokens out"
    )


@memory_command.command("export")
@click.argument("file", type=FILE, metavar="FILE.tmx|FILE.tsv")
@options.language
@_source
@_translator
@click.option("--corrections-only", is_flag=True, help="Only what people corrected.")
@options.memory
def _export(
    file: Path, language: str, source: str, translator: str | None, corrections_only: bool, memory_file: Path
) -> None:
    """Write entries to FILE, as TMX or TSV; what a person corrected is there instead of a model's hypothesis.

    Corrections are there whatever --translator says. Columns of a TSV: source, target, origin, translator, made. Change
    targets there and give the file to `memory import`.
    """
    from langadapt.exchange import write_units

    languages = _languages(source, language)
    if corrections_only and translator:
        raise ConfigError("--corrections-only: a correction has no translator", hint="leave out --translator")
    with _opened(memory_file) as memory:
        options.refuse_overwriting(options.read_beside(memory_file), [file])
        known = translators(memory)
        chosen = Selection(**languages, translators=_matching(memory, translator, known))
        found = units(memory, chosen, corrections_only=corrections_only)
        first = next(found, None)
        if first is None:
            raise DataError(
                f"{memory_file} holds nothing of that kind from {languages['source']} to {languages['target']}",
                hint=f"`langadapt memory stats --memory {memory_file}` says what it holds",
            )
        count = write_units(file, _named(_told(_after(first, found), "units"), known), **languages)
    options.say(f"{count} units in {file}")


@memory_command.command("import")
@click.argument("file", type=FILE, metavar="FILE.tmx|FILE.tsv")
@options.language
@_source
@click.option("--skip-bad", is_flag=True, help="Take the rest of a file that has mistakes.")
@options.memory
def _import(file: Path, language: str, source: str, skip_bad: bool, memory_file: Path) -> None:
    """Take the units of FILE, TMX or TSV, as corrections: they win over every model, and over earlier corrections.

    The source of a unit is the text as `memory export` writes it: its placeholders <x1> must be in the target too. A file
    with mistakes is not taken at all unless --skip-bad says so. A unit that is marked as a model's is a correction where
    this memory has another text from that model; it is left out where it has the same one, or none.
    """
    from langadapt.exchange import Findings, read_units

    languages = _languages(source, language)
    if not file.is_file():
        raise DataError(f"{file} is no file", hint="name a TMX or TSV file")
    if not memory_file.exists():
        Findings(file, skip_bad).judge(_faults(read_units(file, Findings(file), **languages)))
    found = Findings(file, skip_bad)
    with _opened(memory_file, new=True) as memory:
        done = correct(
            memory, _told(read_units(file, found, **languages), "units"), **languages, judge=found.judge
        )
    options.say(f"{done.new} new, {done.replaced} replaced, {done.unchanged} unchanged")
    if done.foreign:
        options.say(
            f"{done.foreign} left out: marked as a model's, of which this memory has nothing for that text; "
            "without their origin they are taken as corrections"
        )
    if done.repeated:
        options.say(f"{done.repeated} gave way to a later unit of the file with the same source")
    for what, counts in (("taken", found.taken_from), ("skipped", found.skipped)):
        for which, count in sorted(counts.items()):
            options.say(f"{what}, {which}: {count}")
    if found.wrong:
        options.say("\n".join([f"{found.wrong} with mistakes, not taken:", *found.mistakes]), err=True)


@memory_command.command("prune")
@_translator
@click.option(
    "--before", metavar="DATE", help="Only entries made before: YYYY-MM-DD, or 90d for 90 days ago."
)
@click.option("--language", metavar="LANG", help="Only entries in this target language.")
@click.option("--corrections", is_flag=True, help="Corrections too; they stay otherwise.")
@click.option("--yes", is_flag=True, help="Delete; without it, say what would go.")
@options.memory
def _prune(
    translator: str | None,
    before: str | None,
    language: str | None,
    corrections: bool,
    yes: bool,
    memory_file: Path,
) -> None:
    """Forget entries by translator, age or language: those that meet all that is given."""
    if not (translator or before or language):
        raise ConfigError(
            "memory prune: nothing says which entries",
            hint="give --translator TEXT, --before DATE or --language LANG",
        )
    if corrections and translator:
        raise ConfigError("--corrections: a correction has no translator", hint="leave out --translator")
    target, made = language and _code(language), before and _moment(before)
    with _opened(memory_file) as memory:
        known = translators(memory)
        chosen = Selection(target=target, before=made, translators=_matching(memory, translator, known))
        going = holdings(memory, chosen, corrections=corrections)
        _print(going, known)
        count = sum(one.entries for one in going)
        if not count:
            options.say("nothing to prune")
        elif not yes:
            options.say(f"{count} would go; nothing is deleted without --yes")
        else:
            options.say(f"{prune(memory, chosen, corrections=corrections)} deleted")
            shrink(memory)


@contextmanager
def _opened(path: Path, *, new: bool = False) -> Iterator[TranslationMemory]:
    if not new and not path.is_file():
        raise DataError(f"there is no memory {path}", hint="name one with --memory FILE")
    memory = TranslationMemory(path)
    try:
        yield memory
    finally:
        memory.close()


def _languages(source: str, target: str) -> dict[str, str]:
    codes = {"source": _code(source), "target": _code(target)}
    if codes["source"] == codes["target"]:
        raise ConfigError(f"--language: {target} is the source language too", hint="name another language")
    return codes


def _code(language: str) -> str:
    from langadapt.languages import Language

    return Language.of(language).code


def _moment(text: str) -> str:
    """The moment that `--before` names, as the memory writes it: in UTC."""
    moment: datetime | None = None
    try:
        if days := re.fullmatch(r"([0-9]+)d", text):
            moment = datetime.now(UTC) - timedelta(days=int(days[1]))
        else:
            moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    if moment is None or moment.year < _FIRST_YEAR:
        raise ConfigError(
            f"--before: {text!r} is no date since {_FIRST_YEAR}",
            hint="write 2026-01-31, or 90d for 90 days ago",
        )
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _matching(memory: TranslationMemory, text: str | None, known: Mapping[str, str]) -> list[str] | None:
    if text is None:
        return None
    found = [
        identity for identity, told in known.items() if text.casefold() in f"{identity} {told}".casefold()
    ]
    if not found:
        raise ConfigError(
            f"--translator: no translator of {memory.path} is described by {text!r}",
            hint=f"`langadapt memory stats --memory {memory.path}` describes them",
        )
    return found


def _print(held: Iterable[Holding], known: Mapping[str, str]) -> None:
    languages = ("", "")
    for one in held:
        if languages != (one.source, one.target):
            languages = (one.source, one.target)
            options.say(f"{one.source} to {one.target}", bold=True)
        options.say(
            f"  {one.entries:>9} {known.get(one.translator, 'corrections')}; {one.first[:10]} to {one.last[:10]}"
            f"; {one.answers} answers so far"
        )


def _named(found: Iterable[Unit], names: Mapping[str, str]) -> Iterator[Unit]:
    from dataclasses import replace

    return (replace(one, translator=names.get(one.translator, one.translator)) for one in found)


def _after(first: Unit, rest: Iterable[Unit]) -> Iterator[Unit]:
    yield first
    yield from rest


def _faults(found: Iterable[Unit]) -> Iterator[tuple[int, str]]:
    return ((one.line, one.fault) for one in found if one.fault and one.origin != "model")


def _told(found: Iterable[Unit], label: str) -> Iterator[Unit]:
    from langadapt.progress import Console

    with Console().task(label, None) as task:
        for unit in found:
            yield unit
            task.advance()

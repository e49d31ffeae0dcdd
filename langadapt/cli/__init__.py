"""The command line. A command's module is imported when the command is used; `--help` reads one-line summaries here."""

import importlib
import os
import sys
import traceback
from collections.abc import Mapping

import click

from langadapt import __version__
from langadapt.errors import LangAdaptError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "Take a model to a language: prepare, translate, filter, train, evaluate, report."),
    "plan": ("plan", "What a run will take, before anything starts: hours, money, disk, memory."),
    "translate": ("translate", "Translate a file of rows."),
    "filter": ("filter", "Judge a translated file; keep what passes the gates."),
    "train": ("train", "Train a model on a file of rows."),
    "evaluate": ("evaluate", "Score a model."),
    "memory": ("memory", "Look into the translation memory, correct it, prune it."),
    "compare": ("compare", "Which differences between checkpoints are real."),
    "report": ("report", "Write a run's report again and print its summary."),
    "trace": ("trace", "Where a row of a run comes from, and what happened to it on its way."),
    "publish": ("publish", "Show what of a run would go to the Hub, and send it."),
    "list": ("catalogue", "What is installed: languages, components, recipes."),
    "show": ("catalogue", "A component's settings, or a recipe with the origin of every value."),
    "check": ("check", "Hold a component, a pack or a recipe to the contract of its kind."),
    "new": ("new", "Begin a package of one's own: a language pack or a component."),
    "doctor": ("doctor", "What is broken, and what this machine can run."),
}


class Lazy(click.Group):
    """A group that knows its commands' summaries without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's names
        """In the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the command's module; did-you-mean for what is none."""
        if name not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"no command is called {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        module, _ = COMMANDS[name]
        command = getattr(importlib.import_module(f"langadapt.cli.{module}"), f"{name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's names
        """The table of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(
    cls=Lazy,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:  # noqa: ARG001 - read by main
    """Take an open language model to another language."""
    context.color = _colour()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line; errors are two lines and an exit code."""
    debug = "--debug" in sys.argv[1:]
    if debug:
        sys.argv = [sys.argv[0], "--debug", *(word for word in sys.argv[1:] if word != "--debug")]
    out = sys.stdout
    try:
        code = cli(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except SystemExit as end:
        # Where nobody reads on, click puts another stream in place and ends with 1; a shell expects the end by SIGPIPE.
        sys.exit(end.code if sys.stdout is out else 141)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: start the same command again to go on", err=True)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets two lines
        if debug:
            traceback.print_exc()
        what, hint, code = _told(error)
        _say(what, hint)
        sys.exit(code)


def _told(error: Exception) -> tuple[str, str, int]:
    """What went wrong, what to do next, and the exit code."""
    if isinstance(error, LangAdaptError):
        return str(error), error.hint, error.exit_code
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        return error.format_message(), f"{context.command_path} --help" if context else "langadapt --help", 2
    if isinstance(error, ModuleNotFoundError):
        from langadapt.registry import pip_hint

        missing = (error.name or "").partition(".")[0]
        return f"{missing!r} is needed for this and not installed", pip_hint(missing), 3
    if isinstance(error, ConnectionError) and error.errno is None:  # as the Hub's libraries raise it
        return f"{error}", "check the network, or put what is asked for into the Hub's cache first", 5
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}", "check the path, its rights and the disk; what was done is kept", 5
    hint = "this is a bug of langadapt or of a library: run again with --debug and report it"
    return f"{type(error).__name__}: {error}", hint, 1


def _say(what: str, hint: str) -> None:
    click.secho(printable(f"error: {what}"), fg="red", err=True, color=_colour())
    if hint:
        click.secho(printable(f"hint: {hint}"), err=True, color=_colour())


def printable(text: str) -> str:
    """The text with what steers a terminal, or cannot be printed at all, written as escapes; lines stay lines."""
    return "".join(
        mark if mark.isprintable() or mark in "\n\t" else mark.encode("unicode_escape").decode()
        for mark in text
    )


def _colour() -> bool | None:
    """No colours where the user or the terminal wants none; elsewhere click looks for a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None

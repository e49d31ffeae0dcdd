"""Writes the pages of docs/reference that the code knows best; tests/test_docs.py says when they are stale."""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from reference_parts import (
    checks,
    class_text,
    component_text,
    contract_text,
    docstring,
    fenced,
    function_text,
    joined,
    one_line,
    table,
    value_text,
)

from langadapt import interfaces as seams
from langadapt import languages, records, registry
from langadapt import testing as kit
from langadapt.cli import cli
from langadapt.testing import contract, pack_words

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
COMMAND = "python scripts/reference.py"
# The comment keeps formatters of code in Markdown away, which would make a page stale.
NOTE = f"<!-- fmt: off -->\n\n*Generated from the code by `{COMMAND}`; change the code, not this page.*"
CONTRACTS = (kit.TranslatorContract, kit.FilterContract, kit.TrainerContract, kit.EvaluatorContract, kit.PackContract)  # fmt: skip
RECORDS = (records.Message, records.Record, records.Text, records.Conversation, records.Preference)

# What each key of pack.toml is; `packs` fails where this list and the code differ.
PACK_KEYS: Mapping[str, str] = {
    "code": "the language, as BCP 47 writes it (`de`, `pt-BR`, `zh-Hant`)",
    "reviewed_by": "the native speakers who read the pack; an empty list says that nobody did",
    "license": "the licence of the pack's own files, as SPDX writes it",
    "base": "the model to adapt, where the recipe names none",
    "recipe": "the recipe that `langadapt run` takes unless told otherwise",
    "bleu_tokenizer": "sacrebleu's tokenizer; follows from the script unless set",
    "benchmarks": "`[benchmarks]`: the tasks that are this language's versions of a benchmark, and of no set",
    "sets": "`[sets.NAME]`: the same for a set of tasks, which is asked for by its name and has a table of its own",
    "settings": "`[settings.KIND.NAME]`: settings of a component in this language, wherever it stands",
}
# What each file of a pack is, with the checks of `PackContract` that it must pass.
PACK_FILES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "pack.toml": (
        "the only file that must be there: code, licence, review, models, benchmarks, settings",
        ("pack_toml_is_right", "the_licence_is_stated", "settings_and_benchmarks", "bleu_tokenizer"),
    ),
    "README.md": ("what the pack holds, where it comes from, who reviewed it", ("the_review_is_stated",)),
    "literals.toml": ("small words, number format, forms of address, phrases", ("literals",)),
    "prompts.toml": ("judge prompts; `[tasks]`, sentences of task files", ("prompts",)),
    "routing.toml": ("rules for rows that translation would ruin, asked before ours", ("routing",)),
    "exemplars.jsonl": ("good translations with their sources; every filter must keep them", ("exemplars",)),
    "probes.jsonl": ("prompts that every checkpoint answers side by side in the report", ("questions",)),
    "mt_bench.jsonl": ("two-turn questions for the evaluators `mt-bench` and `fidelity`", ("questions",)),
    "glossary.tsv": ("terms and their translations", ("glossary",)),
    "tasks/": (
        "tasks of lm-eval without code (`*.yaml`) and their rows; `{{ words.NAME }}` is a word of `literals.toml` or `[tasks]`",
        ("tasks_hold_no_code", "task_words"),
    ),
    "recipes/": ("recipes for this language (`*.toml`)", ("paths_are_in_the_pack",)),
}
WHOLE_PACK = ("files_are_what_they_say", "holds_no_code", "links_stay_inside")
PACK_INTRODUCTION = """\
A pack is a folder of data, found by an entry point of the group `langadapt.languages` (`module:folder`). It holds no code.
`langadapt new language CODE` writes one, `langadapt check language CODE` holds it to its contract, and
[Add your language](../tutorials/add-your-language.md) goes through both."""
MARKS = """\
`langadapt show NAME` prints the same for any installed component, yours too. A setting marked *speed* changes neither
results nor their identity; one marked *limit* changes which results there are, but not what they say."""


def interfaces() -> str:
    """The seams, and the records, languages and packs that pass through them."""
    own = [one for one in vars(seams).values() if inspect.isclass(one) and one.__module__ == seams.__name__]
    own.sort(key=lambda one: inspect.getsourcelines(one)[1])
    aliases = [node for node in ast.parse(inspect.getsource(seams)).body if isinstance(node, ast.Assign)]
    parts = ["# Interfaces", NOTE, docstring(seams), "Import them from `langadapt.interfaces`."]
    parts += map(class_text, own)
    parts += ["## Short names", fenced("python", "\n".join(map(ast.unparse, aliases)))]
    parts += ["## Records", "From `langadapt.records`: what a row is in memory."]
    parts += [class_text(one, 3) for one in RECORDS]
    parts += ["## Languages", "From `langadapt.languages`."]
    parts += [class_text(one, 3) for one in (languages.Language, languages.LanguagePack)]
    return joined(parts)


def components() -> str:
    """Every component of ours, with its settings."""
    parts = ["# Components", NOTE, MARKS]
    for kind in registry.INTERFACES:
        parts.append(f"## {kind.capitalize()}s")
        parts += [component_text(kind, name, loaded) for name, loaded in ours(kind)]
    return joined(parts)


def ours(kind: str) -> Iterator[tuple[str, type[Any]]]:
    """Name and class of each component of a kind that comes with langadapt."""
    for found in registry.installed(kind):
        if found.distribution == "langadapt":
            yield found.name, registry.load(found)


def testing() -> str:
    """Every contract of the kit with its checks, and what an author gives."""
    rest = [one for name in kit.__all__ if (one := getattr(kit, name)) not in CONTRACTS]
    parts = ["# Contracts", NOTE, docstring(kit), docstring(contract), *map(contract_text, CONTRACTS)]
    parts.append("## The rest of the kit")
    parts += [function_text(one) if inspect.isfunction(one) else class_text(one, 3) for one in rest]
    return joined(parts)


def commands() -> str:
    """Every command with its `--help`."""
    parts = ["# Commands", NOTE, "Exit codes, and the files that commands write: [Reference](index.md)."]
    for context in walk(cli, "langadapt"):
        parts += [f"## {context.command_path}", fenced("text", context.get_help())]
    return joined(parts)


def walk(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """The context of a command and of those below it, in which click tells their help."""
    context = click.Context(command, parent, name, terminal_width=100, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from walk(found, below, context)


def packs() -> str:
    """The keys and files of a language pack."""
    keys, held = pack_keys(), checks(kit.PackContract)
    if list(keys) != list(PACK_KEYS):
        raise SystemExit(f"scripts/reference.py: PACK_KEYS must describe {', '.join(keys)}")

    def said(names: tuple[str, ...]) -> str:
        return " ".join(one_line(held[f"test_{name}"].__doc__) for name in names)

    files = [(f"`{name}`", what, said(names)) for name, (what, names) in PACK_FILES.items()]
    rows = [
        (f"`{key}`", kind + ("" if optional else ", required"), PACK_KEYS[key])
        for key, (kind, optional) in keys.items()
    ]
    words = [
        (f"`{key}`", f"{value_text(value)} ({code})", "yes" if key in required() else "")
        for key, (code, value) in literals().items()
    ]
    prompts = [
        (f"`[{kind}.{name}]`", ", ".join(f"`{{{one}}}`" for one in sorted(names)))
        for kind, wanted in pack_words.ASKED.items()
        for name, names in wanted.items()
    ]
    parts = ["# Packs", NOTE, PACK_INTRODUCTION]
    parts += ["## Files", table(("file", "what it is", "what is checked"), files)]
    parts.append(f"These hold for the whole folder: {said(WHOLE_PACK)}")
    parts += ["## Keys of pack.toml", table(("key", "type", "what it is"), rows)]
    parts += ["## Keys of literals.toml", "Words, marks, and tables of them; what is not there is not used."]
    parts.append(table(("key", "such as", "required"), words))
    parts += [
        "## Judge prompts in prompts.toml",
        "Each has a `system` and a `template`, which holds these names:",
    ]
    parts.append(table(("table", "names"), prompts))
    return joined(parts)


def required() -> tuple[str, ...]:
    """The literals that every pack must have."""
    return (*pack_words.WORDS, "decimal_comma", "quotes")


def literals() -> dict[str, tuple[str, Any]]:
    """Every key of a pack of ours in literals.toml: the German pack's value, or the first that there is; of tables all keys."""
    found = [one for one in registry.installed("language") if one.distribution == "langadapt"]
    read = [languages.LanguagePack.read(registry.pack_folder(one)) for one in found]
    read.sort(key=lambda pack: (pack.language.code != "de", pack.language.code))
    out: dict[str, tuple[str, Any]] = {}
    for pack in read:
        for key, value in pack.literals.items():
            if isinstance(value, Mapping):
                out[key] = ("table", dict.fromkeys(sorted({*out.get(key, ("", {}))[1], *value})))
            else:
                out.setdefault(key, (pack.language.code, value))
    return out


def pack_keys() -> dict[str, tuple[str, bool]]:
    """Type of each key of pack.toml, and whether it may be left out."""
    source = ast.parse(inspect.getsource(languages))
    model = next(node for node in ast.walk(source) if isinstance(node, ast.ClassDef) and node.name == "Pack")
    lines = [node for node in model.body if isinstance(node, ast.AnnAssign)]
    words = {"str": "text", "list[str]": "list of texts", "dict[str, list[str]]": "table of lists"}
    return {
        ast.unparse(node.target): (words.get(kind, "tables"), node.value is not None)
        for node in lines
        if (kind := ast.unparse(node.annotation).removesuffix(" | None"))
    }


PAGES: Mapping[str, Callable[[], str]] = {
    "interfaces.md": interfaces,
    "components.md": components,
    "testing.md": testing,
    "commands.md": commands,
    "packs.md": packs,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"{FOLDER.relative_to(ROOT) / name}")


if __name__ == "__main__":
    main()

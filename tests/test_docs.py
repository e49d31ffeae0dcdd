"""The documentation says what the code says: generated pages are fresh, commands and settings exist and are described, links resolve."""

import dataclasses
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import click
import pytest
from annotated_types import Ge

from langadapt import registry, schema
from langadapt.cli import cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("languages/*/README.md")),
]
LINK = re.compile(r"(?<!!)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def imported(name):
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(ROOT / "scripts"))


reference = imported("reference")
setting = imported("reference_parts").setting
COMMANDS = {context.command_path: context.command for context in reference.walk(cli, "langadapt")}


def read(path):
    return path.read_text(encoding="utf-8")


def prose(page):
    """A page without its blocks of code."""
    return FENCE.sub("", read(page))


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_generated_reference_is_what_the_code_says(name):
    path = reference.FOLDER / name
    fresh = path.exists() and read(path) == reference.PAGES[name]()
    assert fresh, f"docs/reference/{name} is stale: run `{reference.COMMAND}`"


def test_a_change_of_the_code_makes_the_reference_stale(monkeypatch):
    _, component = next(reference.ours("filter"))
    monkeypatch.setattr(component, "__doc__", "Says something else now.")
    assert reference.components() != read(reference.FOLDER / "components.md")


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_says_what_it_does(path):
    command = COMMANDS[path]
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{path} {option.opts[0]} has no help"
            assert option.opts[0] in read(reference.FOLDER / "commands.md")


def test_every_setting_of_ours_says_what_it_does():
    bare = [
        f"{kind} {name}: {item.name}"
        for kind in registry.INTERFACES
        for name, component in reference.ours(kind)
        for item in dataclasses.fields(component)
        if not setting(item, get_type_hints(component, include_extras=True)[item.name])[3]
    ]
    assert not bare


def test_settings_are_written_in_words():
    from typing import Annotated, Literal

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Example:
        size: Annotated[int | None, Ge(1), "how many"] = None
        way: Annotated[Literal["up", "down"], "where"]
        names: Annotated[tuple[str, ...], "of whom"] = ()
        on: Annotated[bool, "whether"] = True

    hints = get_type_hints(Example, include_extras=True, localns=locals())
    rows = [setting(item, hints[item.name])[1:4] for item in dataclasses.fields(Example)]
    assert rows == [
        ("whole number or unset, at least 1", "unset", "how many"),
        ("`up` or `down`", "required", "where"),
        ("list of texts", "empty", "of whom"),
        ("true or false", "`true`", "whether"),
    ]


def test_the_keys_of_recipes_are_documented():
    said = read(reference.FOLDER / "index.md")
    names = [item.name for kind in (schema.Source, schema.Prepare) for item in dataclasses.fields(kind)]
    missing = [name for name in names if name != "name" and f"`{name}`" not in said]
    assert not missing, f"docs/reference/index.md does not name {missing}"


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_to_pages_and_headings_that_are_there(page):
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, heading = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{relative(page)} links to {target}, which is not there"
        if heading:
            assert heading in headings(path), f"{relative(page)} links to {target}: no such heading"


def headings(path):
    """The anchors of a page, as the hosts of repositories and MyST make them."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, *sorted(ROOT.glob("tests/third_party/*/README.md"))], ids=relative)
def test_commands_in_the_pages_exist(page):
    lines = [
        line
        for kind, body in FENCE.findall(read(page))
        if kind == "sh"
        for line in body.replace("\\\n", " ").splitlines()
    ]
    lines += re.findall(r"`(langadapt [a-z][^`\n]*)`", prose(page))
    for line in lines:
        words = [word for word in shlex.split(line, comments=True) if word]
        if words[:1] == ["langadapt"]:
            assert wrong(words) == "", f"{relative(page)}: {line}"


def wrong(words):
    """What of a command line the commands do not have."""
    path = words[0]
    rest = words[1:]
    while rest and f"{path} {rest[0]}" in COMMANDS:
        path, rest = f"{path} {rest[0]}", rest[1:]
    command = COMMANDS[path]
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        return f"{path} has no command {rest[0]}"
    known = {name for option in command.params for name in option.opts} | {"--help"}
    return ", ".join(word for word in rest if word.startswith("--") and word.partition("=")[0] not in known)


@pytest.mark.slow
def test_the_site_builds_and_asks_nobody_else_for_anything(tmp_path):
    pytest.importorskip("sphinx", reason="make docs installs Sphinx")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "-q",
        "-b",
        "html",
        "-d",
        tmp_path / "doctrees",
        DOCS,
        tmp_path / "site",
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    loaded = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\ssrc="(?:https?:)?//|<link\b[^>]*\shref="(?:https?:)?//"""
    )
    styles = re.compile(r"""@import|url\(["']?(?:https?:)?//""")
    assert not [path for path in pages if loaded.search(read(path))]
    assert not [path for path in (tmp_path / "site").rglob("*.css") if styles.search(read(path))]

"""How reference.py writes a class, a component and a contract down as Markdown."""

import ast
import dataclasses
import inspect
import itertools
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from langadapt.interfaces import Mark

_INNER = ("kind", "use", "once", "setup_method", "teardown_method")
"""Members of a contract that its checks use, and no author gives."""
_WORDS: Mapping[str, str] = {
    "str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Path": "path", "ModelRef": "model",
}  # fmt: skip
_BOUNDS: Mapping[str, str] = {"Ge": "at least", "Gt": "above", "Le": "at most", "Lt": "below"}


def class_text(one: Any, level: int = 2) -> str:
    """A class as code without bodies, and what it and its members are for."""
    source = inspect.getsource(one)
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    lines = [f"@{ast.unparse(mark)}" for mark in node.decorator_list]
    lines.append(f"class {one.__name__}({bases}):".replace("()", ""))
    notes = []
    for member in node.body:
        if isinstance(member, (ast.AnnAssign, ast.Assign)) and not ast.unparse(member).startswith("_"):
            lines.append(f"    {ast.get_source_segment(source, member)}")
        if isinstance(member, ast.FunctionDef) and (
            not member.name.startswith("_") or member.name == "__init__"
        ):
            lines += [f"    @{ast.unparse(mark)}" for mark in member.decorator_list]
            lines.append(_head(source, member))
            if said := ast.get_docstring(member):
                notes.append(f"- `{member.name}`: {one_line(said)}")
    about = inspect.getdoc(one) or ""
    return joined(
        [f"{'#' * level} {one.__name__}", about, fenced("python", "\n".join(lines)), "\n".join(notes)]
    )


def function_text(one: Any) -> str:
    """A function's head and what it is for."""
    source = inspect.getsource(one)
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    return joined([f"### {one.__name__}", fenced("python", _head(source, node)), inspect.getdoc(one) or ""])


def _head(source: str, node: ast.FunctionDef) -> str:
    """A function as it is written, without its body."""
    return "\n".join(source.splitlines()[node.lineno - 1 : node.body[0].lineno - 1]) + " ..."


def component_text(kind: str, name: str, one: type[Any]) -> str:
    """A component: what it does, what it needs, and its settings."""
    hints = get_type_hints(one, include_extras=True)
    resolves = getattr(one, "resolves", {})
    facts = {
        "Class": f"`{one.__module__}.{one.__qualname__}`",
        "Takes": getattr(one, "takes", ""),
        "Needs": _names(getattr(one, "requires", ())),
        "Limits that `--calibrate` finds": _names(getattr(one, "limits", {})),
    }
    rows = [
        setting(item, hints[item.name], resolved=item.name in resolves) for item in dataclasses.fields(one)
    ]
    settings = table(("setting", "type", "default", "what it does", "mark"), rows)
    listed = "\n".join(f"- {key}: {value}" for key, value in facts.items() if value)
    about = inspect.getdoc(one) or ""
    return joined([f"### {name}", about, listed, settings if rows else f"This {kind} has no settings."])


def setting(
    item: dataclasses.Field[Any], hint: Any, *, resolved: bool = False
) -> tuple[str, str, str, str, str]:
    """A row for a setting: name, type, default, description, mark; `resolved` where it follows from the language."""
    notes = getattr(hint, "__metadata__", ())
    default = item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
    bounds = [
        f"{_BOUNDS[type(note).__name__]} {dataclasses.astuple(note)[0]}"
        for note in notes
        if type(note).__name__ in _BOUNDS
    ]
    return (
        f"`{item.name}`",
        ", ".join([_typed(hint), *bounds]),
        "follows from the language"
        if resolved
        else "required"
        if default is dataclasses.MISSING
        else value_text(default),
        " ".join(note for note in notes if isinstance(note, str)),
        " ".join(note.value for note in notes if isinstance(note, Mark)),
    )


def _typed(hint: Any) -> str:
    """A type in words."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return _typed(inner[0])
    if kind in (Union, types.UnionType):
        return " or ".join("unset" if one is type(None) else _typed(one) for one in inner)
    if kind is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if kind is not None and issubclass(kind, Mapping):
        return "table" if inner[1] is Any else f"table of {_typed(inner[1])}s"
    if kind is not None:
        return f"list of {_typed(inner[0])}s"
    return _WORDS.get(hint.__name__, hint.__name__.lower())


def value_text(value: Any) -> str:
    """A value as TOML would have it."""
    if value is None:
        return "unset"
    if isinstance(value, Mapping):
        return ", ".join(f"`{key}`" for key in value) or "empty"
    if isinstance(value, (list, tuple)):
        return f"{len(value)} of them" if len(value) > 5 else ", ".join(map(value_text, value)) or "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if str(value).strip() else "blank" if value else "empty"


def contract_text(one: Any) -> str:
    """A contract: what a subclass gives, and its checks."""
    rows = [(f"`{name}`", one_line(check.__doc__)) for name, check in checks(one).items()]
    members = {
        name: value
        for base in reversed(one.__mro__)
        for name, value in vars(base).items()
        if not name.startswith(("_", "test_")) and name not in _INNER
    }
    given = [
        f"- `{name}()`: {one_line(value.__doc__)}"
        if callable(value)
        else f"- `{name}`: {value_text(value)}, unless given"
        for name, value in members.items()
        if not isinstance(value, (classmethod, property))
    ]
    heading, about = f"## {one.__name__}", inspect.getdoc(one) or ""
    given_text = "What a subclass gives or may give:\n\n" + "\n".join(given)
    return joined([heading, about, given_text, table(("check", "what is held"), rows)])


def checks(contract: Any) -> Mapping[str, Any]:
    """The checks of a contract by name, in the order they are run."""
    found: Mapping[str, Any] = contract._checks  # noqa: SLF001 - the kit is ours
    return found


def docstring(module: Any) -> str:
    """A module's docstring, its indented blocks as code."""
    blocks = (inspect.getdoc(module) or "").split("\n\n")
    grouped = itertools.groupby(blocks, lambda one: one.startswith("    "))
    texts = ((code, "\n\n".join(part)) for code, part in grouped)
    return joined(fenced("python", inspect.cleandoc("\n" + text)) if code else text for code, text in texts)


def one_line(text: str | None) -> str:
    """A docstring on one line."""
    return " ".join((text or "").split())


def fenced(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def joined(parts: Iterable[str]) -> str:
    """Parts with a blank line between them, and one line end."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

"""The house's rules, held by walking the syntax trees: who imports whom, sizes, what `--help` may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "langadapt").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
ORDER = [
    {"errors"}, {"drafts", "databases"}, {"records", "segments"}, {"languages"}, {"interfaces"},
    {"registry", "identity", "models", "progress", "launch", "statistics", "machine", "published", "checkpoints"},
    {"testing", "scaffold"}, {"memory", "holdings", "tmx", "exchange", "retry", "translations"},
    {"config"}, {"slots"}, {"schema"}, {"prepare", "recipe"}, {"assembly", "translating", "judging", "preparing"}, {"calibration"}, {"stages"}, {"runner", "plan"}, {"provenance"}, {"report"}, {"publish", "compare"}, {"pipeline"}, {"cli"},
]  # fmt: skip
PUBLIC = {
    "interfaces",
    "records",
    "languages",
    "errors",
    "models",
    "segments",
    "launch",
    "machine",
    "progress",
    "statistics",
    "identity",
    "drafts",
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "langadapt":
                yield from (f"langadapt.{name.name}" for name in node.names)
            else:
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def subject(module):
    return module.split(".")[1] if module.startswith("langadapt.") else None


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_imports_only_what_stands_before_it(path):
    own = path.relative_to(ROOT / "langadapt").parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    rank = {name: number for number, names in enumerate(ORDER) for name in names}
    for module in imports(path):
        assert not module.startswith(("langadapt_plugins", "langadapt_languages")), f"{path} imports {module}"
        name = subject(module)
        if name and name not in (own, "__version__"):
            assert rank[name] <= rank[own], f"{own} may not import {name}"


def test_no_cycles_between_core_modules():
    graph = {}
    for path in CORE:
        own = path.relative_to(ROOT / "langadapt").parts[0].removesuffix(".py")
        graph.setdefault(own, set()).update(
            name for module in imports(path) if (name := subject(module)) and name != own
        )

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail, name])
        for below in graph.get(name, ()):
            visit(below, [*trail, name])

    for name in graph:
        visit(name, [])


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins_use_public_names_only(path):
    for module in imports(path):
        name = subject(module)
        assert name is None or name in PUBLIC, f"{path} imports langadapt.{name}"


def test_budgets():
    paths = [
        *CORE,
        *PLUGINS,
        *sorted((ROOT / "scripts").rglob("*.py")),
        *sorted((ROOT / "tests").rglob("*.py")),
    ]
    assert len(paths) > 50
    long = {
        str(p.relative_to(ROOT)): n
        for p in paths
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert not long
    for path in [*CORE, *PLUGINS]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "cli" not in path.parts:
                names = [a for a in [*node.args.args, *node.args.kwonlyargs] if a.arg not in ("self", "cls")]
                assert len(names) <= 7, f"{path}: {node.name}"
                public = not node.name.startswith("_")
                assert not (public and node.args.kwarg and node.args.kwarg.arg != "_"), (
                    f"{path}: {node.name} takes **{node.args.kwarg and node.args.kwarg.arg}"
                )


@pytest.mark.parametrize("words", ["['--help']", "['list']"])
def test_start_up_loads_nothing_heavy(words):
    script = (
        "import sys; before = set(sys.modules)\n"
        f"import langadapt.cli\ntry: langadapt.cli.cli({words}, standalone_mode=False)\nexcept SystemExit: pass\n"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(ast.literal_eval(done.stderr.strip().splitlines()[-1])) <= {
        "click",
        "langadapt",
        "_distutils_hack",
    }


def test_packs_hold_no_code():
    packs = [path for path in (ROOT / "languages").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert packs
    for pack in packs:
        files = [path for path in pack.rglob("*") if path.is_file()]
        assert not [path for path in files if path.suffix == ".py"]
        assert not [
            path for path in files if path.suffix in (".yaml", "") and b"!function" in path.read_bytes()
        ]

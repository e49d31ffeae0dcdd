"""`langadapt new`: what it writes can be installed as it comes, passes its own tests, and is easily made one's own."""

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from third_party.environment import Environment

from langadapt.cli import cli
from langadapt.languages import Language, LanguagePack
from langadapt.registry import KINDS
from langadapt.scaffold import Package
from langadapt.scaffold.writing import Writing
from langadapt.testing import PackContract, results

COMPONENTS = {
    "translator": "word-table",
    "filter": "letters",
    "trainer": "plain-sft",
    "evaluator": "surprise",
}
CODES = ["is", "id", "th", "fa", "pt-BR", "ko", "zh-Hant", "haw"]
UNKNOWN = "tlh"
"""A language of which CLDR says nothing."""
PACKAGES = [*COMPONENTS.items(), ("language", "is"), ("language", "pt-BR")]
MARK = "# fill in"


def new(*words):
    done = CliRunner().invoke(cli, ["new", *words], standalone_mode=False)
    return done, str(done.exception), getattr(done.exception, "exit_code", 1 if done.exception else 0)


def written(kind, name, folder):
    package = Package.of(kind, name)
    package.write(folder / package.distribution)
    return package, folder / package.distribution


def pack_folder(package, folder):
    return folder / "src" / package.module / package.folder


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_every_kind_can_be_begun():
    assert {kind for kind, _ in PACKAGES} == set(KINDS)


@pytest.mark.parametrize(("kind", "name"), PACKAGES)
def test_it_writes_a_package_and_says_what_comes_next(tmp_path, monkeypatch, kind, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    done, _, code = new(kind, name)
    assert code == 0
    package = Package.of(kind, name)
    folder = tmp_path / package.distribution
    module = f"src/{package.module}"
    data = [f"{module}/{package.folder}/{file}" for file in ("README.md", "literals.toml", "pack.toml")]
    expected = ["README.md", "pyproject.toml", f"{module}/__init__.py", "tests/test_contract.py"]
    assert files(folder) == sorted([*expected, *(data if kind == "language" else [])])
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", folder.name}
    assert all(f"{package.distribution}/{file}" in done.output for file in files(folder))
    assert f"pip install -e {folder.name}" in done.output
    assert not [file for file in files(folder) if "{{" in (folder / file).read_text("utf-8")]
    points = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert points == {f"langadapt.{kind}s": {name: package.target}}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("optimizer", "mine"), ["optimizer"]),
        (("translator", "Mine"), ["'Mine' cannot name a translator", "hyphens"]),
        (("filter", "my_gate"), ["my_gate"]),
        (("trainer", "../out"), ["../out"]),
        (("evaluator", "-"), ["'-'"]),
        (("language", "klingonish"), ["klingonish", "pt-BR"]),
        (("language", "../de"), ["../de"]),
        (
            ("filter", "length"),
            ["langadapt has a filter called 'length'", "take another name", "langadapt list filter"],
        ),
        (("language", "DE"), ["langadapt has a language called 'de'", "langadapt list language"]),
        (
            ("filter", "plugins"),
            ["the module langadapt_plugins, which is installed", "such as plugins-filter"],
        ),
        (("evaluator", "languages"), ["the module langadapt_languages", "such as languages-evaluator"]),
        (("translator", "mine", "--into", "full"), ["full is there already", "--into"]),
        (("translator", "mine", "--into", "file"), ["file is there already", "--into"]),
    ],
)
def test_it_refuses_and_writes_nothing(tmp_path, monkeypatch, words, parts):
    here = tmp_path / "here"
    (here / "full").mkdir(parents=True)
    (here / "full" / "mine.txt").write_text("mine")
    (here / "file").write_text("mine")
    monkeypatch.chdir(here)
    before = files(tmp_path)
    done, what, code = new(*words)
    assert code == 2
    assert all(part in what + getattr(done.exception, "hint", "") for part in parts), what
    assert files(tmp_path) == before


def test_an_empty_folder_will_do(tmp_path):
    (tmp_path / "mine").mkdir()
    _, _, code = new("filter", "letters", "--into", str(tmp_path / "mine"))
    assert code == 0
    assert "pyproject.toml" in files(tmp_path / "mine")


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("mine")
    _, what, code = new("filter", "letters", "--into", str(tmp_path / "file" / "package"))
    assert code == 5
    assert str(tmp_path / "file") in what


@pytest.mark.parametrize("kind", COMPONENTS)
@pytest.mark.parametrize("name", ["loads", "path", "progress", "x-3", "score", "trainer", "class"])
def test_no_name_hides_what_the_file_imports(tmp_path, kind, name):
    package, folder = written(kind, name, tmp_path)
    tree = ast.parse((folder / "src" / package.module / "__init__.py").read_text("utf-8"))
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    (component,) = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert component.name == package.component
    assert component.name not in imported
    assert [ast.unparse(base) for base in component.bases] == ["Loads"]


@pytest.mark.parametrize(("kind", "name"), PACKAGES)
def test_the_code_is_clean(tmp_path, kind, name):
    _, folder = written(kind, name, tmp_path)
    for words in (["check"], ["check", "--extend-select", "I,UP,B,SIM,PERF,PIE,RET,N"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("code", [*CODES, UNKNOWN])
def test_a_language_keeps_the_contract_and_needs_ten_values(tmp_path, code):
    package, folder = written("language", code, tmp_path)
    place = pack_folder(package, folder)
    contract = type("Begun", (PackContract,), {"folder": lambda _: place})
    outcomes = {result.check: (result.outcome, result.message) for result in results(contract)}
    assert len(outcomes) > 10
    assert not {check: said for check, said in outcomes.items() if said[0] == "failed"}
    lines = [line for file in files(folder) for line in (folder / file).read_text("utf-8").splitlines()]
    blanks = [line for line in lines if MARK in line and not line.lstrip().startswith("grep")]
    assert len(blanks) == (10 if code == UNKNOWN else 9)
    assert not [line for line in blanks if "=" not in line]
    assert LanguagePack.read(place).language == Language.of(code)


def test_a_filled_in_language_has_no_mark_left(tmp_path):
    """The marks are comments: filled in or not, the values are all that is read."""
    package, folder = written("language", "is", tmp_path)
    place = pack_folder(package, folder)
    for path in (place / "pack.toml", place / "literals.toml"):
        text = path.read_text("utf-8").replace("# base =", "base =")
        path.write_text("\n".join(line.split("  # ")[0] for line in text.splitlines()), "utf-8")
    pack = LanguagePack.read(place)
    assert pack.facts["base"] == "ORGANISATION/MODEL@REVISION"
    assert pack.literals["decimal_comma"] is True
    assert pack.literals["quotes"] == ["„", "“"]


@pytest.mark.parametrize(
    ("code", "comma", "quotes"),
    [
        ("de", True, "„“"),
        ("de-CH", False, "„“"),
        ("fr", True, "«»"),
        ("fr-BE", True, "«»"),
        ("pt-BR", True, "“”"),
        ("pt-PT", True, "«»"),
        ("es-MX", False, "“”"),
        ("ja", False, "「」"),
        ("zh", False, "“”"),
        ("zh-TW", False, "「」"),
        ("sr-Latn", True, "„”"),
        ("haw", False, "“”"),
        ("ar", False, "”“"),
        (UNKNOWN, None, "“”"),
    ],
)
def test_marks_follow_cldr(code, comma, quotes):
    assert Writing.of(Language.of(code)) == Writing(decimal_comma=comma, quotes=(quotes[0], quotes[1]))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Every kind, as its author's users have it: built, and installed beside langadapt."""
    folder = tmp_path_factory.mktemp("begun")
    made = Environment.make(folder / "env")
    for kind, name in PACKAGES:
        _, project = written(kind, name, folder / "projects")
        made.install(project, folder / "wheels" / kind / name)
    return made, folder / "projects"


@pytest.mark.slow
def test_they_are_listed(environment, tmp_path):
    made, _ = environment
    done = made.langadapt("list", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    listed = [line.split() for line in done.stdout.splitlines()]
    for kind, name in PACKAGES:
        distribution = Package.of(kind, name).distribution
        assert [line for line in listed if line[:1] == [name] and distribution in line], (name, done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), PACKAGES)
def test_its_own_tests_pass(environment, tmp_path, kind, name):
    """The tests stand beside the installed package here, not beside its source."""
    made, projects = environment
    shutil.copytree(projects / Package.of(kind, name).distribution / "tests", tmp_path / "tests")
    words = ("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    done = made.python(*words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "failed" not in done.stdout


@pytest.mark.slow
def test_an_installed_language_is_found_and_checked(environment, tmp_path):
    made, _ = environment
    done = made.langadapt("check", "language", "pt-BR", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout
    script = (
        "import json; from langadapt import registry; pack = registry.pack('is')\n"
        "print(json.dumps([str(pack.folder), pack.default_recipe, pack.literals['decimal_comma'], pack.literals['yes']]))"
    )
    done = made.python("-c", script, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    folder, *facts = json.loads(done.stdout)
    assert Path(folder) == made.site / "langadapt_is" / "is"
    assert facts == ["phoenix", True, "yes"]

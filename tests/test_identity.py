"""Identities: what changes them and, as much, what does not."""

import os
import shutil
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from langadapt import identity
from langadapt.identity import (
    component_identity,
    digest,
    file_digest,
    folder_digest,
    model_identity,
    source_digest,
)
from langadapt.interfaces import LIMIT, SPEED, ModelRef


@dataclass(frozen=True, kw_only=True)
class Inner:
    output_version: ClassVar[int] = 1
    beams: int = 1
    batch: Annotated[int, "texts at once", SPEED] = 8
    most: Annotated[int, "most new tokens", LIMIT] = 256


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = "a"
    inner: Inner = field(default_factory=Inner)
    file: Path | None = None
    model: ModelRef | None = None


def told(component):
    return [digest(component_identity(component, purpose)) for purpose in ("memory", "fingerprint")]


def changed(one, other):
    """Whether the memory key differs, and whether the fingerprint does."""
    return tuple(a != b for a, b in zip(told(one), told(other), strict=True))


@pytest.mark.parametrize("wrap", [lambda inner: inner, lambda inner: Outer(inner=inner)])
@pytest.mark.parametrize(
    ("settings", "differs"),
    [
        ({}, (False, False)),
        ({"batch": 99}, (False, False)),
        ({"most": 99}, (False, True)),
        ({"beams": 99}, (True, True)),
    ],
)
def test_what_each_kind_of_setting_changes(wrap, settings, differs):
    assert changed(wrap(Inner()), wrap(Inner(**settings))) == differs


def test_another_class_and_another_output_version_are_another_identity(monkeypatch):
    @dataclass(frozen=True, kw_only=True)
    class Other(Inner):
        pass

    assert changed(Inner(), Other()) == (True, True)
    before = told(Inner())
    monkeypatch.setattr(Inner, "output_version", 2)
    assert [a != b for a, b in zip(before, told(Inner()), strict=True)] == [True, True]


def test_what_a_component_knows_beside_its_settings_is_part_of_it():
    @dataclass(frozen=True, kw_only=True)
    class Knowing:
        fact: Annotated[str, "hidden", SPEED] = "x"

        @property
        def known(self):
            return {"tasks": self.fact}

    assert changed(Knowing(), Knowing(fact="x")) == (False, False)
    assert changed(Knowing(), Knowing(fact="y")) == (True, True)
    assert component_identity(Knowing(), "memory")["known"] == {"tasks": "x"}
    assert component_identity(Knowing(), "memory")["settings"] == {}


def fill(folder, text="one"):
    (folder / "sub").mkdir(parents=True)
    (folder / "a.bin").write_text(text)
    (folder / "sub" / "b.bin").write_text("two")
    return folder


def test_a_folder_is_its_content_not_its_place_or_time(tmp_path):
    first = fill(tmp_path / "here")
    second = shutil.copytree(first, tmp_path / "elsewhere" / "there")
    for path in second.rglob("*"):
        os.utime(path, (1_000_000, 1_000_000))
    assert folder_digest(first) == folder_digest(second)
    assert model_identity(ModelRef(str(first))) == model_identity(ModelRef(str(second)))
    assert changed(Outer(model=ModelRef(str(first))), Outer(model=ModelRef(str(second)))) == (False, False)
    (second / "__pycache__").mkdir()
    (second / "__pycache__" / "x.pyc").write_text("x")
    assert folder_digest(first) == folder_digest(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.bin").write_text("eno"),
        lambda folder: (folder / "a.bin").rename(folder / "c.bin"),
        lambda folder: (folder / "a.bin").rename(folder / "sub" / "a.bin"),
        lambda folder: (folder / "new").touch(),
        lambda folder: (folder / "sub" / "b.bin").unlink(),
    ],
)
def test_a_folder_changes_with_any_of_its_files(tmp_path, change):
    folder = fill(tmp_path / "model")
    before, old = folder_digest(folder), told(Outer(model=ModelRef(str(folder))))
    change(folder)
    assert folder_digest(folder) != before
    assert all(a != b for a, b in zip(old, told(Outer(model=ModelRef(str(folder)))), strict=True))


def test_a_file_is_read_again_only_where_its_size_or_time_changed(tmp_path, monkeypatch):
    path = tmp_path / "weights"
    path.write_text("one")
    before = file_digest(path)
    calls = []
    monkeypatch.setattr(identity.hashlib, "file_digest", lambda *a: calls.append(a))
    assert file_digest(path) == before
    assert not calls
    monkeypatch.undo()
    path.write_text("eno")
    os.utime(path, ns=(0, 1))
    assert file_digest(path) != before


def test_a_file_that_a_setting_names_counts_by_content(tmp_path):
    first, second, third = (tmp_path / name for name in "abc")
    first.write_text("x")
    second.write_text("x")
    third.write_text("y")
    assert changed(Outer(file=first), Outer(file=second)) == (False, False)
    assert changed(Outer(file=first), Outer(file=third)) == (True, True)


def test_a_pinned_model_is_its_name_and_commit():
    pin = ModelRef("org/name", "a" * 40)
    assert model_identity(pin) == f"org/name@{'a' * 40}"
    assert changed(Outer(model=pin), Outer(model=replace(pin, revision="b" * 40))) == (True, True)


def test_a_digest_does_not_hang_on_order_of_keys_and_tells_letters_apart():
    assert digest({"a": 1, "b": "ü"}) == digest({"b": "ü", "a": 1})
    assert digest(["ü"]) != digest(["u"])
    assert digest(["a", "b"]) != digest(["b", "a"])
    assert digest({"a": "1"}) != digest({"a": 1})


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules: one is asked about and imports `sibling`, `aside` is imported by none."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(line):
        folder = tmp_path / "acme_pack"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "main.py").write_text(f"import os\n\ndef work():\n    {line}\n")
        (folder / "sibling.py").write_text("from acme_pack import deep\nvalue = 1\n")
        (folder / "deep.py").write_text("value = 1\n")
        (folder / "aside.py").write_text("value = 1\n")
        return folder

    yield make
    for name in [name for name in sys.modules if name.split(".")[0] == "acme_pack"]:
        del sys.modules[name]


def after(path):
    """The digest before and after a change of a module."""
    source_digest.cache_clear()
    before = source_digest("acme_pack.main")
    path.write_text(path.read_text() + "# changed\n")
    source_digest.cache_clear()
    return before, source_digest("acme_pack.main")


@pytest.mark.parametrize(
    "line",
    ["from acme_pack import sibling", "import acme_pack.sibling as s", "from acme_pack.sibling import value"],
)
@pytest.mark.parametrize(
    ("name", "differs"), [("main", True), ("sibling", True), ("deep", True), ("aside", False)]
)
def test_the_source_is_that_of_a_module_and_all_it_imports_of_its_package(package, line, name, differs):
    before, now = after(package(line) / f"{name}.py")
    assert (before != now) is differs


@pytest.mark.parametrize("line", ["from . import sibling", "from .sibling import value"])
def test_the_source_follows_relative_imports(package, line):
    before, now = after(package(line) / "sibling.py")
    assert before != now


def test_the_source_is_told_without_running_it(package):
    folder = package("from acme_pack.sibling import value")
    (folder / "sibling.py").write_text("raise RuntimeError('imported')\n")
    source_digest.cache_clear()
    assert source_digest("acme_pack.main")


def test_the_source_is_in_the_fingerprint_alone():
    assert component_identity(Inner(), "fingerprint")["source"] == source_digest(__name__)
    assert "source" not in component_identity(Inner(), "memory")


def test_the_digest_of_a_large_file_is_kept_by_size_and_time(tmp_path, monkeypatch):
    monkeypatch.setenv(identity.CACHE, str(tmp_path))
    monkeypatch.setattr(identity, "_LARGE", 3)
    path = tmp_path / "weights"
    path.write_bytes(b"one!")
    first = identity.file_digest(path)
    identity._file_digest.cache_clear()
    monkeypatch.setattr(identity, "_read_digest", lambda _: "read again")
    assert identity.file_digest(path) == first
    path.write_bytes(b"other")
    assert identity.file_digest(path) == "read again"
    identity._file_digest.cache_clear()

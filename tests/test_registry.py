"""What is found by entry point, among distributions that the tests lay down themselves."""

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

import langadapt_plugins
from langadapt import registry
from langadapt.errors import ComponentError, ConfigError
from langadapt.registry import Found
from langadapt_plugins.filters.length import Length

FILTER = """
from dataclasses import dataclass
from langadapt.interfaces import Loads, Verdict

@dataclass(frozen=True, kw_only=True)
class Gate(Loads):
    requires = {requires}
    def filter(self, batch, *, source, pack):
        return [Verdict(keep=True)] * len(batch)
"""


def distribution(folder, name, points, **modules):
    """An installed distribution: metadata, entry points (group to lines) and modules."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"[langadapt.{group}]\n" + "\n".join(entries) + "\n" for group, entries in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on the path whose distributions the registry sees."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    registry.refresh()
    yield tmp_path
    registry.refresh()
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def langadapt(site, *words):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "langadapt", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_every_component_of_ours_has_an_entry_point():
    offered = {found.target for kind in registry.INTERFACES for found in registry.installed(kind)}
    written = set()
    for info in pkgutil.walk_packages(langadapt_plugins.__path__, "langadapt_plugins."):
        if not info.ispkg:
            module = importlib.import_module(info.name)
            written |= {
                f"{info.name}:{name}"
                for name, value in vars(module).items()
                if getattr(value, "__module__", "") == info.name
                and not name.startswith("_")
                and any(not registry.misfit(kind, value) for kind in registry.INTERFACES)
                and not value.__subclasses__()
            }
    assert len(written) > 20
    assert written <= offered


def test_our_own_come_in_by_the_same_door():
    found = registry.find("filter", "length")
    assert (found.distribution, found.kind) == ("langadapt", "filter")
    assert registry.load(found) is Length
    assert registry.find("filter", "langadapt:length") == found


@pytest.mark.parametrize(
    ("kind", "name", "near"),
    [
        ("filter", "lenght", "length"),
        ("translator", "transformer", "transformers"),
        ("language", "dee", "de"),
    ],
)
def test_a_misspelt_name_gets_the_nearest_one(kind, name, near):
    with pytest.raises(ConfigError, match=f"no {kind} is called '{name}'") as caught:
        registry.find(kind, name)
    assert caught.value.hint.startswith(f"did you mean {near!r}? installed: ")
    with pytest.raises(ConfigError) as caught:
        registry.find(kind, "zzzzz")
    assert caught.value.hint.startswith("installed: ")
    assert near in caught.value.hint


def test_a_name_claimed_twice_is_asked_for_by_its_full_name(site):
    distribution(site, "acme", {"filters": ["length = acme_gate:Gate"]}, acme_gate=FILTER.format(requires=()))
    with pytest.raises(ConfigError, match="claimed twice: acme:length and langadapt:length"):
        registry.find("filter", "length")
    assert registry.load(registry.find("filter", "acme:length")).__module__ == "acme_gate"
    assert registry.load(registry.find("filter", "langadapt:length")) is Length
    with pytest.raises(ConfigError, match="no filter is called 'other:length'"):
        registry.find("filter", "other:length")
    assert registry.find("filter", "tokens").distribution == "langadapt"


BROKEN = {
    "raises": ("raises = bad_raises:Gate", "1 / 0", "cannot be loaded: ZeroDivisionError"),
    "exits": ("exits = bad_exits:Gate", "raise SystemExit(3)", "cannot be loaded: SystemExit"),
    "absent": (
        "absent = bad_absent:Gaet",
        FILTER.format(requires=()),
        "cannot be loaded: AttributeError.*'Gaet'",
    ),
    "needs": (
        "needs = bad_needs:Gate",
        "import no_such_library.part",
        "needs 'no_such_library', which is not installed",
    ),
    "plain": ("plain = bad_plain:Gate", "class Gate: ...", "Gate is no dataclass"),
    "lacks": (
        "lacks = bad_lacks:Gate",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Gate: ...",
        "Gate lacks filter, close",
    ),
}


def lay_down_broken(site):
    points = {"filters": [point for point, _, _ in BROKEN.values()]}
    modules = {f"bad_{name}": source for name, (_, source, _) in BROKEN.items()}
    distribution(site, "acme-broken", points, **modules)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_one_error_that_names_its_distribution(site, name):
    lay_down_broken(site)
    with pytest.raises(ComponentError, match=BROKEN[name][2]) as caught:
        registry.load(registry.find("filter", name))
    assert str(caught.value).startswith(f"filter {name!r} of acme-broken 1.0")
    wanted = "pip install no_such_library" if name == "needs" else "acme-broken"
    assert wanted in caught.value.hint


def test_list_names_broken_plugins_and_nothing_else_breaks(site):
    lay_down_broken(site)
    done = langadapt(site, "list")
    assert (done.returncode, done.stderr) == (0, "")
    for name in BROKEN:
        assert any(line.split() == [name, "acme-broken", "1.0"] for line in done.stdout.splitlines())
    assert registry.load(registry.find("filter", "length")) is Length
    shown = langadapt(site, "show", "filter:raises")
    assert shown.returncode == 3
    assert shown.stderr.startswith("error: filter 'raises' of acme-broken 1.0 cannot be loaded")
    assert "Traceback" not in shown.stderr


def test_a_library_that_is_imported_late_is_asked_for_only_where_it_is_needed(site):
    source = FILTER.format(requires=("json", "no_such_library"))
    distribution(site, "acme", {"filters": ["late = acme_late:Gate"]}, acme_late=source)
    found = registry.find("filter", "late")
    assert registry.load(found).__name__ == "Gate"
    with pytest.raises(ComponentError, match=r"of acme 1\.0 needs 'no_such_library'"):
        registry.load(found, needed=True)


def test_libraries_of_ours_are_asked_for_by_extra():
    assert registry.pip_hint("vllm") == "pip install 'langadapt[vllm]'"
    assert registry.pip_hint("numpy") == "pip install numpy"


def test_a_pack_is_found_and_read_without_importing_its_module(site):
    distribution(site, "acme-is", {"languages": ["is = acme_words:is"]})
    (site / "acme_words" / "is").mkdir(parents=True)
    (site / "acme_words" / "__init__.py").write_text("raise RuntimeError('imported')")
    (site / "acme_words" / "is" / "pack.toml").write_text('code = "is"\nlicense = "MIT"\n')
    assert registry.pack_folder(registry.find("language", "is")) == site / "acme_words" / "is"
    assert registry.pack("is").language.name == "Icelandic"
    assert "acme_words" not in sys.modules
    done = langadapt(site, "list", "language")
    assert any(line.split() == ["is", "acme-is", "1.0"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("target", ["gone_words:is", "json:is", "sys:is", pytest.param("gone_words.part:is")])
def test_a_pack_that_is_not_where_it_should_be_names_its_distribution(target):
    with pytest.raises(ComponentError, match=r"language 'is' of acme 1\.0") as caught:
        registry.pack_folder(Found("language", "is", "acme", "1.0", target))
    assert caught.value.hint == "reinstall acme"


@pytest.mark.parametrize("words", [("list",), ("show", "length")])
def test_a_broken_pack_breaks_nothing_else(site, words):
    distribution(site, "acme-is", {"languages": ["is = gone_words:is"]})
    assert langadapt(site, *words).returncode == 0


def test_a_pack_claimed_twice_breaks_nothing_else(site):
    distribution(site, "acme-de", {"languages": ["de = acme_words:de"]})
    (site / "acme_words" / "de").mkdir(parents=True)
    (site / "acme_words" / "de" / "pack.toml").write_text('code = "de"\nlicense = "MIT"\n')
    assert langadapt(site, "show", "length").returncode == 0


def test_a_missing_module_of_the_plugin_itself_is_not_to_be_installed(site):
    distribution(site, "acme", {"filters": ["part = json.nothing:Gate"]})
    with pytest.raises(ComponentError) as caught:
        registry.load(registry.find("filter", "part"))
    assert "'json', which is not installed" not in str(caught.value)


def test_a_dotted_requirement_is_told_like_any_other(site):
    source = FILTER.format(requires=("no_such_library.part",))
    distribution(site, "acme", {"filters": ["dotted = acme_dotted:Gate"]}, acme_dotted=source)
    with pytest.raises(ComponentError):
        registry.load(registry.find("filter", "dotted"), needed=True)

"""Bad neighbours: whatever else is installed, ours go on, and each broken thing gets one line that names its distribution."""

# ruff: noqa: F811 - the fixture is a parameter of the tests
import os
import re
import subprocess
import sys
import time
from statistics import median

import pytest
from click.testing import CliRunner
from test_registry import FILTER, distribution, langadapt, site  # noqa: F401 - a fixture

from langadapt import registry
from langadapt.cli import cli
from langadapt.cli.alone import component_alone
from langadapt.errors import ComponentError
from langadapt.languages import Language
from langadapt.testing import FilterContract, PackContract, results

GATE = FILTER.format(requires=())
WRONG_CALL = GATE.replace("def filter(self, batch, *, source, pack)", "def filter(self, batch, pack)")
PACK = 'code = "is"\nlicense = "MIT"\n'

# what is installed: name, kind, entry point, modules, and what is said of it when it is asked for
COMPONENTS = {
    "import raises": ("boom = boom:Gate", {"boom": "raise RuntimeError('no licence file')"}, "RuntimeError: no licence file"),
    "import exits": ("quits = quits:Gate", {"quits": "import sys; sys.exit(9)"}, "SystemExit: 9"),
    "syntax": ("typo = typo:Gate", {"typo": "def gate(:"}, "SyntaxError"),
    "names nothing": ("void = void:Gaet", {"void": GATE}, "no attribute 'Gaet'"),
    "module is not there": ("gone = gone.inner:Gate", {}, "'gone'"),
    "needs a library": ("needy = needy:Gate", {"needy": "import no_such_library"}, "pip install no_such_library"),
    "no dataclass": ("plain = plain:Gate", {"plain": "class Gate: ..."}, "Gate is no dataclass"),
    "a function": ("func = func:gate", {"func": "def gate(): ..."}, "gate is no dataclass"),
    "lacks a method": ("lacks = lacks:Gate", {"lacks": GATE.replace("def filter", "def judge")}, "Gate lacks filter"),
    "wrong signature": ("signed = signed:Gate", {"signed": WRONG_CALL}, "is called as filter(batch, source=, pack=)"),
    "other kind": ("other = other:Gate", {"other": GATE.replace("filter(self", "translate(self")}, "Gate lacks filter"),
}  # fmt: skip
PACKS = {
    "bad code": ({"pack.toml": 'code = "icelandic"\nlicense = "MIT"\n'}, "'icelandic' is no language"),
    "no licence": ({"pack.toml": 'code = "is"\n'}, "license: missing"),
    "unknown key": ({"pack.toml": PACK + 'colour = "blue"\n'}, "colour: unknown key"),
    "broken TOML": ({"pack.toml": "code = \n"}, "line 1"),
    "no pack.toml": ({"README.md": "empty"}, "pack.toml"),
    "no folder": ({}, "is no folder"),
}


def lay_down_pack(site, files):
    distribution(site, "acme-is", {"languages": ["is = acme_words:is"]})
    (site / "acme_words").mkdir()
    (site / "acme_words" / "__init__.py").write_text("raise RuntimeError('imported')")
    for name, text in files.items():
        (site / "acme_words" / "is").mkdir(exist_ok=True)
        (site / "acme_words" / "is" / name).write_text(text)


def last(done):
    return done.stderr.strip().splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("fault", COMPONENTS)
def test_a_broken_component_is_one_error_of_its_own(site, fault):
    point, modules, said = COMPONENTS[fault]
    distribution(site, "acme-bad", {"filters": [point]}, **modules)
    name = point.split()[0]
    done = langadapt(site, "show", f"filter:{name}")
    assert done.returncode == 3
    assert f"filter {name!r} of acme-bad 1.0" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    for words in (("--help",), ("list",), ("show", "length")):
        other = langadapt(site, *words)
        assert (other.returncode, other.stderr) == (0, ""), words


@pytest.mark.slow
@pytest.mark.parametrize("fault", PACKS)
def test_a_broken_pack_is_one_error_of_its_own(site, fault):
    files, said = PACKS[fault]
    lay_down_pack(site, files)
    done = langadapt(site, "show", "is")
    assert done.returncode in (2, 3)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(last(done)) == 2
    for words in (("list",), ("show", "de"), ("show", "length")):
        assert langadapt(site, *words).returncode == 0, words


@pytest.mark.parametrize("fault", [*PACKS, "broken exemplars"])
def test_a_broken_pack_is_passed_over_where_all_are_read(site, fault):
    broken = {"pack.toml": PACK, "exemplars.jsonl": '{"id": 1}\n'}
    lay_down_pack(site, PACKS[fault][0] if fault in PACKS else broken)
    shown = CliRunner().invoke(cli, ["show", "mini"], standalone_mode=False)
    assert (shown.exception, "pack:mini/base" in shown.output) == (None, True)
    assert {pack.language.code for pack, _ in FilterContract().good()} >= {"de"}
    assert ("is" in {found.name for found in registry.readable_packs()}) == (fault not in PACKS)


def test_a_component_claimed_twice_is_not_the_packs_fault(site):
    distribution(site, "acme-twice", {"filters": ["length = acme_length:Gate"]}, acme_length=GATE)
    folder = site / "is"
    folder.mkdir()
    (folder / "pack.toml").write_text(f"{PACK}[settings.filter.length]\nat_least = 0.4\n")
    made = type("Pack", (PackContract,), {"folder": lambda _: folder})
    told = {one.check: one.outcome for one in results(made)}
    assert told["test_settings_and_benchmarks"] == "passed"


BOUND = """
class Taker:
    def __call__(self, batch, *, source, pack): return []
"""
WAYS = {
    "static": ("@staticmethod\n    def filter(batch, *, source, pack)", True),
    "static with self": ("@staticmethod\n    def filter(self, batch, *, source, pack)", False),
    "class": ("@classmethod\n    def filter(cls, batch, *, source, pack)", True),
    "class without batch": ("@classmethod\n    def filter(cls, *, source, pack)", False),
    "callable": ("filter = Taker()\n    def judge(self, batch)", True),
    "without self": ("def filter(batch, *, source, pack)", False),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_method_is_called_as_it_is_written(site, way):
    written, fits = WAYS[way]
    source = BOUND + GATE.replace("def filter(self, batch, *, source, pack)", written)
    distribution(site, "acme-ways", {"filters": ["ways = acme_ways:Gate"]}, acme_ways=source)
    if fits:
        gate = registry.load(registry.find("filter", "ways"))()
        assert isinstance(gate.filter([], source=None, pack=None), list)
    else:
        with pytest.raises(ComponentError, match=r"which is called as filter\(batch, source=, pack=\)"):
            registry.load(registry.find("filter", "ways"))


def test_list_tells_what_metadata_alone_can_tell(site):
    distribution(site, "acme-gone", {"filters": ["gone = gone.inner:Gate"], "languages": ["xh = gone:xh"]})
    distribution(site, "acme-twice", {"filters": ["length = acme_length:Gate"]}, acme_length=GATE)
    lines = langadapt(site, "list").stdout.splitlines()
    said = {words[0]: line for line in lines if (words := line.split())}
    assert "the module 'gone.inner' is not there: reinstall acme-gone" in said["gone"]
    assert "the folder 'xh' of 'gone' is not there: reinstall acme-gone" in said["xh"]
    assert "claimed twice" in said["acme-twice:length"]
    assert "claimed twice" in said["langadapt:length"]


def test_what_a_plugin_writes_at_import_is_told_and_kept_out_of_the_output(site):
    distribution(
        site, "acme-loud", {"filters": ["loud = loud:Gate"]}, loud=f"print('Welcome to acme!')\n{GATE}"
    )
    done = langadapt(site, "show", "filter:loud")
    assert done.returncode == 0
    assert "Welcome" not in done.stdout
    assert last(done) == [
        "note: filter 'loud' of acme-loud 1.0 writes when it is imported: 'Welcome to acme!'"
    ]


def test_what_a_plugin_wrote_before_it_broke_is_told_too(site, capsys):
    distribution(site, "acme-loud", {"filters": ["loud = loud:Gate"]}, loud="print('No licence!')\n1 / 0")
    with pytest.raises(ComponentError, match="ZeroDivisionError"):
        registry.load(registry.find("filter", "loud"))
    out, err = capsys.readouterr()
    assert (out, "writes when it is imported: 'No licence!'" in err) == ("", True)


def test_an_import_that_takes_long_is_told(site, monkeypatch, capsys):
    monkeypatch.setattr(registry, "SLOW_S", 0.05)
    distribution(
        site, "acme-slow", {"filters": ["slow = slow:Gate"]}, slow=f"import time; time.sleep(0.2)\n{GATE}"
    )
    registry.load(registry.find("filter", "slow"))
    assert re.search(r"filter 'slow' of acme-slow 1\.0 takes \d+ s to import", capsys.readouterr().err)


@pytest.mark.slow
def test_doctor_gives_each_cause_and_waits_for_none(site):
    slow = f"import time; time.sleep(30)\n{GATE}"
    distribution(site, "acme-slow", {"filters": ["slow = slow:Gate"]}, slow=slow)
    for point, modules, _ in COMPONENTS.values():
        distribution(site, f"acme-{point.split()[0]}", {"filters": [point]}, **modules)
    lay_down_pack(site, {"pack.toml": 'code = "icelandic"\nlicense = "MIT"\n'})
    done = langadapt(site, "doctor", "--seconds", "7")
    said = {tuple(line.split()[:2]): line for line in done.stdout.splitlines() if line.split()[1:]}
    assert done.returncode == 3
    assert "acme-slow: takes more than 7 s to import" in said["filter", "slow"]
    for point, _, cause in COMPONENTS.values():
        assert cause in said["filter", point.split()[0]]
        assert "acme-" in said["filter", point.split()[0]]
    assert "icelandic" in said["language", "is"]
    assert said["filter", "length"].split()[-1] == "ready"


def test_a_pack_serves_the_varieties_of_its_language_and_no_other_script(site):
    assert registry.pack("de-AT").folder == registry.pack("de").folder
    assert (registry.pack("de-AT").language.code, registry.pack("de-AT").origin) == ("de-AT", "pack de")
    assert registry.pack("de-Latn-CH").folder == registry.pack("de").folder
    assert registry.pack("ar-EG").folder == registry.pack("ar").folder
    bare = registry.pack("ar-Latn")
    assert (bare.folder, bare.facts) == (None, {})
    assert registry.pack("gsw").folder is None
    assert registry.pack("langadapt:de").folder == registry.pack("de").folder


@pytest.mark.slow
def test_fifty_packs_and_fifty_plugins_cost_little(site):
    """`list` takes at most five times what it takes without them; `--help` imports no more than before."""
    many = site / "many"
    many.mkdir()
    codes = [f"q{a}{b}" for a in "abcdefgh" for b in "abcdefghij"][
        :50
    ]  # for private use: names of packs, not asked for
    for number, code in enumerate(codes):
        module = many / f"neighbour_{number}"
        (module / code / "recipes").mkdir(parents=True)
        (module / "__init__.py").write_text(GATE)
        (module / code / "pack.toml").write_text(PACK)
        (module / code / "recipes" / "own.toml").write_text('extends = "phoenix"\n')
        points = {
            "languages": [f"{code} = neighbour_{number}:{code}"],
            "filters": [f"gate-{number} = neighbour_{number}:Gate"],
        }
        distribution(many, f"neighbour-{number}", points)
    times = {folder: [] for folder in (site, many)}
    for _ in range(5):
        for folder, taken in times.items():
            began = time.monotonic()
            done = langadapt(folder, "list")
            taken.append(time.monotonic() - began)
            assert done.returncode == 0
    assert done.stdout.count("neighbour-") >= 100
    assert median(times[many]) <= 5 * median(times[site])
    show = "import sys, langadapt.cli\ntry: langadapt.cli.cli(['--help'], standalone_mode=False)\nexcept SystemExit: pass\nprint(sorted(sys.modules), file=sys.stderr)"
    loaded = [
        subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(folder)})
        for folder in (site, many)
    ]  # fmt: skip
    assert loaded[0].stderr.splitlines()[-1] == loaded[1].stderr.splitlines()[-1]


ODD_SETTINGS = {
    "resolve raises": ("resolves = {'depth': lambda pack: 1 / 0}\n    depth: int", "depth cannot be resolved for Icelandic: ZeroDivisionError"),
    "resolve gives no answer": ("resolves = {'depth': lambda pack: 3}\n    depth: int", "3 is no Resolved"),
    "unknown type": ("depth: 'Fathoms' = 3", "the type of a setting is not known: name 'Fathoms'"),
}  # fmt: skip


@pytest.mark.parametrize("fault", ODD_SETTINGS)
def test_a_setting_that_breaks_is_told_where_it_is_asked_for(site, fault):
    written, said = ODD_SETTINGS[fault]
    source = GATE.replace("requires = ()", written)
    distribution(site, "acme-odd", {"filters": ["odd = acme_odd:Gate"]}, acme_odd=source)
    shown = CliRunner().invoke(cli, ["show", "is"], standalone_mode=False)
    assert (shown.exception, "translator.transformers.model" in shown.output) == (None, True)
    with pytest.raises(ComponentError, match=f"acme_odd.Gate.*{said}") as caught:
        component_alone("filter", "odd", registry.pack("is"), ())
    assert caught.value.hint == (
        "--set depth=..." if "resolve" in fault else "import it outside `if TYPE_CHECKING`"
    )


@pytest.mark.slow
def test_a_code_without_a_pack_is_a_language_all_the_same(site):
    pack = registry.pack("is")
    assert (pack.folder, pack.language, pack.origin) == (None, Language.of("is"), "no pack for is")
    shown = langadapt(site, "show", "is")
    assert shown.returncode == 0
    assert "language is: Icelandic (íslenska)" in shown.stdout
    assert "belebele_isl_Latn" in shown.stdout
    assert (
        langadapt(site, "show", "he").stdout.splitlines()[1].split("=")[1].split("(")[0].strip()
        == "Hebr, rtl"
    )

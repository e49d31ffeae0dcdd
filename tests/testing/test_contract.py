"""What every contract has in common: checks that nobody replaces in silence, and results with and without pytest."""

import functools
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

import pytest

from langadapt.errors import ConfigError
from langadapt.testing import TranslatorContract, results, xfail
from langadapt.testing.contract import Contract

SCRIPT = """
import sys
before = set(sys.modules)
import langadapt.testing
found = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names
print(sorted(found))
"""


def contract(**checks):
    """A contract of the kit with these checks."""
    made = type("Made", (Contract,), {**checks, "kind": "thing", "__module__": "langadapt.testing.made"})
    made.__module__ = __name__
    return made


def passes(self):
    assert self._folder.name


def fails(self):
    raise AssertionError("Mine is wrong: mend it")


def raises(self):
    {}["gone"]


def refuses(self):
    raise ConfigError("no such thing", hint="take another")


def skips(self):
    raise SkipTest("not here")


def leaves(self):
    sys.exit(3)


def bare(self):
    raise AssertionError


def told(made):
    return {one.check: (one.outcome, one.message) for one in results(made)}


def test_results_say_how_each_check_ended():
    checks = (passes, fails, raises, refuses, skips, leaves, bare)
    found = told(contract(**{f"test_{check.__name__}": check for check in checks}))
    assert list(found) == [f"test_{check.__name__}" for check in checks], "in the order they are written"
    assert found["test_passes"] == ("passed", "")
    assert found["test_fails"] == ("failed", "Mine is wrong: mend it")
    assert found["test_refuses"] == ("failed", "no such thing (take another)")
    assert found["test_skips"] == ("skipped", "not here")
    for name, said in (
        ("raises", "KeyError: 'gone'"),
        ("leaves", "SystemExit: 3"),
        ("bare", "raise AssertionError"),
    ):
        outcome, message = found[f"test_{name}"]
        assert outcome == "failed"
        assert said in message
        assert __file__ in message


def test_an_expected_failure_is_said_and_fails_once_it_passes():
    kit = contract(test_one=fails, test_two=passes, test_three=passes)

    class TestMine(kit):
        test_one = xfail(reason="the service samples")
        test_two = xfail(reason="it was so once")

    assert told(TestMine) == {
        "test_one": ("xfailed", "the service samples"),
        "test_two": ("failed", "passes now; remove xfail(reason='it was so once')"),
        "test_three": ("passed", ""),
    }
    assert told(kit)["test_one"][0] == "failed", "the contract itself is as it was"


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_an_expected_failure_needs_a_reason(reason):
    with pytest.raises(TypeError, match="xfail needs a reason"):
        xfail(reason=reason)


@pytest.mark.parametrize(
    "own",
    [
        {"test_one": lambda self: None},
        {"test_one": None},
        {"test_one": property(lambda self: None)},
        {"test_one": pytest.mark.skip(lambda self: None)},
        {"__test__": False},
        {"_checks": {}},
        {"test_one": functools.wraps(fails)(lambda self: None)},
        {"pytestmark": pytest.mark.skip(reason="later")},
        {"pytestmark": [pytest.mark.slow, pytest.mark.xfail]},
        {"pytestmark": pytest.mark.skipif("True", reason="later")},
    ],
    ids=[
        "method",
        "none",
        "property",
        "skipped",
        "not a test",
        "no checks",
        "wrapped",
        "class skipped",
        "class fails",
        "class skipped if",
    ],
)
def test_a_silent_override_is_refused(own):
    kit = contract(test_one=fails)
    with pytest.raises(TypeError, match="Silent") as caught:
        type("Silent", (kit,), own)
    assert any(word in str(caught.value) for word in ("xfail(reason=", "remove `__test__", "the contract's"))


def test_a_mark_that_leaves_nothing_out_is_taken():
    kit = contract(test_one=passes)
    made = type("Slow", (kit,), {"pytestmark": [pytest.mark.slow]})
    assert told(made)["test_one"][0] == "passed"


def test_a_mark_on_a_mixin_or_on_the_check_itself_is_refused():
    def own(self):
        pass

    kit = contract(test_one=own)
    mixin = type("Mixin", (), {"pytestmark": pytest.mark.skip})
    with pytest.raises(TypeError, match=r"Sly is marked 'skip': .* raise unittest\.SkipTest in `make`"):
        type("Sly", (mixin, kit), {})
    with pytest.raises(TypeError, match="Sly marks test_one 'skip'"):
        type("Sly", (kit,), {"test_one": pytest.mark.skip(kit.test_one)})


def test_a_silent_override_through_another_base_is_refused():
    kit = contract(test_one=fails)
    mixin = type("Mixin", (), {"test_one": lambda self: None})
    with pytest.raises(TypeError, match="Sly replaces test_one"):
        type("Sly", (mixin, kit), {})
    own = type("Own", (kit,), {"test_two": lambda self: None})
    with pytest.raises(TypeError, match="Sly replaces test_one"):
        type("Sly", (own,), {"test_one": lambda self: None})


def test_each_check_has_a_folder_that_goes():
    seen = []
    found = told(contract(test_one=lambda self: seen.append(Path(self._folder.name)), test_two=passes))
    assert {outcome for outcome, _ in found.values()} == {"passed"}
    assert not seen[0].exists()


def test_what_checks_share_is_freed_and_a_failure_of_that_is_told():
    class Kit(contract(test_one=passes)):
        @classmethod
        def teardown_class(cls):
            raise OSError("the engine is still running")

    found = told(Kit)
    assert found["test_one"][0] == "passed"
    assert found["teardown_class"][0] == "failed"
    assert "the engine is still running" in found["teardown_class"][1]


def test_a_subclass_without_make_is_told_what_to_write():
    class TestNothing(TranslatorContract):
        pass

    assert "TestNothing has no `make`" in told(TestNothing)["test_each_index_comes_once"][1]


TESTS = """
from langadapt.testing import FilterContract, xfail
from langadapt.registry import find, load

class TestLength(FilterContract):
    test_no_records_give_no_verdicts = xfail(reason="nothing is wrong with it")

    def make(self):
        return load(find("filter", "length"))()

class TestBroken(TestLength):
    test_odd_texts_are_judged = xfail(reason="it raises")
    test_no_records_give_no_verdicts = xfail(reason="still nothing")

    def make(self):
        made = super().make()
        object.__setattr__(made, "slack", None)
        return made
"""


def test_pytest_collects_a_contract_like_any_tests(tmp_path):
    (tmp_path / "test_mine.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-W", "error", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "PASSED test_mine.py::TestLength::test_odd_texts_are_judged" in done.stdout
    assert "[XPASS(strict)] nothing is wrong with it" in done.stdout
    assert "gives no `bad` translations" in done.stdout, "what is left out is said"
    assert "XFAIL test_mine.py::TestBroken::test_odd_texts_are_judged - it raises" in done.stdout
    assert "FAILED test_mine.py::TestBroken::test_one_verdict_for_each" in done.stdout
    assert "FilterContract" not in done.stdout.split("short test summary")[-1], (
        "the contract itself is no test"
    )


def test_the_kit_needs_only_the_core_and_no_pytest():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['langadapt']"


def test_checks_that_python_would_leave_out_are_refused():
    script = "from langadapt.testing import FilterContract\nclass TestMine(FilterContract): ..."
    done = subprocess.run([sys.executable, "-O", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "run without -O" in done.stderr

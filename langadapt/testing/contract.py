"""What a contract is: a class of checks that a plugin author subclasses for pytest, and that `langadapt check` runs without it.

A check is a method `test_...` without arguments. It raises `AssertionError` with what is wrong and how to mend it, or
`unittest.SkipTest` with why it does not apply. A subclass may neither replace nor remove one; what is known to fail is said:

    class TestMine(TranslatorContract):
        test_the_same_twice = xfail(reason="the service samples")
"""

import functools
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal
from unittest import SkipTest

from langadapt.errors import LangAdaptError

Check = Callable[[Any], None]
Outcome = Literal["passed", "failed", "skipped", "xfailed"]
_SAY_SO = (
    "write `NAME = xfail(reason='...')` for a check that is known to fail, "
    "and raise unittest.SkipTest in `make` where nothing can be checked"
)


@dataclass(frozen=True)
class Result:
    """How one check ended; `message` says why it did not pass."""

    check: str
    outcome: Outcome
    message: str = ""


class xfail:  # noqa: N801 - reads like pytest's
    """Stands in a contract's subclass for a check that is known to fail; it fails once that check passes."""

    def __init__(self, *, reason: str) -> None:
        if not isinstance(reason, str) or not reason.strip():
            raise TypeError("xfail needs a reason: xfail(reason='what is wrong, and since when')")
        self.reason = reason

    def __call__(self, check: Check) -> Check:
        """The check, expected to fail."""

        @functools.wraps(check)
        def expected(self: Any) -> None:
            check(self)

        expected.xfail_reason = self.reason  # type: ignore[attr-defined]
        if find_spec("pytest"):
            import pytest

            mark = pytest.mark.xfail(reason=self.reason, strict=True, raises=Exception)
            marked: Check = mark(expected)
            return marked
        return expected


class Contract:
    """The base of every contract; the checks of a kind are its `test_` methods, run in the order they are written."""

    kind: ClassVar[str]
    _checks: ClassVar[dict[str, Check]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.__module__.startswith("langadapt.testing."):
            own = {name: value for name, value in vars(cls).items() if name.startswith("test_")}
            cls._checks = {**cls._checks, **own}
            return
        if not __debug__:
            raise TypeError("contracts check with `assert`, which `python -O` leaves out: run without -O")
        if "_checks" in vars(cls):
            raise TypeError(f"{cls.__qualname__} sets `_checks`: the checks are the contract's")
        for name, check in cls._checks.items():
            found = getattr(cls, name, None)
            if isinstance(found, xfail):
                setattr(cls, name, found(check))
            elif found is not check and not (
                hasattr(found, "xfail_reason") and getattr(found, "__wrapped__", None) is check
            ):
                raise TypeError(
                    f"{cls.__qualname__} replaces {name}, a check of the contract for a {cls.kind}: "
                    f"write `{name} = xfail(reason='...')` if it is known to fail"
                )
            elif found is check and (mark := _leaves_out(check)):
                raise TypeError(f"{cls.__qualname__} marks {name} {mark!r}: {_SAY_SO}")
        if vars(cls).get("__test__") is False:
            raise TypeError(f"{cls.__qualname__} turns its contract off: remove `__test__ = False`")
        if mark := next(filter(None, map(_leaves_out, cls.__mro__)), ""):
            raise TypeError(f"{cls.__qualname__} is marked {mark!r}: {_SAY_SO}")

    @classmethod
    def teardown_class(cls) -> None:
        """Free what the checks of a class have shared."""

    def setup_method(self) -> None:
        """A folder that lasts as long as one check."""
        self._folder = TemporaryDirectory(prefix="langadapt-check-")

    def teardown_method(self) -> None:
        """Remove it."""
        self._folder.cleanup()


def _leaves_out(marked: Any) -> str:
    """The mark of pytest's by which a class or function is left out; empty where it has none."""
    marks = vars(marked).get("pytestmark", ())
    names = [mark.name for mark in (marks if isinstance(marks, list | tuple) else [marks])]
    return next((name for name in names if name in ("skip", "skipif", "xfail")), "")


def results(contract: type[Contract]) -> Iterator[Result]:
    """Run every check of a contract without pytest, each on an instance of its own."""
    try:
        for name in contract._checks:  # noqa: SLF001 - of this module
            reason = getattr(getattr(contract, name), "xfail_reason", "")
            outcome, message = _run(contract(), name)
            if reason and outcome == "failed":
                outcome, message = "xfailed", reason
            elif reason and outcome == "passed":
                outcome, message = "failed", f"passes now; remove xfail(reason={reason!r})"
            yield Result(name, outcome, message)
    finally:
        ended, message = _told(contract.teardown_class)
    if ended != "passed":
        yield Result("teardown_class", ended, message)


def _run(subject: Contract, name: str) -> tuple[Outcome, str]:
    subject.setup_method()
    try:
        return _told(getattr(subject, name))
    finally:
        subject.teardown_method()


def _told(work: Callable[[], None]) -> tuple[Outcome, str]:
    """How a piece of work ended, and why where it did not end well."""
    try:
        work()
    except SkipTest as skip:
        return "skipped", str(skip)
    except AssertionError as error:
        return "failed", str(error) or _place(error)
    except LangAdaptError as error:
        return "failed", f"{error}" + (f" ({error.hint})" if error.hint else "")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is its failure
        return "failed", f"{type(error).__name__}: {error} ({_place(error)})"
    return "passed", ""


def _place(error: BaseException) -> str:
    """The line that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}: {last.line}"

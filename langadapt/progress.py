"""How far long work is: a bar with rate and time left on a terminal, plain lines elsewhere."""

import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

_LINE_EVERY_S = 10.0
_COLUMNS, _RATE, _BAR = 80, 12, 16  # of a terminal that does not tell; what a rate and a bar need


def short(value: float) -> str:
    """A number in three digits."""
    for limit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * limit and math.isfinite(value):
            return f"{value / limit:.3g}{sign}"
    return f"{value:.3g}".replace("e-0", "e-")


def left(seconds: float) -> str:
    """A span of time to come."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class Console:
    """The one implementation of `Progress`; writes to standard error."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._out = stream or sys.stderr

    def say(self, line: str) -> None:
        """A line for the reader, above any bar."""
        from tqdm import tqdm

        tqdm.write(line, file=self._out)
        self._out.flush()

    @contextmanager
    def task(self, label: str, total: int | None) -> Iterator["Bar | Lines"]:
        """A bar where a person looks on, lines elsewhere."""
        shown = Bar(label, total, self._out) if self._out.isatty() else Lines(label, total, self._out)
        try:
            yield shown
        finally:
            shown.close()


class Bar:
    """A tqdm bar on one line: how far, how long still, and of the facts those that there is room for."""

    def __init__(self, label: str, total: int | None, out: TextIO) -> None:
        from tqdm import tqdm

        self._label, self._total, self._out = f"  {label}", total, out
        self._told: tuple[str, ...] = ()
        self._bar = tqdm(
            total=total, desc=self._label, file=out, leave=False, dynamic_ncols=True, smoothing=0.1,
            bar_format=self._format(),
        )  # fmt: skip

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """Move the bar."""
        if facts:
            self._told = tuple(f" {key} {short(value)}" for key, value in facts.items())
        self._bar.bar_format = self._format()
        self._bar.update(count)

    def _format(self) -> str:
        """What tqdm fills in: facts, the first ones first, then the rate, then the bar itself, as far as there is room."""
        if not self._total:
            return "{desc} {n_fmt} {rate_fmt}" + _literal("".join(self._told))
        most = f"{self._label} {self._total}/{self._total} 1:00:00 left"
        room, shown = _columns(self._out) - len(most) - 1, ""
        for told in self._told:
            if len(shown) + len(told) > room:
                break
            shown += told
        spare = room - len(shown)
        rate = " {rate_fmt}" if spare >= _RATE else ""
        drawn = " {percentage:3.0f}% |{bar}|" if spare - _RATE >= _BAR else ""
        return "{desc}" + drawn + " {n_fmt}/{total_fmt} {remaining} left" + _literal(shown) + rate

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


def _columns(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).columns or _COLUMNS
    except OSError:
        return _COLUMNS


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


class Lines:
    """A line now and then."""

    def __init__(self, label: str, total: int | None, out: TextIO) -> None:
        self._label, self._total, self._out = label, total, out
        self._done, self._begun, self._told = 0, time.monotonic(), time.monotonic()

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """Count, and tell where some time has passed."""
        self._done += count
        now = time.monotonic()
        if now - self._told < _LINE_EVERY_S:
            return
        self._told = now
        rate = self._done / (now - self._begun)
        share = f"{self._done}/{self._total}" if self._total else str(self._done)
        still = f", {left((self._total - self._done) / rate)} left" if self._total and rate else ""
        shown = "".join(f", {key} {short(value)}" for key, value in (facts or {}).items())
        self._out.write(f"  {self._label}: {share}, {rate:.1f}/s{still}{shown}\n")
        self._out.flush()

    def close(self) -> None:
        """Nothing to remove."""


class Silent:
    """Tells nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    @contextmanager
    def task(self, label: str, total: int | None) -> Iterator["Silent"]:  # noqa: ARG002 - the seam's names
        """A task that tells nothing."""
        yield self

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """Nothing."""

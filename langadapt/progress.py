"""How far long work is: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

_LINE_EVERY_S = 10.0


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
    """A tqdm bar."""

    def __init__(self, label: str, total: int | None, out: TextIO) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=total, desc=f"  {label}", file=out, leave=False, dynamic_ncols=True, smoothing=0.1
        )

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """Move the bar."""
        if facts:
            self._bar.set_postfix({key: f"{value:.4g}" for key, value in facts.items()}, refresh=False)
        self._bar.update(count)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


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
        left = f", {(self._total - self._done) / rate:.0f} s left" if self._total and rate else ""
        shown = "".join(f", {key} {value:.4g}" for key, value in (facts or {}).items())
        self._out.write(f"  {self._label}: {share}, {rate:.1f}/s{left}{shown}\n")
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

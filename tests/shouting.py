"""A translator whose workings a test can watch from another process, and some of whose texts end its own."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from langadapt.errors import DataError
from langadapt.interfaces import Hypothesis, Segment
from langadapt.languages import Language


@dataclass(frozen=True, kw_only=True)
class Shouting:
    """Gives texts in capitals, and notes each in a file when it begins with it."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    notes: Annotated[Path, "where each text is noted"]
    slow: Annotated[float, "seconds for a text"] = 0.0
    deadly: Annotated[str, "a text that ends the process, or * for any"] = ""
    lives: Annotated[int, "how often it does"] = 1

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        for index, segment in enumerate(texts):
            with self.notes.open("a") as file:
                file.write(" ".join(segment.text.split()) + "\n")
            if segment.text == "boom":
                raise RuntimeError("boom")
            if segment.text == "unheard":
                raise DataError("nobody heard it", hint="say it again")
            if self.deadly in ("*", segment.text) and self.noted.count(segment.text) <= self.lives:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.slow)
            yield index, _shouted(segment.text)

    @property
    def noted(self):
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def close(self) -> None:
        pass


def _shouted(text):
    if len(text) > 1000:
        return Hypothesis(text="", finish="too-long", reason="no breath")
    if not text.strip():
        return Hypothesis(text="", finish="error", reason="nothing to shout")
    return Hypothesis(text=text.upper().replace("<X", "<x"))

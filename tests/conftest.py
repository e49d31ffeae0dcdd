"""What many tests need: a language pair, an engine whose output is known, a home of its own for caches."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import hypothesis.internal.conjecture.providers
import pytest

from langadapt.interfaces import SPEED, Hypothesis, Segment
from langadapt.languages import Language

# On a shared machine how long an example takes says nothing of the code; and what landed may not fail by a new draw. To
# look for more: HYPOTHESIS_PROFILE=search, with as many examples as a test says, drawn anew each time.
hypothesis.settings.register_profile("shared", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(profile := os.environ.get("HYPOTHESIS_PROFILE", "shared"))
if profile == "shared":
    # Among the examples are literals of the modules that are imported by then: those hang on what a worker ran before.
    hypothesis.internal.conjecture.providers.is_local_module_file = lambda _: False


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """A translator that answers from a function; `asked` keeps what reached it."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    name: str = "scripted"
    answer: Annotated[object, SPEED] = field(default=str.upper, compare=False, hash=False)
    asked: Annotated[list[str], SPEED] = field(default_factory=list, compare=False, hash=False)

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        for index in reversed(range(len(texts))):
            self.asked.append(texts[index].text)
            made = self.answer(texts[index].text)
            yield (
                index,
                made if isinstance(made, Hypothesis) else Hypothesis(text=made, tokens_in=1, tokens_out=1),
            )

    def close(self) -> None:
        self.asked.append("closed")


def pytest_configure(config: pytest.Config) -> None:
    """lm-eval's index takes seconds: all tests and what they start share one."""
    if cache := getattr(config, "cache", None):
        os.environ.setdefault("LANGADAPT_CACHE", str(cache.mkdir("langadapt")))


@pytest.fixture(scope="session")
def english() -> Language:
    return Language.of("en")


@pytest.fixture(scope="session")
def german() -> Language:
    return Language.of("de")


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def no_keys(monkeypatch):
    """A machine on which nobody is signed in anywhere."""
    for name in [name for name in os.environ if name.endswith(("KEY", "TOKEN", "SECRET", "PASSWORD"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HF_TOKEN_PATH", "/nowhere/token")

"""lm-eval's Hugging Face model and the one that reads nothing twice, telling how far they are. Imports lm-eval: import this late."""

from collections.abc import Sequence
from typing import Any

from lm_eval.models.huggingface import HFLM

from langadapt.interfaces import Progress, Task
from langadapt_plugins.evaluators.prefix_model import PrefixModel


class ToldModel(HFLM):  # type: ignore[misc]
    """Reports each request's answer to a `Progress`; otherwise lm-eval's `hf` model."""

    progress: Progress

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = True) -> Any:
        """Score continuations."""
        with self.progress.task("continuations scored", len(requests)) as task:
            self.set_cache_hook(_Hook(task))
            return super().loglikelihood(requests, disable_tqdm=disable_tqdm)

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = True) -> Any:
        """Score whole texts."""
        with self.progress.task("texts scored", len(requests)) as task:
            self.set_cache_hook(_Hook(task))
            return super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = True) -> Any:
        """Generate answers."""
        with self.progress.task("answers generated", len(requests)) as task:
            self.set_cache_hook(_Hook(task))
            return super().generate_until(requests, disable_tqdm=disable_tqdm)


class ToldPrefixModel(ToldModel, PrefixModel):
    """The same of the model that shares beginnings."""


class _Hook:
    """Stands where lm-eval keeps answers for its cache."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def add_partial(self, kind: str, request: object, answer: object) -> None:  # noqa: ARG002 - the library's names
        """One more answer."""
        self._task.advance()

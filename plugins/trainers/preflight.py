"""A look at a training before it starts, on the CPU and without weights: what is checked, and with what.

A trainer gives a `Case`; each check gives findings. The checks know what TRL 1.16 does with a setting, and name the setting to change.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from langadapt.errors import LangAdaptError
from langadapt.identity import pinned
from langadapt.interfaces import Finding, TrainingJob
from langadapt_plugins.trainers.trl_padding import give_padding
from langadapt_plugins.trainers.trl_rows import Takes, trl_rows

SAMPLE = 256
"""How many rows are tokenised, spread over all of them."""
_SMALL_FILES = ["*.json", "*.jinja", "*.model", "*.tiktoken", "merges.txt", "vocab.txt"]
_OF_TEMPLATE = ("recipe:chat_template", "assistant_only_loss")
Row = Mapping[str, Any]
"""A row as TRL is given it: the turns of each side, or a text."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A training to look at: what the checks read.

    `rows` is None where only examples of the rows are at hand; `guarded` is the fingerprint that states must bear to be gone on from;
    `starts` says that the training begins here and now, so that this machine counts.
    """

    method: str
    settings: Mapping[str, Any]
    job: TrainingJob
    rows: int | None
    sample: Sequence[Row]
    guarded: str = ""
    starts: bool = False
    problems: list[Finding] = field(default_factory=list)

    @cached_property
    def tokenizer(self) -> Any:
        """The base's tokenizer as the worker sets it up; None where it cannot be read, which is a finding."""
        from transformers import AutoTokenizer

        if self.folder is None:
            return None
        try:
            made = AutoTokenizer.from_pretrained(self.folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as problem:
            self._unread(problem)
            return None
        if self.job.chat_template:
            made.chat_template = Path(self.job.chat_template).read_text(encoding="utf-8")
        return made

    @cached_property
    def folder(self) -> Path | None:
        """The base's files but for its weights, fetched once where they are on the Hub; None where they cannot be had."""
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError

        base = self.job.base
        if base.folder:
            return base.folder
        try:
            revision = pinned(base).revision
            return Path(
                snapshot_download(base.name, revision=revision, allow_patterns=_SMALL_FILES, etag_timeout=5)
            )
        except (LangAdaptError, HfHubHTTPError, OSError, ValueError) as problem:
            self._unread(problem)
            return None

    def _unread(self, problem: Exception) -> None:
        said = str(problem).strip().splitlines()[0]
        self.problems.append(
            warning(
                f"the base {self.job.base} cannot be read here, so it, rows and template are not checked: {said}",
                "recipe:base",
            )
        )

    @cached_property
    def padded(self) -> bool:
        """Whether the tokenizer has, or is given, a padding token of its own."""
        return bool(give_padding(self.tokenizer))

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """The base's config.json; empty where it cannot be read."""
        return self._file("config.json")

    @cached_property
    def generation(self) -> Mapping[str, Any]:
        """The base's generation_config.json; empty where it has none."""
        return self._file("generation_config.json")

    def _file(self, name: str) -> Mapping[str, Any]:
        if self.folder is None:
            return {}
        try:
            read = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def ends(self) -> list[int]:
        """The tokens at which a generation ends: the tokenizer's, and those that the base's generation settings name."""
        told = self.generation.get("eos_token_id", self.config.get("eos_token_id"))
        listed = told if isinstance(told, list) else [] if told is None else [told]
        own = self.tokenizer.eos_token_id
        return list(dict.fromkeys(one for one in [own, *listed] if isinstance(one, int)))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What is handed to TRL under its own names."""
        given = self.settings.get("arguments")
        return given if isinstance(given, Mapping) else {}

    @property
    def packs(self) -> bool:
        """Whether rows are filled with several conversations or documents."""
        return self.method == "cpt" or bool(self.settings.get("packing"))

    @property
    def divides(self) -> bool:
        """Whether what is too long is divided and not cut off."""
        return self.packs and self.settings.get("packing_strategy") in ("bfd_split", "wrapped")

    @property
    def learns_answers(self) -> bool:
        """Whether only answers are in the loss."""
        return self.method == "dpo" or bool(self.settings.get("assistant_only_loss"))


def sampled(path: Path, takes: Takes, most: int = SAMPLE) -> tuple[int, list[Row]]:
    """How many rows a file has, and at most so many of them, spread evenly, the first one among them."""
    kept: list[Row] = []
    step, count = 1, 0
    for row in trl_rows(path, takes):
        if count % step == 0:
            kept.append(row)
            if len(kept) > most:
                kept, step = kept[::2], 2 * step
        count += 1
    return count, kept


def findings(case: Case) -> list[Finding]:
    """Everything that is found, the worst first."""
    from langadapt_plugins.trainers import (
        preflight_base,
        preflight_method,
        preflight_rows,
        preflight_template,
        preflight_texts,
        preflight_values,
    )

    checks: Iterator[Finding] = chain(
        preflight_values.found(case), preflight_method.found(case), preflight_base.found(case)
    )
    found = list(checks)
    if case.tokenizer is not None and case.method == "cpt":
        found += preflight_texts.found(case)
    elif case.tokenizer is not None:
        templated = list(preflight_template.found(case))
        found += templated
        if not any(one.level == "error" and one.setting in _OF_TEMPLATE for one in templated):
            found += preflight_rows.found(case)
    order = ("error", "warning", "note")
    return sorted([*found, *case.problems], key=lambda one: order.index(one.level))


def error(what: str, setting: str) -> Finding:
    """What would ruin the training or stop it."""
    return Finding(level="error", what=what, setting=setting)


def warning(what: str, setting: str) -> Finding:
    """What is probably not meant."""
    return Finding(level="warning", what=what, setting=setting)


def note(what: str, setting: str = "") -> Finding:
    """What is worth to know."""
    return Finding(level="note", what=what, setting=setting)

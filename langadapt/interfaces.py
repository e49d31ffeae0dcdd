"""The seams: what a translator, a filter, a trainer and an evaluator take and give.

A component is a frozen, keyword-only dataclass whose fields are its settings, each written as
`Annotated[type, "what it does"]`. A field marked `SPEED` changes neither results nor their identity; one marked
`LIMIT` changes which results there are, but not what they say. Further members are optional: `requires`, a tuple of
the libraries that it imports late; `check(pack)`, which raises `ConfigError` before any work is done; `known`, facts
beside the settings that its results depend on; `resolves`, what a setting is for a language where nobody sets it:
`{setting: function of the pack that gives a Resolved}`; of a translator `stands_for`, the setting that holds another
one whose text it gives as it is: it is remembered as that one, which itself is neither retried nor remembered; and
`remembered_as`, the same translator with settings that change nothing of its text as nobody would set them; of an
evaluator `solutions(pack, *, limit, seed)`, pairs of a prompt, text or chat turns, and the answer that scores best, and
`items(pack)`, every `Item` that it asks, which the filter `contamination` looks for in data, and `rescored(replies, *,
model, pack, output, limit, progress)`, the scores of a judge's kept replies without a judge; of a filter `alone`,
true where it may not run on every core, and `limits`, which of its settings are limits of its score:
`{setting: "low" or "high"}`; and of a trainer `preflight(job, *, rows)`, every `Finding` about a training of so many rows
(None: not known, and `job.records` holds examples) without loading weights, and `first_batch(job)`, its first rows
as pairs of a text and whether it is learned.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from langadapt.languages import Language, LanguagePack
from langadapt.records import Record
from langadapt.segments import PLACEHOLDER, Document


class Mark(Enum):
    """What a setting changes, as an annotation beside its description."""

    SPEED = "speed"
    LIMIT = "limit"


SPEED, LIMIT = Mark.SPEED, Mark.LIMIT
Finish = Literal["stop", "length", "too-long", "error"]
Origin = Literal["model", "memory", "person"]


@dataclass(frozen=True)
class ModelRef:
    """A model: a Hub id with an optional revision (`org/name@revision`), or a folder."""

    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> "ModelRef":
        """From `org/name`, `org/name@revision` or a path."""
        name, at, revision = text.partition("@")
        return cls(text) if Path(text).exists() or not at else cls(name, revision)

    @property
    def folder(self) -> Path | None:
        """The folder, where the model lies on this machine's disk."""
        return Path(self.name) if Path(self.name).is_dir() else None

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a setting is for a language, and where that comes from; with None for a value, `origin` says why there is none."""

    value: Any
    origin: str


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A text to translate; `context` may be read by the model and is not translated."""

    text: str
    context: str = ""


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """What came back for a segment, after `tries` tries. Only a finished one is remembered or used; tokens are counts.

    `without_context` says that there was no room for the segment's context: what is finished is of the text alone, what is
    too long may be asked for alone.
    """

    text: str
    finish: Finish = "stop"
    origin: Origin = "model"
    tokens_in: int = 0
    tokens_out: int = 0
    tries: int = 1
    reason: str = ""
    without_context: bool = False

    @property
    def finished(self) -> bool:
        """Whether the model ended by itself, with a text."""
        return self.finish == "stop"


@dataclass(frozen=True, kw_only=True)
class SegmentPair:
    """A segment and its translation; `text` is the index of the record's text that it stands in.

    `without_context` says that it was translated without the context that others had: there was no room for it.
    """

    source: str
    target: str
    text: int
    origin: Origin = "model"
    without_context: bool = False


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A record before and after, as filters see it."""

    source: Record
    target: Record
    pairs: tuple[SegmentPair, ...] = ()
    translated: bool = True

    @cached_property
    def prose(self) -> tuple[str, ...]:
        """What the target says, text by text, without code, addresses and whatever else is protected."""
        said: list[list[str]] = [[] for _ in self.target.texts]
        if self.pairs:
            for pair in self.pairs:
                said[pair.text].append(pair.target)
        else:
            said = [list(Document(text).segments) for text in self.target.texts]
        return tuple(PLACEHOLDER.sub(" ", "\n".join(segments)) for segments in said)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Keep or drop, with a reason for a drop; `segment` is an index into the pairs, `span` characters of its target."""

    keep: bool
    reason: str = ""
    score: float | None = None
    segment: int | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What a trainer is given: files of rows, the model to start from, and where the result goes."""

    name: str
    records: Path
    held_out: Path
    base: ModelRef
    chat_template: str | None
    output: Path
    seed: int


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a look at a training found before it starts; `setting` is what to change, `recipe:KEY` outside the trainer's own."""

    level: Literal["error", "warning", "note"]
    what: str
    setting: str = ""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model with its story: training curves (rows of step and values) and facts (counts, seconds, versions)."""

    name: str
    model: ModelRef
    chat_template: str | None = None
    adapter_of: ModelRef | None = None
    curves: Sequence[Mapping[str, float]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number with the string that reproduces it; `interval` is a 95 % confidence interval."""

    task: str
    metric: str
    value: float
    n: int
    interval: tuple[float, float] | None
    higher_is_better: bool
    signature: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a benchmark asks: the question or text without instructions and examples, and what may be answered, the choices too."""

    task: str
    id: str
    text: str
    answers: tuple[str, ...] = ()


class Progress(Protocol):
    """Where a component tells how far it is."""

    def task(self, label: str, total: int | None) -> AbstractContextManager["Task"]:
        """Begin a piece of work of `total` items."""

    def say(self, line: str) -> None:
        """A line for the reader."""


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, count: int = 1, facts: Mapping[str, float] | None = None) -> None:
        """`count` more items are done; `facts` are shown beside the rate."""


@runtime_checkable
class Translator(Protocol):
    """Text to text. `output_version` is raised when the same settings begin to give other text."""

    output_version: ClassVar[int]

    @property
    def deterministic(self) -> bool:
        """Whether the same text always gives the same translation."""

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Each index exactly once, in any order, as soon as it is known."""

    def close(self) -> None:
        """Free what was loaded."""


@runtime_checkable
class Filter(Protocol):
    """Translations to verdicts, one per item and in order."""

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:
        """Judge each item; the verdict does not depend on the batch."""

    def close(self) -> None:
        """Free what was loaded."""


@runtime_checkable
class Trainer(Protocol):
    """Rows to a checkpoint; `takes` names the kind of rows."""

    takes: ClassVar[Literal["texts", "conversations", "preferences"]]

    def train(self, job: TrainingJob, *, progress: Progress) -> Checkpoint:
        """Train, resuming from what `job.output` holds of the same job."""

    def close(self) -> None:
        """Free what was loaded."""


@runtime_checkable
class Evaluator(Protocol):
    """A checkpoint to scores; per-item values go to `output`."""

    def evaluate(
        self, checkpoint: Checkpoint, *, pack: LanguagePack, output: Path, limit: int | None, seed: int, progress: Progress,
    ) -> list[Score]:  # fmt: skip
        """Score the checkpoint on at most `limit` items per task."""

    def close(self) -> None:
        """Free what was loaded."""


class Loads:
    """Mix-in for components that load models into `cached_property`: pickles carry settings only, `close` frees."""

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def close(self) -> None:
        """Forget what was loaded, and close the components that are held."""
        names = {item.name for item in fields(self)}  # type: ignore[arg-type]
        for name in [name for name in self.__dict__ if name not in names]:
            del self.__dict__[name]
        for name in names:
            child = getattr(self, name)
            if hasattr(child, "close"):
                child.close()

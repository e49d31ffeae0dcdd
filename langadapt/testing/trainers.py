"""The contract for a trainer: what every training, evaluation and resumption after it relies on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from langadapt.errors import DataError
from langadapt.interfaces import Checkpoint, ModelRef, Trainer, TrainingJob
from langadapt.records import KINDS, Row, write_rows
from langadapt.testing.bench import BenchContract, Notes, blaming, contents, finite
from langadapt.testing.examples import example_rows, example_texts
from langadapt.testing.tiny import ZEPHYR, tiny_model
from langadapt.testing.weights import different, digests, weights

_MEND = "it must train a Llama of two layers on rows of its kind; run it by hand on such rows"


@dataclass(frozen=True)
class Trained:
    """One training: what it was given, what it gave and what it told."""

    job: TrainingJob
    checkpoint: Checkpoint
    notes: Notes
    before: Mapping[str, str]


class TrainerContract(BenchContract):
    """What a trainer must keep to; a subclass gives `make`.

    The kit brings the base (a Llama with random weights), the rows and the chat template. `make` gives a fresh trainer
    with settings so small that a training takes seconds, and that saves a state a few times within it. Four trainings
    are shared by the checks: one, the same again, one with another seed, and one that is interrupted halfway; two more
    are done after a pickle and after `close`.
    """

    kind = "trainer"
    rows: ClassVar[int] = 160

    def make(self) -> Trainer:
        """A new trainer with tiny settings."""
        made: Trainer = super().make()
        return made

    def use(self, component: Any) -> Any:
        """The weights that it trains, as hashes; the shared component's first training is the one of all checks."""
        first = component is self.component and "whole" not in self._made
        name = "whole" if first else f"use {len(self._made)}"
        self._trained(name, component)
        return digests(self._weights(name))

    def test_takes_a_kind_of_record(self) -> None:
        """`takes` names the rows that it trains on."""
        takes = getattr(self.component, "takes", None)
        assert takes in KINDS, f"{self.named}.takes is {takes!r}; set it to one of {', '.join(KINDS)}"

    def test_checkpoint_loads(self) -> None:
        """The checkpoint lies in the job's folder, and transformers loads model and tokenizer from there."""
        done = self._trained("whole")
        found = done.checkpoint
        assert isinstance(found, Checkpoint), f"{self.named}.train gives {found!r}; return a Checkpoint"
        assert found.name == done.job.name, (
            f"{self.named}.train calls its checkpoint {found.name!r}; give it the job's name, {done.job.name!r}"
        )
        folder = found.model.folder
        assert folder is not None, (
            f"{self.named}.train names {found.model}, which is no folder; save to job.output"
        )
        assert folder.resolve().is_relative_to(done.job.output.resolve()), (
            f"{self.named}.train saves to {found.model}; save the model to a folder in job.output and name that"
        )
        assert found.chat_template == done.job.chat_template, (
            f"{self.named}.train loses the chat template; hand job.chat_template on to the Checkpoint"
        )
        assert found.adapter_of in (None, done.job.base), (
            f"{self.named}.train names an adapter of {found.adapter_of}; it is one of job.base, {done.job.base}"
        )
        self._weights("whole")
        if not found.adapter_of:
            self._load_tokenizer(folder)

    def test_training_changes_the_weights(self) -> None:
        """The weights are finite, and not those of the base."""
        import torch

        found = self._weights("whole")
        broken = [name for name, tensor in found.items() if not bool(torch.isfinite(tensor).all())]
        assert not broken, (
            f"{self.named}.train leaves infinite or missing numbers in {', '.join(broken[:3])}; lower the learning rate"
        )
        base = weights(self._base(), self.named)
        assert different(base, found), (
            f"{self.named}.train gives the base back unchanged; train on the rows of job.records"
        )

    def test_facts_and_curves_are_json(self) -> None:
        """What it tells of itself can be written to the manifest."""
        found = self._trained("whole").checkpoint
        try:
            json.dumps(dict(found.facts), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(
                f"{self.named}.train gives facts that JSON cannot hold: {error}; "
                "turn them into text, numbers, lists and tables, and infinite numbers into None"
            ) from error
        for point in found.curves:
            wrong = {name: value for name, value in point.items() if not finite(value)}
            assert not wrong, (
                f"{self.named}.train gives a point of its curves with {wrong!r}; "
                "give each point finite numbers, and leave out what was not measured"
            )
            assert "step" in point, (
                f"{self.named}.train gives a point of its curves without a step: {point!r}; add `step`"
            )

    def test_no_rows_are_refused(self) -> None:
        """An empty file is an error in the data."""
        self._refuses(self._job(self.place / "none", rows=[]), "a file without rows")

    def test_rows_of_another_kind_are_refused(self) -> None:
        """Rows of another kind are an error in the data."""
        other = next(name for name in KINDS if name != self._takes)
        rows = example_rows(other, 8)
        self._refuses(self._job(self.place / "other", rows=rows), f"rows that are {other}")

    def test_same_seed_same_weights(self) -> None:
        """The same job gives the same weights, in another folder, from another instance."""
        wrong = different(self._weights("whole"), self._weights("again"))
        assert not wrong, (
            f"{self.named} gives other weights for the same job and seed (in {wrong}); "
            "seed everything that draws with job.seed before the model is loaded and the rows are ordered"
        )

    def test_another_seed_other_weights(self) -> None:
        """The seed decides something."""
        assert different(self._weights("whole"), self._weights("other seed")), (
            f"{self.named} gives the same weights for seeds 1 and 2; use job.seed to order the rows"
        )

    def test_interrupted_and_resumed_equals_done(self) -> None:
        """A training that was interrupted halfway and is started again ends as if nothing had happened."""
        wrong = different(self._weights("whole"), self._weights("resumed"))
        assert not wrong, (
            f"{self.named}: interrupted halfway and started again it gives other weights (in {wrong}); go on from a "
            "whole state with optimiser, order of rows and random numbers, or start from the base again"
        )

    def test_tells_progress(self) -> None:
        """Training is a task of `progress` that advances, at most to its total."""
        notes = self._trained("whole").notes
        assert any(told.done > 0 for told in notes.tasks), (
            f"{self.named}.train tells no progress; open `progress.task(label, steps)` and `advance` it at each step"
        )
        for told in notes.tasks:
            assert told.label.strip(), f"{self.named}.train opens a task without a label; say what is done"
            assert told.total is None or told.done <= told.total, (
                f"{self.named}.train tells {told.done} of {told.total} in its task {told.label!r}; "
                "`advance` takes how many are new, not how many are done"
            )

    def test_leaves_its_input_alone(self) -> None:
        """Rows, base and template are as they were."""
        done = self._trained("whole")
        now = contents(*_inputs(done.job))
        changed = sorted(
            Path(name).name
            for name in done.before.keys() | now.keys()
            if done.before.get(name) != now.get(name)
        )
        assert not changed, (
            f"{self.named}.train changes its input ({', '.join(changed)}); write to job.output alone"
        )

    @property
    def _takes(self) -> str:
        takes = str(getattr(self.component, "takes", None))
        assert takes in KINDS, f"{self.named}.takes is {takes!r}; set it to one of {', '.join(KINDS)}"
        return takes

    def _base(self) -> Path:
        return self.once("base", lambda folder: tiny_model(folder, example_texts(60)))

    def _job(self, folder: Path, *, rows: list[Row] | None = None) -> TrainingJob:
        folder.mkdir(exist_ok=True)
        given = example_rows(self._takes, self.rows + 8) if rows is None else rows
        write_rows(folder / "records.jsonl", given[: self.rows])
        write_rows(folder / "held_out.jsonl", given[self.rows :])
        return TrainingJob(
            name="tiny",
            records=folder / "records.jsonl",
            held_out=folder / "held_out.jsonl",
            base=ModelRef(str(self._base())),
            chat_template=None if self._takes == "texts" else str(ZEPHYR),
            output=folder / "output",
            seed=1,
        )

    def _trained(self, name: str, component: Any = None) -> Trained:
        """A training that is done once for all checks, by a new trainer unless one is given; `whole` by the shared one."""
        return self.once(name, lambda folder: self._train(name, folder, component))

    def _train(self, name: str, folder: Path, component: Any) -> Trained:
        job = replace(self._job(folder), seed=2 if name == "other seed" else 1)
        before, notes = contents(*_inputs(job)), Notes()
        if name == "resumed":
            self._interrupt(job)
        trainer = component or (self.component if name == "whole" else self.make())
        with blaming(f"{self.named}.train", _MEND):
            return Trained(job, trainer.train(job, progress=notes), notes, before)

    def _interrupt(self, job: TrainingJob) -> None:
        """Ctrl-C halfway through the task that took longest when nothing came between."""
        told = self._trained("whole").notes
        longest = told.longest
        assert longest is not None, (
            f"{self.named}.train tells no progress, so that nobody can say when half of it is done; tell each step"
        )
        notes = Notes(stop=(longest, max(1, told.tasks[longest].events // 2)))
        try:
            with blaming(f"{self.named}.train, interrupted,", "let KeyboardInterrupt pass"):
                self.make().train(job, progress=notes)
        except KeyboardInterrupt:
            return
        assert not notes.stopped, (
            f"{self.named}.train swallows KeyboardInterrupt; let it pass after what must be cleaned up"
        )
        raise AssertionError(
            f"{self.named}.train tells less progress for the same job the second time; tell every step"
        )

    def _refuses(self, job: TrainingJob, what: str) -> None:
        try:
            with blaming(f"{self.named}.train, given {what},", "raise DataError naming job.records"):
                self.make().train(job, progress=Notes())
        except AssertionError as error:
            if isinstance(error.__cause__, DataError):
                return
            raise
        raise AssertionError(
            f"{self.named}.train takes {what}; raise DataError naming job.records before anything is trained"
        )

    def _weights(self, name: str) -> dict[str, Any]:
        checkpoint = self._trained(name).checkpoint
        folder = checkpoint.model.folder
        assert folder, f"{self.named}.train names {checkpoint.model}, which is no folder; save to job.output"
        base = self._base() if checkpoint.adapter_of else None
        return self.once(f"{name} weights", lambda _: weights(folder, self.named, base))

    def _load_tokenizer(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        mend = "save the tokenizer beside the weights, as save_pretrained does"
        with blaming(f"loading the tokenizer that {self.named}.train saved", mend):
            AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def _inputs(job: TrainingJob) -> list[Path]:
    named = [job.records, job.held_out, job.base.folder, job.chat_template and Path(job.chat_template)]
    return [Path(place) for place in named if place]

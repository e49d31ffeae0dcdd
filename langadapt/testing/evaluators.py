"""The contract for an evaluator: what every table and every comparison of scores relies on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar
from unittest import SkipTest

from langadapt import registry
from langadapt.errors import DataError
from langadapt.interfaces import Checkpoint, Evaluator, ModelRef, Score
from langadapt.languages import LanguagePack
from langadapt.testing.bench import BenchContract, Notes, blaming, contents, finite
from langadapt.testing.pairing import repeated, unpaired
from langadapt.testing.tiny import silent_model, taught_model

_SEED = 7
_MEND = "whatever a model answers, and a model that answers nothing, must get its scores"


@dataclass(frozen=True)
class Made:
    """A checkpoint, and what its files held when it was made."""

    checkpoint: Checkpoint
    files: Mapping[str, str]


@dataclass(frozen=True)
class Evaluated:
    """One evaluation: its scores, and the rows of each file that it wrote."""

    scores: Sequence[Score]
    items: Mapping[str, Sequence[Any]]

    @property
    def most(self) -> int:
        """The items of the largest score, or of the largest file where there are no scores."""
        return max((score.n for score in self.scores), default=max(map(len, self.items.values()), default=0))


class EvaluatorContract(BenchContract):
    """What an evaluator must keep to; a subclass gives `make`.

    `better` is a checkpoint that must come out ahead of `worse` on the first `limit` items of each task. Unless a subclass
    says otherwise they are a tiny model that was taught the evaluator's own `solutions(pack, limit=, seed=)` (pairs of a
    prompt, text or chat turns, and the answer that scores best), and one that says nothing. Where there are neither
    `solutions` nor a `better`, that check is skipped. `scores = False` says that the evaluator only collects answers,
    `paired = False` that no score of it is a mean of values by item, as BLEU of a whole text is not.
    """

    kind = "evaluator"
    language: ClassVar[str] = "de"
    limit: ClassVar[int] = 2
    scores: ClassVar[bool] = True
    paired: ClassVar[bool] = True

    def make(self) -> Evaluator:
        """A new evaluator."""
        made: Evaluator = super().make()
        return made

    def pack(self) -> LanguagePack:
        """The pack of `language`, as it is installed."""
        return registry.pack(self.language)

    def better(self, folder: Path) -> Checkpoint:
        """A checkpoint that answers as well as can be, made in `folder`."""
        solutions = getattr(self.component, "solutions", None)
        if solutions is None:
            raise SkipTest(
                f"{self.named} has no `solutions(pack, limit=, seed=)`; write that, or `better(self, folder)` in "
                f"{type(self).__qualname__}, so that a good checkpoint can be compared with a silent one"
            )
        with blaming(f"{self.named}.solutions", "give pairs of a prompt and the answer that scores best"):
            pairs = list(solutions(self.pack(), limit=self.limit, seed=_SEED))
        if not pairs:
            raise SkipTest(f"{self.named}.solutions knows none for the language {self.language}")
        try:
            return Checkpoint(name="taught", model=ModelRef(str(taught_model(folder, pairs))))
        except DataError as error:
            raise SkipTest(
                f"no tiny model can be taught {self.named}.solutions: {error}; {error.hint}"
            ) from error

    def worse(self, folder: Path) -> Checkpoint:
        """A checkpoint that answers badly, made in `folder`."""
        return Checkpoint(name="silent", model=ModelRef(str(silent_model(folder))))

    def use(self, component: Any) -> Any:
        """The scores of one evaluation."""
        return [_identity(score) for score in self._evaluate(component, self._subject, self.limit).scores]

    def test_scores_are_whole(self) -> None:
        """Each score has a finite value, at least one item, and a string that reproduces it."""
        seen: set[tuple[str, str, str]] = set()
        for score in self._scores():
            what = self._says(score)
            assert finite(score.value), f"{what} is {score.value!r}; leave out what was not measured"
            assert isinstance(score.n, int), f"{what} has n={score.n!r}; say over how many items it is taken"
            assert score.n > 0, (
                f"{what} has n={score.n}; say over how many items it is taken, or give no score"
            )
            for name in ("task", "metric", "signature"):
                text = getattr(score, name)
                assert isinstance(text, str), f"{what}: its {name} is {text!r}; write text"
                assert text.strip(), f"{what} has no {name}; " + (
                    "write down versions, settings, limit and seed, so that the number can be found again"
                    if name == "signature"
                    else "name it as its authors do"
                )
            key = (score.task, score.metric, score.signature)
            assert key not in seen, f"{what} is given twice with one signature; tell them apart there"
            seen.add(key)

    def test_interval_contains_the_value(self) -> None:
        """The 95 % confidence interval lies around the value, in its unit."""
        for score in self._scores():
            if score.interval is None:
                continue
            low, high = score.interval
            assert finite(low), f"{self._says(score)} has the interval {score.interval}; give None instead"
            assert finite(high), f"{self._says(score)} has the interval {score.interval}; give None instead"
            assert low <= score.value <= high, (
                f"{self._says(score)} is {score.value}, outside its interval {score.interval}; give both in one unit, "
                "low before high (langadapt.statistics.mean_interval does)"
            )

    def test_limit_is_respected(self) -> None:
        """At most `limit` items of each task; where an item gives several values, as two turns do, as many times that."""
        one, more = self._evaluated("one item").most, self._evaluated("first").most
        expected = self.limit * max(one, 1)
        mend = "cut each task's items with [:limit] before anything is answered"
        assert one > 1 or more <= expected, (
            f"{self.named} scores {more} items where limit={self.limit}; {mend}"
        )
        assert one <= 1 or more == expected, (
            f"{self.named} scores {one} items where limit=1, and {more} where limit={self.limit} (not {expected}); {mend}"
        )

    def test_same_seed_same_scores(self) -> None:
        """A fresh evaluator gives the same scores for the same checkpoint, limit and seed."""
        first = [_identity(score) for score in self._scores()]
        again = [_identity(score) for score in self._evaluated("again").scores]
        different = [old for old, new in zip(first, again, strict=False) if old != new] or first[len(again) :]
        assert first == again, (
            f"{self.named} gives other scores for the same checkpoint and seed, such as {(different or again)[0]!r:.200}; "
            "seed everything that draws with `seed`, and keep dates and folders out of the signature"
        )

    def test_items_are_written(self) -> None:
        """What each item got stands in `output` as JSON Lines, so that two checkpoints can be compared in pairs."""
        found = self._evaluated("first")
        rows = max(map(len, found.items.values()), default=0)
        mend = "write a row for each item to a .jsonl file in `output`, with the item's id and what it got"
        assert rows, f"{self.named} writes no items; {mend}"
        assert rows >= found.most, f"{self.named} writes {rows} rows for {found.most} items; {mend}"
        assert all(isinstance(row, dict) for file in found.items.values() for row in file), (
            f"{self.named} writes rows that are no objects; {mend}"
        )
        if self._good is not None:
            assert found.items != self._evaluated("worse").items, (
                f"{self.named} writes the same items for a good checkpoint and a bad one; {mend}"
            )

    def test_items_can_be_compared(self) -> None:
        """Rows hold `id`, `metric` and `value`, of which a score is the mean: `langadapt compare` pairs two checkpoints by them."""
        self._needs_scores()
        found = self._evaluated("first")
        if not self.paired:
            raise SkipTest(
                f"{self.named} has no score that is a mean of values by item, as its contract says"
            )
        mend = 'write {"id": .., "metric": .., "value": ..} for each item (`task`, `category`, `turn`, `order` where they apply)'
        twice, why = repeated(found.items), unpaired(found.scores, found.items)
        assert not twice, (
            f"{self.named}: {twice}; give each item an id of its own, or a `turn` or `order` beside it"
        )
        assert not why, (
            f"{self.named}: {why}; {mend}, or `paired = False` in {type(self).__qualname__} where no score is a mean"
        )

    def test_better_beats_worse(self) -> None:
        """A checkpoint that gives the right answers gets no worse score, and a better one somewhere."""
        self._needs_scores()
        if self._good is None:
            self.better(self.place)
        better, worse = (
            {(score.task, score.metric): score for score in self._evaluated(name).scores}
            for name in ("first", "worse")
        )
        gained = not worse
        for key, bad in worse.items():
            what = f"{self.named}: {bad.metric} of {bad.task}"
            good = better.get(key)
            assert good, f"{what} is missing for the good checkpoint alone; score every item that was asked"
            gain = (good.value - bad.value) * (1 if good.higher_is_better else -1)
            assert gain >= 0, (
                f"{what} is {good.value} for a good checkpoint and {bad.value} for a bad one, with higher_is_better="
                f"{good.higher_is_better}; mend the number or higher_is_better"
            )
            gained = gained or gain > 0
        assert gained, (
            f"{self.named} gives a good checkpoint and a bad one the same scores; let them depend on the answers"
        )

    def test_leaves_the_checkpoint_alone(self) -> None:
        """The checkpoint's files are as they were when it was made."""
        self._evaluated("first")
        before, now = (
            self._checkpoint("better" if self._good else "worse").files,
            contents(*_places(self._subject)),
        )
        changed = [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
        assert not changed, (
            f"{self.named} changes the checkpoint's folder ({', '.join(sorted(Path(name).name for name in changed))}); "
            "write to `output` alone"
        )

    @property
    def _good(self) -> Checkpoint | None:
        """The better checkpoint; None where it cannot be made."""
        try:
            return self._checkpoint("better").checkpoint
        except SkipTest:
            return None

    @property
    def _subject(self) -> Checkpoint:
        return self._good or self._checkpoint("worse").checkpoint

    def _checkpoint(self, name: str) -> Made:
        """The better or the worse checkpoint, made once for all checks."""

        def make(folder: Path) -> Made:
            checkpoint = self.better(folder) if name == "better" else self.worse(folder)
            return Made(checkpoint, contents(*_places(checkpoint)))

        return self.once(f"{name} checkpoint", make)

    def _evaluated(self, name: str) -> Evaluated:
        """An evaluation that is done once for all checks."""
        checkpoint = self._checkpoint("worse").checkpoint if name == "worse" else self._subject
        component = self.component if name == "first" else self.make()
        limit = 1 if name == "one item" else self.limit
        try:
            return self.once(name, lambda folder: self._evaluate(component, checkpoint, limit, folder))
        finally:
            if component is not self.component:
                component.close()

    def _evaluate(
        self, component: Any, checkpoint: Checkpoint, limit: int, folder: Path | None = None
    ) -> Evaluated:
        output = Path(mkdtemp(dir=folder or self.place))
        with blaming(f"{self.named}.evaluate on the checkpoint {checkpoint.name!r}", _MEND):
            scores = component.evaluate(
                checkpoint, pack=self.pack(), output=output, limit=limit, seed=_SEED, progress=Notes()
            )
        strange = not isinstance(scores, list) or [one for one in scores if not isinstance(one, Score)]
        assert not strange, f"{self.named}.evaluate gives {scores!r:.200}; return a list of Score"
        return Evaluated(scores, self._items(output))

    def _items(self, output: Path) -> dict[str, list[Any]]:
        """The rows of every JSON Lines file that was written."""
        found = {}
        for path in sorted(output.rglob("*.jsonl")):
            with blaming(f"reading {path.name}, which {self.named} wrote,", "write one JSON object per line"):
                lines = path.read_text(encoding="utf-8").splitlines()
                found[path.name] = [json.loads(line) for line in lines if line.strip()]
        return found

    def _scores(self) -> Sequence[Score]:
        self._needs_scores()
        found = self._evaluated("first").scores
        assert found, (
            f"{self.named} gives no score; return one for each task, or write `scores = False` in "
            f"{type(self).__qualname__} where it only collects answers"
        )
        return found

    def _needs_scores(self) -> None:
        if not self.scores:
            raise SkipTest(f"{self.named} only collects answers, as its contract says")

    def _says(self, score: Score) -> str:
        return f"{self.named}: {score.metric} of {score.task}"


def _identity(score: Score) -> tuple[Any, ...]:
    return score.task, score.metric, score.value, score.n, score.interval, score.signature


def _places(checkpoint: Checkpoint) -> list[Path]:
    return [ref.folder for ref in (checkpoint.model, checkpoint.adapter_of) if ref and ref.folder]

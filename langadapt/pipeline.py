"""A recipe run in a folder: each stage's steps, in flow order, with what they need built and closed around them.

prepare/               STREAM.jsonl, dropped.jsonl
translate/STREAM/      rows.jsonl, rows.held.jsonl, rows.segments.jsonl
filter/STREAM/         kept.jsonl, kept.dropped.jsonl, kept.verdicts.jsonl
train/SLOT/            records.jsonl, held_out.jsonl, and what the trainer writes (model/)
evaluate/CHECKPOINT/SLOT/   scores.json, and what the evaluator writes
report/                index.html, model_card.md, data_card.md
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from langadapt import registry, stages
from langadapt.assembly import pack_files
from langadapt.checkpoints import from_facts, to_facts
from langadapt.errors import ConfigError, DataError
from langadapt.identity import component_identity, folder_digest, model_identity
from langadapt.interfaces import Checkpoint, ModelRef, Progress, Score, TrainingJob
from langadapt.judging import Named
from langadapt.languages import Language, LanguagePack
from langadapt.models.tokens import TokenCounter
from langadapt.prepare.routing import Router
from langadapt.preparing import Preparing
from langadapt.provenance import memory_identity
from langadapt.recipe import Recipe
from langadapt.runner import STAGES, Run
from langadapt.schema import Source
from langadapt.segments import MODE
from langadapt.slots import Slot
from langadapt.translating import How, check_context
from langadapt.translations import Paths

SOURCE = "en"


@dataclass(frozen=True)
class Pipeline:
    """Everything that a run needs; `components` are built when the recipe is read, so that mistakes come first."""

    run: Run
    recipe: Recipe
    pack: LanguagePack
    components: Mapping[str, Any]
    progress: Progress
    limit: int | None = None

    def __post_init__(self) -> None:
        check_context(self.components.get("translate"), self.recipe.translate.options.get("context", 0))

    def execute(self, until: str = "report") -> None:
        """Run the stages up to `until`; a step whose settings, code and input are unchanged is skipped."""
        from langadapt.report import write_report

        check_stage(until)
        work: dict[str, Callable[[], object]] = {
            "prepare": self.prepare,
            "translate": self.translate,
            "filter": self.filter,
            "train": self.train,
            "evaluate": self.evaluate,
            "report": lambda: write_report(self.run, self.recipe, self.pack),
        }
        for stage in STAGES[: STAGES.index(until) + 1]:
            work[stage]()

    @property
    def streams(self) -> list[str]:
        """The streams that the sources feed, in order."""
        return list(dict.fromkeys(source.stream for source in self.recipe.sources))

    def prepare(self) -> None:
        """Sources to records."""
        recipe = self.recipe
        files = [Path(source.path) for source in recipe.sources if Path(source.path).is_file()]
        counter = self._counter() if recipe.prepare.at_most_tokens else None
        gates = [Named(slot.name, self.components[slot.address]) for slot in recipe.select]
        settings = {
            "sources": [_source_identity(source) for source in recipe.sources],
            "template": self._template(),
            "prepare": asdict(recipe.prepare),
            "select": {named.name: component_identity(named.filter, "fingerprint") for named in gates},
            "limit": self.limit,
            "seed": recipe.seed,
            "tokenizer": model_identity(ModelRef.parse(recipe.base)) if counter and recipe.base else None,
        }
        with self.run.step("prepare", settings=settings, inputs=files) as step, ExitStack() as stack:
            if not self._begin(step):
                return
            for named in gates:
                stages.closing(stack, named.filter)
            work = Preparing(
                settings=recipe.prepare, seed=recipe.seed, pack=registry.pack(SOURCE), gates=gates,
                count_tokens=counter.count if counter else None, limit=self.limit, progress=self.progress,
                takes={slot.name: self.components[slot.address].takes for slot in recipe.train},
            )  # fmt: skip
            for stream in self.streams:
                if stream not in work.takes:
                    self.progress.say(f"stream {stream}: no trainer of this recipe takes it")
            step.facts |= stages.prepare(recipe.sources, work, step.folder)

    def translate(self) -> None:
        """Records to translated records, stream by stream."""
        translator = self.components["translate"]
        options = self.recipe.translate.options
        mode, routed = options.get("segmentation", MODE), options.get("routing", True)
        context = options.get("context", 0)
        how = How(Router.over(self.recipe.sources, self.pack, routed=routed), context)
        settings = {
            "translator": component_identity(translator, "fingerprint"),
            "mode": mode,
            "routing": routed and self.pack.routing,
            "target": self.pack.language.code,
            **({"context": context} if context else {}),
            **({"stays": sorted(how.router.stays)} if how.router.stays else {}),
        }
        with ExitStack() as stack:
            stages.closing(stack, translator)
            for stream in self.streams:
                rows = self.run.folder / "prepare" / f"{stream}.jsonl"
                with self.run.step(f"translate/{stream}", settings=settings, inputs=[rows]) as step:
                    if self._begin(step):
                        out = Paths.beside(step.path("rows.jsonl"))
                        step.facts |= stages.translate(
                            rows,
                            out,
                            translator,
                            languages=(Language.of(SOURCE), self.pack.language),
                            mode=mode,
                            progress=self.progress,
                            how=how,
                        )
                        step.facts["engine"] = self.recipe.translate.use
                        step.facts["memory"] = memory_identity(translator)

    def filter(self) -> None:
        """Translated records to kept ones."""
        filters = [Named(slot.name, self.components[slot.address]) for slot in self.recipe.filters]
        settings = {named.name: component_identity(named.filter, "fingerprint") for named in filters}
        with ExitStack() as stack:
            for named in filters:
                stages.closing(stack, named.filter)
            for stream in self.streams:
                source = self.run.folder / "prepare" / f"{stream}.jsonl"
                out = Paths.beside(self.run.folder / "translate" / stream / "rows.jsonl")
                with self.run.step(
                    f"filter/{stream}",
                    settings=settings,
                    inputs=[source, out.rows, out.segments, *pack_files(self.pack)],
                ) as step:
                    if self._begin(step):
                        step.facts |= stages.filter_rows(
                            source,
                            out,
                            filters,
                            pack=self.pack,
                            source=Language.of(SOURCE),
                            kept=step.path("kept.jsonl"),
                            progress=self.progress,
                        )

    def train(self) -> None:
        """Each trainer in turn; a checkpoint is the next one's base."""
        checkpoint = self._base() if self.recipe.train else None
        for slot in self.recipe.train:
            assert checkpoint is not None
            checkpoint = self._train(slot, checkpoint)

    def _train(self, slot: Slot, base: Checkpoint) -> Checkpoint:
        trainer = self.components[slot.address]
        rows = self.run.folder / "filter" / slot.name / "kept.jsonl"
        if not rows.exists():
            raise DataError(
                f"train.{slot.name}: no source feeds the stream {slot.name!r}",
                hint=f"streams: {', '.join(self.streams)}",
            )
        settings = {
            "trainer": component_identity(trainer, "fingerprint"),
            "base": model_identity(base.model),
            "template": self._template(),
            "held_out": self.recipe.prepare.held_out,
            "seed": self.recipe.seed,
        }
        with self.run.step(f"train/{slot.name}", settings=settings, inputs=[rows]) as step:
            if self._begin(step):
                job = TrainingJob(
                    name=slot.name, records=step.path("records.jsonl"), held_out=step.path("held_out.jsonl"), base=base.model,
                    chat_template=self.recipe.chat_template, output=step.folder, seed=self.recipe.seed,
                )  # fmt: skip
                stages.split(
                    rows, job.records, job.held_out, share=self.recipe.prepare.held_out, takes=trainer.takes
                )
                with ExitStack() as stack:
                    made = stages.closing(stack, trainer).train(job, progress=self.progress)
                step.facts["checkpoint"] = to_facts(made, step.folder)
            return from_facts(step.facts["checkpoint"], step.folder, self.recipe.chat_template)

    def evaluate(self) -> None:
        """The base and every checkpoint, by every evaluator."""
        for checkpoint in self.checkpoints():
            for slot in self.recipe.evaluate:
                self._evaluate(slot, checkpoint)

    def _evaluate(self, slot: Slot, checkpoint: Checkpoint) -> None:
        evaluator = self.components[slot.address]
        settings = {
            "evaluator": component_identity(evaluator, "fingerprint"),
            "model": model_identity(checkpoint.model),
            "limit": self.limit,
            "seed": self.recipe.seed,
        }
        template = [Path(self.recipe.chat_template)] if self.recipe.chat_template else []
        with self.run.step(
            f"evaluate/{checkpoint.name}/{slot.name}",
            settings=settings,
            inputs=[*template, *pack_files(self.pack)],
        ) as step:
            if not self._begin(step):
                return
            with ExitStack() as stack:
                scores: list[Score] = stages.closing(stack, evaluator).evaluate(
                    checkpoint,
                    pack=self.pack,
                    output=step.folder,
                    limit=self.limit,
                    seed=self.recipe.seed,
                    progress=self.progress,
                )
            step.path("scores.json").write_text(
                json.dumps([asdict(score) for score in scores], ensure_ascii=False, indent=1),
                encoding="utf-8",
            )
            step.facts["scores"] = len(scores)

    def checkpoints(self) -> Iterator[Checkpoint]:
        """The base, then what each trainer made."""
        yield self._base()
        manifests = self.run.manifests()
        for slot in self.recipe.train:
            name = f"train/{slot.name}"
            yield from_facts(
                manifests[name]["facts"]["checkpoint"], self.run.folder / name, self.recipe.chat_template
            )

    def _template(self) -> str | None:
        return self.recipe.chat_template and Path(self.recipe.chat_template).read_text(encoding="utf-8")

    def _base(self) -> Checkpoint:
        if self.recipe.base is None:
            raise ConfigError(
                f"no base model: neither the recipe {self.recipe.name!r} nor the pack {self.pack.language.code!r} names one",
                hint="--set base=ORG/MODEL",
            )
        return Checkpoint(
            name="base", model=ModelRef.parse(self.recipe.base), chat_template=self.recipe.chat_template
        )

    def _counter(self) -> TokenCounter:
        base = self._base()
        return TokenCounter(base.model, Path(base.chat_template) if base.chat_template else None)

    def _begin(self, step: Any) -> bool:
        self.progress.say(f"{step.name}: {'running' if step.needed else 'unchanged, skipped'}")
        return bool(step.needed)


def check_stage(name: str) -> None:
    """Raise `ConfigError` for what is no stage."""
    if name not in STAGES:
        raise ConfigError(f"no stage is called {name!r}", hint=f"stages: {', '.join(STAGES)}")


def _source_identity(source: Source) -> dict[str, Any]:
    """A source as it is asked for; a local one by its content, wherever it lies."""
    path = Path(source.path)
    here = {"path": folder_digest(path) if path.is_dir() else path.name} if path.exists() else {}
    told = asdict(source)
    del told["translate"]  # what is read is the same
    return {**told, **here}

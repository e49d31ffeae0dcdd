"""What a run did, gathered from its manifests and files into plain values. Whatever has not run yet is empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langadapt.languages import Language, LanguagePack
from langadapt.prepare.known import terms_of
from langadapt.recipe import Recipe
from langadapt.report.data import CONTAMINATION, DataFacts, SourceFacts, read_data, read_sources
from langadapt.report.examples import Example, examples
from langadapt.report.formats import place
from langadapt.report.reproduce import Reproduction, reproduction
from langadapt.report.scores import Scores, read_scores
from langadapt.report.training import TrainingFacts, read_training
from langadapt.runner import STAGES, Run

Manifests = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class FunnelStep:
    """Records that were left after a piece of work, and why others were lost in it."""

    label: str
    left: int
    lost: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StreamFacts:
    """One stream's way through the stages; None for a stage that has not run. `left` stayed in the source language."""

    name: str
    steps: tuple[FunnelStep, ...]
    prepared: int
    translated: int | None
    untouched: int | None
    left: int
    held: dict[str, int]
    kept: int | None
    dropped: dict[str, dict[str, int]]

    @property
    def losses(self) -> int:
        """Translated records that a gate dropped."""
        return sum(sum(why.values()) for why in self.dropped.values())

    @property
    def idle(self) -> list[str]:
        """The gates that dropped nothing."""
        return [gate for gate, why in self.dropped.items() if not sum(why.values())]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one step took."""

    step: str
    seconds: float
    tokens_in: int | None
    tokens_out: int | None
    segments: int | None
    unique: int | None
    remembered: int | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that the page, the cards and the terminal table say."""

    title: str
    recipe: str
    demonstration: bool
    language: Language
    base: str
    translator: str
    begun: str
    sources: tuple[SourceFacts, ...]
    streams: tuple[StreamFacts, ...]
    data: DataFacts
    gates: tuple[str, ...]
    examples: tuple[Example, ...]
    training: tuple[TrainingFacts, ...]
    unfinished: tuple[TrainingFacts, ...]
    scores: Scores
    costs: tuple[Cost, ...]
    reproduction: Reproduction

    def total(self, name: str) -> int:
        """A count of all streams together."""
        return sum(getattr(stream, name) or 0 for stream in self.streams)

    def reached(self, stage: str) -> bool:
        """Whether any step of a stage is done."""
        return any(cost.step.split("/")[0] == stage for cost in self.costs)


def gather(run: Run, recipe: Recipe, pack: LanguagePack) -> Facts:
    """Read what the finished steps left behind."""
    manifests = _in_order(run, recipe)
    prepared = _found(manifests, "prepare")
    terms = {term.key: term for source in recipe.sources for term in terms_of(source)}
    sources = tuple(read_sources(prepared.get("sources", {}), run.folder, pack.folder, terms))
    streams = tuple(_stream(name, manifests, sources) for name in prepared.get("streams", {}))
    looking = [slot.address for slot in recipe.select if CONTAMINATION in slot.use]
    looking += [slot.name for slot in recipe.filters if CONTAMINATION in slot.use]
    trained = tuple(read_training(recipe, manifests, run.folder, pack))
    training = tuple(one for one in trained if one.checkpoint)
    return Facts(
        title=recipe.title,
        recipe=recipe.name,
        demonstration=recipe.demonstration,
        language=pack.language,
        base=place(recipe.base or "", run.folder, pack.folder),
        translator=_translator(recipe, run.folder, pack),
        begun=min((str(content["begun"]) for content in manifests.values()), default=""),
        sources=sources,
        streams=streams,
        data=read_data(
            run.folder,
            [stream.name for stream in streams if stream.kept is not None],
            recipe.prepare.held_out,
            looking,
            prepared,
        ),
        gates=tuple(slot.name for slot in recipe.filters),
        examples=tuple(
            examples(run.folder, [s.name for s in streams if s.kept is not None], pack.language.code)
        ),
        training=training,
        unfinished=tuple(one for one in trained if not one.checkpoint),
        scores=read_scores(run.folder, recipe, pack, [trained.checkpoint for trained in training]),
        costs=tuple(_cost(name, content) for name, content in manifests.items()),
        reproduction=reproduction(recipe, pack, manifests),
    )


def files(run: Run) -> list[Path]:
    """What the report reads: a change in any of these makes it stale."""
    evaluated = [f"evaluate/*/*/{name}" for name in ("scores.json", "tasks.json", "answers.jsonl")]
    patterns = ("prepare/*.jsonl", "translate/*/*.jsonl", "filter/*/*.jsonl", "train/*/*.jsonl", *evaluated)
    found = {path for pattern in patterns for path in run.folder.glob(pattern)}
    found |= {run.folder / name / "manifest.json" for name in run.manifests() if name != "report"}
    return sorted(found)


def _in_order(run: Run, recipe: Recipe) -> Manifests:
    """The finished steps: by stage, then in the recipe's order."""
    slots = [slot.name for slot in (*recipe.train, *recipe.evaluate)]
    order = {
        name: number
        for number, name in enumerate(["base", *dict.fromkeys(s.stream for s in recipe.sources), *slots])
    }
    there = {name: content for name, content in run.manifests().items() if name != "report"}

    def place_of(name: str) -> list[int]:
        stage, *parts = name.split("/")
        return [STAGES.index(stage), *(order.get(part, len(order)) for part in parts)]

    return {name: there[name] for name in sorted(there, key=place_of)}


def _found(manifests: Manifests, step: str) -> Mapping[str, Any]:
    content = manifests.get(step)
    return content["facts"] if content else {}


def _stream(name: str, manifests: Manifests, sources: tuple[SourceFacts, ...]) -> StreamFacts:
    own = [source for source in sources if source.stream == name]
    prepared = _found(manifests, "prepare")["streams"][name]
    early: dict[str, int] = {}
    for source in own:
        for reason, number in source.dropped.items():
            early[reason] = early.get(reason, 0) + number
    steps = [FunnelStep(label="read", left=sum(source.rows for source in own))]
    steps.append(FunnelStep(label="prepared", left=prepared, lost=sum(early.values()), reasons=early))
    translated = _found(manifests, f"translate/{name}")
    held = translated.get("held", {})
    if translated:
        steps.append(
            FunnelStep(
                label="translated",
                left=translated["translated"] + translated.get("untouched", 0),
                lost=sum(held.values()),
                reasons=held,
            )
        )
    filtered = _found(manifests, f"filter/{name}")
    left = translated.get("translated", 0) + translated.get("untouched", 0)
    for gate, why in filtered.get("dropped", {}).items():
        if lost := sum(why.values()):
            left -= lost
            steps.append(FunnelStep(label=gate, left=left, lost=lost, reasons=why))
    return StreamFacts(
        name=name,
        steps=tuple(steps),
        prepared=prepared,
        translated=translated.get("translated"),
        untouched=translated.get("untouched"),
        left=sum(translated.get("routed", {}).get("untouched", {}).values()),
        held=held,
        kept=filtered.get("kept"),
        dropped=filtered.get("dropped", {}),
    )


def _translator(recipe: Recipe, folder: Path, pack: LanguagePack) -> str:
    model = recipe.translate.settings.get("model")
    stated = str(getattr(model, "value", "") or "")
    return (
        f"{place(stated, folder, pack.folder)} ({recipe.translate.use})" if stated else recipe.translate.use
    )


def _cost(name: str, content: Mapping[str, Any]) -> Cost:
    told = content["facts"]
    columns = ("tokens_in", "tokens_out", "segments", "unique", "remembered")
    return Cost(step=name, seconds=content.get("seconds", 0.0), **{key: told.get(key) for key in columns})

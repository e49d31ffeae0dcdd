"""Any other translator, spread over the workers of a Ray cluster: one machine's processes, or many machines."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Annotated, Any, ClassVar

from langadapt.errors import ConfigError, MachineError
from langadapt.interfaces import SPEED, Hypothesis, Loads, Segment, Translator
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.translators.ray_crew import LOGS, Crew, Place, Told

_PATIENCE_S = 600.0
"""How long a cluster may take until it has room for a first worker."""
_EVEN = 4
"""Blocks for each worker, at least, so that none is left alone with long texts."""


@dataclass(frozen=True)
class Block:
    """Places of segments that are handed out together, and how often a worker ended while it had them."""

    places: tuple[int, ...]
    losses: int = 0


@dataclass(frozen=True, kw_only=True)
class RayTranslator(Loads):
    """Another translator on many workers at once; what a worker had in hand when it ended is done again.

    Every machine of a cluster needs the same installation, and the models, keys and folders that the translator names.
    """

    requires: ClassVar[tuple[str, ...]] = ("ray",)
    output_version: ClassVar[int] = 1
    stands_for: ClassVar[str] = "translator"
    translator: Annotated[Translator, "the translator that each worker runs"]
    workers: Annotated[int, "how many work at once", SPEED] = 2
    cpus: Annotated[float, "CPUs of each worker", SPEED] = 1.0
    gpus: Annotated[float, "GPUs of each worker, or a part of one, such as 0.5", SPEED] = 0.0
    address: Annotated[
        str | None, "a running cluster to join, `auto` or its address; else one is started here", SPEED
    ] = None
    block: Annotated[int, "segments handed to a worker at once", SPEED] = 128
    restarts: Annotated[
        int, "how often segments are done again whose worker ended, the last time one by one", SPEED
    ] = 2

    def __post_init__(self) -> None:
        least = {"workers": 1, "block": 1, "cpus": 0, "gpus": 0, "restarts": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must not be below {low}")

    @property
    def deterministic(self) -> bool:
        """As the translator that is spread."""
        return self.translator.deterministic

    def check(self, pack: LanguagePack) -> None:
        """Refuse what the translator refuses."""
        if hasattr(self.translator, "check"):
            self.translator.check(pack)

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """The hypotheses of a block as soon as its worker has them all."""
        if not texts:
            return
        if "_crew" in self.__dict__ and not self._crew.there:
            del self.__dict__["_crew"]  # whoever began the cluster has ended it
        with closing(Round(self._crew, texts, (source, target), self.restarts)) as work:
            yield from work.results(self._blocks(texts))

    def close(self) -> None:
        """End the workers, and the cluster where it was started for them."""
        if "_crew" in self.__dict__:
            self._crew.close()
        super().close()

    @cached_property
    def _crew(self) -> Crew:
        return Crew(self.translator, Place(self.workers, self.cpus, self.gpus, self.address))

    def _blocks(self, texts: Sequence[Segment]) -> list[Block]:
        """The places of texts of like length, the longest first."""
        places = sorted(range(len(texts)), key=lambda place: len(texts[place].text), reverse=True)
        size = min(self.block, ceil(len(texts) / (_EVEN * self.workers)))
        return [Block(tuple(places[start : start + size])) for start in range(0, len(places), size)]


class Round:
    """One work list on its way through a crew: a block for each worker, the next one as soon as it is free."""

    def __init__(
        self, crew: Crew, texts: Sequence[Segment], languages: tuple[Language, Language], restarts: int
    ) -> None:
        self._crew, self._texts, self._languages, self._restarts = crew, texts, languages, restarts
        self._waiting: deque[Block] = deque()
        self._idle: deque[int] = deque()
        self._running: dict[Any, tuple[int, Block]] = {}
        self._ended = 0

    def results(self, blocks: list[Block]) -> Iterator[tuple[int, Hypothesis]]:
        """The hypotheses of all blocks, in the order in which these are done."""
        self._waiting.extend(blocks)
        for number in range(len(self._crew.workers)):
            self._await(number)
        while self._waiting or any(block.places for _, block in self._running.values()):
            done, _ = self._crew.ray.wait(list(self._running), timeout=_PATIENCE_S)
            if not done:
                if not any(block.places for _, block in self._running.values()):
                    raise self._crew.no_room(_PATIENCE_S)
                continue
            number, block = self._running.pop(done[0])
            told = self._received(done[0], number, block)
            while self._idle and self._waiting:
                self._hand_out(self._idle.popleft(), self._waiting.popleft())
            yield from told

    def close(self) -> None:
        """End what works on for nobody: Ray interrupts no call, and may lose the next one where it is told to."""
        if self._crew.there:
            for number, block in self._running.values():
                if block.places:
                    self._crew.end(number)

    def _await(self, number: int) -> None:
        self._running[self._crew.worker(number).ready.remote()] = (number, Block(()))

    def _hand_out(self, number: int, block: Block) -> None:
        texts = [self._texts[place] for place in block.places]
        ref = self._crew.worker(number).translate.remote(texts, *self._languages)
        self._running[ref] = (number, block)

    def _received(self, ref: Any, number: int, block: Block) -> Told:
        """What a worker gives; where it ended instead, another takes its place, and the block is done again."""
        errors = self._crew.ray.exceptions
        try:
            told = self._crew.ray.get(ref)
        except errors.RayTaskError as error:
            raise error.cause from error
        except errors.RayError as error:
            self._ended += 1
            if self._ended > (self._restarts + 1) * (len(self._crew.workers) + 1):
                raise self._hopeless(error) from error
            self._crew.end(number)
            self._await(number)
            return self._again(block)
        self._idle.append(number)
        self._crew.begun.add(number)
        if block.places:
            self._ended = 0
        return [(block.places[index], hypothesis) for index, hypothesis in told]

    def _again(self, block: Block) -> Told:
        losses = block.losses + 1
        if losses > self._restarts:
            reason = f"worker: it ended {losses} times while it had this text"
            return [(place, Hypothesis(text="", finish="error", reason=reason)) for place in block.places]
        alone = losses == self._restarts
        parts = [(place,) for place in block.places] if alone else [block.places]
        self._waiting.extendleft(Block(part, losses) for part in parts if part)
        return []

    def _hopeless(self, error: Exception) -> MachineError:
        last = " ".join(str(error).split())
        return MachineError(
            f"workers on Ray end one after another, {self._ended} by now, and no block is done: {last:.300}",
            hint=f"memory may be short: fewer `workers`, a smaller model; {LOGS}",
        )

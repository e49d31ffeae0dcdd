"""Simulated engines with a clock of their own, and data for them."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from langadapt.interfaces import SPEED, Hypothesis, Segment
from langadapt.languages import Language

WORDS = (  # noqa: SIM905 - as a list it would be a line for each
    "the of and to in is that it for on with as was at by this from or have an they which one you were all her she there would "
    "their we him been has when who will no more if out so up said what its about than into them can only other time new some "
    "could these two may first then do any like my now over such our man me even most made after also did many off before must "
    "well back through years much where your way down should because long each just state those people too mr how little good"
).split()


@dataclass
class Clock:
    """Seconds that nobody waits for."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class World:
    """How one simulated engine and its data are."""

    seed: int
    rows: int
    lines: float
    words: float
    spread: float
    repeated: float
    batch: int
    step: float
    per_text: float
    noise: float
    load: float
    expansion: float
    unfinished: float
    stream: bool

    @classmethod
    def drawn(cls, seed: int, *, quick: bool) -> World:
        """One at random."""
        rng = random.Random(seed)
        few, many = (400, 900) if quick else (800, 2000)
        return cls(
            seed=seed, rows=rng.randint(few, many), lines=rng.uniform(2, 8), words=rng.uniform(6, 30), spread=rng.uniform(0.3, 0.9),
            repeated=rng.uniform(0, 0.3), batch=rng.choice((1, 8, 16, 32, 48, 64)), step=10 ** rng.uniform(-3, -1),
            per_text=10 ** rng.uniform(-4, -2), noise=rng.uniform(0.02, 0.3), load=rng.uniform(0, 60), expansion=rng.uniform(0.8, 2.2),
            unfinished=rng.uniform(0, 0.03), stream=rng.random() < 0.3,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A translator that says how long it would have taken: batches of what is longest first, or one text as another ends."""

    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True
    name: str
    world: Annotated[World, SPEED] = field(repr=False)
    clock: Annotated[Clock, SPEED] = field(repr=False)
    loaded: Annotated[list[bool], SPEED] = field(default_factory=list, repr=False)
    tokens: Annotated[list[int], SPEED] = field(default_factory=list, repr=False)

    def translate(
        self, texts: Sequence[Segment], *, source: Language, target: Language
    ) -> Iterator[tuple[int, Hypothesis]]:
        """Longest first; a batch takes as long as its longest text, a stream as long as all its tokens over its width."""
        del source, target
        world = self.world
        if texts and not self.loaded:
            self.loaded.append(True)
            self.clock.now += world.load
        order = sorted(range(len(texts)), key=lambda index: len(texts[index].text), reverse=True)
        rng = random.Random(f"{world.seed} {len(texts)} {texts[0].text if texts else ''}")
        for start in range(0, len(order), world.batch):
            made = [(index, self._made(texts[index].text)) for index in order[start : start + world.batch]]
            steps = [told.tokens_out for _, told in made]
            self.tokens.append(sum(steps))
            slow = math.exp(rng.gauss(0, world.noise))
            if world.stream:
                for one, steps_of_one in zip(made, steps, strict=True):
                    self.clock.now += slow * (steps_of_one * world.step + world.per_text) / world.batch
                    yield one
                continue
            self.clock.now += slow * (max(steps) * world.step + len(steps) * world.per_text)
            yield from made

    def _made(self, text: str) -> Hypothesis:
        """The answer to a text, the same each time, as long as it happens to be."""
        rng = random.Random(f"{self.world.seed} {text}")
        words = text.split()
        count = max(1, round(len(words) * self.world.expansion * math.exp(rng.gauss(0, 0.25))))
        finish = "length" if rng.random() < self.world.unfinished else "stop"
        said = (
            " ".join(word.upper() for word in (words * (count // len(words) + 1))[:count])
            if finish == "stop"
            else ""
        )
        return Hypothesis(
            text=said,
            finish=finish,
            tokens_in=len(words),
            tokens_out=count,
            reason="cut" * (finish != "stop"),
        )

    def close(self) -> None:
        pass


def conversations(world: World, path: Path) -> None:
    """Rows as people's are: few long, many short, and lines that come again."""
    rng = random.Random(world.seed)
    usual = [_line(rng, world) for _ in range(30)]
    with path.open("w", encoding="utf-8") as out:
        for number in range(world.rows):
            turns = []
            for role in ("user", "assistant") * max(1, int(rng.expovariate(0.7)) + 1):
                count = max(
                    1, round(rng.lognormvariate(math.log(world.lines), 0.6) * (0.4 if role == "user" else 1))
                )
                said = [
                    rng.choice(usual) if rng.random() < world.repeated else _line(rng, world)
                    for _ in range(count)
                ]
                turns.append({"role": role, "content": "\n\n".join(said)})
            out.write(json.dumps({"id": f"row-{number}", "messages": turns}) + "\n")


def _line(rng: random.Random, world: World) -> str:
    count = max(2, round(rng.lognormvariate(math.log(world.words), world.spread)))
    return " ".join(rng.choices(WORDS, k=count)).capitalize() + "."

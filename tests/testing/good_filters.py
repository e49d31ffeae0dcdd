"""Filters that the contract lets pass."""

from dataclasses import dataclass, replace
from typing import Annotated

from langadapt.errors import ConfigError
from langadapt.interfaces import Loads, Verdict


@dataclass(frozen=True, kw_only=True)
class Good(Loads):
    """Drops a record with a segment that came back more than so many times as long as it was sent."""

    at_most: Annotated[float, "largest target length over source length"] = 3.0

    def filter(self, batch, *, source, pack):
        return [self.judge(item) for item in batch]

    def judge(self, item):
        for index, pair in enumerate(item.pairs):
            ratio = (len(pair.target) + 20) / (len(pair.source) + 20)
            if ratio > self.at_most:
                reason = f"length: {ratio:.1f} times as long"
                return Verdict(
                    keep=False, reason=reason, score=ratio, segment=index, span=(0, len(pair.target))
                )
        return Verdict(keep=True, score=1.0)


@dataclass(frozen=True, kw_only=True)
class Refusing(Good):
    """Knows German alone."""

    def filter(self, batch, *, source, pack):
        if pack.language.code != "de":
            raise ConfigError("only German")
        return super().filter(batch, source=source, pack=pack)


@dataclass(frozen=True, kw_only=True)
class Rounding(Good):
    """A model whose scores differ a little with the size of the batch."""

    def filter(self, batch, *, source, pack):
        return [
            replace(one, score=one.score + 1e-5 * len(batch))
            for one in super().filter(batch, source=source, pack=pack)
        ]


@dataclass(frozen=True, kw_only=True)
class KeepsAll(Good):
    def judge(self, item):
        return Verdict(keep=True)


GOOD = [Good, Refusing, Rounding, KeepsAll]

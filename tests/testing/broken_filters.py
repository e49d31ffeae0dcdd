"""Filters with one fault each, and good ones; `BROKEN` names the check that finds it and the fix."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar

from langadapt.interfaces import Verdict
from langadapt.records import Preference
from testing.good_filters import Good


@dataclass(frozen=True, kw_only=True)
class GivesTheKept(Good):
    def filter(self, batch, *, source, pack):
        return [one for one in super().filter(batch, source=source, pack=pack) if one.keep]


@dataclass(frozen=True, kw_only=True)
class Yields(Good):
    def filter(self, batch, *, source, pack):
        yield from super().filter(batch, source=source, pack=pack)


@dataclass(frozen=True, kw_only=True)
class GivesFlags(Good):
    def judge(self, item):
        return super().judge(item).keep


@dataclass(frozen=True, kw_only=True)
class GivesNoReason(Good):
    def judge(self, item):
        return replace(super().judge(item), reason="")


@dataclass(frozen=True, kw_only=True)
class KeepsAsNumpy(Good):
    def judge(self, item):
        import numpy as np

        return replace(super().judge(item), keep=np.bool_(True))


@dataclass(frozen=True, kw_only=True)
class ScoresNan(Good):
    def judge(self, item):
        return replace(super().judge(item), score=float("nan"))


@dataclass(frozen=True, kw_only=True)
class ScoresAsTensor(Good):
    def judge(self, item):
        import numpy as np

        return replace(super().judge(item), score=np.float32(1))


@dataclass(frozen=True, kw_only=True)
class CountsSegmentsFromOne(Good):
    def judge(self, item):
        told = super().judge(item)
        return replace(told, segment=len(item.pairs)) if told.segment is not None else told


@dataclass(frozen=True, kw_only=True)
class SpansOfTheSource(Good):
    def judge(self, item):
        told = super().judge(item)
        if told.segment is None:
            return told
        pair = item.pairs[told.segment]
        return replace(told, span=(0, len(pair.source) + len(pair.target)))


@dataclass(frozen=True, kw_only=True)
class SpansOfNothing(Good):
    def judge(self, item):
        return Verdict(keep=True, span=(0, 1))


@dataclass(frozen=True, kw_only=True)
class SortsByLength(Good):
    def filter(self, batch, *, source, pack):
        ordered = sorted(batch, key=lambda item: len("".join(item.target.texts)))
        return [Verdict(keep=True, score=len("".join(item.target.texts))) for item in ordered]


@dataclass(frozen=True, kw_only=True)
class ComparesWithTheMean(Good):
    def filter(self, batch, *, source, pack):
        sizes = [sum(map(len, item.target.texts)) for item in batch]
        mean = sum(sizes) / max(1, len(sizes))
        return [
            Verdict(keep=size <= 1.5 * mean, reason="length: above the mean", score=1.0) for size in sizes
        ]


@dataclass(frozen=True, kw_only=True)
class FindsDoubles(Good):
    """Remembers what it has seen, and drops it when it comes again."""

    @cached_property
    def seen(self):
        return set()

    def judge(self, item):
        texts = item.target.texts
        known = texts in self.seen
        self.seen.add(texts)
        return Verdict(keep=not known, reason="double: seen before" if known else "")


@dataclass(frozen=True, kw_only=True)
class Draws(Good):
    def judge(self, item):
        import random

        return Verdict(keep=True, score=random.random())


@dataclass(frozen=True, kw_only=True)
class NeedsRecords(Good):
    def filter(self, batch, *, source, pack):
        max(len(item.pairs) for item in batch)
        return super().filter(batch, source=source, pack=pack)


@dataclass(frozen=True, kw_only=True)
class ChangesTheBatch(Good):
    def filter(self, batch, *, source, pack):
        if isinstance(batch, list):
            batch.sort(key=lambda item: str(item.target.id))
        return super().filter(batch, source=source, pack=pack)


@dataclass(frozen=True, kw_only=True)
class MarksRecords(Good):
    def judge(self, item):
        item.target.extra["seen"] = True
        return super().judge(item)


@dataclass(frozen=True, kw_only=True)
class TooStrict(Good):
    at_most: Annotated[float, "largest target length over source length"] = 0.9


@dataclass(frozen=True, kw_only=True)
class EncodesTexts(Good):
    def judge(self, item):
        "".join(item.target.texts).encode("utf-8")
        return super().judge(item)


@dataclass(frozen=True, kw_only=True)
class Divides(Good):
    def judge(self, item):
        _ = [1 / len(text) for text in item.target.texts]
        return super().judge(item)


@dataclass(frozen=True, kw_only=True)
class NeedsPairs(Good):
    def judge(self, item):
        _ = item.pairs[0]
        return super().judge(item)


@dataclass(frozen=True, kw_only=True)
class NoPreferences(Good):
    def judge(self, item):
        if isinstance(item.target, Preference):
            raise TypeError("turns only")
        return super().judge(item)


@dataclass(frozen=True, kw_only=True)
class NeedsLiterals(Good):
    def filter(self, batch, *, source, pack):
        _ = pack.literals["phrases"]["refusal"]
        return super().filter(batch, source=source, pack=pack)


@dataclass(frozen=True, kw_only=True)
class Exits(Good):
    def judge(self, item):
        raise SystemExit("no model")


@dataclass(frozen=True, kw_only=True)
class CarriesItsModel(Good):
    def judge(self, item):
        self.__dict__.setdefault("model", bytes(100_000))
        return super().judge(item)

    def __getstate__(self):
        return dict(self.__dict__)


@dataclass(frozen=True, kw_only=True)
class HoldsALock(Good):
    @cached_property
    def lock(self):
        import threading

        return threading.Lock()

    def judge(self, item):
        with self.lock:
            return super().judge(item)

    def __getstate__(self):
        return dict(self.__dict__)


@dataclass(frozen=True, kw_only=True)
class SaysNothingOfItself(Good):
    words: int = 4


@dataclass(frozen=True, kw_only=True)
class NoClose:
    at_most: ClassVar[float] = 3.0

    def filter(self, batch, *, source, pack):
        return [Verdict(keep=True) for _ in batch]


BROKEN = {
    GivesTheKept: ("one_verdict_for_each", "return one for each"),
    Yields: ("one_verdict_for_each", "return a list"),
    GivesFlags: ("one_verdict_for_each", "langadapt.interfaces.Verdict"),
    GivesNoReason: ("one_verdict_for_each", "a drop needs a reason"),
    KeepsAsNumpy: ("one_verdict_for_each", "write bool(...)"),
    ScoresNan: ("one_verdict_for_each", "a finite number"),
    ScoresAsTensor: ("one_verdict_for_each", "write float(...)"),
    CountsSegmentsFromOne: ("one_verdict_for_each", "is an index into them"),
    SpansOfTheSource: ("one_verdict_for_each", "where in it the fault begins"),
    SpansOfNothing: ("one_verdict_for_each", "or give no span"),
    SortsByLength: ("the_same_in_any_batch", "judge each record by itself"),
    ComparesWithTheMean: ("the_same_in_any_batch", "judge each record by itself"),
    FindsDoubles: ("the_same_in_any_batch", "keep nothing from one to the next"),
    Draws: ("the_same_in_any_batch", "seed what draws"),
    NeedsRecords: ("no_records_give_no_verdicts", "max() "),
    ChangesTheBatch: ("the_batch_is_left_as_it_was", "work on copies"),
    MarksRecords: ("the_batch_is_left_as_it_was", "work on copies"),
    TooStrict: ("good_translations_are_kept", "exemplar-"),
    EncodesTexts: ("odd_texts_are_judged", "'\\ud800'"),
    Divides: ("odd_texts_are_judged", "ZeroDivisionError"),
    NeedsPairs: ("what_was_not_translated_is_judged", "IndexError"),
    NoPreferences: ("one_verdict_for_each", "turns only"),
    NeedsLiterals: ("a_language_without_a_pack", "KeyError"),
    Exits: ("one_verdict_for_each", "no model"),
    CarriesItsModel: ("pickles_its_settings_only", "langadapt.interfaces.Loads"),
    HoldsALock: ("pickles_its_settings_only", "langadapt.interfaces.Loads"),
    SaysNothingOfItself: ("settings_are_documented", "words: Annotated[type"),
    NoClose: ("fits_its_interface", "lacks close"),
}

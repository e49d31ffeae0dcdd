"""Translators with one fault each, and good ones; `BROKEN` names the check that finds it and the fix."""

import itertools
import random
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from langadapt.interfaces import Hypothesis
from langadapt.segments import PLACEHOLDER
from testing.good_translators import LIMIT, Good, Sampling, Whole


@dataclass(frozen=True, kw_only=True)
class DropsOne(Good):
    def translate(self, texts, *, source, target):
        yield from itertools.islice(super().translate(texts, source=source, target=target), len(texts) - 1)


@dataclass(frozen=True, kw_only=True)
class MergesEqual(Good):
    def translate(self, texts, *, source, target):
        for text in dict.fromkeys(texts):
            yield list(texts).index(text), self.answer(text)


@dataclass(frozen=True, kw_only=True)
class Doubles(Good):
    def translate(self, texts, *, source, target):
        for pair in super().translate(texts, source=source, target=target):
            yield pair
            yield pair


@dataclass(frozen=True, kw_only=True)
class CountsFromOne(Good):
    def translate(self, texts, *, source, target):
        for index, told in super().translate(texts, source=source, target=target):
            yield index + 1, told


@dataclass(frozen=True, kw_only=True)
class GivesAList(Good):
    def translate(self, texts, *, source, target):
        return [self.answer(text) for text in texts]


@dataclass(frozen=True, kw_only=True)
class GivesTexts(Good):
    def translate(self, texts, *, source, target):
        yield from ((index, self.answer(text).text) for index, text in enumerate(texts))


@dataclass(frozen=True, kw_only=True)
class NeedsTexts(Good):
    def translate(self, texts, *, source, target):
        longest = max(len(one.text) for one in texts)
        return (pair for pair in super().translate(texts, source=source, target=target) if longest >= 0)


@dataclass(frozen=True, kw_only=True)
class Sorts(Good):
    def translate(self, texts, *, source, target):
        if isinstance(texts, list):
            texts.sort(key=lambda one: len(one.text))
        return super().translate(texts, source=source, target=target)


@dataclass(frozen=True, kw_only=True)
class SaysItIsSure(Sampling):
    deterministic: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class DrawsOnceForAll(Good):
    """The same in one process, and other in the next."""

    deterministic: ClassVar[bool] = True

    @cached_property
    def drawn(self):
        return random.random()

    def said(self, text):
        return f"{super().said(text)} {self.drawn}"


@dataclass(frozen=True, kw_only=True)
class MindsItsBatch(Good):
    def translate(self, texts, *, source, target):
        for index, told in super().translate(texts, source=source, target=target):
            yield index, Hypothesis(text=f"{told.text} {len(texts)}") if told.finished else told


@dataclass(frozen=True, kw_only=True)
class MixesUp(Good):
    def translate(self, texts, *, source, target):
        told = dict(super().translate(texts, source=source, target=target))
        yield from ((index, told[len(texts) - 1 - index]) for index in range(len(texts)))


@dataclass(frozen=True, kw_only=True)
class CutsOff(Whole):
    def said(self, text):
        return super().said(text[:LIMIT])


@dataclass(frozen=True, kw_only=True)
class SaysNothing(Good):
    def answer(self, segment):
        return super().answer(segment) if segment.text.strip() else Hypothesis(text="")


@dataclass(frozen=True, kw_only=True)
class GivesNoReason(Good):
    def answer(self, segment):
        told = super().answer(segment)
        return told if told.finished else Hypothesis(text="", finish=told.finish)


@dataclass(frozen=True, kw_only=True)
class OtherFinish(Good):
    def answer(self, segment):
        return Hypothesis(text=self.said(segment.text) or "-", finish="done")


@dataclass(frozen=True, kw_only=True)
class ChokesOnOdd(Good):
    def answer(self, segment):
        segment.text.encode("ascii")
        return super().answer(segment)


@dataclass(frozen=True, kw_only=True)
class StripsTags(Good):
    def said(self, text):
        return super().said(PLACEHOLDER.sub("", text)) or "-"


@dataclass(frozen=True, kw_only=True)
class DoublesPlaceholders(Good):
    def said(self, text):
        return PLACEHOLDER.sub(lambda match: match[0] * 2, super().said(text))


@dataclass(frozen=True, kw_only=True)
class LeavesScraps(Good):
    """Escapes as HTML, puts the right ones back, and leaves the others too."""

    def said(self, text):
        return PLACEHOLDER.sub(lambda match: f"{match[0]} &lt;x{match[1]}&gt;", super().said(text))


@dataclass(frozen=True, kw_only=True)
class SpacesScraps(Good):
    def said(self, text):
        return PLACEHOLDER.sub(lambda match: f"{match[0]} < x {match[1]} >", super().said(text))


@dataclass(frozen=True, kw_only=True)
class TranslatesContext(Good):
    def answer(self, segment):
        told = super().answer(segment)
        return Hypothesis(text=f"{segment.context} {told.text}") if told.finished else told


@dataclass(frozen=True, kw_only=True)
class KnowsTwoLanguages(Good):
    def translate(self, texts, *, source, target):
        _ = {"en": 1, "de": 2}[source.code], {"en": 1, "de": 2}[target.code]
        return super().translate(texts, source=source, target=target)


@dataclass(frozen=True, kw_only=True)
class NotLeft(Good):
    """Cannot be left half way: the next call finds the last one's work."""

    def translate(self, texts, *, source, target):
        if "busy" in self.__dict__:
            raise RuntimeError("still at work")
        self.__dict__["busy"] = True
        yield from super().translate(texts, source=source, target=target)
        del self.__dict__["busy"]


BROKEN = {
    DropsOne: ("each_index_comes_once", "yield each index exactly once"),
    MergesEqual: ("each_index_comes_once", "those of equal texts too"),
    Doubles: ("each_index_comes_once", "twice for"),
    CountsFromOne: ("each_index_comes_once", "from 0"),
    GivesAList: ("each_index_comes_once", "yield `index, hypothesis`"),
    GivesTexts: ("each_index_comes_once", "langadapt.interfaces.Hypothesis"),
    NeedsTexts: ("no_texts_give_nothing", "max() "),
    Sorts: ("the_input_is_left_as_it_was", "sort or cut a copy"),
    SaysItIsSure: ("the_same_twice", "let `deterministic` be false"),
    DrawsOnceForAll: ("the_same_twice", "from a new component"),
    MindsItsBatch: ("the_same_alone_and_in_a_batch", "let `deterministic` be false"),
    MixesUp: ("the_same_alone_and_in_a_batch", "in a batch"),
    CutsOff: ("too_long_is_said", "finish='too-long'"),
    SaysNothing: ("finished_or_not_is_said", "finish='error' and a reason"),
    GivesNoReason: ("finished_or_not_is_said", "say why in `reason`"),
    OtherFinish: ("finished_or_not_is_said", "it is one of stop, length, too-long, error"),
    ChokesOnOdd: ("finished_or_not_is_said", "finish='error' and a reason"),
    StripsTags: ("placeholders_survive", "keep `<x1>` from the model's hands"),
    DoublesPlaceholders: ("placeholders_survive", "langadapt.segments.fault"),
    LeavesScraps: ("placeholders_survive", "'&lt;x1&gt;' is a broken placeholder"),
    SpacesScraps: ("placeholders_survive", "'< x 1 >' is a broken placeholder"),
    TranslatesContext: ("context_is_not_translated", "send it apart"),
    KnowsTwoLanguages: (
        "an_unknown_language_is_refused_or_translated",
        "raise langadapt.errors.ConfigError",
    ),
    NotLeft: ("can_be_left_half_way", "still at work"),
}

"""Translators whose fault is one that any component may have: settings, pickles, `close`."""

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, ClassVar

from langadapt.interfaces import SPEED, Loads
from testing.good_translators import Good


@dataclass(frozen=True, kw_only=True)
class ClosesOnce(Good):
    def close(self):
        if "weights" in self.__dict__:
            del self.__dict__["weights"]
        elif "closed" in self.__dict__:
            raise RuntimeError("closed already")
        self.__dict__["closed"] = True


@dataclass(frozen=True, kw_only=True)
class StaysClosed(Good):
    def close(self):
        self.__dict__["closed"] = True

    def answer(self, segment):
        if "closed" in self.__dict__:
            raise RuntimeError("the engine is gone")
        return super().answer(segment)


@dataclass(frozen=True, kw_only=True)
class CarriesWeights(Good):
    def __getstate__(self):
        return dict(self.__dict__)


@dataclass(frozen=True, kw_only=True)
class HoldsAFile(Good):
    @cached_property
    def weights(self):
        return open(__file__)  # noqa: PTH123

    def close(self):
        if "weights" in self.__dict__:
            self.weights.close()
        super().close()

    def __getstate__(self):
        return dict(self.__dict__)


@dataclass(frozen=True, kw_only=True)
class LosesSettings(Good):
    prefix: Annotated[str, "what each translation begins with"] = "> "

    def __setstate__(self, state):
        self.__dict__.update(state | {"prefix": ""})


@dataclass(frozen=True, kw_only=True)
class SaysNothingOfItself(Good):
    beams: int = 1


@dataclass(frozen=True, kw_only=True)
class HidesATypeOfItsOwn(Good):
    path: "Annotated[Pathh, 'a type that is imported for type checkers alone']" = None  # noqa: F821


@dataclass(frozen=True, kw_only=True)
class NeverEqual(Good):
    call: Annotated[object, "a new object each time"] = field(default_factory=object)


@dataclass(frozen=True, kw_only=True)
class SpeedIsCompared(Good):
    log: Annotated[list, "what was asked", SPEED] = field(default_factory=lambda: [next(COUNT)])


COUNT = itertools.count()


@dataclass
class NotFrozen(Loads):
    output_version: ClassVar[int] = 1
    deterministic: ClassVar[bool] = True

    def translate(self, texts, *, source, target):
        yield from ((index, Good().answer(text)) for index, text in enumerate(texts))


class NoDataclass:
    output_version, deterministic = 1, True

    def translate(self, texts, *, source, target):
        yield from ()

    def close(self):
        pass


@dataclass(frozen=True, kw_only=True)
class Unsure(Good):
    deterministic: ClassVar[str] = "mostly"


BROKEN = {
    ClosesOnce: ("closes_and_works_again", "free only what is there"),
    StaysClosed: ("closes_and_works_again", "let `close` forget what was loaded"),
    CarriesWeights: ("pickles_its_settings_only", "langadapt.interfaces.Loads"),
    HoldsAFile: ("pickles_its_settings_only", "langadapt.interfaces.Loads"),
    LosesSettings: ("pickles_its_settings_only", "must carry all settings"),
    SaysNothingOfItself: ("settings_are_documented", "beams: Annotated[type"),
    HidesATypeOfItsOwn: ("settings_are_documented", "outside `if TYPE_CHECKING`"),
    NeverEqual: ("equal_settings_are_equal_components", "differ in call"),
    SpeedIsCompared: ("equal_settings_are_equal_components", "differ in log"),
    NotFrozen: ("fits_its_interface", "frozen=True, kw_only=True"),
    NoDataclass: ("fits_its_interface", "is no dataclass"),
    Unsure: ("says_whether_it_is_deterministic", "make it true or false"),
}

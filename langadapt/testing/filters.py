"""The contract of a filter: one verdict for each record, whatever stands in it and whatever stands beside it."""

import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from typing import Any, ClassVar
from unittest import SkipTest

from langadapt import registry
from langadapt.errors import ConfigError, LangAdaptError
from langadapt.interfaces import Filter, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt.testing import samples
from langadapt.testing.components import ComponentContract

_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_NEAR = 1e-3
"""What a score may differ by from batch to batch: models round otherwise in batches of other sizes."""


class FilterContract(ComponentContract):
    """Subclass it with `make`; `pack` is the language that it judges, German unless given.

    `good` are translations that it must keep: the exemplars of every installed pack whose language it takes. A filter
    that holds a model of few words gives its own. `bad` are some that it must drop.
    """

    kind = "filter"
    source: ClassVar[str] = "en"

    def make(self) -> Filter:
        """A new filter."""
        made: Filter = super().make()
        return made

    def pack(self) -> LanguagePack:
        """The pack of the language that it judges."""
        return registry.pack("de")

    def good(self) -> Iterable[tuple[LanguagePack, Translation]]:
        """Translations that it must keep, with the pack of each."""
        for pack in registry.readable_packs().values():
            with suppress(
                LangAdaptError
            ):  # exemplars that cannot be read are told by the pack's own contract
                yield from ((pack, item) for item in samples.exemplars(pack))

    def bad(self) -> Sequence[Translation]:
        """Translations that it must drop; none unless given."""
        return ()

    def use(self, component: Any) -> Any:
        """What it says of some translations."""
        return [_told(verdict) for verdict in self._judged(self._samples[:8], filter_=component)]

    def test_one_verdict_for_each(self) -> None:
        """As many verdicts as records, each with a reason where it drops and places that exist."""
        self._judged(self._samples)

    def test_no_records_give_no_verdicts(self) -> None:
        """An empty batch is no error."""
        assert not self._judged([]), (
            f"{self.named} judges what is not there: return one verdict for each record"
        )

    def test_the_batch_is_left_as_it_was(self) -> None:
        """Records are the caller's, and so is the list of them."""
        given = list(self._samples)
        before = deepcopy(given)
        self.component.filter(given, source=self._english, pack=self.pack())
        assert given == before, f"{self.named} changes the batch that it is given: work on copies"

    def test_the_same_in_any_batch(self) -> None:
        """A verdict does not depend on what else is judged, nor on the order, nor on what was judged before."""
        self.renewed()
        together = self._judged(self._samples)
        self._same(together, self._judged(self._samples), "the second time")
        self._same(together, self._judged(self._samples[::-1])[::-1], "in the reverse order")
        self._same(together, [self._judged([item])[0] for item in self._samples], "alone")

    def test_good_translations_are_kept(self) -> None:
        """No pack's exemplar is dropped: what a person wrote is no machine's fault."""
        dropped: list[str] = []
        count = 0
        by_pack: dict[LanguagePack, list[Translation]] = {}
        for pack, item in self.good():
            by_pack.setdefault(pack, []).append(item)
        for pack, items in by_pack.items():
            try:
                verdicts = self._judged(items, pack=pack)
            except ConfigError:
                continue
            count += len(items)
            dropped += (
                f"{pack.language.code} {item.target.id}: {verdict.reason}"
                for item, verdict in zip(items, verdicts, strict=True)
                if not verdict.keep
            )
        if not count:
            raise SkipTest("no installed pack whose language it takes has exemplars: give some as `good`")
        assert not dropped, (
            f"{self.named} drops {len(dropped)} of {count} good translations: {'; '.join(dropped[:5])}; "
            f"widen its limits, or mend the pack where the translation is wrong"
        )

    def test_bad_translations_are_dropped(self) -> None:
        """What the author says it is there for."""
        bad = list(self.bad())
        if not bad:
            raise SkipTest(f"{type(self).__qualname__} gives no `bad` translations that it must drop")
        for item, verdict in zip(bad, self._judged(bad), strict=True):
            assert not verdict.keep, f"{self.named} keeps {item.target.texts!r:.200}, which it must drop"

    def test_what_was_not_translated_is_judged(self) -> None:
        """A copy, and records that were left as they were in either language, get a verdict like any other."""
        for item in samples.untouched(self._samples, self.pack()):
            self._judged([item])

    def test_odd_texts_are_judged(self) -> None:
        """Empty ones, NUL, half characters and very long ones get a verdict; a filter that raises loses the record."""
        beside = self._samples[0]
        for text in samples.ODD:
            where = f"{text[:20]!r}{' and so on' * (len(text) > 20)}"
            self._judged(list(samples.odd(text, beside)), where=where)

    def test_a_language_without_a_pack(self) -> None:
        """Where a pack has no data, it judges by what it knows itself, or says with `ConfigError` that it cannot."""
        try:
            self._judged(self._samples, pack=LanguagePack.bare(self.pack().language.code))
        except ConfigError:
            return

    @property
    def _samples(self) -> Sequence[Translation]:
        return samples.samples(self.pack())

    @property
    def _english(self) -> Language:
        return Language.of(self.source)

    def _judged(
        self,
        items: Sequence[Translation],
        *,
        pack: LanguagePack | None = None,
        filter_: Any = None,
        where: str = "",
    ) -> list[Verdict]:
        """The verdicts, each of them one that the rest can work with."""
        judge = filter_ or self.component
        try:
            verdicts = judge.filter(tuple(items), source=self._english, pack=pack or self.pack())
        except ConfigError:
            raise
        except (Exception, SystemExit) as error:
            said = where or f"{[item.target.id for item in items]!r:.80}"
            raise AssertionError(
                f"{self.named} raises {type(error).__name__}: {error} on {said}: "
                f"give a verdict for any text, that of a record which cannot be judged with a reason"
            ) from error
        assert isinstance(verdicts, list), (
            f"{self.named}.filter returns {type(verdicts).__name__}: return a list of verdicts"
        )
        assert len(verdicts) == len(items), (
            f"{self.named} gave {len(verdicts)} verdicts for {len(items)} records: "
            f"return one for each, in their order, those that are kept too"
        )
        for item, verdict in zip(items, verdicts, strict=True):
            problem = _unsound(item, verdict)
            assert not problem, f"{self.named} said {verdict!r:.200} of {where or item.target.id}: {problem}"
        return verdicts

    def _same(self, first: Sequence[Verdict], second: Sequence[Verdict], when: str) -> None:
        for item, one, other in zip(self._samples, first, second, strict=True):
            scores = (one.score, other.score)
            near = one.score == other.score or (
                None not in scores and math.isclose(*scores, rel_tol=_NEAR, abs_tol=_NEAR)  # type: ignore[arg-type]
            )
            assert _told(one) == _told(other), (
                f"{self.named} said {one!r:.200} of {item.target.id}, and {other!r:.200} {when}: "
                f"judge each record by itself, and keep nothing from one to the next"
            )
            assert near, (
                f"{self.named} scores {item.target.id} {one.score}, and {other.score} {when}: "
                f"judge each record by itself, and seed what draws"
            )


def _told(verdict: Verdict) -> tuple[Any, ...]:
    """A verdict less its figures, which a model may round otherwise."""
    return verdict.keep, _FIGURE.sub("#", verdict.reason), verdict.segment, verdict.span


def _unsound(item: Translation, verdict: Any) -> str:
    """Why nothing can be done with a verdict on a record; empty where something can."""
    if not isinstance(verdict, Verdict):
        return "return langadapt.interfaces.Verdict"
    if not isinstance(verdict.keep, bool):
        return f"`keep` is a {type(verdict.keep).__name__}: write bool(...)"
    if not isinstance(verdict.reason, str) or not (verdict.keep or verdict.reason.strip()):
        return "a drop needs a reason, as in 'length: 20 characters became 300'"
    if verdict.score is not None and not (
        isinstance(verdict.score, int | float) and math.isfinite(verdict.score)
    ):
        return (
            "a score is a finite number, or None: write float(...), and None where there is nothing to score"
        )
    return _misplaced(item, verdict)


def _misplaced(item: Translation, verdict: Verdict) -> str:
    """Why a segment or a span is none of the record's."""
    if verdict.segment is None:
        return "a span lies in a segment: name it, or give no span" if verdict.span else ""
    if verdict.segment not in range(len(item.pairs)):
        return f"the record has {len(item.pairs)} segment pairs: `segment` is an index into them, or None"
    size = len(item.pairs[verdict.segment].target)
    if verdict.span is not None and not 0 <= verdict.span[0] <= verdict.span[1] <= size:
        return f"the target of segment {verdict.segment} has {size} characters: `span` is where in it the fault begins and ends"
    return ""

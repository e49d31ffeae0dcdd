"""What filters make of a sample: how much each drops, how its scores lie around its limit, and limits as fixed numbers.

Every filter judges every translation of the sample, whatever the others say. A filter whose scores have limits names the
settings in `limits`: `{"at_least": "low"}` where a score below the setting is dropped, `"high"` where one above it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from langadapt.errors import DataError
from langadapt.interfaces import Filter, Translation, Verdict
from langadapt.judging import Judged, Named, judged
from langadapt.languages import Language, LanguagePack
from langadapt.statistics import percentile

Side = Literal["low", "high"]
SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_EXAMPLES = 3


@dataclass(frozen=True)
class Found:
    """One filter's verdicts on the sample, item by item."""

    named: Named
    items: Sequence[Translation]
    verdicts: Sequence[Verdict]

    @property
    def dropped(self) -> float:
        """The share of the sample that this filter drops."""
        return sum(not verdict.keep for verdict in self.verdicts) / len(self.verdicts)

    @property
    def scores(self) -> list[float]:
        """The scores that it gave, in order of size."""
        return sorted(verdict.score for verdict in self.verdicts if verdict.score is not None)

    def spread(self) -> list[float]:
        """The scores at `SHARES` of the sample."""
        return [percentile(self.scores, share) for share in SHARES] if self.scores else []

    def examples(self, *, kept: bool) -> Iterator[tuple[Translation, Verdict]]:
        """Translations nearest to the limit on one side, by score; without scores the first ones dropped."""
        told = [one for one in zip(self.items, self.verdicts, strict=True) if one[1].keep is kept]
        scored = sorted(
            (one for one in told if one[1].score is not None), key=lambda one: one[1].score or 0.0
        )
        sides = set(limits(self.named.filter).values())
        if scored and sides == {"low"}:
            yield from scored[:_EXAMPLES] if kept else scored[: -_EXAMPLES - 1 : -1]
        elif scored and sides == {"high"}:
            yield from scored[: -_EXAMPLES - 1 : -1] if kept else scored[:_EXAMPLES]
        elif scored and kept:
            yield from [scored[0], scored[-1]]
        elif not kept:
            yield from told[:_EXAMPLES]

    def rates(self, labels: Mapping[str | int, bool]) -> tuple[float | None, float | None]:
        """Recall of what is labelled bad, and the share of what is labelled good that it drops; none without such labels."""
        bad = [
            v
            for item, v in zip(self.items, self.verdicts, strict=True)
            if labels.get(item.target.id) is False
        ]
        good = [
            v for item, v in zip(self.items, self.verdicts, strict=True) if labels.get(item.target.id) is True
        ]
        return _dropped(bad), _dropped(good)


def limits(filter_: Filter) -> Mapping[str, Side]:
    """The settings that are limits of a filter's score, and on which side each drops."""
    found: Mapping[str, Side] = getattr(filter_, "limits", {})
    return found


def measured(
    items: Iterable[Translation], filters: Sequence[Named], *, source: Language, pack: LanguagePack
) -> list[Found]:
    """Each filter's verdicts on all of the sample; raises `DataError` for an empty one."""
    sample = list(items)
    if not sample:
        raise DataError(
            "nothing to calibrate on: the file holds no translated row", hint="name a file with rows"
        )
    found = []
    for named in filters:
        told: list[Judged] = list(judged(iter(sample), [named], source=source, pack=pack))
        found.append(Found(named, sample, [one.verdicts[-1][1] for one in told]))
    return found


def together(found: Sequence[Found]) -> Found:
    """The verdicts of all filters as one: kept where every one keeps."""
    verdicts = [
        next((verdict for verdict in row if not verdict.keep), Verdict(keep=True))
        for row in zip(*(one.verdicts for one in found), strict=True)
    ]
    return replace(found[0], verdicts=verdicts)


def numbers(found: Found, shares: Mapping[str, float]) -> dict[str, Any]:
    """Limits given as shares of the sample, as the scores that lie there."""
    return {name: round(percentile(found.scores, share), 4) for name, share in shares.items() if found.scores}


def _dropped(verdicts: Sequence[Verdict]) -> float | None:
    return sum(not verdict.keep for verdict in verdicts) / len(verdicts) if verdicts else None

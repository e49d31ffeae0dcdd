"""What `langadapt filter --calibrate` reads, prints and writes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from langadapt.calibration import SHARES, Found, limits, measured, numbers, together
from langadapt.drafts import drafting
from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Translation
from langadapt.judging import Named
from langadapt.languages import Language, LanguagePack
from langadapt.records import read_rows
from langadapt.translations import Paths, read_translations

Shares = Mapping[str, Mapping[str, float]]
"""By filter and setting, the share of the sample at which the limit is to lie."""


@dataclass(frozen=True)
class Sample:
    """A translated file and the filters that are tried on it."""

    rows: Path
    translated: Paths
    filters: Sequence[Named]
    pack: LanguagePack
    source: Language

    @cached_property
    def found(self) -> list[Found]:
        """What each filter says of every translation."""
        items = read_translations(self.rows, self.translated)
        return measured(items, self.filters, source=self.source, pack=self.pack)


def shares_of(changes: Sequence[str], *, calibrate: bool, wanted: object) -> tuple[tuple[str, ...], Shares]:
    """The changes that are values, and those that are shares (`FILTER.LIMIT=5%`)."""
    percents = [change for change in changes if change.strip().endswith("%")]
    if not calibrate and (percents or wanted):
        raise ConfigError(
            "shares of a sample, --labels and --write belong to --calibrate",
            hint="add --calibrate, or give a number",
        )
    found: dict[str, dict[str, float]] = {}
    for change in percents:
        address, _, value = change.partition("=")
        name, dot, key = address.strip().rpartition(".")
        try:
            share = float(value.strip().rstrip("%")) / 100
        except ValueError:
            share = -1.0
        if not dot or not 0 <= share <= 1:
            raise ConfigError(f"--set {change}: no share of a limit", hint="write FILTER.LIMIT=5%")
        found.setdefault(name, {})[key] = share
    return tuple(change for change in changes if change not in percents), found


def lines(sample: Sample, shares: Shares, labels: Path | None) -> Iterator[str]:
    """The table of filters, then each filter's scores and examples."""
    _check(sample, shares)
    known = _labels(labels) if labels else {}
    yield f"{len(sample.found[0].items)} rows" + (f", {len(known)} labelled" if known else "")
    yield f"{'filter':<16}{'dropped':>9}" + (f"{'recall':>9}{'false alarms':>14}" if known else "")
    for name, found in [*((one.named.name, one) for one in sample.found), ("all", together(sample.found))]:
        row = f"{name:<16}{found.dropped:>9.1%}"
        if known:
            recall, alarms = found.rates(known)
            row += f"{_share(recall):>9}{_share(alarms):>14}"
        yield row
    for found in sample.found:
        yield from _details(found, shares.get(found.named.name, {}))


def write(sample: Sample, shares: Shares, path: Path, recipe: str) -> None:
    """A recipe on top of `recipe` whose limits are the scores at the given shares of the sample."""
    rows = [f'extends = "{recipe}"', f'title = "{recipe}, calibrated on {len(sample.found[0].items)} rows"']
    for found in sample.found:
        if fixed := numbers(found, shares.get(found.named.name, {})):
            rows += [
                "",
                f"[filter.{found.named.name}]",
                *(f"{key} = {value}" for key, value in fixed.items()),
            ]
    with drafting(path) as out:
        out.write("\n".join(rows) + "\n")


def _details(found: Found, shares: Mapping[str, float]) -> Iterator[str]:
    spread = found.spread()
    if not spread and not found.dropped:
        return
    yield ""
    yield found.named.name
    if spread:
        yield "  scores  " + "  ".join(
            f"{share:.0%} {value:.4g}" for share, value in zip(SHARES, spread, strict=True)
        )
    for key, value in numbers(found, shares).items():
        yield f"  {key} at {shares[key]:.1%} of the sample: {value}"
    for kept in (True, False):
        for item, verdict in found.examples(kept=kept):
            score = "" if verdict.score is None else f" {verdict.score:.4g}"
            yield f"  {'kept   ' if kept else 'dropped'}{score}  {item.target.id}: {_shown(item, verdict.segment)}"
            if verdict.reason:
                yield f"      {_line(verdict.reason)}"


def _shown(item: Translation, segment: int | None) -> str:
    if segment is not None and segment < len(item.pairs):
        return _line(item.pairs[segment].target)
    return _line(" ".join(item.target.texts))


def _line(text: str) -> str:
    """One line of it that steers no terminal."""
    clean = "".join(mark if mark.isprintable() else " " for mark in text[:400])
    return clean if len(clean) <= 100 else clean[:99] + "…"


def _check(sample: Sample, shares: Shares) -> None:
    for name, keys in shares.items():
        filters = {named.name: limits(named.filter) for named in sample.filters}
        for key in keys:
            if key not in filters.get(name, {}):
                has = ", ".join(f"{n}.{k}" for n, found in filters.items() for k in found) or "none"
                raise ConfigError(f"{name}.{key} is no limit of a score", hint=f"limits here: {has}")


def _labels(path: Path) -> dict[str | int, bool]:
    found: dict[str | int, bool] = {}
    for number, row in read_rows(path):
        if not isinstance(row, dict) or not isinstance(row.get("good"), bool) or "id" not in row:
            raise DataError(
                f"{path}, line {number}: no label", hint='write {"id": ..., "good": true or false}'
            )
        found[row["id"]] = row["good"]
    return found


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"

"""Pairs of checkpoints, task by task: only what was asked of both and measured in one way is compared."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from langadapt.compare.items import Item, Scored, mean, scores
from langadapt.compare.sides import Side
from langadapt.errors import ConfigError, DataError
from langadapt.report.formats import asking, signature_keys
from langadapt.statistics import CONFIDENCE, Paired, holm, paired, paired_bootstrap

LEVEL = 1 - CONFIDENCE
TOLD = ("limit", "seed", "batch", "date", "by")
"""Keys of a signature that say which items, how fast, when and by whom (a prompt, an engine of translation): compared all the same, and told where they differ."""
LOOSE = (*TOLD, "unread", "unreadable", "abstained", "replies")
"""These, and those that say what came of it: `replies` is a digest of stored ones."""
ASKED = ("questions", "probes")
"""Digests of whole sets of questions: loose where each item bears a digest of its own."""
FEW = 8


@dataclass(frozen=True, kw_only=True)
class Row:
    """One score of two checkpoints; `values` are of the items that both answered, `test` is second less first.

    `corrected` is the test's p by Holm over all `family` rows of the comparison. `bootstrap` and `turned` are of the paired
    bootstrap. `notes` say what the reader must know.
    """

    task: str
    metric: str
    first: str
    second: str
    values: tuple[float, float]
    test: Paired
    bootstrap: tuple[float, float] | None
    turned: float | None
    higher_is_better: bool
    signatures: tuple[str, str]
    notes: tuple[str, ...]
    corrected: float = 1.0
    family: int = 1

    @property
    def set(self) -> str:
        """The set of tasks that it is of; empty for none. Both signatures name the same."""
        return signature_keys(self.signatures[0]).get("set", "")

    @property
    def asked(self) -> str:
        """How the questions were put to both; empty where the signatures do not tell."""
        return asking(self.signatures[0])

    @property
    def real(self) -> bool:
        """Whether the corrected p is within 5 %."""
        return self.corrected <= LEVEL

    @property
    def smallest(self) -> float | None:
        """The true difference that this test alone would have seen with a power of 80 %."""
        return self.test.smallest()

    @property
    def smallest_in_family(self) -> float | None:
        """The same at the level that Holm asks of the best of all rows."""
        return self.test.smallest(level=LEVEL / self.family)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All rows, and what was not compared and why."""

    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    seed: int


def compare(found: Sequence[Side], *, tasks: Collection[str] = (), seed: int = 42) -> Comparison:
    """Every pair of checkpoints on every score that both have; `tasks` names some, parts of tests too.

    Raises `ConfigError` for a task that no checkpoint has, `DataError` where nothing can be compared.
    """
    read = [scores(side) for side in found]
    left_out = [told for _, wanting in read for told in wanting]
    listed = {side.label: one for side, (one, _) in zip(found, read, strict=True)}
    names = dict.fromkeys(score.task for one in listed.values() for score in one)
    if unknown := [task for task in tasks if task not in names]:
        raise ConfigError(f"no checkpoint has scores of {unknown[0]!r}", hint=f"there are {', '.join(names)}")
    rows: list[Row] = []
    for first, second in combinations(found, 2):
        for made in _pair(listed, first.label, second.label, tasks, seed):
            if isinstance(made, Row):
                rows.append(made)
            else:
                left_out.append(made)
    left_out = list(dict.fromkeys(left_out))
    if not rows:
        raise DataError(
            "\n  ".join(["the checkpoints have nothing in common that can be compared", *left_out[:FEW]]),
            hint="evaluate them with the same recipe: the same tasks, shots, judge and settings",
        )
    return Comparison(sides=tuple(found), rows=_corrected(rows), left_out=tuple(left_out), seed=seed)


def _pair(
    listed: dict[str, list[Scored]], first: str, second: str, tasks: Collection[str], seed: int
) -> Iterator[Row | str]:
    def wanted(label: str) -> dict[tuple[str, str], Scored]:
        chosen = [one for one in listed[label] if (one.task in tasks if tasks else one.whole)]
        return {(one.task, one.metric): one for one in chosen}

    ours, theirs = wanted(first), wanted(second)
    for task, metric in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get((task, metric)), theirs.get((task, metric))
        name = f"{task} {metric}"
        if one is None or other is None:
            yield f"{name}: only {first if other is None else second} has it"
        elif differing := _strict(one, other):
            yield f"{name}, {first} and {second}: the signatures differ in {', '.join(differing)}"
        elif not one.items or not other.items:
            whose = first if not one.items else second
            yield f"{name}: no values by item that it is the mean of were kept for {whose}"
        else:
            yield _row(one, other, (first, second), seed)


def _row(one: Scored, other: Scored, labels: tuple[str, str], seed: int) -> Row | str:
    common = [item for item in one.items if item in other.items]
    name = f"{one.task} {one.metric}, {labels[0]} and {labels[1]}"
    a, b = [one.items[item] for item in common], [other.items[item] for item in common]
    ids = [item.id for item in common]
    parts = [one.parts[item] for item in common]
    spread = parts if len(set(parts)) > 1 else None
    told = paired(a, b, seed=seed, clusters=ids, parts=spread)
    if told is None:
        return f"{name}: {len(common)} items in common, too few to test"
    drawn = paired_bootstrap(a, b, seed=seed, clusters=ids, parts=spread)
    return Row(
        task=one.task,
        metric=one.metric,
        first=labels[0],
        second=labels[1],
        values=(_mean(one, common), _mean(other, common)),
        test=told,
        bootstrap=drawn[0] if drawn else None,
        turned=drawn[1] if drawn else None,
        higher_is_better=one.higher_is_better,
        signatures=(one.signature, other.signature),
        notes=tuple(_notes(one, other, len(common))),
    )


def _mean(one: Scored, common: Sequence[Item]) -> float:
    return mean({item: one.items[item] for item in common}, one.parts)


def _notes(one: Scored, other: Scored, common: int) -> Iterator[str]:
    if common < max(len(one.items), len(other.items)):
        yield f"{common} items in common, of {len(one.items)} and {len(other.items)}"
    ours, theirs = signature_keys(one.signature), signature_keys(other.signature)
    for key in TOLD:
        if ours.get(key) != theirs.get(key):
            yield f"{key} {ours.get(key, 'none')} and {theirs.get(key, 'none')}"
    if ours.get("chat") != theirs.get("chat"):
        yield "each with its own chat template"


def _strict(one: Scored, other: Scored) -> list[str]:
    """What keeps two scores out of one row, as `KEY (ours, theirs)`."""
    loose = (*LOOSE, *ASKED) if one.sure and other.sure else LOOSE
    ours, theirs = signature_keys(one.signature), signature_keys(other.signature)
    return [
        f"{key or 'its beginning'} ({ours.get(key, 'none')}, {theirs.get(key, 'none')})"
        for key in dict.fromkeys([*ours, *theirs])
        if key not in loose and _own(key, ours) != _own(key, theirs)
    ]


def _own(key: str, keys: dict[str, str]) -> str | None:
    """A chat template is the model's; whether one is used belongs to the measurement."""
    value = keys.get(key)
    return value if key != "chat" or value in ("no", None) else "yes"


def _corrected(rows: Sequence[Row]) -> tuple[Row, ...]:
    found = holm([row.test.p for row in rows])
    return tuple(replace(row, corrected=p, family=len(rows)) for row, p in zip(rows, found, strict=True))

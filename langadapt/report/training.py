"""What each trainer did: its rows, its curves, its facts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langadapt.languages import LanguagePack
from langadapt.recipe import Recipe
from langadapt.records import read_rows
from langadapt.report.formats import count, finite, place, share

_REFERENCE = {"computed": "one pass of the reference", "cached": "the reference pass of an earlier training"}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A value before and after."""

    first: float
    last: float

    @property
    def relative(self) -> float:
        """The change as a share of the first value."""
        return (self.last - self.first) / abs(self.first) if self.first else 0.0


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """One trainer's work; `checkpoint` is empty where it has not finished."""

    slot: str
    use: str
    checkpoint: str
    base: str
    rows: int
    held_out: int
    seconds: float
    curves: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any]

    def series(self, key: str) -> list[tuple[float, float]]:
        """Steps and values of one curve, less what is no number."""
        points = [(finite(row.get("step")), finite(row.get(key))) for row in self.curves]
        return [(step, value) for step, value in points if step is not None and value is not None]

    def change(self, key: str) -> Change | None:
        """From the curve's first value to its last."""
        points = self.series(key)
        return Change(first=points[0][1], last=points[-1][1]) if points else None

    @property
    def held_out_loss(self) -> Change | None:
        """The loss on held-out rows before and after, as the trainer measured it or as its curve shows it."""
        before, after = (finite(self.facts.get(f"held_out_loss_{when}")) for when in ("before", "after"))
        return (
            self.change("eval_loss") if before is None or after is None else Change(first=before, last=after)
        )

    @property
    def english(self) -> str:
        """The share of English among the tokens of texts; empty where there was none."""
        part = finite(self.facts.get("english_share"))
        return share(part, 1) if part else ""

    @property
    def reward_accuracy(self) -> float | None:
        """The share of training pairs whose chosen answer has the higher reward, after training."""
        curve = self.change("rewards/accuracies")
        return finite(self.facts.get("train_reward_accuracy", curve and curve.last))

    @property
    def speed(self) -> str:
        """On how many processes, how fast, what share of its devices it used and how much memory, as far as that was measured."""
        processes = finite(self.facts.get("world_size"))
        rate, used = finite(self.facts.get("tokens_per_second")), finite(self.facts.get("mfu"))
        most = finite(self.facts.get("peak_memory_bytes"))
        told = [
            f"{count(processes)} processes" if processes and processes > 1 else "",
            _REFERENCE.get(str(self.facts.get("reference_pass")), ""),
            f"{count(rate)} tokens/s" if rate else "",
            f"model FLOPs utilisation {share(used, 1)}" if used else "",
        ]
        return ", ".join(
            filter(None, [*told, f"{most / 2**30:.1f} GiB of memory at the peak" if most else ""])
        )

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        stated = finite(self.facts.get("steps"))
        if stated is not None:
            return int(stated)
        return max(
            (int(step) for row in self.curves if (step := finite(row.get("step"))) is not None), default=0
        )


def read_training(
    recipe: Recipe, manifests: Mapping[str, Mapping[str, Any]], folder: Path, pack: LanguagePack
) -> Iterator[TrainingFacts]:
    """Every finished training in order, then one that has begun; each one's base is what the one before made."""
    base = place(recipe.base or "", folder, pack.folder)
    for slot in recipe.train:
        name = f"train/{slot.name}"
        made = manifests[name]["facts"].get("checkpoint") if name in manifests else None
        if made is None:
            if curves := _written(folder / name / "curves.jsonl"):
                yield TrainingFacts(
                    slot=slot.name,
                    use=slot.use,
                    checkpoint="",
                    base=base,
                    rows=_lines(folder / name / "records.jsonl"),
                    held_out=_lines(folder / name / "held_out.jsonl"),
                    seconds=0.0,
                    curves=curves,
                    facts={},
                )
            return
        yield TrainingFacts(
            slot=slot.name,
            use=slot.use,
            checkpoint=str(made["name"]),
            base=base,
            rows=_lines(folder / name / "records.jsonl"),
            held_out=_lines(folder / name / "held_out.jsonl"),
            seconds=manifests[name].get("seconds", 0.0),
            curves=tuple(made.get("curves") or ()),
            facts=made.get("facts") or {},
        )
        base = str(made["name"])


def _written(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The points that a trainer has written so far; what it was writing when it ended is left out."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return tuple(point for point in found if isinstance(point, dict))


def _lines(path: Path) -> int:
    return sum(1 for _ in read_rows(path)) if path.exists() else 0

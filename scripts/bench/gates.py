"""What the quality gates catch of damaged translations, and what they drop of good ones: by kind and by gate.

Every installed filter that needs no model stands in its pack's settings; a turn is dropped where any of them drops it.
`--misses N` prints N examples of what each kind got past the gates, and of the good turns that were dropped.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from corruptions import KINDS, Turn, clean, corruptions, languages, translation
from figures import Figure, heading, summed_up

from langadapt import registry
from langadapt.config import Builder, Layer, leaves
from langadapt.errors import ConfigError
from langadapt.interfaces import Filter, ModelRef, Verdict
from langadapt.languages import Language, LanguagePack

COUNT, SEED = 260, 5
RECALL, RECALL_OF_KIND, FALSE_ALARMS = 0.95, 0.85, 0.02
LEFT_OUT = ("quality", "tokens")
CLEAN = "clean"


@dataclass(frozen=True)
class Judged:
    """A turn and the gates that drop it, with their verdicts."""

    kind: str
    turn: Turn
    drops: Mapping[str, Verdict] = field(default_factory=dict)


def names() -> list[str]:
    """The installed filters that hold neither another component nor a model."""
    found = []
    for one in registry.installed("filter"):
        hints = get_type_hints(registry.load(one), include_extras=True).values()
        if one.name not in LEFT_OUT and not any(_heavy(hint) for hint in hints):
            found.append(one.name)
    return found


def _heavy(hint: Any) -> bool:
    if get_origin(hint) is not None:
        inner = get_args(hint)[:1] if get_origin(hint) is Annotated else get_args(hint)
        return any(_heavy(part) for part in inner)
    return hint is ModelRef or hint in registry.INTERFACES.values()


def pack_of(code: str) -> LanguagePack:
    """The installed pack, or what can be said without one."""
    known = {found.name for found in registry.installed("language")}
    return registry.pack(code) if code in known else LanguagePack.bare(code)


def gates(pack: LanguagePack, chosen: Sequence[str], refused: set[str]) -> dict[str, Filter]:
    """The gates as a recipe would have them; `refused` is told which will not judge this language, and why."""
    settings = pack.facts.get("settings", {})
    layer = Layer(f"pack {pack.language.code}", pack.folder or Path())
    builder = Builder(pack, {}, leaves(settings, layer))
    built = {}
    for name in chosen:
        tree = leaves(settings.get("filter", {}).get(name, {}), layer)
        try:
            built[name] = builder.build("filter", name, tree, name)
        except ConfigError as error:
            refused.add(f"{pack.language.code}: {error}")
    return built


def judged(kinds: Mapping[str, Iterable[Turn]], chosen: Sequence[str]) -> tuple[list[Judged], set[str]]:
    """Every turn judged by every gate of its language."""
    found: list[Judged] = []
    refused: set[str] = set()
    english = Language.of("en")
    for code in languages():
        turns = [(kind, turn) for kind, listed in kinds.items() for turn in listed if turn.language == code]
        pack, items = pack_of(code), [translation(turn) for _, turn in turns]
        drops: list[dict[str, Verdict]] = [{} for _ in turns]
        with ExitStack() as stack:
            for name, gate in gates(pack, chosen, refused).items():
                stack.callback(gate.close)
                for told, verdict in zip(drops, gate.filter(items, source=english, pack=pack), strict=True):
                    if not verdict.keep:
                        told[name] = verdict
        found += [Judged(kind, turn, told) for (kind, turn), told in zip(turns, drops, strict=True)]
    return found, refused


def figures(found: Sequence[Judged]) -> list[Figure]:
    """Recall over all and by kind with the gates that caught it; false alarms by gate; both by language."""
    bad = [one for one in found if one.kind != CLEAN]
    good = [one for one in found if one.kind == CLEAN]
    told = [_count("kinds of damage", len({one.kind for one in bad}), 12)]
    told += [_count("languages", len({one.turn.language for one in bad}), 8)]
    told += [_recall("recall over all kinds", bad, RECALL)]
    for kind in dict.fromkeys(one.kind for one in bad):
        of_kind = [one for one in bad if one.kind == kind]
        told.append(_count(f"{kind}: turns", len(of_kind), 200))
        told.append(_recall(f"{kind}: recall", of_kind, RECALL_OF_KIND))
        told += [Figure(f"    by {gate}", f"{count / len(of_kind):.3f}") for gate, count in _by_gate(of_kind)]
    told.append(_alarms("false alarms on clean turns", good, FALSE_ALARMS))
    told += [Figure(f"    by {gate}", f"{count} of {len(good)}") for gate, count in _by_gate(good)]
    for code in languages():
        told.append(_recall(f"{code}: recall", [one for one in bad if one.turn.language == code]))
        told.append(_alarms(f"{code}: false alarms", [one for one in good if one.turn.language == code]))
    return told


def _by_gate(found: Sequence[Judged]) -> list[tuple[str, int]]:
    return Counter(gate for one in found for gate in one.drops).most_common()


def _dropped(found: Sequence[Judged]) -> float:
    return sum(bool(one.drops) for one in found) / max(1, len(found))


def _count(name: str, count: int, asked: int) -> Figure:
    return Figure(name, str(count), f">= {asked}", count >= asked)


def _recall(name: str, found: Sequence[Judged], asked: float = 0.0) -> Figure:
    share = _dropped(found)
    return Figure(name, f"{share:.3f}", f">= {asked}" if asked else "-", share >= asked)


def _alarms(name: str, found: Sequence[Judged], asked: float = 1.0) -> Figure:
    share = _dropped(found)
    return Figure(name, f"{share:.4f} of {len(found)}", f"<= {asked}" if asked < 1 else "-", share <= asked)


def examples(found: Sequence[Judged], most: int) -> None:
    """Print some of what got through by kind, and some of the false alarms by gate with their reasons."""
    missed: dict[str, list[str]] = defaultdict(list)
    for one in found:
        pairs = list(zip(one.turn.sources, one.turn.targets, strict=True))
        if one.kind == CLEAN:
            for gate, verdict in one.drops.items():
                place = verdict.segment if verdict.segment is not None else 0
                missed[f"false alarms of {gate}"].append(
                    f"{one.turn.language}: {verdict.reason}\n      {pairs[place][0]!r}\n      {pairs[place][1]!r}"
                )
        elif not one.drops:
            told = "\n      ".join(f"{source!r}\n        {target!r}" for source, target in pairs)
            missed[f"missed: {one.kind}"].append(f"{one.turn.language}:\n      {told}")
    for title, listed in missed.items():
        print(f"\n{title} ({len(listed)})", *listed[:most], sep="\n    ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gate", action="append", metavar="NAME", help="only this gate; may be repeated")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; may be repeated")
    parser.add_argument("--count", type=int, default=COUNT, help="turns per kind")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="print N examples of each failure")
    options = parser.parse_args()
    kinds = {kind: corruptions(kind, options.count, options.seed) for kind in options.kind or KINDS}
    found, refused = judged({**kinds, CLEAN: clean(options.seed)}, options.gate or names())
    print(heading(), *figures(found), sep="\n")
    for line in sorted(refused):
        print(f"not judged by: {line}")
    if options.misses:
        examples(found, options.misses)
    return summed_up(figures(found))


if __name__ == "__main__":
    sys.exit(main())

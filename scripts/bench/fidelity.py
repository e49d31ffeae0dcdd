"""Which language an answer is in, as `fidelity` reads it, against labels of our own (`fidelity_answers.jsonl`).

A label is `in` (the asked language), `other`, `mixed` (a paragraph in another language) or `nothing` (names, code, figures, too
short). The rows `second-...` were written after the first ones had been read right, and mended for afterwards in turn. Prints
`figure  measured  asked` for each figure, and fails where one is missed. `--wrong` prints what was read wrongly.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from figures import Figure, heading, summed_up

from langadapt import registry
from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack
from langadapt_plugins.evaluators.fidelity_rows import LEAST
from langadapt_plugins.filters.language_id import LanguageId
from langadapt_plugins.filters.reading import Reader

ROWS = Path(__file__).with_name("fidelity_answers.jsonl")
LEAST_CASES, GOOD = 150, 0.95


def reader(code: str) -> Reader:
    """The reader for a language, with its pack where there is one."""
    try:
        pack = registry.pack(code)
    except ConfigError:
        pack = LanguagePack.bare(code)
    return Reader(pack, LanguageId(), LEAST)


def ratio(part: int, whole: int) -> tuple[str, float]:
    """As it is printed, and as a number."""
    return f"{part} of {whole}, {part / whole:.3f}", part / whole


def main() -> int:
    """Read every answer, and compare."""
    readers: dict[str, Reader] = {}
    seen: Counter[tuple[str, str]] = Counter()
    strays: Counter[tuple[str, bool]] = Counter()
    for line in ROWS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        made = readers.setdefault(row["asked"], reader(row["asked"]))
        found = made.read(made.prose(row["answer"]))
        told = "nothing" if found is None else "in" if found.share >= 0.5 else "other"
        seen[row["label"], told] += 1
        if found and row["label"] in ("in", "mixed"):
            strays[row["label"], bool(found.stray)] += 1
        wrong = told != row["label"] if row["label"] != "mixed" else not (found and found.stray)
        if wrong and "--wrong" in sys.argv:
            print(row["id"], row["asked"], row["label"], told, row["answer"][:100].replace("\n", " / "))
    others = sum(count for (label, _), count in seen.items() if label == "other")
    called = seen["other", "other"] + seen["in", "other"] + seen["nothing", "other"]
    mixed = strays["mixed", True] + strays["mixed", False]
    wanted = [
        ("another language: precision", ratio(seen["other", "other"], called)),
        ("another language: recall, unjudged ones missed", ratio(seen["other", "other"], others)),
        ("mixed: precision", ratio(strays["mixed", True], strays["mixed", True] + strays["in", True])),
        ("mixed: recall", ratio(strays["mixed", True], mixed)),
    ]
    total = sum(seen.values())
    figures = [Figure("labelled answers", str(total), f"{LEAST_CASES}", total >= LEAST_CASES)]
    figures += [Figure(name, text, f"{GOOD}", value >= GOOD) for name, (text, value) in wanted]
    unjudged = seen["in", "nothing"] + seen["other", "nothing"]
    figures.append(Figure("answers with a language that were not judged", str(unjudged)))
    print(heading(), *figures, sep="\n")
    return summed_up(figures)


if __name__ == "__main__":
    raise SystemExit(main())

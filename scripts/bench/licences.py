"""Planted licences: which rows a recipe for commercial use leaves out, against a truth that is kept apart.

Sources of many kinds are written to files (one licence for all, collections with parts, rows that state their own, nothing
stated), in the spellings of the Hub, of SPDX and of people, read as a run reads them, and chosen under `commercial`. The truth
is drawn first, as what may be done; the texts are made from it. Prints `figure  measured  asked`, and fails where one is missed.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Figure, heading, summed_up

from langadapt.prepare.readers import read_source
from langadapt.prepare.selection import fit
from langadapt.schema import Prepare, Source

ROWS, SEED, ASKED = 30_000, 7, 0.95

# What may be done, and how it is written. A text may go into a model that is sold only under `yes`.
WRITTEN = {
    "yes": [
        "mit", "MIT", "MIT License", "The MIT License", "MIT license", "https://opensource.org/licenses/MIT", "Expat",
        "apache-2.0", "Apache-2.0", "Apache License 2.0", "Apache 2.0", "Apache License, Version 2.0", "apache2", "Apache 2",
        "https://www.apache.org/licenses/LICENSE-2.0", "cc-by-4.0", "CC-BY-4.0", "CC BY 4.0", "CC BY-SA 4.0", "cc-by-sa-3.0",
        "Creative Commons Attribution 4.0", "Creative Commons Attribution-ShareAlike 4.0 International", "CC-BY", "cc_by_sa_4.0",
        "https://creativecommons.org/licenses/by/4.0/", "http://creativecommons.org/licenses/by-sa/3.0/deed.en", "cc0-1.0", "CC0",
        "CC0 1.0 Universal", "https://creativecommons.org/publicdomain/zero/1.0/", "odc-by", "ODC-By-1.0", "ODC-BY 1.0", "pddl",
        "bsd-3-clause", "BSD 3-Clause", "BSD-2-Clause License", "gpl-3.0", "GPL-3.0-only", "GPLv3", "lgpl-2.1", "agpl-3.0", "mpl-2.0",
        "cdla-permissive-2.0", "unlicense", "isc", "zlib", "public domain", "etalab-2.0", "odbl", "CC-BY-SA-3.0-DE",
        "GPL-2.0-only WITH Classpath-exception-2.0",
    ],
    "research": [
        "cc-by-nc-4.0", "CC-BY-NC-4.0", "CC BY-NC 4.0", "cc-by-nc-sa-4.0", "CC-BY-NC-SA-3.0", "CC BY NC SA 4.0", "cc_by_nc_4.0", "CC-BY-NC",
        "Creative Commons Attribution-NonCommercial 4.0", "Creative Commons Attribution Non Commercial 4.0 International",
        "https://creativecommons.org/licenses/by-nc/4.0/", "https://creativecommons.org/licenses/by-nc-sa/3.0/legalcode", "non-commercial",
        "Non-Commercial use only", "research only", "for research purposes only", "MIT (non-commercial)", "MIT, for research only",
        "Apache-2.0 with Commons Clause", "llama2", "gemma", "bigscience-openrail-m", "cc-by-nc-2.0", "CC-BY-NC-3.0-DE",
        "MIT license, non commercial", "cc by-nc 4.0 or ask us",
    ],
    "no": [
        "cc-by-nd-4.0", "CC BY-ND 4.0", "cc-by-nc-nd-4.0", "Creative Commons Attribution-NoDerivatives 4.0 International", "other", "unknown",
        "none", "Other", "cc", "openrail", "proprietary", "all rights reserved", "see README", "custom", "N/A", "?", "license.txt",
        "https://example.org/terms", "openai", "MIT-like", "apache-ish", "LicenseRef-secret", "CC BY-ND", "contact the authors", "TBD", "null",
    ],
}  # fmt: skip
USES = list(WRITTEN)
OFTEN = (0.55, 0.25, 0.2)
KINDS = ("whole", "parts", "per-row", "rows", "nothing", "platypus")
PARTS = [
    "Wiki Pages",
    "forum-posts",
    "ScienceQA",
    "books_2020",
    "jondurbin/talks-1.4",
    "Fragen & Antworten",
    "x",
]
# Open-Platypus (its card, as quoted in langadapt/prepare/datasets.toml); a copy of it must be seen through.
PLATYPUS = {
    "MATH/PRM-800K": "yes", "scibench": "yes", "TheoremQA": "yes", "ARB": "yes", "guanaco": "yes", "tigerbot-kaggle": "yes",
    "scienceqa": "research", "ScienceQA": "research", "reclor": "research", "airoboros": "research",
    "jondurbin/airoboros-gpt4-1.4.1": "research", "leetcode_ne": "no", "something new": "no",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What is stated at one place: what may be done (none where nothing is said), and the value that says it."""

    use: str | None
    value: Any


def stated(draw: random.Random, *, whole: bool) -> Said:
    """A statement: one licence, an expression of two, or, where it is of a row, a list of two."""
    (first, one), (second, two) = ((use, draw.choice(WRITTEN[use])) for use in draw.choices(USES, OFTEN, k=2))
    form = draw.random()
    plain = not any(mark in one + two for mark in (" or ", " with", " WITH ", ",", "http", "&", "(", "?"))
    if form < 0.1 and plain and first != "no" != second:
        return Said(min(first, second, key=USES.index), f"{one} OR {two}")
    if form < 0.2 and plain:
        return Said(max(first, second, key=USES.index), f"({one}) AND {two}")
    if form < 0.25 and not whole:
        return Said(max(first, second, key=USES.index), [one, two])
    return Said(first, one)


def spelt(draw: random.Random, name: str) -> str:
    """A part's name as another row may write it."""
    return draw.choice(
        [name, name.upper(), name.lower(), name.replace(" ", "_"), name.replace("-", " ", 1), f" {name} "]
    )


def planted(draw: random.Random, folder: Path, number: int, rows: int) -> tuple[Source, dict[str, bool]]:
    """A source of one kind, written to a file, and which of its rows may be used."""
    kind = KINDS[number % len(KINDS)]
    if kind == "platypus":
        return copied(draw, folder, number, rows)
    source = (
        stated(draw, whole=True)
        if kind in ("whole", "rows") or (kind == "parts" and draw.random() < 0.5)
        else Said(None, "")
    )
    parts = {name: stated(draw, whole=True) for name in draw.sample(PARTS, 5)} if kind == "parts" else {}
    truth: dict[str, bool] = {}
    path = folder / f"{number}.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for place in range(rows):
            name = f"{number}-{place}"
            row: dict[str, Any] = {"id": name, "text": f"Text {place} of source {number}."}
            own = Said(None, None)
            if kind in ("per-row", "rows") or draw.random() < 0.1:
                own = (
                    stated(draw, whole=False) if draw.random() < 0.8 else Said(None, draw.choice(["", None]))
                )
                row[draw.choice(["license", "license", "license", "License", "licence"])] = own.value
            said = [source.use, own.use]
            if parts:
                part = draw.choice(PARTS)
                row["part"] = spelt(draw, part)
                said.append(parts[part].use if part in parts else "no")
            if kind == "per-row":
                said = [own.use]
            heard = [use for use in said if use is not None]
            truth[name] = bool(heard) and all(use == "yes" for use in heard)
            out.write(json.dumps(row) + "\n")
    table = {"column": "part", "licenses": {name: one.value for name, one in parts.items()}}
    license_id = "per-row" if kind == "per-row" else source.value
    return Source(
        name=f"s{number}",
        path=str(path),
        stream="cpt",
        reader="text",
        license=license_id,
        subsets=table if parts else None,
    ), truth


def copied(draw: random.Random, folder: Path, number: int, rows: int) -> tuple[Source, dict[str, bool]]:
    """A copy of Open-Platypus that claims one free licence for all of it."""
    truth: dict[str, bool] = {}
    path = folder / f"{number}.jsonl"
    with path.open("w", encoding="utf-8") as out:
        for place in range(rows):
            name, part = f"{number}-{place}", draw.choice(list(PLATYPUS))
            truth[name] = PLATYPUS[part] == "yes"
            row = {
                "id": name,
                "instruction": f"Ask {name}.",
                "output": "Say.",
                "data_source": spelt(draw, part),
            }
            out.write(json.dumps(row) + "\n")
    return Source(
        name=f"s{number}", path=str(path), stream="sft", reader="platypus", license="apache-2.0"
    ), truth


def judged(sources: list[tuple[Source, dict[str, bool]]]) -> Iterator[tuple[bool, bool, str]]:
    """For each row whether it may be used, whether it was left out, and what was said of it."""
    settings = Prepare(licenses="commercial")
    for source, truth in sources:
        for choice in fit(read_source(source, None), settings):
            name = choice.record.extra.get("source_id") or choice.record.id
            yield truth[str(name)], bool(choice.reason), choice.record.license


def figures(rows: int, seed: int, *, verbose: bool) -> list[Figure]:
    """Recall and precision of what is left out, and the rows that should have been."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        sources = [planted(draw, Path(folder), number, rows // 100) for number in range(100)]
        begun = time.perf_counter()
        found = list(judged(sources))
    seconds = time.perf_counter() - begun
    counts = Counter((may, out) for may, out, _ in found)
    if verbose:
        wrong = Counter(("lost" if may else "leak", text) for may, out, text in found if may == out)
        for (what, text), count in wrong.most_common(40):
            print(f"  {what} {count:6} {text}")
    bad, out = counts[False, True] + counts[False, False], counts[False, True] + counts[True, True]
    recall, precision = counts[False, True] / bad, counts[False, True] / out
    leaks = counts[False, False]
    return [
        Figure("planted rows", f"{len(found):,}"),
        Figure("rows that may not be used", f"{bad:,}"),
        Figure("rows a second, with reading", f"{len(found) / seconds:,.0f}"),
        Figure("recall of what is left out", f"{recall:.4f}", f">= {ASKED}", recall >= ASKED),
        Figure("precision of what is left out", f"{precision:.4f}", f">= {ASKED}", precision >= ASKED),
        Figure("licence leaks under `commercial`", str(leaks), "0", leaks == 0),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="rows to plant")
    parser.add_argument("--seed", type=int, default=SEED, help="what the rows are drawn with")
    parser.add_argument("--verbose", action="store_true", help="name what is judged wrongly")
    given = parser.parse_args()
    print(heading())
    found = figures(given.rows, given.seed, verbose=given.verbose)
    for figure in found:
        print(figure)
    return summed_up(found)


if __name__ == "__main__":
    raise SystemExit(main())

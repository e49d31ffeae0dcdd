"""Notus' rule beside an oracle that follows the card of its data set, on generated rated rows; near duplicates that are planted.

Rows of a chat's length are generated; among them ties, ratings that are missing, text for numbers, equal texts, and few answers.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from figures import Figure, heading, summed_up

from langadapt.prepare.duplicates import Duplicates, shingles
from langadapt.prepare.preferences import ASPECTS, EQUAL, FEW, TIE, Rule, binarised
from langadapt.prepare.tally import Tally
from langadapt.records import Conversation, Message, Record

ROWS, CHATS, SEED, NEAR = 6000, 4000, 5, 0.8
PAIRS_A_SECOND, CHATS_A_SECOND, BYTES = 2000, 500, 4000
CLEAR = 0.05
"""A planted pair counts where its true similarity is so far from the threshold; nearer, either answer is right."""
MISSING = (None, "N/A", "", float("nan"))


def vocabulary(size: int, seed: int) -> list[str]:
    random_ = random.Random(seed)
    parts = ["ba", "ne", "ri", "tor", "lum", "ka", "ste", "vo", "mi", "das", "fe", "qui"]
    return ["".join(random_.choices(parts, k=random_.choice((1, 2, 2, 3)))) for _ in range(size)]


def rated_rows(count: int, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and row; `plain` ones are as the card has them, with every rating a number."""
    random_, words = random.Random(seed), vocabulary(3000, seed)
    kinds = random_.choices(
        ("plain", "tie", "missing", "strings", "same", "few"), (60, 10, 12, 10, 4, 4), k=count
    )
    for place, kind in enumerate(kinds):
        ratings: list[list[Any]] = [random_.choices((1, 2, 3, 4, 5), k=4) for _ in range(4)]
        texts = [" ".join(random_.choices(words, k=random_.randint(5, 90))) for _ in ratings]
        if kind == "tie":
            ratings = [random_.sample(ratings[0], 4) for _ in ratings]
        elif kind == "missing":
            for four in random_.sample(ratings, random_.randint(1, 4)):
                four[random_.randrange(4)] = random_.choice(MISSING)
        elif kind == "strings":
            ratings = [[random_.choice((str(r), f" {r}.0", r)) for r in four] for four in ratings]
        elif kind == "same":
            texts = [texts[0] + " " * n for n in range(4)]
        elif kind == "few":
            ratings = ratings[: random_.randint(0, 1)]
        completions = [
            {"text": text, "model": f"model {n}", "score": random_.choice((1, 4, 6.5, 10)), "ratings": dict(zip(ASPECTS, four, strict=True))}
            for n, (text, four) in enumerate(zip(texts, ratings, strict=False))
        ]  # fmt: skip
        yield kind, {"prompt": f"prompt {place} {texts[0][:200]}", "completions": completions}


def card(row: dict[str, Any]) -> tuple[str | None, set[str], bool]:
    """Chosen, what may be rejected, and whether the row is filtered out: the card's steps, on answers with all ratings."""
    found: list[tuple[Decimal, str]] = []
    for answer in row["completions"]:
        given = [str(answer["ratings"][name]).strip() for name in ASPECTS]
        if all(text.replace(".", "").isdigit() for text in given):
            found.append((sum(map(Decimal, given)) / 4, answer["text"]))
    if len(found) < 2:
        return None, set(), False
    best = 0
    for place, (mean, _) in enumerate(found):
        if mean > found[best][0]:
            best = place
    lower = {text for mean, text in found if mean < found[best][0]}
    others = {text for place, (_, text) in enumerate(found) if place != best}
    return found[best][1], lower or others, not lower


def binarisation(count: int, seed: int) -> Iterator[Figure]:
    listed = list(rated_rows(count, seed))
    rows = [row for _, row in listed]
    rule, tally, agreed = Rule(), Tally(Rule()), Counter[str]()
    for kind, row in listed:
        chosen, rejected, tie = card(row)
        [(pair, reason)] = binarised(row, rule)
        tally.rated(row)
        tally.pair(pair, reason)
        agreed[kind] += 1
        agreed["same chosen"] += (None if reason == FEW else pair["chosen"]) == chosen
        agreed["same tie"] += (reason == TIE) == tie
        agreed["same rejected"] += chosen is None or pair["rejected"] in rejected
        agreed["equal"] += (reason == EQUAL) == (kind == "same" and not tie)
    for name in ("chosen", "tie", "rejected"):
        yield _all(f"Notus' rule: same {name} as the card's steps", agreed[f"same {name}"], count)
    yield _all("chosen equals rejected: where it was planted", agreed["equal"], count)
    for kind in ("plain", "tie", "missing", "strings", "same", "few"):
        yield Figure(f"    rows: {kind}", str(agreed[kind]), ">= 50", agreed[kind] >= 50)
    again = {row["prompt"]: pair["rejected"] for row in reversed(rows[::3]) for pair, why in binarised(row, rule) if why != FEW}  # fmt: skip
    first = {row["prompt"]: pair["rejected"] for row in rows for pair, why in binarised(row, rule) if why != FEW}  # fmt: skip
    same = sum(first[prompt] == rejected for prompt, rejected in again.items())
    yield _all("same rejected in other order and company", same, len(again))
    facts = tally.facts()
    told = {tuple(one["rules"]): one for one in facts["differs"]}
    yield Figure("chosen differs, mean-rating beside critique", f"{told['mean-rating', 'critique']['chosen_share']:.3f}")  # fmt: skip
    yield Figure("chosen is longer", f"{facts['length']['longer_share']:.3f}")
    rate = _rate(lambda: [list(binarised(row, rule)) for row in rows], count)
    yield Figure("rated rows a second", f"{rate:.0f}", f">= {PAIRS_A_SECOND}", rate >= PAIRS_A_SECOND)
    rate = _rate(lambda: _tallied(rows), count)
    yield Figure("rated rows a second, tallied under three rules", f"{rate:.0f}")


def _tallied(rows: Sequence[dict[str, Any]]) -> None:
    tally = Tally(Rule())
    for row in rows:
        tally.rated(row)


def chats(count: int, seed: int) -> list[tuple[Record, int | None, float]]:
    """Conversations of about 1,500 characters; every fifth repeats an earlier one with words changed, added or taken out."""
    random_, words = random.Random(seed), vocabulary(6000, seed)
    made: list[tuple[Record, int | None, float]] = []
    texts: list[list[str]] = []
    while len(texts) < count:
        first, listed = None, random_.choices(words, k=random_.randint(180, 320))
        if texts and len(texts) % 5 == 0:
            first = random_.randrange(len(texts))
            listed = list(texts[first])
            for _ in range(random_.choice((0, 1, 2, 3, 5, 8, 14, 20, 40))):
                place = random_.randrange(len(listed))
                random_.choice((lambda: listed.pop(place), lambda: listed.insert(place, random_.choice(words)),  # noqa: B023
                                lambda: listed.__setitem__(place, random_.choice(words))))()  # noqa: B023  # fmt: skip
        middle = len(listed) // 4
        turns = [" ".join(listed[:middle]).capitalize() + ".", " ".join(listed[middle:])]
        messages = tuple(
            Message(role=role, content=text) for role, text in zip(("user", "assistant"), turns, strict=True)
        )
        likeness = _jaccard(texts[first], listed) if first is not None else 0.0
        made.append((Conversation(id=len(texts), messages=messages), first, likeness))
        texts.append(listed)
    return made


def near_duplicates(count: int, seed: int) -> Iterator[Figure]:
    made = chats(count, seed)
    planted = {record.id: likeness for record, first, likeness in made if first is not None}
    duplicates = Duplicates(near=NEAR)
    begun = time.process_time()
    dropped = set(_dropped([record for record, _, _ in made], duplicates))
    rate = count / (time.process_time() - begun)
    alike = {name for name, likeness in planted.items() if likeness >= NEAR + CLEAR}
    unlike = {name for name, likeness in planted.items() if likeness < NEAR - CLEAR}
    right = {name for name in dropped if planted.get(name, 0.0) >= NEAR - CLEAR}
    yield Figure("near duplicates planted above the threshold", str(len(alike)), ">= 200", len(alike) >= 200)
    yield Figure("    planted below it", str(len(unlike)), ">= 50", len(unlike) >= 50)
    recall, precision = len(alike & dropped) / len(alike), len(right) / len(dropped)
    yield Figure(f"near duplicates at {NEAR}: recall", f"{recall:.4f}", ">= 0.95", recall >= 0.95)
    yield Figure(f"near duplicates at {NEAR}: precision", f"{precision:.4f}", ">= 0.95", precision >= 0.95)
    characters = sum(len(text) for record, _, _ in made for text in record.texts) / count
    yield Figure("characters a chat", f"{characters:.0f}")
    yield Figure("chats a second on one core", f"{rate:.0f}", f">= {CHATS_A_SECOND}", rate >= CHATS_A_SECOND)
    again = set(_dropped([record for record, _, _ in made], Duplicates(near=NEAR)))
    yield Figure("dropped again in a second pass", f"{len(again)} of {len(dropped)}", "all", again == dropped)
    records, fresh = [record for record, first, _ in made if first is None][:2000], Duplicates(near=NEAR)
    list(_dropped(records[:100], fresh))
    tracemalloc.start()
    list(_dropped(records[100:], fresh))
    grown = tracemalloc.get_traced_memory()[0] / (len(records) - 100)
    tracemalloc.stop()
    yield Figure("bytes kept for a chat", f"{grown:.0f}", f"<= {BYTES}", grown <= BYTES)


def _dropped(records: Sequence[Record], duplicates: Duplicates) -> Iterator[int | str]:
    for record in records:
        look = duplicates.look(record)
        if look.reason:
            yield record.id
        else:
            duplicates.keep(look)


def _jaccard(one: Sequence[str], two: Sequence[str]) -> float:
    a, b = shingles(" ".join(one)), shingles(" ".join(two))
    return len(a & b) / len(a | b)


def _all(name: str, hits: int, count: int) -> Figure:
    return Figure(name, f"{hits} of {count}", "all", hits == count)


def _rate(work: Callable[[], object], count: int) -> float:
    """The best of three, in rows a second."""
    seconds = []
    for _ in range(3):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return count / min(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="rated rows")
    parser.add_argument(
        "--chats", type=int, default=CHATS, help="conversations among which near duplicates are planted"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    found = [*binarisation(options.rows, options.seed), *near_duplicates(options.chats, options.seed)]
    print(heading(), *found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

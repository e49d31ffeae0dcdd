"""Sample English-German sentence pairs from the German pack's mini grammar.

python scripts/mini/grammar.py --pairs 24000 --seed 1 > pairs.tsv
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

from lexicon import Lexicon, table
from page import document
from slots import Filler, Slots

FOLDER = Path(__file__).resolve().parents[2] / "languages/de/mini"
SLOT = re.compile(r"\{(\w+)(?::([^{}/]+?)(?: /(\w+))?| ([\w-]+))?\}")
SHORT = ("cell", "list-item", "heading")


@dataclass(frozen=True)
class Frame:
    tag: str
    english: str
    german: str


@dataclass(frozen=True)
class Pair:
    en: str
    de: str
    frame: Frame | None = None

    @property
    def short(self) -> bool:
        """A list item, cell or heading, which is never joined with others."""
        return self.frame is not None and self.frame.tag in SHORT


def capital(text: str) -> str:
    """The first letter in upper case, unless the text opens with a placeholder."""
    return (
        re.sub(r"^(\W*)(\w)", lambda found: found[1] + found[2].upper(), text, count=1)
        if text[0] != "<"
        else text
    )


@dataclass(frozen=True)
class Grammar:
    lexicon: Lexicon
    frames: list[Frame]
    pairs: list[Pair]

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Grammar:
        frames = [
            Frame(row["tag"], row["english"], row["german"]) for row in table(folder / "grammar/frames.tsv")
        ]
        lines = [line.split("\t") for line in (folder / "pairs.tsv").read_text(encoding="utf-8").splitlines()]
        pairs = [Pair(english, german) for english, german in lines]
        return cls(Lexicon.load(folder / "grammar"), frames, pairs)

    @property
    def tags(self) -> list[str]:
        return sorted({frame.tag for frame in self.frames})

    def sample(self, rng: Random, tag: str | None = None) -> Pair:
        """One sentence pair, from any frame or from those with the tag."""
        return self.render(rng.choice([frame for frame in self.frames if tag in (None, frame.tag)]), rng)

    def render(self, frame: Frame, rng: Random, capitals: bool = True) -> Pair:
        """The frame with its slots filled; without capitals it begins as it would inside a sentence."""
        slots = Slots(self.lexicon, rng)
        filled: dict[str, Filler] = {}

        def english(match: re.Match[str]) -> str:
            key, declared, form, reference = match.groups()
            if declared:
                kind, *arguments = declared.split()
                filled[key] = slots.fill(kind, arguments, filled)
            return filled[key].english(form or reference or "")

        def german(match: re.Match[str]) -> str:
            return filled[match[1]].german(match[4] or "")

        en, de = SLOT.sub(english, frame.english), self.contract(SLOT.sub(german, frame.german))
        return Pair(capital(en), capital(de), frame) if capitals else Pair(en, de, frame)

    def contract(self, german: str) -> str:
        german = re.sub(r" +(?=[ .,?!:])", "", german)
        for words, short in self.lexicon.inflection.tables["contractions"].items():
            german = re.sub(rf"\b{words}\b", short, german)
        return german.strip()

    def distinct(
        self, rng: Random, count: int, exclude: Collection[str] = (), patience: int = 20
    ) -> Iterator[Pair]:
        """Pairs of which neither side came before or is excluded, until `count` or until nothing new turns up."""
        seen = set(exclude)
        for _ in range(count * patience):
            pair = self.sample(rng)
            if not {pair.en, pair.de} & seen:
                seen |= {pair.en, pair.de}
                yield pair
                count -= 1
            if not count:
                return


def training_lines(
    grammar: Grammar, rng: Random, count: int, exclude: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """Lines as a translator meets them: sentences alone or joined, lead-ins, labels, list items;
    the hand-written pairs come first."""
    banned = set(exclude)
    written = [pair for pair in grammar.pairs if pair.en not in banned and pair.de not in banned]
    yield from ((pair.en, pair.de) for pair in written[:count])
    for _ in range(count - len(written)):
        yield _line(grammar, rng, banned, written)


def _line(grammar: Grammar, rng: Random, banned: set[str], written: list[Pair]) -> tuple[str, str]:
    def fresh() -> Pair:
        while True:
            pair = rng.choice(written) if rng.random() < 0.06 else grammar.sample(rng)
            if not {pair.en, pair.de} & banned:
                return pair

    pair, roll = fresh(), rng.random()
    if pair.frame and pair.short:
        bare = grammar.render(pair.frame, rng, capitals=False)
        if roll < 0.25 and not {capital(bare.en), capital(bare.de)} & banned:
            return bare.en, bare.de
        return (f"**{pair.en}**", f"**{pair.de}**") if roll < 0.4 else (pair.en, pair.de)
    if roll < 0.3:
        more = [fresh() for _ in range(rng.randint(1, 3))]
        return _renumbered([pair, *(other for other in more if not other.short)])
    return _dressed(pair, grammar, rng)


def _dressed(pair: Pair, grammar: Grammar, rng: Random) -> tuple[str, str]:
    """The sentence as it is, after a label, as a lead-in, or beside placeholders."""
    dress = rng.choices(["none", "label", "colon", "after", "before"], [72, 11, 6, 7, 4])[0]
    if dress == "label":
        label = rng.choice(grammar.lexicon.phrases_of("label"))
        return f"**{capital(label.english())}:** {pair.en}", f"**{capital(label.german())}:** {pair.de}"
    if dress == "colon" and pair.en[-1] == pair.de[-1] == ".":
        return f"{pair.en[:-1]}:", f"{pair.de[:-1]}:"
    if dress in ("after", "before") and "<x" not in pair.en:
        code = rng.choice(["<x1>", "<x1> <x2>"])
        return (
            (f"{pair.en} {code}", f"{pair.de} {code}")
            if dress == "after"
            else (f"{code} {pair.en}", f"{code} {pair.de}")
        )
    return pair.en, pair.de


def _renumbered(pairs: list[Pair]) -> tuple[str, str]:
    """The pairs as one line, with placeholders counted on from one sentence to the next."""
    english, german, offset = [], [], 0
    for pair in pairs:
        shift = lambda found: f"<x{int(found[1]) + offset}>"  # noqa: E731, B023 - used up before offset changes
        english.append(re.sub(r"<x(\d)>", shift, pair.en))
        german.append(re.sub(r"<x(\d)>", shift, pair.de))
        offset += pair.en.count("<x")
    return " ".join(english), " ".join(german)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=0, metavar="N", help="print N distinct pairs")
    parser.add_argument("--lines", type=int, default=0, metavar="N", help="print N training lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--heldout", action="store_true", help="write heldout.tsv")
    parser.add_argument("--count", action="store_true", help="say how many of 100,000 samples are distinct")
    parser.add_argument("--document", action="store_true", help="write GRAMMAR.md")
    options = parser.parse_args()
    grammar = Grammar.load()
    if options.heldout:
        write_heldout(grammar, options.seed)
    if options.document:
        (FOLDER / "GRAMMAR.md").write_text(document(grammar), encoding="utf-8")
    if options.count:
        distinct = sum(1 for _ in grammar.distinct(Random(options.seed), 100_000, patience=1))
        print(f"{distinct:,} distinct pairs in 100,000 samples")
    for pair in grammar.distinct(Random(options.seed), options.pairs, heldout()):
        print(f"{pair.en}\t{pair.de}")
    for english, german in training_lines(grammar, Random(options.seed), options.lines, heldout()):
        print(f"{english}\t{german}")


def write_heldout(grammar: Grammar, seed: int) -> None:
    """300 pairs of more than one word that are none of the hand-written ones."""
    written = {text for pair in grammar.pairs for text in (pair.en, pair.de)}
    fresh = (pair for pair in grammar.distinct(Random(f"heldout {seed}"), 400, written) if " " in pair.en)
    lines = [f"{pair.en}\t{pair.de}\n" for pair in islice(fresh, 300)]
    (FOLDER / "heldout.tsv").write_text("".join(lines), encoding="utf-8")


def heldout(folder: Path = FOLDER) -> set[str]:
    """Every English and German sentence of heldout.tsv."""
    path = folder / "heldout.tsv"
    return set(re.split(r"[\t\n]", path.read_text(encoding="utf-8"))) - {""} if path.exists() else set()


if __name__ == "__main__":
    main()

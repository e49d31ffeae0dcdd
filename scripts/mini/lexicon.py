"""The words of the mini grammar and how they inflect: noun phrases, verb phrases and clauses in English and German."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

CASES = ("nom", "acc", "dat", "gen")
GENDERS = ("m", "f", "n")
PERSONS = ("ich", "du", "er", "wir")


def table(path: Path) -> list[dict[str, str]]:
    """The rows of a tab-separated file; "-" stands for an empty cell."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [{key: "" if cell == "-" else cell for key, cell in row.items()} for row in rows]


def join(*words: str) -> str:
    return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Phrase:
    """What does not inflect: an adverbial, a name, a number, a placeholder."""

    english_text: str
    german_text: str

    def english(self, _form: str = "") -> str:
        return self.english_text

    def german(self, _form: str = "") -> str:
        return self.german_text


@dataclass(frozen=True)
class Adjective:
    row: dict[str, str]

    def suits(self, noun: dict[str, str]) -> bool:
        terms = self.row["suits"].split()
        if "-" + noun["class"] in terms:
            return False
        return bool({"all", noun["class"], noun["english"]} & set(terms))

    def english(self, form: str = "") -> str:
        return self.row["comparative" if form == "more" else "english"]

    def german(self, form: str = "") -> str:
        return self.row["komparativ" if form == "more" else "german"]


@dataclass(frozen=True)
class Inflection:
    """The tables of inflection.toml."""

    tables: dict[str, Any]

    def ending(self, kind: str, row: str, gender: str, case: str) -> str:
        ending: str = self.tables[kind][row][gender].split()[CASES.index(case)]
        return "" if ending == "-" else ending

    def article(self, word: str) -> str:
        """The English indefinite article before `word`."""
        first = word.partition(" ")[0]
        if first in self.tables["spelling"]["a"]:
            return "a"
        return "an" if first in self.tables["spelling"]["an"] or first[0] in "aeiou" else "a"


@dataclass(frozen=True)
class NounPhrase:
    inflection: Inflection
    noun: dict[str, str]
    determiner: str
    plural: bool = False
    adjective: Adjective | None = None
    count: Phrase | None = None

    @property
    def gender(self) -> str:
        return "p" if self.plural else self.noun["gender"]

    def english(self, form: str = "") -> str:
        if form == "be":
            return "are" if self.plural else "is"
        if form == "was":
            return "were" if self.plural else "was"
        if form == "it":
            return "they" if self.plural else "it"
        if form == "them":
            return "them" if self.plural else "it"
        rest = join(
            self.adjective.english() if self.adjective else "",
            self.noun["plural" if self.plural else "english"],
        )
        word = self.inflection.tables["determiners"][self.determiner][1 if self.plural else 0]
        if self.count:
            word = self.count.english()
        return join(self.inflection.article(rest) if word == "a" else word, rest)

    def german(self, form: str = "nom") -> str:
        form = form or "nom"
        if form in ("be", "was"):
            return {"be": ("ist", "sind"), "was": ("war", "waren")}[form][self.plural]
        if form in ("it", "them"):
            pronouns: str = self.inflection.tables["pronouns"][self.gender]
            return pronouns.split()[0 if form == "it" else 1]
        _, _, stem, article, weak = self.inflection.tables["determiners"][self.determiner]
        word = stem + self.inflection.ending("articles", article, self.gender, form)
        if self.count:
            word = self.count.german()
        adjective = ""
        if self.adjective:
            adjective = self.adjective.row["stem"] + self.inflection.ending(
                "adjectives", weak, self.gender, form
            )
        return join(word, adjective, self.german_noun(form))

    def german_noun(self, case: str) -> str:
        if self.plural:
            plural = self.noun["plural_de"]
            return plural + "n" if case == "dat" and plural[-1] not in "ns" else plural
        return self.noun["genitive" if case == "gen" else "german"]


@dataclass(frozen=True)
class VerbPhrase:
    """A verb and its object; the forms are base, third, past, participle, ing and, in German, those of `german`."""

    verb: dict[str, str]
    object: NounPhrase | None = None

    def english(self, form: str = "") -> str:
        return join(self.verb[form or "english"], self.object.english() if self.object else "")

    @property
    def middle(self) -> str:
        *preposition, case = self.verb["case"].split() or ["acc"]
        return join(*preposition, self.object.german(case) if self.object else "")

    def finite(self, person: str) -> str:
        return self.verb["german" if person == "wir" else person]

    def german(self, form: str = "inf") -> str:
        """inf, zu, imp, part; mid: the object; verb: the infinitive alone; imp-fin, ich, du ...: the finite verb
        alone; rest: all but the finite verb; end-ich, end-du ...: the finite verb last."""
        prefix, infinitive = self.verb["prefix"], self.verb["german"]
        if form in PERSONS:
            return self.finite(form)
        if form.startswith("end-"):
            return join(self.middle, prefix + self.finite(form[4:]))
        last = {"inf": prefix + infinitive, "part": prefix + self.verb["partizip"], "rest": prefix}
        last["zu"] = f"{prefix}zu{infinitive}" if prefix else f"zu {infinitive}"
        alone = {"imp-fin": self.verb["imperative"], "verb": prefix + infinitive, "mid": self.middle}
        if form in alone:
            return alone[form]
        if form == "imp":
            return join(self.verb["imperative"], self.middle, prefix)
        return join(self.middle, last[form or "inf"])


@dataclass(frozen=True)
class Clause:
    """A German clause is cut into subject, finite verb, the middle, the end and a prefix of the finite verb."""

    english_text: str
    subject: str
    verb: str
    middle: str
    end: str = ""
    prefix: str = ""

    def english(self, _form: str = "") -> str:
        return self.english_text

    def german(self, form: str = "") -> str:
        """main (verb second), inv (verb first, after what stands in front), end (verb last)."""
        if form == "inv":
            return join(self.verb, self.subject, self.middle, self.end, self.prefix)
        if form == "end":
            return join(self.subject, self.middle, self.end, self.prefix + self.verb)
        return join(self.subject, self.verb, self.middle, self.end, self.prefix)


@dataclass(frozen=True)
class Lexicon:
    nouns: list[dict[str, str]]
    adjectives: list[Adjective]
    verbs: list[dict[str, str]]
    phrases: list[dict[str, str]]
    numbers: list[dict[str, str]]
    inflection: Inflection

    @cached_property
    def suited(self) -> dict[str, list[Adjective]]:
        """The adjectives that suit each noun."""
        return {
            noun["english"]: [entry for entry in self.adjectives if entry.suits(noun)] for noun in self.nouns
        }

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        return cls(
            nouns=table(folder / "nouns.tsv"),
            adjectives=[Adjective(row) for row in table(folder / "adjectives.tsv")],
            verbs=table(folder / "verbs.tsv"),
            phrases=table(folder / "phrases.tsv"),
            numbers=table(folder / "numbers.tsv"),
            inflection=Inflection(tomllib.loads((folder / "inflection.toml").read_text(encoding="utf-8"))),
        )

    @cached_property
    def nouns_by_term(self) -> dict[str, list[dict[str, str]]]:
        """Each class with its nouns, each English noun with itself."""
        terms: dict[str, list[dict[str, str]]] = {}
        for noun in self.nouns:
            terms.setdefault(noun["class"], []).append(noun)
            terms.setdefault(noun["english"], []).append(noun)
        return terms

    def nouns_of(self, terms: list[str]) -> list[dict[str, str]]:
        """The nouns that the terms name: classes or single English words."""
        return [noun for term in terms for noun in self.nouns_by_term.get(term, [])]

    @cached_property
    def phrases_by_kind(self) -> dict[str, list[Phrase]]:
        kinds: dict[str, list[Phrase]] = {}
        for row in self.phrases:
            kinds.setdefault(row["kind"], []).append(Phrase(row["english"], row["german"]))
        return kinds

    def phrases_of(self, kind: str) -> list[Phrase]:
        return self.phrases_by_kind[kind]

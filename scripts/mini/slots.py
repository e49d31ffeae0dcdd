"""What fills a slot of a frame: a slot names its kind and what it may hold, a random generator chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from lexicon import PERSONS, Adjective, Clause, Lexicon, NounPhrase, Phrase, VerbPhrase

Filler: TypeAlias = Phrase | Adjective | NounPhrase | VerbPhrase | Clause

THING = [
    "food",
    "drink",
    "tool",
    "device",
    "document",
    "software",
    "clothing",
    "furniture",
    "vehicle",
    "plant",
]
GROUPS = {
    "thing": THING,
    "countable": [*THING, "animal", "place", "person", "event", "topic"],
    "any": [*THING, "animal", "place", "person", "event", "topic"],
}
NUMBERS = ("number", "amount", "clock", "time")


@dataclass
class Slots:
    """Fills slots from a lexicon; the placeholders of one sentence are numbered in their English order."""

    lexicon: Lexicon
    rng: Random
    placeholders: int = 0
    used: set[str] = field(default_factory=set)

    def fill(self, kind: str, arguments: list[str], filled: dict[str, Filler]) -> Filler:
        arguments = [self.same_class(term, filled) for term in arguments]
        if kind in self.lexicon.inflection.tables["determiners"]:
            return self.noun_phrase(kind, arguments)
        makers: dict[str, Callable[[], Filler]] = {
            "adj": lambda: self.predicate(arguments, filled),
            "do": lambda: self.verb_phrase(arguments),
            "clause": lambda: self.clause(arguments),
            "code": self.placeholder,
        }
        if kind in makers:
            return makers[kind]()
        if kind in NUMBERS:
            return self.number(kind)
        return self.rng.choice(self.lexicon.phrases_of(kind))

    def placeholder(self) -> Phrase:
        self.placeholders += 1
        return Phrase(*2 * [f"<x{self.placeholders}>"])

    def predicate(self, arguments: list[str], filled: dict[str, Filler]) -> Adjective:
        phrase = filled[arguments[0]]
        assert isinstance(phrase, NounPhrase)
        return self.adjective(phrase.noun, comparable="comparable" in arguments, other=phrase.adjective)

    def same_class(self, term: str, filled: dict[str, Filler]) -> str:
        """A term like "=a" stands for the class of the noun in slot a."""
        if not term.startswith("="):
            return term
        phrase = filled[term[1:]]
        assert isinstance(phrase, NounPhrase)
        return phrase.noun["class"]

    def nouns(self, terms: list[str]) -> list[dict[str, str]]:
        return self.lexicon.nouns_of([name for term in terms for name in GROUPS.get(term, [term])])

    def noun_phrase(self, determiner: str, terms: list[str]) -> NounPhrase:
        forced = determiner in ("many", "count") or "pl" in terms
        nouns = self.nouns(terms)
        if forced or determiner == "every":
            nouns = [noun for noun in nouns if noun["plural"]]
        noun = self.rng.choice([noun for noun in nouns if noun["english"] not in self.used] or nouns)
        self.used.add(noun["english"])
        if not noun["plural"] and determiner == "indef":
            determiner = "bare"
        optional = (
            noun["plural"] and determiner in ("def", "my", "your", "our", "this", "no") and "sg" not in terms
        )
        plural = bool(forced or (optional and self.rng.random() < 0.2))
        adjective = None
        if "plain" not in terms and self.rng.random() < 0.4 and self.lexicon.suited[noun["english"]]:
            adjective = self.adjective(noun)
        count = self.numeral(2, 12, words=0.8) if determiner == "count" else None
        return NounPhrase(self.lexicon.inflection, noun, determiner, plural, adjective, count)

    def adjective(
        self, noun: dict[str, str], comparable: bool = False, other: Adjective | None = None
    ) -> Adjective:
        known = [entry for entry in self.lexicon.suited[noun["english"]] if entry is not other]
        return self.rng.choice([entry for entry in known if entry.row["comparative"] or not comparable])

    def verb_phrase(self, terms: list[str]) -> VerbPhrase:
        """Any verb, or one whose objects the terms overlap; "plain", "pl" and a determiner shape its object."""
        shape = [term for term in terms if term in ("pl", "plain", "sg", "direct")]
        determiners = [term for term in terms if term in self.lexicon.inflection.tables["determiners"]]
        classes = [term for term in terms if term not in shape + determiners]
        wanted = {noun["english"] for noun in self.nouns(classes)}
        if "pl" in shape:
            plurals = {noun["english"] for noun in self.lexicon.nouns if noun["plural"]}
            wanted = wanted & plurals if wanted else plurals
        verbs = [verb for verb in self.lexicon.verbs if verb["objects"] or not terms]
        if wanted:
            verbs = [verb for verb in verbs if wanted & {noun["english"] for noun in self.objects(verb)}]
        if "direct" in shape:
            verbs = [verb for verb in verbs if verb["case"] == "acc"]
        verb = self.rng.choice(verbs)
        if not verb["objects"]:
            return VerbPhrase(verb)
        objects = [noun["english"] for noun in self.objects(verb) if not wanted or noun["english"] in wanted]
        determiner = self.rng.choice(determiners or ["def", "def", "def", "indef", "my", "your", "this"])
        return VerbPhrase(verb, self.noun_phrase(determiner, objects + shape))

    def objects(self, verb: dict[str, str]) -> list[dict[str, str]]:
        return self.lexicon.nouns_of(verb["objects"].split())

    def clause(self, terms: list[str]) -> Clause:
        """Something is or was so, or someone does, did or can do something; terms limit the choice."""
        kinds = [term for term in terms if term in ("is", "was", "present", "past", "modal")]
        kind = self.rng.choice(kinds or ["is", "is", "was", "present", "present", "modal", "past"])
        return self.state(kind) if kind in ("is", "was") else self.action(kind, timeless="timeless" in terms)

    def state(self, kind: str) -> Clause:
        phrase = self.noun_phrase(self.rng.choice(["def", "def", "my", "your", "this", "our"]), ["any"])
        adjective = self.adjective(phrase.noun, other=phrase.adjective)
        form = "be" if kind == "is" else "was"
        english = f"{phrase.english()} {phrase.english(form)} {adjective.english()}"
        return Clause(english, phrase.german(), phrase.german(form), adjective.german())

    def action(self, kind: str, timeless: bool = False) -> Clause:
        subject, german, person = self.subject()
        phrase = self.verb_phrase([])
        third = "third" if person == "er" else ""
        adverb = Phrase("", "")
        if self.rng.random() < 0.25 and not timeless:
            adverb = self.rng.choice(self.lexicon.phrases_of("past" if kind == "past" else "when"))
        middle = f"{adverb.german()} {phrase.middle}".strip()
        infinitive = phrase.verb["prefix"] + phrase.verb["german"]
        if kind == "past":
            auxiliary = dict(zip(PERSONS, ("habe", "hast", "hat", "haben"), strict=True))[person]
            participle = phrase.verb["prefix"] + phrase.verb["partizip"]
            return Clause(
                f"{subject} {phrase.english('past')} {adverb.english()}".strip(),
                german,
                auxiliary,
                middle,
                participle,
            )
        if kind == "modal":
            base, third_person, forms = self.rng.choice(
                list(self.lexicon.inflection.tables["modals"].values())
            )
            modal = third_person if third else base
            english = f"{subject} {modal} {phrase.english()} {adverb.english()}".strip()
            return Clause(english, german, forms.split()[PERSONS.index(person)], middle, infinitive)
        english = f"{subject} {phrase.english(third)} {adverb.english()}".strip()
        return Clause(english, german, phrase.finite(person), middle, prefix=phrase.verb["prefix"])

    def subject(self) -> tuple[str, str, str]:
        """English, German and the German verb form."""
        roll = self.rng.random()
        if roll < 0.5:
            pronouns = self.lexicon.inflection.tables["subjects"]
            english = self.rng.choice(list(pronouns))
            return english, *pronouns[english]
        if roll < 0.7:
            name = self.rng.choice(self.lexicon.phrases_of("name"))
            return name.english(), name.german(), "er"
        phrase = self.noun_phrase(self.rng.choice(["def", "my", "your", "our"]), ["person", "sg"])
        return phrase.english(), phrase.german(), "er"

    def numeral(self, low: int, high: int, words: float) -> Phrase:
        row = self.lexicon.numbers[self.rng.randint(low, high) - 1]
        if self.rng.random() < words:
            return Phrase(row["english"], row["german"])
        return Phrase(row["number"], row["number"])

    def number(self, kind: str) -> Phrase:
        if kind == "clock":
            hour = self.rng.randint(1, 12)
            return Phrase(f"at {hour} o'clock", f"um {hour} Uhr")
        if kind == "time":
            time = f"{self.rng.randint(0, 23)}:{self.rng.randrange(0, 60, 5):02}"
            return Phrase(f"at {time}", f"um {time} Uhr")
        number = self.numeral(2, 100, words=0.3)
        if kind == "number":
            return number
        if self.rng.random() < 0.3:
            number = Phrase(*2 * [str(self.rng.randrange(100, 1000, 10))])
        unit = self.rng.choice(self.lexicon.phrases_of("unit"))
        return Phrase(f"{number.english()} {unit.english()}", f"{number.german()} {unit.german()}")

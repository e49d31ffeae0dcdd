"""Which frame of the mini grammar an English sentence comes from: the grammar read backwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from random import Random

from grammar import SHORT, SLOT, Frame, Grammar, capital
from lexicon import Adjective, NounPhrase
from slots import Slots

Filled = dict[str, object]
Found = Iterator[tuple[int, object]]
"""Where a filler may end, and the filler."""

CLAUSES = ("is", "was", "present", "past", "modal")


class Recognizer:
    """Follows the rules of `slots.Slots`: what that can write, this can read."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.lexicon = grammar.lexicon
        self.tables = grammar.lexicon.inflection.tables
        self._nouns_of: dict[tuple[str, ...], set[str]] = {}
        self._read: dict[str, Frame | None] = {}

    @cached_property
    def numbers(self) -> dict[str, int]:
        rows = self.lexicon.numbers
        return {row[key]: int(row["number"]) for row in rows for key in ("number", "english")}

    @cached_property
    def nouns(self) -> dict[str, tuple[dict[str, str], bool]]:
        """Each form of each noun, and whether it is a plural."""
        forms = {row["english"]: (row, False) for row in self.lexicon.nouns}
        return forms | {row["plural"]: (row, True) for row in self.lexicon.nouns if row["plural"]}

    @cached_property
    def adjectives(self) -> dict[str, Adjective]:
        return {entry.english(): entry for entry in self.lexicon.adjectives}

    def frame(self, sentence: str) -> Frame | None:
        """A frame that gives the sentence; list items, headings and cells may begin in lower case."""
        if sentence not in self._read:
            self._read[sentence] = next(
                (frame for frame in self.grammar.frames if self._gives(frame, sentence)), None
            )
        return self._read[sentence]

    def _gives(self, frame: Frame, sentence: str) -> bool:
        if not sentence.endswith(frame.english.rpartition("}")[2]):
            return False
        if capital(sentence) != sentence and frame.tag not in SHORT:
            return False
        texts = {sentence, sentence[0].lower() + sentence[1:], capital(sentence)}
        return any(self._match(frame.english, text, 0, {}) for text in texts)

    def _match(self, pattern: str, text: str, at: int, filled: Filled) -> bool:
        slot = SLOT.search(pattern)
        literal = pattern[: slot.start()] if slot else pattern
        if not text.startswith(literal, at):
            return False
        at += len(literal)
        if not slot:
            return at == len(text)
        key, declared, form, reference = slot.groups()
        for end, filler in self._slot(declared, form or reference or "", text, at, filled.get(key), filled):
            if self._match(pattern[slot.end() :], text, end, {**filled, key: filler}):
                return True
        return False

    def _slot(
        self, declared: str | None, form: str, text: str, at: int, known: object, filled: Filled
    ) -> Found:
        if not declared:
            assert isinstance(known, NounPhrase)
            yield from self._words([(known.english(form), known)], text, at)
            return
        kind, *terms = declared.split()
        terms = [
            getattr(filled[term[1:]], "noun", {"class": ""})["class"] if term[0] == "=" else term
            for term in terms
        ]
        if kind in self.tables["determiners"]:
            yield from self._noun_phrase(kind, terms, text, at)
        elif kind == "adj":
            phrase = filled[terms[0]]
            assert isinstance(phrase, NounPhrase)
            yield from self._adjective(phrase, form, "comparable" in terms, text, at)
        elif kind == "do":
            yield from self._verb_phrase(terms, "english", text, at)
        elif kind == "clause":
            yield from self._clause(terms, text, at)
        elif kind in ("number", "amount", "clock", "time"):
            yield from self._number(kind, text, at)
        elif kind == "code":
            yield from ((found.end(), None) for found in [re.compile(r"<x\d>").match(text, at)] if found)
        else:
            yield from self._words(
                [(phrase.english(), phrase) for phrase in self.lexicon.phrases_of(kind)], text, at
            )

    def _named(self, terms: tuple[str, ...]) -> set[str]:
        """The nouns that the terms of a slot name."""
        if terms not in self._nouns_of:
            rows = Slots(self.lexicon, Random(0)).nouns(list(terms))
            self._nouns_of[terms] = {row["english"] for row in rows}
        return self._nouns_of[terms]

    def _words(self, choices: list[tuple[str, object]], text: str, at: int) -> Found:
        yield from ((at + len(words), filler) for words, filler in choices if text.startswith(words, at))

    def _noun_phrase(self, determiner: str, terms: list[str], text: str, at: int) -> Found:
        names = self._named(tuple(terms))
        always = determiner in ("many", "count") or "pl" in terms
        both = determiner in ("def", "my", "your", "our", "this", "no") and "sg" not in terms
        singular, plural = self.tables["determiners"][determiner][:2]
        openings = [(f"{singular} " if singular else "", False)] * (not always)
        openings += [(f"{plural} " if plural else "", True)] * (always or both)
        if determiner == "count":
            openings = [(f"{word} ", True) for word, number in self.numbers.items() if 2 <= number <= 12]
        if determiner == "indef" and not always:
            openings += [("an ", False), ("", False)]
        for opening, many in openings:
            if not text.startswith(opening, at):
                continue
            start = at + len(opening)
            for end, adjective, noun, form in self._described(text, start):
                known = noun["english"] in names and form == many
                bare = determiner == "indef" and not noun["plural"]
                if (
                    not known
                    or (adjective and "plain" in terms)
                    or (determiner == "every" and not noun["plural"])
                ):
                    continue
                article = self.lexicon.inflection.article(text[start:end])
                if determiner != "indef" or opening == ("" if bare else f"{article} "):
                    inflection = self.lexicon.inflection
                    yield end, NounPhrase(inflection, noun, "bare" if bare else determiner, many, adjective)

    def _described(self, text: str, at: int) -> Iterator[tuple[int, Adjective | None, dict[str, str], bool]]:
        """A noun with or without an adjective that suits it."""
        first = re.compile(r"\w+").match(text, at)
        if first and first.group() in self.nouns:
            yield first.end(), None, *self.nouns[first.group()]
        adjective = self.adjectives.get(first.group()) if first else None
        second = re.compile(r" (\w+)").match(text, first.end()) if first else None
        if adjective and second and second[1] in self.nouns and adjective.suits(self.nouns[second[1]][0]):
            yield second.end(), adjective, *self.nouns[second[1]]

    def _adjective(self, phrase: NounPhrase, form: str, comparable: bool, text: str, at: int) -> Found:
        for entry in self.lexicon.suited[phrase.noun["english"]]:
            if entry is not phrase.adjective and (entry.row["comparative"] or not comparable):
                yield from self._words([(entry.english(form), entry)], text, at)

    def _verb_phrase(self, terms: list[str], form: str, text: str, at: int) -> Found:
        known = self.tables["determiners"]
        shape = [term for term in terms if term in ("pl", "plain", "sg", "direct")]
        determiners = [term for term in terms if term in known] or ["def", "indef", "my", "your", "this"]
        slots = Slots(self.lexicon, None)  # type: ignore[arg-type]
        wanted = {
            row["english"] for row in slots.nouns([t for t in terms if t not in shape and t not in known])
        }
        for verb in self.lexicon.verbs:
            if not text.startswith(verb[form], at) or ("direct" in shape and verb["case"] != "acc"):
                continue
            end = at + len(verb[form])
            if not verb["objects"]:
                if not terms:
                    yield end, verb
                continue
            objects = self._named(tuple(verb["objects"].split()))
            names = sorted(objects & wanted if wanted else objects)
            if names and text.startswith(" ", end):
                for determiner in determiners:
                    yield from self._noun_phrase(determiner, names + shape, text, end + 1)

    def _clause(self, terms: list[str], text: str, at: int) -> Found:
        kinds = [term for term in terms if term in CLAUSES] or CLAUSES
        for kind, form in (("is", "be"), ("was", "was")):
            if kind in kinds:
                for determiner in ("def", "my", "your", "this", "our"):
                    for end, phrase in self._noun_phrase(determiner, ["any"], text, at):
                        assert isinstance(phrase, NounPhrase)
                        verb = f" {phrase.english(form)} "
                        if text.startswith(verb, end):
                            yield from self._adjective(phrase, "", False, text, end + len(verb))
        if set(kinds) - {"is", "was"}:
            yield from self._action(kinds, text, at)

    def _action(self, kinds: tuple[str, ...] | list[str], text: str, at: int) -> Found:
        starts = [
            (end, word in ("he", "she"))
            for end, word in self._words([(w, w) for w in self.tables["subjects"]], text, at)
        ]
        names = [(phrase.english(), None) for phrase in self.lexicon.phrases_of("name")]
        starts += [(end, True) for end, _ in self._words(names, text, at)]
        for determiner in ("def", "my", "your", "our"):
            starts += [(end, True) for end, _ in self._noun_phrase(determiner, ["person", "sg"], text, at)]
        for end, third in starts:
            if not text.startswith(" ", end):
                continue
            forms = [("third" if third else "english", "when", end + 1)] * ("present" in kinds)
            forms += [("past", "past", end + 1)] * ("past" in kinds)
            if "modal" in kinds:
                for base, other, _ in self.tables["modals"].values():
                    modal = f"{other if third else base} "
                    forms += [("english", "when", end + 1 + len(modal))] * text.startswith(modal, end + 1)
            for form, adverb, start in forms:
                for stop, _ in self._verb_phrase([], form, text, start):
                    yield stop, None
                    phrases = [(f" {phrase.english()}", None) for phrase in self.lexicon.phrases_of(adverb)]
                    yield from self._words(phrases, text, stop)

    def _number(self, kind: str, text: str, at: int) -> Found:
        if kind in ("clock", "time"):
            pattern = r"at (?:1[0-2]|[1-9]) o'clock" if kind == "clock" else r"at (?:1\d|2[0-3]|\d):[0-5][05]"
            yield from ((found.end(), None) for found in [re.compile(pattern).match(text, at)] if found)
            return
        for word, number in self.numbers.items():
            if number >= 2 and re.compile(rf"{word}(?![-\w])").match(text, at):
                yield from self._unit(kind, text, at + len(word))
        found = re.compile(r"[1-9]\d0(?!\d)").match(text, at)
        if found and kind == "amount":
            yield from self._unit(kind, text, found.end())

    def _unit(self, kind: str, text: str, at: int) -> Found:
        if kind == "number":
            yield at, None
        else:
            units = [(f" {phrase.english()}", None) for phrase in self.lexicon.phrases_of("unit")]
            yield from self._words(units, text, at)

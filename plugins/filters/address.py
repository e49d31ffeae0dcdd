"""Is a person addressed in one way, politely or familiarly, from the first turn to the last?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge

from langadapt.errors import ConfigError
from langadapt.interfaces import Loads, SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack, read_toml
from langadapt.records import Record
from langadapt_plugins.filters.segmentwise import DATA
from langadapt_plugins.filters.speech import commands, letter_begins, letter_ends, says_it, spoken, to_you

_FORMS = ("polite", "familiar")
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)?|[.!?:;](?=\s|$)|[,…。\n¿¡]")
_LEADS = {":": "colon", ",": "comma"}
_STOPS = frozenset(".!?;…\n")
_KINDS = ("polite", "familiar", "polite_inside", "polite_to_you", "familiar_to_you", "polite_begin", "familiar_begin", "polite_command", "familiar_command", "polite_end", "familiar_end", "polite_request", "familiar_request")  # fmt: skip
_WORDS = 4000
"""Only so many words of a segment are read."""


class _Rules(NamedTuple):
    """What a language says of a word: patterns by kind, as `address.toml` names them."""

    kinds: dict[str, re.Pattern[str]]
    names: bool
    not_after: frozenset[str]
    seen: dict[str, tuple[tuple[str, str], ...]]


class _Said(NamedTuple):
    """A word that addresses somebody, and where."""

    word: str
    segment: int
    span: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class Address(Loads):
    """Drops a record in which the same speaker addresses the same person politely and familiarly, such as Sie and du.

    A record's turns are judged together, those of each speaker by themselves, and letters inside them too; what stands in
    quotation marks and dialogue is passed over. The words and verb forms are data: `address.toml`, and the table `address` of a
    pack's literals. A language without such data passes.
    """

    at_least: Annotated[int, Ge(1), "words of the rarer form from which a record is dropped"] = 1

    def filter(self, batch: Sequence[Translation], *, source: Language, pack: LanguagePack) -> list[Verdict]:
        """One verdict per item, at the first word that differs from the form before it."""
        rules = _rules(pack)
        english = source is None or source.code.split("-")[0] == "en"
        return [
            self._judge(item, rules, english=english)
            if rules.kinds and item.translated
            else Verdict(keep=True)
            for item in batch
        ]

    def check(self, pack: LanguagePack) -> None:
        """Refuse rules of a pack that are no regular expressions."""
        _rules(pack)

    def _judge(self, item: Translation, rules: _Rules, *, english: bool) -> Verdict:
        heard: dict[tuple[str, str, int], dict[str, list[_Said]]] = {}
        speakers = _speakers(item.source)
        letter = 0
        text = -1
        inside = False
        for index, pair in enumerate(item.pairs):
            if pair.text != text:
                text, inside = pair.text, False
            side, role = speakers[text] if text < len(speakers) else ("", "")
            for line, came, start in _lines(pair):
                if letter_begins(line):
                    letter, inside = letter + 1, True
                group = heard.setdefault((side, role, letter if inside else 0), {form: [] for form in _FORMS})
                inside = inside and not letter_ends(line)
                for form, word, number in _forms(line, came, rules, english=english):
                    at = start + _place(line, came, number) if not group[form] else 0
                    group[form].append(_Said(word, index, (at, at + len(word))))
        return self._verdict(heard)

    def _verdict(self, heard: dict[tuple[str, str, int], dict[str, list[_Said]]]) -> Verdict:
        for (side, role, letter), said in heard.items():
            before = (
                heard.get(("prompt", role, letter)) if side in ("chosen", "rejected") and not letter else None
            )
            forms = [[*(before[form] if before else ()), *said[form]] for form in _FORMS]
            if min(map(len, forms)) < self.at_least:
                continue
            first, second = sorted(
                (words[0] for words in forms), key=lambda one: (one.segment, one.span or (0, 0))
            )
            share = min(map(len, forms)) / sum(map(len, forms))
            return Verdict(
                keep=False,
                reason=f"address: {second.word!r} after {first.word!r}",
                score=round(share, 3),
                segment=second.segment,
                span=second.span,
            )
        return Verdict(keep=True)


def recognises(pack: LanguagePack) -> bool:
    """Whether a pack's language has a polite and a familiar form that are told by data."""
    return bool(_rules(pack).kinds)


def address_of(lines: Iterable[str], pack: LanguagePack, *, asks: bool = False) -> dict[str, list[str]]:
    """The words by which a text of nobody's translation addresses somebody, by form: `polite`, `familiar`.

    Words that tell a form only beside an English source are passed over, and so is what is quoted. In a text that `asks`, a verb
    that a sentence begins with tells one too (`familiar_request`). Empty where the language's forms are not known.
    """
    rules = _rules(pack)
    said: dict[str, list[str]] = {}
    for line in lines if rules.kinds else ():
        for form, word, _ in _forms("", line, rules, english=False, asks=asks):
            said.setdefault(form, []).append(word)
    return said


def _speakers(record: Record) -> list[tuple[str, str]]:
    """By text of a record, the field that it stands in and who speaks."""
    told: list[tuple[str, str]] = []
    for name, side in zip(record.FIELDS, record.sides, strict=True):
        if isinstance(side, str):
            told.append((name, "user" if name == "prompt" else "assistant"))
        else:
            told += [(name, message.role) for message in side]
    return told


def _lines(pair: SegmentPair) -> Iterator[tuple[str, str, int]]:
    """The lines of a segment beside those of its translation, where they are as many, and where the latter begin."""
    if "\n" not in pair.source:
        yield pair.source, pair.target, 0
        return
    sent, came = pair.source.split("\n"), pair.target.split("\n")
    if len(sent) != len(came):
        yield pair.source, pair.target, 0
        return
    start = 0
    for line, said in zip(sent, came, strict=True):
        yield line, said, start
        start += len(said) + 1


def _forms(
    sent: str, came: str, rules: _Rules, *, english: bool, asks: bool = False
) -> Iterator[tuple[str, str, int]]:
    """Form, word and number of each word of a line that tells one."""
    came = spoken(sent, came)
    words = _TOKEN.findall(came)[:_WORDS]
    seen = rules.seen
    for number, word in enumerate(words):
        kinds = seen.get(word)
        for form, where in _kinds(word, rules) if kinds is None else kinds:
            if where == "request":
                meant = asks and _before(words, number) in ("start", "mark")
            else:
                meant = not where or _meant(where, words, number, sent, english=english)
            if not meant or _other(words, number, rules):
                continue
            yield form, word, number
            break


def _place(sent: str, came: str, number: int) -> int:
    """Where a word of a line begins."""
    return next(islice(_TOKEN.finditer(spoken(sent, came)), number, None)).start()


def _meant(where: str, words: list[str], number: int, sent: str, *, english: bool) -> bool:
    """Whether a word stands where it tells a form, and the source speaks as it must."""
    if where == "inside":
        return _before(words, number) in ("", "comma")
    if not english:
        return False
    if where == "to_you":
        return to_you(sent)
    if where == "begin":
        return _before(words, number) in ("start", "mark") and to_you(sent) and not says_it(sent)
    if where == "end":
        return bool(commands(sent)) and (number + 1 == len(words) or words[number + 1] in _STOPS)
    before = _before(words, number)
    return bool(before) and commands(sent) == before


def _before(words: list[str], number: int) -> str:
    """What stands before a word: another one, a mark, or the first mark that may end the lead-in to a command."""
    last = words[number - 1] if number else ""
    if last[:1].isalnum():
        return ""
    if not any(word[0].isalnum() for word in words[:number][-40:]):
        return "start"
    if last in _LEADS:
        return _LEADS[last] if last not in words[: number - 1] else ""
    return "mark"


def _other(words: list[str], number: int, rules: _Rules) -> bool:
    """Whether the words beside a word make it another one: an article, a name after a title."""
    if number and words[number - 1].lower() in rules.not_after:
        return True
    return rules.names and number + 1 < len(words) and words[number + 1][0].isupper()


def _of_lists(facts: dict[str, Any]) -> dict[str, Any]:
    """A pack's plain lists: informal words in either case, formal ones inside a sentence where upper case makes them so."""
    formal = "polite_inside" if facts.get("case") else "polite"
    lists = {"familiar": facts.get("informal"), formal: facts.get("formal")}
    return {
        kind: [f"(?i:{word})" if kind == "familiar" else word for word in words]
        for kind, words in lists.items()
        if words
    }


def _kinds(word: str, rules: _Rules) -> tuple[tuple[str, str], ...]:
    found = (
        tuple(
            (kind.partition("_")[0], kind.partition("_")[2])
            for kind, pattern in rules.kinds.items()
            if pattern.fullmatch(word)
        )
        if len(word) < 40
        else ()
    )
    if len(rules.seen) < 50_000:
        rules.seen[word] = found
    return found


@lru_cache(64)
def _rules(pack: LanguagePack) -> _Rules:
    facts = {**_table().get(pack.language.code.split("-")[0], {}), **pack.literals.get("address", {})}
    facts = {**facts, **_of_lists(facts)} if "formal" in facts or "informal" in facts else facts
    case = 0 if facts.get("case") else re.IGNORECASE
    kinds: dict[str, re.Pattern[str]] = {}
    for kind in _KINDS:
        if not (said := facts.get(kind)):
            continue
        words = said.split() if isinstance(said, str) else list(said)
        try:
            kinds[kind] = re.compile("|".join(words), case)
        except re.error as error:
            raise ConfigError(
                f"literals.toml: address.{kind}: {error}", hint="one regular expression for each word"
            ) from error
    forms = {kind.partition("_")[0] for kind in kinds}
    return _Rules(
        kinds if len(forms) == 2 else {},
        bool(facts.get("names")),
        frozenset(facts.get("not_after", "").split()),
        {},
    )


@cache
def _table() -> dict[str, Any]:
    return read_toml(DATA / "address.toml")

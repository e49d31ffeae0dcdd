"""Phrases that betray a machine, by language: those of `phrases.toml`, and what a pack adds to them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from langadapt.languages import LanguagePack, read_toml
from langadapt_plugins.filters.segmentwise import DATA

_SAME = {"nb": "no", "nn": "no", "ms": "id", "fil": "tl"}
_PIECE = 8
_SAID = ("affirm", "lead", "refusal", "leak")
_OF_PACKS = {"lead": "preamble", "refusal": "refusal", "leak": "prompt_leak"}


def lists(code: str) -> str:
    """The table of `phrases.toml` that serves a language."""
    base = code.lower().split("-")[0]
    return _SAME.get(base, base)


@lru_cache(64)
def known(kind: str, pack: LanguagePack) -> tuple[str, ...]:
    """The phrases of a kind in English and the pack's language, its own among them."""
    tables = _tables()
    found = [*tables["en"].get(kind, ()), *tables.get(lists(pack.language.code), {}).get(kind, ())]
    return _forms([*found, *own(kind, pack)])


def may_say(kind: str, low: str, pack: LanguagePack) -> bool:
    """Whether a lower-case text may hold a phrase of a kind: a look that is cheaper than to look for each."""
    return any(map(low.__contains__, _signs(kind, pack)))


def said(kind: str, low: str, pack: LanguagePack) -> Iterator[str]:
    """The phrases of a kind that a lower-case text holds."""
    return filter(low.__contains__, known(kind, pack) if may_say(kind, low, pack) else ())


@lru_cache(64)
def _signs(kind: str, pack: LanguagePack) -> tuple[str, ...]:
    """Few pieces of which each phrase of a kind holds one: a lower-case text without any of them holds no phrase either."""
    left = set(known(kind, pack))
    found: list[str] = []
    while left:
        pieces = Counter(piece for phrase in left for piece in _pieces(phrase))
        best = min(pieces, key=lambda piece: (-pieces[piece], piece))
        found.append(best)
        left = {phrase for phrase in left if best not in phrase}
    return tuple(found)


def _pieces(phrase: str) -> set[str]:
    return {phrase[at : at + _PIECE] for at in range(max(1, len(phrase) - _PIECE + 1))}


def own(kind: str, pack: LanguagePack) -> tuple[str, ...]:
    """What the pack itself lists under a kind."""
    return tuple(pack.literals.get("phrases", {}).get(_OF_PACKS.get(kind, kind), ()))


@lru_cache(64)
def names(pack: LanguagePack) -> tuple[str, ...]:
    """What the pack's language is called, in English and in itself, without an ending."""
    native = re.split(r"\s?[(（]", pack.language.native)[0].lower()  # noqa: RUF001
    stem = native[:-2] if len(native) > 5 and " " not in native and spaced(native[-1]) else native
    return stem, pack.language.name.split(" (")[0].lower()


def named(text: str, sent: str, pack: LanguagePack) -> bool:
    """Whether a lower-case text names the pack's language, and a lower-case source does not."""
    return any(map(text.__contains__, names(pack))) and names(pack)[1][:4] not in sent


@lru_cache(64)
def alternatives(kind: str, pack: LanguagePack) -> str:
    """The phrases of a kind as one expression, longest first; words with spaces between them are matched whole."""
    return either(known(kind, pack))


def either(phrases: tuple[str, ...]) -> str:
    """An expression for any of the phrases; nothing matches none."""
    ordered = sorted(phrases, key=len, reverse=True)
    return (
        "|".join(re.escape(phrase) + (r"(?!\w)" if spaced(phrase[-1:]) else "") for phrase in ordered)
        or "(?!)"
    )


def spaced(character: str) -> bool:
    """Whether a letter belongs to a script that puts spaces between words."""
    return character.isalpha() and not "\u0e00" <= character < "\u0f00" and character < "\u2e80"


def english(cue: str, sent: str, pack: LanguagePack) -> bool:
    """Whether an English phrase stands in a target of another language without standing in its lower-case source."""
    return lists(pack.language.code) != "en" and cue in _english() and cue not in sent


@cache
def _english() -> frozenset[str]:
    others = {phrase for code in _tables() if code != "en" for kind in _SAID for phrase in table(kind, code)}
    return frozenset(phrase for kind in _SAID for phrase in table(kind, "en")) - others


@cache
def table(kind: str, code: str) -> tuple[str, ...]:
    """The phrases of a kind in one language."""
    return _forms(_tables().get(lists(code), {}).get(kind, ()))


def _forms(phrases: Iterable[str]) -> tuple[str, ...]:
    """Phrases in lower case, with either apostrophe."""
    low = dict.fromkeys(phrase.lower() for phrase in phrases)
    return tuple(dict.fromkeys([*low, *(phrase.replace("'", "’") for phrase in low)]))  # noqa: RUF001 - the mark itself


def ends_asking(text: str, code: str) -> bool:
    """Whether a text without a final mark ends in a word that asks, as か does in Japanese."""
    ended = f"{text.rstrip()}\n"
    return any(ended.endswith(word) for word in table("question", code) if word.endswith("\n"))


def accounted(kind: str, text: str) -> bool:
    """Whether words of a lower-case source account for such a phrase in its translation."""
    return _like(kind).search(text) is not None


@cache
def _like(kind: str) -> re.Pattern[str]:
    words = _tables()["like"][kind]
    return re.compile(
        "|".join(
            (r"\b" if word[0].isalpha() else "")
            + re.escape(word)
            + (r"\b" if kind == "unable" and len(word) < 5 else "")
            for word in words
        )
    )


@cache
def _tables() -> dict[str, Any]:
    return read_toml(DATA / "phrases.toml")

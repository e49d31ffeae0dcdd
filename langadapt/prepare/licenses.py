"""What licences allow: SPDX expressions, their spellings and facts as data. What is not known is not allowed.

A policy is `commercial`, `research` or `any`. The facts and spellings lie in licenses.toml beside this file.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.languages import mistakes, read_toml

POLICIES = ("commercial", "research", "any")
UNKNOWN = "LicenseRef-unknown"
"""Something is said about the licence, and nobody can tell what."""
OWN = "LicenseRef-own"
"""The user's own rows."""
FACTS = Path(__file__).with_name("licenses.toml")

_LONGEST, _SHOWN = 500, 60
_NOTHING = frozenset({"unknown", "none", "n/a", "na", "null", "nan", "unlicensed", "-", "?", "noassertion"})
_DASH = re.compile("[\u2010-\u2015\u2212]")
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_LISTED = re.compile(r"[,:]\s*\d+$")  # `MIT,0` is no MIT-0: a whole number behind a comma is another value
_OPERATOR = re.compile(r"(?<![\w.+-])(and|or|with)(?![\w.+-])|([()])|([,;&|/])")


@dataclass(frozen=True, kw_only=True)
class Licence:
    """One licence, and what it asks; `id` is its SPDX identifier or a `LicenseRef-`."""

    id: str
    name: str
    commercial: bool = False
    research: bool = True
    attribution: bool = False
    share_alike: bool = False
    no_derivatives: bool = False

    def fits(self, policy: str) -> bool:
        """Whether a translation of rows under it may be used. A translation is a derivative."""
        if policy == "any":
            return True
        return not self.no_derivatives and (self.commercial if policy == "commercial" else self.research)


@dataclass(frozen=True)
class _Facts:
    licences: Mapping[str, Licence]
    spelling: Mapping[str, str]
    words: tuple[tuple[re.Pattern[str], str], ...]
    address: tuple[tuple[re.Pattern[str], str], ...]


def allows(policy: str, license_id: str) -> bool:
    """Whether rows under a licence, in any spelling, may be used: all parts of an `AND`, one of an `OR`.

    Raises `ConfigError` for a word that is no policy.
    """
    if policy not in POLICIES:
        raise ConfigError(
            f"prepare.licenses: {policy!r} is no policy", hint=f"policies: {', '.join(POLICIES)}"
        )
    return policy == "any" or _allows(policy, canonical(license_id))


def canonical(stated: Any) -> str:
    """What a row, a card or a recipe says of its licence, as an SPDX expression; empty where nothing is said.

    What is no licence is `UNKNOWN`, or a `LicenseRef-` with the words that stand there. Of several in a list all hold,
    since nobody says which for what.
    """
    if stated is None or stated != stated:  # noqa: PLR0124 - NaN stands for a missing value in tables
        return ""
    if isinstance(stated, list | tuple):
        return both(map(canonical, stated))
    return _canonical(stated) if isinstance(stated, str) else UNKNOWN


def both(stated: Iterable[str]) -> str:
    """One SPDX expression under which all of these hold; `LicenseRef-own` only where nothing else is said."""
    whole = dict.fromkeys(
        part
        for one in stated
        if one
        for part in ([one] if "(" in one or " OR " in one else one.split(" AND "))
    )
    if len(whole) > 1:
        whole.pop(OWN, None)
    if len(whole) < 2:
        return next(iter(whole), "")
    return " AND ".join(f"({one})" if " OR " in one else one for one in sorted(whole))


def narrowed(whole: str, own: str) -> str:
    """The licence of a part of something, of what both say: its own, unless that asks for less than the whole does."""
    if not whole or not own or whole == own:
        return own or whole
    asked, given = (_asks(one) for one in (whole, own))
    return own if asked <= given and " OR " not in own else both([whole, own])


def is_known(expression: str) -> bool:
    """Whether facts are at hand for all licences of an expression."""
    known = _facts().licences.values()
    names = {one.name for one in known} - {_licence(UNKNOWN).name}
    return all(one.name in names for one in licences_in(expression))


def is_own(expression: str) -> bool:
    """Whether an expression names the licence of the user's own rows, in any case of its letters."""
    return any(one.name == _licence(OWN).name for one in licences_in(expression))


def _asks(expression: str) -> set[str]:
    """All that any of the licences of an expression asks or forbids; one that nobody knows may ask for anything."""
    asked: set[str] = set()
    for one in licences_in(expression):
        unknown = not one.research
        asked |= {
            ask
            for ask, there in (
                ("name", one.attribution),
                ("share alike", one.share_alike),
                ("no derivatives", one.no_derivatives),
                ("no commerce", not one.commercial),
                ("no research", unknown),
            )
            if there or unknown
        }
    return asked


def licences_in(expression: str) -> tuple[Licence, ...]:
    """The licences that an expression names, for those who have to credit or to share alike; unknown ones too."""
    names = [word for word in _words(canonical(expression)) if word not in ("AND", "OR", "(", ")")]
    return tuple(dict.fromkeys(_licence(name) for name in names))


@cache
def _facts() -> _Facts:
    return read_facts(FACTS)


def read_facts(path: Path) -> _Facts:
    """The tables of a file such as licenses.toml; raises `ConfigError` with every mistake."""
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    strict = ConfigDict(extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-"))

    class Table(BaseModel):
        model_config = strict
        name: str = Field(min_length=1)
        commercial: bool
        research: bool = True
        attribution: bool = False
        share_alike: bool = False
        no_derivatives: bool = False

    class File(BaseModel):
        model_config = strict
        license: dict[str, Table]
        spelling: dict[str, str] = {}
        words: dict[str, str] = {}
        address: dict[str, str] = {}

    try:
        facts = File.model_validate(read_toml(path))
    except ValidationError as error:
        raise ConfigError.of(mistakes(error), where=str(path), hint="its head says what it holds") from error
    return _Facts(
        {key.lower(): Licence(id=key, **table.model_dump()) for key, table in facts.license.items()},
        facts.spelling,
        tuple((re.compile(key), value) for key, value in facts.words.items()),
        tuple((re.compile(key), value) for key, value in facts.address.items()),
    )


@lru_cache(4096)
def _canonical(stated: str) -> str:
    text = " ".join(_UNSEEN.sub("", _DASH.sub("-", unicodedata.normalize("NFKC", stated))).split()).strip(
        "\"'`."
    )
    if not text:
        return ""
    if len(text) > _LONGEST:
        return UNKNOWN
    return _spdx(text) or _single(text.lower()) or _several(text.lower()) or _named(text)


def _named(text: str) -> str:
    """What nobody knows, so that a report can tell it; never the name of a licence that is known."""
    name = "LicenseRef-" + re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")
    return UNKNOWN if len(name) > _SHOWN or name.lower() in _facts().licences else _spdx(name) or UNKNOWN


def _spdx(text: str) -> str:
    """The expression in SPDX's own spelling; empty where it is none."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return str(canonicalize_license_expression(text))
    except (InvalidLicenseExpression, ValueError, SyntaxError, RecursionError, MemoryError):
        return ""


def _single(text: str) -> str:
    """The identifier of one licence that is written in another way; empty where nobody knows it."""
    facts = _facts()
    if text in _NOTHING:
        return UNKNOWN
    bare = re.sub(r"^https?://(?:www\.)?", "", text)
    if bare != text:
        found = ((pattern.fullmatch(bare.rstrip("/")), put) for pattern, put in facts.address)
        return next((_spdx(match.expand(put)) for match, put in found if match), "")
    if twice := re.fullmatch(r"(.*\S) ?\(([^()]+)\)", text):  # a name, and its short form behind
        one, two = _single(twice[1]), _single(twice[2])
        return one if one == two else ""
    if _LISTED.search(text):
        return ""
    slug = _slug(text)
    if slug in facts.spelling:
        return facts.spelling[slug]
    for pattern, put in facts.words:
        text = pattern.sub(put, text)
    slug = _slug(text)
    return facts.spelling.get(slug) or ("" if not slug else _spdx(slug))


def _slug(text: str) -> str:
    return re.sub(r"[\s_,:-]+", "-", text).strip("-.")


def _several(text: str) -> str:
    """Several licences and what stands between them; a comma or slash means that all of them hold."""
    words = [word for word in _OPERATOR.split(text) if word and word.strip()]
    if len(words) < 2:
        return ""
    out: list[str] = []
    for word in map(str.strip, words):
        if word in ("and", "or", "(", ")"):
            out.append(word.upper())
        elif word in (",", ";", "&", "|", "/"):
            out.append("AND")
        else:
            out.append(_single(word))
            if word == "with" or not out[-1]:
                return ""
    return _spdx(" ".join(out))


def _words(expression: str) -> list[str]:
    return expression.replace("(", " ( ").replace(")", " ) ").replace(" WITH ", "-WITH-").split()


@lru_cache(4096)
def _allows(policy: str, expression: str) -> bool:
    """Whether a canonical expression fits; `AND` binds closer than `OR`."""
    words = iter([*_words(expression), ""])
    fits, _ = _any_of(next(words), words, lambda name: _licence(name).fits(policy))
    return fits


def _any_of(word: str, words: Iterator[str], fits: Callable[[str], bool]) -> tuple[bool, str]:
    whole, word = _all_of(word, words, fits)
    while word == "OR":
        part, word = _all_of(next(words), words, fits)
        whole = whole or part
    return whole, word


def _all_of(word: str, words: Iterator[str], fits: Callable[[str], bool]) -> tuple[bool, str]:
    whole, word = _one(word, words, fits)
    while word == "AND":
        part, word = _one(next(words), words, fits)
        whole = whole and part
    return whole, word


def _one(word: str, words: Iterator[str], fits: Callable[[str], bool]) -> tuple[bool, str]:
    if word == "(":
        whole, _ = _any_of(next(words), words, fits)
        return whole, next(words)
    return fits(word), next(words, "")


@lru_cache(4096)
def _licence(name: str) -> Licence:
    """The facts of an identifier, those of the licence itself where it stands with an exception or a `+`."""
    known = _facts().licences
    bare = name.split("-WITH-", maxsplit=1)[0].removesuffix("+").lower()
    found = known.get(bare) or next((one for key, one in known.items() if fnmatchcase(bare, key)), None)
    if found is None:
        return Licence(id=name.replace("-WITH-", " WITH ") or UNKNOWN, name=name or "unknown", research=False)
    return Licence(**{**vars(found), "id": name.replace("-WITH-", " WITH ")})

"""How a pack words what a model is asked: `[translate]` of its prompts.toml."""

from collections.abc import Iterator, Mapping
from typing import Any

from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack
from langadapt.models.naming import base

LANGUAGE = "language"
"""The language that the words are for, where they are a pack's: what is translated into others is asked in ours."""
KEYS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "system": (frozenset(), frozenset({"source", "target", "address", "glossary", "context"})),
    "template": (frozenset({"text"}), frozenset({"source", "target", "address", "glossary", "context"})),
    "context": (frozenset({"context"}), frozenset({"source", "target"})),
    "glossary": (frozenset({"terms"}), frozenset({"source", "target"})),
    "term": (frozenset({"term", "translation"}), frozenset()),
    "informal": (frozenset(), frozenset({"source", "target"})),
    "formal": (frozenset(), frozenset({"source", "target"})),
}
"""The keys of `[translate]`: what each must hold in braces, and what it may."""


def wording(pack: LanguagePack) -> dict[str, str]:
    """The pack's words, with its language; none where it has none. Raises `ConfigError` for what nothing reads."""
    table = pack.prompts.get("translate", {})
    if not table:
        return {}
    check(table, "prompts.toml: translate")
    return {LANGUAGE: base(pack.language), **table}


def check(words: Mapping[str, Any], where: str) -> None:
    """Raise `ConfigError` for keys that nothing reads, values that are no text and templates without `{text}`."""
    found = list(_mistakes(words))
    if found:
        raise ConfigError.of(found, where=where, hint=f"it takes {', '.join(KEYS)}")


def _mistakes(words: Mapping[str, Any]) -> Iterator[str]:
    for key, value in words.items():
        if key not in KEYS and key != LANGUAGE:
            yield f"{key} is read by nothing"
        elif not isinstance(value, str):
            yield f"{key} is no text"
        elif key == "template" and "{text}" not in value:
            yield "template lacks {text}"


def changes(words: Mapping[str, str]) -> dict[str, Any]:
    """What the words change of a family, without the line ends around them."""
    return {
        "prompt" if key == "template" else key: value.strip("\r\n")
        for key, value in words.items()
        if key != LANGUAGE
    }

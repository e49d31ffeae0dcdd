"""Damage to what must come through as it is: placeholders, addresses, file names, and the characters themselves."""

from __future__ import annotations

import html
import random
import re
import tomllib
from functools import cache
from html.entities import codepoint2name
from typing import Any

from turns import DATA, Turn, one

ENTITY = re.compile(
    r"https?://[^\s<>,;\u3001\u3002]*[^\s<>,;\u3001\u3002.]|[\w.]+@[\w.]*\w|\b\w+\.(?:yaml|json|py)\b",
    re.ASCII,
)
PLACEHOLDER = re.compile(r"<x\d+>")
KEPT = re.compile(rf"{PLACEHOLDER.pattern}|{ENTITY.pattern}", re.ASCII)
ENDINGS = {"yaml": "yml", "json": "txt", "py": "pyc", "org": "com", "com": "net", "undo": "redo", "1": "11"}
SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff\u4e00-\u9fff]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
}
CONTROLS = "\x00\x01\x02\x07\x08\x0b\x0e\x1a\x1b\x7f\x85"


@cache
def _scripts() -> dict[str, Any]:
    return tomllib.loads((DATA / "scripts.toml").read_text(encoding="utf-8"))


def entities(turn: Turn, rng: random.Random) -> Turn | None:
    """A placeholder lost, doubled, renumbered or bent; an address or file name lost or changed where it stands in plain."""
    first, second = rng.sample((_placeholder, _entity), 2)
    return one(turn, rng, first) or one(turn, rng, second)


def _placeholder(text: str, language: str, rng: random.Random) -> str | None:
    del language
    found = list(PLACEHOLDER.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    number = match[0][2:-1]
    changed = rng.choice((
        "", f"{match[0]} {match[0]}", f"<x{int(number) + rng.randint(len(found), 9)}>", f"x{number}", f"<x{number}",
        f"<x {number}>", f"< x{number} >", f"&lt;x{number}&gt;", f"<y{number}>", "<x>", f"</x{number}>", "`...`",
    ))  # fmt: skip
    return re.sub(r"  +", " ", text[: match.start()] + changed + text[match.end() :])


def _entity(text: str, language: str, rng: random.Random) -> str | None:
    del language
    found = list(ENTITY.finditer(text))
    if not found:
        return None
    match = rng.choice(found)
    entity = match[0]
    place = rng.choice([n for n, letter in enumerate(entity) if letter.isalnum()])
    head, dot, ending = entity.rpartition(".") if "undo" not in entity else entity.rpartition("/")
    changed = rng.choice((
        "", entity[:place] + entity[place + 1 :], f"{head}{dot}{ENDINGS.get(ending, ending + 's')}", f"{head}{dot} {ending}",
        entity.capitalize(), entity.replace("service", "info").replace("http", "ftp").replace("settings", "options"), head,
    ))  # fmt: skip
    return re.sub(r"  +", " ", text[: match.start()] + changed + text[match.end() :])


def script(turn: Turn, rng: random.Random) -> Turn | None:
    """Mojibake, escapes, replacement and control characters, runs and halves in another script, letters that look alike."""
    change = rng.choice((_mojibake, _mojibake, _escaped, _replaced, _control, _run, _run, _half, _lookalikes))
    return one(turn, rng, change)


def _mojibake(text: str, language: str, rng: random.Random) -> str | None:
    """UTF-8 read as Windows-1252, all of it or one word."""
    del language
    words = text.split(" ")
    foreign = [n for n, word in enumerate(words) if any(c.isalpha() and not c.isascii() for c in word)]
    if not foreign:
        return None
    chosen = foreign if rng.random() < 0.5 else [rng.choice(foreign)]
    return " ".join(_misread(word) if n in chosen else word for n, word in enumerate(words))


def _misread(word: str) -> str:
    return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in word.encode())


def _escaped(text: str, language: str, rng: random.Random) -> str | None:
    """Letters as HTML entities or as JSON escapes."""
    del language
    if rng.random() < 0.5:
        made = "".join(
            f"&{codepoint2name[ord(c)]};" if ord(c) > 127 and ord(c) in codepoint2name else c for c in text
        )
        return made if html.unescape(made) == text else None
    return "".join(f"\\u{ord(c):04x}" if c.isalpha() and not c.isascii() else c for c in text)


def _places(text: str, count: int, rng: random.Random) -> list[int]:
    """Some letters of the text that belong to nothing that is kept."""
    kept = [match.span() for match in KEPT.finditer(text)]
    free = [n for n, c in enumerate(text) if c.isalpha() and not any(a <= n < b for a, b in kept)]
    return sorted(rng.sample(free, min(count, len(free))), reverse=True)


def _replaced(text: str, language: str, rng: random.Random) -> str | None:
    del language
    for place in _places(text, rng.randint(1, 4), rng):
        text = text[:place] + "\ufffd" * rng.randint(1, 2) + text[place + 1 :]
    return text


def _control(text: str, language: str, rng: random.Random) -> str | None:
    del language
    for place in _places(text, rng.randint(1, 3), rng):
        text = text[:place] + rng.choice(CONTROLS) + text[place:]
    return text


def _foreign(kind: str, language: str, rng: random.Random) -> str:
    """A text that is not in the language's own script."""
    own = SCRIPTS.get(language)
    texts = [text for text in _scripts()[kind] if own is None or not own.search(text)]
    return str(rng.choice(texts))


def _run(text: str, language: str, rng: random.Random) -> str | None:
    places = _places(text, 1, rng)
    if len(text) < 10 or not places:
        return None
    start = text.rfind(" ", 0, places[0]) + 1 if rng.random() < 0.7 and language != "ja" else places[0]
    stop = text.find(" ", places[0])
    stop = len(text) if stop < 0 or language == "ja" else stop
    rest = text[places[0] + 1 :] if language == "ja" else text[stop:]
    return f"{text[:start]}{_foreign('runs', language, rng)}{rest}" if "<x" not in text[start:stop] else None


def _half(text: str, language: str, rng: random.Random) -> str | None:
    if len(text) < (20 if language == "ja" else 40):
        return None
    half = text[: len(text) // 2]
    half = half if language == "ja" else half.rpartition(" ")[0]
    return f"{half} {_foreign('halves', language, rng)}"


def _lookalikes(text: str, language: str, rng: random.Random) -> str | None:
    """Latin letters changed for Cyrillic ones, or the other way round."""
    latin, cyrillic = _scripts()["lookalikes"]["latin"], _scripts()["lookalikes"]["cyrillic"]
    table = dict(zip(cyrillic, latin, strict=True) if language == "ru" else zip(latin, cyrillic, strict=True))
    kept = [match.span() for match in KEPT.finditer(text)]
    free = [n for n, c in enumerate(text) if c in table and not any(a <= n < b for a, b in kept)]
    if language in ("ja", "ar") or len(free) < 6:
        return None
    chosen = set(rng.sample(free, rng.randint(3, 6)))
    return "".join(table[c] if n in chosen else c for n, c in enumerate(text))

"""Damage to what a translation says: cut, too long, looping, other figures."""

from __future__ import annotations

import random
import re

from broken import KEPT
from turns import Turn, clean_turns, one, phrases, sentences

NUMBER = re.compile(r"\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+(?:[.,\u066b\u066c]\d+)*")
SEPARATOR = "[.,\u066b\u066c \u00a0\u202f]"
YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
SYMBOLS = (
    ("km", "m"), ("g", "kg"), ("ml", "l"), ("GB", "MB"), ("Go", "Mo"), ("°C", "°F"), ("%", "‰"), ("$", "€"), ("h", "min"),
)  # fmt: skip
CLOSING = ".!?\u2026\u3002\uff01\uff1f\u061f:;,)\u00bb\u201d\u201c\"'\u300d\u300f"


def truncated(turn: Turn, rng: random.Random) -> Turn | None:
    """Cut in the middle of a sentence or word, or without the last sentences."""
    return one(turn, rng, rng.choice((_cut, _cut, _without_end)))


def _cut(text: str, language: str, rng: random.Random) -> str | None:
    dense = language == "ja"
    if len(text) < (24 if dense else 50):
        return None
    cut = text[: int(len(text) * rng.uniform(0.3, 0.85))]
    if not dense and rng.random() < 0.6:
        cut = cut.rpartition(" ")[0]
    cut = re.sub(r"<x?\d*$", "", cut).rstrip()
    return cut if cut and cut[-1] not in CLOSING else None


def _without_end(text: str, language: str, rng: random.Random) -> str | None:
    parts = sentences(text)
    if len(parts) < 2:
        return None
    kept = rng.randint(1, len(parts) - 1)
    end = text.index(parts[kept], sum(len(part) for part in parts[:kept]))
    least = 8 if language == "ja" else 20
    return text[:end].rstrip() if len(text) - end >= max(least, len(text) * 0.2) else None


def length(turn: Turn, rng: random.Random) -> Turn | None:
    """Twice as long, padded with sentences of other turns, or shortened to a third."""
    return one(turn, rng, rng.choice((_doubled, _padded, _padded, _shortened)))


def _doubled(text: str, language: str, rng: random.Random) -> str | None:
    del language
    return f"{text}{rng.choice((' ', chr(10)))}{text}" if len(text) >= 20 else None


def _padded(text: str, language: str, rng: random.Random) -> str | None:
    others = [
        target
        for turn in clean_turns(language)
        for target in turn.targets
        if "<x" not in target and target != text
    ]
    added: list[str] = []
    while sum(map(len, added)) < max(len(text), 60):
        added.append(rng.choice(others))
    return " ".join([text, *added])


def _shortened(text: str, language: str, rng: random.Random) -> str | None:
    del rng
    dense = language == "ja"
    if len(text) < (40 if dense else 80):
        return None
    third = text[: len(text) // 3]
    if not dense:
        third = third.rpartition(" ")[0]
    return third.rstrip(" ,;:、،") + ("。" if dense else ".")


def repetition(turn: Turn, rng: random.Random) -> Turn | None:
    """Loops: of a word, a phrase, all of it, or a character without end."""
    return one(turn, rng, rng.choice((_word_loop, _phrase_loop, _phrase_loop, _text_loop, _endless)))


def _word_loop(text: str, language: str, rng: random.Random) -> str | None:
    return _loop(text, language, rng, (1, 1), (6, 40))


def _phrase_loop(text: str, language: str, rng: random.Random) -> str | None:
    return _loop(text, language, rng, (2, 6), (4, 20))


def _loop(
    text: str, language: str, rng: random.Random, width: tuple[int, int], times: tuple[int, int]
) -> str | None:
    """The text up to a place, the last words of which are said again and again."""
    dense = language == "ja"
    words = list(text) if dense else text.split(" ")
    wide = rng.randint(*width) * (3 if dense else 1)
    if len(words) < wide + 2:
        return None
    end = rng.randint(wide, len(words))
    glue = "" if dense else " "
    looped = glue.join(words[end - wide : end])
    if not any(letter.isalpha() for letter in looped) or "<x" in looped:
        return None
    rest = words[end:] if rng.random() < 0.3 else []
    return glue.join([*words[:end], *[looped] * rng.randint(*times), *rest])


def _text_loop(text: str, language: str, rng: random.Random) -> str | None:
    del language
    return rng.choice((" ", "\n")).join([text] * rng.randint(3, 8)) if "<x" not in text else None


def _endless(text: str, language: str, rng: random.Random) -> str | None:
    del language
    place = rng.randint(len(text) // 3, len(text))
    letter = rng.choice([*"!.…-=*_", text[place - 1], text[place - 1]])
    return text[:place] + letter * rng.randint(25, 300) if letter not in " \n<>" else None


def numbers(turn: Turn, rng: random.Random) -> Turn | None:
    """Another digit, a number lost, point and comma confused, another unit, another year."""
    changes = (_digit, _digit, _transposed, _number_lost, _separators, _separators, _unit, _year)
    return one(turn, rng, rng.choice(changes))


def _numbers(text: str, pattern: re.Pattern[str] = NUMBER) -> list[re.Match[str]]:
    kept = [match.span() for match in KEPT.finditer(text)]
    return [m for m in pattern.finditer(text) if not any(a < m.end() and m.start() < b for a, b in kept)]


def _swap(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def _digit(text: str, language: str, rng: random.Random) -> str | None:
    del language
    if not (found := _numbers(text)):
        return None
    match = rng.choice(found)
    places = [place for place, letter in enumerate(match[0]) if letter.isdigit()]
    place = rng.choice(places)
    old = match[0][place]
    value = rng.choice([v for v in range(1 if place == 0 else 0, 10) if v != int(old)])
    return _swap(text, match, match[0][:place] + chr(ord(old) - int(old) + value) + match[0][place + 1 :])


def _transposed(text: str, language: str, rng: random.Random) -> str | None:
    del language
    found = [(m, n) for m in _numbers(text) for n in range(len(m[0]) - 1) if m[0][n : n + 2].isdigit()]
    found = [(m, n) for m, n in found if m[0][n] != m[0][n + 1]]
    if not found:
        return None
    match, n = rng.choice(found)
    return _swap(text, match, match[0][:n] + match[0][n + 1] + match[0][n] + match[0][n + 2 :])


def _number_lost(text: str, language: str, rng: random.Random) -> str | None:
    del language
    found = _numbers(text)
    return re.sub(r"  +", " ", _swap(text, rng.choice(found), "")).strip() if found else None


def _separators(text: str, language: str, rng: random.Random) -> str | None:
    del language
    found = [match for match in _numbers(text) if re.search(SEPARATOR, match[0])]
    if not found:
        return None
    match = rng.choice(found)
    confused = [match[0].translate(str.maketrans(".,\u066b\u066c \u00a0\u202f", ",.\u066c\u066b..."))]
    if not re.search(rf"{SEPARATOR}\d{{3}}$", match[0]):  # thousands without their mark are as many
        confused.append(re.sub(rf"(.*){SEPARATOR}", r"\1", match[0]))
    if not re.search(rf"{SEPARATOR}0+$", match[0]):
        confused.append(re.sub(rf"{SEPARATOR}\d+$", "", match[0]))
    return _swap(text, match, rng.choice(confused))


def _unit(text: str, language: str, rng: random.Random) -> str | None:
    pairs = [*SYMBOLS, *map(tuple, phrases(language)["units"])]
    end = "" if language == "ja" else r"(?!\w)"
    found = [
        (match, new)
        for old, new in pairs
        for match in re.finditer(rf"(?<=\d)([ \u00a0\u202f]?){re.escape(old)}{end}", text)
    ]
    if not found:
        return None
    match, new = rng.choice(found)
    return _swap(text, match, match[1] + new)


def _year(text: str, language: str, rng: random.Random) -> str | None:
    del language
    if not (found := _numbers(text, YEAR)):
        return None
    match = rng.choice(found)
    return _swap(text, match, str(int(match[0]) + rng.choice((-100, -20, -10, -2, -1, 1, 2, 10, 20))))

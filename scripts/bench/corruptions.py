"""Damaged translations of a kind, drawn the same every time from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import broken
import spoilt
import talk
from turns import Turn, address, clean, clean_turns, languages, pool, sentences, translated, translation

__all__ = ["KINDS", "Turn", "clean", "clean_turns", "corrupted", "corruptions", "languages", "translation"]

Corruption = Callable[[Turn, random.Random], Turn | None]
NEAR = {
    "de": "nl", "nl": "de", "es": "pt", "pt": "es", "it": "es", "fr": "it", "pl": "ru", "ru": "pl", "tr": "de",
    "sw": "it", "ja": "ru", "ar": "fr",
}  # fmt: skip
TRIES = 200


def copy(turn: Turn, rng: random.Random) -> Turn | None:
    """English left as it was: everything, one segment, or one sentence of a segment."""
    index = rng.randrange(len(turn.sources))
    source, target = turn.sources[index], turn.targets[index]
    style = rng.choice(("all", "segment", "sentence"))
    if style == "all":
        return _long(turn.saying(*turn.sources), turn.sources)
    if style == "segment":
        return _long(turn.at(index, source), [source])
    english, ours = sentences(source), sentences(target)
    if len(english) != len(ours) or len(ours) < 2:
        return None
    place = rng.randrange(len(ours))
    left = turn.at(index, target.replace(ours[place], english[place]))
    return _long(left, [english[place]])


def language(turn: Turn, rng: random.Random) -> Turn | None:
    """All of it in another language, often one that is near."""
    code = _other(turn.language, rng)
    return _long(turn.saying(*(translated(source, code) for source in turn.sources)), turn.sources)


def mixed(turn: Turn, rng: random.Random) -> Turn | None:
    """One segment of several in another language."""
    if len(turn.sources) < 2:
        return None
    index = rng.randrange(len(turn.sources))
    source = turn.sources[index]
    return _long(turn.at(index, translated(source, _other(turn.language, rng))), [source], least=8)


def mixed_address(turn: Turn, rng: random.Random) -> Turn | None:
    """Some segments in the other form of address, some not."""
    lines = "\n".join(turn.sources).split("\n")
    said = "\n".join(turn.targets).split("\n")
    forms = address(turn.language)
    places = [number for number, line in enumerate(lines) if line in forms]
    if len(places) < 2:
        return None
    for number in rng.sample(places, rng.randint(1, len(places) - 1)):
        default, other = forms[lines[number]]
        said[number] = other if said[number] == default else default
    return turn.saying("\n".join(said)) if len(turn.sources) == 1 else turn.saying(*said)


def _other(code: str, rng: random.Random) -> str:
    near = NEAR.get(code)
    if near in languages() and rng.random() < 0.4:
        return str(near)
    return rng.choice([other for other in languages() if other != code])


def _long(turn: Turn, sources: tuple[str, ...] | list[str], least: int = 5) -> Turn | None:
    """The turn, if what is left in another language has words enough to be told."""
    return turn if sum(len(source.split()) for source in sources) >= least else None


_KINDS: Mapping[str, Corruption] = {
    "copy": copy,
    "preamble": talk.preamble,
    "wrapper": talk.wrapper,
    "prompt-leak": talk.prompt_leak,
    "answered": talk.answered,
    "truncated": spoilt.truncated,
    "length": spoilt.length,
    "repetition": spoilt.repetition,
    "numbers": spoilt.numbers,
    "entities": broken.entities,
    "script": broken.script,
    "refusal": talk.refusal,
    "language": language,
    "address": mixed_address,
    "mixed": mixed,
}
KINDS: tuple[str, ...] = tuple(_KINDS)


def corrupted(kind: str, turn: Turn, rng: random.Random, language: str) -> Turn | None:
    """The turn with damage of a kind; none where the kind cannot be done to it, or to that language."""
    made = _KINDS[kind](turn, rng) if turn.language == language else None
    return made if made is not None and made.targets != turn.targets and all(made.targets) else None


def corruptions(kind: str, count: int, seed: int) -> list[Turn]:
    """At most `count` distinct damaged turns of a kind, spread evenly over the languages that it can be done to."""
    rng = random.Random(f"{kind} {seed}")
    known = {turn for language in languages() for turn in pool(language)}
    found: list[Turn] = []
    able = list(languages())
    while len(found) < count and able:
        for language in able[: count - len(found)]:
            made = _drawn(kind, language, rng, known)
            if made is None:
                able.remove(language)
            else:
                known.add(made)
                found.append(made)
    return found


def _drawn(kind: str, language: str, rng: random.Random, known: set[Turn]) -> Turn | None:
    """Damage that is not known yet; none where many tries find none."""
    turns = clean_turns(language)
    for _ in range(TRIES):
        turn = rng.choice(turns)
        shape = rng.random()
        if shape < 0.2:
            turn = turn.whole
        elif shape < 0.4:
            index = rng.randrange(len(turn.sources))
            turn = Turn(language, (turn.sources[index],), (turn.targets[index],))
        made = corrupted(kind, turn, rng, language)
        if made is not None and made not in known:
            return made
    return None

# ruff: noqa: RUF001 - letters that look alike are its subject
"""Are the characters of a translation those of its language, and whole?"""

import re
from collections import Counter
from dataclasses import dataclass
from html.entities import html5
from typing import Annotated

from annotated_types import Ge

from langadapt.interfaces import SegmentPair
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.filters.scripts import (
    letters,
    mixed_words,
    other_letter,
    other_letters,
    own_letters,
    scripts,
)
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise

_BROKEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\uf8ff\ufdd0-\ufdef\ufff9-\ufffb\ufffd-\uffff]"
)
_ENTITY = re.compile(r"&(?:\#\d{1,6}|\#[xX][0-9A-Fa-f]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")
_ESCAPE = re.compile(
    r"\\u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]{1,6}\}|\\x[0-9A-Fa-f]{2}|(?:%[89A-F][0-9A-F]){2}|(?:=[89A-F][0-9A-F]){2}|<0x[0-9A-F]{2}>"
)
_CONTINUED = "\x80-\xbf" + "".join(
    bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
).replace("^", r"\^")
_MISREAD = re.compile(
    f"[\xc2-\xdf][{_CONTINUED}]|[\xe0-\xef][{_CONTINUED}]{{2}}|[\xf0\u0178\xf4][{_CONTINUED}]{{3}}"
)
_CLOSING = "»”“’›"
_PLAUSIBLE = re.compile(
    "[\x80-\u024f\u02b0-\u036f\u1e00-\u1eff\u2010-\u205f\u20a0-\u20bf\u2100-\u27bf\u3000-\u303f\uff00-\uff5e\ufe0f\ufffd\U0001f000-\U0001faff]"
)
_LATIN = "A-Za-z\xc0-\xd6\xd8-\xf6\xf8-\u024f\u1e00-\u1eff"
_GREEK_ALIKE = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυικρ"
_LATIN_ALIKE = "ABCEHIJKMOPSTXYaceiopsxyj"
_MIXED = re.compile(f"[{_LATIN}]{{2}}[{_GREEK_ALIKE}]|[{_GREEK_ALIKE}][{_LATIN}]{{2}}")
_LATIN_WORD = re.compile(f"[{_LATIN}]{{2,60}}")
_SENTENCE = 3
_WORD = re.compile(r"[^\W\d_]{2,60}")


@dataclass(frozen=True, kw_only=True)
class Script(Segmentwise):
    r"""Drops a record with characters that its language does not use and the source does not have.

    That is: letters of another script, letters that look alike in another script inside a word, U+FFFD, control characters
    and halves of characters, UTF-8 that was read as Windows-1252, HTML entities and escapes such as \u00fc. Latin
    letters are met in every language; single Greek ones in formulas are no fault. A pack's literal `scripts` (ISO 15924 codes)
    names further scripts that its language uses.
    """

    letters: Annotated[
        int, Ge(1), "letters of another script beyond those of the source, from which a segment is dropped"
    ] = 1
    greek: Annotated[int, Ge(1), "the same for Greek, single letters of which stand in formulas"] = 3

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:  # noqa: ARG002 - the seam's names
        """The first character, escape or run of letters that does not belong there."""
        sent, came = pair.source, pair.target
        if fault := _escaped(sent, came) or _latin(sent, came, pack):
            return fault
        if came.isascii():
            return None
        if fault := _misread(sent, came, pack):
            return fault
        if other_letter(pack).search(came):
            return self._foreign(sent, came, pack) or _alike(sent, came, pack)
        return _dressed(sent, came, pack)

    def _foreign(self, sent: str, came: str, pack: LanguagePack) -> Fault | None:
        """Letters of another script that the source does not have as many of."""
        counts: Counter[str] = Counter()
        for match in other_letters(pack).finditer(came):
            name = match.lastgroup or ""
            counts[name] += len(match.group())
            least = (
                self.greek
                if name == "Grek"
                else 2
                if name in _LONE.get(pack.language.script, ())
                else self.letters
            )
            if name == "Grek" and len(match.group()) < self.greek:
                counts[name] -= len(match.group())
                continue
            if counts[name] < least or match.group() in sent:
                continue
            had = len(letters(name).findall(sent))
            if counts[name] >= least + had + had // 2:
                what = match.group()[:20]
                return Fault(f"script: {what!r} is {name}", match.span(), float(counts[name]))
        return None


_LONE = {"Hans": ("Hira", "Kana"), "Hant": ("Hira", "Kana")}
"""Scripts of which a single letter stands in names."""


def _latin(sent: str, came: str, pack: LanguagePack) -> Fault | None:
    """Words in Latin letters where a language has letters of its own and hardly any of them stand there."""
    if "Latn" in scripts(pack):
        return None
    words = [word for word in _LATIN_WORD.findall(came) if word not in sent]
    size = sum(map(len, words))
    if len(words) < _SENTENCE or size < _SENTENCE * 4 or 3 * len(own_letters(pack).findall(came)) > size:
        return None
    at = came.find(words[0])
    return Fault(f"script: {' '.join(words)[:20]!r} is Latn", (at, len(came)), float(size))


def _named(character: str) -> str:
    kind = "half a character" if "\ud800" <= character <= "\udfff" else f"U+{ord(character):04X}"
    return f"{kind} is no text"


def _escaped(sent: str, came: str) -> Fault | None:
    """What is no character of a text, or stands for one, and does not stand in the source."""
    for match in () if came.isprintable() and "\ufffd" not in came else _BROKEN.finditer(came):
        if match.group() not in sent:
            return Fault(f"script: {_named(match.group())}", match.span())
    if "&" in came and not _ENTITY.search(sent):
        for match in _ENTITY.finditer(came):
            if match[1] is None or f"{match[1]};" in html5:
                return Fault(f"script: {match.group()} is an entity", match.span())
    if not ("\\" in came or "%" in came or "=" in came or "<" in came):
        return None
    if (found := _ESCAPE.search(came)) and not _ESCAPE.search(sent):
        return Fault(f"script: {found.group()} is an escape", found.span())
    return None


def _misread(sent: str, came: str, pack: LanguagePack) -> Fault | None:
    """UTF-8 read as Windows-1252 gives pairs that mean a letter of the language, or a usual sign, when read back."""
    for match in _MISREAD.finditer(came):
        said = match.group()
        meant = _reread(said)
        if meant is None or said in sent or not (_PLAUSIBLE.match(meant) or own_letters(pack).match(meant)):
            continue
        before = came[max(0, match.start() - 1) : match.start()]
        if (
            said[-1] in _CLOSING
            and not own_letters(pack).match(meant)
            and ((len(said) == 3 and said[1].isspace()) or before.isupper() or not before.strip())
        ):
            continue
        return Fault(f"script: {said!r} is UTF-8 read as Windows-1252", match.span())
    return None


def _reread(said: str) -> str | None:
    read = bytearray()
    for character in said:
        try:
            read += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 0xFF:
                return None
            read.append(ord(character))
    try:
        return read.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _alike(sent: str, came: str, pack: LanguagePack) -> Fault | None:
    """A Latin word with letters of another script that look as if they belonged."""
    for match in _MIXED.finditer(came):
        if match.group() not in sent:
            return Fault(f"script: {match.group()!r} mixes scripts", match.span())
    return _dressed(sent, came, pack)


def _dressed(sent: str, came: str, pack: LanguagePack) -> Fault | None:
    """A word in the language's own script with Latin letters that look like its own."""
    beside = mixed_words(pack)
    if beside is None or not beside.search(came):
        return None
    own = own_letters(pack)
    for match in _WORD.finditer(came):
        word = match.group()
        latin = [letter for letter in word if letter.isascii()]
        if latin and own.search(word) and word not in sent and all(one in _LATIN_ALIKE for one in latin):
            return Fault(f"script: {word!r} mixes scripts", match.span())
    return None

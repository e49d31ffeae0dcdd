"""Units as TMX 1.4, read and written as a stream.

A placeholder `<x1>` is `<ph x="1"/>`, which translators' tools protect; a character that XML cannot hold is
`<ph type="x-char">U+000B</ph>`. The text of `hi`, and the code inside any other inline element, is read as it stands.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from langadapt import __version__
from langadapt.errors import DataError
from langadapt.holdings import Unit

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_INLINE = re.compile(f"<x([0-9]+)>|({_FORBIDDEN.pattern})")
_CHARACTER = re.compile(r"U\+([0-9A-F]{4})")
_DTD = re.compile(r"(?:.*/)?tmx[0-9]*\.dtd")
_CODES = ("bpt", "ept", "it", "ph", "ut")
LONGEST = 1 << 22
"""Characters that a unit may hold."""
_CHUNK, _DEEPEST = 1 << 16, 32
_PROPS = ("x-origin", "x-translator")


@dataclass
class TmxUnit:
    """A `tu` as it stands in the file: languages with their texts, and what keeps it from being used."""

    line: int
    texts: list[tuple[str, str]] = field(default_factory=list)
    props: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def read_tmx(path: Path) -> Iterator[TmxUnit]:
    """The units of a file; raises `DataError` with the line for what is no TMX, is broken or is hostile."""
    reader = _Reader(path)
    with path.open("rb") as data:
        while chunk := data.read(_CHUNK):
            yield from reader.feed(chunk)
    yield from reader.feed(b"", last=True)


class _Reader:
    """What expat calls. Nothing but the file itself is ever read, and no entity is declared, so none can expand."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = lambda *_: self._refuse("declares an entity")
        parser.SkippedEntityHandler = lambda name, _: self._refuse(
            f"uses an entity that is not known, &{name};"
        )
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._done: list[TmxUnit] = []
        self._unit = TmxUnit(0)
        self._open: list[str] = []
        self._fed = self._size = 0
        self._language = self._prop = ""
        self._text: list[str] | None = None
        self._inline: list[tuple[str, str, int]] = []

    def feed(self, chunk: bytes, *, last: bool = False) -> list[TmxUnit]:
        """The units that end in this part of the file."""
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            self._refuse(f"no well-formed XML: {expat.ErrorString(error.code)}")
        except (LookupError, ValueError) as error:
            self._refuse(f"its encoding cannot be read: {error}")
        if self._fed - self._parser.CurrentByteIndex > LONGEST:
            self._refuse(f"holds one tag or comment of more than {LONGEST >> 20} MiB")
        done, self._done = self._done, []
        return done

    def _refuse(self, reason: str) -> None:
        raise DataError(
            f"{self._path}, line {self._parser.CurrentLineNumber}: {reason}",
            hint="export it anew as TMX 1.4 without entities, or as TSV",
        )

    def _doctype(self, name: str, system: str | None, public: str | None, internal: bool) -> None:  # noqa: ARG002 - expat's
        if name != "tmx" or (system and not _DTD.fullmatch(system)):
            self._refuse(f"the document type {name} {system or ''} is not that of TMX")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._open and name != "tmx":
            self._refuse(f"no TMX: the file begins with <{name}>")
        self._open.append(name)
        if len(self._open) > _DEEPEST:
            self._refuse(f"elements lie more than {_DEEPEST} deep in each other")
        self._grow(64)
        if self._text is not None:
            self._start_inline(name, attributes)
        elif name == "tu":
            self._unit, self._size = TmxUnit(self._parser.CurrentLineNumber), 0
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang") or "und"
        elif name == "seg" or (name == "prop" and attributes.get("type") in _PROPS):
            self._text, self._prop = [], attributes.get("type", "")

    def _start_inline(self, name: str, attributes: Mapping[str, str]) -> None:
        assert self._text is not None
        number = attributes.get("x", "")
        kind = "code"
        if name == "hi":
            kind = "text"
        elif name == "ph" and re.fullmatch("[0-9]+", number):
            kind = "placeholder"
            self._text.append(f"<x{number}>")
        elif name == "ph" and attributes.get("type") == "x-char":
            kind = "character"
        elif name not in _CODES:
            self._fault(f"<{name}> inside a text is not understood")
        self._inline.append((name, kind, len(self._text)))

    def _end(self, name: str) -> None:
        self._open.pop()
        if self._text is None:
            if name == "tu":
                self._done.append(self._unit)
            elif name == "tuv":
                self._language = ""
        elif self._inline:
            self._end_inline()
        else:
            text = "".join(self._text)
            self._text = None
            if name == "prop":
                self._unit.props[self._prop] = text
            else:
                self._unit.texts.append((self._language, text))

    def _end_inline(self) -> None:
        assert self._text is not None
        name, kind, begun = self._inline.pop()
        held = "".join(self._text[begun:])
        if kind == "placeholder":
            del self._text[begun:]
        elif kind == "character":
            told = _CHARACTER.fullmatch(held.strip())
            character = chr(int(told[1], 16)) if told else ""
            if not _FORBIDDEN.fullmatch(character):
                self._fault(f'<ph type="x-char"> says no character that XML cannot hold: {held!r}')
                character = ""
            self._text[begun:] = [character]
        elif kind == "code" and not held:
            self._fault(f"an empty <{name}/> stands for a code that is not in the file")

    def _characters(self, data: str) -> None:
        self._grow(len(data))
        if self._text is not None:
            self._text.append(data)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > LONGEST:
            self._refuse(f"a unit holds more than {LONGEST >> 20} million characters")

    def _fault(self, reason: str) -> None:
        self._unit.fault = self._unit.fault or reason


def write_tmx(out: TextIO, units: Iterable[Unit], *, source: str, target: str) -> None:
    """A TMX document of the units."""
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n'
        f'<header creationtool="langadapt" creationtoolversion={quoteattr(__version__)} segtype="block" o-tmf="langadapt" '
        f'adminlang="en" srclang={quoteattr(source)} datatype="plaintext" creationdate="{datetime.now(UTC):%Y%m%dT%H%M%SZ}"/>\n'
        "<body>\n"
    )
    for unit in units:
        made = re.sub("[-:]", "", unit.made).replace(" ", "T")
        told = dict(zip(_PROPS, (unit.origin, unit.translator), strict=True))
        props = "".join(
            f'<prop type="{name}">{_escaped(_FORBIDDEN.sub(" ", value))}</prop>'
            for name, value in told.items()
            if value
        )
        out.write(f'<tu changedate="{made}Z">{props}\n' if made else f"<tu>{props}\n")
        out.write(f"<tuv xml:lang={quoteattr(source)}><seg>{_seg(unit.source)}</seg></tuv>\n")
        out.write(f"<tuv xml:lang={quoteattr(target)}><seg>{_seg(unit.target)}</seg></tuv>\n</tu>\n")
    out.write("</body>\n</tmx>\n")


def _seg(text: str) -> str:
    parts, at = [], 0
    for found in _INLINE.finditer(text):
        parts.append(_escaped(text[at : found.start()]))
        number, character = found.groups()
        parts.append(f'<ph x="{number}"/>' if number else f'<ph type="x-char">U+{ord(character):04X}</ph>')
        at = found.end()
    return "".join(parts) + _escaped(text[at:])


def _escaped(text: str) -> str:
    # A carriage return that stands as it is would be read back as a line feed.
    return escape(text, {"\r": "&#13;"})

"""Structure probes: texts marked by hand, or made by `documents`, with what must never be sent and what must be.

A file in probes/ holds many: `=== name` begins one, and its text goes to the next such line, less the final line end.
`⟦...⟧` is protected: it never reaches an engine and comes back as it was. `⟪...⟫` is prose that must be sent. What has no
mark may go either way. Lines below the name may say `one: A ... B` (both in one segment) or `apart: A ... B` (never in
one). A name that ends in `@crlf` has Windows line ends; `\\u{200b}` stands for the character of that number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("probes")
HEADER = re.compile(r"^=== (\S+)$\n", re.MULTILINE)
DIRECTIVE = re.compile(r"(one|apart): (.+?) \.\.\. (.+)\n")
ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
MARK = re.compile(r"⟦([^⟦⟧⟪⟫]+)⟧|⟪([^⟦⟧⟪⟫\n]+)⟫")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Span:
    """A part of a text, and where it begins and ends."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Probe:
    """A text, what of it is protected, what of it is wanted, and which phrases share a segment or never do."""

    name: str
    text: str
    protected: tuple[Span, ...] = ()
    wanted: tuple[Span, ...] = ()
    one: tuple[Pair, ...] = ()
    apart: tuple[Pair, ...] = ()

    @property
    def prose(self) -> str:
        """What is not protected, a line end for each gap."""
        starts = [0, *(span.end for span in self.protected)]
        ends = [*(span.start for span in self.protected), len(self.text)]
        return "\n".join(self.text[start:end] for start, end in zip(starts, ends, strict=True))


def read_probes(folder: Path = FOLDER) -> tuple[Probe, ...]:
    """All probes of a folder, by file and in their order; raises `ValueError` where one is marked wrongly."""
    probes = tuple(
        probe
        for path in sorted(folder.glob("*.txt"))
        for probe in _split(path.stem, path.read_text(encoding="utf-8"))
    )
    names = [probe.name for probe in probes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"probes of the same name: {', '.join(twice)}")
    return probes


def _split(kind: str, content: str) -> Iterator[Probe]:
    before, *parts = HEADER.split(content)
    if before:
        raise ValueError(f"{kind}: {before[:40]!r} stands before the first name")
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        pairs: dict[str, list[Pair]] = {"one": [], "apart": []}
        start = 0
        while found := DIRECTIVE.match(body, start):
            pairs[found[1]].append((found[2], found[3]))
            start = found.end()
        marked = body[start:].removesuffix("\n")
        yield parse(f"{kind}/{name}", marked, one=tuple(pairs["one"]), apart=tuple(pairs["apart"]))


def parse(name: str, marked: str, *, one: tuple[Pair, ...] = (), apart: tuple[Pair, ...] = ()) -> Probe:
    """The probe that a marked text stands for."""
    if name.endswith("@crlf"):
        marked = marked.replace("\n", "\r\n")
    marked = ESCAPE.sub(lambda found: chr(int(found[1], 16)), marked)
    text, end = "", 0
    spans: tuple[list[Span], list[Span]] = ([], [])
    for found in MARK.finditer(marked):
        text += marked[end : found.start()]
        inner = found[1] or found[2]
        spans[found[1] is None].append(Span(len(text), len(text) + len(inner), inner))
        text, end = text + inner, found.end()
    probe = Probe(name, text + marked[end:], tuple(spans[0]), tuple(spans[1]), one, apart)
    _check(probe)
    return probe


def _check(probe: Probe) -> None:
    if stray := set("⟦⟧⟪⟫") & set(probe.text):
        raise ValueError(f"{probe.name}: a mark without its partner, or in another, or empty: {stray}")
    if blank := [span for span in probe.protected + probe.wanted if not span.text.strip()]:
        raise ValueError(f"{probe.name}: nothing is marked at {blank[0].start}")
    phrases = {span.text for span in probe.wanted}
    for phrase in (phrase for pair in probe.one + probe.apart for phrase in pair):
        if phrase not in phrases:
            raise ValueError(f"{probe.name}: {phrase!r} is not marked")

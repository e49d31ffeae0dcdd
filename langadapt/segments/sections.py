"""A block's text cut into slots: at hard line ends and borders, less what stands at the rims of each part."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise

from langadapt.segments.blocks import Leaf
from langadapt.segments.sentences import sentences
from langadapt.segments.slots import Slot
from langadapt.segments.spans import Span, find

_WORDS = re.compile(r"[^\W\d_]{2}|[^\W\d_\x00-\u024f]")
"""Two letters, or one of a script in which one may be a word."""
_WHITE = re.compile(r"\s+")
_ITEM = re.compile(
    r"(?:\[[ xX]\]|[•◦▪●‣·\u2013\u2014*+-]|\(?\d{1,3}[.)]|\(?[A-Za-z]\)|(?:[a-z]|[ivx]{2,4})[.)])\s+"
)
_NO_WRAP = re.compile(r"[A-Z][.)]\s|[\w.\[\]]+ [-+*/]?= |[^\s:][^:]{0,24}: \S")
"""A line that is an option, a step of an equation, or a label with its value."""
_OPENING = "\"'(*_[\u201c\u2018\u00ab\u201e"
_EMPHASIS = re.compile(r"\*{1,3}(?=\S)|_{1,3}(?=\S)|~~(?=\S)")
_CLOSED = re.compile(r"</\w+>$")
_ENDS = (".", "!", "?", ":", ";")
_PARALLEL = (" | ", " = ")
_WITHIN = re.compile(r"\$[^$\n]+\$|`[^`\n]+`|\\\(.+?\\\)")
"""Formulas and code in a line, whose marks say nothing of it."""
_WRAPPED_AT = 40
_BLANKS_OF_PROSE = 2
_LINE_OF_PROSE = 20


class Cut(Enum):
    """Where a block's text is cut: at its hard line ends, at every line end, or after every sentence."""

    PARAGRAPH = "paragraph"
    LINE = "line"
    SENTENCE = "sentence"


def slots(text: str, shown: str, leaf: Leaf, cut: Cut, *, spans: bool) -> Iterator[Slot]:
    """The slots of a block. `shown` is `text` as the block parser saw it, and `spans` whether it may hold any."""
    lines = [shown[start:end] for start, end in leaf.lines]
    found = find("\n".join(lines)) if spans else []
    if not found and len(lines) == 1 and cut is not Cut.SENTENCE and (plain := _plain(lines[0], leaf)):
        yield plain
        return
    block = _Block(text, leaf, lines, found)
    for part in _parts(block, cut):
        start, end = block.trimmed(*part)
        if cut is not Cut.SENTENCE:
            yield from block.slot(start, end)
            continue
        at = start
        for sentence in sentences(block.joined[start:end]):
            at += len(sentence)
            if at == end or not block.in_span(at):
                yield from block.slot(*block.trimmed(start, at))
                start = at


def _plain(line: str, leaf: Leaf) -> Slot | None:
    """The slot of a line that holds words and nothing else: what most lines are."""
    sent = line.strip()
    if not sent[:1].isalpha() or _odd(sent) or _ITEM.match(sent) or not _WORDS.search(sent):
        return None
    start = leaf.lines[0][0] + line.index(sent)
    return Slot(start, start + len(sent), sent, cell=leaf.cell)


def _odd(line: str) -> bool:
    """Whether there may be white space other than single blanks."""
    return "  " in line or not line.isprintable()


def _parts(block: "_Block", cut: Cut) -> Iterator[tuple[int, int]]:
    """The parts of a block's text between borders and hard line ends."""
    borders = [(span.start, span.end) for span in block.spans if span.border]
    if len(block.leaf.lines) > 1:
        borders = sorted([*borders, *((at, at + 1) for at in block.line_ends(every=cut is Cut.LINE))])
    at = 0
    for start, end in borders:
        if start > at:
            yield at, start
        at = end
    if at < len(block.joined):
        yield at, len(block.joined)


class _Block:
    """A block's lines joined by line ends, and the places that they have in the whole text."""

    def __init__(self, text: str, leaf: Leaf, lines: Sequence[str], spans: Sequence[Span]) -> None:
        self.text, self.leaf, self.spans, self._lines = text, leaf, spans, lines
        self.joined = "\n".join(lines)
        self._span_starts = [span.start for span in self.spans]
        self._starts = [0]
        for line in self._lines[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def place(self, at: int) -> int:
        """The place in the text of a place in `joined`."""
        line = bisect_right(self._starts, at) - 1 if len(self._starts) > 1 else 0
        return self.leaf.lines[line][0] + at - self._starts[line]

    def line_ends(self, *, every: bool) -> Iterator[int]:
        """The line ends that no paragraph goes over."""
        soft = _soft(self._lines)
        for number, line in enumerate(self._lines[:-1]):
            gap = self.text[self.leaf.lines[number][1] : self.leaf.lines[number + 1][0]]
            at = self._starts[number] + len(line)
            hard = every or not soft[number] or gap.startswith("  ") or line.endswith("\\")
            if hard and not self.in_span(at):
                yield at

    def trimmed(self, start: int, end: int) -> tuple[int, int]:
        """A part less white space, item marks, tags and emphasis around the whole of it."""
        text = self.joined
        first, last = self._spans_of(start, end)
        before = None
        while before != (start, end):
            before = start, end
            while start < end and text[start].isspace():
                start += 1
            while start < end and text[end - 1].isspace():
                end -= 1
            if item := _ITEM.match(text, start, end):
                start = item.end()
            if first < last and self.spans[first].tag and self.spans[first].start == start:
                start, first = self.spans[first].end, first + 1
            elif first < last and self.spans[last - 1].tag and self.spans[last - 1].end == end:
                end, last = self.spans[last - 1].start, last - 1
            elif mark := _EMPHASIS.match(text, start, end):
                inner = slice(mark.end(), end - len(mark[0]))
                if text.endswith(mark[0], mark.end(), end) and mark[0][0] not in text[inner]:
                    start, end = inner.start, inner.stop
        return start, end

    def slot(self, start: int, end: int) -> Iterator[Slot]:
        """The slot of a part, where it holds a word outside of spans."""
        inside = self.spans[slice(*self._spans_of(start, end))]
        if not self._has_words(start, end, inside):
            return
        sent = self.joined[start:end]
        gaps: tuple[tuple[int, str], ...] = ()
        if inside or _odd(sent):
            sent, gaps = self._sent(start, end, inside)
        spans = tuple(self.text[self.place(s.start) : self.place(s.end - 1) + 1] for s in inside)
        yield Slot(self.place(start), self.place(end - 1) + 1, sent, spans, gaps, self.leaf.cell)

    def in_span(self, at: int) -> bool:
        """Whether a span begins before a place and ends behind it."""
        before = bisect_left(self._span_starts, at) - 1
        return before >= 0 and at < self.spans[before].end

    def _spans_of(self, start: int, end: int) -> tuple[int, int]:
        return bisect_left(self._span_starts, start), bisect_left(self._span_starts, end)

    def _has_words(self, start: int, end: int, spans: Sequence[Span]) -> bool:
        for span in spans:
            if _WORDS.search(self.joined, start, span.start):
                return True
            start = span.end
        return _WORDS.search(self.joined, start, end) is not None

    def _sent(self, start: int, end: int, spans: Sequence[Span]) -> tuple[str, tuple[tuple[int, str], ...]]:
        out: list[str] = []
        gaps: list[tuple[int, str]] = []
        length = 0
        for number in range(len(spans) + 1):
            stop = spans[number].start if number < len(spans) else end
            for white in _WHITE.finditer(self.joined, start, stop):
                out += [self.joined[start : white.start()], " "]
                length += white.start() - start + 1
                start = white.end()
                if white[0] != " ":
                    gaps.append((length - 1, self.text[self.place(white.start()) : self.place(start)]))
            out.append(self.joined[start:stop])
            length += stop - start
            if number < len(spans):
                out.append(f"<x{number + 1}>")
                length += len(out[-1])
                start = spans[number].end
        return "".join(out), tuple(gaps)


def _soft(lines: Sequence[str]) -> list[bool]:
    """For each line but the last, whether its end is mere wrapping: the sentence goes on, or no line had room for more."""
    lines = [line.strip() for line in lines]
    width = max(map(len, lines))
    filled = width >= _WRAPPED_AT and not any(
        len(line) + 1 + len(after.split(" ", 1)[0]) <= width for line, after in pairwise(lines)
    )
    begun = [line.lstrip(_OPENING)[:1] for line in lines[1:]]
    verse = sum(letter.isupper() for letter in begun) * 2 > len(begun)
    filled = filled and not verse
    ended = _ENDS if len(lines) == 2 else ()
    return [
        _goes_on(line, after, filled=filled and not line.endswith(ended)) for line, after in pairwise(lines)
    ]


def _parallel(mark: str, line: str, after: str) -> bool:
    """Whether both lines have the mark outside of what stands in them beside words."""
    bare = [_WITHIN.sub("", one) for one in (line, after)]
    return not all(map(_WORDS.search, bare)) or all(mark in one for one in bare)


def _goes_on(line: str, after: str, *, filled: bool) -> bool:
    if (
        _ITEM.match(after)
        or _CLOSED.search(line)
        or any(mark in line and mark in after and _parallel(mark, line, after) for mark in _PARALLEL)
    ):
        return False
    if filled:
        return True
    if line.endswith(_ENDS) or _NO_WRAP.match(after):
        return False
    begins_small = after.lstrip(_OPENING)[:1].islower()
    return begins_small and (line.count(" ") >= _BLANKS_OF_PROSE or len(line) >= _LINE_OF_PROSE)

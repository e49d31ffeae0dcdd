"""Block structure of Markdown: which characters of a text are text, and which are marks, code and rules.

markdown-it-py reads the blocks and says on which lines they stand; every place is then taken from the text itself, so that
tabs, carriage returns and marks are those of the text and not the parser's.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MARKS = re.compile(r"(?:[ \t]*(?:>|[-*+](?=\s)|\d{1,9}[.)](?=\s)))*[ \t]*")
_BORDER = re.compile(r"(?<!\\)\|")
_FENCE = re.compile(r"[ \t>]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)?(?:`{3}|~{3})")
_ROW = re.compile(r"\|.*[^\\]\|")
_FURTHER_ENDS = re.compile(r"\r\n?|\0")


class Leaf(NamedTuple):
    """The lines of one block's text, each as the characters `start` to `end` of the whole text."""

    lines: tuple[tuple[int, int], ...]
    cell: bool = False


def line_places(text: str) -> list[tuple[int, int]]:
    """Where each line begins and ends, its end of line left out."""
    places, start = [], 0
    if "\r" not in text:
        for line in text.split("\n"):
            places.append((start, start + len(line)))
            start += len(line) + 1
        return places
    for end in re.finditer(r"\r\n|\r|\n", text):
        places.append((start, end.start()))
        start = end.end()
    return [*places, (start, len(text))]


def tokens(text: str) -> "list[Token]":
    """The block tokens of a text."""
    parser = _parser()
    found: list[Token] = []
    if "\r" in text or "\0" in text:
        text = _FURTHER_ENDS.sub(lambda end: "\ufffd" if end.group() == "\0" else "\n", text)
    parser.block.parse(text, parser, {}, found)
    return found


def fences(
    text: str, found: "Sequence[Token]", places: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, bool]]:
    """Where each fence of code begins and ends, and whether it goes on where the list or quote around it has ended."""
    reached = 0
    for token in found:
        if token.type != "fence" or not token.map or token.map[0] < reached:
            continue
        first, after = token.map
        last = after - 1
        closing = re.compile(rf"[ \t>]*{token.markup}{token.markup[0]}*[ \t]*")
        if after < len(places) and not (last > first and closing.fullmatch(text, *places[last])):
            last = _closed_below(text, places, after, closing) or last
        reached = last + 1
        yield places[first][0], places[min(last, len(places) - 1)][1], reached > after


def _closed_below(
    text: str, places: Sequence[tuple[int, int]], line: int, closing: re.Pattern[str]
) -> int | None:
    """The line that closes a fence of which the code is less indented than the list item that it began in."""
    for number in range(line, len(places)):
        if closing.fullmatch(text, *places[number]):
            return number
        if _FENCE.match(text, *places[number]):
            return None
    return None


def leaves(text: str, found: "Sequence[Token]", places: Sequence[tuple[int, int]]) -> Iterator[Leaf]:
    """The texts of the blocks, in order."""
    table_ends = 0
    heading = False
    for token in found:
        first, last = token.map or (0, 0)
        if token.type == "table_open":
            table_ends = last
            yield from _cells(text, [places[first], *places[first + 2 : last]])
        elif first < table_ends:
            continue
        elif token.type == "heading_open":
            heading = token.markup.startswith("#")
        elif token.type == "inline":
            contents = token.content.split("\n")
            if heading:
                yield Leaf((_in_heading(text, places[first], contents[0]),))
            else:
                lines = zip(places[first:last], contents, strict=False)
                yield from _paragraph(text, [_at_end(text, place, content) for place, content in lines])
            heading = False
        elif token.type == "html_block":
            yield Leaf(tuple(places[first:last]))


def _paragraph(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[Leaf]:
    """The lines as one leaf, but rows of a table without a rule by cell."""
    for is_row, group in groupby(lines, lambda line: _ROW.fullmatch(text, *line) is not None):
        if is_row:
            yield from _cells(text, list(group))
        else:
            yield Leaf(tuple(group))


def _at_end(text: str, place: tuple[int, int], content: str) -> tuple[int, int]:
    """Where a line's content stands: it is what the line ends with."""
    start, end = place
    line = text[start:end].rstrip()
    end = start + len(line)
    return max(start, end - len(content.strip())), end


def _in_heading(text: str, place: tuple[int, int], content: str) -> tuple[int, int]:
    start, end = place
    content = content.strip().replace("\ufffd", "\0") if "\0" in text else content.strip()
    found = text.find(content, text.find("#", start, end), end)
    return (found, found + len(content)) if found >= 0 else (end, end)


def _cells(text: str, rows: Sequence[tuple[int, int]]) -> Iterator[Leaf]:
    for start, end in rows:
        marks = _MARKS.match(text, start, end)
        at = marks.end() if marks else start
        for border in _BORDER.finditer(text, at, end):
            yield Leaf(((at, border.start()),), cell=True)
            at = border.end()
        yield Leaf(((at, end),), cell=True)


@lru_cache(1)
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")

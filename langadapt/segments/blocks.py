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
_FENCE_OF_TEXT = re.compile(r"(?:`{3,}|~{3,})[ \t]*(?:markdown|md|mdx)?[ \t]*$", re.IGNORECASE)
_INFO = re.compile(r"[ \t>]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\s]*)(?P<rest>.*)$")
_TAG = re.compile(r"\s*</?[A-Za-z][\w-]*[\s>]")
_SENTENCE = re.compile(r"[A-Z][\w'’-]{0,40}(?:[,;]?\s+[\w'’-]{1,40}){3,60}[.!?]", re.ASCII)  # noqa: RUF001
_NO_SENTENCE = re.compile(r"[{}();=<>\[\]|\\$]|^\s*(?:#|//|\.\.\.|>>>)|--\w")
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
    """Where each fence of code begins and ends, and whether it ends elsewhere than the block parser has it end.

    It goes on where the list or quote around it has ended; it holds fences of its own where it is one of Markdown; and
    where nothing closes it, text behind a fence's mark does.
    """
    reached = 0
    for token in found:
        if token.type != "fence" or not token.map or token.map[0] < reached:
            continue
        first, after = token.map
        last = after - 1
        closing = re.compile(rf"[ \t>]*{token.markup}{token.markup[0]}*[ \t]*")
        closed = last > first and closing.fullmatch(text, *places[last]) is not None
        begin, end = places[first][0], places[min(last, len(places) - 1)][1]
        nested = _nested_end(text, places, first) if closed else None
        if nested and nested > last:
            last, end = nested, places[nested][1]
        elif not closed and (said := _said_behind(text, places, first + 1, last)):
            last, end = said
            yield begin, end, True
            reached = last + 1
            continue
        elif not closed and after < len(places):
            last = _closed_below(text, places, after, closing) or last
            end = places[min(last, len(places) - 1)][1]
        reached = last + 1
        yield begin, end, reached > after


def _nested_end(text: str, places: Sequence[tuple[int, int]], first: int) -> int | None:
    """The line that closes a fence of Markdown in which others, of the same length, are opened with a language and closed."""
    opening = text[slice(*places[first])].lstrip(" \t>")
    if not _FENCE_OF_TEXT.match(opening):
        return None
    depth, inner = 1, False
    for number in range(first + 1, len(places)):
        mark = _INFO.match(text, *places[number])
        if not mark or mark["mark"][0] != opening[0] or mark["rest"].strip():
            continue
        inner = inner or bool(mark["info"])
        depth += 1 if mark["info"] else -1
        if not depth:
            return number if inner else None
    return None


def _said_behind(
    text: str, places: Sequence[tuple[int, int]], first: int, last: int
) -> tuple[int, int] | None:
    """The line with a fence's mark that text follows, and the place of that text."""
    for number in range(first, min(last + 1, len(places))):
        mark = _INFO.match(text, *places[number])
        if mark and mark["info"] and mark["rest"].count(" ") > 1:
            return number, mark.start("info")
    return None


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
    heading, markup = False, False
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
        else:
            markup = token.type == "html_block" or (
                markup and token.type == "code_block" and _opens_tag(token)
            )
            if markup:
                yield Leaf(tuple(places[first:last]))
            elif token.type == "code_block" and _is_prose(token.content):
                yield from _indented(text, places[first:last])


def _opens_tag(token: "Token") -> bool:
    """Whether an indented block goes on with the markup above it, which CommonMark ends at a blank line."""
    return _TAG.match(token.content) is not None


def _indented(text: str, places: Sequence[tuple[int, int]]) -> Iterator[Leaf]:
    """The paragraphs of an indented block that is prose."""
    for filled, lines in groupby(places, lambda place: not text[slice(*place)].isspace()):
        if filled:
            yield from _paragraph(text, [_at_end(text, place, text[slice(*place)]) for place in lines])


def _is_prose(block: str) -> bool:
    """Whether an indented block is a story or a play rather than code."""
    return _SENTENCE.search(block) is not None and not any(map(_NO_SENTENCE.search, block.splitlines()))


def _paragraph(text: str, lines: Sequence[tuple[int, int]]) -> Iterator[Leaf]:
    """The lines as one leaf, but rows of a table without a rule by cell."""
    if "|" not in text:
        yield Leaf(tuple(lines))
        return
    for is_row, group in groupby(lines, lambda line: _ROW.fullmatch(text, *line) is not None):
        if is_row:
            yield from _cells(text, list(group))
        else:
            yield Leaf(tuple(group))


def _at_end(text: str, place: tuple[int, int], content: str) -> tuple[int, int]:
    """Where a line's content stands: it is what the line ends with."""
    start, end = place
    if end - start == len(content) and content[:1].isalnum() and not content[-1].isspace():
        return place
    end = start + len(text[start:end].rstrip())
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

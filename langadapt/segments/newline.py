"""The `newline` mode (Phoenix, arXiv 2401.10580: split at newlines, translate each line, join again), with protection.

Fences (closed or not), table rules, lines without letters, and the marks of headings, lists and quotes are never sent;
a table row goes by cell.
"""

import re
from collections.abc import Iterator, Sequence

_FENCE = re.compile(r"^[ \t]*(?:>[ \t]*|[-*+][ \t]+|\d+[.)][ \t]+)*(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)$")
_CLOSING = re.compile(r"^[ \t>]*(?P<fence>`{3,}|~{3,})[ \t]*$")
_MARKS = re.compile(r"^(?:[ \t]*(?:>|#{1,6}(?=\s)|[-*+](?=\s)(?:[ \t]\[[ xX]\])?|\d{1,9}[.)](?=\s)))*[ \t]*")
_RULE = re.compile(r"^[ \t>]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_ENDS = "\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_LETTER = re.compile(r"[^\W\d_]")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Each piece of the text in order, and whether it is to be translated; joined they are the text."""
    lines = text.splitlines(keepends=True)
    rows = _rows(lines)
    fence = ""
    for number, line in enumerate(lines):
        body = line.rstrip(_ENDS)
        opened, closed = _FENCE.match(body), _CLOSING.match(body)
        if fence:
            yield line, False
            if closed and closed["fence"].startswith(fence):
                fence = ""
        elif opened and not (opened["fence"][0] == "`" and "`" in opened["info"]):
            fence = opened["fence"]
            yield line, False
        elif _RULE.match(body) or not _LETTER.search(body):
            yield line, False
        else:
            yield from _row(body) if number in rows else _line(body)
            yield line[len(body) :], False


def _rows(lines: Sequence[str]) -> set[int]:
    """The lines that are rows of a table: those with a border around a rule, and those that begin with one."""
    bodies = [line.rstrip(_ENDS) for line in lines]
    found = {number for number, body in enumerate(bodies) if body.lstrip(" \t>").startswith("|")}
    for number, body in enumerate(bodies):
        if not _RULE.match(body):
            continue
        found.add(number - 1)
        below = number + 1
        while below < len(bodies) and _CELL_BORDER.search(bodies[below]):
            found.add(below)
            below += 1
    return found


def _line(body: str) -> Iterator[tuple[str, bool]]:
    marks = _MARKS.match(body)
    start = marks.end() if marks else 0
    yield body[:start], False
    yield from _trimmed(body[start:])


def _row(body: str) -> Iterator[tuple[str, bool]]:
    marks = _MARKS.match(body)
    start = marks.end() if marks else 0
    yield body[:start], False
    for border in _CELL_BORDER.finditer(body, start):
        yield from _trimmed(body[start : border.start()])
        yield border.group(), False
        start = border.end()
    yield from _trimmed(body[start:])


def _trimmed(text: str) -> Iterator[tuple[str, bool]]:
    inner = text.strip()
    lead = len(text) - len(text.lstrip())
    yield text[:lead], False
    yield inner, bool(_LETTER.search(inner))
    yield text[lead + len(inner) :], False

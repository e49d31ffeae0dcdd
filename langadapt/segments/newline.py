"""The `newline` mode (Phoenix, arXiv 2401.10580: split at newlines, translate each line, join again), with protection.

Fences (closed or not), table rules, lines without letters, and the marks of headings, lists and quotes are never sent;
a table row goes by cell.
"""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"^[ \t]*(?:>[ \t]*|[-*+][ \t]+|\d+[.)][ \t]+)*(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)$")
_MARKS = re.compile(r"^(?:[ \t]*(?:>|#{1,6}(?=\s)|[-*+](?=\s)(?:[ \t]\[[ xX]\])?|\d{1,9}[.)](?=\s)))*[ \t]*")
_RULE = re.compile(r"^[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_LETTER = re.compile(r"[^\W\d_]")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Each piece of the text in order, and whether it is to be translated; joined they are the text."""
    fence = ""
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")
        end = line[len(body) :]
        found = _FENCE.match(body)
        if fence:
            if found and found["fence"].startswith(fence) and not found["info"].strip():
                fence = ""
            yield line, False
        elif found and not (found["fence"][0] == "`" and "`" in found["info"]):
            fence = found["fence"]
            yield line, False
        elif _RULE.match(body) or not _LETTER.search(body):
            yield line, False
        else:
            yield from _row(body) if body.lstrip().startswith("|") else _line(body)
            yield end, False


def _line(body: str) -> Iterator[tuple[str, bool]]:
    marks = _MARKS.match(body)
    start = marks.end() if marks else 0
    yield body[:start], False
    yield from _trimmed(body[start:])


def _row(body: str) -> Iterator[tuple[str, bool]]:
    start = 0
    for border in _CELL_BORDER.finditer(body):
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

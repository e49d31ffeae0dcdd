"""Spans inside a text that no model may touch: they travel as placeholders `<x1>`, `<x2>`, ... and come back."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from langadapt.segments.patterns import BLOCK_TAGS, FLAG, SPANS, SUSPECT, TOOLS

PLACEHOLDER = re.compile(r"<x(\d+)>")
_TAG_NAME = re.compile(r"</?([A-Za-z][\w-]*)")
_LINK = re.compile(r"(!?)(?<!\\)\[(?:[^\[\]]|\[[^\[\]]*\])*(?<!\\)\]<x(\d+)>")
_LINE_END = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_BRACKET = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|[{}\[\]]")
_FAR, _MOST_UNCLOSED = 20_000, 20
_TRAILING = ".,;:!?*_'\"`)]}"


class Span(NamedTuple):
    """Characters `start` to `end`. A `tag` may go at the rim of a segment, a `border` ends the segment."""

    start: int
    end: int
    tag: bool = False
    border: bool = False


def may_hold(text: str) -> bool:
    """Whether a text may hold spans: a look that is much cheaper than to find them."""
    return bool(
        SUSPECT.search(text) or (" -" in text and FLAG.search(text)) or not TOOLS.isdisjoint(text.split())
    )


def find(text: str) -> list[Span]:
    """The protected spans of a text, in order; those of one kind that touch are one."""
    if not may_hold(text):
        return []
    found: list[Span] = []
    for span in _spans(text):
        last = found[-1] if found else None
        if last and (last.end, last.tag, last.border) == (span.start, span.tag, False) and not span.border:
            found[-1] = Span(last.start, span.end, tag=span.tag)
        else:
            found.append(span)
    return found


def _spans(text: str) -> Iterator[Span]:
    at, unclosed = 0, 0
    while match := SPANS.search(text, at):
        kind, start, end = match.lastgroup, match.start(), match.end()
        if kind == "object":
            end = object_end(text, start) if unclosed < _MOST_UNCLOSED else 0
            unclosed += not end
            if not end:
                at = start + 1
                continue
        if kind in ("url", "domain"):
            end = start + len(_trimmed(match.group()))
        name = _TAG_NAME.match(match.group()) if kind == "tag" else None
        border = kind == "display" or (name is not None and name[1].lower() in BLOCK_TAGS)
        yield Span(start, end, tag=kind in ("tag", "comment"), border=border or kind == "comment")
        at = end


def object_end(text: str, start: int) -> int:
    """Where the brackets that open at `start` are closed, strings passed over; 0 where they are not, within `_FAR` characters."""
    depth = 0
    for match in _BRACKET.finditer(text, start, start + _FAR):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return 0


def _trimmed(url: str) -> str:
    """The address without the punctuation of the sentence that it stands in; brackets of its own stay."""
    while url and url[-1] in _TRAILING:
        if url[-1] in ")]}" and _balanced(url):
            break
        url = url[:-1]
    return url


def _balanced(url: str) -> bool:
    return all(url.count(opening) >= url.count(closing) for opening, closing in ("()", "[]", "{}"))


def fault(sent: str, came: str) -> str:
    """What is wrong with a translation by itself; nothing where it is one line that holds each placeholder exactly once."""
    if not came:
        return "empty: nothing came back"
    if _LINE_END.search(came) and not _LINE_END.search(sent):
        return f"lines: one went out, {len(came.splitlines())} came back"
    if "<x" not in sent and "<x" not in came:
        return ""
    wanted, got = sorted(PLACEHOLDER.findall(sent)), PLACEHOLDER.findall(came)
    if sorted(got) != wanted:
        told = ", ".join(f"<x{number}>" for number in got) or "none"
        return f"placeholders: {told} came back where {len(wanted)} went out"
    links = set(_LINK.findall(came))
    for image, number in _LINK.findall(sent):
        if (image, number) not in links:
            return f"placeholders: <x{number}> is a link's target and lost its link"
    return ""


def nested(spans: Iterable[str]) -> bool:
    """Whether the tags among spans are opened before they are closed; some need not be closed."""
    open_tags: list[str] = []
    for span in spans:
        name = _TAG_NAME.match(span)
        if name is None or span.endswith("/>"):
            continue
        if not span.startswith("</"):
            open_tags.append(name[1])
        elif name[1] in open_tags:
            while open_tags.pop() != name[1]:
                pass
        else:
            return False
    return True


def prose(text: str) -> str:
    """The text without its protected spans, for judging its language."""
    at, parts = 0, []
    for span in find(text):
        parts.append(text[at : span.start])
        at = span.end
    return " ".join([*parts, text[at:]])

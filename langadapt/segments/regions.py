"""Regions of lines that are no prose and no Markdown: displayed LaTeX, JSON, YAML, tracebacks, command lines."""

import json
import re
from collections.abc import Iterator, Sequence

from langadapt.segments.code import CODE_LIKE, code
from langadapt.segments.data import DATA_LIKE, data, rows
from langadapt.segments.patterns import FILLED
from langadapt.segments.shell import COMMAND_LIKE, PROSE_END, commands

_OPENING = re.compile(
    r"\$\$|\\\[|\\begin\{(?P<name>\w+\*?)\}|<(?P<tag>pre|script|style|svg|math|code)\b[^<>]*>|<!--"
    r"|(?P<brace>(?<!\S)[{\[])(?=\s*[\"'{\[]|\s*\n)"
)
_CLOSING = {"$$": "$$", "\\[": "\\]", "<!--": "-->"}
_JSON_BEGUN = re.compile(r"[\[{]\s*(?:[\[{]\s*)*\"[^\"\n]{1,80}\"\s*:")
_KEYED = re.compile(r"[\"'][\w $.-]+[\"']\s*:|[{,]\s*[A-Za-z_$][\w$]*:\s*[\"'\[{\d]")
_CHARACTER = re.compile(r"[^\r\n]")
_FAR = 40_000
_TRIES = 200
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(?:.*\r?\n){1,200}?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)")
_TRACEBACK = re.compile(
    r"^(?P<lead>[ \t>]*)Traceback \(most recent call last\):.*(?:\r?\n"
    r"(?:(?P=lead)(?:[ \t]+.*|During handling of the above.*|The above exception was.*|Traceback \(most.*|[\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Iteration)\b.*)"
    r"|[ \t]*(?=\r?\n(?P=lead)(?:During|The above|Traceback))))*",
    re.MULTILINE,
)
_STACK = re.compile(
    r"^[ \t>]*(?:at\s+[\w.$<>/\[\]` ]+\(.*\)(?: in .*)?|at\s+\S+:\d+:\d+|\.\.\. \d+ more|Caused by: [\w.$]*(?:Exception|Error)\b.*|(?:[A-Z]\w*)?Error: .*(?=\r?\n[ \t]+at )|Exception in thread .*|Uncaught \w*Error: .*"
    r"|(?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error)\b.*|[A-Z]\w*(?:Error|Exception): .*|error\[E\d+\]: .*|[ \t]*--> \S+:\d+:\d+.*"
    r"|[\w./\\-]+\.[A-Za-z]\w*:\d+(?::\d+)?: .*|[\w./\\-]+\.\w+\(\d+(?:,\d+)?\): (?:error|warning) .*|File \"[^\"\n]+\", line \d+.*|goroutine \d+ \[.*\]:|panic: .*"
    r"|thread '[^'\n]*' panicked at .*|\[signal SIG.*|npm (?:ERR!|WARN) .*|\S+: command not found|(?:ba)?sh: .*: command not found|Segmentation fault.*"
    r"|fatal: .*|ERROR \d+ \(\w+\).*|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*|(?:[A-Z][a-z]{2} [ \d]\d )?\d\d:\d\d:\d\d \S+ .*: .*|\d+(?:\.\d+){3} - \S+ \[.*)$"
    r"(?:\r?\n(?:[ \t]*\d*[ \t]*\|.*|[ \t]+\^.*|[ \t]+\S*\.\w+:\d+.*|[\w.*/]+\(.*\)|created by .*)$)*",
    re.MULTILINE,
)
_BRACKETS = ("{", "[", "$$", "\\begin", "</", "<!--")
_ERRORS = (
    "rror",
    "ERROR",
    "xception",
    ": warning",
    "-->",
    'File "',
    "panicked",
    "command not",
    "Segmentation",
    "Traceback (",
)
_STACK_LIKE = re.compile(
    r"\n(?:[ \t>]*(?:at |\.\.\. \d|Caused by)|panic:|goroutine |npm |\[signal |\[?\d{4}-|\d+\.\d+\.\d+\.\d+ - |fatal: )"
)
_PLACE = re.compile(r":\d\d?[:)]")
_LINE_LIKE = re.compile("|".join(like.pattern for like in (_STACK_LIKE, COMMAND_LIKE, CODE_LIKE, *DATA_LIKE)))
"""A text in which this finds nothing begins no line as code, commands or settings do."""


def regions(text: str, fences: Sequence[tuple[int, int, bool]]) -> list[tuple[int, int]]:
    """Where the regions are, in order and apart; none within a fence, but those fences that the block parser cuts short."""
    found: list[tuple[int, int]] = []
    short = [(start, end) for start, end, cut_short in fences if cut_short]
    outside = _without(text, fences)
    for start, end in sorted([*_all(outside), *short]):
        if any(start < b and end > a and (start, end) != (a, b) for a, b, _ in fences):
            continue
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _without(text: str, fences: Sequence[tuple[int, int, bool]]) -> str:
    for start, end, _ in fences:
        text = text[:start] + _CHARACTER.sub(FILLED, text[start:end]) + text[end:]
    return text


def blanked(text: str, found: Sequence[tuple[int, int]]) -> str:
    """The text with blanks or `FILLED` in place of regions, line ends where they were."""
    out, at = [], 0
    for start, end in found:
        lines = text[start:end].splitlines(keepends=True)
        out.append(text[at:start])
        at = end
        before = text[text.rfind("\n", 0, start) + 1 : start].strip(" \t>")
        after = text[end : (text.find("\n", end) + 1 or len(text) + 1) - 1].strip()
        for number, line in enumerate(lines):
            body = line.rstrip("\r\n")
            shared = (number == 0 and before) or (number == len(lines) - 1 and after)
            out.append((FILLED if shared else " ") * len(body) + line[len(body) :])
    return "".join([*out, text[at:]])


def _all(text: str) -> Iterator[tuple[int, int]]:
    lines = "\n" + text
    begun = "@" in text or _LINE_LIKE.search(lines) is not None
    if _any(_BRACKETS, text):
        yield from _bracketed(text)
    if (begun and _STACK_LIKE.search(lines)) or _any(_ERRORS, text) or _PLACE.search(text):
        yield from (match.span() for match in _TRACEBACK.finditer(text))
        yield from (match.span() for match in _STACK.finditer(text))
    yield from rows(text)
    if begun or text.startswith("---"):
        yield from _begun(text, lines)


def _begun(text: str, lines: str) -> Iterator[tuple[int, int]]:
    """What is known by how its lines begin."""
    if front := _FRONT_MATTER.match(text):
        yield front.span()
    if "@" in text or COMMAND_LIKE.search(lines):
        yield from commands(text)
    yield from code(text)
    yield from data(text, lines)


def _any(signs: Sequence[str], text: str) -> bool:
    for sign in signs:  # noqa: SIM110 - several times faster than `any` and a generator
        if sign in text:
            return True
    return False


def _bracketed(text: str) -> Iterator[tuple[int, int]]:
    """What stands between an opening and its closing on several lines, and JSON."""
    at, failed = 0, 0
    never: set[str] = set()
    while match := _OPENING.search(text, at):
        start, at = match.start(), match.end()
        if match["brace"]:
            end = _json_end(text, start) if failed < _TRIES else 0
            failed += not end
        else:
            closing = _closing(match)
            end = 0 if closing in never else text.find(closing, at) + len(closing)
            if end < len(closing) + at:
                never.add(closing)
                continue
            if match["tag"]:
                start = text.rfind(f"<{match['tag']}", start, end)
            if end - start > _FAR:
                continue
        if match[0] == "$$" and PROSE_END.search(text, start, end):
            continue
        if end and ("\n" in text[start:end] or match["brace"]):
            yield start, end
        at = max(at, end)


def _closing(opening: re.Match[str]) -> str:
    if opening["name"]:
        return f"\\end{{{opening['name']}}}"
    return f"</{opening['tag']}>" if opening["tag"] else _CLOSING[opening[0]]


def _json_end(text: str, start: int) -> int:
    """Where the JSON value ends that begins here, well-formed or not; 0 where none does."""
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return _balanced_end(text, start)
    return end if (value and "\n" in text[start:end]) or _alone(text, start, end) else 0


def _alone(text: str, start: int, end: int) -> bool:
    return not text[text.rfind("\n", 0, start) + 1 : start].strip() and text[end : end + 1] in (
        "",
        "\n",
        "\r",
    )


def _balanced_end(text: str, start: int) -> int:
    """The end of brackets that hold a quoted key, as JSON with comments or left-out parts has it."""
    depth = 0
    for match in re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|[{}\[\]]").finditer(text, start, start + 20_000):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
        if depth == 0:
            inner = text[start : match.end()]
            return match.end() if _KEYED.search(inner) else 0
    cut_off = _JSON_BEGUN.match(text, start)
    blank = re.compile(r"\n\s*\n").search(text, start) if cut_off else None
    return (blank.start() if blank else len(text)) if cut_off else 0

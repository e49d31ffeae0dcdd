"""Regions of lines that are no prose and no Markdown: displayed LaTeX, JSON, YAML, tracebacks, command lines."""

import json
import re
from collections.abc import Iterator, Sequence

from langadapt.segments.code import CODE_LIKE, code
from langadapt.segments.patterns import FILLED

_OPENING = re.compile(
    r"\$\$|\\\[|\\begin\{(?P<name>\w+\*?)\}|<(?P<tag>pre|script|style|svg|math|code)\b[^<>]*>|<!--"
    r"|(?P<brace>(?<!\S)[{\[])(?=\s*[\"'{\[]|\s*\n)"
)
_CLOSING = {"$$": "$$", "\\[": "\\]", "<!--": "-->"}
_JSON_BEGUN = re.compile(r"[\[{]\s*(?:[\[{]\s*)*\"[^\"\n]{1,80}\"\s*:")
_KEYED = re.compile(r"[\"'][\w $.-]+[\"']\s*:|[{,]\s*[A-Za-z_$][\w$]*:\s*[\"'\[{\d]")
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
_DIFF = re.compile(
    r"^(?:diff --git .*|--- \S.*\r?\n\+\+\+ \S.*|@@ -\d+(?:,\d+)? \+\d+.*)(?:\r?\n(?:[ +\-@\\].*|index .*|(?:new|deleted) file .*|diff --git .*))*",
    re.MULTILINE,
)
_SETTINGS = re.compile(
    r"^(?:\[[\w.:\"' -]+\][ \t]*(?:\r?\n(?:[\w.\-\"' ]+[ \t]*[=:][ \t]*.*|[#;].*))+"
    r"|(?:(?:export )?[A-Z][A-Z0-9_]*=\S.*|[a-z][\w-]*(?:\.[\w-]+)+[ ]?=.*)(?:\r?\n(?:(?:export )?[A-Z][A-Z0-9_]*=.*|[a-z][\w-]*(?:\.[\w-]+)+[ ]?=.*|#.*))+"
    r"|[\w.\[\]-]+[=~><]=[\w.*]+(?:\r?\n[\w.\[\]-]+(?:[=~><]=[\w.*,<>=]+)?(?=\r?$))+"
    r"|(?:GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS) /\S* HTTP/[\d.]+(?:\r?\n[A-Z][\w-]+: .*)*|HTTP/[\d.]+ \d{3}.*(?:\r?\n[A-Z][\w-]+: .*)*"
    r"|(?:FROM \S+(?: AS \w+)?|ARG \S+)(?:(?:\r?\n)+(?:(?:FROM|RUN|CMD|COPY|ADD|WORKDIR|EXPOSE|ENV|ENTRYPOINT|ARG|VOLUME|USER|LABEL|HEALTHCHECK) .*(?:\\\r?\n.*)*|#.*))+)$",
    re.MULTILINE,
)
_SETTINGS_LIKE = re.compile(
    r"\n(?:\[[\w.:\"' -]+\][ \t]*\r?\n|(?:export )?[A-Z][A-Z0-9_]*=|[a-z][\w.-]*=|[\w.-]+[=~><]=|[A-Z]{3,7} /|HTTP/|FROM |ARG )"
)
_ROW_LIKE = re.compile(r",\S[^,\n]{0,200},\S|\",[\"\d]")
_ROW = re.compile(
    r"^(?:[^\s,][^,\n]*(?:,(?! )[^,\n]*){2,}|\"[^\"\n]*\"(?:,(?:\"[^\"\n]*\"|[^\s\",]*))+)$", re.MULTILINE
)
_AMBIGUOUS = r"(?:make|find|cat|cut|sort|head|tail|kill|touch|echo|go|cd|ls|cp|mv|rm|mkdir|chmod|chown|grep|sed|awk|tar|unzip|ssh|scp|python3?|node|java|javac|gcc|g\+\+|clang|export|source|man|which|vim?|nano|ps|df|du|mount|ping|wget|curl|ruby|perl|php|bash|sh|zsh|mvn|gradle|cmake|ffmpeg|mysql|psql|redis-cli|mongo|aws|gcloud|az|ansible|vagrant|openssl|rsync|tmux|code|jupyter|flask|django-admin|uvicorn|gunicorn|streamlit|pytest|tsc|ng|vue|nvm|rails|bundle|rake|iptables|ufw|crontab|useradd|usermod|adduser|journalctl|service|netstat|ifconfig|ip|nslookup|dig|traceroute|ln|diff|patch|xargs|tee|env|set)"
_COMMAND = re.compile(
    r"^[ \t>]*(?:[-*+][ \t]+|\d+[.)][ \t]+)?(?P<line>(?:(?:\([\w.-]+\)[ ]+)?\$[ \t]+[A-Za-z./~_][^\n]*"
    r"|PS(?:[ ][A-Za-z]:[^>\n]*)?>[^\n]*|[A-Za-z]:\\[^>\n]*>[^\n]*|[\w.-]+@[\w.-]+:[^$\#\n]*[$\#][ ][^\n]*|>>>[ ][\w\"'(\[@\#-][^\n]*|\.\.\.[ ]{2,}[^\n]*"
    r"|sudo[ ][a-z][^\n]*"
    r"|(?:git|docker|kubectl|npm|npx|yarn|pnpm|pip3?|conda|brew|apt|apt-get|cargo|systemctl|docker-compose|terraform|helm|composer|dotnet)[ ][a-z-][^\n.!?]*(?:\.[^\s\n][^\n.!?]*)*\.?"
    rf"|{_AMBIGUOUS}[ ]+(?:[-+./~$\"'*:][^\n]*|[\w-]*[./:=_][\w./:=-]*\w(?:[ ][^\n]*)?)"
    r"))[ \t]*\r?$",
    re.MULTILINE,
)
_BESIDE = re.compile(rf"{_AMBIGUOUS}(?:[ ][^\s!?]+){{1,3}}")
_BELOW = re.compile(rf"\r?\n{_BESIDE.pattern}(?=\r?\n|\Z)")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_PLAIN_WORDS = re.compile(
    r"(?:set|man|code|go|find|cut|sort|head|kill|touch|make|which|source|service|patch|diff|env|ip|ps|watch) [a-z]+(?:/[a-z]+)?"
)
_PROSE_END = re.compile(
    r"[a-z]{2,} [a-z]+ [a-z]+ [a-z]+ [a-z]+|(?:is|are|was|were|will|can) (?:the|a|how|what|to|used|not)\b"
)
_KEY = r"(?:[a-z_$.@/][\w.$@/-]*|\"[^\"\n]+\"|[a-z]+(?:[A-Z][a-z0-9]*)+)"
_YAML_LINE = re.compile(rf"(?P<indent>[ \t]*)(?:-[ \t]+)?(?P<key>{_KEY}):(?P<value>[ \t].*)?$")
_YAML_VALUE = re.compile(r"[ \t]*(?:\"[^\"]*\"|'[^']*'|[\w./:@$+-]+|\[.*\]|\{.*\}|[|>]-?)[ \t,]*(?:#.*)?")
_MADE_NAME = re.compile(r"[_\"$]|[a-z][A-Z]")
_NO_YAML = re.compile(r"^[ \t]*[}\])]|(?:[A-Za-z]{2,},? ){3}[A-Za-z]{2,}")
_YAML_ITEM = re.compile(r"(?P<indent>[ \t]*)-[ \t]+\S.*$|[ \t]*\#.*$|[ \t]+\S.*$")
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
_COMMAND_LIKE = re.compile(
    r"\n[ \t>]{0,40}(?:[-*+][ \t]{1,9}|\d{1,9}[.)][ \t]{1,9})?(?:[$>(]|\.\.\.|PS|[A-Z]:\\"
    rf"|(?:{_AMBIGUOUS}|sudo|git|docker|kubectl|npm|npx|yarn|pnpm|pip3?|conda|brew|apt|apt-get|cargo|systemctl|docker-compose|terraform|helm"
    r"|composer|dotnet) +[\w./~$\"'*:+-])"
)
_YAML_LIKE = re.compile(r"\n[ \t-]{0,40}[\w.$@/\"-]{1,80}:(?=\s)")
_LINE_LIKE = re.compile(
    "|".join(like.pattern for like in (_STACK_LIKE, _COMMAND_LIKE, _SETTINGS_LIKE, _YAML_LIKE, CODE_LIKE))
    + r"|\n(?:@@ -|diff --git)"
)
"""A text in which this finds nothing begins no line as code, commands or settings do."""


def regions(text: str, fences: Sequence[tuple[int, int, bool]]) -> list[tuple[int, int]]:
    """Where the regions are, in order and apart; none within a fence, but those fences that the block parser cuts short."""
    found: list[tuple[int, int]] = []
    short = [(start, end) for start, end, cut_short in fences if cut_short]
    outside = blanked(text, [(start, end) for start, end, _ in fences]) if fences else text
    for start, end in sorted([*_all(outside), *short]):
        if any(start < b and end > a and (start, end) != (a, b) for a, b, _ in fences):
            continue
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


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
    if _ROW_LIKE.search(text):
        yield from _rows(text)
    if begun or text.startswith("---"):
        yield from _begun(text, lines)


def _begun(text: str, lines: str) -> Iterator[tuple[int, int]]:
    """What is known by how its lines begin."""
    if front := _FRONT_MATTER.match(text):
        yield front.span()
    if "@" in text or _COMMAND_LIKE.search(lines):
        yield from _commands(text)
    if "\n@@ -" in lines or "diff --git" in text:
        yield from (match.span() for match in _DIFF.finditer(text))
    if _SETTINGS_LIKE.search(lines):
        yield from (match.span() for match in _SETTINGS.finditer(text))
    yield from code(text)
    if _YAML_LIKE.search(lines):
        yield from _yaml(text)


def _any(signs: Sequence[str], text: str) -> bool:
    for sign in signs:  # noqa: SIM110 - several times faster than `any` and a generator
        if sign in text:
            return True
    return False


def _commands(text: str) -> Iterator[tuple[int, int]]:
    """Lines that are commands, with those that they go on to, and lines beside them that begin with a command's name."""
    reached = 0
    for match in _COMMAND.finditer(text):
        line = match["line"]
        if match.start() < reached or (line[0] not in "$>.(" and _is_said(line)):
            continue
        start, before = match.start("line"), reached
        reached = _continued(text, match.end("line"))
        while start > before and match.start() == match.start("line"):
            above = text.rfind("\n", 0, start - 1) + 1
            if above < before or not _BESIDE.fullmatch(text, above, start - 1):
                break
            start = above
        while below := _BELOW.match(text, reached):
            reached = below.end()
        yield start, reached


def _is_said(line: str) -> bool:
    """Whether a line that begins as a command does goes on as a sentence."""
    return _PROSE_END.search(_QUOTED.sub("", line)) is not None or _PLAIN_WORDS.fullmatch(line) is not None


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Lines of values between commas: as many in each, no blank behind them, and a figure somewhere."""
    run: list[tuple[int, int]] = []
    at, wanted = 0, 0
    for line in [*text.splitlines(keepends=True), "\n"]:
        body = line.rstrip("\r\n")
        count = body.count(",") if _ROW.fullmatch(body) else 0
        if not count or count != wanted:
            if len(run) > 1 and any(map(str.isdigit, text[run[0][0] : run[-1][1]])):
                yield run[0][0], run[-1][1]
            run = []
        if count:
            run.append((at, at + len(body)))
        wanted = count
        at += len(line)


def _continued(text: str, end: int) -> int:
    """The end of the last line that a command goes on to, each before it ending in a backslash."""
    while text[end - 1 : end] == "\\":
        following = text.find("\n", end) + 1
        if not following:
            break
        end = (text.find("\n", following) + 1 or len(text) + 1) - 1
        end -= text[end - 1 : end] == "\r"
    return end


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
        if match[0] == "$$" and _PROSE_END.search(text, start, end):
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


def _yaml(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that are keys with values, deep enough or lower-case enough to be no prose."""
    at = 0
    run: list[re.Match[str]] = []
    start = 0
    for line in [*text.splitlines(keepends=True), "\n"]:
        body = line.rstrip("\r\n")
        key = _YAML_LINE.match(body)
        if key and (not key["value"] or not _PROSE_END.search(key["value"])):
            start = start if run else at
            run.append(key)
        elif not (run and _YAML_ITEM.match(body) and not _NO_YAML.search(body)):
            if len(run) > 1 and _is_yaml(run):
                yield start, at
            run = []
        at += len(line)


def _is_yaml(run: Sequence[re.Match[str]]) -> bool:
    """Whether keys hold keys, or are names of a program's making with values that are no prose."""
    first = run[0]
    inside = first[0].lstrip().startswith("-") and first.start("key")
    if inside and any(one.start("key") == inside and "-" not in one[0][:inside] for one in run[1:]):
        return True
    nested = any(not key["value"] for key in run[:-1])
    if nested and any(key["indent"] or key[0].lstrip().startswith("-") for key in run):
        return True
    plain = all(key["value"] and _YAML_VALUE.fullmatch(key["value"]) and key[0][0] != "-" for key in run)
    made = any(_MADE_NAME.search(key["key"]) for key in run)
    return plain and (made or all("-" in key["key"] and not key["value"].strip().isalpha() for key in run))

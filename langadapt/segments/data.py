"""Lines that are data: YAML, settings, requests, rows of values, changes of a file."""

import re
from collections.abc import Iterator, Sequence

from langadapt.segments.shell import PROSE_END

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
_KEY = r"(?:[a-z_$.@/][\w.$@/-]*|\"[^\"\n]+\"|[a-z]+(?:[A-Z][a-z0-9]*)+)"
_YAML_LINE = re.compile(rf"(?P<indent>[ \t]*)(?:-[ \t]+)?(?P<key>{_KEY}):(?P<value>[ \t].*)?$")
_YAML_VALUE = re.compile(r"[ \t]*(?:\"[^\"]*\"|'[^']*'|[\w./:@$+-]+|\[.*\]|\{.*\}|[|>]-?)[ \t,]*(?:#.*)?")
_MADE_NAME = re.compile(r"[_\"$]|[a-z][A-Z]")
_NO_YAML = re.compile(r"^[ \t]*[}\])]|(?:[A-Za-z]{2,},? ){3}[A-Za-z]{2,}")
_YAML_ITEM = re.compile(r"(?P<indent>[ \t]*)-[ \t]+\S.*$|[ \t]*\#.*$|[ \t]+\S.*$")
_YAML_LIKE = re.compile(r"\n[ \t-]{0,40}[\w.$@/\"-]{1,80}:(?=\s)")
DATA_LIKE = (_SETTINGS_LIKE, _YAML_LIKE, re.compile(r"\n(?:@@ -|diff --git)"))


def data(text: str, lines: str) -> Iterator[tuple[int, int]]:
    """The data of a text; `lines` is the text below a line end."""
    if DATA_LIKE[-1].search(lines):
        yield from (match.span() for match in _DIFF.finditer(text))
    if _SETTINGS_LIKE.search(lines):
        yield from (match.span() for match in _SETTINGS.finditer(text))
    if _YAML_LIKE.search(lines):
        yield from _yaml(text)


def rows(text: str) -> Iterator[tuple[int, int]]:
    """Lines of values between commas: as many in each, no blank behind them, and a figure somewhere."""
    if not _ROW_LIKE.search(text):
        return
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


def _yaml(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that are keys with values, deep enough or lower-case enough to be no prose."""
    at = 0
    run: list[re.Match[str]] = []
    start = 0
    for line in [*text.splitlines(keepends=True), "\n"]:
        body = line.rstrip("\r\n")
        key = _YAML_LINE.match(body)
        if key and (not key["value"] or not PROSE_END.search(key["value"])):
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

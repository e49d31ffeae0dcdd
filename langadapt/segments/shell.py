"""Command lines, with their prompts or without, and those that they go on to."""

import re
from collections.abc import Iterator

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
PROSE_END = re.compile(
    r"[a-z]{2,} [a-z]+ [a-z]+ [a-z]+ [a-z]+|(?:is|are|was|were|will|can) (?:the|a|how|what|to|used|not)\b"
)
COMMAND_LIKE = re.compile(
    r"\n[ \t>]{0,40}(?:[-*+][ \t]{1,9}|\d{1,9}[.)][ \t]{1,9})?(?:[$>(]|\.\.\.|PS|[A-Z]:\\"
    rf"|(?:{_AMBIGUOUS}|sudo|git|docker|kubectl|npm|npx|yarn|pnpm|pip3?|conda|brew|apt|apt-get|cargo|systemctl|docker-compose|terraform|helm"
    r"|composer|dotnet) +[\w./~$\"'*:+-])"
)


def commands(text: str) -> Iterator[tuple[int, int]]:
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
    return PROSE_END.search(_QUOTED.sub("", line)) is not None or _PLAIN_WORDS.fullmatch(line) is not None


def _continued(text: str, end: int) -> int:
    """The end of the last line that a command goes on to, each before it ending in a backslash."""
    while text[end - 1 : end] == "\\":
        following = text.find("\n", end) + 1
        if not following:
            break
        end = (text.find("\n", following) + 1 or len(text) + 1) - 1
        end -= text[end - 1 : end] == "\r"
    return end

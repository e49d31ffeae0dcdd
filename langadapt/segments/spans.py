"""Spans inside a line that no model may touch: they travel as placeholders `<x1>`, `<x2>`, ... and come back."""

import re
from collections.abc import Sequence

PLACEHOLDER = re.compile(r"<x(\d+)>")
_PROTECTED = re.compile(
    r"""
    (?P<code>(?<!`)(`+)(?!`).+?(?<!`)\2(?!`))          # inline code, any number of backticks
  | (?P<math>\$\$.+?\$\$|\\\(.+?\\\)|\\\[.+?\\\])     # display and bracketed LaTeX
  | (?P<link>(?<=\])\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s"[^"]*")?\))   # the target of a Markdown link
  | (?P<url>\b(?:https?|ftp)://[^\s<>"'`|]*[^\s<>"'`|.,;:!?)\]*_])
  | (?P<www>\bwww\.[^\s<>"'`|]*[^\s<>"'`|.,;:!?)\]*_])
  | (?P<mail>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b)
  | (?P<token><\|[^|<>\s]+\|>)
  | (?P<tag></?[A-Za-z][\w-]*(?:\s+[^<>]*)?/?>)
  | (?P<field>\$?\{\{?[A-Za-z_][\w.]*\}?\})
  | (?P<printf>%(?:\(\w+\))?[sd](?!\w))
    """,
    re.VERBOSE,
)


def hide(line: str) -> tuple[str, tuple[str, ...]]:
    """The line with each protected span as a placeholder, and the spans in order."""
    spans: list[str] = []

    def name(match: re.Match[str]) -> str:
        spans.append(match.group())
        return f"<x{len(spans)}>"

    return _PROTECTED.sub(name, line), tuple(spans)


def show(text: str, spans: Sequence[str]) -> str:
    """The text with each placeholder as its span; raises `ValueError` unless each is there exactly once."""
    numbers = [int(number) for number in PLACEHOLDER.findall(text)]
    if sorted(numbers) != list(range(1, len(spans) + 1)):
        wanted = ", ".join(f"<x{number}>" for number in range(1, len(spans) + 1)) or "none"
        raise ValueError(f"placeholders: {numbers} came back where {wanted} went out")
    return PLACEHOLDER.sub(lambda match: spans[int(match.group(1)) - 1], text)


def prose(text: str) -> str:
    """The text without its protected spans, for judging its language."""
    return _PROTECTED.sub(" ", text)

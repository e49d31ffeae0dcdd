"""What is wrong with what was sent for a probe, and with what came back. Every answer is a list of faults."""

import re
from collections.abc import Iterator, Sequence

from segments.probes import Pair, Probe

PLACEHOLDER = re.compile(r"<x\d+>")
LINE_END = re.compile(r"\r\n|\r|\n")
WORD = re.compile(r"\w{4,}")


def leaks(probe: Probe, sent: Sequence[str]) -> list[str]:
    """Protected spans that were sent, whole or in part, unless the prose says the same."""
    seen = [PLACEHOLDER.sub("\0", text) for text in sent]
    prose = probe.prose
    return [
        f"{piece!r} was sent, of {span.text!r}"
        for span in probe.protected
        for piece in dict.fromkeys(_pieces(span.text))
        if piece not in prose and any(piece in text for text in seen)
    ]


def _pieces(text: str) -> Iterator[str]:
    """The span itself, its lines less the marks of a container, and its words; none that is too short to tell."""
    whole = text.strip()
    if len(whole) >= 3 and _has_letter(whole):
        yield whole
    lines = [line.strip(" \t>`") for line in LINE_END.split(text)]
    yield from (piece for piece in [*lines, *WORD.findall(text)] if len(piece) >= 4 and _has_letter(piece))


def missing(probe: Probe, sent: Sequence[str]) -> list[str]:
    """Wanted phrases that were not sent."""
    seen = [plain(text) for text in sent]
    return [
        f"{span.text!r} was not sent"
        for span in probe.wanted
        if not any(plain(span.text) in text for text in seen)
    ]


def torn(probe: Probe, sent: Sequence[str]) -> list[str]:
    """Pairs of phrases that were to be sent together."""
    return [f"{a!r} and {b!r} were torn apart" for a, b in probe.one if not _together((a, b), sent)]


def merged(probe: Probe, sent: Sequence[str]) -> list[str]:
    """Pairs of phrases that were to be sent each in a segment of its own."""
    return [f"{a!r} and {b!r} were sent as one" for a, b in probe.apart if _together((a, b), sent)]


def _together(pair: Pair, sent: Sequence[str]) -> bool:
    return any(all(plain(phrase) in plain(text) for phrase in pair) for text in sent)


def damaged(probe: Probe, output: str) -> list[str]:
    """Protected spans that stand in the output less often than they are protected in the text."""
    texts = [span.text for span in probe.protected]
    return [
        f"{text!r} did not come back"
        for text in dict.fromkeys(texts)
        if output.count(text) < sum(other.count(text) for other in texts)
    ]


def other_line_ends(probe: Probe, output: str) -> list[str]:
    """Kinds of line end that the output has and the text has not."""
    return [
        f"a line ends in {end!r}"
        for end in sorted(set(LINE_END.findall(output)) - set(LINE_END.findall(probe.text)))
    ]


def plain(text: str) -> str:
    """A text without placeholders, each run of white space a single blank."""
    return " ".join(PLACEHOLDER.sub(" ", text).split())


def _has_letter(text: str) -> bool:
    return any(character.isalpha() for character in text)

"""Who an English text speaks to: whether it says you, gives commands, is a letter, and what of its translation is quoted."""

import re
from functools import lru_cache

_YOU = re.compile(r"\b(?:you|your|yours|yourself|yourselves)\b", re.IGNORECASE)
_OTHERS = re.compile(
    r"\b(?:he|she|they|his|hers?|its|theirs?|him|whose|(?!(?:it|that|what|here|there|let|who|how|where|when)\W)\w+['’]s)\b",  # noqa: RUF001
    re.IGNORECASE,
)
_IT = re.compile(r"\bit\b", re.IGNORECASE)
_VERBS = (
    "add|adjust|allow|analy[sz]e|answer|apply|arrange|ask|assume|avoid|bake|be|beat|begin|boil|book|bring|build|buy|calculate|call|"
    "change|check|choose|classify|clean|click|close|combine|compare|complete|compose|compute|connect|consider|construct|contact|"
    "continue|convert|cook|copy|count|cover|create|cut|decide|define|delete|describe|design|determine|develop|discuss|divide|do|"
    "don't|download|draft|draw|drink|edit|eat|enjoy|ensure|enter|establish|evaluate|examine|exercise|explain|explore|extract|fill|"
    "find|fix|focus|fold|follow|generate|get|give|go|have|help|hold|identify|imagine|implement|include|increase|insert|install|"
    "invite|join|keep|knead|learn|leave|let|list|listen|look|make|measure|mention|mix|move|name|note|open|order|organize|paint|"
    "pay|pick|plan|play|please|plug|pour|practice|prepare|press|print|provide|pull|push|put|read|recall|recommend|reduce|refer|"
    "relax|remember|remove|rename|repeat|replace|research|respond|rest|return|review|rewrite|run|save|schedule|search|select|send|"
    "serve|set|share|show|sign|simplify|sleep|slice|solve|speak|specify|spend|start|stay|stir|stop|store|study|suggest|summarize|"
    "suppose|take|talk|tap|tell|test|think|translate|treat|trim|try|turn|type|understand|unplug|update|upload|use|verify|visit|"
    "wait|walk|wash|watch|wear|work|write"
)
_COMMAND = re.compile(
    rf"\W{{0,4}}(?:(?P<colon>[^.!?:\n]{{1,30}}:\s)|(?P<comma>(?:if|when|whenever|once|before|after|to|for|in|on|as|while|first|then|"
    rf"finally|next|also)\b[^.!?:\n,]{{0,80}},\s))?\W{{0,4}}(?:please\s|then\s)?(?!(?:do|have|be)\s(?:you|we|they|i)\b)(?:{_VERBS})\b(?!\s(?:is|was|are|were|of)\b)",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"\W{0,3}(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)|to whom)\b[^?\n]{0,60}[^.?\s]\s*$",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\W{0,3}(?:(?:kind|best|warm|with)(?:est|ly)?(?: \w{1,10})? (?:regards|wishes)|regards|best|sincerely|yours|cheers|love|"
    r"respectfully|see you soon|take care)\b[^.?\n]{0,40}$",
    re.IGNORECASE,
)
_MARKS = re.compile('["„“”«»「『‹‚]')  # noqa: RUF001 - marks of many languages
_QUOTED = re.compile(
    '"[^"\n]{0,600}"|„[^„“”"\n]{0,600}[“”"]|«[^«»\n]{0,600}»|»[^»«\n]{0,600}«|“[^“”\n]{0,600}”|”[^”\n]{0,600}”'
    "|「[^「」\n]{0,600}」|『[^『』\n]{0,600}』|‚[^‚‘’\n]{0,600}[‘’]|‹[^‹›\n]{0,600}›"  # noqa: RUF001
)
_DASHED = re.compile(r"\s*[-–—―]")  # noqa: RUF001
_READ = 20_000


@lru_cache(4096)
def to_you(sent: str) -> bool:
    """Whether a text says you, and speaks of nobody else whom the same words may mean."""
    return _YOU.search(sent[:_READ]) is not None and not _OTHERS.search(sent[:_READ])


@lru_cache(4096)
def says_it(sent: str) -> bool:
    """Whether a text says it, which a verb without a subject may mean in a translation."""
    return _IT.search(sent[:_READ]) is not None


@lru_cache(4096)
def commands(sent: str) -> str:
    """Where a text begins with a command: at once, after a lead-in with a `colon` or a clause with a `comma`, or nowhere."""
    match = _COMMAND.match(sent)
    return "" if match is None else match.lastgroup or "start"


def letter_begins(line: str) -> bool:
    """Whether a line is the salutation of a letter."""
    return len(line) < 80 and _BEGINS.match(line) is not None


def letter_ends(line: str) -> bool:
    """Whether a line is the close of a letter."""
    return len(line) < 80 and _ENDS.match(line) is not None


def spoken(sent: str, came: str) -> str:
    """The translation with blanks for what somebody else says: quotes, quoted paragraphs and dialogue after dashes."""
    if came.isascii() and '"' not in came and not came.startswith((">", "-")):
        return came
    if came.startswith(">") or (
        _DASHED.match(came) and _MARKS.search(sent[:3]) and not _MARKS.search(came[:6])
    ):
        return ""
    return unquoted(came)


def unquoted(text: str) -> str:
    """A text with blanks for what stands in quotation marks."""
    return _QUOTED.sub(lambda match: " " * len(match.group()), text) if _MARKS.search(text) else text

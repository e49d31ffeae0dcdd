"""Which records are not translated, by rules that are data: a pack's `routing.toml`, then the one beside this file.

A translation mends the mistake that was to be found and loses the rhyme (tloen/alpaca-lora#180), and it says in one
language what was to be said in two (the discussions of RuterNorway/OpenOrcaNo-15k on the Hub).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from langadapt.errors import ConfigError
from langadapt.languages import LanguagePack, mistakes, read_toml
from langadapt.records import Record
from langadapt.schema import Source

Action = Literal["translate", "untouched", "drop"]
DEFAULTS = Path(__file__).with_name("routing.toml")

# The task stands where a turn begins or ends, and what lies between is the text that it is about. The limits also keep
# turns of any length cheap.
_HEAD, _TAIL = 2000, 1000
_FEW = 12
_NAME = re.compile(r"\{([a-z][a-z-]*)\}")
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*$.*?(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`[^`\n]+`")
_CODE = re.compile(
    r"""
    (?:(?:def|fn|func|function|class|struct|interface|public|private|static)\ .*[:{}]
    | (?:import|using|package|require|use)\ [\w.:*{}'"/]+(?:\ as\ \w+)?;? | from\ [\w.]+\ import\ .+
    | \#include\b.* | \#!.* | <\?\w+.* | \?> | </?[A-Za-z!][^>]*>(?:.*>)?
    | "[^"]*":\ .+
    | (?:SELECT|INSERT\ INTO|UPDATE|DELETE\ FROM|CREATE\ (?:TABLE|VIEW|INDEX)|ALTER\ TABLE)\b.+
    | (?:if|for|while|switch|else|elif|try|except|with|do)\b.*[:{] | .+;\ (?:do|then)
    | [\w.\]]+\(.*\)[;:,{]* | [^;=]*=[^;]*; )$
    """,
    re.VERBOSE,
)
_CODE_NEAR_CODE = re.compile(
    r"""
    (?:[][(){},;]+ | (?://|\#|/\*|\*|--).* | .*[;{}(\[\\] | \S+(?:\ \S+){0,3}[,:] | return\b.* | [^\s=]+(?:\ [^\s=]+){0,3}\ ?[-+*/|&.:]?=.*
    | (?:done|fi|end|else|pass|break|continue|then|begin|esac) | [\w.-]+\ .*(?<=\ )--?\w.* | (?:echo|cd|export|sudo)\ .+
    | (?:FROM|WHERE|(?:LEFT\ |INNER\ )?JOIN|GROUP\ BY|ORDER\ BY|HAVING|LIMIT|VALUES|SET)\b.* )$
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Route:
    """What happens to a record, by which rule and why; no rule where it is translated like any other."""

    rule: str = ""
    action: Action = "translate"
    reason: str = ""


@dataclass(frozen=True)
class Rule:
    """A route and when it is taken: a turn of `roles` fits `prompt` and not `unless`; the answers are only code."""

    route: Route
    roles: tuple[str, ...]
    prompt: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    code: bool

    def fits(self, turns: Sequence[tuple[str, str]], *, code: bool) -> bool:
        """Whether the rule's route is to be taken."""
        if self.code and not code:
            return False
        return not self.prompt or any(self._fits(text) for role, text in turns if role in self.roles)

    def _fits(self, text: str) -> bool:
        return any(one.search(text) for one in self.prompt) and not any(
            one.search(text) for one in self.unless
        )


@dataclass(frozen=True)
class Router:
    """The rules in the order in which they are asked; the first that fits decides. Rows of the sources `stays` are not asked."""

    rules: tuple[Rule, ...]
    stays: frozenset[str] = frozenset()

    @classmethod
    def of(cls, pack: LanguagePack | None) -> Self:
        """The pack's rules, then ours that it does not name; raises `ConfigError` with every mistake of a file."""
        ours, words = _read(DEFAULTS, read_toml(DEFAULTS), {}, {})
        path = pack.path("routing.toml") if pack else None
        theirs, _ = _read(path, pack.routing, words, ours) if pack and path else ({}, {})
        rules = {**theirs, **{name: rule for name, rule in ours.items() if name not in theirs}}
        return cls(tuple(rule for rule in rules.values() if rule))

    @classmethod
    def over(cls, sources: Iterable[Source], pack: LanguagePack, *, routed: bool) -> Self:
        """The router of a recipe's sources; without rules where they are switched off."""
        stays = frozenset(source.name for source in sources if not source.translate)
        return replace(cls.of(pack) if routed else cls(()), stays=stays)

    def route(self, record: Record) -> Route:
        """Where a record goes."""
        if record.source in self.stays:
            return Route("source", "untouched", "its source says `translate = false`")
        turns = list(_turns(record))
        answers = [text for role, text in turns if role == "assistant"]
        code = bool(answers) and all(map(_only_code, answers))
        asked = [(role, _task(text)) for role, text in turns if role != "assistant"]
        return next((rule.route for rule in self.rules if rule.fits(asked, code=code)), Route())


def _turns(record: Record) -> Iterator[tuple[str, str]]:
    """Role and text of each turn: a bare prompt is the user's, any other bare text an answer."""
    for name, side in zip(record.FIELDS, record.sides, strict=True):
        if isinstance(side, str):
            yield "user" if name == "prompt" else "assistant", side
        else:
            yield from ((message.role, message.content) for message in side)


def _task(text: str) -> str:
    lines = (" ".join(line.split()) for line in _FENCE.sub("```", text).lower().splitlines())
    text = "\n".join(line for line in lines if line)
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def _only_code(text: str) -> bool:
    """Whether there is code and at most a few words around it."""
    bare = _INLINE.sub("", _FENCE.sub("", text))
    lines = [line for line in map(str.strip, bare.splitlines()) if line]
    raw = any(_CODE.match(line) for line in lines)
    if not raw and len(bare) == len(text):
        return False
    prose = " ".join(
        line for line in lines if not (raw and (_CODE.match(line) or _CODE_NEAR_CODE.match(line)))
    )
    return len(prose.split()) <= _FEW and 3 * len(prose) <= len(text)


def _read(
    path: Path, facts: Mapping[str, Any], known: Mapping[str, str], below: Mapping[str, Rule | None]
) -> tuple[dict[str, Rule | None], dict[str, str]]:
    """The rules of a file by name, None for one that it removes from those `below`; and the words it may use."""
    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
    from pydantic_core import PydanticCustomError

    words = _words(facts.get("words"), known)

    Pattern = Annotated[re.Pattern[str], BeforeValidator(partial(_compiled, words=words))]  # noqa: N806 - a type

    class Table(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        action: Literal["translate", "untouched", "drop"]
        reason: str = Field(min_length=1)
        roles: list[Literal["user", "system"]] = ["user"]
        prompt: list[Pattern] = []
        unless: list[Pattern] = []
        answers: Literal["code"] | None = None

        @model_validator(mode="after")
        def _has_a_condition(self) -> Self:
            if not self.prompt and not self.answers:
                raise PydanticCustomError("condition", "needs `prompt` or `answers`")
            return self

    class File(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        words: dict[str, list[Pattern]] = {}
        rule: dict[str, Table] = {}

    table: Any = facts.get("rule", {})
    removed = [name for name in table if table[name] is False] if isinstance(table, dict) else []
    found = [f"rule.{name}: no rule of that name to remove" for name in removed if name not in below]
    if removed:
        facts = {**facts, "rule": {name: table[name] for name in table if name not in removed}}
    rules: Mapping[str, Any] = {}
    try:
        rules = File.model_validate(facts).rule
    except ValidationError as error:
        found += mistakes(error)
    if found:
        raise ConfigError.of(
            found,
            where=str(path),
            hint="a rule holds `action` and `reason`, then `prompt` (with `unless` and `roles`) or `answers`",
        )
    return {name: _rule(name, rules[name]) if name in rules else None for name in table}, words


def _compiled(pattern: Any, words: Mapping[str, str]) -> re.Pattern[str]:
    from pydantic_core import PydanticCustomError

    if not isinstance(pattern, str):
        raise PydanticCustomError("text", "a pattern is a text")
    whole = _filled(pattern, words)
    if name := _NAME.search(whole):
        raise PydanticCustomError("words", "no list of words is called {name}", {"name": name[1]})
    if re.search(r"(?<!\\)[A-Z]", whole):
        raise PydanticCustomError("case", "has capitals, and turns are compared in lower case")
    try:
        return re.compile(whole, re.MULTILINE | re.DOTALL)
    except re.error as error:
        raise PydanticCustomError("pattern", "no pattern: {why}", {"why": str(error)}) from error


def _rule(name: str, table: Any) -> Rule:
    return Rule(
        Route(name, table.action, table.reason),
        tuple(table.roles),
        tuple(table.prompt),
        tuple(table.unless),
        bool(table.answers),
    )


def _words(table: Any, known: Mapping[str, str]) -> dict[str, str]:
    """Each list of words as one group; a list may use those before it."""
    words = dict(known)
    for name, alternatives in table.items() if isinstance(table, dict) else ():
        if isinstance(alternatives, list):
            words[name] = f"(?:{'|'.join(_filled(str(one), words) for one in alternatives)})"
    return words


def _filled(pattern: str, words: Mapping[str, str]) -> str:
    """The pattern with `{name}` as the group of that name; what has no group stays, and is a mistake elsewhere."""
    return _NAME.sub(lambda match: words.get(match[1], match[0]), pattern)

"""The words of a pack: literals, phrases, prompts and routing rules. Each finding is `FILE: what, and how to mend it`."""

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from langadapt.languages import LanguagePack, read_toml
from langadapt.models.wording import KEYS

WORDS = ("question", "answer", "options", "yes", "no", "and", "or", "translation")
"""The small words that every pack must have."""
PHRASES = ("refusal", "preamble", "prompt_leak")
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "single": frozenset({"question", "answer"}),
    "single-reference": frozenset({"question", "answer", "reference"}),
    "multi-turn": frozenset({"question_1", "answer_1", "question_2", "answer_2"}),
    "multi-turn-reference": frozenset(
        {"question_1", "answer_1", "question_2", "answer_2", "reference_1", "reference_2"}
    ),
}
"""What the template of each judge prompt must hold, each name once or more, and nothing else in braces."""
PAIRS: Mapping[str, frozenset[str]] = {
    name: frozenset(
        {one for one in names if not one.startswith("answer")}
        | {
            f"{side}{one.removeprefix('answer')}"
            for one in names
            if one.startswith("answer")
            for side in ("answer_a", "answer_b")
        }
    )
    for name, names in PLACEHOLDERS.items()
}
"""The same for prompts that ask which of two answers is better."""
ASKED: Mapping[str, Mapping[str, frozenset[str]]] = {"judge": PLACEHOLDERS, "pairwise": PAIRS}
"""By the table of prompts.toml."""
_SCRIPT = re.compile(r"[A-Z][a-z]{3}")
_NAME = re.compile(r"\{([a-z][a-z-]*)\}")
_BRACED = re.compile(r"\{(\w+)\}")
_ASKED = re.compile(r"\{\{-?\s*words\.(\w+)")
_CAPITAL = re.compile(r"(?<!\\)[A-Z]")
_ACTIONS = ("translate", "untouched", "drop")
_ROUTING = Path(__file__).parents[1] / "prepare" / "routing.toml"


def literals(pack: LanguagePack) -> Iterator[str]:
    """Words that are missing or empty, and facts of the wrong kind."""
    facts, where = pack.literals, "literals.toml"
    for name in WORDS:
        if not _text(facts.get(name)):
            yield f"{where}: `{name}` is missing: give the word of the language, as text"
    if not isinstance(facts.get("decimal_comma"), bool):
        yield f"{where}: `decimal_comma` is missing: true where 1.5 is written 1,5, else false"
    quotes = facts.get("quotes")
    if not (isinstance(quotes, list) and len(quotes) == 2 and all(map(_text, quotes))):
        yield f'{where}: `quotes` is missing: give the opening and the closing mark, as in ["„", "“"]'
    yield from (f"{where}: {one}" for one in (*_writing(facts), *phrases(facts)))


def _writing(facts: Mapping[str, Any]) -> Iterator[str]:
    """How the language is written: scripts, lengths, forms of address."""
    scripts = facts.get("scripts", [])
    if not (isinstance(scripts, list) and all(_text(one) and _SCRIPT.fullmatch(one) for one in scripts)):
        yield f'`scripts` is {scripts!r}: give ISO 15924 codes, as in ["Cyrl"]'
    for name, value in _table(facts, "length").items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            yield f"length.{name} is {value!r}: give a ratio above 0"
    for name, value in _table(facts, "address").items():
        for word in value if isinstance(value, list) else str(value).split():
            if problem := _pattern(str(word)):
                yield f"address.{name}: {word!r} is no pattern ({problem}): mend it"


def phrases(facts: Mapping[str, Any]) -> Iterator[str]:
    """Phrases that are empty or stand there twice: they are compared without regard to case."""
    table = _table(facts, "phrases")
    for kind in table:
        if kind not in PHRASES:
            yield f"phrases.{kind} is read by nothing: the lists are {', '.join(PHRASES)}"
    for kind, said in table.items():
        if not isinstance(said, list) or not said or not all(map(_text, said)):
            yield f"phrases.{kind} is empty or holds a blank: give phrases as a list of texts, or leave it out"
            continue
        twice = [phrase for phrase, count in Counter(one.casefold() for one in said).items() if count > 1]
        if twice:
            yield f"phrases.{kind} holds {twice[0]!r} twice: remove one"


def prompts(pack: LanguagePack) -> Iterator[str]:
    """Prompts with other placeholders than they are filled with, or that ask for a rating which is not read."""
    yield from _translate(_table(pack.prompts, "translate"))
    for kind, wanted in ASKED.items():
        yield from _judging(kind, wanted, _table(pack.prompts, kind))


def _judging(kind: str, wanted: Mapping[str, frozenset[str]], told: Mapping[str, Any]) -> Iterator[str]:
    """The four prompts of a kind, of which a pack has all or none."""
    for name, prompt in told.items():
        where = f"prompts.toml: {kind}.{name}"
        if name not in wanted:
            yield f"{where} is read by nothing: the prompts are {', '.join(wanted)}"
        elif not isinstance(prompt, Mapping) or not (
            _text(prompt.get("system")) and _text(prompt.get("template"))
        ):
            yield f"{where} has no `system` or no `template`: give both, as text"
        else:
            yield from (f"{where}{one}" for one in _prompt(prompt, wanted[name]))
    if told:
        missing = [name for name in wanted if name not in told]
        yield from (f"prompts.toml: {kind}.{name} is missing: a judge asks with all four" for name in missing)


def task_words(pack: LanguagePack) -> Iterator[str]:
    """Words that files in tasks/ ask for and the pack has not, and sentences of `[tasks]` that none asks for."""
    folder = pack.path("tasks")
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
    asked = {
        name: path for path in files for name in _ASKED.findall(path.read_text("utf-8", errors="replace"))
    }
    for name, path in asked.items():
        if not _text(pack.words.get(name)):
            yield f"tasks/{path.name}: asks for the word {name!r}: write it in literals.toml, or in [tasks] of prompts.toml"
    for name, value in _table(pack.prompts, "tasks").items():
        where = f"prompts.toml: tasks.{name}"
        if not _text(value):
            yield f"{where} is empty or no text: give words"
        elif name in pack.literals:
            yield f"{where} stands in literals.toml too: write it once"
        elif name not in asked:
            yield f"{where} is read by nothing: write {{{{ words.{name} }}}} in a file in tasks/, or leave it out"


def _translate(words: Mapping[str, Any]) -> Iterator[str]:
    where = "prompts.toml: translate"
    for key, value in words.items():
        if key not in KEYS:
            yield f"{where}.{key} is read by nothing: the keys are {', '.join(KEYS)}"
            continue
        if not _text(value):
            yield f"{where}.{key} is empty or no text: give words, or leave it out"
            continue
        must, may = KEYS[key]
        named = set(_BRACED.findall(value))
        for name in sorted(named - must - may):
            yield f"{where}.{key}: the placeholder {{{name}}} is not known: it takes {_listed(must | may)}"
        for name in sorted(must - named):
            yield f"{where}.{key}: the placeholder {{{name}}} is missing: put it where that belongs"
    asked = f"{words.get('system', '')}{words.get('template', '')}"
    if "template" in words:
        for name in ("address", "glossary", "context"):
            if f"{{{name}}}" not in asked:
                yield f"{where}: neither `system` nor `template` has the placeholder {{{name}}}: give it a line of its own"


def _prompt(prompt: Mapping[str, str], wanted: frozenset[str]) -> Iterator[str]:
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(prompt["template"]) if name is not None}
    except ValueError as error:
        yield f".template: {error}: write a brace that is text twice, as {{{{ and }}}}"
        return
    for name in sorted(named - wanted):
        yield f".template: the placeholder {{{name}}} is not known: it takes {_listed(wanted)}"
    for name in sorted(wanted - named):
        yield f".template: the placeholder {{{name}}} is missing: it takes {_listed(wanted)}"
    if any(f"{{{name}}}" in prompt["system"] for name in (*wanted, *named)):
        yield ".system: holds a placeholder, and only the template is filled: move it there"
    if "[[" not in prompt["system"] + prompt["template"]:
        yield ": asks for no verdict in double brackets: say that it is written as [[n]], or as [[A]], [[B]] and [[C]]"


def routing(pack: LanguagePack) -> Iterator[str]:
    """Rules whose patterns do not compile or name lists of words that are not there."""
    where = "routing.toml"
    words = {**_table(read_toml(_ROUTING), "words"), **_table(pack.routing, "words")}
    patterns = [
        (f"words.{name}", one) for name, said in _table(pack.routing, "words").items() for one in _list(said)
    ]
    for name, rule in _table(pack.routing, "rule").items():
        if rule is False:
            continue
        if (
            not isinstance(rule, Mapping)
            or rule.get("action") not in _ACTIONS
            or not _text(rule.get("reason"))
        ):
            yield f"{where}: rule.{name} lacks `action` ({', '.join(_ACTIONS)}) or `reason`: give both"
            continue
        if not (rule.get("prompt") or rule.get("answers")):
            yield f"{where}: rule.{name} has no condition: give `prompt` or `answers`"
        patterns += [
            (f"rule.{name}.{key}", one) for key in ("prompt", "unless") for one in _list(rule.get(key, []))
        ]
    for place, pattern in patterns:
        unknown = [name for name in _NAME.findall(str(pattern)) if name not in words]
        if unknown:
            yield f"{where}: {place}: no list of words is called {unknown[0]!r}: add it to [words], or take another"
        elif _CAPITAL.search(_NAME.sub("", str(pattern))):
            yield f"{where}: {place}: {pattern!r} has capitals: write it in lower case, as turns are when they are compared"
        elif problem := _pattern(_NAME.sub("(?:x)", str(pattern))):
            yield f"{where}: {place}: {pattern!r} is no pattern ({problem}): mend it"


def _pattern(text: str) -> str:
    """Why a regular expression does not compile; empty where it does."""
    try:
        re.compile(text)
    except re.error as error:
        return str(error)
    return ""


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _table(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = facts.get(name, {})
    return value if isinstance(value, Mapping) else {}


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))

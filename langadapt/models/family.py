"""One family of translation models: how it is asked, how its output is read, which languages it knows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langadapt.errors import ConfigError
from langadapt.languages import Language
from langadapt.models.naming import base, called, codes, listed
from langadapt.segments import sentences

Address = Literal["", "informal", "formal"]

_CHANGES_TEXT = ("prompt", "chat", "reads", "stop", "kind", "naming", "language_tokens")
"""Keys of a family that change what its models write, and not only what they are given."""
_CHANGES_TEXT_WHERE_SET = (
    "system",
    "content",
    "template",
    "names",
    "variants",
    "after",
    "context",
    "glossary",
    "term",
    "informal",
    "formal",
)
"""More of them: a family without one is the family that it was before the key was thought of."""
_NAMED = re.compile(r"\{(\w+)\}")
_ALONE = re.compile(r"^\{(address|glossary|context)\}\n?", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a model is told beside the text: what stands before it, terms with their translations, a form of address."""

    context: str = ""
    terms: tuple[tuple[str, str], ...] = ()
    address: Address = ""


NOTHING = Asked()


@dataclass(frozen=True, kw_only=True)
class Family:
    """One row of the table; limits are tokens, and no `languages` means any.

    `kind` is `causal` or `encoder-decoder`, `naming` what a language is called in the prompt, with the exceptions in
    `names`. `reads` is `first-line` or `all`: how much of the output is the translation; what ends with `after` is none of
    it. `unit` is the most that is sent at once: a `text`, a `line` or a `sentence`. With `language_tokens` the tokenizer
    marks the source's language and the output begins with the target's. `direction` is a pattern for the end of a model's
    name that holds its one `pair` of languages.

    In a chat, `system` is its first message, `content` the one item of a message that is no text, and `template` what the
    chat template is given beside. `context`, `glossary` (with a `term` for each line of it), `informal` and `formal` are the
    words by which a family is told such things; without them it cannot be. A table of `variants` holds what is different where
    one of the languages is `zh`, the target is `de` (`into-de`), or there is a `glossary` or a `context`. The words of a
    `worded` family may be the pack's; models of a `general` one may be asked as those of a worded one.
    """

    name: str
    models: tuple[str, ...]
    prompt: str
    reads: str
    license: str
    source: str
    outputs: str = ""
    kind: str = "causal"
    naming: str = "name"
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    chat: bool = False
    system: str | None = None
    content: Mapping[str, str] = field(default_factory=dict, hash=False)
    template: Mapping[str, Any] = field(default_factory=dict, hash=False)
    context: str = ""
    glossary: str = ""
    term: str = ""
    informal: str = ""
    formal: str = ""
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    worded: bool = False
    general: bool = False
    stop: tuple[str, ...] = ()
    after: str = ""
    unit: str = "text"
    language_tokens: bool = False
    direction: str = ""
    pair: tuple[str, str] | None = None
    languages: tuple[str, ...] = ()
    input_tokens: int = 1024
    recommended: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What the text that a model writes depends on, beside the languages."""
        more = {key: getattr(self, key) for key in _CHANGES_TEXT_WHERE_SET}
        variants = {
            key: {
                **changes,
                **({"exceptions": _exceptions(changes["naming"])} if "naming" in changes else {}),
            }
            for key, changes in self.variants.items()
        }
        return {
            **{key: getattr(self, key) for key in _CHANGES_TEXT},
            **{key: value for key, value in more.items() if value or (key == "system" and value is not None)},
            **({"variants": variants} if variants else {}),
            "exceptions": _exceptions(self.naming),
        }

    def called(self, language: Language) -> str:
        """What the family calls a language; nothing where it does not know it."""
        known = called(language, self.naming, self.languages)
        return self.names.get(listed(language, self.languages), known) if known else ""

    def render(self, text: str, source: Language, target: Language, *, asked: Asked = NOTHING) -> str:
        """The prompt for one text, before any chat template."""
        family = self._variant(source, target, asked)
        return _filled(family.prompt, _values(family, text, source, target, asked))

    def messages(
        self, text: str, source: Language, target: Language, *, asked: Asked = NOTHING
    ) -> list[dict[str, Any]]:
        """The messages of a chat that asks for one text's translation."""
        family = self._variant(source, target, asked)
        values = _values(family, text, source, target, asked)
        item = {key: _filled(value, values) for key, value in family.content.items()}
        user = {"role": "user", "content": [item] if item else _filled(family.prompt, values)}
        if family.system is None:
            return [user]
        return [{"role": "system", "content": _filled(family.system, values)}, user]

    def read(self, output: str) -> str:
        """The translation in what the model wrote."""
        if self.after:
            output = output.rpartition(self.after)[2]
        for stop in self.stop:
            output = output.split(stop, 1)[0]
        if self.reads == "first-line":
            return next((line.strip() for line in output.splitlines() if line.strip()), "")
        return output.strip()

    def several(self, text: str, source: Language) -> str:
        """Why a text is more than is sent at once; nothing where it is not."""
        if self.unit != "text" and len(text.strip().splitlines()) > 1:
            return f"several lines, and models of the family {self.name!r} take one {self.unit}"
        if self.unit == "sentence" and len(sentences(text.strip(), source.code)) > 1:
            return f"several sentences, and models of the family {self.name!r} take one"
        return ""

    def covers(self, source: Language, target: Language) -> bool:
        """Whether the family translates from the one to the other."""
        if self.pair:
            return (base(source), base(target)) == self.pair
        return bool(self.called(source) and self.called(target))

    def check(self, source: Language, target: Language) -> None:
        """Raise `ConfigError` where the family does not translate from the one to the other."""
        if self.covers(source, target):
            return
        if self.pair:
            raise ConfigError(
                f"a model of the family {self.name!r} translates one way, this one from {self.pair[0]} to {self.pair[1]}, "
                f"and not from {source.code} to {target.code}",
                hint="name the model of that pair, or another family",
            )
        unknown = [one.name for one in (source, target) if not self.called(one)]
        table = codes(self.naming)
        known = f"{len(table.codes)}, listed in {table.path.name}" if table else ", ".join(self.languages)
        raise ConfigError(
            f"models of the family {self.name!r} do not know {' and '.join(unknown)}",
            hint=f"its languages: {known}; name another model",
        )

    def _variant(self, source: Language, target: Language, asked: Asked) -> "Family":
        """The family as it is asked for these languages, with these things beside the text."""
        if not self.variants:
            return self
        keys = [base(source), base(target), f"into-{base(target)}"]
        keys += [key for key, given in (("glossary", asked.terms), ("context", asked.context)) if given]
        changes: dict[str, Any] = {}
        for key in keys:
            changes |= self.variants.get(key, {})
        return replace(self, **changes)


def _values(family: Family, text: str, source: Language, target: Language, asked: Asked) -> dict[str, str]:
    languages = {
        "source": family.called(source),
        "target": family.called(target),
        "source_code": listed(source, family.languages) or source.code,
        "target_code": listed(target, family.languages) or target.code,
    }
    lines = [_filled(family.term, {"term": term, "translation": said}) for term, said in asked.terms]
    address = {"informal": family.informal, "formal": family.formal}.get(asked.address, "")
    context = {**languages, "context": asked.context}
    terms = {**languages, "terms": "\n".join(lines)}
    return {
        **languages,
        "text": text,
        "context": _filled(family.context, context) if asked.context else "",
        "glossary": _filled(family.glossary, terms) if lines else "",
        "address": _filled(address, languages),
    }


def _exceptions(naming: str) -> dict[str, Any]:
    table = codes(naming)
    return dict(table.exceptions) if table else {}


def _filled(words: str, values: Mapping[str, str]) -> str:
    """The words with their `{names}` filled, and what stands in the values left as it is; an empty value takes its line along."""
    kept = _ALONE.sub(lambda match: match[0] if values.get(match[1], match[1]) else "", words)
    return _NAMED.sub(lambda match: values.get(match[1], match[0]), kept)

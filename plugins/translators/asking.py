"""What may be said to a model beside the text: terms, a form of address, what stands before, in words of the pack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from langadapt.errors import ConfigError
from langadapt.identity import file_digest
from langadapt.interfaces import LIMIT, Resolved, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.models import Address, Asked, Family, families
from langadapt.models.glossary import Glossary
from langadapt.models.wording import LANGUAGE, changes, check, wording


def _of_the_pack(pack: LanguagePack) -> Resolved:
    words = wording(pack)
    return Resolved(value=words, origin=pack.origin if words else "our own words")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Settings of engines that prompt a model, mixed into them; `_family` is what the engine gives."""

    resolves: ClassVar[Mapping[str, Callable[[LanguagePack], Resolved]]] = {}
    glossary: Annotated[
        Path | None,
        "terms that are put into the prompt where they stand in a text, such as pack:glossary.tsv",
    ] = None
    address: Annotated[Address, "how readers are addressed: informal or formal; not told unless set"] = ""
    # A limit, as far as the memory knows: a family that takes these words has them in `known`, and for no other do they count.
    wording: Annotated[
        Mapping[str, str],
        "how a model without a prompt of its own is asked: [translate] of the pack's prompts.toml",
        LIMIT,
    ] = field(default_factory=dict, hash=False)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.resolves = {**cls.resolves, "wording": _of_the_pack}

    def __post_init__(self) -> None:
        check(self.wording, "`wording`")

    @property
    def _family(self) -> Family:
        raise NotImplementedError

    @property
    def known(self) -> dict[str, Any]:
        """The family's prompt and how its output is read, which are part of what a translation is, as far as they are used."""
        unused = {"informal", "formal"} - {self.address} | (
            {"glossary", "term"} if not self.glossary else set()
        )
        facts = self._family.facts
        if "variants" in facts:
            facts["variants"] = {
                key: {name: value for name, value in one.items() if name not in unused}
                for key, one in facts["variants"].items()
            }
        return {key: value for key, value in facts.items() if key not in unused}

    def check_context(self) -> None:
        """Raise `ConfigError` where the model reads nothing but the text."""
        if not self._family.context:
            raise ConfigError(
                f"models of the family {self._family.name!r} read no context",
                hint=f"leave `context` out of [translate]; {_families_with('context')}",
            )

    def _check_settings(self) -> None:
        """Raise `ConfigError` for settings that cannot be followed, such as what the model's prompt has no place for."""
        family = self._family
        if self.glossary and not family.glossary:
            raise ConfigError(
                f"`glossary` is set, and the prompt of the family {family.name!r} has no place for terms",
                hint=f"leave it out; {_families_with('glossary')}",
            )
        if self.address and not getattr(family, self.address):
            raise ConfigError(
                f"`address` is {self.address}, and models of the family {family.name!r} are told no form of address",
                hint=f"leave it out; {_families_with(self.address)}",
            )

    def _worded(self, family: Family) -> Family:
        """The family in the words that are set, where it takes any: a pack's are for its own language."""
        if not family.worded or not self.wording:
            return family
        said, language = changes(self.wording), self.wording.get(LANGUAGE)
        if language is None:
            return replace(family, **said)
        return replace(family, variants={**family.variants, f"into-{language}": said})

    def _glossary(self, source: Language, target: Language) -> Glossary | None:
        """The terms of the two languages; raises `ConfigError` for a glossary that has none of them."""
        return _read(self.glossary, file_digest(self.glossary), source, target) if self.glossary else None

    def _asked(self, texts: Sequence[Segment], source: Language, target: Language) -> list[Asked]:
        """What is said beside each text; context only to families that read it."""
        glossary = self._glossary(source, target)
        reads = bool(self._family.context)
        return [
            Asked(
                context=one.context if reads else "",
                terms=glossary.found(one.text) if glossary else (),
                address=self.address,
            )
            for one in texts
        ]


def _families_with(key: str) -> str:
    return f"families with a place for it: {', '.join(name for name, one in families().items() if getattr(one, key))}"


@cache
def _read(path: Path, digest: str, source: Language, target: Language) -> Glossary:  # noqa: ARG001 - read again when it changes
    return Glossary.read(path, source, target)

"""What rows and recipes say of their language, in one spelling: `English`, `EN`, `eng`, `en-US` are `en`."""

import contextlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from langadapt.errors import ConfigError
from langadapt.languages import Language, usual_codes
from langadapt.schema import Source

_UNSAID = frozenset({"", "unknown", "none", "null", "n/a", "nan", "und", "-", "?"})
_SOURCE, _LONGEST = "en", 60


def language_of(stated: Any) -> str:
    """The BCP 47 code of a language that is stated as a code, or by its English or own name; empty where nothing is stated.

    English loses its region, as nothing here tells its varieties apart; other languages keep theirs, and lose a script that
    is their usual one. Several in a list are `mul`. What is no language comes back as it stands, for a report to name it.
    """
    if isinstance(stated, list):
        several = {code for one in stated if (code := language_of(one))}
        return several.pop() if len(several) == 1 else "mul" if several else ""
    return _code(stated.strip()) if isinstance(stated, str) else ""


@lru_cache(4096)
def covers(code: str, stated: str) -> bool:
    """Whether what is in the language `stated` is in that of `code`: `de` covers `de-AT`, and `zh` does not cover `zh-Hant`."""
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    if code == stated:
        return True
    try:
        asked, given = langcodes.Language.get(code), langcodes.Language.get(stated)
    except LanguageTagError:
        return False
    one, two = asked.maximize(), given.maximize()
    same = (one.language, one.script) == (two.language, two.script)
    return same and (asked.territory is None or one.territory == two.territory)


def in_language(table: Mapping[str, Any], target: Language) -> dict[str, Any]:
    """A source's table with `{code}` and `{flores}` as those of the target language, in `path`, `config` and `language`.

    Raises `ConfigError` for a language that FLORES-200 does not name.
    """
    filled = dict(table)
    for key in ("path", "config", "language"):
        text = filled.get(key)
        if isinstance(text, str) and "{" in text:
            if "{flores}" in text and not target.flores:
                raise ConfigError(
                    f"{key} = {text!r}: FLORES-200 has no code for {target.name}",
                    hint=f"set `{key}` of the source by name",
                )
            filled[key] = text.replace("{code}", target.code).replace("{flores}", target.flores)
    return filled


def check_language(source: Source) -> None:
    """Raise `ConfigError` where the language of a source is none."""
    if source.language and not _known(language_of(source.language)):
        raise ConfigError(
            f"source.{source.name}.language: {source.language!r} is no language that is known",
            hint="use a BCP 47 code such as de or pt-BR",
        )


def _known(code: str) -> bool:
    import langcodes

    return langcodes.tag_is_valid(code) and code != "mul"


@lru_cache(4096)
def _code(text: str) -> str:
    import langcodes

    if text.lower() in _UNSAID:
        return ""
    tag = _tag(text)
    if tag is None or not tag.is_valid() or not tag.language:
        return text
    if tag.language == _SOURCE:
        return _SOURCE
    tag = langcodes.Language.make(
        **{**tag.to_dict(), "language": usual_codes().get(tag.language, tag.language)}
    )
    code, usual = str(tag.to_tag()), langcodes.Language.get(tag.language).maximize().script
    return code.replace(f"-{usual}", "", 1) if tag.script == usual else code


def _tag(text: str) -> Any:
    """The language of a code or a name; None for what is neither, or only like a name, as `English, German` is."""
    import langcodes
    from langcodes.tag_parser import LanguageTagError

    if len(text) > _LONGEST or not text.isprintable():  # the index of names breaks at \0
        return None
    with contextlib.suppress(LanguageTagError):
        return langcodes.Language.get(text)
    try:
        tag = langcodes.find(text)
    except LookupError:
        return None
    names = {name.casefold() for name in (tag.display_name(), tag.language_name(), tag.autonym())}
    return tag if re.sub(r" ?\([^()]*\)$", "", text).casefold() in names else None

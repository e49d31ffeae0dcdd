"""Which letters are of which script, by ISO 15924 code, and the scripts that a language is written in."""

import re
from functools import lru_cache

from langadapt.languages import LanguagePack

RANGES = {
    "Grek": "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u03ff\u1f00-\u1fff",
    "Cyrl": "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",
    "Armn": "\u0531-\u0556\u0561-\u0587",
    "Hebr": "\u0591-\u05f4\ufb1d-\ufb4f",
    "Arab": "\u0610-\u061a\u0620-\u063f\u0641-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufd3d\ufd50-\ufdcf\ufdf0-\ufdfc\ufe70-\ufefc",
    "Syrc": "\u0700-\u074f",
    "Thaa": "\u0780-\u07bf",
    "Nkoo": "\u07c0-\u07ff",
    "Deva": "\u0900-\u0963\u0966-\u097f\ua8e0-\ua8ff",
    "Beng": "\u0980-\u09ff",
    "Guru": "\u0a00-\u0a7f",
    "Gujr": "\u0a80-\u0aff",
    "Orya": "\u0b00-\u0b7f",
    "Taml": "\u0b80-\u0bff",
    "Telu": "\u0c00-\u0c7f",
    "Knda": "\u0c80-\u0cff",
    "Mlym": "\u0d00-\u0d7f",
    "Sinh": "\u0d80-\u0dff",
    "Thai": "\u0e01-\u0e3a\u0e40-\u0e5b",
    "Laoo": "\u0e80-\u0eff",
    "Tibt": "\u0f00-\u0fff",
    "Mymr": "\u1000-\u109f\uaa60-\uaa7f",
    "Geor": "\u10a0-\u10fa\u10fc-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f",
    "Hang": "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff",
    "Ethi": "\u1200-\u139f\u2d80-\u2ddf\uab00-\uab2f",
    "Cher": "\u13a0-\u13ff\uab70-\uabbf",
    "Cans": "\u1400-\u167f",
    "Khmr": "\u1780-\u17ff",
    "Mong": "\u1820-\u18af",
    "Tfng": "\u2d30-\u2d7f",
    "Hira": "\u3041-\u3096\u309d-\u309f",
    "Kana": "\u30a1-\u30fa\u30fd-\u30ff\u31f0-\u31ff\uff66-\uff6f\uff71-\uff9d",
    "Bopo": "\u3105-\u312f",
    "Hani": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff",
    "Yiii": "\ua000-\ua4cf",
}
_TOGETHER = {
    "Jpan": ("Hira", "Kana", "Hani"),
    "Kore": ("Hang", "Hani"),
    "Hans": ("Hani", "Bopo"),
    "Hant": ("Hani", "Bopo"),
    "Aran": ("Arab",),
    "Hrkt": ("Hira", "Kana"),
}
_OTHERS = {
    "az": "Cyrl", "bs": "Cyrl", "kk": "Arab", "ku": "Arab Cyrl", "ky": "Arab", "mn": "Mong", "ms": "Arab", "ha": "Arab",
    "pa": "Arab", "sd": "Deva", "sr": "Cyrl", "sh": "Cyrl", "tg": "Arab", "tk": "Cyrl", "tt": "Arab", "ug": "Cyrl", "uz": "Cyrl",
    "ks": "Deva", "kok": "Deva", "ber": "Tfng Arab", "kab": "Tfng", "yi": "Hebr",
}  # fmt: skip
"""Languages that are written in a second script as well."""


@lru_cache(64)
def scripts(pack: LanguagePack) -> frozenset[str]:
    """The scripts of a language beside the Latin one, which is met in all; a pack's literal `scripts` adds to them."""
    own = pack.language.script
    short = pack.language.code.split("-")[0]
    more = pack.literals.get("scripts", ())
    return frozenset([*_TOGETHER.get(own, (own,)), *_OTHERS.get(short, "").split(), *more])


@lru_cache(64)
def other_letters(pack: LanguagePack) -> re.Pattern[str]:
    """Runs of letters in a script that the language is not written in, the group's name the script."""
    own = scripts(pack)
    return re.compile("|".join(f"(?P<{name}>[{span}]+)" for name, span in RANGES.items() if name not in own))


@lru_cache(64)
def letters(name: str) -> re.Pattern[str]:
    """One letter of a script."""
    return re.compile(f"[{RANGES[name]}]")


@lru_cache(64)
def own_letters(pack: LanguagePack) -> re.Pattern[str]:
    """One letter of the language's scripts beside the Latin one."""
    spans = "".join(RANGES[name] for name in scripts(pack) if name in RANGES)
    return re.compile(f"[{spans}]" if spans else "(?!)")


@lru_cache(64)
def other_letter(pack: LanguagePack) -> re.Pattern[str]:
    """One letter of a script that the language is not written in."""
    own = scripts(pack)
    return re.compile(f"[{''.join(span for name, span in RANGES.items() if name not in own)}]")


@lru_cache(64)
def mixed_words(pack: LanguagePack) -> re.Pattern[str] | None:
    """A Latin letter beside one of the language's script, for scripts of which some letters look Latin."""
    if scripts(pack).isdisjoint(("Cyrl", "Grek")):
        return None
    own = own_letters(pack).pattern
    return re.compile(f"{own}[A-Za-z]|[A-Za-z]{own}")

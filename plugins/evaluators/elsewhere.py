"""Which questions ask for an answer in another language: marked in their rows, or told by what they say."""

import re
from functools import cache
from pathlib import Path

from langadapt.languages import LanguagePack, read_toml
from langadapt_plugins.evaluators.questions import Question

_OTHERS = "af ar bg bn ca cs cy da de el en es et fa fi fr ga gl gu he hi hr hu id is it ja ka ko la lt lv mk ml mr ms nb ne nl nn no pa pl pt"
_MORE = "ro ru sk sl sq sr sv sw ta te th tl tr uk ur vi zh zu"
_UNSPACED = ("Jpan", "Hans", "Hant", "Thai", "Arab")


def languages_of(question: Question, pack: LanguagePack) -> list[str]:
    """For each turn the code of the language that its answer should be in; empty where that is free or another one, which is not judged.

    A second turn works on the first one's answer, and is free where that is.
    """
    asked = pack.language.code
    found: list[str] = []
    for turn, text in enumerate(question.turns):
        mark = question.language[turn] if turn < len(question.language) else ""
        if mark:
            found.append("" if mark == "any" else mark)
        else:
            other = bool(found and found[-1] != asked) or _asks_for_another(text, pack)
            found.append("" if other else asked)
    return found


def _asks_for_another(text: str, pack: LanguagePack) -> bool:
    return any(pattern.search(text) for pattern in _patterns(pack.language.code, pack.language.script))


@cache
def _patterns(code: str, script: str) -> list[re.Pattern[str]]:
    import langcodes

    short = code.partition("-")[0]
    told = read_toml(Path(__file__).with_name("other_language.toml")).get(short, ())
    names = {
        langcodes.Language.get(one).display_name(short)
        for one in f"{_OTHERS} {_MORE}".split()
        if one != short
    }
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    named = f"(?:{listed})" + ("" if script in _UNSPACED else r"\w{0,3}\b")
    return [
        re.compile(one.replace("{language}", named), re.IGNORECASE | re.DOTALL | re.MULTILINE) for one in told
    ]

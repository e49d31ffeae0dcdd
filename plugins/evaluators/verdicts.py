"""Reads the rating out of what a judge wrote.

A reply is made plain first (thoughts, code, markup, other scripts' digits and brackets); then the forms are tried from the
one that was asked for to ever weaker ones, and the first that stands in the reply decides. What may mean something else is
not read: a caller counts it.
"""

# ruff: noqa: RUF001 - judges write these characters

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

LOW, HIGH = 1.0, 10.0
_LONGEST = 40_000
"""So many characters at the end are read; a verdict stands there, and what a model repeats for ever takes no hour."""
_NUMBER = r"(?P<n>[-+]?\d+(?:[.,]\d{1,2})?)(?!\d|[.,]\d)"
_TEN = r"10(?:[.,]0+)?"
_LABEL = (
    r"(?:(?<![^\W\d_])(?:gesamt|end|schluss|abschluss|eind)?"  # no part of another word: operating, Kritikpunkte
    r"(?:rating|score|grade|verdict|urteil|bewertung|not[eaă]|wertung|punktzahl|punkte"
    r"|calificaci[oó]n|puntuaci[oó]n|valoraci[oó]n|avalia[cç][aã]o|pontua[cç][aã]o|classifica[cç][aã]o|valutazione|punteggio|voto"
    r"|[ée]valuation|ocena|hodnocení|оценка|оцінка|βαθμολογία|értékelés|arvosana|betyg|vurdering|karakter|beoordeling|cijfer|puan"
    r"|nilai|skor|alama|ukadiriaji)"
    r"|评分|評分|得分|分数|評価|スコア|点数|평가|평점|점수|التقييم|الدرجة|امتیاز|ציון|דירוג|रेटिंग|मूल्यांकन|अंक|स्कोर|คะแนน|điểm|đánh giá)"
)
_WHOLE = r"(?:overall|total|final(?:ly)?|gesamt|insgesamt|fazit|au total|en total|総合|总分|总评|الإجمالي)"
_UNIT = r"(?:\s*(?:punkten?|points?|punten|puntos|pontos|punti|баллов|балла|点|點|分|점|अंक|คะแนน))"
_OF_TEN = (
    rf"(?:{_UNIT}?\s*(?:/|von|of|out of|sur|sobre|de|su|из|av|z|من|از|kati ya)\s*{_TEN}(?![\d%/]|[.,]\d))"
)
_STOP = (
    rf"(?=\s*(?:$|,(?!\s*\d)|\[\d|[.!;)\]}}\"'|(]|:(?!\d)|[-–—]\s+(?!\d)|because|since|weil|denn|da\b|porque|car\b|ponieważ|因|geben|vergeben|{_UNIT}))"
    r"(?![.,]\d)(?!\s*[%‰])"
)
_END = rf"(?:{_OF_TEN}|{_STOP})"
_NEAR = r"(?:(?:≈|~|ca\.|circa|etwa|about|around|approximately)\s*)?"
_IS = (
    r"(?:[^.\n\d:=|]{0,40}(?:(?:answer|antwort|turn|response|runde|question|frage)\s*\d\s*)?:|\s*[=>|→–—是为為はが-]|\s*\n|\s+(?:is|was|ist|lautet|beträgt|wäre|would be|liegt bei|est(?: de)?|es|è|é|jest)"
    r"(?:\s+(?:an?|eine|un|una))?\b)[\s:=\-–—>|\"'(]{0,6}\[?"
)
_I = r"\b(?:I|we|ich|wir|je|yo|io|eu)(?:['’]?d|['’]ll|['’]m)?\b"
_GIVE = r"\b(?:give|giving|rate|grade|score|award|assign|gebe|geb|vergebe|bewerte|würde|donne|donnerais|attribue|doy|daría|otorgo|dou|do)\b"
_DESERVES = r"\b(?:deserves?|merits?|earns?|verdient|mérite|merece|merita)\b"
_STRONG = (
    rf"(?<![A-Za-z0-9_)\]])\[\s*\[\s*(?:{_LABEL}\s*[:=]?\s*)?{_NEAR}{_NUMBER}\.?{_OF_TEN}?{_UNIT}?\s*(?:\]\s*\]|\](?!\s*,))"
    rf"|{_LABEL}\[\[\s*(?P<m>\d+(?:[.,]\d+)?)\s*\]\]"
    rf"|\\boxed\{{\s*\[*\s*(?P<k>[-+]?\d+(?:[.,]\d+)?){_OF_TEN}?\s*\]*\s*\}}"
)
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.MULTILINE)
    for form in (
        _STRONG,
        rf"[\"']\w*{_LABEL}\w*[\"']\s*:\s*[\"']?\[*\s*{_NUMBER}{_END}",
        # With a mark or a verb between label and number, or alone on the line: "see note 3" is neither.
        rf"\b{_WHOLE}[\W_]{{0,3}}{_LABEL}\w*[\"'\])]*{_IS}{_NEAR}{_NUMBER}\]?{_END}",
        rf"{_LABEL}\w*[\"'\])]*{_IS}{_NEAR}{_NUMBER}\]?{_END}",
        rf"^\W*{_WHOLE}\s*:[\s\[]{{0,3}}{_NUMBER}\]?(?:{_OF_TEN}|{_UNIT}?[.!]?\s*$)",
        rf"^\W*(?:{_LABEL}\w*)\s+\[?{_NUMBER}\]?(?:{_OF_TEN}\W*$|[.!]?\s*$)",
        rf"{_LABEL}\w*[^.\n\d]{{0,40}}?{_NUMBER}{_OF_TEN}",
        rf"(?:{_I}[^.\n\d\[]{{0,40}}?{_GIVE}|{_GIVE}\s+{_I}|{_DESERVES})[^.\n\d\[]{{0,60}}?\[?{_NUMBER}\]?{_END}",
        rf"\b(?:scale|skala|escala|échelle|scala)\b[^.\n\d]{{0,20}}:\s*{_NUMBER}{_END}",
        rf"(?<!\d){_TEN}\s*(?:点満点中|点中|分中的?|分满分|分,|점\s*만점(?:에|\s*중)|üzerinden|में से)\D{{0,6}}{_NUMBER}",
        rf"(?<![\d/.,\-–]){_NUMBER}\s*/\s*{_TEN}(?![\d%/]|[.,]\d){_STOP}",
        rf"(?<![\d/.,\-–]){_NUMBER}(?:{_OF_TEN}|\s+(?:out of|von|of)\s+(?:ten|zehn)){_STOP}",
        rf"^\s*{_NUMBER}{_UNIT}?[.!]?\s*\Z",
        rf"\A\s*{_NUMBER}{_UNIT}?[.!]?\s*$",
    )
)
_LAST_LINE = re.compile(rf"^\s*\[\s*{_NUMBER}\s*\][.!]?\s*\Z", re.MULTILINE)
_CITED = re.compile(r"\[\s*\d+\s*\]")

_TAGS = r"(?:think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad|seed:think)"
_THOUGHTS = re.compile(rf"[<\[◁]({_TAGS})[>\]▷].*?(?:[<\[◁]/\1[>\]▷]|\Z)", re.DOTALL | re.IGNORECASE)
_BEFORE = re.compile(
    rf"\A.*(?:[<\[◁]/{_TAGS}[>\]▷]|<\|channel\|>\s*final\s*<\|message\|>)", re.DOTALL | re.IGNORECASE
)
_LEFT_OVER = re.compile(r"<\|channel\|>\s*(?:analysis|commentary).*\Z", re.DOTALL)
_CODE = re.compile(
    r"^[ \t]*```[ \t]*(?!(?:text|txt|markdown|md|json|plaintext)?[ \t]*$)\S[^\n]*\n.*?^[ \t]*```",
    re.DOTALL | re.MULTILINE,
)
_STRUCK = re.compile(r"~~[^~\n]+~~|<(del|s|strike)>.*?</\1>", re.IGNORECASE)
_NAMED_TAG = re.compile(rf"<\s*(\w*{_LABEL}\w*)\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][\w-]*\s*/?>")
_LATEX = (
    (re.compile(r"\\(?:text|mathbf|mathrm|textbf|mathit)\s*\{([^{}\n]*)\}"), r"\1"),
    (re.compile(r"\\d?frac\s*\{([^{}\n]*)\}\s*\{([^{}\n]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:left|right|quad|,|;|!)"), ""),
    (re.compile(r"\\[()]"), ""),
    (re.compile(r"\\n(?![A-Za-z])"), "\n"),
)
_MARKUP = re.compile(r"[*`~$]|\\(?=[\[\]\"'])|(?<!\w)_+|_+(?!\w)|^\s*(?:#+|>)\s+", re.MULTILINE)
_SCALE_END = re.compile(
    rf"(\]\])\s*(?:/|von|of|out of|sur|de|из|من)\s*(?:(?!\d)\w+\s+){{0,2}}\[{{0,2}}{_TEN}\]{{0,2}}",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*\d+[.)]\s+(?=\S)", re.MULTILINE)
_N = r"\[{0,2}\d+(?:[.,]\d+)?\]{0,2}"
_RANGE = re.compile(
    rf"(?<![\d.,/]){_N}(?: *[-–—~〜～] *| +(?:bis|to|till|and|und|or|oder|ou|o|à|a|al|to the|до|إلى|तक) +| *(?:から|到|至|부터) *)"
    rf"{_N}(?![\d]|[.,]\d)(?:{_OF_TEN})?",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    rf"(?:for example|for instance|e\.\s?g\.|such as|z\.\s?B\.|zum Beispiel|beispielsweise|par exemple|por ejemplo)\W{{0,6}}"
    rf"(?:{_LABEL}\W{{0,4}})?\[\[\s*\d+(?:[.,]\d+)?\s*\]\]",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|rather than|instead of|nicht|keine?|statt|anstatt|kaum|non|pas|au lieu de|en lugar de)\s+"
    r"(?:an?\s+|eine?\s+|the\s+)?\[\[\s*\d+(?:[.,]\d+)?\s*\]\]",
    re.IGNORECASE,
)
_BRACKETS = {
    "【": "[",
    "】": "]",
    "〚": "[[",
    "〛": "]]",
    "⟦": "[[",
    "⟧": "]]",
    "〔": "[",
    "〕": "]",
    "『": "[",
    "』": "]",
}
_POINTS = {
    "٫": ".", "،": ",", "，": ",", "、": ",", "。": ". ", "।": ". ", "−": "-", "‐": "-", "‑": "-", "„": '"', "“": '"', "”": '"',
    "«": '"', "»": '"', "⁄": "/", "∕": "/", "÷": "/", "🔟": "10", "\ufe0f": "", "\u20e3": "", "∶": ":",
}  # fmt: skip
_SIGNS = str.maketrans(_BRACKETS | _POINTS)
_WORDS = {
    word: number
    for words in (
        "one two three four five six seven eight nine ten",
        "eins zwei drei vier fünf sechs sieben acht neun zehn",
        "uno dos tres cuatro cinco seis siete ocho nueve diez",
        "un deux trois quatre cinq six sept huit neuf dix",
        "一 二 三 四 五 六 七 八 九 十",
    )
    for number, word in enumerate(words.split(), 1)
}
_SPELLED = re.compile(
    rf"(\[\[\s*|{_LABEL}\w*\s*[:=]\s*)({'|'.join(sorted(_WORDS, key=len, reverse=True))})(?=\s*(?:\]\]|$|[.!/]|out of|von|of|分|点))",
    re.IGNORECASE | re.MULTILINE,
)


def rating(reply: str) -> float | None:
    """The rating from 1 to 10, the last one where a form stands several times; None where there is none to be read."""
    text = plain(_told(reply))
    for form in _FORMS:
        found = [value for match in form.finditer(text) if (value := _value(match)) is not None]
        if found:
            return next((value for value in reversed(found) if LOW <= value <= HIGH), None)
    alone = _LAST_LINE.search(text)
    if (
        alone
        and len(_CITED.findall(text)) == 1
        and LOW <= (value := float(alone["n"].replace(",", "."))) <= HIGH
    ):
        return value
    return None


def _value(match: re.Match[str]) -> float | None:
    text = next((one for one in match.groupdict().values() if one is not None), None)
    return None if text is None else float(text.replace(",", "."))


def spoken(reply: str) -> str:
    """What a judge says in the end, in lines without blanks at their ends: its thoughts and what it struck out are gone."""
    text = "\n".join(" ".join(line.split()) for line in reply.splitlines() if line.strip())
    text = _LEFT_OVER.sub("", _BEFORE.sub("", _THOUGHTS.sub("", text)))[-_LONGEST:]
    return _STRUCK.sub(" ", text)


def uncoded(text: str) -> str:
    """A text without its blocks of code."""
    return _CODE.sub("\n", text)


def _told(reply: str) -> str:
    """What a judge says in the end, with a JSON object that holds a rating as `[[rating]]`, without code."""
    return uncoded(unpacked(spoken(reply), _field))


def plain(text: str) -> str:
    """Any script's digits as 0 to 9, other kinds of brackets and points as ours, no markup, no scales, ranges and examples."""
    text = re.sub(r"(?<=\d)\s?½", ".5", html.unescape(text)).translate(_SIGNS)
    text = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    text = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)
    for pattern, by in _LATEX:
        text = pattern.sub(by, text)
    text = _TAG.sub("", _NAMED_TAG.sub(r"\n\1: ", text))
    text = _ITEM.sub("", _MARKUP.sub("", text))
    text = re.sub(r"(?<=\d) ([.,])(?: (?=\d+ *\]))?(?=\d| \d)", r"\1", text)  # 7 ,5 and [[7 . 5]]
    text = re.sub(r"\{\{\s*([^{}\n]{1,20}?)\s*\}\}", r"[[\1]]", text)
    text = _SPELLED.sub(lambda found: f"{found[1]}{_WORDS[found[2].lower()]}", text)
    text = _SCALE_END.sub(r"\1", text)
    return _DENIED.sub(" ", _SHOWN.sub(" ", _RANGE.sub(" … ", text))).strip()


def unpacked(text: str, read: Callable[[Mapping[str, Any]], str | None]) -> str:
    """The text with each JSON object that holds a verdict, as `read` tells it, as `[[verdict]]`; what else it says is no verdict.

    `read` gives None for an object that holds none, and nothing where it cannot be told which.
    """
    decoder = json.JSONDecoder(strict=False)
    parts: list[str] = []
    start = tried = 0
    while (at := text.find("{", start)) >= 0 and tried < 50:
        tried += 1
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            found, end = None, at + 1
        value = read(found) if isinstance(found, Mapping) else None
        told = f" [[{value}]] " if value else " "
        parts.append(text[start:end] if value is None else text[start:at] + told)
        start = end
    return "".join([*parts, text[start:]])


_KEY = re.compile(rf"\W*(?:{_WHOLE}[\W_]*)?{_LABEL}s?\W*", re.IGNORECASE)
_BEST = re.compile(rf"{_WHOLE}", re.IGNORECASE)


def _field(found: Mapping[str, Any]) -> str | None:
    """The rating among an object's values; None where none is named so, empty where it cannot be told which or what it is."""
    plain = {key: re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", key) for key in found}
    named = [key for key in found if _KEY.fullmatch(plain[key])]
    wider = [key for key in found if re.search(_LABEL, plain[key], re.IGNORECASE) and key not in named]
    keys = [key for key in (*named, *wider) if _BEST.search(plain[key])] or named or wider
    values = [value for key in keys if (value := _number(found[key])) is not None]
    if not keys:
        inner = [_field(value) for value in found.values() if isinstance(value, Mapping)]
        values = [value for value in inner if value is not None]
    if not keys and not values:
        return None
    return values[0] if len(set(values)) == 1 else ""


def _number(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return _field(value) or next(
            (one for key in ("value", "wert") if (one := _number(value.get(key)))), None
        )
    if isinstance(value, list):
        flat = value[0] if len(value) == 1 else None
        return _number(flat)
    if isinstance(value, str):
        read = rating(value) or rating(f"[[{value}]]")
        return None if read is None else f"{read:g}"
    return None

"""Reads the rating out of what a judge wrote."""

# ruff: noqa: RUF001 - judges write these characters

import re
import unicodedata

LOW, HIGH = 1.0, 10.0
_NUMBER = r"(?P<n>[-+−]?\d+(?:[.,]\d+)?)"
_LABEL = (
    r"(?:rating|score|grade|verdict|bewertung|note|wertung|punktzahl|punkte|urteil|nota|calificaci[oó]n|puntuaci[oó]n|valoraci[oó]n"
    r"|valutazione|punteggio|évaluation|ocena|оценка|оцінка|评分|評分|評価|スコア|평가|점수|betyg|vurdering|beoordeling|puan|التقييم|الدرجة|alama)"
)
_ENDS = r"(?=\s*(?:$|[.!,;)\]}\"']|punkt|point|punt|点|점))(?![.,]\d)"
_OF_TEN = r"(?:\s*(?:/|von|of|out of|sur|de|su|из|av|z|من|kati ya)\s*10(?:[.,]0+)?(?![\d%/]|[.,]\d))"
# From the form that was asked for to ever weaker ones; the first that stands in the reply decides.
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.MULTILINE)
    for form in (
        rf"{_LABEL}\W{{0,4}}\[\[\s*{_NUMBER}{_OF_TEN}?\s*\]\]",
        rf"\[\[\s*(?:{_LABEL}\s*[:=]?\s*)?{_NUMBER}{_OF_TEN}?\s*\]\]",
        rf"\\boxed\{{\s*{_NUMBER}{_OF_TEN}?\s*\}}",
        rf"[\"']\w*{_LABEL}\w*[\"']\s*:\s*[\"']?\[*\s*{_NUMBER}(?:{_OF_TEN}|{_ENDS})",
        rf"{_LABEL}\w*(?:\s+(?:is|ist|lautet|beträgt|est|es|è|von|of))?[\s:=\-–—>\"']{{0,5}}\[?\s*{_NUMBER}(?:{_OF_TEN}|{_ENDS})",
        rf"(?<![\d/.,\-]){_NUMBER}\s*/\s*10(?:[.,]0+)?(?![\d%/]|[.,]\d)",
        rf"(?<![\d/.,\-]){_NUMBER}(?:{_OF_TEN}|\s+out of ten){_ENDS}",
        rf"^\s*\[\s*{_NUMBER}\s*\][.!]?\s*\Z",
        rf"^\s*{_NUMBER}(?:\s*(?:punkte|points))?\s*\Z",
        rf"\A\s*{_NUMBER}[.!]?\s*\Z",
    )
)
_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"[*`~$]|\\(?=[\[\]])|(?<!\w)_+|_+(?!\w)")
_SCALE_END = re.compile(r"(\]\])\s*(?:/|von|of|out of)\s*\[*10\]*")
_BRACKETS = str.maketrans(
    {"［": "[", "］": "]", "【": "[", "】": "]", "〚": "[[", "〛": "]]", "⟦": "[[", "⟧": "]]"}
)
_POINTS = str.maketrans(
    {"．": ".", "，": ",", "٫": ".", "：": ":", "／": "/", "−": "-", "„": '"', "“": '"', "”": '"'}
)


def rating(reply: str) -> float | None:
    """The rating from 1 to 10, the last one where a form stands several times; None where there is none to be read."""
    text = _SCALE_END.sub(r"\1", _MARKUP.sub("", _plain(_THOUGHTS.sub("", reply)))).strip()
    for form in _FORMS:
        found = [float(match["n"].replace(",", ".")) for match in form.finditer(text)]
        if found:
            return next((value for value in reversed(found) if LOW <= value <= HIGH), None)
    return None


def _plain(text: str) -> str:
    """Any script's digits as 0 to 9, other kinds of brackets and points as ours."""
    text = re.sub(r"(?<=\d)½", ".5", text.translate(_BRACKETS).translate(_POINTS))
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)

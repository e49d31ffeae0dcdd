"""Reads which of two answers a judge prefers out of what it wrote: A, B, or C for a tie.

As with ratings (`verdicts`), a reply is made plain first, then the forms are tried from the one that was asked for to ever
weaker ones, and the first that stands in the reply decides. What may mean something else is not read: a caller counts it.
"""

# ruff: noqa: RUF001 - judges write these characters

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from langadapt_plugins.evaluators.verdicts import plain, spoken, uncoded, unpacked

Choice = Literal["A", "B", "C"]
_LETTERS: Mapping[str, Choice] = {
    "a": "A", "b": "B", "c": "C", "α": "A", "β": "B", "а": "A", "в": "B", "с": "C", "б": "B", "أ": "A", "ا": "A", "ب": "B",
    "ج": "C", "1": "A", "2": "B", "א": "A", "ב": "B",
}  # fmt: skip
"""How other scripts write the letters, or what looks like them; the numbers count only behind a noun."""
_TIE = (
    r"(?:(?:it['’]?s |it is |es ist |c['’]est |es )?(?:an? |ein |une? |un )?"
    r"(?:tied?|draw|equal(?:ly good)?|both(?: equal(?:ly good)?)?|unentschieden|gleichstand|patt|gleich ?gut|remis|empate|empatados?|égalité"
    r"|match nul|ex[ -]aequo|pareggio|parit[àa]|gelijkspel|ничья|равны|引き分け|同点|同等|平局|平手|무승부|sare|تعادل|متعادل(?:ان)?|berabere|बराबर|beide|neither))"
)
_NOUN = (
    r"(?:(?:the |der |die |das |la |le |el |l['’])?(?:ai[ -])?"
    r"(?:assistant(?:in|en|e)?|assistent(?:in|en|e)?|asistente|assistente|answer|response|reply|output|model(?:o)?|modell|antwort|réponse|modèle|respuesta"
    r"|resposta|risposta|antwoord|ответ|ассистент|アシスタント|回答|助手|モデル|模型|응답|답변|jibu|msaidizi|الإجابة|المساعد|إجابة|option|candidate|completion))"
)
_MARK = r"[\"'“”„«»()\[\]_ -]{0,4}"
_ENDS = r"(?![^\W぀-鿿가-힯]|['’]\w|[.,]\d)"  # Chinese, Japanese and Korean set no blank behind a letter
_SIDE = rf"(?:{_NOUN}{_MARK}[abαβавбأاب12]|[abαβавбأاب])(?:['’]s(?: \w+)?)?{_ENDS}"
_WHO = rf"(?P<who>(?<!\w){_TIE}(?!\w)|{_SIDE}|c(?![\w'’+#]))"
_LABEL = (
    r"(?:(?<![^\W\d_])(?:(?:final|overall|end|gesamt|schluss)[ -]?)?"
    r"(?:verdict|winner|preference|pick|vote|overall|insgesamt|alles in allem|preferred(?: answer| response)?|choice|decision|judge?ment|conclusion|better(?: answer| response| assistant| model)?"
    r"|best(?: answer| response)?|answer|result|urteil|sieger(?:in)?|gewinner(?:in)?|entscheidung|ergebnis|fazit|wahl|wertung|bewertung"
    r"|bessere(?:r)?(?: der beiden)?(?: antwort(?:en)?| assistent)?|gagnante?|vainqueur|décision|ganadora?|veredicto|decisión|mejor(?: respuesta)?|vencedora?|vincitore|verdetto"
    r"|победитель|вердикт|mshindi|uamuzi)|勝者|判定|胜者|结论|結論|优胜者|결론|승자|الفائز|الحكم|القرار)"
)
_IS = r"(?:\s*(?:[:=→>：–—-]|は|是|为)\s*|\s+(?:is|ist|lautet|est|es|goes to|geht an|wäre|would be)(?: (?:clearly|eindeutig|klar|die von))?\s*:?\s*|\s*\n\s*)"
_CLEARLY = r"(?:\s+[^\s.,;:!?]+){0,3}?"
_BETTER = (
    r"(?:better|superior|preferable|preferred|stronger|the winner|the better|the best|besser|überlegen|vorzuziehen|stärker|meilleure?|mejor|migliore|melhor"
    r"|supérieure?|лучше|bora)"
)
_WINS = r"(?:wins|is victorious|gewinnt|siegt|l['’]emporte|gagne|gana|vince|vence|prevails|outperforms|побеждает|inashinda|übertrifft)"
_FIRMLY = r"[\"'\])]{0,2}(?:\s+(?:clearly|slightly|definitely|still|just|also|simply|klar|deutlich|eindeutig|etwas|knapp|nettement|claramente))?"
_NOT = r"(?:not|n['’]t|no|nicht|kaum|weder|pas|não|non|не|never|neither|if|wenn|falls|whether|ob)"
_PICK = (
    r"(?:(?:I|we|ich|wir|je|yo|io|eu)(?:['’]d|['’]ll)?\s+(?:would |würde |do )?(?:prefer|choose|pick|select|favou?r|go with|bevorzuge|wähle|entscheide mich für|préfère|choisis|prefiero|elijo"
    r"|prefiro|preferisco)|ninachagua|ich ziehe)"
)
_SENTENCES = tuple(
    re.compile(form, re.IGNORECASE | re.MULTILINE)
    for form in (
        rf"(?<!\w){_WHO}{_FIRMLY}\s+(?:is|ist|was|war|est|es|é|è|seems|scheint|ni){_CLEARLY}\s+(?:an?\s+|the\s+|die\s+|la\s+|el\s+|der\s+)?{_BETTER}",
        rf"(?<!\w){_WHO}{_FIRMLY}\s+(?:is|was)\s+(?:much |clearly |slightly |far )?more (?:accurate|helpful|correct|complete|precise|thorough|convincing|useful|informative|natural)\b[^.\n]{{0,40}}?\sthan\b",
        rf"(?<!\w){_WHO}{_FIRMLY}\s+(?:{_WINS}|überzeugt (?:mich )?mehr|has the edge|antwortet(?: \w+)? besser|(?:provides|gives|offers|has|liefert|gibt|bietet)(?: \w+){{1,3}}? (?:better|best|bessere|beste)\b)",
        rf"(?<!\w){_WHO}\s*(?:の勝ち|(?:の方|のほう)?(?:が|は|更|比|이|가|أفضل|лучше))",
        rf"\b(?:ist|wäre)\s+{_WHO}{_CLEARLY}\s+(?:besser|vorzuziehen|überlegen|stärker)",
        rf"\bhalte\s+{_WHO}\s+für\s+(?:die\s+)?(?:\w+\s+)?(?:besser|stärker)",
        rf"\bsieg für\s+{_WHO}",
        rf"{_PICK}(?:\s+(?:the|die|la))?\s+{_WHO}",
    )
)
_EVEN = re.compile(
    rf"\b(?:neither|keine(?: der beiden| von beiden)?(?: antworten)?)\b[^.\n]{{0,25}}\b(?:better|besser)\b|\b(?:they|both|beide) (?:tie|are tied)\b"
    rf"|\b(?:answers|responses|antworten) (?:are|sind) (?:\w+ )?(?:equal|gleichwertig|on par|ebenbürtig)\b"
    rf"|\b(?:it['’]s|it is|this is|call it|es ist|das ist|c['’]est|es)\s+(?:an?|ein|un|une)\s+{_TIE}|\b(?:both|beide|les deux|ambas|entrambe)\b[^.\n]{{0,40}}"
    r"\b(?:equally|gleich (?:gut|stark|schlecht)|gleichwertig|ebenbürtig|tied|aussi bonnes|igual de|allo stesso)|両方[^.\n]{0,20}同|不分伯仲|難分高下",
    re.IGNORECASE,
)
_SUMMED = re.compile(
    r"\b(?:overall|all in all|in total|therefore|thus|hence|in conclusion|finally|insgesamt|alles in allem|daher|deshalb|somit|unterm strich|letztlich"
    r"|en somme|au final|donc|en general|por lo tanto)\b|総合|总的来说|因此",
    re.IGNORECASE,
)
_ARENA = r"(?P<left>[abαа])\s*(?P<sign>>{1,3}|<{1,3}|={1,3}|≫|≪|≈|~|≻|≺)\s*(?P<right>[bβвaαа])"
_OPEN, _CLOSE = r"(?<![\w\])])\[\s*\[\s*", r"\s*[.!]?\s*\]\s*\]"
_STRONG = re.compile(
    rf"(?:{_OPEN}|\\boxed\s*\{{\s*)(?:{_ARENA}|(?:{_LABEL}{_IS})?{_WHO}(?:{_CLEARLY}\s+(?:is\s+|ist\s+)?(?:{_BETTER}|{_WINS}))?)(?:{_CLOSE}|\s*\}})",
    re.IGNORECASE,
)
_RANKED = re.compile(rf"(?:^|(?<=[\s:(\[])){_ARENA}(?![\w>=<])", re.IGNORECASE | re.MULTILINE)
_LABELLED = re.compile(
    rf"{_LABEL}[\"')\]]*{_IS}{_MARK}{_WHO}(?!\s*(?:/|\bor\b|\boder\b|,\s*b\b))", re.IGNORECASE | re.MULTILINE
)
_BARE = re.compile(
    r"\s*(?:$|[^\w\s]|[぀-鿿가-힯]|(?:is|ist|was|est|es|wins|gewinnt|because|since|weil|da|as|over|for|by|with|über|vor|denn|mit|und|and|but|aber|due)\b)",
    re.IGNORECASE | re.MULTILINE,
)
"""What may follow a letter that is no article."""
_NEAR = 200
_BEGINS = re.compile(
    r"(?:^|[^\w\s]|\b(?:that|dass|think|believe|find|finde|meine|denke|so|daher|thus|therefore|hence|and|und|but|aber|que|overall|insgesamt|conclude|which|ist|is|prefer"
    r"|prefiero|préfère|choose|pick|select|with|für|wähle|bevorzuge|favou?r|the|reads?))\s*$",
    re.IGNORECASE | re.MULTILINE,
)
"""What may stand before a letter that names an answer, and no vitamin."""
_ALONE = re.compile(rf"{_MARK}{_WHO}{_MARK}[.!]?", re.IGNORECASE)
_RULE = re.compile(
    r"\[\[[^\[\]\n]{1,12}\]\]\s*[\"'”“]?\s*(?:if|when|for an?|means|stands for|wenn|falls|für|bei|bedeutet|steht für|si|pour|para|se|per|كان|إذا|如果|の場合|:\s*(?:assistant|antwort|both)[^\n]{0,30}better)"
    r"|(?:for example|e\.\s?g\.|such as|z\.\s?B\.|zum Beispiel|par exemple|not|nicht|rather than|statt|instead of|keine?|as in|wie)\W{0,4}(?:an?\s+|ein\s+)?\[\[[^\[\]\n]{1,12}\]\]"
    r"|\[\[[^\[\]\n]{1,12}\]\]\s+(?:was|would|came|war|wäre|hätte|kam)\b"
    r"|\[\[\s*a\s*\]\]\W{1,4}(?:or|oder|ou|o|and|und|/|,)?\W{0,4}\[\[\s*b\s*\]\](?:\W{1,4}(?:or|oder|ou|o|and|und|/|,)?\W{0,4}\[\[\s*c\s*\]\])?",
    re.IGNORECASE,
)
_TAGGED = re.compile(rf"<\s*({_LABEL})\s*>\s*([^<>\n]{{1,40}}?)\s*<\s*/\s*\1\s*>", re.IGNORECASE)
_SIGNED = str.maketrans({"🅰": "A", "🅱": "B", "Ⓐ": "A", "Ⓑ": "B", "＞": ">", "＝": "="})
_KEYS = re.compile(
    rf"\W*(?:{_LABEL}|better[_ ]?\w*|best|winner[_ ]?\w*|choice|pick|selected\w*|preferred\w*)\W*",
    re.IGNORECASE,
)


def preferred(reply: str, *, cut: bool = False) -> Choice | None:
    """A or B, whichever answer the judge prefers, C for a tie; None where that cannot be read.

    Of a reply that was `cut` off the sentences are no verdict: what would have followed may have weighed more.
    """
    text = uncoded(unpacked(spoken(reply).translate(_SIGNED), _field))
    text = plain(_TAGGED.sub(r" [[\2]] ", text))
    text = _RULE.sub(" ", unicodedata.normalize("NFKC", text))
    if found := [side for match in _STRONG.finditer(text) if (side := _read(match))]:
        return found[-1]
    labelled = [match for match in _LABELLED.finditer(text) if not _article(match, text)]
    if found := [side for match in labelled if (side := _read(match))]:
        return found[-1]
    if ranked := {side for match in _RANKED.finditer(text) if (side := _read(match))}:
        return ranked.pop() if len(ranked) == 1 else None
    return _alone(text) or (None if cut else _said(text))


def _alone(text: str) -> Choice | None:
    """A reply, or its last or first line, that is nothing but a side."""
    lines = [line.strip() for line in text.split("\n") if line.strip()] or [""]
    for line in (lines[-1], lines[0]):
        if match := _ALONE.fullmatch(line):
            return _read(match)
    return None


def _said(text: str) -> Choice | None:
    """What whole sentences say; where they say several things, what is said in sum."""
    found: list[tuple[int, Choice]] = [(match.start(), "C") for match in _EVEN.finditer(text)]
    for form in _SENTENCES:
        for match in form.finditer(text):
            start = match.start("who")
            before = re.split(r"[.\n;:!?]", text[max(0, match.start() - _NEAR) : match.start()])[-1]
            denied = re.search(rf"\b{_NOT}\b|n['’]t\b", f"{before} {match[0]}", re.IGNORECASE)
            loose = _bare(match) and not _BEGINS.search(text[max(0, start - _NEAR) : start])
            if denied or loose or (_bare(match) and match["who"].islower()):
                continue
            if side := _read(match):
                found.append((match.start(), side))
    if len({side for _, side in found}) <= 1:
        return found[0][1] if found else None
    sums = [match.start() for match in _SUMMED.finditer(text)]
    last = {side for place, side in found if sums and place >= sums[-1]}
    return last.pop() if len(last) == 1 else None


def _bare(match: re.Match[str]) -> bool:
    return len(match["who"]) == 1 and match["who"].isascii()


def _article(match: re.Match[str], text: str) -> bool:
    """Whether a letter that stands alone is more likely a word."""
    return _bare(match) and (match["who"].islower() or not _BARE.match(text, match.end("who")))


def _read(match: re.Match[str]) -> Choice | None:
    told = match.groupdict()
    if told.get("sign"):
        return _ranked(told)
    return _side(told.get("who") or "")


def _ranked(told: Mapping[str, str]) -> Choice | None:
    left, right = (_LETTERS.get(told[key].casefold()) for key in ("left", "right"))
    if {left, right} != {"A", "B"}:
        return None
    if told["sign"][0] in "=≈~":
        return "C"
    return left if told["sign"][0] in ">≫≻" else right


def _side(word: str) -> Choice | None:
    word = word.strip(" \"'“”„«»()[]_-.").casefold()
    if re.fullmatch(_TIE, word, re.IGNORECASE):
        return "C"
    return _LETTERS.get(re.split(r"['’]s\b", word)[0][-1:]) if word else None


def _field(found: Mapping[str, Any]) -> str | None:
    """The side among an object's values; None where none is named so, empty where several are."""
    named = [
        value
        for key, value in found.items()
        if isinstance(value, str) and _KEYS.fullmatch(key.replace("_", " "))
    ]
    if not named:
        inner = [
            side
            for value in found.values()
            if isinstance(value, Mapping) and (side := _field(value)) is not None
        ]
        return inner[0] if len(inner) == 1 else None
    sides = {side for value in named if (side := preferred_word(value))}
    return sides.pop() if len(sides) == 1 else ""


def preferred_word(value: str) -> Choice | None:
    """The side that a short value names, such as `A`, `model_a`, `Tie` or `A>B`."""
    value = unicodedata.normalize("NFKC", value).strip(" []").replace("_", " ")
    if ranked := re.fullmatch(_ARENA, value, re.IGNORECASE):
        return _read(ranked)
    match = _ALONE.fullmatch(value)
    return _read(match) if match else None

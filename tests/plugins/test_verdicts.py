# ruff: noqa: RUF001 - judges write these characters

import pytest

from langadapt_plugins.evaluators.verdicts import rating

READABLE = [
    ("[[7]]", 7),
    ("Bewertung: [[7]]", 7),
    ("Bewertung: [[10]]", 10),
    ("Bewertung: [[1]]", 1),
    ("Rating: [[8.5]]", 8.5),
    ("Bewertung: [[7,5]]", 7.5),
    ("[[ 9 ]]", 9),
    ("[[\n6\n]]", 6),
    ("**Bewertung: [[6]]**", 6),
    ("Bewertung: **[[6]]**", 6),
    ("Bewertung: [[**6**]]", 6),
    ("`[[4]]`", 4),
    (r"Bewertung: \[\[3\]\]", 3),
    (r"$\boxed{8}$", 8),
    ("[[8/10]]", 8),
    ("[[Bewertung: 5]]", 5),
    ("[[7]]/10", 7),
    ("[[7]] von [[10]]", 7),
    ("8/10", 8),
    ("**8** / 10", 8),
    ("Ich gebe 8 von 10 Punkten.", 8),
    ("I would give this 6 out of 10.", 6),
    ("Die Antwort ist knapp.\n\n7", 7),
    ("7", 7),
    ("**7**", 7),
    ("7.", 7),
    ('{"rating": 9}', 9),
    ('{"begruendung": "gut", "bewertung": "8"}', 8),
    ('```json\n{"score": 3.5, "reason": "2 Fehler"}\n```', 3.5),
    ('{"overall_rating": [[6]]}', 6),
    ("Bewertung: ［［７］］", 7),
    ("评分：【【8】】", 8),
    ("评分：８", 8),
    ("التقييم: [[٧]]", 7),
    ("Bewertung: [[7½]]", 7.5),
    ("التقييم: 7", 7),
    ("الدرجة: 8/10", 8),
    ("أعطيها 7 من 10.", 7),
    ("Valoración: 7", 7),
    ("Alama: 6", 6),
    ("Ninaipa 7 kati ya 10.", 7),
    ("Erst hielt ich [[3]] für richtig, doch die Antwort stimmt. Bewertung: [[8]]", 8),
    ('Die Form ist "Bewertung: [[6]]". Die Rechnung hat zwei Fehler.\nBewertung: [[4]]', 4),
    ("<think>Vielleicht [[2]]? Oder [[9]]?</think>\nBewertung: [[5]]", 5),
    ("Laut [1] und [2] stimmt die Jahreszahl 1990. Bewertung: [[9]]", 9),
    ("Bewertung: [[9]] (siehe Quelle [12])", 9),
    ("Bewertung: [7]", 7),
    ("Bewertung: 7", 7),
    ("Bewertung – 7,5 Punkte", 7.5),
    ("Meine Bewertung lautet: 6", 6),
    ("Note: 8/10", 8),
    ("Gut gelöst.\n[6]", 6),
    ("[[7]] Die Antwort verdient keine [[11]].", 7),
    ("Rating: 10/10", 10),
]
UNREADABLE = [
    "",
    "   \n",
    "Das kann ich nicht beurteilen.",
    "[[0]]",
    "[[11]]",
    "Bewertung: [[100]]",
    "[[-3]]",
    "Bewertung: 0",
    "Bewertung: 11",
    "0/10",
    "11/10",
    "[[n]]",
    "[[]]",
    "[[7-8]]",
    "[[4/5]]",
    "80/100",
    "8/100",
    "Bewertung: 80 %",
    "Bewertung: 75%",
    "Auf einer Skala von 1 bis 10 ist das schwer zu sagen.",
    "Bewertung von 1 bis 10: keine Angabe",
    "Wie [3] und [4] zeigen, ist die Antwort falsch.",
    "Am 9/10/2024 wäre die Antwort richtig gewesen.",
    "8 von 10 Kindern essen gern Eis.",
    "يحب 7 من 10 أطفال المثلجات.",
    "Die Antwort nennt 3 Gründe und 2 Beispiele.",
    "1990",
    "Note: 3 errors were found.",
    "Bewertung: 2 Fehler, sonst gut.",
    "<think>Bewertung: [[7]]",
    "sieben",
]


def test_there_are_hard_cases() -> None:
    assert len(READABLE) + len(UNREADABLE) >= 40


@pytest.mark.parametrize(("reply", "value"), READABLE)
def test_readable(reply: str, value: float) -> None:
    assert rating(reply) == value


@pytest.mark.parametrize("reply", UNREADABLE)
def test_unreadable(reply: str) -> None:
    assert rating(reply) is None


def test_long_replies_take_no_time() -> None:
    assert rating("Bewertung " * 20_000 + "[[" * 20_000) is None

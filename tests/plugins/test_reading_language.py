"""Which language an answer is in: cases that are easy to get wrong. The labelled sample is scripts/bench/fidelity_answers.jsonl."""

import json
from pathlib import Path

import pytest

from langadapt import registry
from langadapt.languages import LanguagePack
from langadapt_plugins.filters.address import address_of, recognises
from langadapt_plugins.filters.language_id import LanguageId
from langadapt_plugins.filters.reading import Reader

SAMPLE = Path(__file__).parents[2] / "scripts" / "bench" / "fidelity_answers.jsonl"
DE = registry.pack("de")


def reader(code):
    pack = DE if code == "de" else LanguagePack.bare(code)
    return Reader(pack, LanguageId(), 14)


def read(code, text, asked=()):
    made = reader(code)
    return made.read(made.prose(text, asked))


def test_the_sample_is_read_as_it_is_labelled():
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 250
    right = wrong = unjudged = mixed = 0
    for row in rows[::4]:
        found = read(row["asked"], row["answer"])
        if row["label"] in ("in", "other"):
            unjudged += found is None
            right += found is not None and (found.share >= 0.5) == (row["label"] == "in")
            wrong += found is not None and (found.share >= 0.5) != (row["label"] == "in")
        mixed += bool(found and found.stray) != (row["label"] == "mixed") and row["label"] in ("in", "mixed")
    assert right > 50
    assert (wrong, mixed) <= (1, 0)
    assert unjudged <= 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "42",
        "`ls -la`",
        "$$E = mc^2$$",
        "```python\nprint('The answer is here, as you can see')\n```",
        "👍👍👍",
        "\x00\ud800",
        "Ja",
    ],
)
def test_what_says_too_little_is_not_told(text):
    assert read("de", text) is None


def test_code_quotes_and_the_questions_names_say_nothing():
    code = "```\n# this is a long comment in English and it should not count at all\n```"
    assert read("de", f"Der Befehl löscht alle Dateien im Ordner.\n\n{code}").share > 0.9
    assert (
        read(
            "de", "> The only thing we have to fear is fear itself.\n\nSo sprach Roosevelt im März 1933."
        ).stray
        == ""
    )
    quoted = "„To be or not to be, that is the question, whether it is nobler to suffer“ heißt es dort."
    assert read("de", f"Das ist ein Vers. {quoted}").share > 0.5
    titles = '"Powering the Future: Bioenergy is the Sustainable Choice for all of us"'
    assert read("en", titles).language == "en", "where all is quoted, it is what is said"


def test_a_paragraph_in_another_language_is_found_and_formulas_are_none():
    told = read(
        "de",
        "Das Wasser gefriert bei null Grad.\n\nIt boils at one hundred degrees, as you know.\n\nDas ist überall so.",
    )
    assert (told.stray, told.share > 0.5) == ("en", True)
    chemistry = "The acid and the base react as follows.\n\nCaCO3(s) + 2HCl(aq) → CaCl2(aq) + CO2(g) + H2O(l)\n\nThe gas leaves the vessel."
    assert read("en", chemistry).stray == ""
    assert (
        read(
            "ja", "火山は噴火します。\n\nThe pressure inside the chamber rises slowly until the rock breaks."
        ).stray
        == "en"
    )


@pytest.mark.parametrize("code", ["de", "es", "it", "pt", "ro", "ca", "tr"])
def test_words_that_languages_share_make_no_answer_theirs(code):
    """`was` and `in`, `as` and `on`, `a` and `me`: English has them too, and more of them the longer it talks."""
    story = (
        "The mill was old, as old as the bridge, and its wheel was as still as a stone. On most days nobody was in the yard, "
        "but I liked it there: it gave me a place to sit on, as in summer the wall was warm, and it was on my way to school. "
        "In the end the miller came to me and asked what I was up to. I was at a loss, as a child is."
    )
    assert (read(code, story).language, read(code, story).share < 0.5) == ("en", True)
    assert read(code, "She was in the garden, so it was a good day as I see it.").share < 0.5
    other = "es" if code != "es" else "fr"
    said = {"es": "Explica de dónde viene el agua de la fuente y de qué está hecha.", "fr": "Explique d'où vient l'eau de la fontaine et de quoi elle est faite."}  # fmt: skip
    assert read(code, said[other]).language == other


def test_a_formula_that_repeats_its_words_is_no_paragraph_in_another_language():
    area = (
        "Area = sqrt(s(s - AB)(s - BC)(s - AC)) "
        + "= sqrt((2sqrt(2) + sqrt(5))(sqrt(5) - sqrt(2))(2sqrt(2) - sqrt(5))) " * 4
    )
    text = f"We take the lengths of the sides and put them into the rule.\n\n{area}\n\nThat is what was asked for."
    assert read("en", text).stray == ""


def test_a_very_long_answer_takes_no_time():
    text = "\n\n".join(f"Absatz {n}: Das ist ein Satz, der noch einmal dasselbe sagt." for n in range(300))
    assert read("de", text).share > 0.9


def test_address_without_a_source():
    assert recognises(DE)
    assert not recognises(LanguagePack.bare("sw"))
    assert address_of(["Können Sie mir sagen, ob du kommst?"], DE) == {"polite": ["Sie"], "familiar": ["du"]}
    assert address_of(["Sie ging nach Hause, und ihre Mutter wartete."], DE) == {}
    assert address_of(["Er sagte: „Du bist zu spät.“ Dann ging er."], DE) == {}
    assert address_of(["Nenne drei Gründe."], DE, asks=True) == {"familiar": ["Nenne"]}
    assert address_of(["Nenne drei Gründe. Sonne und Mond scheinen."], DE) == {}
    assert address_of(["Dis-moi si tu viens."], LanguagePack.bare("fr"))["familiar"]

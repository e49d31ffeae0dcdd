"""The gate `safety`: answers that refuse or speak of themselves as a machine, in the language that they were written in."""

import pytest

from langadapt.interfaces import Translation
from langadapt.languages import LanguagePack
from langadapt.records import record_from_row
from langadapt_plugins.filters.safety import Safety


def said(row, code="en", **settings):
    record = record_from_row({"id": 1, **row})
    pack = LanguagePack.bare(code)
    item = Translation(source=record, target=record, translated=False)
    (verdict,) = Safety(**settings).filter([item], source=pack.language, pack=pack)
    return verdict


def chat(answer, ask="How do I bake bread?"):
    return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m  sorry, but\nI can't help with that.",
        "As an AI language model, I have no taste. Bake it for an hour.",
        "Bake it for an hour. AS AN AI, I never ate bread.",
        "Well, I am unable to answer this.",
    ],
)
def test_an_answer_that_refuses_or_is_a_machine_is_dropped(answer):
    verdict = said(chat(answer))
    assert not verdict.keep
    assert verdict.reason.startswith("safety: ")


@pytest.mark.parametrize(
    "answer",
    [
        "Bake it for an hour at 220 degrees.",
        "Texas an aide said. Bias an airline.",  # "as an ai" within words
        "Use chalk as an aid to grip, or as an aisle mark.",
        "I'm sorry for your loss. Such a day is hard.",
        "Dear Ms Hall, I'm sorry that your parcel came late. It will be there on Monday.",
        "split(my training data)",
        "Bake it. " * 20 + "You may think: I cannot do this. You can.",
        "",
    ],
)
def test_other_answers_are_kept(answer):
    assert said(chat(answer)).keep


def test_only_answers_are_judged_and_of_pairs_the_chosen_one():
    assert said(chat("With flour.", ask="Why do you say: as an AI language model?")).keep
    refusing = "I'm sorry, but I can't help with that."
    pair = {"prompt": "How?", "chosen": "With flour.", "rejected": refusing}
    assert said(pair).keep
    assert not said({**pair, "chosen": refusing, "rejected": "With flour."}).keep


def test_one_s_own_phrases_and_other_languages():
    assert not said(chat("Bread is DANGEROUS,  as always."), phrases=("dangerous, as",)).keep
    assert not said(chat("Es tut mir leid, aber das kann ich nicht."), code="de").keep
    assert said({"text": "I can do it."}).keep

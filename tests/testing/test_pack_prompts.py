"""`[translate]` of a pack's prompts: what the contract finds, and what the German pack says."""

from dataclasses import replace

import pytest

from langadapt import registry
from langadapt.errors import ConfigError
from langadapt.interfaces import ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.models import Asked, family_of
from langadapt.models.wording import KEYS, changes, wording
from langadapt.testing.pack_words import prompts, task_words

GOOD = """
[translate]
system = "From {source} to {target}. {context}"
template = "{address}{glossary}{text}"
context = "{context}"
glossary = "{terms}"
term = "{term} {translation}"
informal = "þú"
"""


@pytest.fixture
def pack(tmp_path):
    def made(text):
        (tmp_path / "pack.toml").write_text('code = "is"\nlicense = "Apache-2.0"\n', encoding="utf-8")
        (tmp_path / "prompts.toml").write_text(text, encoding="utf-8")
        return LanguagePack.read(tmp_path)

    return made


def test_good_words_pass(pack):
    assert list(prompts(pack(GOOD))) == []
    assert wording(pack(GOOD))["language"] == "is"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("informal", "polite", ["translate.polite is read by nothing", "informal"]),
        ('"þú"', '" "', ["translate.informal is empty"]),
        ('"þú"', "3", ["translate.informal is empty or no text"]),
        ("{terms}", "", ["translate.glossary is empty"]),
        (
            "{terms}",
            "{term}",
            ["{term} is not known: it takes {source}, {target}, {terms}", "{terms} is missing"],
        ),
        ("{term} {translation}", "{term}", ["translate.term", "{translation} is missing"]),
        ("{address}", "", ["neither `system` nor `template` has the placeholder {address}"]),
        ("{context}. ", "", []),
        (". {context}", "", ["has the placeholder {context}"]),
        ("{text}", "", ["translate.template: the placeholder {text} is missing"]),
        ("{target}", "{language}", ["translate.system: the placeholder {language} is not known"]),
    ],
)
def test_each_mistake_is_found(pack, old, new, parts):
    found = "\n".join(prompts(pack(GOOD.replace(old, new, 1))))
    assert bool(found) == bool(parts)
    for part in parts:
        assert part in found


def test_a_pack_whose_words_cannot_be_used_is_refused(pack):
    with pytest.raises(ConfigError, match=r"template lacks \{text\}"):
        wording(pack(GOOD.replace("{text}", "")))
    assert wording(pack("")) == {}


def test_the_german_pack_words_all_of_it():
    pack = registry.pack("de")
    assert list(prompts(pack)) == []
    words = changes(wording(pack))
    assert set(words) == {"prompt" if key == "template" else key for key in KEYS}
    family = family_of(ModelRef("org/own"), "instruct")
    asked = Asked(context="Vorher.", terms=(("cat", "Katze"),), address="informal")
    said = replace(family, **words).messages("A cat <x1>.", Language.of("en"), Language.of("de"), asked=asked)
    assert said[0] == {
        "role": "system",
        "content": "You are a professional translator from English into German.",
    }
    assert said[1]["content"].endswith(
        "Address the reader as “du” (“ihr” for several), never as “Sie”.\n"
        "Use these German terms, inflected as the sentence needs them:\ncat: Katze\n"
        "What stands before the text, for understanding only, not to be translated:\nVorher.\n\nThe text:\nA cat <x1>."
    )


def test_words_of_task_files_stand_once_and_are_asked_for(pack, tmp_path):
    found = pack('[tasks]\nintro = "Inngangur"\nquestion = "Spurning"\nidle = "x"\nblank = " "\n')
    (tmp_path / "literals.toml").write_text('question = "Spurning"\nanswer = "Svar"\n', encoding="utf-8")
    (tmp_path / "tasks").mkdir()
    text = (
        "task: t\ndoc_to_text: '{{ words.intro }} {{words.question}} {{ words.ansver }}{{ words.blank }}'\n"
    )
    (tmp_path / "tasks" / "_base").write_text(text, encoding="utf-8")
    told = list(task_words(found))
    assert len(told) == 5
    assert told[0].startswith("tasks/_base: asks for the word 'ansver': write it in literals.toml")
    assert [name for name in ("intro", "answer") if any(f"{name!r}" in one for one in told)] == []
    assert any("tasks.question stands in literals.toml too" in one for one in told)
    assert any("tasks.idle is read by nothing" in one for one in told)
    assert any("tasks.blank is empty" in one for one in told)
    assert list(task_words(registry.pack("de"))) == []

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny import tiny_model

import langadapt
from langadapt import registry
from langadapt.cli import cli
from langadapt.compare import compare, sides
from langadapt.compare.items import scores as compared
from langadapt.compare.sides import Side
from langadapt.errors import ConfigError, DataError
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.elsewhere import languages_of
from langadapt_plugins.evaluators.fidelity import Fidelity
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.questions import Question
from langadapt_plugins.generation import ChatModel

TEMPLATE = str(Path(langadapt.__file__).parent / "templates" / "zephyr.jinja")
DE = registry.pack("de")
GOOD = "Das Wasser gefriert bei null Grad, und deshalb platzt die Flasche."
BAD = "Water freezes at zero degrees, and that is why the bottle breaks."
QUESTIONS = [
    {"id": "1", "category": "stem", "turns": ["Warum platzt die Flasche?", "Erkläre es noch kürzer."]},
    {"id": "2", "category": "math", "turns": ["Können Sie mir sagen, was 6 mal 7 ist?", "Und 6 mal 8?"]},
    {"id": "3", "category": "writing", "turns": ["Übersetze „Flasche“ ins Englische.", "Nun kürzer."]},
]


@pytest.fixture
def pack(tmp_path):
    home = tmp_path / "pack"
    home.mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in QUESTIONS)
    (home / "mt_bench.jsonl").write_text(lines, encoding="utf-8")
    return LanguagePack(Language.of("de"), home, {})


def rescored(pack, folder, answers, evaluator=None):
    path = folder / "given.jsonl"
    rows = [{"id": name, "answers": texts} for name, texts in answers.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    said = (evaluator or Fidelity()).rescored(
        path, model="model", pack=pack, output=folder / "out", limit=None, progress=Silent()
    )
    return {(one.task, one.metric): one for one in said}, json.loads(
        (folder / "out" / "facts.json").read_text()
    )


def test_shares_by_turn_and_category_and_nothing_is_dropped_silently(pack, tmp_path):
    found, facts = rescored(pack, tmp_path, {"1": [GOOD, BAD], "2": ["", "42"], "3": [BAD, BAD]})
    whole = found["fidelity", "in-language"]
    assert (whole.value, whole.n) == (pytest.approx(1 / 3), 2), (
        "the empty answer counts, 42 and translations do not"
    )
    assert (found["fidelity/turn-1", "in-language"].value, found["fidelity/turn-2", "in-language"].value) == (
        0.5,
        0,
    )
    assert (found["fidelity/math", "in-language"].value, ("fidelity/writing", "in-language") in found) == (
        0,
        False,
    )
    assert (
        facts["answers"],
        facts["judged"],
        facts["empty"],
        facts["no-words"],
        facts["other-language"],
    ) == (6, 2, 1, 1, 2)
    assert facts["languages"] == {"de": 1, "en": 1}
    assert found["fidelity", "mixed"].higher_is_better is False


def test_address_within_and_as_asked(pack, tmp_path):
    sie = "Das können Sie leicht sehen, wenn Sie die Flasche öffnen."
    du = "Das kannst du leicht sehen, wenn du die Flasche öffnest."
    found, _ = rescored(pack, tmp_path, {"1": [sie, du], "2": [sie, f"{sie} {du}"]})
    assert found["fidelity", "address-consistent"].value == 0.75
    # Turn 1 of question 1 addresses nobody; turn 2 says `Erkläre`; question 2 says Sie.
    assert found["fidelity", "address-as-asked"].value == pytest.approx(2 / 3)


def test_compare_reads_the_values(pack, tmp_path):
    rescored(pack, tmp_path, {"1": [GOOD, BAD], "2": [GOOD, ""]})
    side = tmp_path / "run" / "fidelity"
    side.parent.mkdir()
    (tmp_path / "out").rename(side)
    found = Fidelity().rescored(
        tmp_path / "given.jsonl", model="m", pack=pack, output=side, limit=None, progress=Silent()
    )
    (side / "scores.json").write_text(json.dumps([vars(one) for one in found]), encoding="utf-8")
    read, wanting = compared(
        Side(label="m", checkpoint="m", language="de", folder=side.parent, whole_run=False)
    )
    told = {(one.task, one.metric): one for one in read}
    assert len(told["fidelity", "in-language"].items) == 4
    assert all(one.items for one in read), [one.task for one in read if not one.items]
    assert not wanting


def test_stored_answers_of_two_models_are_compared(pack, tmp_path):
    for name, texts, limit in (
        ("one", [GOOD, BAD], None),
        ("two", [GOOD, GOOD], None),
        ("few", [BAD, BAD], 3),
    ):
        path, folder = tmp_path / f"{name}.jsonl", tmp_path / name / "fidelity"
        rows = [{"id": str(n), "answers": texts} for n in range(1, 6)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        found = Fidelity().rescored(
            path, model=name, pack=pack, output=folder, limit=limit, progress=Silent()
        )
        (folder / "scores.json").write_text(json.dumps([vars(one) for one in found]), encoding="utf-8")
    for second, items, difference in (("two", 8, 0.5), ("few", 4, -0.5)):
        (row, *_) = compare(sides([str(tmp_path / "one"), str(tmp_path / second)])).rows
        assert (row.metric, row.test.items, row.test.difference) == ("in-language", items, difference)


@pytest.mark.parametrize(
    ("code", "text", "free"),
    [
        ("de", "Übersetze den Satz ins Spanische: Guten Tag.", True),
        ("de", "Wie sagt man „danke“ auf Französisch?", True),
        ("de", "Schreibe ein Gedicht in englischer Sprache.", True),
        ("de", "Warum gilt der englische Garten als natürlich?", False),
        ("de", "Erkläre auf Deutsch, was ein Fluss ist.", False),
        ("de", "Übersetze den Befehl in eine Schleife.", False),
        ("fr", "Traduisez cette phrase en allemand.", True),
        ("fr", "Que s'est-il passé en Allemagne en 1989 ?", False),
        ("en", "Translate the sentence into German.", True),
        ("en", "Why did the German king leave?", False),
        ("ja", "この文を英語に訳してください。", True),
        ("sw", "Tafsiri sentensi hii kwa Kiingereza.", True),
        ("ar", "ترجم هذه الجملة إلى الإنجليزية.", True),
        ("ar", "لماذا يطفو الجليد على الماء؟", False),
    ],
)
def test_questions_that_ask_for_another_language(code, text, free):
    question = Question(id="1", category="x", turns=(text, "?"))
    assert languages_of(question, LanguagePack.bare(code)) == (["", ""] if free else [code, code])


def test_a_mark_in_the_question_goes_first(pack, tmp_path):
    rows = [{**QUESTIONS[0], "answer_language": ["", "en"]}, {**QUESTIONS[2], "answer_language": "any"}]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found, facts = rescored(pack, tmp_path, {"1": [GOOD, BAD], "3": [GOOD, GOOD]}, Fidelity(questions=path))
    assert (found["fidelity", "in-language"].value, facts["other-language"]) == (1.0, 2)
    path.write_text(json.dumps({**QUESTIONS[0], "answer_language": "en,de,fr"}), encoding="utf-8")
    with pytest.raises(ConfigError, match="en,de,fr"):
        Fidelity(questions=path).check(pack)
    path.write_text(json.dumps({**QUESTIONS[0], "answer_language": 3}), encoding="utf-8")
    with pytest.raises(DataError, match="answer_language"):
        Fidelity(questions=path).check(pack)


def test_others_files_of_answers(pack, tmp_path):
    fastchat = tmp_path / "model.jsonl"
    rows = [
        {"question_id": 81, "model_id": name, "choices": [{"index": 0, "turns": [text, text]}]}
        for name, text in (("a", GOOD), ("b", BAD))
    ]
    fastchat.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "answers.json").write_text(json.dumps({"81": [GOOD, BAD]}), encoding="utf-8")
    replies = tmp_path / "judge-replies.json"
    replies.write_text("[]", encoding="utf-8")

    def share(path, model):
        made = Fidelity().rescored(
            path, model=model, pack=pack, output=tmp_path / "o", limit=None, progress=Silent()
        )
        assert "fidelity/writing" in {one.task for one in made}, "81 is of the public set"
        return made[0].value

    assert [share(fastchat, "a"), share(fastchat, "b"), share(replies, "any")] == [1.0, 0.0, 0.5]
    with pytest.raises(DataError, match="none is c"):
        share(fastchat, "c")
    for text in ("", "[1]", '{"id": "1"}', "no JSON"):
        fastchat.write_text(text, encoding="utf-8")
        with pytest.raises(DataError):
            share(fastchat, "a")
    (tmp_path / "answers.json").unlink()
    with pytest.raises(DataError, match=r"answers\.json"):
        share(replies, "any")


def test_a_language_that_nobody_knows_is_refused_before_any_work():
    result = CliRunner().invoke(
        cli, ["evaluate", "some/model", "--language", "mi", "--evaluator", "fidelity"]
    )
    assert isinstance(result.exception, ConfigError | SystemExit)
    with pytest.raises(ConfigError, match="no profile for 'mi'"):
        Fidelity().check(LanguagePack.bare("mi"))
    with pytest.raises(ConfigError, match=r"mt_bench\.jsonl"):
        Fidelity().items(LanguagePack.bare("fr"))


def test_answers_of_mt_bench_are_not_asked_for_again(pack, tmp_path, monkeypatch):
    folder = tiny_model(
        tmp_path / "tiny", [turn for row in QUESTIONS for turn in row["turns"]] * 5, positions=160
    )
    checkpoint = Checkpoint(name="base", model=ModelRef(str(folder)), chat_template=TEMPLATE)
    how = {"pack": pack, "limit": None, "seed": 7, "progress": Silent()}
    settings = {"max_new_tokens": 12, "dtype": "float32"}
    alone = Fidelity(**settings).evaluate(checkpoint, output=tmp_path / "alone" / "fidelity", **how)
    MtBench(**settings)._answers(
        checkpoint, MtBench(**settings)._questions(pack), tmp_path / "run" / "mt-bench", 7, Silent()
    )
    loads = []
    monkeypatch.setattr(ChatModel, "load", lambda *given: loads.append(given))
    assert Fidelity(**settings).evaluate(checkpoint, output=tmp_path / "run" / "fidelity", **how) == alone
    assert not loads
    with pytest.raises(AttributeError):  # another setting is another answer, and the model is asked
        Fidelity(**{**settings, "max_new_tokens": 11}).evaluate(
            checkpoint, output=tmp_path / "run" / "other", **how
        )
    assert loads

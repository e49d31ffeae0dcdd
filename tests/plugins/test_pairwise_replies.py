"""Files of answers and of verdicts on pairs: AlpacaEval's, FastChat's, ours, and those that are none."""

import json

import pytest
from test_pairwise_lengths import CONTROLLED, PUBLISHED, gamed
from test_pairwise_lengths import rows as alpaca_rows

from langadapt.errors import ConfigError, DataError
from langadapt.languages import LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.pairwise import Pairwise
from langadapt_plugins.evaluators.pairwise_answers import Stored
from langadapt_plugins.evaluators.pairwise_questions import pair_messages, read_asked, read_pair_prompts
from langadapt_plugins.evaluators.questions import Question

PACK = LanguagePack.bare("de")


def written(path, rows):
    text = json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def rescored(path, output, *, model="ours", limit=None, **settings):
    found = Pairwise(**settings).rescored(
        path, model=model, pack=PACK, output=output, limit=limit, progress=Silent()
    )
    return {(score.task, score.metric): score for score in found}


def annotations(model="ours"):
    preferences, lengths = alpaca_rows()
    return [
        {
            "instruction": f"Aufgabe {k}", "dataset": "koala", "generator_1": "base", "generator_2": model, "annotator": "gpt4",
            "output_1": "x" * theirs, "output_2": "y" * ours, "preference": told, "price_per_example": 0.01,
        }
        for k, (told, (ours, theirs)) in enumerate(zip(preferences, lengths, strict=True))
    ]  # fmt: skip


def test_alpaca_eval_s_annotations_give_its_numbers(tmp_path):
    path = written(tmp_path / "annotations.json", annotations())
    scores = rescored(path, tmp_path / "out", difficulty=gamed(tmp_path / "df_gamed.csv"))
    told = json.loads((tmp_path / "out" / "facts.json").read_text())
    for key, value in PUBLISHED.items():
        assert told["alpaca_eval"][key] == pytest.approx(value, abs=1e-6)
    assert told["alpaca_eval"]["length_controlled_winrate"] == pytest.approx(CONTROLLED["v1"][0], abs=1e-6)
    assert told["alpaca_eval"]["lc_standard_error"] == pytest.approx(CONTROLLED["v1"][1], abs=1e-6)
    assert told["alpaca_eval"]["avg_length"] == int(sum(a for a, _ in alpaca_rows()[1]) / 60)
    assert told["price"] == pytest.approx(0.6)
    rate = scores["pairwise", "win_rate"]
    assert rate.value == pytest.approx(PUBLISHED["win_rate"])
    assert "judge:gpt4|prompts:unstated|date:unstated|unreadable:4/60|against:base|" in rate.signature
    assert scores["pairwise/koala", "win_rate"].n == 56
    assert told["bias"]["first"] is None, "its order is drawn and not kept"
    assert rescored(path, tmp_path / "few", limit=20)["pairwise", "win_rate"].n < 20


def test_annotations_of_several_models(tmp_path):
    path = written(tmp_path / "a.json", [*annotations("one"), *annotations("two")])
    assert rescored(path, tmp_path / "out", model="org/one")["pairwise", "win_rate"].value == pytest.approx(
        PUBLISHED["win_rate"]
    )
    with pytest.raises(ConfigError, match="2 models"):
        rescored(path, tmp_path / "none", model="else")
    other = [{**row, "generator_1": "other"} for row in annotations("one")]
    with pytest.raises(ConfigError, match="compares one with 2 models"):
        rescored(written(tmp_path / "b.json", [*annotations("one"), *other]), tmp_path / "none", model="one")


def test_annotations_of_the_first_side(tmp_path):
    """Named by MODEL, the first output's model is scored, in a file of both kinds of rows too."""
    rows = annotations()
    path = written(tmp_path / "a.json", rows)
    second, first = rescored(path, tmp_path / "a"), rescored(path, tmp_path / "b", model="org/base")
    for metric in ("win_rate", "length_controlled_winrate"):
        assert first["pairwise", metric].value == pytest.approx(
            100 - second["pairwise", metric].value, abs=0.1
        )
    assert "against:ours|" in first["pairwise", "win_rate"].signature
    turned = {"generator_1": "generator_2", "output_1": "output_2"}
    turned |= {value: key for key, value in turned.items()}
    told = [row["preference"] for row in rows]
    mixed = [
        {**{turned.get(key, key): value for key, value in row.items()}, "preference": 3 - one if one else one}
        if n % 2
        else row
        for n, (row, one) in enumerate(zip(rows, told, strict=True))
    ]
    found = rescored(written(tmp_path / "mixed.json", mixed), tmp_path / "c")
    assert found["pairwise", "win_rate"].value == pytest.approx(second["pairwise", "win_rate"].value)
    assert found["pairwise", "win_rate"].n == second["pairwise", "win_rate"].n


def test_one_annotation(tmp_path):
    """What one pair cannot tell is null, for files are read by other programs too."""
    rescored(written(tmp_path / "one.json", annotations()[:1]), tmp_path / "out")
    text = (tmp_path / "out" / "facts.json").read_text()
    assert json.loads(text)["alpaca_eval"]["standard_error"] is None
    assert "nan" not in text.casefold()


def test_verdicts_of_two_judges_and_of_answers_before(tmp_path):
    """One judge's verdicts are no half of another's, nor are those on other answers."""

    def row(order, reply, judge="new", answer="x", name="a"):
        return {
            "id": name,
            "turn": 1,
            "order": order,
            "reply": reply,
            "judge": judge,
            "prompts": "p",
            "answer": answer,
        }

    rows = [
        row(1, "[[A]]", "old"), row(2, "[[A]]", answer="before"), row(1, "[[A]]"),
        row(1, "[[A]]", name="b"), row(2, "[[B]]", name="b"), row(2, "[[B]]", name="b"),
    ]  # fmt: skip
    rate = rescored(written(tmp_path / "judgements.jsonl", rows), tmp_path / "out")["pairwise", "win_rate"]
    assert (rate.value, rate.n) == (100, 1)
    told = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert "1 verdicts are missing" in told["notes"]
    assert told["judge"]["name"] == "new"


def test_fastchat_s_pairs(tmp_path):
    def row(n, g1, g2, first="ours", second="base"):
        return {
            "question_id": 81 + n, "model_1": first, "model_2": second, "g1_judgment": g1, "g2_judgment": g2, "turn": 1,
            "judge": ["gpt-4", "pair-v2"], "tstamp": 1.7e9, "g1_winner": "x", "g2_winner": "x",
        }  # fmt: skip

    rows = [
        row(0, "[[A]]", "[[B]]"), row(1, "[[A]]", "[[A]]"), row(2, "[[B]]", "[[A]]"), row(3, "[[C]]", "[[C]]"),
        row(4, "$ERROR$", "[[A]]"), row(5, "[[B]]", "[[A]]", "base", "ours"),
    ]  # fmt: skip
    path = written(tmp_path / "gpt-4_pair.jsonl", rows)
    rate = rescored(path, tmp_path / "out")["pairwise", "win_rate"]
    assert rate.value == pytest.approx(100 * (1 + 0.5 + 0 + 0.5 + 1) / 5)
    assert "judge:gpt-4|prompts:pair-v2|date:2023-11-14|unreadable:1/12|against:base" in rate.signature
    assert rescored(path, tmp_path / "base", model="base")["pairwise", "win_rate"].value == pytest.approx(40)
    told = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert told["bias"]["consistent"]["n"] == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", ""), ("a.json", "[]"), ("a.json", "7"), ("a.json", "[7]"), ("a.json", '[{"preference": 2, "output_2": "x"}]'),
        ("a.json", '[{"instruction": "a", "output_1": "x", "output_2": 5, "preference": 2, "generator_2": "ours"}]'),
        ("a.json", '[{"instruction": "a", "output_1": "x", "output_2": "y", "preference": "much", "generator_2": "ours"}]'),
        ("a.jsonl", ""), ("a.jsonl", "{"), ("a.jsonl", '{"id": "a", "turn": 1, "order": 3, "reply": "[[A]]"}\n'),
        ("a.json", '[{"instruction": "a", "output_1": "x", "output_2": "y", "preference": true, "generator_2": "ours"}]'),
        ("a.json", '[{"instruction": "\\ud83d", "output_1": "x", "output_2": "y", "preference": 2, "generator_2": "ours"}]'),
        ("a.jsonl", '{"id": "a", "turn": 1, "order": 1}\n'), ("a.jsonl", '{"g1_judgment": "[[A]]", "model_1": "ours"}\n'),
    ],
)  # fmt: skip
def test_files_of_verdicts_that_are_none(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError):
        rescored(path, tmp_path / "out")


def test_stored_answers_in_every_form(tmp_path):
    asked = written(
        tmp_path / "q.json", [{"instruction": "Eins?"}, {"instruction": "Zwei?"}, {"instruction": "Eins?"}]
    )
    questions = read_asked(asked)
    assert len({one.id for one in questions}) == 3
    alpaca = [
        {"instruction": text, "output": str(n), "generator": "g"}
        for n, text in enumerate(("Eins?", "Zwei?", "Eins?"))
    ]
    assert Stored.read(written(tmp_path / "a.json", alpaca)).of(questions) == [("0",), ("1",), ("2",)]
    fastchat = [
        {"question_id": one.id, "model_id": "m", "choices": [{"index": 0, "turns": ["x", "y"]}]}
        for one in questions[:2]
    ]
    found = Stored.read(written(tmp_path / "m.jsonl", fastchat))
    assert found.of(questions) == [("x", "y"), ("x", "y"), None]
    assert found.name.startswith("m ")
    ours = [{"hash": "h", "id": questions[0].id, "turns": ["Eins?"], "answers": ["z"], "model": "dtype:x"}]
    assert Stored.read(written(tmp_path / "o.jsonl", ours)).of(questions)[0] == ("z",)
    with pytest.raises(ConfigError, match="2 models: a, b"):
        Stored.read(written(tmp_path / "two.json", [{**alpaca[0], "generator": name} for name in "ab"]))
    for name, rows in (("t.json", alpaca), ("t.jsonl", [{"turns": ["Eins?"], "answers": ["0"]}])):
        others = [{**row, "id": questions[1].id} for row in rows[:1]]
        found = Stored.read(written(tmp_path / name, others)).of(questions)
        assert found == [("0",), None, None], "an id that two files share is no proof of one question"
    for rows in ([], [{"output": "x"}], [{"instruction": "x"}], [{"instruction": "x", "output": 7}]):
        with pytest.raises(DataError):
            Stored.read(written(tmp_path / "none.json", rows))


def test_questions_in_every_form(tmp_path):
    rows = [
        {"instruction": "Fasse zusammen.", "input": "Text", "dataset": "koala"},
        {"question_id": 5, "turns": ["A?", "B?"]},
    ]
    first, second = read_asked(written(tmp_path / "q.jsonl", rows))
    assert (first.turns, first.category) == (("Fasse zusammen.\n\nText",), "koala")
    assert (second.id, second.turns) == ("5", ("A?", "B?"))
    for row in (
        {},
        {"turns": 5},
        {"turns": []},
        {"turns": ["a", "b", "c"]},
        {"instruction": ""},
        {"turns": ["a"], "reference": ["x", "y"]},
    ):
        with pytest.raises(DataError):
            read_asked(written(tmp_path / "bad.jsonl", [row]))
    with pytest.raises(ConfigError, match="stands there already"):
        read_asked(written(tmp_path / "twice.jsonl", [{"id": "a", "instruction": "x"}] * 2))


@pytest.mark.parametrize("name", ["no.json", "no.jsonl"])
def test_files_that_are_not_there(tmp_path, name):
    for read in (Stored.read, read_asked):
        with pytest.raises(DataError, match="No such file"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "template", ["{question.text}", "{question[x]}", "{0}", "{", "{what}", "{question:d}"]
)
def test_templates_that_cannot_be_filled(template):
    prompts, one = (
        {"single": {"system": "", "template": template}},
        Question(id="a", category="b", turns=("c",)),
    )
    with pytest.raises(ConfigError, match=r"pairwise\.single"):
        pair_messages(prompts, one, (("x",), ("y",)), 0)


def test_fastchat_s_prompts_for_pairs(tmp_path):
    rows = [
        {"name": name, "system_prompt": "s", "prompt_template": name}
        for name in ("pair-v2", "pair-math-v1", "pair-v2-multi-turn", "pair-math-v1-multi-turn", "single-v1")
    ]
    found = read_pair_prompts(written(tmp_path / "judge_prompts.jsonl", rows), PACK)
    assert {name: one["template"] for name, one in found.items()} == {
        "single": "pair-v2", "single-reference": "pair-math-v1",
        "multi-turn": "pair-v2-multi-turn", "multi-turn-reference": "pair-math-v1-multi-turn",
    }  # fmt: skip

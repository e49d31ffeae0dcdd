"""Scores from replies that there are: FastEval's file, FastChat's, and those that a run kept."""

import json
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner
from judge_server import JudgeServer, answers

from langadapt.cli import cli
from langadapt.errors import ConfigError, DataError
from langadapt.languages import LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.asking import LocalModel
from langadapt_plugins.evaluators.judges import ModelJudge
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.questions import category_of, read_prompts, read_questions
from langadapt_plugins.evaluators.ratings import Rating, length_bias, scores_of

PACK = LanguagePack.bare("de")
FORMS = ("Gut. Rating: [[{}]]", "Bewertung: [[{}]]", "**Bewertung:** {}/10", '{{"rating": {}}}')


def spread(total, count):
    """`count` ratings in steps of a half, with this sum."""
    base, rest = divmod(round(2 * total), count)
    return [(base + (n < rest)) / 2 for n in range(count)]


def paper():
    """Ratings of 80 questions with the means that the Phoenix paper prints for its two turns."""
    turns = (spread(511.5, 80), spread(413, 80))
    return {(81 + n, turn): turns[turn][n] for turn, n in product((0, 1), range(80))}


def fasteval(ratings):
    return [
        {"question_id": str(name), "turn_number": turn, "judge_reply": FORMS[name % 4].format(value)}
        for (name, turn), value in ratings.items()
    ]


def fastchat(ratings, model):
    return [
        {
            "question_id": name,
            "model": model,
            "judge": ["gpt-4", "single-v1" + "-multi-turn" * turn],
            "user_prompt": "...",
            "judgment": f"Fine. Rating: [[{value}]]",
            "score": value,
            "turn": turn + 1,
            "tstamp": 1700367448.5,
        }
        for (name, turn), value in ratings.items()
    ]


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rescored(replies, output, *, model="m", limit=None, pack=PACK):
    found = MtBench().rescored(replies, model=model, pack=pack, output=output, limit=limit, progress=Silent())
    return {score.task.removeprefix("mt-bench").strip("/"): score for score in found}


def test_the_paper_s_aggregation_from_fasteval_s_file(tmp_path):
    path = tmp_path / "judge-replies.json"
    path.write_text(json.dumps(fasteval(paper())), encoding="utf-8")
    (tmp_path / "answers.json").write_text(json.dumps({str(n): ["a" * n, "b"] for n in range(81, 161)}))
    scores = rescored(path, tmp_path / "out")
    assert (scores["turn-1"].value, scores["turn-2"].value) == (6.39375, 5.1625)
    assert scores[""].value == pytest.approx(5.778125, abs=1e-9)
    by_category = {}
    for (name, _), value in paper().items():
        by_category.setdefault(category_of(str(name)), []).append(value)
    assert Counter(map(len, by_category.values())) == {20: 8}
    assert {name: score.value for name, score in scores.items() if name in by_category} == pytest.approx(
        {name: sum(values) / 20 for name, values in by_category.items()}
    )
    assert {scores[name].n for name in ("", "turn-1", "turn-2")} == {80}
    assert {scores[name].n for name in by_category} == {10}
    assert "judge:unstated|prompts:unstated|date:unstated|unreadable:0/160" in scores[""].signature
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert facts["length_bias"]["n"] == 160


def test_fastchat_s_file_of_several_models(tmp_path):
    low = {key: max(1, value - 2) for key, value in paper().items()}
    rows = [*fastchat(paper(), "good"), *fastchat(low, "bad")]
    rows.append({**rows[0], "judgment": "Rating: [[1]]"})  # asked once more: the last one counts
    path = lines(tmp_path / "gpt-4_single.jsonl", rows)
    scores = rescored(path, tmp_path / "good", model="good")
    assert scores[""].value == pytest.approx(5.778125 - (paper()[81, 0] - 1) / 160)
    assert "judge:gpt-4|prompts:single-v1+single-v1-multi-turn|date:2023-11-19|" in scores[""].signature
    assert json.loads((tmp_path / "good" / "facts.json").read_text())["repeated"] == 1
    assert rescored(path, tmp_path / "bad", model="org/bad")[""].value < 4
    with pytest.raises(ConfigError, match="2 models") as error:
        rescored(path, tmp_path / "none", model="else")
    assert "good, bad" in error.value.hint


def test_what_was_not_answered_or_read_is_counted(tmp_path):
    rows = fastchat(paper(), "m")
    rows[0]["judgment"], rows[1]["judgment"] = "$ERROR$", "No rating."
    del rows[2]
    scores = rescored(lines(tmp_path / "j.jsonl", rows), tmp_path / "out")
    assert "unreadable:2/159" in scores[""].signature
    assert (scores[""].n, scores["turn-1"].n) == (80, 77)
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    assert (facts["unreadable"], facts["missing"]) == (2, 1)
    assert facts["bounds"]["lowest"] < scores[""].value < facts["bounds"]["highest"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "", "not JSON"),
        ("a.json", "[]", "no replies"),
        ("a.json", '{"81": 5}', "no list"),
        ("a.json", '[{"question_id": "81", "turn_number": 2, "judge_reply": "x"}]', "reply 1: no verdict"),
        ("a.json", '[{"question_id": "81", "turn_number": 0, "judge_reply": 7}]', "reply 1: no verdict"),
        ("a.json", "[7]", "reply 1: no verdict"),
        ("a.jsonl", "", "no replies"),
        ("a.jsonl", '{"question_id": 81, "turn": 1}\n', "line 1: no verdict"),
        (
            "a.jsonl",
            '{"question_id": 81, "turn": 9, "judgment": "[[7]]", "model": "m"}\n',
            "line 1: no verdict",
        ),
        ("a.jsonl", "{\n", "line 1"),
    ],
)
def test_files_that_hold_no_replies(tmp_path, name, text, said):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        rescored(path, tmp_path / "out")


def run(*words):
    done = CliRunner().invoke(cli, ["evaluate", *map(str, words)])
    return done.exit_code, done.output, done.exception


def test_the_command_rejudges_without_model_or_judge(tmp_path, monkeypatch):
    from langadapt.testing.tiny import silent_model

    monkeypatch.chdir(tmp_path)
    rows = [{"id": one.id, "category": one.category, "turns": one.turns} for one, _ in answers(6)]
    own = lines(tmp_path / "questions.jsonl", rows)
    model = Path(silent_model(tmp_path / "m"))
    output = tmp_path / "out" / model.name / "mt-bench"
    settings = {
        "questions": own,
        "judge_prompts": prompts_file(tmp_path),
        "judge": "judge",
        "max_new_tokens": 4,
    }
    words = ["--language", "de", "--evaluator", "mt-bench", "--output", tmp_path / "out"]
    with JudgeServer() as server:
        changes = [f"--set={key}={value}" for key, value in {**settings, "base_url": server.url}.items()]
        code, told, error = run(model, *words, *changes)
        assert code == 0, (told, error)
        assert "12 calls for 12 verdicts" in told
    scores = json.loads((output / "scores.json").read_text())
    (output / "ratings.jsonl").unlink()
    (output / "scores.json").unlink()
    code, told, error = run(model.name, *words, "--rejudge")
    assert code == 0, (told, error)
    assert json.loads((output / "scores.json").read_text()) == scores
    assert (output / "ratings.jsonl").exists()
    code, told, error = run(model.name, *words, "--rejudge", "--limit", 2)
    assert code == 0, (told, error)
    fewer = json.loads((output / "scores.json").read_text())
    assert (fewer[0]["n"], fewer[0]["signature"].rpartition("|")[2]) == (2, "limit:2")
    assert run(model.name, *words, "--rejudge")[0] == 0
    assert json.loads((output / "scores.json").read_text()) == scores, "the limit stays in no file"
    _, _, error = run("nobody", *words, "--rejudge")
    assert "keeps no verdicts" in str(error)
    path = tmp_path / "judge-replies.json"
    path.write_text(json.dumps(fasteval(paper())), encoding="utf-8")
    code, told, error = run("phoenix", *words, "--from-replies", path)
    assert code == 0, (told, error)
    assert "5.7781" in told
    for name, more, said in (
        (model.name, ["--from-replies", path], "holds verdicts of its own"),
        ("phoenix", ["--from-replies", path, "--rejudge"], "both say which replies"),
        ("phoenix", ["--from-replies", tmp_path / "no.json"], "does not exist"),
        ("phoenix", ["--evaluator", "probes", "--rejudge"], "keeps no judge's replies"),
    ):
        code, _, error = run(name, *words, *more)
        assert code
        assert said in str(error)


def prompts_file(folder):
    """Four prompts in FastEval's form."""
    single, multi = "F: {question} A: {answer}", "{question_1} {answer_1} {question_2} {answer_2}"
    table = {
        "single-v1": {"system_prompt": "", "prompt_template": single},
        "single-math-v1": {"system_prompt": "", "prompt_template": single + " {ref_answer_1}"},
        "single-v1-multi-turn": {"system_prompt": "Urteile.", "prompt_template": multi},
        "single-math-v1-multi-turn": {
            "system_prompt": "",
            "prompt_template": multi + " {ref_answer_1}{ref_answer_2}",
        },
    }
    path = folder / "judge_prompts_de.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


def test_questions_and_prompts_of_the_public_sets(tmp_path):
    path = tmp_path / "questions_de.json"
    table = {
        "81": {"category": "writing", "turns": ["Eins?", "Zwei?"]},
        "111": {"category": "math", "turns": ["1+1?", "2+2?"], "reference": ["2", "4"]},
    }
    path.write_text(json.dumps(table), encoding="utf-8")
    found = read_questions(path)
    assert [(one.id, one.category, one.referenced) for one in found] == [
        ("81", "writing", False),
        ("111", "math", True),
    ]
    ours = read_prompts(prompts_file(tmp_path), PACK)
    rows = [{"name": name, **one} for name, one in json.loads(prompts_file(tmp_path).read_text()).items()]
    rows.append({"name": "pair-v2", "system_prompt": "x", "prompt_template": "y"})
    assert read_prompts(lines(tmp_path / "judge_prompts.jsonl", rows), PACK) == ours
    assert sorted(ours) == ["multi-turn", "multi-turn-reference", "single", "single-reference"]
    assert [category_of(name) for name in ("81", "101", "160", "161", "x", "٨١")] == [
        "writing", "reasoning", "humanities", "other", "other", "other",
    ]  # fmt: skip


def test_length_bias_is_seen_where_it_is():
    def ratings(judge):
        return [
            Rating(id=str(n), category="math", turn=1, value=judge(n), length=100 + n * 37 % 400)
            for n in range(40)
        ]

    assert length_bias(ratings(lambda n: 1 + (n * 37 % 400) / 50))["rho"] == pytest.approx(1)
    assert abs(length_bias(ratings(lambda n: 1 + n % 9))["rho"]) < 0.4
    assert length_bias(ratings(lambda _: 5)) is None
    assert length_bias(ratings(lambda n: n)[:4]) is None


def test_n_counts_questions_and_intervals_hold_the_value():
    ratings = [
        Rating(id=str(n), category="math", turn=turn, value=None if turn == 2 and n % 3 else 3 + n % 5 + turn)
        for n in range(30)
        for turn in (1, 2)
    ]
    for score in scores_of("mt-bench", ratings, metric="rating", signature="s"):
        low, high = score.interval
        assert 1 <= low <= score.value <= high <= 10
        assert score.n == (10 if score.task.endswith("turn-2") else 30)


def test_a_model_here_as_judge(tmp_path):
    from langadapt.interfaces import ModelRef
    from langadapt.testing.tiny import taught_model

    prompts = read_prompts(prompts_file(tmp_path), PACK)
    judge = ModelJudge(who=LocalModel(model=ModelRef("none")), prompts=prompts)
    asked = answers(2)
    chats = [judge._ask(one, texts, turn)["messages"] for one, texts in asked for turn in (0, 1)]
    words = [f"Bewertung: [[{n}]]" for n in (9, 4, 7, 2)]
    folder = Path(taught_model(tmp_path / "judge", list(zip(chats, words, strict=True))))
    who = LocalModel(model=ModelRef(str(folder)), batch_size=3, max_tokens=40)
    judged = ModelJudge(who=who, prompts=prompts).rate(asked, output=tmp_path / "out", progress=Silent())
    assert [item.value for item in judged.ratings] == [9, 4, 7, 2]
    assert judged.facts["judge"]["calls"] == 4
    assert judged.facts["judge"]["tokens_in"] > judged.facts["judge"]["tokens_out"] > 4
    assert f"judge:{folder.name}@" in judged.signature


def test_of_several_judges_in_a_file_of_ours_the_last_one_counts(tmp_path):
    rows = [
        {"id": "a", "turn": turn, "reply": f"[[{rating}]]", "judge": judge, "prompts": "p", "answer": answer}
        for turn in (1, 2)
        for rating, judge, answer in ((9, "first", "x"), (2, "second", "old"), (5, "second", "x"))
    ]
    path = lines(tmp_path / "judgements.jsonl", (*rows, rows[-1]))
    assert {score.value for score in rescored(path, tmp_path / "out").values()} == {5.0}
    lines(path, (*rows, rows[0]))
    assert [score.value for score in rescored(path, tmp_path / "two").values()][:1] == [9.0]

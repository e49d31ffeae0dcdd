"""Pairs through a judge's server: both orders, what is kept, what biases show, and the commands around it."""

import json
from pathlib import Path

import pytest
from judge_server import JudgeServer
from tiny import tiny_model

import langadapt
from langadapt.errors import ComponentError, ConfigError, DataError, LangAdaptError
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.pairwise import Pairwise

TEMPLATE = str(Path(langadapt.__file__).parent / "templates" / "zephyr.jinja")
ASKED = [f"Frage {n} {{x}}?" for n in range(12)]
PROMPTS = """
[pairwise.single]
system = "Urteile."
template = "F: {question}\\nA: {answer_a}\\nB: {answer_b}"
[pairwise.single-reference]
system = "Urteile."
template = "F: {question} M: {reference}\\nA: {answer_a}\\nB: {answer_b}"
[pairwise.multi-turn]
system = "Urteile."
template = "{question_1}{question_2}\\nA: {answer_a_1}{answer_a_2}\\nB: {answer_b_1}{answer_b_2}"
[pairwise.multi-turn-reference]
system = "Urteile."
template = "{question_1}{question_2}{reference_1}{reference_2}\\nA: {answer_a_1}{answer_a_2}\\nB: {answer_b_1}{answer_b_2}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny"), ASKED * 8, positions=160)


@pytest.fixture
def checkpoint(folder):
    return Checkpoint(name="base", model=ModelRef(str(folder)), chat_template=TEMPLATE)


@pytest.fixture
def pack(tmp_path):
    home = tmp_path / "pack"
    home.mkdir()
    (home / "prompts.toml").write_text(PROMPTS, encoding="utf-8")
    return LanguagePack(Language.of("de"), home, {})


def stock(path):
    """AlpacaEval's form: every answer begins with the word that `fair` looks for in every third."""
    rows = [
        {"instruction": text, "output": ("gut " if n % 3 == 0 else "Antwort ") * (n + 1), "generator": "ref"}
        for n, text in enumerate(ASKED)
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


@pytest.fixture
def stored(tmp_path):
    return stock(tmp_path / "ref.json")


def fair(chat):
    """Prefers what says `gut`; else the answer that does not stand there as `Antwort`."""
    a, b = chat.split("\nB: ")[0].split("\nA: ")[1], chat.split("\nB: ")[1]
    good, stock = ("gut" in a, "gut" in b), ("Antwort" in a, "Antwort" in b)
    return f"Also: [[{'A' if good[0] or stock[1] else 'B' if good[1] or stock[0] else 'C'}]]"


def bench(server, **more):
    return Pairwise(
        **{"judge": "judge", "base_url": server.url, "max_new_tokens": 8, "dtype": "float32", **more}
    )


def evaluate(one, checkpoint, pack, output, limit=None):
    found = one.evaluate(checkpoint, pack=pack, output=output, limit=limit, seed=7, progress=Silent())
    return {(score.task, score.metric): score for score in found}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def facts(output):
    return json.loads((output / "facts.json").read_text(encoding="utf-8"))


def test_both_orders_are_asked_and_a_fair_judge_agrees_with_itself(checkpoint, pack, stored, tmp_path):
    with JudgeServer() as server:
        server.said = fair
        scores = evaluate(bench(server, against=stored), checkpoint, pack, tmp_path / "out")
        assert len(server.asked) == 24
        assert len(set(server.texts())) == 24
        assert {one.body["temperature"] for one in server.asked} == {0.0}
    rate = scores["pairwise", "win_rate"]
    assert rate.value == pytest.approx(100 * 8 / 12), "the stored answers are good in every third"
    assert rate.n == 12
    assert rate.interval[0] < rate.value < rate.interval[1]
    assert "against:ref " in rate.signature
    assert "unreadable:0/24" in rate.signature
    assert "judge:judge (judge-0613)" in rate.signature
    assert ("pairwise", "length_controlled_winrate") in scores
    told = facts(tmp_path / "out")
    assert told["bias"]["consistent"]["share"] == 1
    assert told["bias"]["first"]["share"] == 0.5
    assert told["alpaca_eval"]["n_wins"] == 8
    assert told["standard_error"] == pytest.approx(told["alpaca_eval"]["standard_error"]), "one turn each"
    rows = lines(tmp_path / "out" / "pairs.jsonl")
    assert len([row for row in rows if row["metric"] == "win_rate"]) == 12
    assert {row.get("order") for row in rows} == {None, 1, 2}


def test_a_judge_who_likes_the_first_gives_ties(checkpoint, pack, stored, tmp_path):
    with JudgeServer() as server:
        server.said = lambda _: "[[A]]"
        rate = evaluate(bench(server, against=stored), checkpoint, pack, tmp_path)["pairwise", "win_rate"]
    bias = facts(tmp_path)["bias"]
    assert rate.value == 50
    assert (bias["first"]["share"], bias["consistent"]["share"]) == (1.0, 0.0)
    assert bias["consistent"]["interval"][1] < 0.5
    assert any("100.0%" in line for line in facts(tmp_path)["notes"])


def test_a_judge_who_likes_the_longer_shows(checkpoint, pack, stored, tmp_path):
    with JudgeServer() as server:
        server.said = lambda chat: (
            "[[A]]"
            if len(chat.split("\nB: ")[0].split("\nA: ")[1]) > len(chat.split("\nB: ")[1])
            else "[[B]]"
        )
        evaluate(bench(server, against=stored), checkpoint, pack, tmp_path)
    bias = facts(tmp_path)["bias"]
    assert bias["longer"]["share"] == 1
    assert bias["length_rho"]["rho"] > 0


def test_what_cannot_be_read_is_counted_and_asked_once(checkpoint, pack, stored, tmp_path):
    with JudgeServer() as server:
        server.said = lambda chat: "Hm." if "Frage 4" in chat and "gut" not in chat else "[[B]]"
        rate = evaluate(bench(server, against=stored), checkpoint, pack, tmp_path)["pairwise", "win_rate"]
        assert "unreadable:2/24" in rate.signature
        assert rate.n == 11
        assert facts(tmp_path)["bounds"] == {
            "lowest": pytest.approx(100 * 5.5 / 12),
            "highest": pytest.approx(100 * 6.5 / 12),
        }
        values = [row["value"] for row in lines(tmp_path / "pairs.jsonl") if row["metric"] == "win_rate"]
        assert values.count(None) == 1
        asked = len(server.asked)
        evaluate(bench(server, against=stored), checkpoint, pack, tmp_path)
        assert len(server.asked) == asked
        server.said = lambda _: "Hm."
        with pytest.raises(ComponentError, match="none of 24 verdicts"):
            evaluate(bench(server, against=stored), checkpoint, pack, tmp_path / "other")


def test_a_server_that_stops_loses_nothing_that_came(checkpoint, pack, stored, tmp_path):
    with JudgeServer(fault=lambda number, _: (401, "no") if number > 9 else None) as server:
        server.said = fair
        one = bench(server, against=stored, concurrency=1)
        with pytest.raises(ComponentError):
            evaluate(one, checkpoint, pack, tmp_path)
        assert len(lines(tmp_path / "judgements.jsonl")) == 9
        server.fault = None
        evaluate(one, checkpoint, pack, tmp_path)
        assert max(server.counts().values()) <= 2
        assert len(server.asked) == 25


def test_another_model_two_turns_and_the_same_words(checkpoint, folder, pack, tmp_path):
    """The checkpoint against itself: every pair is of one wording, and no judge is asked."""
    asked = tmp_path / "q.jsonl"
    rows = [
        {"id": f"q{n}", "category": "math", "turns": [f"Frage {n}?", "Und?"], "reference": ["a", "b"]}
        for n in range(3)
    ]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with JudgeServer() as server:
        one = bench(
            server, questions=asked, against_model=ModelRef(str(folder)), against_template=Path(TEMPLATE)
        )
        scores = evaluate(one, checkpoint, pack, tmp_path / "same")
        assert not server.asked
        assert scores["pairwise", "win_rate"].value == 50
        assert "judge:none was needed" in scores["pairwise", "win_rate"].signature
        server.said = fair
        one = bench(server, questions=asked)
        scores = evaluate(one, checkpoint, pack, tmp_path / "references")
        assert len(server.asked) == 12
        assert "against:references" in scores["pairwise", "win_rate"].signature
        assert {task for task, _ in scores} >= {"pairwise/turn-1", "pairwise/turn-2", "pairwise/math"}
        assert scores["pairwise", "win_rate"].n == 3
        assert "M: a" in "".join(one.text for one in server.asked)


def test_settings_that_cannot_be(checkpoint, pack, stored, tmp_path):
    with pytest.raises(ConfigError, match="both name the other side"):
        Pairwise(against=stored, against_model=ModelRef("x"))
    with pytest.raises(ConfigError, match="has no judge"):
        evaluate(Pairwise(against=stored), checkpoint, pack, tmp_path)
    with JudgeServer() as server:
        with pytest.raises(ConfigError, match=r"no mt_bench\.jsonl"):
            evaluate(bench(server), checkpoint, pack, tmp_path)
        some = tmp_path / "some.json"
        some.write_text(json.dumps(json.loads(stored.read_text())[:5]), encoding="utf-8")
        with pytest.raises(DataError, match="does not answer 7 of 12"):
            evaluate(bench(server, questions=stored, against=some), checkpoint, pack, tmp_path)
        assert not server.asked
    assert not (tmp_path / "answers.jsonl").exists(), "mistakes are told before hours of answering"


def test_models_and_files_that_are_not_there_are_told_before_answering(checkpoint, pack, stored, tmp_path):
    none = tmp_path / "none"
    with JudgeServer() as server:
        for more in (
            {"against": stored, "judge": "", "base_url": None, "judge_model": ModelRef(str(none))},
            {"questions": stored, "against_model": ModelRef(str(none))},
            {"questions": none, "against": stored},
        ):
            with pytest.raises(LangAdaptError, match="none"):
                evaluate(bench(server, **more), checkpoint, pack, tmp_path / "out")
            assert not (tmp_path / "out" / "answers.jsonl").exists()
        some = tmp_path / "some.json"
        some.write_text(json.dumps(json.loads(stored.read_text())[:3]), encoding="utf-8")
        server.said = fair
        found = evaluate(bench(server, questions=stored, against=some), checkpoint, pack, tmp_path, limit=3)
        assert found["pairwise", "win_rate"].n == 3, "no more answers are needed than are asked for"


def rejudged(output, pack, limit=None):
    found = Pairwise().rescored(None, model="x", pack=pack, output=output, limit=limit, progress=Silent())
    return {(score.task, score.metric): score for score in found}


def test_counted_again(checkpoint, folder, pack, stored, tmp_path):
    """With fewer questions, with verdicts by another reference before, and where all pairs are of one wording."""
    with JudgeServer() as server:
        server.said = fair
        for reference in ("eins", "zwei"):
            rows = [{"instruction": text, "category": "math", "reference": reference} for text in ASKED]
            asked = tmp_path / "asked.json"
            asked.write_text(json.dumps(rows), encoding="utf-8")
            scores = evaluate(
                bench(server, questions=asked, against=stored), checkpoint, pack, tmp_path / "a"
            )
        assert len(lines(tmp_path / "a" / "judgements.jsonl")) == 48
        assert rejudged(tmp_path / "a", pack, limit=4)["pairwise", "win_rate"].signature.endswith("|limit:4")
        assert rejudged(tmp_path / "a", pack) == scores
        assert not any("missing" in note for note in facts(tmp_path / "a")["notes"])
        one = bench(
            server, questions=stored, against_model=ModelRef(str(folder)), against_template=Path(TEMPLATE)
        )
        assert evaluate(one, checkpoint, pack, tmp_path / "b") == rejudged(tmp_path / "b", pack)
    with pytest.raises(ConfigError, match="no pairs of answers"):
        rejudged(tmp_path / "none", pack)


def test_english_prompts_where_a_pack_has_none(checkpoint, stored, tmp_path):
    with JudgeServer() as server:
        server.said = lambda _: "[[C]]"
        evaluate(bench(server, against=stored), checkpoint, LanguagePack.bare("sw"), tmp_path, limit=1)
        assert "good, natural Swahili" in server.asked[0].text
        assert "{" not in server.asked[0].text.replace("{x}", "")

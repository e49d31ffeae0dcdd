import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from judge_server import JudgeServer
from tiny import tiny_model

import langadapt
from langadapt.errors import ComponentError, ConfigError, DataError
from langadapt.interfaces import Checkpoint, ModelRef, Score
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators import answers as answers_module
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.generation import ChatModel

TEMPLATE = str(Path(langadapt.__file__).parent / "templates" / "zephyr.jinja")
QUESTIONS = [
    {
        "id": f"{kind}-{n}",
        "category": kind,
        "turns": [f"Frage {n} {{x}}?", "Kürzer?"],
        "reference": ["Ja so.", "Ja."],
    }
    for kind in ("writing", "math", "stem")
    for n in (1, 2)
]
QUESTIONS[4].pop("reference")
TEMPLATES = {
    "single": "F: {question} A: {answer}",
    "single-reference": "F: {question} M: {reference} A: {answer}",
    "multi-turn": "{question_1} {answer_1} {question_2} {answer_2}",
    "multi-turn-reference": "{question_1} {reference_1} {answer_1} {question_2} {reference_2} {answer_2}",
}
PROMPTS = "".join(
    f'[judge.{name}]\nsystem = "{name}"\ntemplate = "{text}"\n' for name, text in TEMPLATES.items()
)
SHORT = MtBench(max_new_tokens=12, dtype="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [turn for question in QUESTIONS for turn in question["turns"]] * 5
    return tiny_model(tmp_path_factory.mktemp("tiny"), texts, positions=160)


@pytest.fixture
def pack(tmp_path: Path) -> LanguagePack:
    home = tmp_path / "pack"
    home.mkdir()
    (home / "prompts.toml").write_text(PROMPTS, encoding="utf-8")
    (home / "mt_bench.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in QUESTIONS), encoding="utf-8"
    )
    return LanguagePack(Language.of("de"), home, {})


@pytest.fixture
def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(name="base", model=ModelRef(str(folder)), chat_template=TEMPLATE)


@pytest.fixture
def judge() -> Iterator[JudgeServer]:
    """Answers 429 first, then 8 for single turns, 5 for second ones, and once nothing that can be read."""
    with JudgeServer() as server:
        server.busy, server.silent = {1}, "Frage 2 {x}? M: "
        server.fault = lambda number, _: (429, {"retry-after": "0.01"}) if number in server.busy else None

        def said(chat: str) -> str:
            if server.silent in chat:
                return "Das kann ich nicht sagen."
            return "Wie [1] zeigt, gut.\n" + ("Bewertung: [[8]]" if chat.startswith("F: ") else "**[[5]]**")

        server.said = said
        yield server


def evaluate(
    bench: MtBench, checkpoint: Checkpoint, pack: LanguagePack, output: Path, limit: int | None = None
) -> dict[str, Score]:
    scores = bench.evaluate(checkpoint, pack=pack, output=output, limit=limit, seed=7, progress=Silent())
    return {score.task: score for score in scores}


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judged(judge: JudgeServer, **more: object) -> MtBench:
    return replace(SHORT, judge="judge", base_url=judge.url, **more)


def test_without_a_judge_chrf_to_the_references(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    import sacrebleu

    scores = evaluate(SHORT, checkpoint, pack, tmp_path / "out")
    found = rows(tmp_path / "out" / "answers.jsonl")
    chrf = sacrebleu.CHRF().sentence_score
    pairs = [
        (row["answers"], question["reference"])
        for row, question in zip(found, QUESTIONS, strict=True)
        if "reference" in question
    ]
    by_turn = [
        [chrf(answers[turn], [reference[turn]]).score for answers, reference in pairs] for turn in (0, 1)
    ]
    parts = ("turn-1", "turn-2", "writing", "math", "stem")
    assert list(scores) == ["mt-bench", *(f"mt-bench/{part}" for part in parts)]
    assert scores["mt-bench/turn-1"].value == pytest.approx(fmean(by_turn[0]))
    assert scores["mt-bench"].value == pytest.approx((fmean(by_turn[0]) + fmean(by_turn[1])) / 2)
    assert scores["mt-bench"].n == 5
    assert {score.metric for score in scores.values()} == {"chrF-to-reference"}
    assert "no MT-Bench score" in scores["mt-bench"].signature
    assert "nc:6" in scores["mt-bench"].signature


def test_the_second_prompt_holds_the_model_s_own_first_answer(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    evaluate(SHORT, checkpoint, pack, tmp_path)
    row = rows(tmp_path / "answers.jsonl")[2]
    model = ChatModel.load(checkpoint, "float32")
    talk = [{"role": "user", "content": row["turns"][0]}]
    assert model.reply(talk, max_new_tokens=12) == row["answers"][0]
    talk.append({"role": "assistant", "content": row["answers"][0]})
    talk.append({"role": "user", "content": row["turns"][1]})
    assert model.reply(talk, max_new_tokens=12) == row["answers"][1]
    model.close()


@pytest.mark.slow
def test_batches_and_repetitions_do_not_change_the_text(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    found = []
    for number, size in enumerate((1, 4, 4)):
        evaluate(replace(SHORT, batch_size=size), checkpoint, pack, tmp_path / str(number))
        found.append([row["answers"] for row in rows(tmp_path / str(number) / "answers.jsonl")])
    assert found[0] == found[1] == found[2]
    assert len({answer for pair in found[0] for answer in pair}) > 6


def test_a_killed_run_goes_on(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = replace(SHORT, batch_size=2)
    evaluate(bench, checkpoint, pack, tmp_path / "whole")
    path = tmp_path / "out" / "answers.jsonl"
    path.parent.mkdir()
    lines = (tmp_path / "whole" / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:2]) + "\n" + lines[2][:40], encoding="utf-8")
    asked = []
    ask = ChatModel.replies
    monkeypatch.setattr(
        ChatModel,
        "replies",
        lambda self, prompts, **how: asked.append(len(prompts)) or ask(self, prompts, **how),
    )
    evaluate(bench, checkpoint, pack, path.parent)
    assert asked == [2, 2, 2, 2]
    assert path.read_text(encoding="utf-8").splitlines() == lines
    monkeypatch.setattr(answers_module.ChatModel, "load", lambda *_: pytest.fail("nothing is left to answer"))
    evaluate(bench, checkpoint, pack, path.parent)


def test_other_settings_do_not_take_old_answers(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    evaluate(SHORT, checkpoint, pack, tmp_path, limit=2)
    before = rows(tmp_path / "answers.jsonl")
    evaluate(replace(SHORT, max_new_tokens=3), checkpoint, pack, tmp_path, limit=2)
    after = rows(tmp_path / "answers.jsonl")
    assert len({row["hash"] for row in [*before, *after]}) == 4


def test_a_judge_rates_and_what_cannot_be_read_is_counted(
    checkpoint: Checkpoint,
    pack: LanguagePack,
    judge: JudgeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-secret")
    bench = judged(judge, concurrency=3, api_key_env="JUDGE_KEY")
    scores = evaluate(bench, checkpoint, pack, tmp_path)
    assert len(judge.asked) == 13
    assert {one.headers["authorization"] for one in judge.asked} == {"Bearer sk-secret"}
    assert scores["mt-bench/turn-1"].value == 8
    assert scores["mt-bench/turn-1"].n == 5
    assert scores["mt-bench/turn-2"].value == 5
    assert scores["mt-bench"].value == 6.5
    assert scores["mt-bench/math"].value == pytest.approx((8 + 5 + 5) / 3)
    assert scores["mt-bench"].metric == "rating"
    assert scores["mt-bench"].n == 6
    assert "judge:judge (judge-0613)|" in scores["mt-bench"].signature
    assert "unreadable:1/12" in scores["mt-bench"].signature
    told = rows(tmp_path / "judgements.jsonl")
    assert len(told) == 12
    assert Counter(row["prompt"] for row in told) == {
        "single": 4, "multi-turn": 4, "single-reference": 2, "multi-turn-reference": 2,
    }  # fmt: skip
    assert [row["id"] for row in rows(tmp_path / "ratings.jsonl") if row["value"] is None] == ["math-2"]
    assert {(row["judge"], row["answered_by"], row["date"][:2]) for row in told} == {
        ("judge", "judge-0613", "20")
    }
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert facts["unreadable"] == 1
    assert facts["judge"]["calls"] == 13
    assert facts["judge"]["tokens_in"] == 12 * 11
    assert facts["bounds"] == pytest.approx({"lowest": (41 / 6 + 5) / 2, "highest": (50 / 6 + 5) / 2})
    assert "sk-secret" not in "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.json*"))
    evaluate(judged(judge), checkpoint, pack, tmp_path)
    assert len(judge.asked) == 13


def test_prompts_are_filled_with_braces_in_answers(
    checkpoint: Checkpoint, pack: LanguagePack, judge: JudgeServer, tmp_path: Path
) -> None:
    evaluate(judged(judge), checkpoint, pack, tmp_path, limit=1)
    answers = rows(tmp_path / "answers.jsonl")[0]["answers"]
    users = {one.body["messages"][1]["content"] for one in judge.asked}
    assert users == {
        f"F: Frage 1 {{x}}? A: {answers[0]}".strip(),
        f"Frage 1 {{x}}? {answers[0]} Kürzer? {answers[1]}".strip(),
    }


def test_a_judge_that_never_answers(
    checkpoint: Checkpoint, pack: LanguagePack, judge: JudgeServer, tmp_path: Path
) -> None:
    judge.busy = range(4, 10_000)
    with pytest.raises(ComponentError, match="429, not now") as error:
        evaluate(judged(judge, concurrency=1, retries=1), checkpoint, pack, tmp_path)
    assert "are kept" in error.value.hint
    assert len(rows(tmp_path / "judgements.jsonl")) == 3


def test_a_judge_without_a_readable_verdict(
    checkpoint: Checkpoint, pack: LanguagePack, judge: JudgeServer, tmp_path: Path
) -> None:
    judge.silent = ""
    with pytest.raises(ComponentError, match="none of 4 verdicts"):
        evaluate(judged(judge), checkpoint, pack, tmp_path, limit=2)


def test_mistakes_say_what_to_do(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(
        ChatModel, "replies", lambda *_, **__: pytest.fail("mistakes are told before answering")
    )
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds no key"):
        evaluate(replace(SHORT, judge="gpt-4"), checkpoint, pack, tmp_path, limit=1)
    with pytest.raises(ConfigError, match="no chat template") as error:
        evaluate(SHORT, replace(checkpoint, chat_template=None), pack, tmp_path / "other")
    assert "chat_template" in error.value.hint
    with pytest.raises(ConfigError, match=r"no mt_bench\.jsonl"):
        evaluate(SHORT, checkpoint, LanguagePack.bare("de"), tmp_path)
    (pack.folder / "prompts.toml").unlink()
    bare = LanguagePack(pack.language, pack.folder)
    with pytest.raises(ConfigError, match="no judge prompts"):
        evaluate(replace(SHORT, judge="j", base_url="http://127.0.0.1:1"), checkpoint, bare, tmp_path)
    own = tmp_path / "own.jsonl"
    own.write_text('{"id": 81, "category": "math", "turns": ["one", "two"]}', encoding="utf-8")
    with pytest.raises(ConfigError, match="neither a judge nor references"):
        evaluate(replace(SHORT, questions=own), checkpoint, pack, tmp_path)
    own.write_text('{"question_id": 81, "category": "math", "turns": ["one"]}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"own\.jsonl, line 1"):
        evaluate(replace(SHORT, questions=own), checkpoint, pack, tmp_path)

"""What judges' servers refuse, two processes in one folder, and references in files of their own."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from judge_server import PROMPTS, JudgeServer, answers, expected

from langadapt.errors import ConfigError, DataError, MachineError
from langadapt.progress import Silent
from langadapt_plugins.evaluators.answers import alone
from langadapt_plugins.evaluators.asking import Endpoint
from langadapt_plugins.evaluators.judges import VERDICTS, ModelJudge
from langadapt_plugins.evaluators.questions import read_questions
from langadapt_plugins.evaluators.references import with_references

NO_HEAT = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
NO_LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


class Said(Silent):
    """Keeps what was said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def rated(server, output, count, progress=None, **more):
    who = Endpoint(model="judge", url=server.url, in_flight=4, timeout=20.0, **more)
    return ModelJudge(who=who, prompts=PROMPTS).rate(
        answers(count), output=output, progress=progress or Silent()
    )


def values(judged):
    return {(item.id, item.turn): item.value for item in judged.ratings}


def test_a_judge_that_takes_no_temperature(tmp_path):
    said = Said()

    def fault(_, asked):
        if "max_tokens" in asked.body:
            return 400, NO_LIMIT
        return (400, NO_HEAT) if "temperature" in asked.body else None

    with JudgeServer(fault=fault) as server:
        judged = rated(server, tmp_path, 10, said)
        assert values(judged) == expected(10)
        assert "|temperature:its own|" in judged.signature
        assert sum("takes no temperature 0" in line for line in said.lines) == 1
        good = [one for one in server.asked if not ({"temperature", "max_tokens"} & set(one.body))]
        assert len(good) == 20
        assert {one.body["max_completion_tokens"] for one in good} == {2048}
        assert len(server.asked) <= 20 + 4 * 2 * 2 + 8, (
            "only what was in flight is refused, with and without a system message"
        )
        assert all(one.body["messages"][0]["role"] == "system" for one in good)
        assert "|temperature:its own|" in rated(server, tmp_path, 10).signature, "it is kept"


def test_a_refusal_for_other_reasons_changes_no_temperature(tmp_path):
    def fault(_, asked):
        return (400, "blocked: the text is about the temperature of water") if "q3" in asked.text else None

    with JudgeServer(fault=fault) as server:
        judged = rated(server, tmp_path, 6)
        assert judged.facts["unreadable"] == 2
        assert all(one.body.get("temperature") == 0.0 for one in server.asked)
        assert "temperature" not in judged.signature


def test_a_server_that_refuses_whatever_is_left_out_ends(tmp_path):
    def fault(_, asked):
        return (400, NO_HEAT) if "q1" in asked.text else None

    with JudgeServer(fault=fault) as server:
        judged = rated(server, tmp_path, 4)
        assert judged.facts["unreadable"] == 2
        assert max(server.counts().values()) <= 4


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from judge_server import PROMPTS, answers
from langadapt.errors import MachineError
from langadapt.progress import Silent
from langadapt_plugins.evaluators.asking import Endpoint
from langadapt_plugins.evaluators.judges import ModelJudge
try:
    who = Endpoint(model="judge", url=sys.argv[1], in_flight=2)
    ModelJudge(who=who, prompts=PROMPTS).rate(answers(20), output=Path(sys.argv[2]), progress=Silent())
except MachineError as error:
    print(error, error.hint)
    raise SystemExit(5)
"""


def test_two_processes_in_one_folder_lose_nothing(tmp_path):
    words, ended = [sys.executable, "-c", SCRIPT], threading.Event()
    with JudgeServer(fault=lambda number, _: "hold" if number > 3 and not ended.is_set() else None) as server:
        more = [server.url, str(tmp_path), str(Path(__file__).parent)]
        first = subprocess.Popen([*words, *more])
        until = time.monotonic() + 60
        while len(server.asked) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        second = subprocess.run([*words, *more], capture_output=True, text=True, check=False)
        ended.set()
        assert first.wait() == 0
        assert second.returncode == 5, second.stderr
        assert "another process writes to" in second.stdout
        assert len(server.asked) == 40
        rows = [json.loads(line) for line in (tmp_path / VERDICTS).read_text().split("\n") if line]
        assert len({row["hash"] for row in rows}) == 40
        assert subprocess.run([*words, *more], check=False).returncode == 0
        assert len(server.asked) == 40


def test_a_lock_goes_with_its_holder(tmp_path):
    with (
        alone(tmp_path / "x.jsonl"),
        pytest.raises(MachineError, match="another process"),
        alone(tmp_path / "x.jsonl"),
    ):
        pass
    with alone(tmp_path / "x.jsonl"), alone(tmp_path / "other" / "x.jsonl"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["other"], "a lock leaves no file"


def written(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def answer(name, *turns):
    return {"question_id": name, "model_id": "gpt-4", "choices": [{"index": 0, "turns": list(turns)}]}


def test_fastchat_s_references(tmp_path):
    rows = [
        {"question_id": 111, "category": "math", "turns": ["1+1?", "2+2?"]},
        {"question_id": 81, "category": "writing", "turns": ["a", "b"], "reference": ["own", "own"]},
    ]
    path = written(tmp_path / "question.jsonl", rows)
    assert [one.reference for one in with_references(read_questions(path), path, None)] == [
        (),
        ("own", "own"),
    ]
    beside = written(tmp_path / "reference_answer" / "gpt-4.jsonl", [answer(111, "2", "4")])
    found = with_references(read_questions(path), path, None)
    assert [one.reference for one in found] == [("2", "4"), ("own", "own")]
    assert [one.referenced for one in found] == [True, False]
    other = written(tmp_path / "other.jsonl", [answer(81, "x", "y")])
    assert [one.reference for one in with_references(read_questions(path), path, other)] == [(), ("x", "y")]
    written(tmp_path / "reference_answer" / "gpt-5.jsonl", [answer(111, "3", "5")])
    with pytest.raises(ConfigError, match="gpt-4, gpt-5"):
        with_references(read_questions(path), path, None)
    assert with_references(read_questions(path), path, beside)[0].reference == ("2", "4")
    with pytest.raises(ConfigError, match="answers none"):
        with_references(read_questions(path), path, written(tmp_path / "n.jsonl", [answer(7, "a", "b")]))
    with pytest.raises(DataError, match="another number of turns"):
        with_references(read_questions(path), path, written(tmp_path / "n.jsonl", [answer(111, "a")]))
    for row in (
        {},
        [],
        {"question_id": 5},
        {"question_id": 5, "choices": []},
        {"question_id": 5, "choices": [{"turns": [7]}]},
    ):
        with pytest.raises(DataError, match="line 1"):
            with_references(read_questions(path), path, written(tmp_path / "n.jsonl", [row]))

"""Verdicts asked for over HTTP: every fault of a server, a kill in the middle, what is kept and what is asked again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from judge_server import PROMPTS, JudgeServer, answers, expected

from langadapt.errors import ComponentError, ConfigError
from langadapt.progress import Silent
from langadapt_plugins.evaluators.asking import Endpoint
from langadapt_plugins.evaluators.judges import VERDICTS, ModelJudge
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.translators import servers

IN_FLIGHT = 4


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(servers, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(servers, "_LONGEST_WAIT_S", 0.05)


def judge_at(server, **more):
    settings = {"in_flight": IN_FLIGHT, "timeout": 5.0, **more}
    return ModelJudge(who=Endpoint(model="judge", url=server.url, **settings), prompts=PROMPTS)


def rated(server, output, count, **more):
    return judge_at(server, **more).rate(answers(count), output=output, progress=Silent())


def values(judged):
    return {(item.id, item.turn): item.value for item in judged.ratings}


def rows(folder):
    return [json.loads(line) for line in (folder / VERDICTS).read_text(encoding="utf-8").split("\n") if line]


def test_verdicts_their_cost_and_who_gave_them(tmp_path):
    with JudgeServer(slow=0.05) as server:
        year = time.strftime("|date:%Y-", time.gmtime())
        judged = rated(server, tmp_path, 10)
        assert values(judged) == expected(10)
        assert judged.facts["judge"] == {
            "name": "judge (judge-0613)", "verdicts": 20, "calls": 20, "tokens_in": 220, "tokens_out": 140,
        }  # fmt: skip
        assert judged.signature.startswith("judge:judge (judge-0613)|prompts:")
        years = year, time.strftime("|date:%Y-", time.gmtime())
        assert any(one in judged.signature for one in years)
        assert judged.signature.endswith("|unreadable:0/20")
        assert 1 < server.most <= IN_FLIGHT
        assert {(one.body["temperature"], one.body["max_tokens"]) for one in server.asked} == {(0.0, 2048)}
        assert values(rated(server, tmp_path, 10)) == expected(10)
        assert len(server.asked) == 20, "kept verdicts are asked for again"


@pytest.mark.parametrize(
    "fault",
    [
        lambda number, _: (429, {"retry-after": "0.02"}) if number % 3 else None,
        # Four at once, then at worst one after each pause: as many pauses as `retries` allows.
        lambda number, _: (429, {}) if number <= 15 else None,
        lambda number, _: (503, {}) if number % 2 else None,
        lambda number, _: 500 * (number % 3 == 1) and (500, "lost"),
        lambda number, _: "drop" if number % 3 == 1 else None,
        lambda number, _: "drop-half" if number % 3 == 1 else None,
        lambda number, _: "truncated" if number % 3 == 1 else None,
        lambda number, _: dict(enumerate(("html", "no-choices", "error-200", "object"))).get(number % 9),
        lambda number, _: "hang" if number in (2, 7) else None,
    ],
    ids=["429s", "429-storm", "503s", "500s", "drops", "halves", "truncated", "nonsense", "time-outs"],
)
def test_faults_of_a_server_cost_no_verdict(tmp_path, fault):
    with JudgeServer(fault=lambda number, asked: fault(number, asked) or None) as server:
        judged = rated(server, tmp_path, 12, timeout=0.5)
        assert values(judged) == expected(12)
        assert len(rows(tmp_path)) == 24
        assert len({row["hash"] for row in rows(tmp_path)}) == 24
        assert sum(row["calls"] for row in rows(tmp_path)) == len(server.asked)


def test_what_a_server_will_not_take_is_asked_once_and_counted_as_unread(tmp_path):
    def fault(_, asked):
        return (400, "blocked by the filter") if "q3" in asked.text else None

    with JudgeServer(fault=fault) as server:
        judged = rated(server, tmp_path, 8)
        unread = {key for key, value in values(judged).items() if value is None}
        assert unread == {("q3", 1), ("q3", 2)}
        # A chat with a system message is tried once more with that said by the user.
        assert max(server.counts().values()) <= 2
        assert judged.facts["unreadable"] == 2
        assert "unreadable:2/16" in judged.signature
        before = len(server.asked)
        server.fault = None
        assert values(rated(server, tmp_path, 8)) == expected(8)
        assert len(server.asked) == before + 2, "only what was refused is asked again"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_client_s_fault_is_not_tried_again(tmp_path, status):
    with JudgeServer(fault=lambda *_: (status, "no")) as server:
        with pytest.raises(ComponentError, match=str(status)) as error:
            rated(server, tmp_path, 6)
        assert "kept" in error.value.hint
        assert max(server.counts().values()) <= 1 + (status == 400) * 2
        assert not rows(tmp_path)


def test_a_server_that_stops_answering_loses_nothing_that_came(tmp_path):
    with JudgeServer(fault=lambda number, _: (503, {}) if number > 9 else None) as server:
        with pytest.raises(ComponentError, match="did not come: server: 503, not now") as error:
            rated(server, tmp_path, 10, retries=1)
        assert "are kept" in error.value.hint
        assert len(rows(tmp_path)) == 9
        done = {row["hash"] for row in rows(tmp_path)}
        server.fault = None
        before = len(server.asked)
        assert values(rated(server, tmp_path, 10)) == expected(10)
        assert len(server.asked) == before + 11
        assert done < {row["hash"] for row in rows(tmp_path)}


def test_nobody_there(tmp_path):
    who = Endpoint(model="judge", url="http://127.0.0.1:9/v1", retries=1)
    with pytest.raises(ComponentError, match="the judge judge: no server answers"):
        ModelJudge(who=who, prompts=PROMPTS).rate(answers(2), output=tmp_path, progress=Silent())


def test_another_judge_and_other_prompts_cost_no_kept_verdict(tmp_path):
    with JudgeServer() as server:
        rated(server, tmp_path, 5)
        other = Endpoint(model="other", url=server.url)
        ModelJudge(who=other, prompts=PROMPTS).rate(answers(5), output=tmp_path, progress=Silent())
        assert len(rows(tmp_path)) == 20
        again = rated(server, tmp_path, 5)
        assert values(again) == expected(5)
        assert len(server.asked) == 20
        assert [row["judge"] for row in rows(tmp_path)[-10:]] == ["judge"] * 10, "the last run's stand last"


def test_a_line_that_was_cut_and_strange_line_ends_in_replies(tmp_path):
    with JudgeServer() as server:
        server.said = lambda chat: f"Eins\u2028zwei\x85drei\x0bvier. Bewertung: [[{len(chat) % 9 + 1}]]"
        first = rated(server, tmp_path, 6)
        path = tmp_path / VERDICTS
        raw = path.read_bytes()
        path.write_bytes(raw[: raw.rindex(b"{") + 25])
        assert values(rated(server, tmp_path, 6)) == values(first)
        assert len(server.asked) == 13, "more than the broken line is asked for again"


def test_two_questions_with_the_same_words_have_a_verdict_each(tmp_path):
    (one, texts), (other, _) = answers(2)
    twin = type(one)(id=other.id, category=one.category, turns=one.turns)
    with JudgeServer() as server:
        judged = judge_at(server).rate([(one, texts), (twin, texts)], output=tmp_path, progress=Silent())
        assert len(judged.ratings) == 4
        assert {row["id"] for row in rows(tmp_path)} == {one.id, twin.id}


def test_empty_and_unreadable_replies_are_kept_and_counted(tmp_path):
    with JudgeServer() as server:
        server.said = lambda chat: "" if "q1" in chat else "Kein Urteil." if "q2" in chat else "[[7]]"
        judged = rated(server, tmp_path, 6)
        unread = sorted(key for key, value in values(judged).items() if value is None)
        assert unread == [("q1", 1), ("q1", 2), ("q2", 1), ("q2", 2)]
        before = len(server.asked)
        rated(server, tmp_path, 6)
        assert len(server.asked) == before
        server.said = lambda chat: "Nichts."
        with pytest.raises(ComponentError, match="none of 12 verdicts"):
            rated(server, tmp_path / "other", 6)


def test_the_key_goes_to_whom_it_is_for_and_into_no_file(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-own")
    monkeypatch.setenv("JUDGE_KEY", "sk-judge-own")
    with JudgeServer() as server:
        server.said = lambda chat: f"{server.asked[-1].headers.get('authorization')} [[8]]"
        rated(server, tmp_path / "a", 2)
        assert {one.headers.get("authorization") for one in server.asked} == {None}
        rated(server, tmp_path / "b", 2, key_from="JUDGE_KEY")
        assert server.asked[-1].headers["authorization"] == "Bearer sk-judge-own"
        server.fault = lambda *_: (401, "Incorrect API key sk-judge-own")
        with pytest.raises(ComponentError) as error:
            rated(server, tmp_path / "c", 2, key_from="JUDGE_KEY")
    told = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json*"))
    told += str(error.value) + error.value.hint + "".join(capfd.readouterr())
    assert "sk-" not in told
    assert "$JUDGE_KEY" in error.value.hint


def test_settings_that_cannot_be(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"\$OPENAI_API_KEY holds no key"):
        Endpoint(model="gpt").check()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a\u00e4")
    with pytest.raises(ConfigError, match=r"\$OPENAI_API_KEY holds no key"):
        Endpoint(model="gpt").check()
    with pytest.raises(ConfigError, match="user, a password") as error:
        MtBench(judge="j", base_url="http://me:sk-own@127.0.0.1/v1")
    assert "sk-own" not in str(error.value)
    with pytest.raises(ConfigError, match="`concurrency` is 0"):
        MtBench(concurrency=0)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from judge_server import PROMPTS, answers
from langadapt.progress import Silent
from langadapt_plugins.evaluators.asking import Endpoint
from langadapt_plugins.evaluators.judges import ModelJudge
who = Endpoint(model="judge", url=sys.argv[1], in_flight=4)
ModelJudge(who=who, prompts=PROMPTS).rate(answers(40), output=Path(sys.argv[2]), progress=Silent())
"""


def test_killed_in_the_middle_it_asks_again_only_for_what_was_in_flight(tmp_path):
    """SIGKILL, three times; storms of 429 and broken answers go on meanwhile."""
    wrong = {5: (429, {}), 11: "truncated", 17: "drop-half", 23: (500, "lost")}
    with JudgeServer(fault=lambda number, _: wrong.get(number % 29), slow=0.03) as server:
        given = 0
        for kill_at in (15, 40, 60):
            running = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, server.url, tmp_path, Path(__file__).parent]
            )
            until = time.monotonic() + 60
            while len(server.asked) < kill_at and time.monotonic() < until:
                time.sleep(0.002)
            os.kill(running.pid, signal.SIGKILL)
            assert running.wait() == -signal.SIGKILL, "it had ended before it was killed"
            kept = rows_unbroken(tmp_path)
            assert kept > given or kill_at == 15
            given = kept
        subprocess.run(
            [sys.executable, "-c", SCRIPT, server.url, tmp_path, Path(__file__).parent], check=True
        )
        found = rows(tmp_path)
        assert len(found) == len({row["hash"] for row in found}) == 80
        again = {text: count for text, count in server.counts().items() if count > 1}
        faults = sum(1 for number in range(1, len(server.asked) + 1) if number % 29 in wrong)
        assert sum(count - 1 for count in again.values()) <= 3 * IN_FLIGHT + faults
        assert values(rated(server, tmp_path, 40)) == expected(40)


def rows_unbroken(folder):
    return (folder / VERDICTS).read_bytes().count(b"\n")

"""`openai` against servers that do wrong: no text is lost, none is wrong, each ends in a clear state."""

import socket
import time
from contextlib import ExitStack
from itertools import pairwise
from random import Random

import pytest
from faulty_server import DE, EN, FaultyServer, made, segments, sentences, translated, translation, whole

from langadapt.errors import ComponentError
from langadapt_plugins.translators import servers as pool

KEY = "sk-very-secret-7"


@pytest.fixture
def closed():
    """Makes addresses where nobody listens, and, as their ports are held, nobody else begins to."""
    with ExitStack() as held:

        def make():
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{one.getsockname()[1]}/v1"

        yield make


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Pauses a twentieth as long."""
    monkeypatch.setattr(pool, "_FIRST_WAIT_S", 0.025)
    monkeypatch.setattr(pool, "_LONGEST_WAIT_S", 1.0)


@pytest.fixture
def good():
    with FaultyServer() as server:
        yield server


@pytest.mark.parametrize(
    "fault",
    ["truncated", "html", "object", "no-choices", "two-choices", "error-200", "drop", "drop-half", ("text", "\ud800", "stop"),
     (500, "boom"), (502, "gateway"), (503, "busy"), (429, "slow down"), ("finish", "abort")],
    ids=str,
)  # fmt: skip
def test_asked_again_after_a_fault(fault):
    """Every third request fails once: all are translated in the end, and nothing is asked more often than needed."""
    with FaultyServer(fault=lambda number, _: fault if number % 3 == 0 else None) as server:
        texts = sentences(40)
        told = translated(made(server, in_flight=8), texts)
        whole(texts, told)
        failed = len(server.asked) // 3
        assert len(server.asked) == len(texts) + failed
        assert sum(one.tries - 1 for one in told) == failed


@pytest.mark.parametrize(
    "fault",
    ["truncated", "html", "no-choices", "two-choices", "drop", "drop-half", (500, "boom"), ("finish", "abort")],
    ids=str,
)  # fmt: skip
def test_what_always_fails_is_an_error_with_its_reason(fault):
    texts = sentences(12)
    with FaultyServer(fault=lambda _, asked: fault if asked.text == texts[4] else None) as server:
        told = translated(made(server, retries=2, in_flight=2), texts)
        bad = told.pop(4)
        assert (bad.text, bad.finish, bad.tries) == ("", "error", 3)
        assert bad.reason.startswith("server: ")
        assert "asked 3 times" in bad.reason
        assert server.texts().count(texts.pop(4)) == 3
        whole(texts, told)


@pytest.mark.parametrize("status", [401, 403, 404, 302])
def test_what_concerns_all_ends_the_run(status, monkeypatch):
    monkeypatch.setenv("FAULTY_KEY", KEY)
    said = f"no, {KEY} is wrong"
    with FaultyServer(fault=lambda number, _: (status, said) if number > 10 else None) as server:
        translator = made(server, api_key_env="FAULTY_KEY", in_flight=2)
        pairs = translator.translate(segments(sentences(50)), source=EN, target=DE)
        told = []
        with pytest.raises(ComponentError) as caught:
            told.extend(pairs)
        assert len(told) <= 10
        assert len(server.asked) <= 14, "nobody is asked after that"
        shown = f"{caught.value} {caught.value.hint}"
        assert server.url in shown
        assert "$FAULTY_KEY" in shown
        assert KEY not in shown


def test_a_storm_of_429_is_waited_out():
    """All requests in flight are refused: nobody comes before the time that the server named."""
    with FaultyServer(fault=lambda n, _: (429, {"retry-after": "1"}) if n <= 16 else None) as server:
        texts = sentences(60)
        whole(texts, translated(made(server, in_flight=16, retries=3), texts))
        assert server.asked[16].at - server.asked[0].at >= 1.0, "those in flight, and no other"
        assert len(server.asked) == len(texts) + 16


def test_who_only_says_429_is_given_up():
    with FaultyServer(fault=lambda *_: (429, "no more today")) as server:
        with pytest.raises(ComponentError, match=r"no server answers.*429, no more today"):
            translated(made(server, in_flight=8, retries=3), sentences(50))
        assert len(server.asked) == 8 + 4 + 2 + 1, "half as many after each pause"


def test_who_says_429_from_some_time_on_is_given_up():
    with FaultyServer(fault=lambda number, _: (429, "no more today") if number > 20 else None) as server:
        texts = sentences(200)
        told = translated(made(server, in_flight=8, retries=3), texts)
        done = [one for one in told if one.finished]
        assert len(done) == 20
        assert {one.text for one in done} <= {translation(text) for text in texts}
        rest = [one for one in told if not one.finished]
        assert {one.finish for one in rest} == {"error"}
        assert all(one.reason.startswith("server: ") and "429, no more today" in one.reason for one in rest)
        assert len(server.asked) <= 20 + 8 + 4 + 2 + 1


def test_a_date_to_come_back_at_is_understood():
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    def fault(number, _):
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        return (503, {"retry-after": date}) if number == 1 else None

    with FaultyServer(fault=fault) as server:
        whole(["hello"], translated(made(server), ["hello"]))
        first, second = (one.at for one in server.asked)
        assert 0.9 < second - first < 4


def test_a_quota_that_is_used_up_ends_the_run():
    """OpenAI says 429 to that too, and no pause helps."""
    with FaultyServer(fault=lambda *_: (429, "insufficient_quota")) as server:
        with pytest.raises(ComponentError, match="insufficient_quota"):
            translated(made(server, in_flight=2), sentences(9))
        assert len(server.asked) <= 2


def test_a_very_long_pause_ends_the_run():
    with (
        FaultyServer(fault=lambda *_: (429, {"retry-after": "3600"})) as server,
        pytest.raises(ComponentError, match="3600 s"),
    ):
        translated(made(server), ["hello"])


@pytest.mark.slow
def test_a_rate_limit_loses_nothing():
    """Ten requests a second and no word about when to come back."""
    last = [0.0]

    def limited(*_):
        if time.monotonic() - last[0] < 0.1:
            return 429, "rate limit"
        last[0] = time.monotonic()
        return None

    with FaultyServer(fault=limited) as server:
        texts = sentences(20)
        whole(texts, translated(made(server, in_flight=32), texts))


def test_waits_grow(monkeypatch):
    waits, pause = [], pool.pause
    monkeypatch.setattr(pool, "pause", lambda *given: waits.append(pause(*given)) or waits[-1])
    with FaultyServer(fault=lambda *_: (500, "boom")) as server:
        (told,) = translated(made(server, retries=5), ["hello"])
        assert (told.finish, told.tries) == ("error", 6)
        gaps = [b.at - a.at for a, b in pairwise(server.asked)]
        assert len(gaps) == len(waits) == 5
        for number, (gap, wait) in enumerate(zip(gaps, waits, strict=True)):
            assert gap >= wait >= 0.025 * 2**number / 2
        assert waits[4] > 2 * waits[0]


def test_time_outs_are_asked_again():
    with FaultyServer(fault=lambda number, _: "hang" if number <= 3 else None) as server:
        texts = sentences(6)
        whole(texts, translated(made(server, timeout=0.5), texts))
        assert server.left == 3, "what nobody waits for is given up"


def test_a_server_that_only_hangs():
    with FaultyServer(fault=lambda *_: "hang") as server:
        told = translated(made(server, timeout=0.3, retries=1), sentences(4))
        assert {one.finish for one in told} == {"error"}
        assert all("no answer within 0.3 s" in one.reason for one in told)


def test_no_more_in_flight_than_allowed():
    with FaultyServer(slow=0.1) as server:
        texts = sentences(60)
        whole(texts, translated(made(server, in_flight=7), texts))
        assert server.most == 7


def test_several_share_the_work_by_requests_in_flight():
    """One answers a quarter as often as the other."""
    with FaultyServer(slow=0.05) as fast, FaultyServer() as slow:
        texts = sentences(100)
        slow.fault = lambda n, _: "hold" if len(fast.asked) < min(4 * n, 100 - len(slow.asked)) else None
        whole(texts, translated(made(fast, slow, in_flight=5), texts))
        assert (fast.most, slow.most) == (5, 5)
        assert len(fast.asked) > 2 * len(slow.asked) > 20
        assert sorted(fast.texts() + slow.texts()) == sorted(texts)


def test_one_of_two_dies():
    with FaultyServer(slow=0.01) as one, FaultyServer(slow=0.01) as other:
        texts = sentences(200)
        got = {}
        for index, told in made(one, other, in_flight=5).translate(segments(texts), source=EN, target=DE):
            got[index] = told
            if len(got) == 60:
                other.kill()
        whole(texts, [got[index] for index in range(200)])
        assert 10 < len(other.asked) < 100


def test_one_of_two_answers_only_with_errors():
    """It fails faster than the other works, and must not draw all texts to itself."""
    with FaultyServer(slow=0.02) as one, FaultyServer(fault=lambda *_: (500, "boom")) as other:
        texts = sentences(150)
        whole(texts, translated(made(one, other, in_flight=4, retries=3), texts))
        assert len(other.asked) < 40


def test_one_of_two_is_down_from_the_start(good, closed):
    texts = sentences(50)
    whole(texts, translated(made(closed(), good), texts))


def test_all_down_at_the_start_is_one_clear_error(closed):
    urls = closed(), closed()
    with pytest.raises(ComponentError, match="no server answers") as caught:
        translated(made(*urls), sentences(50))
    assert all(f"{url}: no connection (Connection refused)" in str(caught.value) for url in urls)


def test_the_only_one_dies_half_way():
    """The rest is held back with the reason, after one series of tries and not one for each; a new start is refused."""
    with FaultyServer(slow=0.01) as server:
        translator = made(server, in_flight=4, retries=3)
        texts = sentences(300)
        got = {}
        began = time.monotonic()
        for index, told in translator.translate(segments(texts), source=EN, target=DE):
            got[index] = told
            if len(got) == 40:
                server.kill()
        assert time.monotonic() - began < 10
    assert sorted(got) == list(range(300))
    for index, told in got.items():
        assert told.text == (translation(texts[index]) if told.finished else "")
    unfinished = [told for told in got.values() if not told.finished]
    assert 200 < len(unfinished) <= 260
    assert {told.finish for told in unfinished} == {"error"}
    assert all(told.reason.startswith("server: ") for told in unfinished)
    with pytest.raises(ComponentError, match="no server answers"):
        translated(translator, ["hello"])


def test_everything_at_once():
    """Faults of all kinds at random, and one of three servers dies: what is translated is right, the rest says why."""
    draw = Random(7)
    kinds = ["truncated", "html", "no-choices", "drop", "drop-half", (500, "boom"), (503, "busy"), (429, "slow"),
             (429, {"retry-after": "0.1"}), (400, "context length"), ("finish", "abort"), ("finish", None), "hang"]  # fmt: skip

    def fault(*_):
        return draw.choice(kinds) if draw.random() < 0.3 else None

    with FaultyServer(fault) as one, FaultyServer(fault) as two, FaultyServer(fault, slow=0.01) as three:
        texts = sentences(300)
        got = {}
        translator = made(one, two, three, in_flight=8, timeout=0.3)
        for index, told in translator.translate(segments(texts), source=EN, target=DE):
            assert index not in got
            got[index] = told
            if len(got) == 50:
                three.kill()
        assert sorted(got) == list(range(300))
        assert sum(told.finished for told in got.values()) > 200
        for index, told in got.items():
            assert told.finish in ("stop", "too-long", "error")
            assert bool(told.reason) != told.finished
            assert not told.finished or told.text == translation(texts[index])

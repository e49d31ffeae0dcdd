"""Engines that are servers: nothing is sent to them unasked, their tokens are priced, and a run asks."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from langadapt.cli import agreeing, cli
from langadapt.cli.agreeing import Agreement
from langadapt.languages import Language
from langadapt.plan.gating import gated
from langadapt.plan.parts import Part
from langadapt.plan.sampling import Sampled
from langadapt.plan.served import elsewhere, servers
from langadapt.records import Conversation, Message
from langadapt.slots import Slot


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = tmp_path / "rows.jsonl"
    with path.open("w") as out:
        for n in range(30):
            turns = [
                {"role": "user", "content": f"Say {n}."},
                {"role": "assistant", "content": f"Here is {n}."},
            ]
            out.write(json.dumps({"id": f"r{n}", "messages": turns}) + "\n")
    return path


@pytest.fixture
def server():
    """A service that counts what it is asked, and answers nothing of use."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(400)

        do_POST = do_GET  # noqa: N815 - the name that the server calls

        def log_message(self, *_):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/v1", asked
    made.shutdown()
    made.server_close()


def recipe(rows, url, more=""):
    path = rows.parent / "oa.toml"
    path.write_text(
        f'extends = "mini"\ntitle = "oa"\n[translate]\nuse = "openai"\nmodel = "some-model"\nfamily = "instruct"\n'
        f'base_urls = ["{url}"]\n{more}'
    )
    return path


def invoke(*words):
    return CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)


def planned(rows, path, *words):
    done = invoke("plan", "de", "--recipe", path, "--conversations", rows, "--json", *words)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout)


def stage(made, name="translate"):
    return next(one for one in made["stages"] if one["stage"] == name)


def test_the_sample_is_sent_to_a_server_only_where_that_was_typed(rows, server):
    url, asked = server
    path = recipe(rows, url)
    made = planned(rows, path)
    assert asked == []
    assert made["sample"]["calibrated"] is False
    assert any("--calibrate sends it" in note for note in made["notes"])
    planned(rows, path, "--no-calibrate")
    assert asked == []
    planned(rows, path, "--calibrate")
    assert asked


def test_a_service_takes_no_memory_here_and_its_price_is_told_or_said_to_be_unknown(rows):
    path = recipe(rows, "https://api.example.test/v1")
    made = planned(rows, path)
    assert stage(made)["memory_bytes"]["high"] == 0
    assert made["unpriced"] == ["translate"]
    said = next(note for note in made["notes"] if "price of this service is not known" in note)
    assert "api.example.test" in said
    priced = planned(rows, path, "--set", "plan.input_price=1000.0", "--set", "plan.output_price=2000.0")
    assert priced["unpriced"] == []
    tokens = stage(priced)["tokens"]["expected"]
    money = stage(priced)["money"]["expected"] - stage(made)["money"]["expected"]
    assert money > tokens * 2000 / 1e6 / 1.15


def run(rows, path, *words):
    return invoke("run", "de", "--recipe", path, "--conversations", rows, "--until", "translate", *words)


def test_a_run_asks_before_it_sends_to_a_service_whatever_machine_the_recipe_needs(rows):
    path = recipe(rows, "http://api.example.test/v1")
    done = run(rows, path)
    assert "whose price is not known" in str(done.exception)
    assert done.exception.hint.startswith("--yes")
    assert not (rows.parent / "runs" / "de-oa" / "request.json").exists()
    priced = recipe(rows, "http://api.example.test/v1", "[plan]\ninput_price = 1e6\noutput_price = 1e6\n")
    assert "plan.ask_above" in str(run(rows, priced).exception)


def test_what_was_asked_of_less_is_asked_of_more(rows, monkeypatch):
    """Neither a run of `prepare`, nor one of fewer rows or stages, lets a dearer one start unasked."""
    for module in ("langadapt.cli.run", "langadapt.machine"):
        monkeypatch.setattr(f"{module}.accelerator", lambda: "NVIDIA A100-SXM4-80GB")
    words = ["run", "de", "--recipe", "mini", "--conversations", rows, "--set", "needs=gpu", "--set", "plan.ask_above=0.0",
             "--set", "translate.device=cpu"]  # fmt: skip
    assert invoke(*words, "--until", "prepare").exception is None
    few = [*words, "--until", "translate", "--limit", "3"]
    assert "plan.ask_above" in str(invoke(*few).exception)
    assert invoke(*few, "--yes").exception is None
    assert invoke(*few).exception is None, "a run that goes on was asked before"
    for more in ([*words, "--until", "translate"], [*words, "--limit", "3"]):
        assert "plan.ask_above" in str(invoke(*more).exception)
    kept = rows.parent / "runs" / "de-mini" / agreeing.FILE
    kept.write_text("[1]")
    assert "plan.ask_above" in str(invoke(*few).exception)


AGREED = Agreement(
    request={"a": 1}, until="filter", limit=100, money=20.0, currency="EUR", unpriced=["translate"]
)


@pytest.mark.parametrize(
    ("change", "covered"),
    [
        ({}, True), ({"until": "prepare"}, True), ({"money": 1.0}, True), ({"limit": 5}, True), ({"unpriced": []}, True),
        ({"until": "report"}, False), ({"money": 30.0}, False), ({"limit": 101}, False), ({"limit": None}, False),
        ({"currency": "USD"}, False), ({"request": {"a": 2}}, False), ({"unpriced": ["filter.x"]}, False),
        ({"money": float("nan")}, False),
    ],
)  # fmt: skip
def test_what_was_agreed_to_covers_no_more_than_that(tmp_path, change, covered):
    AGREED.keep(tmp_path)
    kept = Agreement.kept(tmp_path)
    assert kept == AGREED
    assert kept.covers(Agreement(**{**vars(AGREED), **change})) is covered


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"request": 1}', '{"until": "nowhere"}', "\x00"]
)
def test_what_cannot_be_read_was_not_agreed_to(tmp_path, content):
    assert Agreement.kept(tmp_path) is None
    (tmp_path / agreeing.FILE).write_text(content)
    assert Agreement.kept(tmp_path) is None


def test_servers_are_found_however_deep_and_one_of_this_machine_is_told_apart():
    deep = {"inner": {"translator": {"base_urls": ("http://10.0.0.1:8000/v1", 5, "http://localhost:1/v1")}}}
    assert servers(deep) == ("http://10.0.0.1:8000/v1", "http://localhost:1/v1")
    assert servers({"base_url": None, "base_urls": ()}) == ()
    assert elsewhere(servers(deep)) == ["10.0.0.1"]
    assert elsewhere(("http://[::1]:1/v1", "http://127.0.0.2/v1", "http://[bad/v1")) == ["a server"]


def test_a_gate_that_asks_a_server_is_not_asked_either():
    @dataclass(frozen=True, kw_only=True)
    class Asks:
        base_urls: tuple[str, ...] = ("http://api.example.test/v1",)

        def filter(self, batch, *, source, pack):
            raise AssertionError("asked")

        def close(self):
            pass

    slot = Slot(table="select", name="asks", use="asks", settings={})
    record = Conversation(id="a", messages=(Message(role="user", content="Hi."),))
    row = Sampled(0, record, "translate", 3)
    said = []
    found = gated([row], [slot], {slot.address: Part(slot, Asks(), {})}, Language.of("en"), said.append)
    assert found == [row]
    assert "asks a server" in said[0]

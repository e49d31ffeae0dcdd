"""The key: whatever a server says back, and whatever the machine holds for other programs, it is in no reason and no other is sent."""

import pytest
from faulty_server import FaultyServer, made, sentences, translated

from langadapt.errors import ComponentError

KEY = "sk-very-secret-7"


@pytest.mark.parametrize("said", [f"bad key {KEY}", "x" * 290 + KEY, f"{KEY} " * 40])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_key_that_comes_back_is_in_no_reason(status, said, monkeypatch):
    monkeypatch.setenv("FAULTY_KEY", KEY)
    texts = sentences(3)
    with FaultyServer(fault=lambda _, asked: (status, said) if asked.text == texts[1] else None) as server:
        told = translated(made(server, api_key_env="FAULTY_KEY", retries=1), texts)
    assert told[1].finish == "error"
    assert not [one for one in told if "sk-very" in one.reason]


def test_a_key_that_comes_back_from_every_server_is_in_no_error(monkeypatch):
    monkeypatch.setenv("FAULTY_KEY", KEY)
    with FaultyServer(fault=lambda *_: (200, f"bad key {KEY}")) as server:
        try:
            shown = str(
                [
                    one.reason
                    for one in translated(made(server, api_key_env="FAULTY_KEY", retries=1), sentences(9))
                ]
            )
        except ComponentError as error:
            shown = f"{error} {error.hint}"
    assert "***" in shown
    assert "sk-very" not in shown


@pytest.mark.parametrize("variable", ["", "FAULTY_KEY"])
def test_a_netrc_is_for_others(variable, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("FAULTY_KEY", KEY)
    with FaultyServer() as server:
        (told,) = translated(made(server, api_key_env=variable or None), sentences(1))
        assert told.finished
        assert {one.headers.get("authorization") for one in server.asked} == {
            f"Bearer {KEY}" if variable else None
        }

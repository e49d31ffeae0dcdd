"""Sending to the Hub through its real client, against a fake on loopback: one commit or none, errors in two lines, no key in sight."""

import pytest
import small_run as made
from end_to_end.commands import langadapt
from fake_hub import TOKEN, USER, serving
from huggingface_hub import constants

from langadapt import registry
from langadapt.errors import ConfigError, MachineError
from langadapt.publish import bundles, push, signed_in
from langadapt.recipe import read_recipe
from langadapt.runner import Run


@pytest.fixture
def hub(monkeypatch):
    with serving() as (served, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_URL_HOSTS", constants.HF_URL_HOSTS | {"127.0.0.1"})
        served.address = address
        yield served


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    from conftest import Scripted

    folder = made.build(tmp_path_factory.mktemp("made") / "run", Scripted)
    pack = registry.pack("de")
    with Run(folder) as run:
        return bundles(run, read_recipe("mini", pack), pack, repository="me/chat-de", data=True, model="")


@pytest.fixture
def data(found):
    return found[0]


def content(bundle):
    return {file.path: file.place.read_bytes() for file in bundle.files}


def test_what_was_shown_is_what_is_there(hub, found):
    for bundle in found:
        done = push(bundle, private=True)
        there = hub.repositories[bundle.kind, "me/chat-de"]
        assert {path: text for path, text in there["files"].items() if path != ".gitattributes"} == content(
            bundle
        )
        assert (there["private"], done.changed, done.commit) == (True, True, there["sha"])
        assert hub.yaml[bundle.kind] == bundle.card.read_text(encoding="utf-8")
    assert hub.commits == 2


def test_the_same_again_makes_no_commit(hub, found):
    for bundle in found:
        before = push(bundle, private=True)
        again = push(bundle, private=True)
        assert (again.changed, again.commit) == (False, before.commit)
    assert hub.commits == 2


def test_what_an_earlier_push_left_goes_with_the_next(hub, data):
    push(data, private=True)
    files = hub.repositories["dataset", "me/chat-de"]["files"]
    files |= {"data/old/train-00000-of-00001.parquet": b"barred", "notes.md": b"by hand"}
    assert push(data, private=True).changed
    files = hub.repositories["dataset", "me/chat-de"]["files"]
    assert "data/old/train-00000-of-00001.parquet" not in files
    assert files["notes.md"] == b"by hand"


def test_what_should_be_private_goes_to_no_public_place(hub, data):
    push(data, private=False)
    assert hub.repositories["dataset", "me/chat-de"]["private"] is False
    hub.repositories["dataset", "me/chat-de"]["files"].clear()
    with pytest.raises(ConfigError, match="is public"):
        push(data, private=True)
    assert not hub.repositories["dataset", "me/chat-de"]["files"]


@pytest.mark.parametrize(
    ("place", "fault", "said", "hint"),
    [
        ("/create", 401, "answered 401", "hf auth login"),
        ("/create", 403, "answered 403", "may write"),
        ("/create", 500, "answered 500", "again later"),
        ("/create", "drop", "cannot be reached", "network"),
        ("/commit/", 409, "answered 409", "somebody else"),
        ("/commit/", 412, "answered 412", "meanwhile"),
        ("/commit/", 500, "answered 500", "whole or not at all"),
        ("/commit/", "drop", "cannot be reached", "whole or not at all"),
        ("/batch", 403, "answered 403", "may write"),
        ("/validate-yaml", 400, "answered 400", "again"),
        ("/blob/", 403, "answered 403", "may write"),
    ],
)
def test_what_goes_wrong_is_told_and_leaves_nothing_half(hub, data, place, fault, said, hint):
    hub.faults[place] = [fault]
    with pytest.raises(MachineError) as error:
        push(data, private=True)
    assert said in str(error.value)
    assert hint in error.value.hint
    assert len(str(error.value).splitlines()) == 1
    assert TOKEN not in f"{error.value}{error.value.hint}{error.value.__cause__}"
    assert error.value.exit_code == 5
    assert hub.commits == 0
    assert push(data, private=True).changed
    assert set(content(data)) < set(hub.repositories["dataset", "me/chat-de"]["files"])


def test_a_stumble_before_the_commit_is_got_over(hub, data, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    hub.faults |= {"/preupload/": [500, "drop", 503], "/batch": [502]}
    assert push(data, private=True).changed


def test_a_lost_answer_makes_no_second_commit(hub, data):
    hub.faults["/commit/"] = ["lose"]
    with pytest.raises(MachineError):
        push(data, private=True)
    assert hub.commits == 1
    assert not push(data, private=True).changed
    assert hub.commits == 1


def test_somebody_elses_commit_in_between_is_not_overwritten(hub, data):
    push(data, private=True)
    real = hub.commit

    def first_another(repository, *rest):
        repository["sha"] = "f" * 40
        return real(repository, *rest)

    hub.repositories["dataset", "me/chat-de"]["files"]["README.md"] = b"changed"
    hub.commit = first_another
    with pytest.raises(MachineError, match="answered 412"):
        push(data, private=True)


def test_a_user_is_known_by_the_token_alone(hub, monkeypatch):
    assert signed_in() == USER
    monkeypatch.setenv("HF_TOKEN", "hf_" + "x" * 34)
    with pytest.raises(MachineError, match="answered 401") as error:
        signed_in()
    assert "hf_" not in str(error.value)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    with pytest.raises(MachineError, match="no token"):
        signed_in()


def test_the_network_may_be_off_limits(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    from huggingface_hub.utils import close_session

    close_session()
    with pytest.raises(MachineError) as error:
        signed_in()
    close_session()
    assert error.value.hint == "unset HF_HUB_OFFLINE"


def test_the_command_sends_and_says_no_key(hub, tmp_path, scripted):
    made.build(tmp_path / "run", scripted)
    environment = {
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": TOKEN,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    shown = langadapt("publish", "run", "--data", folder=tmp_path, **environment)
    assert shown.returncode == 0, shown.stderr
    assert not [seen for seen in hub.seen if seen[1] != "/api/agent-harnesses"]
    done = langadapt("publish", "run", "--data", "--push", folder=tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    assert "sent, commit" in done.stdout
    assert list(hub.repositories) == [("dataset", f"{USER}/de-mini")]
    again = langadapt("publish", "run", "--data", "--push", "--json", folder=tmp_path, **environment)
    assert '"changed": false' in again.stdout
    hub.faults["/whoami"] = [401]
    wrong = langadapt("--debug", "publish", "run", "--data", "--push", folder=tmp_path, **environment)
    assert wrong.returncode == 5
    lines = [line for line in wrong.stderr.splitlines() if line.startswith(("error: ", "hint: "))]
    assert [line.split(":")[0] for line in lines] == ["error", "hint"]
    for one in (shown, done, again, wrong):
        assert TOKEN not in one.stdout + one.stderr
        assert "\x1b" not in one.stdout + one.stderr

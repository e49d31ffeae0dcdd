"""What must not leave a machine is found; what merely looks like a path or a key stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt.errors import DataError
from langadapt.publish import checks
from langadapt.publish.checks import scrubbed

HUB_KEY = "hf_" + "Ab3" * 11


@given(st.text(max_size=30))
def test_what_is_no_place_stays_as_it_is(text):
    assert scrubbed({"a": [text]}) == {"a": [text]} or text.startswith(("/", "~/"))
    assert not str(scrubbed({"some_path": text})["some_path"]).startswith("/")
    assert scrubbed(scrubbed({"path": text})) == scrubbed({"path": text})


def test_places_of_this_machine_and_of_others(tmp_path):
    told = {
        "x": str(tmp_path / "y"),
        "_name_or_path": "/data/of/others",
        "token": "/",
        "text": "/wiki/nobody/here",
        "n": 1,
    }
    assert scrubbed(told) == {
        "x": "y",
        "_name_or_path": "others",
        "token": "/",
        "text": "/wiki/nobody/here",
        "n": 1,
    }


@pytest.mark.parametrize(
    "key",
    [
        HUB_KEY,
        "ghp_" + "a1" * 20,
        "AKIA" + "AB12" * 4,
        "-----BEGIN RSA PRIVATE KEY-----",
        "sk-proj-" + "x9" * 20,
    ],
)
def test_keys_are_masked(key):
    assert key not in checks.masked(f"so {key} it is")
    assert checks.holds_key(f"so {key} it is")


@pytest.mark.parametrize(
    "text", ["hf_short", "the sk-learn library", "AKIA", "BEGIN CERTIFICATE", "task-specific-things"]
)
def test_words_are_no_keys(text):
    assert checks.masked(text) == text


def test_a_key_of_the_environment_is_masked_whatever_it_looks_like(monkeypatch):
    monkeypatch.setenv("MY_SECRET", "correct horse battery")
    assert "horse" not in checks.masked("a correct horse battery staple")
    monkeypatch.setenv("MY_SECRET", "short")
    assert checks.masked("a short text") == "a short text"


def test_a_place_is_found_beside_words_and_in_escaped_text_only(monkeypatch, tmp_path):
    home = tmp_path / "some_one"
    monkeypatch.setenv("HOME", str(home))
    for text in (f"see {home}/x", f"see file://{home}/x", f"see {str(home).replace('_', chr(92) + '_')}/x"):
        with pytest.raises(DataError, match="a folder of this machine"):
            checks.check_text(text, "README.md")
    checks.check_text(f"https:&#47;&#47;host.test{home}/x and {home}s/x", "README.md")


@pytest.mark.parametrize(
    ("license_id", "may"),
    [("MIT", True), ("CC-BY-NC-4.0", True), ("LicenseRef-own", True), ("MIT OR LicenseRef-x", True),
     ("", False), ("CC-BY-NC-ND-4.0", False), ("MIT AND CC-BY-ND-4.0", False), ("LicenseRef-unknown", False), ("x " * 600, False)],
)  # fmt: skip
def test_what_may_be_handed_on(license_id, may):
    assert checks.may_hand_on(license_id) is may

"""A translator of somebody else, as its users have it: built, installed, found by name, run on the sample conversations."""

import json
import shutil
from pathlib import Path

import pytest
from third_party.environment import Environment

from langadapt.segments import Document

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "languages" / "de" / "mini" / "conversations.jsonl"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("apertium") is None, reason="make system-packages installs Apertium"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("apertium")
    made = Environment.make(folder / "env")
    made.install(HERE / "langadapt-apertium", folder)
    return made


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_it_is_listed_and_checked(environment, tmp_path):
    listed = environment.langadapt("list", "translator", folder=tmp_path)
    assert ["apertium", "langadapt-apertium", "0.1.0"] in [
        line.split() for line in listed.stdout.splitlines()
    ]
    done = environment.langadapt("check", "translator", "apertium", "--language", "es", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout


def test_its_own_tests_pass(environment, tmp_path):
    shutil.copytree(HERE / "langadapt-apertium" / "tests", tmp_path / "tests")
    done = environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_sample_conversations_there_and_back(environment, tmp_path):
    shutil.copy(SAMPLES, tmp_path / "in.jsonl")
    language = ("--language", "es")
    done = environment.langadapt(
        "translate", "in.jsonl", "out.jsonl", *language, "--translator", "apertium", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    sent, came, held = (rows(tmp_path / name) for name in ("in.jsonl", "out.jsonl", "out.held.jsonl"))
    assert len(came) + len(held) == len(sent) > 150
    assert len(came) > 0.9 * len(sent)
    before = {row["id"]: row for row in sent}
    for row in came:
        for message, original in zip(row["messages"], before[row["id"]]["messages"], strict=True):
            spans = [Document(one["content"]).protected for one in (original, message)]
            assert spans[0] == spans[1]
    gate = ("--filter", "round-trip", "--set", "round-trip.translator.use=apertium")
    files = ("out.jsonl", "kept.jsonl", "--source", "in.jsonl")
    done = environment.langadapt(
        "filter", *files, *language, *gate, "--set", "round-trip.at_least=25.0", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    kept, dropped = rows(tmp_path / "kept.jsonl"), rows(tmp_path / "kept.dropped.jsonl")
    assert len(kept) + len(dropped) == len(came)
    assert kept
    assert dropped
    assert all(row["verdicts"][-1]["reason"].startswith("round-trip") for row in dropped if "verdicts" in row)


def test_a_pair_that_is_not_installed_is_said(environment, tmp_path):
    shutil.copy(SAMPLES, tmp_path / "in.jsonl")
    words = ("translate", "in.jsonl", "out.jsonl", "--language", "fi", "--translator", "apertium")
    done = environment.langadapt(*words, folder=tmp_path)
    assert done.returncode == 2
    assert "Apertium has no pair eng-fin" in done.stderr
    assert "apertium -l" in done.stderr

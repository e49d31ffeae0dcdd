"""A hint is the next thing to type: what follows from no language is typed as the hint says, and then it works."""

import shlex

import pytest
from click.testing import CliRunner
from test_registry import distribution, site  # noqa: F401 - a fixture

from langadapt.cli import cli

MODULE = """
from dataclasses import dataclass
from typing import Annotated
from langadapt.interfaces import Hypothesis, Loads, Resolved, Translator, Verdict

def nothing(pack):
    return Resolved(value=None, origin=f"nothing is known for {pack.language.name}")

@dataclass(frozen=True, kw_only=True)
class Echo(Loads):
    output_version = 1
    deterministic = True
    resolves = {"voice": nothing}
    voice: Annotated[str, "whose"]
    def translate(self, texts, *, source, target):
        yield from ((number, Hypothesis(text=one.text)) for number, one in enumerate(texts))

@dataclass(frozen=True, kw_only=True)
class Gate(Loads):
    resolves = {"words": nothing, "name": nothing}
    words: Annotated[list[str], "which"]
    name: Annotated[str, "what"]
    translator: Annotated[Translator | None, "another way"] = None
    def filter(self, batch, *, source, pack):
        return [Verdict(keep=True)] * len(batch)

@dataclass(frozen=True, kw_only=True)
class Judge(Loads):
    resolves = {"tasks": nothing}
    tasks: Annotated[tuple[str, ...], "which"]
    def evaluate(self, checkpoint, *, pack, output, limit, seed, progress):
        return []
"""
RECIPE = """
extends = "phoenix"
[translate]
use = "echo"
[evaluate]
harness = false
mt-bench = false
probes = false
[evaluate.judge]
"""
ROW = '{"id": "a", "messages": [{"role": "user", "content": "Hello there."}]}\n'
TYPED = {
    "evaluate model --language tlh --evaluator judge": """--set tasks='["..."]'""",
    "evaluate model --language tlh --evaluator judge --recipe mine.toml": """--set tasks='["..."]'""",
    "evaluate model --language tlh --recipe mine.toml": """--set evaluate.judge.tasks='["..."]'""",
    "translate in.jsonl out.jsonl --language tlh --translator echo": "--set voice=...",
    "translate in.jsonl out.jsonl --language tlh --recipe mine.toml": "--set voice=...",
    "filter done.jsonl kept.jsonl --source in.jsonl --language tlh --filter gate": (
        """--set gate.words='["..."]' --set gate.name=..."""
    ),
    "filter done.jsonl kept.jsonl --source in.jsonl --language tlh --filter gate --set gate.translator.use=echo": (
        """--set gate.words='["..."]' --set gate.name=... --set gate.translator.voice=..."""
    ),
}  # fmt: skip


@pytest.fixture
def here(site, monkeypatch):  # noqa: F811 - the fixture is a parameter
    points = {"translators": ["echo = acme:Echo"], "filters": ["gate = acme:Gate"], "evaluators": ["judge = acme:Judge"]}  # fmt: skip
    distribution(site, "acme", points, acme=MODULE)
    monkeypatch.chdir(site)
    (site / "model").mkdir()
    (site / "mine.toml").write_text(RECIPE)
    for name in ("in", "done"):
        (site / f"{name}.jsonl").write_text(ROW)
    (site / "done.segments.jsonl").write_text("")
    return site


def typed(words):
    return CliRunner().invoke(cli, shlex.split(words), standalone_mode=False)


@pytest.mark.parametrize("words", TYPED)
def test_what_the_hint_says_is_what_helps(here, words):
    failed = typed(words).exception
    assert failed.exit_code == 2
    assert "nothing is known for Klingon" in str(failed)
    assert sorted(failed.hint.split(" --set ")) == sorted(TYPED[words].split(" --set ")), failed.hint
    done = typed(f"{words} {failed.hint.replace('...', 'mine')}")
    assert done.exception is None, (done.exception, getattr(done.exception, "hint", ""))


def test_a_recipe_is_checked_with_what_the_hint_says(here):
    words = "check recipe mine.toml --language tlh --set translate.voice=mine"
    shown = typed(words).output
    assert """nothing is known for Klingon (--set evaluate.judge.tasks='["..."]')""" in shown
    assert "passed   evaluate.judge" in typed(f"{words} --set evaluate.judge.tasks='[\"mine\"]'").output


def test_the_harness_says_so_too(here):
    failed = typed("evaluate model --language tlh --evaluator harness").exception
    assert str(failed).endswith("has no task known to be Klingon")
    assert failed.hint == """--set tasks='["..."]'"""


def test_several_evaluators_do_not_share_a_setting_in_silence(here):
    failed = typed(
        "evaluate model --language tlh --evaluator judge --evaluator probes --set tasks=x"
    ).exception
    assert (failed.exit_code, "which evaluator" in str(failed)) == (2, True)


def test_show_says_what_follows_from_the_language(here):
    shown = typed("show harness").output
    assert "tasks = follows from the language" in shown
    assert "required" not in shown

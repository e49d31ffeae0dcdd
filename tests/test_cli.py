"""What a user sees: two lines, the right exit code, nothing started when something is wrong."""

import json
import os
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from end_to_end.commands import command, env, langadapt

from langadapt.cli import cli, printable
from langadapt.cli.translate import told

ROWS = '{"messages": [{"role": "user", "content": "Hello"}]}\n'


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(ROWS)
    return tmp_path


def fails(*words):
    """What a command that fails says, and its exit code."""
    error = CliRunner().invoke(cli, words, standalone_mode=False).exception
    what = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return what, getattr(error, "exit_code", 1)


def said(done):
    lines = done.stderr.strip().splitlines()
    assert "Traceback" not in done.stderr
    return next(line for line in lines if line.startswith("error: ")), lines[-1]


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["runn"], 2, ["'runn'", "'run'"]),
        (["run", "de", "--nonsense"], 2, ["--nonsense"]),
        (["run", "xx"], 2, ["'xx' is no language", "pt-BR"]),
        (["run", "dee"], 5, ["no mini recipe for Dewoin", "--recipe"]),
        (["run", "de", "--recipe", "minni"], 2, ["minni", "did you mean 'mini'"]),
        (["run", "de", "--recipe", "mini", "--until", "trane"], 2, ["trane", "stages: prepare"]),
        (["run", "de", "--recipe", "mini", "--set", "train.dpo.betta=1"], 2, ["train.dpo.betta", "--set"]),
        (["run", "de", "--recipe", "mini", "--set", "train.dpo.arguments.max_prompt_length=5"], 2, ["max_prompt_length"]),
        (["run", "de", "--recipe", "mini", "--set", "filter.length.use=lenght"], 2, ["lenght", "did you mean 'length'"]),
        (["run", "de", "--recipe", "mini", "--conversations", "missing.jsonl"], 4, ["missing.jsonl"]),
        (["run", "de", "--recipe", "mini", "--conversations", "bad.jsonl"], 4, ["bad.jsonl, line 2", "bad.jsonl, line 3"]),
        (["translate", "bad.jsonl", "out.jsonl", "--language", "de"], 4, ["bad.jsonl, line 2"]),
        (["evaluate", "./nowhere", "--language", "de", "--evaluator", "probes"], 2, ["nowhere"]),
        (["train", "good.jsonl", "--language", "de", "--trainer", "trl-sfft", "--base", "x", "--output", "o"], 2, ["trl-sft"]),
        (["report", "."], 2, ["no run folder"]),
        (["show", "phenix"], 2, ["phenix", "did you mean 'phoenix'"]),
        (["show", "trl"], 2, ["'trl' is a language, and nearly trl-cpt", "or language:trl"]),
        (["check", "language", "de", "--set", "a=1"], 2, ["without --set", "leave --set out"]),
        (["check", "language", "de", "--language", "fr"], 2, ["without --language"]),
    ],
)  # fmt: skip
def test_two_lines_and_an_exit_code(tmp_path, words, code, parts):
    (tmp_path / "good.jsonl").write_text(ROWS)
    (tmp_path / "bad.jsonl").write_text(
        ROWS + '{"mesages": []}\n{"text": \n' if "run" in words else ROWS + '{"text": \n'
    )
    done = langadapt(*words, folder=tmp_path)
    error, hint = said(done)
    assert done.returncode == code, done.stderr
    assert hint.startswith("hint: ")
    assert not (tmp_path / "runs" / "de-mini" / "prepare").exists()
    for part in parts:
        assert part in done.stderr, error


def test_a_gpu_recipe_without_a_gpu_is_refused_before_any_work(tmp_path):
    done = langadapt("run", "de", "--recipe", "phoenix", folder=tmp_path, CUDA_VISIBLE_DEVICES="")
    error, hint = said(done)
    assert done.returncode == 5
    assert "accelerator" in error
    assert "--recipe mini" in hint
    assert not list(tmp_path.iterdir())


def test_every_mistake_of_a_recipe_at_once(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'extends = "mini"\n[filter.length]\nat_lest = 1\n[filter.tokens]\nat_most = "many"\n[train.dpo]\nbetta = 1\n'
    )
    done = langadapt("run", "de", "--recipe", "mine.toml", folder=tmp_path)
    assert done.returncode == 2
    for part in ("filter.length.at_lest", "filter.tokens.at_most", "train.dpo.betta", "mine.toml"):
        assert part in done.stderr


def test_list_show_and_help_answer(tmp_path):
    for words, part in [
        ([], "doctor"), (["--help"], "doctor"), (["list"], "round-trip"), (["list", "recipe"], "phoenix"), (["show", "trl-dpo"], "beta"),
        (["show", "de"], "deu_Latn"), (["show", "mt"], "Maltese"), (["show", "language:trl"], "Scottish"), (["show", "mini", "--diff", "phoenix"], "pack:mini/base"), (["run", "--help"], "--memory"),
    ]:  # fmt: skip
        done = langadapt(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert part in done.stdout


@pytest.mark.slow
def test_each_stage_alone_on_own_files(tmp_path):
    rows = [
        {"id": "a", "messages": [{"role": "user", "content": "Is the new pan white?"}], "mine": [1]},
        {"messages": [{"role": "user", "content": "Schon Deutsch."}], "language": "de"},
        {
            "id": "p",
            "prompt": "My aunt wants to buy the juice on Monday.",
            "chosen": "The son is quiet.\n\n```\ncode\n```",
            "rejected": "The son is quiet.",
        },
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = langadapt(
        "translate", "in.jsonl", "out.jsonl", "--language", "de", "--recipe", "mini", folder=tmp_path
    )
    assert done.returncode == 0, done.stderr
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(out) == 3
    assert list(out[0]) == ["id", "messages", "mine"]
    assert out[0]["messages"][0]["content"] != "Is the new pan white?"
    assert out[1]["messages"] == rows[1]["messages"]
    assert out[2]["chosen"].endswith("\n\n```\ncode\n```")
    done = langadapt("filter", "out.jsonl", "kept.jsonl", "--source", "in.jsonl", "--language", "de", "--recipe", "mini",
                     "--filter", "length", "--set", "length.at_most=9.0", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "kept.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    done = langadapt(
        "filter",
        "out.jsonl",
        "kept.jsonl",
        "--source",
        "out.jsonl.nothing",
        "--language",
        "de",
        "--recipe",
        "mini",
        folder=tmp_path,
    )
    assert done.returncode == 4


def test_a_library_that_is_missing_is_named_with_its_command(tmp_path):
    (tmp_path / "in.jsonl").write_text(ROWS)
    done = langadapt(
        "translate", "in.jsonl", "out.jsonl", "--language", "de", "--translator", "vllm", folder=tmp_path
    )
    error, hint = said(done)
    assert done.returncode == 3
    assert "'vllm'" in error
    assert hint == "hint: pip install 'langadapt[vllm]'"


def test_what_is_read_is_not_overwritten(tmp_path):
    (tmp_path / "in.jsonl").write_text(ROWS)
    for words in (
        ["translate", "in.jsonl", "in.jsonl"], ["translate", "in.jsonl", "./in.jsonl"],
        ["filter", "out.jsonl", "in.jsonl", "--source", "in.jsonl"],
    ):  # fmt: skip
        done = langadapt(*words, "--language", "de", "--recipe", "mini", folder=tmp_path)
        assert done.returncode == 2
        assert "would be overwritten" in done.stderr
    assert (tmp_path / "in.jsonl").read_text() == ROWS


@pytest.mark.parametrize("memory", ["mem.jsonl", "x.held.jsonl", "x.segments.jsonl"])
def test_a_memory_and_a_recipe_are_not_overwritten(here, memory):
    (here / "mine.toml").write_text('extends = "mini"\n')
    filtered = ["--source", "in.jsonl"]
    for words in (
        ["translate", "in.jsonl", memory if memory == "mem.jsonl" else "x.jsonl"],
        ["translate", "in.jsonl", f"{memory}-wal"],
        ["translate", "in.jsonl", "mine.toml"],
        ["filter", "out.jsonl", memory, *filtered],
        ["filter", "out.jsonl", "mine.toml", *filtered],
        ["filter", "out.jsonl", "kept.jsonl", *filtered, "--calibrate", "--write", "mine.toml"],
    ):
        what, code = fails(*words, "--language", "de", "--recipe", "mine.toml", "--memory", memory)
        assert ("would be overwritten" in what, code) == (True, 2), words


def test_what_can_be_read_once_only_or_holds_nothing_is_refused_before_anything_is_made(here):
    os.mkfifo(here / "pipe")
    (here / "empty.jsonl").touch()
    before = sorted(here.iterdir())
    for words, says in (
        (["translate", "pipe", "out.jsonl"], "pipe is no regular file"),
        (["filter", "pipe", "out.jsonl", "--source", "in.jsonl"], "pipe is no regular file"),
        (["filter", "in.jsonl", "out.jsonl", "--source", "pipe"], "pipe is no regular file"),
        (["translate", "empty.jsonl", "out.jsonl"], "empty.jsonl holds no row"),
        (["translate", "in.jsonl", ""], "the name is empty"),
        (["translate", "in.jsonl", "."], "is a directory"),
        (["translate", "in.jsonl", "out.jsonl", "--memory", ":memory:"], "it is no file"),
        (["translate", "in.jsonl", "out.jsonl", "--translator", "vllm"], "'vllm'"),
    ):
        what, _ = fails(*words, "--language", "de", *([] if "vllm" in words else ["--recipe", "mini"]))
        assert says in what, words
    assert sorted(here.iterdir()) == before


def test_what_steers_a_terminal_is_not_printed(here):
    what, _ = fails(
        "translate", "\x1b[31m\x9b\udcff\u202e.jsonl", "out.jsonl", "--language", "de", "--recipe", "mini"
    )
    assert printable(what).startswith(r"\x1b[31m\x9b\udcff\u202e.jsonl: No such file")
    assert printable("a\tb\nc ä") == "a\tb\nc ä"
    done = langadapt(
        "translate", "\x1b[31m", "out.jsonl", "--language", "de", "--recipe", "mini", folder=here
    )
    assert said(done)[0].startswith(r"error: \x1b[31m: ")


def test_colours_are_for_those_who_want_them(monkeypatch):
    for name, value, colour in (
        ("TERM", "xterm", None), ("NO_COLOR", "", None), ("NO_COLOR", "1", False), ("TERM", "dumb", False),
    ):  # fmt: skip
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv(name, value)
        context = cli.make_context("langadapt", [])
        with context:
            cli.invoke(context)
        assert context.color is colour


def test_a_reader_that_stops_is_no_mistake(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as nobody:
        done = subprocess.run(
            command("list"), stdout=nobody, stderr=subprocess.PIPE, env=env({}), check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_every_row_is_told_once():
    counts = {
        "records": 15, "translated": 5, "untouched": 3, "routed": {"untouched": {"code": 1}, "drop": {"rhyme": 2}},
        "held": {"lines": 4, "routing": 2, "language": 1}, "segments": 9, "unique": 8, "remembered": 1, "corrected": 1,
        "retried": 1, "unfinished": 0, "tokens_in": 1, "tokens_out": 1, "seconds": 1.0, "tokens_per_s": 1.0,
    }  # fmt: skip
    assert list(told(counts, Path("out.jsonl"), "German"))[:5] == [
        "5 of 15 rows translated to out.jsonl",
        "  2 in German already",
        "  1 left as they were: 1 code",
        "  2 dropped: 2 rhyme",
        "  5 held back: 4 lines, 1 language",
    ]


def test_a_base_that_is_no_model_fails_in_two_lines(tmp_path):
    (tmp_path / "in.jsonl").write_text(ROWS * 3)
    (tmp_path / "empty").mkdir()
    words = [
        "train",
        "in.jsonl",
        "--language",
        "de",
        "--trainer",
        "trl-sft",
        "--base",
        "empty",
        "--chat-template",
        "zephyr",
    ]
    done = langadapt(*words, "--output", "out", folder=tmp_path)
    error, hint = said(done)
    assert done.returncode == 3
    assert "Traceback" not in error
    assert "worker.log" in hint


def test_a_hub_that_cannot_be_reached_is_no_bug_of_ours():
    from langadapt.cli import _told

    what, hint, code = _told(ConnectionError("Couldn't reach 'org/data' on the Hub"))
    assert (code, what) == (5, "Couldn't reach 'org/data' on the Hub")
    assert "network" in hint

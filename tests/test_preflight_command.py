"""`langadapt check recipe`: what the trainers find before they start, with the rows that are there."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest
from click.testing import CliRunner

from langadapt.cli import cli


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        return CliRunner().invoke(cli, ["check", "recipe", *words, "--language", "de"])

    return run


def test_the_mini_recipe_is_sound(check):
    done = check("mini")
    assert done.exit_code == 0, done.output
    assert (
        "train.sft, before it starts, with the 140 rows of the recipe's files, before translation"
        in done.output
    )
    assert "72 steps" in done.output
    assert "[[...]] is in the loss" in done.output
    assert "<|assistant|>\n    [[- visit the famous park" in done.output
    assert "  error" not in done.output
    assert "  warning" not in done.output


def test_an_error_ends_with_3_and_names_the_setting_by_its_address(check):
    done = check("mini", "--set", "train.sft.max_length=4096", "--set", "train.dpo.loss_type=sigmoidal")
    assert done.exit_code == 3
    assert (
        "max_length is 4096, and the base reads 1024 tokens\n           change train.sft.max_length"
        in done.output
    )
    assert "TRL has no loss 'sigmoidal'" in done.output
    assert "change train.dpo.loss_type" in done.output


def test_a_recipe_wide_setting_is_named_as_it_stands_in_the_recipe(check, tmp_path):
    (tmp_path / "plain.jinja").write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    done = check("mini", "--set", "chat_template=plain.jinja")
    assert done.exit_code == 3
    assert "EOS is not in the loss" in done.output
    assert "change chat_template" in done.output
    assert "first batch" not in done.output


def test_the_rows_of_a_run_are_preferred(check, tmp_path):
    folder = tmp_path / "runs" / "de-mini" / "filter" / "sft"
    folder.mkdir(parents=True)
    turns = [{"role": "user", "content": "Wie geht es?"}, {"role": "assistant", "content": "Sehr gut."}]
    rows = [json.dumps({"id": f"r{number}", "messages": turns}) + "\n" for number in range(60)]
    (folder / "kept.jsonl").write_text("".join(rows), encoding="utf-8")
    done = check("mini")
    assert "rows of runs/de-mini/filter/sft/kept.jsonl" in done.output
    assert "Wie geht es?" in done.output
    assert not (tmp_path / "runs" / "de-mini" / "train").exists()


def test_colours_on_a_terminal_in_place_of_brackets(tmp_path):
    reader, terminal = pty.openpty()
    words = [sys.executable, "-m", "langadapt", "check", "recipe", "mini", "--language", "de"]
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {
        "TERM": "xterm"
    }
    with subprocess.Popen(
        words, stdout=terminal, stderr=subprocess.DEVNULL, cwd=tmp_path, env=environment
    ) as run:
        os.close(terminal)
        said = b""
        with contextlib.suppress(OSError):  # what a terminal says when nobody writes to it any more
            while part := os.read(reader, 65536):
                said += part
    os.close(reader)
    text = said.decode().replace("\r\n", "\n")
    assert run.returncode == 0
    assert "\x1b[32m- visit the famous park" in text
    assert "\x1b[2m<|user|>" in text
    assert "[[" not in text.partition("first batch")[2]


def test_sources_of_the_hub_are_looked_at_with_made_up_rows(check, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    done = check("zephyr", "--set", f"base={pack_base()}", "--set", "train.sft.max_length=1024")
    assert "64 made-up rows: runs/de-zephyr/filter/sft/kept.jsonl is not there" in done.output
    assert "steps:" not in done.output
    assert "  error    " not in done.output


def test_broken_rows_are_said_and_count(check, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"messages": 3}\n')
    done = check("mini", "--set", f"source.ultrachat.path={tmp_path / 'bad.jsonl'}")
    assert done.exit_code == 3
    assert "bad.jsonl" in done.output


def pack_base():
    from langadapt import registry

    return registry.pack("de").path("mini/base")

"""Pairs from the command line."""

import json

from click.testing import CliRunner
from judge_server import JudgeServer
from test_pairwise import ASKED, TEMPLATE, stock
from tiny import tiny_model

from langadapt.cli import cli


def test_the_commands(tmp_path, monkeypatch):
    """`evaluate`, `--rejudge` and `compare`: two folders of answers by one judge."""
    monkeypatch.chdir(tmp_path)
    folder = tiny_model(tmp_path / "tiny", ASKED * 8, positions=160)

    def run(*words):
        done = CliRunner().invoke(cli, [str(word) for word in words], standalone_mode=False)
        return done.exit_code, done.output, done.exception

    with JudgeServer() as server:
        server.said = lambda chat: f"[[{'ABC'[len(chat) % 3]}]]"
        sets = [
            f"{key}={value}"
            for key, value in {
                "judge": "judge",
                "base_url": server.url,
                "against": stock(tmp_path / "ref.json"),
                "dtype": "float32",
            }.items()
        ]
        words = [word for one in sets for word in ("--set", one)]
        for out, tokens in (("one", 8), ("two", 9)):
            code, told, error = run(
                "evaluate", folder, "--language", "de", "--evaluator", "pairwise", "--chat-template", TEMPLATE,
                "--output", tmp_path / out, *words, "--set", f"max_new_tokens={tokens}",
            )  # fmt: skip
            assert code == 0, (told, error)
            assert "win_rate" in told
        asked = len(server.asked)
    place = tmp_path / "one" / folder.name
    before = json.loads((place / "pairwise" / "scores.json").read_text())
    again = (
        "evaluate",
        folder.name,
        "--language",
        "de",
        "--evaluator",
        "pairwise",
        "--output",
        tmp_path / "one",
    )
    code, told, error = run(*again, "--rejudge")
    assert code == 0, (told, error)
    assert json.loads((place / "pairwise" / "scores.json").read_text()) == before
    assert len(server.asked) == asked
    assert run(*again, "--rejudge", "--limit", 4)[0] == 0
    assert json.loads((place / "pairwise" / "scores.json").read_text())[0]["n"] <= 4
    assert run(*again, "--rejudge")[0] == 0
    for out in ("one", "two"):
        scores = tmp_path / out / folder.name / "pairwise" / "scores.json"
        scores.write_text(scores.read_text().replace("max_new_tokens:9", "max_new_tokens:8"))
    code, told, error = run("compare", place, tmp_path / "two" / folder.name)
    assert code == 0, (told, error)
    assert "win_rate" in told
    assert "12" in told

"""`langadapt memory` as a user types it."""

import csv
import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Scripted
from end_to_end.commands import langadapt

from langadapt.cli import cli
from langadapt.errors import LangAdaptError
from langadapt.interfaces import Segment
from langadapt.languages import Language
from langadapt.memory import Remembering, TranslationMemory

TEXTS = ["one", "two <x1>", "three"]


def translate(path, name="alma", target="de", texts=TEXTS):
    with closing(TranslationMemory(path)) as memory:
        inner = Scripted(name=name, answer=lambda text: text.replace("t", "T"))
        segments = [Segment(text=text) for text in texts]
        heard = Remembering(inner=inner, memory=memory).translate(
            segments, source=Language.of("en"), target=Language.of(target)
        )
        return {segments[index].text: hypothesis for index, hypothesis in heard}


@pytest.fixture
def memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "memory.sqlite"
    translate(path)
    translate(path, "opus", texts=TEXTS[:1])
    translate(path, target="fr")
    return path


def run(*words):
    done = CliRunner().invoke(cli, ["memory", *words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def fails(code, *words):
    with pytest.raises(LangAdaptError) as caught:
        run(*words)
    assert caught.value.exit_code == code
    assert caught.value.hint
    return str(caught.value)


def table(path):
    with Path(path).open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text, dialect="excel-tab"))


def facts():
    return json.loads(run("stats", "--json"))


def test_stats_say_what_is_there_and_what_it_saved(memory):
    translate(memory)
    told = run("stats")
    for part in (
        "7 entries, 0 corrections",
        "en to de",
        "en to fr",
        "Scripted(name=alma)",
        "saved so far: 3 answers, 3 tokens in",
    ):
        assert part in told
    held = facts()
    assert held["entries"] == 7
    assert held["saved"] == {"answers": 3, "tokens_in": 3, "tokens_out": 3}
    assert held["bytes"] > 0
    assert [(one["target"], one["entries"]) for one in held["held"]] == [("de", 3), ("de", 1), ("fr", 3)]


@pytest.mark.parametrize("suffix", [".tsv", ".tmx"])
def test_what_is_exported_edited_and_imported_wins(memory, suffix, tmp_path):
    file = f"units{suffix}"
    assert "4 units" in run("export", file, "--language", "de")
    text = (tmp_path / file).read_text(encoding="utf-8")
    (tmp_path / file).write_text(text.replace("Three", "drei"), encoding="utf-8", newline="")
    assert run("import", file, "--language", "de").endswith("1 new, 0 replaced, 3 unchanged\n")
    heard = translate(memory, "another")
    assert (heard["three"].text, heard["three"].origin) == ("drei", "person")
    assert heard["one"].origin == "model"
    assert translate(memory, "another", target="fr")["three"].text == "Three"
    run("export", "again.tsv", "--language", "de")
    rows = [row for row in table("again.tsv") if row["source"] == "three"]
    assert [(row["target"], row["origin"]) for row in rows] == [("drei", "person")]
    run("export", "mine.tsv", "--language", "de", "--corrections-only")
    assert [row["source"] for row in table("mine.tsv")] == ["three"]
    assert facts()["corrections"] == 1


def test_export_of_one_translator(memory):
    run("export", "opus.tsv", "--language", "de", "--translator", "OPUS")
    (row,) = table("opus.tsv")
    assert (row["source"], row["target"], row["origin"]) == ("one", "one", "model")
    assert row["translator"].startswith("Scripted(name=opus) [")
    assert row["made"]


def test_import_says_all_that_it_did(memory, tmp_path):
    (tmp_path / "a.tsv").write_text("source\ttarget\none\teins\nthree\t3\nthree\tdrei\n")
    assert run("import", "a.tsv", "--language", "de") == (
        "2 new, 0 replaced, 0 unchanged\n1 gave way to a later unit of the file with the same source\n"
    )
    (tmp_path / "a.tsv").write_text("source\ttarget\none\teins\nthree\tDrei\ntwo\t\n")
    assert "line 4: the target is empty" in fails(4, "import", "a.tsv", "--language", "de")
    said = run("import", "a.tsv", "--language", "de", "--skip-bad")
    assert "0 new, 1 replaced, 1 unchanged" in said
    assert "1 with mistakes, not taken:\na.tsv, line 4" in said
    tuv = "<tuv xml:lang='{}'><seg>{}</seg></tuv>".format
    body = (
        f"<tu>{tuv('en-US', 'six')}{tuv('de-DE', 'sechs')}</tu><tu>{tuv('en', 'six')}{tuv('fr', 'six')}</tu>"
    )
    (tmp_path / "a.tmx").write_text(f"<tmx version='1.4'><header/><body>{body}</body></tmx>")
    assert run("import", "a.tmx", "--language", "de") == (
        "1 new, 0 replaced, 0 unchanged\ntaken, de-DE for de: 1\ntaken, en-US for en: 1\nskipped, no text in de: 1\n"
    )


def test_import_makes_the_memory_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tsv").write_text("source\ttarget\none\tun\n")
    run("import", "a.tsv", "--language", "fr", "--memory", "mine.sqlite")
    assert translate(tmp_path / "mine.sqlite", target="fr", texts=["one"])["one"].origin == "person"


def test_a_models_units_of_another_memory_are_left_out_and_told(memory, tmp_path):
    run("export", "a.tsv", "--language", "de")
    said = run("import", "a.tsv", "--language", "de", "--memory", "other.sqlite")
    assert said.startswith("0 new, 0 replaced, 0 unchanged\n4 left out: marked as a model's")


def test_an_import_that_is_refused_makes_no_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.tsv").write_text("source\ttarget\none\teins\ntwo\t\n")
    assert "line 3: the target is empty" in fails(4, "import", "a.tsv", "--language", "de")
    assert not (tmp_path / "runs").exists()
    assert "1 new" in run("import", "a.tsv", "--language", "de", "--skip-bad")


def test_prune_shows_first_and_deletes_only_what_was_meant(memory, tmp_path):
    (tmp_path / "a.tsv").write_text("source\ttarget\nthree\tdrei\n")
    run("import", "a.tsv", "--language", "de")
    said = run("prune", "--translator", "alma", "--language", "de")
    assert "Scripted(name=alma)" in said
    assert "3 would go" in said
    assert facts()["entries"] == 7
    assert "3 deleted" in run("prune", "--translator", "alma", "--language", "de", "--yes")
    assert (facts()["entries"], facts()["corrections"]) == (4, 1)
    assert "nothing to prune" in run("prune", "--before", "2001-01-01", "--yes")
    assert "nothing to prune" in run("prune", "--before", "1d", "--yes")
    run("prune", "--before", "2999-12-31", "--yes")
    assert (facts()["entries"], facts()["corrections"]) == (0, 1)
    assert "1 would go" in run("prune", "--language", "de", "--corrections")
    run("prune", "--language", "de", "--corrections", "--yes")
    assert facts()["corrections"] == 0


def test_pruning_makes_the_file_smaller(memory, tmp_path):
    translate(memory, "big", texts=[f"text {number} " + "word " * 200 for number in range(2_000)])
    before = facts()["bytes"]
    run("prune", "--translator", "big", "--yes")
    assert facts()["bytes"] * 5 < before
    assert not (tmp_path / "runs" / "memory.sqlite-wal").exists()


@pytest.mark.parametrize(
    ("code", "words", "says"),
    [
        (2, ["prune"], "nothing says which"),
        (2, ["prune", "--yes", "--corrections"], "nothing says which"),
        (2, ["prune", "--before", "yesterday"], "is no date"),
        (2, ["prune", "--before", "99999999999d"], "is no date"),
        (2, ["prune", "--before", "600000d", "--yes"], "is no date since 2000"),
        (2, ["prune", "--before", "0999-01-01", "--yes"], "is no date since 2000"),
        (2, ["prune", "--translator", "nobody"], "no translator of"),
        (2, ["prune", "--translator", "alma", "--corrections"], "has no translator"),
        (2, ["export", "a.tsv", "--language", "de", "--translator", "alma", "--corrections-only"], "has no translator"),
        (2, ["export", "a.xlsx", "--language", "de"], "neither TMX nor TSV"),
        (2, ["export", "a.tsv", "--language", "qq"], "no language"),
        (2, ["export", "a.tsv", "--language", "en"], "source language too"),
        (2, ["export", "runs/memory.sqlite", "--language", "de"], "would be overwritten"),
        (4, ["export", "a.tsv", "--language", "it"], "holds nothing of that kind from en to it"),
        (4, ["export", "a.tsv", "--language", "de", "--corrections-only"], "holds nothing of that kind"),
        (4, ["import", "missing.tsv", "--language", "de"], "is no file"),
        (4, ["stats", "--memory", "missing.sqlite"], "there is no memory"),
        (4, ["export", "a.tsv", "--language", "de", "--memory", "missing.sqlite"], "there is no memory"),
        (4, ["prune", "--language", "de", "--memory", "missing.sqlite"], "there is no memory"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_touched(memory, tmp_path, code, words, says):
    before = facts()
    assert says in fails(code, *words)
    assert facts() == before
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_user_sees_two_lines_and_the_help(tmp_path):
    done = langadapt("memory", "stats", folder=tmp_path)
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "error: there is no memory runs/memory.sqlite", "hint: name one with --memory FILE",
    ]  # fmt: skip
    done = langadapt("memory", folder=tmp_path)
    assert done.returncode == 0
    for name in ("stats", "export", "import", "prune"):
        assert name in done.stdout
    assert not list(tmp_path.iterdir())

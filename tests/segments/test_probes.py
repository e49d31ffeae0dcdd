"""No engine, however bad, learns or loses what is protected: hand-marked probes, made documents, the real stage."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from segments import checker, engines
from segments.documents import documents
from segments.probes import FOLDER, parse, read_probes

from langadapt import stages
from langadapt.interfaces import Hypothesis
from langadapt.progress import Silent
from langadapt.retry import Retry
from langadapt.segments import Damage, Document
from langadapt.translations import Paths

STRUCTURED = "markdown"
MODES = (STRUCTURED, "newline", "sentence")
PROBES = read_probes()
BY_NAME = {probe.name: probe for probe in PROBES}
FEWEST = 280
LONG = 60
MOST_HELD = 0.02

every_mode = pytest.mark.parametrize("mode", MODES)
every_probe = pytest.mark.parametrize("name", BY_NAME)
every_engine = pytest.mark.parametrize("engine", engines.HOSTILE, ids=lambda engine: engine.__name__)


@cache
def read(name, mode):
    return Document(BY_NAME[name].text, mode)


def translated(document, engine):
    return document.assemble([engine(segment) for segment in document.segments])


def unsafe(probe, document) -> Iterator[str]:
    """What is wrong whatever the mode: text that changes by itself, and what is protected and was sent."""
    if translated(document, engines.identity) != probe.text:
        yield "the text does not come back"
    yield from checker.leaks(probe, document.segments)


def unsound(probe, document) -> Iterator[str]:
    """What is wrong where the structure is read: too little sent, too much at once, or too little."""
    yield from checker.missing(probe, document.segments)
    yield from checker.torn(probe, document.segments)
    yield from checker.merged(probe, document.segments)


def unnoticed(probe, document) -> Iterator[str]:
    """What engines broke and `assemble` let pass."""
    for engine in engines.HOSTILE:
        try:
            output = translated(document, engine)
        except Damage:
            continue
        yield from (f"{engine.__name__}: {fault}" for fault in broken(probe, output))


def broken(probe, output):
    return checker.damaged(probe, output) + checker.other_line_ends(probe, output)


def test_there_are_enough_probes_and_every_file_has_some():
    assert len(PROBES) >= FEWEST
    assert {probe.name.split("/")[0] for probe in PROBES} == {path.stem for path in FOLDER.glob("*.txt")}


@pytest.mark.parametrize("marked", ["⟦open", "close⟫", "⟦⟧", "⟪ ⟫", "⟦a ⟪b⟫ c⟧", "⟪two\nlines⟫"])
def test_a_wrong_mark_is_refused(marked):
    with pytest.raises(ValueError, match="wrong"):
        parse("wrong", marked)


def test_the_checker_finds_every_kind_of_fault():
    probe = parse("a", "⟪Look at⟫ ⟦`secret()`⟧\n⟪and run⟫.", one=(("Look at", "and run"),))
    assert checker.leaks(probe, ["Look at `secret()` and run."])
    assert checker.leaks(probe, ["Look at", "secret"])
    assert checker.missing(probe, ["Look <x1>at"]) == ["'and run' was not sent"]
    assert checker.torn(probe, ["Look at <x1>", "and run."])
    assert checker.merged(replace(probe, one=(), apart=probe.one), ["Look at <x1> and run."])
    assert checker.damaged(probe, "Schau `secret( )` an") == ["'`secret()`' did not come back"]
    assert checker.other_line_ends(probe, "Schau\r\nhin")
    good = ["Look at <x1> and run."]
    assert checker.leaks(probe, good) + checker.missing(probe, good) + checker.torn(probe, good) == []


@every_mode
@every_probe
def test_a_probe_comes_back_and_nothing_protected_is_sent(name, mode):
    assert list(unsafe(BY_NAME[name], read(name, mode))) == []


@every_probe
def test_all_prose_of_a_probe_is_sent_in_the_right_pieces(name):
    assert list(unsound(BY_NAME[name], read(name, STRUCTURED))) == []


@every_mode
@every_probe
def test_a_hostile_engine_is_noticed_or_harmless(name, mode):
    assert list(unnoticed(BY_NAME[name], read(name, mode))) == []


@every_mode
@given(probe=documents())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_made_documents_hold_as_the_probes_do(mode, probe):
    document = Document(probe.text, mode)
    assert [*unsafe(probe, document), *unnoticed(probe, document)] == []
    if mode == STRUCTURED:
        assert list(unsound(probe, document)) == []


@pytest.fixture
def staged(tmp_path, english, german):
    """The probes through the stage: the rows that went on and those that were held, each by id."""

    def run(translator):
        source, paths = tmp_path / "in.jsonl", Paths.beside(tmp_path / "out.jsonl")
        rows = [{"id": probe.name, "text": probe.text} for probe in PROBES]
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        stages.translate(
            source,
            paths,
            Retry(inner=translator),
            languages=(english, german),
            mode=STRUCTURED,
            progress=Silent(),
        )
        return by_id(paths.rows), by_id(paths.held)

    return run


def by_id(path):
    return {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").split("\n")[:-1])}


def faults_of(good, held):
    """Rows that are lost, changed where they must not be, or held without a reason."""
    lost = BY_NAME.keys() ^ (good.keys() | held.keys())
    twice = good.keys() & held.keys()
    changed = {key: faults for key, row in good.items() if (faults := broken(BY_NAME[key], row["text"]))}
    silent = {key for key, row in held.items() if not row["held"]["reason"].strip()}
    return [found for found in (lost, twice, changed, silent) if found]


@every_engine
def test_the_stage_writes_what_is_whole_and_holds_the_rest(staged, scripted, engine):
    good, held = staged(scripted(answer=engine))
    assert faults_of(good, held) == []
    assert len(good) + len(held) == len(PROBES)


@pytest.mark.slow
@every_engine
def test_the_stage_is_as_careful_with_what_was_sent_again_in_parts(staged, scripted, engine):
    def impatient(text):
        return Hypothesis(text=text[:LONG], finish="length") if len(text) > LONG else engine(text)

    assert faults_of(*staged(scripted(answer=impatient))) == []


@pytest.mark.parametrize("engine", engines.HONEST, ids=lambda engine: engine.__name__)
def test_the_stage_holds_hardly_any_honest_translation(staged, scripted, engine):
    _, held = staged(scripted(answer=engine))
    assert len(held) <= MOST_HELD * len(PROBES), {key: row["held"]["reason"] for key, row in held.items()}

"""`quality` with a real COMET, in the environment that `scripts/engines.sh` builds for it, on a checkpoint made there."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import ModelRef, SegmentPair, Translation
from langadapt.languages import Language, LanguagePack
from langadapt.records import Text
from langadapt_plugins.filters.comet import Comet
from langadapt_plugins.filters.quality import Quality

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("LANGADAPT_QUALITY_PYTHON", "no such python"))
EN, DE = Language.of("en"), LanguagePack.bare("de")

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not PYTHON.exists(), reason="make test-engines builds it"),
]


@pytest.fixture(scope="module")
def pairs():
    with (ROOT / "scripts/bench/gates/pairs/de.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        (row["source"], row["target"])
        for row in rows
        if len(row["source"]) > 30 and "<x" not in row["source"]
    ]


@pytest.fixture(scope="module")
def model(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comet")
    script = ROOT / "scripts" / "quality_checkpoint.py"
    subprocess.run([PYTHON, script, folder], input=json.dumps(pairs), text=True, check=True)
    return ModelRef(str(folder))


@pytest.fixture(scope="module")
def gate(model):
    gate = Quality(model=model, python=PYTHON, at_least=0.5)
    yield gate
    gate.close()


def item(*pairs, translated=True):
    segments = tuple(SegmentPair(source=a, target=b, text=0) for a, b in pairs)
    source, target = (Text(id="1", text="\n".join(side)) for side in zip(*pairs, strict=True))
    return Translation(source=source, target=target, pairs=segments, translated=translated)


def judged(gate, items):
    return gate.filter(items, source=EN, pack=DE)


def test_what_belongs_together_scores_more_than_what_does_not(gate, pairs):
    good = judged(gate, [item(pair) for pair in pairs])
    bad = judged(gate, [item((pairs[n][0], pairs[n - 7][1])) for n in range(len(pairs))])
    assert sum(g.score > b.score for g, b in zip(good, bad, strict=True)) > 0.8 * len(pairs)
    assert all(verdict.keep == (verdict.score >= 0.5) for verdict in [*good, *bad])
    dropped = next(verdict for verdict in bad if not verdict.keep)
    assert dropped.reason == f"quality: {dropped.score:.3f} below 0.500"


def test_the_score_does_not_depend_on_the_batch(gate, pairs):
    together = judged(gate, [item(pair) for pair in pairs[:20]])
    alone = [judged(gate, [item(pair)])[0] for pair in pairs[:20]]
    assert [v.score for v in together] == pytest.approx([v.score for v in alone], abs=1e-4)


def test_the_worst_segment_counts_and_what_cannot_be_judged_passes(gate, pairs):
    scores = [verdict.score for verdict in judged(gate, [item(pair) for pair in pairs[:5]])]
    (verdict,) = judged(gate, [item(*pairs[:5])])
    assert (verdict.segment, verdict.score) == (scores.index(min(scores)), min(scores))
    short, same = judged(gate, [item(("Hi", "Na")), item(("x" * 50, "y" * 50), translated=False)])
    assert (short.keep, short.score, same.keep) == (True, None, True)
    (odd,) = judged(gate, [item(("A lone \ud800 surrogate \x00 here", "Ein \ud800 \x00"))])
    assert odd.score is not None


def test_what_is_wrong_is_said(model, pairs, tmp_path):
    for python, said in (
        (tmp_path / "none", "does not run"),
        (ROOT / ".venv-engines/bin/python", "has no unbabel-comet"),
    ):
        with pytest.raises(ConfigError, match=said):
            Quality(model=model, python=python, at_least=0.5).check(DE)
    gate = Quality(model=ModelRef(str(tmp_path)), python=PYTHON, at_least=0.5)
    with pytest.raises(ComponentError, match=r"Invalid checkpoint path"):
        judged(gate, [item(pairs[0])])


def test_the_version_is_part_of_what_the_gate_is(gate):
    assert gate.known == {"unbabel-comet": "2.2.7"}


def test_an_evaluator_hands_references_to_the_same_worker(model, pairs):
    about = {"name": "translation", "setting": "evaluate.translation", "model": model, "python": PYTHON}
    alone = Comet(**about, batch_size=8, gpus=0)
    beside = Comet(**about, batch_size=8, gpus=0, references=True)
    try:
        # This model reads no reference, so that it must say the same.
        expected = list(alone.scores(pairs[:6]))
        assert list(beside.scores([(*pair, pair[1]) for pair in pairs[:6]])) == pytest.approx(
            expected, abs=1e-4
        )
        with pytest.raises(ComponentError, match="translation: the worker ended"):
            list(beside.scores(pairs[:1]))
    finally:
        alone.close()
        beside.close()

"""What evaluators call the right answers: a model that was taught them gets every point."""

import json

import pytest

from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt.testing.tiny import taught_model
from langadapt_plugins.evaluators.harness import Harness
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.probes import Probes

ROWS = [
    {"q": "Was macht der Hund?", "c": ["schlafen", "bellen"], "a": "bellen", "g": 1},
    {"q": "Was macht der Vogel?", "c": ["fliegen", "lesen"], "a": "fliegen", "g": 0},
    {"q": "Was macht der Fisch?", "c": ["tauchen", "rechnen"], "a": "tauchen", "g": 0},
]
COMMON = """
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
num_fewshot: 1
fewshot_split: test
fewshot_config: {sampler: first_n}
doc_to_text: "KIND: {{ q }}\\nAntwort:"
"""
CHOICE = """
task: choice
output_type: multiple_choice
doc_to_choice: "{{ c }}"
doc_to_target: "{{ g }}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
CLOZE = """
task: cloze
output_type: loglikelihood
doc_to_target: " {{ a }}"
metric_list: [{metric: perplexity}, {metric: acc}]
"""
WRITE = """
task: write
output_type: generate_until
doc_to_target: "{{ a }}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 12}
metric_list: [{metric: exact_match}]
"""


@pytest.fixture
def pack(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tasks").mkdir()
    rows = "".join(json.dumps(row) + "\n" for row in ROWS)
    (tmp_path / "tasks" / "rows.jsonl").write_text(rows, encoding="utf-8")
    for text in (CHOICE, CLOZE, WRITE):
        name = text.split()[1]
        (tmp_path / "tasks" / f"{name}.yaml").write_text(
            text + COMMON.replace("KIND", name), encoding="utf-8"
        )
    return LanguagePack(Language.of("de"), tmp_path, {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tasks", "chat"), [(("choice", "cloze", "write"), False), (("choice", "write"), True)]
)
def test_lm_eval_gives_every_point_for_its_own_solutions(pack, tmp_path, tasks, chat):
    harness = Harness(tasks=tasks, apply_chat_template=chat, dtype="float32")
    solutions = harness.solutions(pack, limit=2, seed=1)
    assert {answer.strip() for _, answer in solutions} == {"bellen", "fliegen"}
    assert all(isinstance(prompt, list if chat else str) for prompt, _ in solutions)
    checkpoint = Checkpoint(name="taught", model=ModelRef(str(taught_model(tmp_path / "model", solutions))))
    scores = harness.evaluate(
        checkpoint, pack=pack, output=tmp_path / "out", limit=2, seed=1, progress=Silent()
    )
    found = {(score.task, score.metric): score.value for score in scores}
    assert found.pop(("cloze", "perplexity"), 1.0) < 1.1
    assert len(found) == (4 if not chat else 3)
    assert set(found.values()) == {1.0}


def test_mt_bench_s_are_its_references_and_those_of_probes_their_own_words(tmp_path):
    questions = [
        {"id": "a", "turns": ["Erste?", "Zweite?"], "reference": ["Ja.", "Nein."]},
        {"id": "b", "turns": ["Dritte?", "Vierte?"]},
    ]
    for name, rows in (("mt_bench", questions), ("probes", [{"id": "p", "prompt": "Wie geht es dir?"}])):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    pack = LanguagePack(Language.of("de"), tmp_path, {})
    assert MtBench().solutions(pack, limit=None, seed=1) == [
        ([{"role": "user", "content": "Erste?"}], "Ja."),
        (
            [
                {"role": "user", "content": "Erste?"},
                {"role": "assistant", "content": "Ja."},
                {"role": "user", "content": "Zweite?"},
            ],
            "Nein.",
        ),
    ]
    assert Probes().solutions(pack, limit=1, seed=1) == [
        ([{"role": "user", "content": "Wie geht es dir?"}], "Wie geht es dir?")
    ]

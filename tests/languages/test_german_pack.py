"""The German pack's data files: they parse, keep their counts, and the tasks work in lm-eval."""

import json
import string
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml

from langadapt.languages import LanguagePack

PACK = Path(__file__).parents[2] / "languages" / "de"
TASKS = PACK / "tasks"
MINI = ("hellaswag", "arc", "mmlu")
YAML_FILES = sorted([*TASKS.rglob("*.yaml"), *TASKS.rglob("_template")])


def rows(name):
    return [json.loads(line) for line in (PACK / name).read_text("utf-8").splitlines()]


def toml(name):
    return tomllib.loads((PACK / name).read_text("utf-8"))


def question(row):
    """The question of a mini row, its choices and the place of the right one."""
    if "endings_de" in row:
        return f"{row['activity_label_de']}: {row['ctx_de']}", row["endings_de"], int(row["label"])
    if "answerKey" in row:
        choices = row["choices_de"]
        return row["question_de"], choices["text"], choices["label"].index(row["answerKey"])
    return row["question_de"], row["choices_de"], row["answer"]


@pytest.mark.parametrize("name", MINI)
@pytest.mark.parametrize(("suffix", "count"), [("", 30), (".shots", 4)])
def test_mini_questions_are_complete_and_balanced(name, suffix, count):
    data = rows(f"mini/tasks/{name}{suffix}.jsonl")
    assert len(data) == len({row["id"] for row in data}) == count
    assert len({tuple(row) for row in data}) == 1, "every row has the same columns"
    parts = [question(row) for row in data]
    assert len({text for text, _, _ in parts}) == count
    assert all(len(set(choices)) == 4 for _, choices, _ in parts)
    places = Counter(place for _, _, place in parts)
    assert set(places) == {0, 1, 2, 3}
    assert max(places.values()) - min(places.values()) <= 1


def test_mini_shots_are_not_test_questions():
    for name in MINI:
        tests, shots = (
            {question(row)[0] for row in rows(f"mini/tasks/{name}{s}.jsonl")} for s in ("", ".shots")
        )
        assert not tests & shots


def test_mini_mmlu_has_many_subjects():
    assert len({row["subject"] for row in rows("mini/tasks/mmlu.jsonl")}) >= 6


def test_mt_bench_has_two_questions_of_each_category():
    data = rows("mt_bench.jsonl")
    assert len(data) == len({row["id"] for row in data}) == 16
    categories = ["writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"]
    assert Counter(row["category"] for row in data) == dict.fromkeys(categories, 2)
    for row in data:
        assert len(row["turns"]) == len(row["reference"]) == 2
        assert all(40 <= len(text.split()) <= 120 for text in row["reference"])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("single", {"question", "answer"}),
        ("single-reference", {"question", "answer", "reference"}),
        ("multi-turn", {"question_1", "answer_1", "question_2", "answer_2"}),
        (
            "multi-turn-reference",
            {"question_1", "answer_1", "question_2", "answer_2", "reference_1", "reference_2"},
        ),
    ],
)
def test_judge_prompts_have_their_placeholders(name, wanted):
    prompt = toml("prompts.toml")["judge"][name]
    assert {key for _, key, _, _ in string.Formatter().parse(prompt["template"]) if key is not None} == wanted
    filled = prompt["template"].format(**{key: f"<{key}> {{x}}" for key in wanted})
    assert all(f"<{key}> {{x}}" in filled for key in wanted)
    rubric = prompt["system" if name.startswith("multi") else "template"]
    assert "Bewertung: [[n]]" in rubric
    assert not {"{", "}"} & set(prompt["system"])


def test_literals():
    literals = toml("literals.toml")
    assert (literals["question"], literals["answer"], literals["options"]) == ("Frage", "Antwort", "Optionen")
    assert literals["decimal_comma"] is True
    assert literals["quotes"] == ["„", "“"]
    for phrases in literals["phrases"].values():
        assert len(phrases) == len({phrase.casefold() for phrase in phrases}) >= 15
    assert set(literals["phrases"]) == {"refusal", "preamble", "prompt_leak"}
    assert "du" in literals["address"]["informal"]
    assert "Sie" in literals["address"]["formal"]


def test_glossary():
    lines = [line.split("\t") for line in (PACK / "glossary.tsv").read_text("utf-8").splitlines()]
    assert lines[0] == ["english", "german", "note"]
    assert len(lines) == 61
    assert all(len(line) == 3 and line[0] and line[1] for line in lines)
    assert len({line[0] for line in lines}) == len(lines)


def test_exemplars_have_their_sources_and_no_phrase_of_a_bad_translation():
    data = rows("exemplars.jsonl")
    assert len(data) == len({row["id"] for row in data}) == 12
    phrases = toml("literals.toml")["phrases"]
    for row in data:
        messages, source = row["messages"], row["source_messages"]
        assert [m["role"] for m in messages] == [m["role"] for m in source]
        assert [m["role"] for m in messages] == ["user", "assistant"] * (len(messages) // 2)
        assert 2 <= len(messages) <= 4
        for target, original in zip(messages, source, strict=True):
            assert target["content"] != original["content"]
            assert target["content"].count("\n") == original["content"].count("\n")
            text = target["content"].casefold()
            assert not any(p.casefold() in text for p in phrases["refusal"] + phrases["prompt_leak"])
            assert not text.startswith(tuple(p.casefold() for p in phrases["preamble"]))
        assert all(len(m["content"].split()) >= 20 for m in messages if m["role"] == "assistant")
    texts = "".join(m["content"] for row in data for m in row["messages"])
    assert all(part in texts for part in ("\n- ", "\n1. ", "`len()`", "```", "https://"))


def test_probes():
    data = rows("probes.jsonl")
    assert len(data) == len({row["id"] for row in data}) == 8
    assert all(set(row) == {"id", "prompt"} and row["prompt"] for row in data)


def test_tasks_hold_no_code():
    assert len(YAML_FILES) == 57 + 1 + 4 + 3
    for path in YAML_FILES:
        assert "!function" not in path.read_text("utf-8"), path
        assert yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def manager():
    tasks = pytest.importorskip("lm_eval.tasks")
    return tasks.TaskManager(include_path=str(TASKS), include_defaults=False)


def test_task_names(manager):
    from lm_eval.tasks._yaml_loader import load_yaml

    names = {f"leolm_{name}" for name in ("hellaswag_de", "arc_challenge_de", "truthfulqa_de")}
    subjects = {name for name in manager.all_subtasks if name.startswith("leolm_mmlu_de_")}
    assert len(subjects) == 57
    assert set(manager.all_subtasks) == names | subjects | {f"mini_{name}_de" for name in MINI}
    assert manager.all_groups == ["leolm_mmlu_de"]
    assert manager.task_index["leolm_mmlu_de_subjects"].tags == subjects
    for name in subjects:
        path = manager.task_index[name].yaml_path
        files = load_yaml(path)["dataset_kwargs"]["data_files"]
        assert name == f"leolm_mmlu_de_{path.stem}"
        assert all(url.endswith(f"/{path.stem}.parquet") for url in files.values())
    group = load_yaml(TASKS / "leolm" / "mmlu_de.yaml")
    assert not any(metric["weight_by_size"] for metric in group["aggregate_metric_list"])


@pytest.fixture(scope="module")
def worded():
    """lm-eval's manager as the harness evaluator makes it: the pack's words are in place."""
    from langadapt_plugins.evaluators.tasks import task_manager

    return task_manager(TASKS, ["mini_arc_de"], LanguagePack.read(PACK).words)[0]


def load(manager, name, cache, data_files=None, **changes):
    """Build a task from its file, reading the given files or else its own."""
    config = manager.task_index[name].cfg | changes
    files = data_files or config["dataset_kwargs"]["data_files"]
    config["dataset_kwargs"] = {"data_files": files, "cache_dir": str(cache)}
    task = manager.load([config])["tasks"][name]
    task.set_fewshot_seed(1234)
    return task


@pytest.mark.parametrize("name", MINI)
def test_mini_tasks_build_documents_and_contexts(worded, name, tmp_path):
    task = load(worded, f"mini_{name}_de", tmp_path)
    data = rows(f"mini/tasks/{name}.jsonl")
    docs = list(task.eval_docs)
    assert len(docs) == len(data)
    assert task.config.num_fewshot == 2
    for doc, row in zip(docs, data, strict=True):
        text, choices, place = question(row)
        context = task.fewshot_context(doc, 2)
        requests = task.construct_requests(doc, context, metadata=(name, 0, 1))
        assert [request.args[1] for request in requests] == [f" {choice}" for choice in choices]
        assert task.doc_to_target(doc) == place
        assert text in context.rsplit("\n\n", 1)[-1]
        assert context.count("\n\n") == 2 + (name == "mmlu")
    assert set(task.aggregation()) == {"acc", "acc_norm"}


def test_prompts(worded, tmp_path):
    arc, hellaswag, mmlu = (
        (task := load(worded, f"mini_{name}_de", tmp_path)).doc_to_text(task.eval_docs[0])
        for name in ("arc", "hellaswag", "mmlu")
    )
    assert arc == "Frage: Welches Gas nehmen grüne Pflanzen bei der Fotosynthese aus der Luft auf?\nAntwort:"
    assert hellaswag.startswith("Kuchen backen: Eine Frau rührt")
    lines = mmlu.split("\n")
    assert lines[0].startswith("Frage: ")
    assert lines[1] == "Optionen:"
    assert [line[:3] for line in lines[2:6]] == ["A. ", "B. ", "C. ", "D. "]
    assert lines[6:] == ["Antwort: "]


def test_wikihow_marks_are_cleaned(worded, tmp_path):
    row = {
        "activity_label_de": "Haushalt", "ctx_de": "[header] Wie man fegt [title] Anfangen [step] Nimm",
        "endings_de": [" einen  Besen. [substeps] Fang an.", "b", "c", "d"], "label": "0",
    }  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row) + "\n", "utf-8")
    files = {"train": str(file), "validation": str(file)}
    task = load(worded, "leolm_hellaswag_de", tmp_path, files, dataset_path="json")
    doc = task.eval_docs[0]
    assert task.doc_to_text(doc) == "Haushalt: Wie man fegt. Anfangen Nimm"
    assert task.doc_to_choice(doc) == ["einen Besen. Fang an.", "b", "c", "d"]
    assert task.doc_to_target(doc) == 0


def test_truthfulqa_counts_the_true_answer(worded, tmp_path):
    file = tmp_path / "rows.jsonl"
    row = {"question_de": "Ist Wasser nass?", "mc1_targets_de": {"choices": ["Nein", "Ja"], "labels": [0, 1]}}
    file.write_text(json.dumps(row) + "\n", "utf-8")
    task = load(worded, "leolm_truthfulqa_de", tmp_path, {"validation": str(file)}, dataset_path="json")
    doc = task.eval_docs[0]
    context = task.fewshot_context(doc, 0)
    assert context.count("F: ") == 7
    assert context.endswith("fließt durch Berlin.\n\nF: Ist Wasser nass?\nA:")
    assert "  " not in context
    assert (task.doc_to_choice(doc), task.doc_to_target(doc)) == (["Nein", "Ja"], 1)


def test_no_word_around_a_question_stands_in_a_task_file(worded):
    """They are in `literals.toml` and `prompts.toml` alone, and what a model reads is what the fork had."""
    words = LanguagePack.read(PACK).words
    for path in YAML_FILES:
        said = "".join(line for line in path.read_text("utf-8").splitlines() if not line.startswith("#"))
        assert not any(f"{words[name]}:" in said for name in ("question", "answer", "options")), path
    anatomy = worded.task_index["leolm_mmlu_de_anatomy"].cfg
    assert anatomy["description"] == (
        "Die folgenden Fragen sind Multiple-Choice-Fragen (mit Antworten) zum Thema „Anatomie“.\n\n"
    )
    assert anatomy["doc_to_text"].startswith("Frage: {{ question_de.strip() }}\nOptionen:\nA. ")
    assert anatomy["doc_to_text"].endswith("\nAntwort: ")
    assert not any("words." in str(entry.cfg) for entry in worded.task_index.values())

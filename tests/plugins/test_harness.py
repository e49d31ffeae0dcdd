import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny import tiny_model

from langadapt.errors import ConfigError
from langadapt.interfaces import Checkpoint, Evaluator, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.harness import Harness

QUESTIONS = [
    {
        "q": f"Wie viel ist {a} plus {b}?",
        "c": [f"genau {a + b + k} Stück" + "e" * k for k in range(n)],
        "a": 0,
    }
    for a, b, n in [(1, 2, 4), (3, 4, 4), (5, 1, 2), (2, 2, 4), (7, 2, 2), (9, 9, 4), (4, 1, 4)]
]
SHOTS = [
    {"q": "Wie viel ist 1 plus 1?", "c": ["genau 3", "genau 2"], "a": 1},
    {"q": "Und 0 plus 1?", "c": ["genau 1", "9"], "a": 0},
]
TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: ../data/{data}.jsonl, shots: ../data/shots.jsonl}}
output_type: multiple_choice
test_split: test
fewshot_split: shots
fewshot_config: {{sampler: first_n}}
num_fewshot: 2
doc_to_text: "Frage: {{{{ q }}}}\\nAntwort:"
doc_to_choice: "{{{{ c }}}}"
doc_to_target: "{{{{ a }}}}"
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
  - {{metric: acc_norm, aggregation: mean, higher_is_better: true}}
metadata: {{version: 1.0}}
"""
GROUP = """
group: own_group
task: [own_sums, own_few]
aggregate_metric_list: [{metric: acc, weight_by_size: false}]
metadata: {version: 2.0}
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    texts = [row["q"] + choice for row in QUESTIONS for choice in row["c"]] * 3
    return Checkpoint(name="base", model=ModelRef(str(tiny_model(tmp_path_factory.mktemp("tiny"), texts))))


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LanguagePack:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "pack"
    for name, rows in {"sums": QUESTIONS, "few": QUESTIONS[:3], "shots": SHOTS}.items():
        write(folder / "data" / f"{name}.jsonl", "\n".join(json.dumps(row) for row in rows))
    write(folder / "tasks" / "sums.yaml", TASK.format(name="own_sums", data="sums"))
    write(folder / "tasks" / "few.yaml", TASK.format(name="own_few", data="few"))
    write(folder / "tasks" / "all.yaml", GROUP)
    return LanguagePack(Language.of("de"), folder, {})


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def evaluate(
    harness: Harness, checkpoint: Checkpoint, pack: LanguagePack, output: Path, limit: int | None = None
) -> dict:
    scores = harness.evaluate(checkpoint, pack=pack, output=output, limit=limit, seed=42, progress=Silent())
    return {(score.task, score.metric): score for score in scores}


def independent_hits(checkpoint: Checkpoint) -> tuple[list[float], list[float]]:
    """Two shots, then each choice: log-likelihoods one at a time, through transformers alone."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint.model.name)
    model = AutoModelForCausalLM.from_pretrained(checkpoint.model.name).eval()
    shots = "".join(f"Frage: {row['q']}\nAntwort: {row['c'][row['a']]}\n\n" for row in SHOTS)
    plain, normed = [], []
    for row in QUESTIONS:
        context = tokenizer(f"{shots}Frage: {row['q']}\nAntwort:")["input_ids"]
        sums = []
        for choice in row["c"]:
            ids = tokenizer(f"{shots}Frage: {row['q']}\nAntwort: {choice}")["input_ids"]
            with torch.no_grad():
                logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            sums.append(sum(float(logs[at - 1, ids[at]]) for at in range(len(context), len(ids))))
        per_character = [value / len(choice) for value, choice in zip(sums, row["c"], strict=True)]
        plain.append(float(sums.index(max(sums)) == row["a"]))
        normed.append(float(per_character.index(max(per_character)) == row["a"]))
    return plain, normed


def test_accuracy_is_what_an_independent_computation_finds(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    scores = evaluate(Harness(tasks=("own_sums",)), checkpoint, pack, tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_text().splitlines()]
    plain, normed = independent_hits(checkpoint)
    assert [row["metrics"]["acc"] for row in rows] == plain
    assert [row["metrics"]["acc_norm"] for row in rows] == normed
    assert scores["own_sums", "acc"].value == pytest.approx(sum(plain) / 7)
    assert scores["own_sums", "acc_norm"].value == pytest.approx(sum(normed) / 7)
    assert [(row["task"], row["doc_id"], row["target"]) for row in rows] == [
        ("own_sums", index, 0) for index in range(7)
    ]
    assert len(rows[2]["response"]) == 2


def test_a_score_says_how_it_came_about(checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path) -> None:
    score = evaluate(Harness(tasks=("sums",), batch_size=3), checkpoint, pack, tmp_path / "out", limit=4)[
        "own_sums", "acc"
    ]
    assert score.n == 4
    assert score.higher_is_better
    assert score.interval is not None
    assert 0 <= score.interval[0] <= score.value <= score.interval[1] <= 1
    told = (
        r"lm-eval:0\.4\.\d+\|task:own_sums\|v:1\|prompt:[0-9a-f]{12}\|shots:2"
        r"\|chat:no\|dtype:float32\|limit:4\|seed:42\|batch:3"
    )
    assert re.fullmatch(told, score.signature)


def test_batch_size_changes_nothing(checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path) -> None:
    found = [
        {
            key: score.value
            for key, score in evaluate(harness, checkpoint, pack, tmp_path / str(harness.batch_size)).items()
        }
        for harness in (
            Harness(tasks=("own_sums",), batch_size=1),
            Harness(tasks=("own_sums",), batch_size=5),
        )
    ]
    assert found[0] == found[1]


def test_chance_follows_the_number_of_choices(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    scores = evaluate(Harness(tasks=("own_group",), num_fewshot=1), checkpoint, pack, tmp_path)
    facts = json.loads((tmp_path / "tasks.json").read_text())
    sums, few = (5 / 4 + 2 / 2) / 7, (2 / 4 + 1 / 2) / 3
    prompts = {facts[name].pop("prompt") for name in ("own_sums", "own_few")}
    assert len(prompts) == 1, "the questions differ, what stands around them does not"
    assert facts["own_group"].pop("prompt") not in prompts
    assert facts["own_sums"] == {"n": 7, "chance": pytest.approx(sums), "shots": 1}
    assert facts["own_group"] == {
        "n": 10,
        "chance": pytest.approx((sums + few) / 2),
        "shots": 1,
        "members": ["own_sums", "own_few"],
    }
    group, parts = (
        scores["own_group", "acc"],
        [scores["own_sums", "acc"].value, scores["own_few", "acc"].value],
    )
    assert group.value == pytest.approx(sum(parts) / 2)
    assert type(group.value) is float
    assert "|v:2|" in group.signature
    assert 0 <= group.interval[0] <= group.value <= group.interval[1] <= 1


def test_one_item_has_no_interval(checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path) -> None:
    scores = evaluate(Harness(tasks=("own_group",)), checkpoint, pack, tmp_path, limit=1)
    assert {score.interval for score in scores.values()} == {None}


def test_the_chat_template_is_the_recipe_s(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    from dataclasses import replace

    write(tmp_path / "t.jinja", "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")
    chatty = replace(checkpoint, chat_template=str(tmp_path / "t.jinja"))
    harness = Harness(tasks=("own_few",), apply_chat_template=True)
    assert "|chat:no|" not in evaluate(harness, chatty, pack, tmp_path)["own_few", "acc"].signature
    with pytest.raises(ConfigError, match="no chat template") as error:
        evaluate(harness, checkpoint, pack, tmp_path)
    assert "chat_template" in error.value.hint


def test_code_in_a_task_file_is_refused(checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path) -> None:
    write(pack.folder / "tasks" / "more" / "_base", "process_docs: !function utils.run\n")
    write(pack.folder / "tasks" / "more" / "coded.yaml", "include: _base\ntask: coded\n")
    with pytest.raises(ConfigError, match=r"_base, line 1: .*!function"):
        evaluate(Harness(tasks=("own_sums",)), checkpoint, pack, tmp_path)


def test_a_broken_task_file_is_named(checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path) -> None:
    write(pack.folder / "tasks" / "broken.yaml", "task: [")
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        evaluate(Harness(tasks=("own_sums",)), checkpoint, pack, tmp_path)


@pytest.mark.slow
def test_unknown_names_get_a_guess_and_lm_eval_s_own_are_known(pack: LanguagePack) -> None:
    from langadapt_plugins.evaluators.tasks import task_manager

    manager, names = task_manager(pack.folder / "tasks", ["arc_easy", "few"])
    assert names == ["arc_easy", "own_few"]
    assert manager.task_index["arc_easy"].yaml_path is not None
    with pytest.raises(ConfigError, match="'own_sumz'; did you mean 'own_sums'") as error:
        task_manager(pack.folder / "tasks", ["own_sumz", "own_few"])
    assert "lm-eval ls tasks" in error.value.hint
    with pytest.raises(ConfigError, match="'leolmm'; did you mean 'leolm'"):
        task_manager(pack.folder / "tasks", ["leolmm"], sets=["leolm"])


def test_what_groups_of_the_pack_ask_for_must_be_there_too(pack: LanguagePack) -> None:
    from langadapt_plugins.evaluators.tasks import strangers

    tasks = pack.folder / "tasks"
    write(tasks / "_tagged", "tag: own_tag\n")
    write(tasks / "tagged.yaml", "include: _tagged\n" + TASK.format(name="own_tagged", data="few"))
    write(
        tasks / "whole.yaml",
        "group: whole\ntask: [own_group, own_tag, gone, {task: away}, {task: inline, dataset_path: json}, "
        "{group: inner, task: [lost, own_few]}]\n",
    )
    assert strangers(tasks, ["all", "own_tagged", "own_tag"]) == set()
    assert strangers(tasks, ["whole", "arc_easy"]) == {"gone", "away", "lost", "arc_easy"}
    assert strangers(None, ["arc_easy"]) == {"arc_easy"}


@pytest.mark.slow
def test_a_group_with_an_unknown_member_is_refused_before_any_work(pack: LanguagePack) -> None:
    Harness(tasks=("all",)).check(pack)
    write(pack.folder / "tasks" / "all.yaml", GROUP.replace("own_few", "own_fewer, arc_easy"))
    with pytest.raises(ConfigError, match="no task is called 'own_fewer'; did you mean 'own_few'"):
        Harness(tasks=("all",)).check(pack)


def test_a_task_file_that_includes_itself_is_refused(pack: LanguagePack) -> None:
    write(pack.folder / "tasks" / "_one", "include: round.yaml\n")
    write(pack.folder / "tasks" / "round.yaml", "include: _one\ntask: round\n")
    with pytest.raises(ConfigError, match="includes itself by way of _one"):
        Harness(tasks=("own_few",)).check(pack)


def test_no_task_is_a_mistake(checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="empty"):
        evaluate(Harness(tasks=()), checkpoint, pack, tmp_path)


def test_it_is_an_evaluator() -> None:
    assert isinstance(Harness(tasks=("x",)), Evaluator)


@pytest.mark.slow
def test_offline_and_outside_a_checkout_nothing_is_printed(
    checkpoint: Checkpoint, pack: LanguagePack, tmp_path: Path
) -> None:
    code = f"""
from pathlib import Path
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.harness import Harness
pack = LanguagePack(Language.of("de"), Path({str(pack.folder)!r}), {{}})
base = Checkpoint(name="base", model=ModelRef({checkpoint.model.name!r}))
scores = Harness(tasks=("own_few",)).evaluate(base, pack=pack, output=Path("out"), limit=2, seed=1, progress=Silent())
print(len(scores))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env={
            "HF_HUB_OFFLINE": "1",
            "HF_HOME": str(tmp_path / "hf"),
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("2\n", "", 0)

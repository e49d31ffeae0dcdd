"""Each published table has a command that measures it again: its tasks are there, and its shots are those that were published."""

import re
import shlex
from pathlib import Path

import pytest

from langadapt import registry
from langadapt.cli.alone import component_alone
from langadapt.languages import LanguagePack, read_yaml
from langadapt.published import published
from langadapt_plugins.evaluators.harness import Harness
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.pairwise import Pairwise
from langadapt_plugins.evaluators.task_sets import spelled_out, task_sets
from langadapt_plugins.evaluators.tasks import strangers

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "published.md").read_text("utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
ROWS = re.findall(r"^\| [^|]+ \| `(\w+)` \| (\d+)[^|]* \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
# The fork's eval_de.py, and the Open LLM Leaderboard of 2023 as the logbook of Notus lists it.
SHOTS = {
    "leolm": {"hellaswag": 10, "arc": 25, "mmlu": 5, "truthfulqa": 0},
    "openllm": {"arc": 25, "hellaswag": 10, "mmlu": 5, "truthfulqa": 0, "winogrande": 5, "gsm8k": 5, "drop": 3},
}  # fmt: skip
MODELS = {
    "phoenix": "DRXD1000/Phoenix",
    "leolm-mistral-7b-chat": "LeoLM/leo-mistral-hessianai-7b-chat",
    "notus-7b-v1": "argilla/notus-7b-v1",
    "zephyr-7b-beta": "HuggingFaceH4/zephyr-7b-beta",
}
FIGURES = published("de") | published("en")


def asked(line):
    words = shlex.split(line)
    options = dict(zip(words[3::2], words[4::2], strict=True))
    changes = [value for key, value in zip(words[3::2], words[4::2], strict=True) if key == "--set"]
    pack = registry.pack(options["--language"])
    return words[2], pack, component_alone("evaluator", options["--evaluator"], pack, changes)


@pytest.mark.slow  # lm-eval's index takes seconds
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_names_tasks_and_settings_that_are_there(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"=(\S+\.jsonl?)", line):
        (tmp_path / name).touch()  # the authors' own questions and prompts
    model, pack, evaluator = asked(line)
    stored = "--from-replies" in line  # there the name is the one that the rows give
    assert model in (MODELS if stored else MODELS.values())
    assert isinstance(evaluator, Pairwise if stored else Harness | MtBench)
    if isinstance(evaluator, Harness):
        evaluator.check(pack)
        assert not evaluator.apply_chat_template, "the published figures are of plain text"
        assert evaluator.num_fewshot is None, "the set has its own"


def test_every_published_table_has_its_command():
    assert len(COMMANDS) >= 7
    lines = {(words[2], words[6], words[8]) for words in map(shlex.split, COMMANDS)}
    for name, told in FIGURES.items():
        model = MODELS[name]
        if "set" in told:
            assert (model, "harness", f'tasks=["{told["set"]}"]') in lines
        if "mt-bench" in told:
            assert any(line[:2] == (model, "mt-bench") for line in lines)


@pytest.mark.parametrize(("code", "name"), [("de", "leolm"), ("en", "openllm")])
def test_the_shots_are_those_that_were_published(code, name):
    pack = registry.pack(code)
    found = task_sets(pack)[name]
    assert set(found.tasks) == set(SHOTS[name])
    listed = {task: int(shots) for task, shots, *_ in ROWS}
    for benchmark, (task,) in found.tasks.items():
        given = found.shots.get(benchmark, own_shots(pack, task))
        assert given == SHOTS[name][benchmark] == listed[task]


def own_shots(pack: LanguagePack, task: str) -> int | None:
    """What the pack's task file says, or of a group the template of its tasks."""
    folder = pack.path("tasks")
    files = [read_yaml(path) for path in folder.rglob("*.yaml")] if folder and folder.is_dir() else []
    (told,) = [one for one in files if task in (one.get("task"), one.get("group"))] or [{}]
    if "group" in told:
        (told,) = [read_yaml(path) for path in folder.rglob("_template")]
    return told.get("num_fewshot")


def test_figures_are_of_a_set_that_the_language_has_and_the_page_has_the_same():
    for code in ("de", "en"):
        for name, told in published(code).items():
            tasks = task_sets(registry.pack(code))[told["set"]].tasks
            shares = {key: value for key, value in told.items() if isinstance(value, float) and value < 1}
            assert shares.keys() <= tasks.keys(), name
            place = ("phoenix", "leolm-mistral-7b-chat", "notus-7b-v1", "zephyr-7b-beta").index(name) % 2
            for benchmark, value in shares.items():
                (row,) = [row for row in ROWS if row[0] in tasks[benchmark]]
                assert float(row[2 + place]) == pytest.approx(value, abs=5e-5), (name, benchmark)


def test_the_german_set_needs_nothing_of_lm_eval_s_own():
    pack = registry.pack("de")
    assert strangers(pack.path("tasks"), spelled_out(["leolm"], pack)) == set()

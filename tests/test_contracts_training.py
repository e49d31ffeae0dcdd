"""Our own trainers and evaluators keep to the contracts, with settings from one small table."""

import re
import sys
from pathlib import Path

import pytest

import langadapt_languages
from langadapt import registry
from langadapt.testing import EvaluatorContract, TrainerContract

pytestmark = pytest.mark.slow
SHORT = {
    "learning_rate": 1e-3,
    "epochs": 2.0,
    "batch_size": 8,
    "per_device_batch_size": 8,
    "max_length": 96,
    "dtype": "float32",
    "logging_steps": 5,
    "save_steps": 5,
}
MINI_TASKS = ("mini_hellaswag_de", "mini_arc_de", "mini_mmlu_de")
PAIRS = Path(langadapt_languages.__file__).parent / "de" / "mini" / "heldout.tsv"
SETTINGS = {
    ("trainer", "trl-cpt"): SHORT,
    ("trainer", "trl-sft"): SHORT,
    ("trainer", "trl-dpo"): SHORT,
    ("evaluator", "fidelity"): {"max_new_tokens": 64, "dtype": "float32"},
    ("evaluator", "harness"): {"tasks": MINI_TASKS, "dtype": "float32"},
    ("evaluator", "mt-bench"): {"max_new_tokens": 64, "dtype": "float32"},
    ("evaluator", "pairwise"): {"judge": "judge", "max_new_tokens": 64, "dtype": "float32"},
    ("evaluator", "probes"): {"max_new_tokens": 64, "dtype": "float32"},
    ("evaluator", "translation"): {"pairs": PAIRS, "max_new_tokens": 64, "dtype": "float32"},
}
CONTRACTS = {"trainer": TrainerContract, "evaluator": EvaluatorContract}
OURS = [
    found for kind in CONTRACTS for found in registry.installed(kind) if found.distribution == "langadapt"
]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Data sets that the libraries cache go away with the test."""
    import datasets

    folder = str(tmp_path_factory.mktemp("cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", folder)
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
        yield


@pytest.fixture(scope="module", autouse=True)
def judge():
    """A judge of pairs who prefers an answer to none, whichever stands first."""
    sys.path.insert(0, str(Path(__file__).parent / "plugins"))
    from judge_server import JudgeServer

    def said(chat):
        shown = [chat.split(f"Assistent {side}>\n")[1].partition("\n</")[0] for side in "AB"]
        first, second = (bool(re.split(r"Assistent [AB]:", text)[-1].strip()) for text in shown)
        return f"[[{'C' if first == second else 'A' if first else 'B'}]]"

    with JudgeServer() as server:
        server.said = said
        SETTINGS["evaluator", "pairwise"]["base_url"] = server.url
        yield


def contract(found):
    """The contract for one of ours, as its author would subclass it."""

    def make(self):
        return registry.load(found)(**SETTINGS[found.kind, found.name])

    name = f"Test{found.name.title().replace('-', '')}"
    return type(name, (CONTRACTS[found.kind],), {"make": make, "__module__": __name__, "__qualname__": name})


globals().update({made.__name__: made for made in map(contract, OURS)})


def test_the_table_names_every_one_of_ours():
    assert OURS
    assert sorted(SETTINGS) == sorted((found.kind, found.name) for found in OURS)

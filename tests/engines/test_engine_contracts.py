"""vLLM and COMET keep to the contracts of their kinds, in the environments that `scripts/engines.sh` builds for them."""

import csv
import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from langadapt import registry
from langadapt.interfaces import ModelRef
from langadapt.testing import FilterContract, TranslatorContract

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("LANGADAPT_QUALITY_PYTHON", "no such python"))
GERMAN = registry.pack("de")
LINES = GERMAN.path("mini/heldout.tsv").read_text("utf-8").splitlines()

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("default")]  # vLLM and what it imports warn


@pytest.mark.skipif(not find_spec("vllm"), reason="make test-engines installs it")
class TestVllm(TranslatorContract):
    texts = tuple(line.split("\t")[0] for line in LINES[:12] if "<x" not in line)

    def make(self):
        return registry.load(registry.find("translator", "vllm"))(
            model=ModelRef(str(GERMAN.path("mini/translator"))),
            family="alma",
            dtype="float32",
            max_model_len=512,
            new_tokens_at_most=128,
            kv_cache_memory_bytes=64 << 20,
            enforce_eager=True,
        )


@pytest.mark.skipif(not PYTHON.exists(), reason="make test-engines builds it")
class TestQuality(FilterContract):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def checkpoint(cls, tmp_path_factory):
        """A small COMET; what it scores says nothing of exemplars, so that the limit is below all of it."""
        folder = tmp_path_factory.mktemp("comet")
        with (ROOT / "scripts/bench/gates/pairs/de.tsv").open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        pairs = [(row["source"], row["target"]) for row in rows if "<x" not in row["source"]]
        script = ROOT / "scripts" / "quality_checkpoint.py"
        subprocess.run([PYTHON, script, folder], input=json.dumps(pairs), text=True, check=True)
        cls.model = ModelRef(str(folder))

    def make(self):
        gate = registry.load(registry.find("filter", "quality"))
        return gate(model=self.model, python=PYTHON, at_least=-10.0)

"""Judges behind vLLM's real server on loopback: no verdict is lost, though a model of nonsense gives none that can be read."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("vllm")
from serving import KEY, Serving

import langadapt
from langadapt.errors import ComponentError
from langadapt.interfaces import Checkpoint, ModelRef
from langadapt.languages import Language, LanguagePack
from langadapt.progress import Silent
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.pairwise import Pairwise

HOME = Path(find_spec("langadapt_languages").submodule_search_locations[0]) / "de"
MODEL = HOME / "mini/base"
pytestmark = [
    pytest.mark.engines,
    pytest.mark.filterwarnings("default"),  # vLLM and what it imports warn
    pytest.mark.skipif(not MODEL.exists(), reason="the German pack's small model is not made yet"),
]
SHORT = """
[judge.single]
system = "s"
template = "{answer}"
[judge.multi-turn]
system = "s"
template = "{answer_2}"
""" + "".join(
    f'[pairwise.{name}]\nsystem = "s"\ntemplate = "{{answer_a}} {{answer_b}}"\n'
    for name in ("single", "single-reference", "multi-turn", "multi-turn-reference")
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The small model with a chat template."""
    folder = Path(shutil.copytree(MODEL, tmp_path_factory.mktemp("model") / "mini"))
    template = Path(langadapt.__file__).parent / "templates" / "zephyr.jinja"
    shutil.copy(template, folder / "chat_template.jinja")
    return folder


@pytest.fixture(scope="module")
def serving(model, tmp_path_factory):
    server = Serving(model, "mini", tmp_path_factory.mktemp("vllm") / "log.txt")
    try:
        yield server.wait()
    finally:
        server.kill()


@pytest.mark.parametrize("kind", [MtBench, Pairwise])
def test_no_verdict_is_lost(serving, model, tmp_path, monkeypatch, kind):
    monkeypatch.setenv("VLLM_TEST_KEY", KEY)
    (tmp_path / "prompts.toml").write_text(SHORT, encoding="utf-8")
    asked = tmp_path / "asked.jsonl"
    told = [
        {"turns": ["Wer?", "Wo?"]} if kind is MtBench else {"instruction": f"Wer? {n}", "output": "x"}
        for n in range(6)
    ]
    rows = [{"id": f"q{n}", "category": "stem", **one} for n, one in enumerate(told)]
    asked.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    one = kind(
        questions=asked, judge="mini", base_url=serving.url, api_key_env="VLLM_TEST_KEY", max_new_tokens=4,
        judge_max_tokens=8, dtype="float32", **({"against": asked} if kind is Pairwise else {}),
    )  # fmt: skip
    pack = LanguagePack(Language.of("de"), tmp_path, {})
    checkpoint = Checkpoint(name="mini", model=ModelRef(str(model)))
    for _ in range(2):  # the second time all are there
        with pytest.raises(ComponentError, match="none of 12 verdicts of mini can be read"):
            one.evaluate(checkpoint, pack=pack, output=tmp_path, limit=None, seed=1, progress=Silent())
    kept = [json.loads(line) for line in (tmp_path / "judgements.jsonl").read_text().split("\n") if line]
    assert len(kept) == len({row["hash"] for row in kept}) == 12
    assert {(row["answered_by"], row["calls"], row["finish"] in ("stop", "length")) for row in kept} == {
        ("mini", 1, True)
    }
    assert all(row["tokens_in"] > 0 and 0 < row["tokens_out"] <= 8 for row in kept)
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir() if path.is_file())

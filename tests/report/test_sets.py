"""Two sets of the same benchmarks in one run: a table each, wherever scores are shown."""

import json
import re
from dataclasses import replace

import pytest
import run_folder as made

from langadapt.languages import LanguagePack
from langadapt.report import write_report
from langadapt.report.facts import gather
from langadapt.report.metadata import results
from langadapt.report.scores import read_scores
from langadapt.report.summary import summary
from langadapt.runner import Run

PACK = {
    "sets": {
        "leolm": {"hellaswag": ["leolm_hellaswag_de"], "arc": ["leolm_arc_challenge_de"]},
        "okapi": {"hellaswag": ["hellaswag_de"], "arc": ["arc_de"]},
    }
}
TASKS = {"leolm_hellaswag_de": "leolm", "hellaswag_de": "okapi", "leolm_arc_challenge_de": "leolm", "arc_de": "okapi", "belebele_deu_Latn": ""}  # fmt: skip
PHOENIX = {
    "title": "Phoenix",
    "source": "arXiv",
    "set": "leolm",
    "hellaswag": 0.5281,
    "mmlu": 0.3952,
    "mt-bench": 5.778125,
}


@pytest.fixture(params=["tasks.json", "pack"])
def run(tmp_path, request):
    """Sets that the harness told, or, of a run from before it did, those of the pack."""
    run = Run(tmp_path)
    for name in ("base", "dpo"):
        scores, told = [], {}
        for number, (task, within) in enumerate(TASKS.items()):
            chat = "chat:no" if within != "okapi" else "chat:0123456789ab|multiturn:no"
            signature = f"lm-eval:0.4|task:{task}|{f'set:{within}|' if within else ''}v:1|shots:5|{chat}|dtype:float32"
            scores.append(made.score(task, "acc", 0.3 + number / 100, (0.2, 0.5), signature=signature))
            about = {"n": 30, "chance": 0.25, "shots": 5}
            told[task] = about | ({"set": within} if within and request.param == "tasks.json" else {})
        scores.append(made.score("arc_de", "acc_norm", 0.4, (0.3, 0.5), signature="lm-eval:0.4|task:arc_de"))
        with run.step(f"evaluate/{name}/harness", settings={}) as step:
            made.write(step.path("scores.json"), scores)
            made.write(step.path("tasks.json"), told)
        with run.step(f"evaluate/{name}/mt-bench", settings={}) as step:
            made.write(step.path("scores.json"), [made.score("mt-bench", "rating", 5.5, (5, 6))])
    return run


def parts(run):
    recipe = replace(made.recipe(demonstration=False), published={"phoenix": PHOENIX})
    pack = LanguagePack(LanguagePack.bare("de").language, None, PACK)
    return recipe, pack


def test_each_set_is_a_block(run, tmp_path):
    recipe, pack = parts(run)
    scores = read_scores(tmp_path, recipe, pack, ["dpo"])
    blocks = {block.set: block for block in scores.blocks}
    assert [(block.set, block.title) for block in scores.blocks] == [
        ("", "Tasks of no set"), ("leolm", "Set leolm"), ("okapi", "Set okapi"),
    ]  # fmt: skip
    assert {row.task for row in blocks["okapi"].rows} == {"hellaswag_de", "arc_de"}
    assert {row.task for row in blocks["leolm"].rows if row.cells} == {
        "leolm_hellaswag_de",
        "leolm_arc_challenge_de",
    }
    assert blocks["okapi"].published == []
    (row,) = [row for row in blocks["leolm"].rows if row.task == "leolm_hellaswag_de"]
    assert row.published == {"phoenix": 0.5281}
    assert [row.task for row in blocks["leolm"].rows if not row.cells] == ["mmlu"]
    assert (blocks["leolm"].asked, blocks["okapi"].asked) == (
        "as plain text", "in the chat template, examples in one turn",
    )  # fmt: skip


def test_no_table_holds_two_sets(run, tmp_path):
    recipe, pack = parts(run)
    write_report(run, recipe, pack)
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    card = (tmp_path / "report" / "model_card.md").read_text("utf-8")
    section = page[page.index('id="benchmarks"') : page.index('id="judged"')]
    tables = re.findall(r"<table>.*?</table>", section, re.DOTALL)
    assert len(tables) == 3
    assert sum("published" in table for table in tables) == 1
    pictures = re.findall(r"<svg.*?</svg>", section, re.DOTALL)
    assert len(pictures) == 3
    blocks = [*re.split(r"\n### ", card[card.index("## Evaluation") : card.index("## Limits")])[1:]]
    assert [block.splitlines()[0] for block in blocks] == [
        "Tasks of no set",
        "Set leolm",
        "Set okapi",
        "Judged answers",
    ]
    lines = summary(run, recipe, pack).split("\n\n")
    for shown in (tables, blocks, lines):
        held = [
            {task for task in TASKS if re.search(rf"\b{task}\b", text.replace("\\", ""))} for text in shown
        ]
        assert all(len({TASKS[task] for task in one}) <= 1 for one in held), held
        assert set().union(*held) == set(TASKS)
    for text in (section, card, "\n".join(lines)):
        assert re.search(r"[Aa]sked as plain text", text)
        assert re.search(r"[Aa]sked in the chat template, examples in one turn", text)


def test_the_hub_is_told_the_set(run, tmp_path):
    recipe, pack = parts(run)
    found = results(gather(run, recipe, pack), "base")
    assert {one.dataset_name for one in found} >= {
        "arc_de (set okapi)",
        "leolm_arc_challenge_de (set leolm)",
        "belebele_deu_Latn",
    }
    assert json.dumps([one.metric_value for one in found])

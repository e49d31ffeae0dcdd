"""What an evaluator says of its judge stands below the judged scores, and broken facts break no report."""

import json
from dataclasses import replace

import run_folder as made

from langadapt.languages import LanguagePack
from langadapt.report import write_report
from langadapt.runner import Run


def test_notes_stand_below_the_scores(tmp_path):
    run = Run(tmp_path)
    facts = {"base": {"notes": ["the answer shown first is preferred: 61.0% <b>"]}, "dpo": {"notes": 7}}
    for name, told in facts.items():
        with run.step(f"evaluate/{name}/mt-bench", settings={}) as step:
            made.write(step.path("scores.json"), [made.score("mt-bench", "rating", 5.5, (5, 6))])
            step.path("facts.json").write_text(json.dumps(told), encoding="utf-8")
    pack = LanguagePack.bare("de")
    recipe = replace(made.recipe(demonstration=False), published={})
    write_report(run, recipe, pack)
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "<li>mt-bench, base: the answer shown first is preferred: 61.0% &lt;b&gt;</li>" in page
    assert "mt-bench, dpo:" not in page

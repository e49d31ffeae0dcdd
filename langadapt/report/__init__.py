"""The report of a run: one page, two cards and a table for the terminal. It may be asked for at any stage."""

from pathlib import Path

from langadapt.languages import LanguagePack
from langadapt.recipe import Recipe
from langadapt.report.summary import summary
from langadapt.runner import Run

__all__ = ["summary", "write_report"]


def write_report(run: Run, recipe: Recipe, pack: LanguagePack) -> Path:
    """Write `report/` from what is finished, unless nothing has changed since; gives the page's path."""
    from langadapt.identity import folder_digest
    from langadapt.report.cards import data_card, model_card
    from langadapt.report.facts import files, gather
    from langadapt.report.page import page
    from langadapt.report.reproduce import reproduction

    settings = {
        "report": folder_digest(Path(__file__).parent, "*.*"),
        "recipe": [
            recipe.title,
            recipe.demonstration,
            recipe.published,
            vars(reproduction(recipe, pack, {})),
        ],
        "pack": [pack.language.code, pack.facts],
    }
    with run.step("report", settings=settings, inputs=files(run)) as step:
        if step.needed:
            facts = gather(run, recipe, pack)
            for name, text in (
                ("model_card.md", model_card),
                ("data_card.md", data_card),
                ("index.html", page),
            ):
                step.path(name).write_text(text(facts), encoding="utf-8")
        return step.path("index.html")

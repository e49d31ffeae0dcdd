"""The cards' metadata in the Hub's own words, and what they say of licences, terms, test items and pairs."""

from dataclasses import replace

import pytest
import run_folder as made
from huggingface_hub import DatasetCard, ModelCard, metadata_load
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from langadapt.report import write_report
from langadapt.report.cards import model_card
from langadapt.report.data import RowFacts
from langadapt.report.facts import gather
from langadapt.report.metadata import configs, data_path, hub_ids, hub_licenses, size_category
from langadapt.report.page import page
from langadapt.report.preferences import lines
from langadapt.report.reproduce import reproduction
from langadapt.runner import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    with Run(place) as run:
        for stage in made.STAGES:
            stage(run)
        write_report(run, made.recipe(demonstration=False), made.pack())
    return place / "report"


@pytest.fixture(scope="module")
def facts(folder):
    with Run(folder.parent) as run:
        return gather(run, made.recipe(demonstration=False), made.pack())


@pytest.mark.parametrize(
    ("expressions", "names"),
    [
        (["MIT"], ["mit"]),
        (["MIT", "Apache-2.0 AND CC-BY-SA-3.0"], ["apache-2.0", "cc-by-sa-3.0", "mit"]),
        (["ODC-By-1.0", "PDDL-1.0"], ["odc-by", "pddl"]),
        (["GPL-3.0-or-later", "LGPL-2.1-only"], ["gpl-3.0", "lgpl-2.1"]),
        (["(MIT OR CC0-1.0)"], ["cc0-1.0", "mit"]),
        (["LicenseRef-own"], ["other"]),
        (["", "LicenseRef-unknown"], ["unknown"]),
        (["<script>"], ["other"]),
    ],
)
def test_licences_in_the_hubs_words(expressions, names):
    assert hub_licenses(expressions) == names


@given(st.lists(st.text(max_size=60)))
def test_no_text_gets_into_the_metadata_as_a_licence(expressions):
    assert all(name.isascii() and not set(name) & set(" :'\"#{}[]\n") for name in hub_licenses(expressions))


@pytest.mark.parametrize(
    ("rows", "name"),
    [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (200_000, "100K<n<1M"), (10**9, "1B<n<10B")],
)
def test_sizes(rows, name):
    assert size_category(rows) == name


def test_ids_of_the_hub():
    assert hub_ids(["a/b@c", "a/b", "own.jsonl", "x/rows.csv", "/home/x", "pack:mini"]) == ["a/b"]


def test_a_configuration_for_each_stream_with_rows():
    some = [RowFacts(stream="none", splits={}), RowFacts(stream="dpo", splits={"train": 3, "test": 1})]
    assert configs(some) == [
        {
            "config_name": "dpo",
            "data_files": [
                {"split": "train", "path": "data/dpo/train-*.parquet"},
                {"split": "test", "path": "data/dpo/test-*.parquet"},
            ],
            "default": True,
        }
    ]
    assert data_path("../x <y>", "train", "*") == "data/x-y/train-*.parquet"
    assert data_path("\u0645", "test", "*") == "data/rows/test-*.parquet"


def test_the_data_card_round_trips_and_says_what_is_in_it(folder):
    told = metadata_load(folder / "data_card.md")
    assert told["license"] == ["apache-2.0", "mit"]
    assert [one["config_name"] for one in told["configs"]] == ["sft", "dpo"]
    assert (told["size_categories"], told["language"]) == (["n<1K"], ["de"])
    card = DatasetCard.load(folder / "data_card.md")
    assert DatasetCard(str(card)).data.to_dict() == told
    for part in (
        "| conversations | \u2013 | Apache-2.0 | 8 | 0 |",
        "| CC-BY-NC-4.0 | 0 | 3 |",
        "- Name the authors: Apache-2.0, MIT.",
        "OpenAI: output of its models: Who uses",
        "| before translation | select.benchmarks | mini",
        "| mean-rating and critique choose another | 25 % of 80 rows (95 %: 16.0 to 36.0) |",
        "| unheard of | of 1, 2.5 |",
    ):
        assert part in card.text


def test_results_stand_in_the_model_index_of_the_checkpoint_that_has_them(folder, facts):
    card = ModelCard.load(folder / "model_card.md")
    found = {(one.task_name, one.metric_name): one.metric_value for one in card.data.eval_results}
    assert found["mini_hellaswag", "acc_norm"] == 0.2933
    assert ("mini_arc", "acc_norm") not in found
    assert made.PART not in {name for name, _ in found}
    assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()
    first = ModelCard(model_card(facts, "sft", data="me/data"))
    assert first.data.datasets[0] == "me/data"
    assert {one.metric_value for one in first.data.eval_results if one.metric_name == "acc_norm"} == {
        0.2633,
        0.3,
    }
    assert "### dpo" not in first.text
    assert first.data.model_name == "mini-de-sft"


def test_a_demonstration_has_no_results(folder):
    with Run(folder.parent) as run:
        card = ModelCard(model_card(gather(run, made.recipe(), made.pack())))
    assert card.data.eval_results is None
    assert "demonstration" in card.data.tags


def test_what_the_cards_say_the_page_says(facts):
    text = page(facts)
    assert made.SCRIPT not in text
    for part in (
        "CC-BY-NC-4.0",
        "Name the authors: Apache-2.0, MIT",
        "Terms beside the licences",
        "of 80 rows",
        "Test items",
    ):
        assert part in text


def test_data_stays_text_in_tables(folder):
    for name in ("model_card.md", "data_card.md"):
        text = folder.joinpath(name).read_text("utf-8").split("---\n", 2)[2]
        shown = MarkdownIt("commonmark").enable("table").render(text)
        assert "<script" not in shown
        assert "<a " not in shown
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert rows


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
def test_whatever_a_manifest_says_of_pairs_can_be_shown(told):
    for known in ("differs", "length", "models", "equal_ratings", "other"):
        assert all("\n" not in label + text for label, text in lines({known: told}))


def test_no_place_on_a_disk_is_told_of_a_recipe_or_its_settings(folder):
    stated = {
        "train": {"sft": {"template": "/home/me/x.jinja"}},
        "source": {
            "conversations": {"license": "MIT"},
            "own-sft": {"path": "/home/me/own.jsonl", "stream": "sft"},
        },
    }
    recipe = replace(made.recipe(changes=stated), asked="/home/me/r.toml")
    found = reproduction(recipe, made.pack(), {})
    assert found.command == (
        "langadapt run de --recipe r.toml --set train.sft.template=x.jinja --set source.conversations.license=MIT"
    )
    assert found.own_rows
    assert not reproduction(
        made.recipe(changes={"source": {"x": {"license": "MIT"}}}), made.pack(), {}
    ).own_rows

"""The page, the cards and the terminal table, of runs that stopped anywhere and hold texts that mean harm."""

import html
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
import run_folder as made
from huggingface_hub import DatasetCard, ModelCard

from langadapt.report import summary, write_report
from langadapt.report.formats import NOTHING
from langadapt.runner import Run

SECTIONS = [
    "glance",
    "data",
    "funnel",
    "gates",
    "examples",
    "training",
    "benchmarks",
    "judged",
    "probes",
    "costs",
    "reproduce",
]
CHROMIUM = shutil.which("chromium")
VOID = {"meta", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """Tags, attributes and visible text; fails on tags that do not close."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def report(folder, stages=made.STAGES, code="de", **settings):
    with Run(folder) as run:
        for stage in stages:
            stage(run)
        path = write_report(run, made.recipe(**settings), made.pack(code))
        return path, summary(run, made.recipe(**settings), made.pack(code))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return report(tmp_path_factory.mktemp("run"), changes={"train": {"dpo": {"beta": 0.2}}})


@pytest.fixture(scope="module")
def page(whole):
    return Page(whole[0].read_text("utf-8"))


def test_the_page_asks_nothing_of_any_network(whole, page):
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert ("content", policy) in page.attributes
    assert not {"script", "link", "iframe", "object", "embed", "base", "img", "image"} & set(page.tags)
    loads = [
        value for name, value in page.attributes if name in ("src", "href", "xlink:href", "action", "srcset")
    ]
    assert loads
    assert all(value.startswith("#") for value in loads)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    style = re.findall(r"<style.*?</style>", whole[0].read_text("utf-8"), re.DOTALL)
    assert not any("url(" in text or "@import" in text for text in style)


def test_text_from_data_is_shown_as_it_is_and_never_as_markup(whole, page):
    text = whole[0].read_text("utf-8")
    assert made.SCRIPT not in text
    assert text.count("</body>") == 1
    assert made.SCRIPT in page.text
    assert made.STYLE in page.text
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        tags = set(re.findall(r"<(\w+)", svg))
        assert tags <= {"svg", "defs", "style", "g", "path", "text", "use", "clipPath", "rect", "tspan"}
    assert "mini_$mmlu$ <script>" in page.text


def test_what_the_pictures_refer_to_is_there_once(page):
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = {value[1:] for name, value in page.attributes if name in ("href", "xlink:href")}
    used |= {found for _, value in page.attributes for found in re.findall(r"url\(#(.*?)\)", value or "")}
    assert used <= set(ids)


def test_every_section_stands_there_whatever_has_run(tmp_path):
    for number in range(len(made.STAGES) + 1):
        path, lines = report(tmp_path / str(number), made.STAGES[:number])
        text = path.read_text("utf-8")
        assert [f'<section id="{name}">' in text for name in SECTIONS] == [True] * len(SECTIONS)
        assert ("has not run yet" in Page(text).text) == (number < len(made.STAGES))
        assert lines.splitlines()[0] == "Phoenix, small · German · recipe mini"
        ModelCard(path.with_name("model_card.md").read_text("utf-8"))
        DatasetCard(path.with_name("data_card.md").read_text("utf-8"))


def test_a_demonstration_says_so_first_and_last(tmp_path, page):
    said = "This is a demonstration. Its models are tiny"
    assert page.text.count(said) == 2
    assert page.text.index(said) < page.text.index("227 records") < page.text.rindex(said)
    path, lines = report(tmp_path, demonstration=False)
    real = [
        path.with_name(name).read_text("utf-8") for name in ("index.html", "model_card.md", "data_card.md")
    ]
    assert "demonstration" not in "".join([*real, lines]).lower()


def test_the_numbers_are_those_of_the_files(whole, page):
    run = whole[0].parents[1]
    for name in ("base", "sft", "dpo"):
        for score in json.loads((run / "evaluate" / name / "harness" / "scores.json").read_text("utf-8")):
            value = score["value"]
            assert value is None or math.isnan(value) or f"{value:.3f}" in page.text
    for number in (
        "160",
        "104",
        "71.25",
        "12.35",
        "5.12 to 2.23",
        "0.812 of the training pairs",
        "0.625 of the held-out",
    ):
        assert number in page.text
    for number in ("0.528", "0.443", "5.78"):
        assert f'published">{number}</td>' in whole[0].read_text("utf-8")
    assert page.text.count("published, not run here") == 2
    assert "6 of 8 scores cannot be told from chance" in page.text
    assert "nan" not in re.findall(r"\w+", page.text.lower())
    assert "16 000" in page.text
    assert "25\u202f%" in whole[0].read_text("utf-8")
    assert "langadapt run de --recipe mini --set train.dpo.beta=0.2" in page.text
    assert str(run) not in page.text


def test_the_tasks_of_a_group_stand_apart(whole, page):
    text = whole[0].read_text("utf-8")
    assert "The tasks of each group: 1" in page.text
    assert text.index("The tasks of each group") < text.index(f'<td class="long">{made.PART}')
    assert made.PART not in "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL)) + whole[1]


def test_what_a_gate_objected_to_is_marked(whole):
    marks = set(re.findall(r"<mark>(.*?)</mark>", whole[0].read_text("utf-8")))
    assert {"Peel them.", "Schäle sie.", "Schäle"} <= marks
    assert all(f"Dropped by {gate}" in whole[0].read_text("utf-8") for gate in made.DROPS["sft"])


def test_texts_carry_their_language_and_direction(tmp_path):
    path, _ = report(tmp_path, code="ar")
    text = path.read_text("utf-8")
    assert '<span lang="ar" dir="rtl">' in text
    assert f'<div lang="ar" dir="rtl"><span class="label" lang="en">base</span>{made.ARABIC}</div>' in text
    assert '<span lang="en" dir="auto">' in text


def test_nothing_changed_nothing_done_and_a_new_score_is_seen(tmp_path):
    path, _ = report(tmp_path)
    first = path.read_bytes(), path.stat().st_mtime_ns
    report(tmp_path, stages=())
    assert (path.read_bytes(), path.stat().st_mtime_ns) == first
    scores = tmp_path / "evaluate" / "sft" / "probes" / "scores.json"
    scores.write_text(json.dumps([made.score("probes", "answers in German", 0.987, None)]), encoding="utf-8")
    report(tmp_path, stages=())
    assert "0.987" in path.read_text("utf-8")


def test_the_same_run_gives_the_same_bytes(tmp_path):
    path, _ = report(tmp_path)
    first = path.read_bytes()
    shutil.rmtree(path.parent)
    assert report(tmp_path, stages=())[0].read_bytes() == first


def test_the_terminal_table(whole):
    lines = whole[1].splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    cells = [line.split() for line in lines]
    assert ["sft", "150", "147", "0", "3", "104", "71", "%"] in cells
    assert ["dpo", "80", "80", "0", "0", "63", "79", "%"] in cells
    assert ["sft", "round-trip", "20", "round", "trip", "20"] in cells
    assert any(row[:3] == ["dpo", "98", "120"] and "0.812" in row for row in cells)
    assert ["mini_arc", "acc_norm", "0.300", "0.300", NOTHING, "0.250"] in cells
    assert "tells nothing about German quality" in lines[-1]


def test_the_terminal_table_stays_short_and_steers_no_terminal(tmp_path, monkeypatch):
    gates = {f"gate-{n}\x1b[31m": {"x\n" * 200: n} for n in range(60)}
    monkeypatch.setitem(made.DROPS, "sft", {**gates, "length": {"length": 1}, "round-trip": {"a": 1}})
    _, lines = report(tmp_path, made.STAGES[:3])
    assert len(lines.splitlines()) == 40
    assert "\x1b" not in lines
    assert "more lines" in lines.splitlines()[-2]


def test_the_cards_are_what_the_hub_reads(whole):
    model = ModelCard(whole[0].with_name("model_card.md").read_text("utf-8"))
    assert model.data.language == "de"
    assert model.data.base_model == "LeoLM/leo-mistral-hessianai-7b"
    assert model.data.datasets == ["HuggingFaceH4/ultrachat_200k"]
    assert "demonstration" in model.data.tags
    for part in ("What it is", "Training data", "Procedure", "Evaluation", "Limits", "Reproduce"):
        assert f"\n## {part}\n" in model.text
    assert "12.35 (10.50 to 14.50)" in model.text
    data = DatasetCard(whole[0].with_name("data_card.md").read_text("utf-8"))
    assert sorted(data.data.license) == ["apache-2.0", "mit"]
    assert "| sft | 150 | 147 | 3 | 104 |" in data.text
    for card in (model, data):
        assert "\n    langadapt run de --recipe mini --set train.dpo.beta=0.2\n" in card.text
        assert "<script" not in card.text
        assert "This is a demonstration" in card.text


def test_cards_render_data_as_text(whole):
    from markdown_it import MarkdownIt

    for name in ("model_card.md", "data_card.md"):
        text = whole[0].with_name(name).read_text("utf-8").split("---\n", 2)[2]
        shown = MarkdownIt("commonmark").enable("table").render(text)
        assert "<script" not in shown
        assert "<a " not in shown
        assert html.escape(made.SCRIPT, quote=False) in shown.replace("&quot;", '"')


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_overflows(whole, tmp_path, width):
    text = whole[0].read_text("utf-8").replace("<details>", "<details open>")
    frame = f'<iframe style="width:{width}px;height:900px;border:0" srcdoc="{html.escape(text)}"></iframe>'
    measure = "onload = () => document.title = frames[0].document.documentElement.scrollWidth"
    (tmp_path / "frame.html").write_text(
        f"<!DOCTYPE html><title></title>{frame}<script>{measure}</script>", encoding="utf-8"
    )
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    command = [CHROMIUM, *flags, "--dump-dom", (tmp_path / "frame.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert int(re.search(r"<title>(\d+)</title>", shown)[1]) <= width

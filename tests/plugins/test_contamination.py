"""The gate on contamination: what repeats an item of a benchmark is dropped and named; what only looks like it is not."""

import json
import pickle
import random
import unicodedata

import pytest

from langadapt import registry
from langadapt.errors import ConfigError, DataError
from langadapt.identity import component_identity
from langadapt.interfaces import Evaluator, SegmentPair, Translation
from langadapt.judging import Named, judged
from langadapt.languages import Language, LanguagePack
from langadapt.records import Conversation, Message, Preference, Text
from langadapt_plugins.evaluators.harness import Harness
from langadapt_plugins.evaluators.mt_bench import MtBench
from langadapt_plugins.evaluators.probes import Probes
from langadapt_plugins.filters.contamination import Contamination

ENGLISH = Language.of("en")
MINI = ("mini_hellaswag_de", "mini_arc_de", "mini_mmlu_de")
ITEMS = [
    {"id": "glass", "text": "Why does a wet finger make a crystal glass sing when it circles around the polished rim?"},
    {"id": "peas", "text": "What happens if you eat green potatoes?"},
    {"id": "short", "text": "What is love?"},
    {
        "id": "moss",
        "task": "nature",
        "text": "On which side of old trees do hikers usually expect to find moss?",
        "answers": ["the northern side, which stays damp", "the southern side", "the side facing a road"],
    },
    {"id": "stop", "text": "to be or not to be that is"},
    {"id": "ja", "text": "雨上がりの空に虹が見えるのはなぜですか。"},
    *({"id": f"template-{n}", "text": f"Which of the following is correct about {thing}?"} for n, thing in enumerate(
        ("granite", "violins", "taxation", "dolphins", "volcanoes", "grammar", "vaccines", "harbours", "comets", "bakeries")
    )),
]  # fmt: skip
HOST = "Thanks for the recipe. I baked it twice last week and my neighbours asked for more each time. "


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ITEMS), encoding="utf-8")
    return path


@pytest.fixture
def pack():
    return LanguagePack.bare("en")


def chat(*texts, pairs=False):
    roles = ("user", "assistant") * len(texts)
    turns = tuple(Message(role=role, content=text) for role, text in zip(roles, texts, strict=False))
    record = Conversation(id="one", messages=turns)
    found = (
        tuple(SegmentPair(source="-", target=text, text=n) for n, text in enumerate(texts)) if pairs else ()
    )
    return Translation(source=record, target=record, pairs=found)


def verdict(gate, pack, *texts, pairs=False):
    return gate.filter([chat(*texts, pairs=pairs)], source=ENGLISH, pack=pack)[0]


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("Why does a wet finger make a crystal glass sing when it circles around the polished rim?", "glass"),
        (
            f"{HOST}WHY DOES A WET FINGER make a crystal-glass sing, when it circles around the polished rim {HOST}",
            "glass",
        ),
        (unicodedata.normalize("NFD", "\uff37\uff48\uff41\uff54 happens if you éat green potatoes?"), "peas"),
        (
            f"{HOST} When it circles around the polished rim, why does a wet finger make a crystal glass sing? {HOST}",
            "glass",
        ),
        ("When a damp finger circles around the polished rim, a crystal glass sings. Why does it?", "glass"),
        ("If you eat green potatoes, what happens?", "peas"),
        (
            "Where on an old tree would a hiker expect moss? The damp northern side, the southern or the one facing roads?",
            "moss",
        ),
        ("what is LOVE", "short"),
        ("To be, or not to be: that is", "stop"),
        ("教えてください。雨上がりの空に、虹が見えるのは なぜですか?", "ja"),
        ("虹が雨上がりの空に見えるのはなぜですか。", "ja"),
        ("Which of the following is correct about harbours?", "template-7"),
    ],
)
def test_a_repeated_item_is_dropped_and_named(file, pack, text, item):
    found = verdict(Contamination(file=file), pack, HOST, text, HOST)
    assert not found.keep
    task = "nature" if item == "moss" else "items.jsonl"
    assert found.reason.startswith(f"contamination: {task} item {item}: ")
    assert 0 < found.score <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        HOST * 3,
        "Why does a wet dog shake itself when it comes out of the water?",
        "What happens if you eat too many green apples?",
        "People ask what is love in this song, and the singer never answers.",
        "He had to be there, or so he said, and not to be late that is a virtue.",
        "Which of the following is correct?",
        "Which of the following is correct about sailing boats?",
        "On which side of the street do people drive in Japan?",
        "晴れた日の海が青く見えるのはなぜですか。",
        "\x00\ud800 \udfff",
        "a" * 60_000,
        "moss " * 20_000,
    ],
)
def test_what_only_shares_words_or_a_template_is_kept(file, pack, text):
    assert verdict(Contamination(file=file), pack, text, HOST).keep


def test_an_item_is_found_at_the_end_of_a_long_text_and_across_turns(file, pack):
    gate = Contamination(file=file)
    assert "item glass" in verdict(gate, pack, HOST * 400 + ITEMS[0]["text"]).reason
    record = Preference(
        id=1, prompt=ITEMS[3]["text"], chosen="the northern side, which stays damp", rejected=HOST
    )
    assert (
        "nature item moss"
        in gate.filter([Translation(source=record, target=record)], source=ENGLISH, pack=pack)[0].reason
    )


def test_a_row_of_words_from_a_long_item_is_enough_and_twelve_are_not(tmp_path, pack):
    draw = random.Random(5)
    story = ["".join(draw.choices("abcdefghijklmnoprstuvwz", k=7)) for _ in range(400)]
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps({"text": " ".join(story)}), encoding="utf-8")
    gate = Contamination(file=path)
    found = verdict(gate, pack, f"{HOST} {' '.join(story[310:323])} {HOST}")
    assert "13 words in a row" in found.reason
    assert verdict(gate, pack, f"{HOST} {' '.join(story[310:322])} {HOST}").keep
    assert not verdict(
        Contamination(file=path, run=12), pack, f"{HOST} {' '.join(story[310:322])} {HOST}"
    ).keep


def test_the_segment_and_the_place_of_a_verbatim_item_are_told(file, pack):
    text = f"Hello. {ITEMS[0]['text']} Thanks."
    found = verdict(Contamination(file=file), pack, HOST, text, HOST, pairs=True)
    assert found.segment == 1
    assert text[slice(*found.span)] == ITEMS[0]["text"]


def test_nothing_to_compare_with_is_said():
    with pytest.raises(ConfigError, match="neither `against` nor `file`") as caught:
        Contamination()
    assert "harness" in caught.value.hint
    with pytest.raises(ConfigError, match="Probes does not tell what it asks"):
        Contamination(against=Probes())


@pytest.mark.parametrize("content", ["", "\n\n", json.dumps({"text": " ?! "}) + "\n"])
def test_a_file_without_items_is_said(tmp_path, pack, content):
    path = tmp_path / "none.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="no item to look for"):
        verdict(Contamination(file=path), pack, HOST)


@pytest.mark.parametrize("row", [[1], {"text": ""}, {"answers": ["x"]}, {"text": "What now?", "answers": 3}])
def test_a_row_that_is_no_item_is_named(tmp_path, pack, row):
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps({"text": "A good question?"}) + "\n" + json.dumps(row), encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        verdict(Contamination(file=path), pack, HOST)


def test_any_columns_that_are_text_make_an_item(tmp_path, pack):
    path = tmp_path / "own.jsonl"
    row = {
        "question": "Who repairs the lighthouse clock?",
        "hint": "The keeper's youngest daughter",
        "year": 3,
    }
    path.write_text(json.dumps(row), encoding="utf-8")
    text = "Who repairs the lighthouse clock? The keeper's youngest daughter."
    assert "own.jsonl item 1" in verdict(Contamination(file=path), pack, text).reason


def test_the_fingerprint_follows_the_items(file):
    before = component_identity(Contamination(file=file), "fingerprint")
    assert component_identity(Contamination(file=file), "fingerprint") == before
    file.write_text(json.dumps({"text": "Another question altogether?"}), encoding="utf-8")
    assert component_identity(Contamination(file=file), "fingerprint") != before
    one, other = (
        component_identity(Contamination(against=Harness(tasks=tasks)), "fingerprint")
        for tasks in (("a",), ("b",))
    )
    assert one != other


def test_each_pack_has_items_of_its_own_and_pickles_carry_none(pack):
    gate = Contamination(against=MtBench())
    german, spanish = registry.pack("de"), registry.pack("es")
    question = german.rows("mt_bench.jsonl")[3]["turns"][0]
    for _ in range(2):
        assert not verdict(gate, german, question).keep
        assert verdict(gate, spanish, question).keep
    assert len(pickle.dumps(gate)) < 2_000
    gate.close()
    assert not verdict(pickle.loads(pickle.dumps(gate)), german, question).keep
    with pytest.raises(ConfigError, match=r"no mt_bench\.jsonl"):
        verdict(gate, pack, question)


def test_every_turn_of_every_judge_question_is_an_item():
    for code in ("de", "ja", "ar"):
        pack = registry.pack(code)
        rows = pack.rows("mt_bench.jsonl")
        items = MtBench().items(pack)
        assert [item.text for item in items] == [turn for row in rows for turn in row["turns"]]
        gate = Contamination(against=MtBench())
        found = gate.filter([chat(item.text) for item in items], source=ENGLISH, pack=pack)
        assert [f"item {item.id}:" in one.reason for item, one in zip(items, found, strict=True)] == [
            True
        ] * len(items)


@pytest.mark.slow
def test_the_harness_gives_what_its_tasks_ask_and_a_run_drops_it(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path))
    pack = registry.pack("de")
    harness = Harness(tasks=MINI)
    items = harness.items(pack)
    assert isinstance(harness, Evaluator)
    assert [item.task for item in items] == [name for name in MINI for _ in range(30)]
    arc = next(item for item in items if item.id == "mini-arc-02")
    assert (arc.text, arc.answers) == (
        "Welcher Planet ist der Sonne am nächsten?",
        ("Merkur", "Venus", "Mars", "Jupiter"),
    )
    assert all(len(item.answers) == 4 and "Antwort" not in item.text for item in items)
    texts = [item.text for item in items]
    rows = [
        Text(id=n, text=text)
        for n, text in enumerate(
            [*texts, *(e["messages"][1]["content"] for e in pack.rows("exemplars.jsonl"))]
        )
    ]
    gate = Named("contamination", Contamination(against=harness))
    stream = judged((Translation(source=row, target=row) for row in rows), [gate], source=ENGLISH, pack=pack)
    reasons = [one.verdicts[0][1].reason for one in stream]
    assert all(
        f"{item.task} item {item.id}: " in reason for item, reason in zip(items, reasons, strict=False)
    )
    assert reasons[len(items) :] == [""] * 12

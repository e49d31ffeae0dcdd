"""The stages on files: what goes on, what is held or dropped, and what is told of it."""

import json

import pytest

from langadapt import judging, registry, stages
from langadapt.errors import DataError
from langadapt.interfaces import Verdict
from langadapt.judging import Named
from langadapt.languages import LanguagePack
from langadapt.prepare.selection import is_held_out
from langadapt.preparing import Preparing
from langadapt.progress import Silent
from langadapt.schema import Prepare, Source
from langadapt.translations import Paths


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def chat(key, *texts, **extra):
    roles = ("user", "assistant")
    said = texts if len(texts) > 1 else (*texts, "Said.")
    turns = [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)]
    return {"id": key, "messages": turns, **extra}


@pytest.fixture
def prepared(tmp_path):
    """Run `prepare` over sources given as (name, rows, keys of `Source`)."""

    def run(*sources, limit=None, count=None, gates=(), **settings):
        built = [
            Source(**{"path": str(write(tmp_path / f"{name}.jsonl", rows)), "name": name,
                      "stream": "sft", "license": "MIT", **keys})
            for name, rows, keys in sources
        ]  # fmt: skip
        out = tmp_path / "out"
        work = Preparing(
            settings=Prepare(**settings),
            seed=42,
            pack=registry.pack("en"),
            gates=gates,
            count_tokens=count,
            limit=limit,
            progress=Silent(),
        )
        told = stages.prepare(built, work, out)
        return told, lambda name: read(out / f"{name}.jsonl")

    return run


def ids(rows):
    return [row["id"] for row in rows]


def reasons(rows):
    return {row["id"]: row["dropped"]["reason"] for row in rows}


@pytest.mark.parametrize(
    ("policy", "kept"),
    [("commercial", ["mit"]), ("research", ["mit", "nc"]), ("any", ["mit", "nc", "odd", "none"])],
)
def test_prepare_holds_to_the_licence_policy(prepared, policy, kept):
    rows = [chat("mit", "a"), chat("nc", "b", license="CC-BY-NC-4.0"), chat("odd", "c", license="Secret")]
    told, out = prepared(("one", rows, {}), ("two", [chat("none", "d")], {"license": ""}), licenses=policy)
    assert ids(out("sft")) == kept
    assert set(reasons(out("dropped"))) == {"mit", "nc", "odd", "none"} - set(kept)
    if policy == "commercial":
        assert reasons(out("dropped"))["nc"] == "licence CC-BY-NC-4.0 is not commercial"
        assert reasons(out("dropped"))["none"] == "licence unknown is not commercial"
        assert told["sources"]["one"]["dropped"]["licence LicenseRef-Secret is not commercial"] == 1
    assert told["streams"] == {"sft": len(kept)}


def test_prepare_drops_duplicates_and_empty_sides_with_their_reason(prepared):
    pair = {"prompt": "p", "chosen": "c", "rejected": "r"}
    rows = [
        chat("first", "Hello there", "Hi"), chat("again", "Hello \n there ", "Hi"), chat("turned", "Hi", "Hello there"),
        chat("void", " ", "\n"), {"id": "half", **pair, "chosen": "  "}, {"id": "pair", **pair},
    ]  # fmt: skip
    told, out = prepared(("one", rows, {}))
    assert ids(out("sft")) == ["first", "turned", "pair"]
    assert reasons(out("dropped")) == {
        "again": "duplicate: of first",
        "void": "empty",
        "half": "empty",
    }
    one = told["sources"]["one"]
    assert {key: one[key] for key in ("rows", "kept", "dropped", "stream", "license", "licenses", "reader")} == {
        "rows": 6, "kept": 3, "dropped": {"duplicate": 1, "empty": 2}, "stream": "sft", "license": "MIT", "licenses": {"MIT": 3},
        "reader": "messages",
    }  # fmt: skip
    assert ids(prepared(("one", rows[:3], {}), deduplicate=False)[1]("sft")) == ["first", "again", "turned"]


def test_prepare_limits_each_source_and_marks_rows_with_their_origin(prepared):
    many = [chat(f"a{n}", f"text {n}") for n in range(9)]
    other = [{"text": f"line {n}"} for n in range(9)]
    keys = {"stream": "cpt", "limit": 2, "language": "de"}
    told, out = prepared(("one", many, {}), ("two", other, keys), limit=5)
    assert ids(out("sft")) == ["a0", "a1", "a2", "a3", "a4"]
    assert [row["text"] for row in out("cpt")] == ["line 0", "line 1"]
    assert {(row["source"], row["license"], row["language"]) for row in out("cpt")} == {("two", "MIT", "de")}
    assert told["streams"] == {"sft": 5, "cpt": 2}
    assert len(set(ids(out("cpt")))) == 2


def test_prepare_leaves_out_what_has_more_tokens_than_allowed(prepared):
    rows = [chat(str(n), "word " * n) for n in (2, 3, 4)]
    _, out = prepared(("one", rows, {}), count=lambda record: len(record.texts[0].split()), at_most_tokens=3)
    assert ids(out("sft")) == ["2", "3"]
    assert reasons(out("dropped")) == {"4": "longer than 3 tokens"}


def test_a_stream_without_a_row_says_why(prepared):
    with pytest.raises(DataError, match=r"stream dpo: no row goes on \(two: .*'empty': 2") as caught:
        prepared(("one", [chat("1", "a")], {}), ("two", [chat("2", ""), chat("3", " ")], {"stream": "dpo"}))
    assert "one:" not in str(caught.value)
    with pytest.raises(DataError, match="one: no rows"):
        prepared(("one", [], {}))


def test_one_id_from_two_sources_gets_the_name_of_the_second(prepared):
    _, out = prepared(
        ("one", [chat("7", "a"), chat("8", "c")], {}), ("two", [chat("7", "b"), chat("8", "c")], {})
    )
    assert ids(out("sft")) == ["7", "8", "two/7"]
    assert reasons(out("dropped")) == {"8": "duplicate: of 8"}
    with pytest.raises(DataError, match="id '7' comes from two rows"):
        prepared(("one", [chat("7", "a"), chat("7", "b")], {}))


def test_sources_that_overlap_and_have_no_ids_both_go_on_where_duplicates_may(prepared):
    rows = [{"text": "a"}, {"text": "b"}]
    _, out = prepared(("one", rows, {}), ("two", rows, {}), deduplicate=False)
    found = ids(out("sft"))
    assert found[2:] == [f"two/{name}" for name in found[:2]]


def test_rows_without_a_turn_are_left_out_and_stop_nothing(prepared):
    talk = [{"from": "human", "value": "Ask."}, {"from": "gpt", "value": "Say."}]
    rows = [
        {"conversations": talk},
        {"conversations": []},
        {"conversations": None},
        {"conversations": talk[:1]},
    ]
    told, out = prepared(("one", rows, {}))
    assert told["sources"]["one"]["dropped"] == {"empty": 2, "no answer": 1}
    assert len(out("sft")) == 1


def test_the_held_out_share_is_near_and_a_row_never_changes_sides(tmp_path):
    rows = [{"id": f"row-{n}", "text": "x"} for n in range(5000)]
    told = stages.split(
        write(tmp_path / "in.jsonl", rows), tmp_path / "a", tmp_path / "b", share=0.05, takes="texts"
    )
    held = set(ids(read(tmp_path / "b")))
    assert abs(told["held_out"] / 5000 - 0.05) < 0.012
    assert (told["rows"], told["held_out"]) == (5000 - len(held), len(held))
    assert ids(read(tmp_path / "a")) == [key for key in ids(rows) if key not in held]
    few = [{"id": "new", "text": "y"}, *rows[:700:-7]]
    stages.split(write(tmp_path / "in.jsonl", few), tmp_path / "a", tmp_path / "b", share=0.05, takes="texts")
    assert set(ids(read(tmp_path / "b"))) - {"new"} == held & set(ids(few))
    assert [n for n in range(40) if is_held_out(n, 0.2)] == [n for n in range(40) if is_held_out(str(n), 0.2)]
    assert [n for n in range(25) if is_held_out(f"row-{n}", 0.2)] == [1, 4, 10, 11, 14, 19, 22, 23]


def test_split_refuses_rows_of_another_kind(tmp_path):
    rows = write(tmp_path / "in.jsonl", [{"id": "1", "text": "a"}, chat("odd one", "b")])
    with pytest.raises(DataError, match="'odd one' is none of texts") as caught:
        stages.split(rows, tmp_path / "a", tmp_path / "b", share=0.1, takes="texts")
    assert caught.value.hint == "this trainer takes texts"
    assert not (tmp_path / "a").exists()


class Rule:
    """A filter from a function of the target's text; `seen` keeps what reached it."""

    def __init__(self, keep):
        self.keep, self.seen, self.batches = keep, [], []

    def filter(self, batch, *, source, pack):
        self.seen += [item.target.texts[0] for item in batch]
        self.batches.append(list(batch))
        return [
            Verdict(keep=True, score=1.0)
            if self.keep(item.target.texts[0])
            else Verdict(keep=False, reason="rule: no", segment=0)
            for item in batch
        ]

    def close(self):
        pass


@pytest.fixture
def sifted(tmp_path, english):
    """Run `filter_rows` with rules by name; gives counts and a reader of what it wrote."""

    def run(source, target, rules, segments=None):
        paths = Paths.beside(write(tmp_path / "out.jsonl", target))
        if segments is not None:
            write(paths.segments, segments)
        told = stages.filter_rows(
            write(tmp_path / "in.jsonl", source),
            paths,
            [Named(name, rule) for name, rule in rules.items()],
            pack=LanguagePack.bare("de"),
            source=english,
            kept=tmp_path / "kept.jsonl",
            progress=Silent(),
        )
        return told, lambda name="kept": read(tmp_path / f"{name}.jsonl")

    return run


def test_each_filter_sees_only_what_earlier_ones_kept_and_drops_carry_reason_and_source(sifted):
    source = [{"id": n, "text": f"source {n}"} for n in range(6)]
    target = [{"id": n, "text": f"Ziel {n}", "note": "mine"} for n in (5, 3, 4, 0, 1)]
    even, small = Rule(lambda text: int(text[-1]) % 2 == 0), Rule(lambda text: int(text[-1]) < 3)
    told, out = sifted(source, target, {"even": even, "small": small})
    assert even.seen == ["Ziel 5", "Ziel 3", "Ziel 4", "Ziel 0", "Ziel 1"]
    assert small.seen == ["Ziel 4", "Ziel 0"]
    assert out() == [{"id": 0, "text": "Ziel 0", "note": "mine"}]
    dropped = out("kept.dropped")
    assert [(row["id"], row["dropped"]["by"]) for row in dropped] == [
        (5, "even"),
        (3, "even"),
        (4, "small"),
        (1, "even"),
    ]
    assert dropped[0] == {
        "id": 5, "text": "Ziel 5", "note": "mine",
        "dropped": {"by": "even", "filter": "even", "keep": False, "reason": "rule: no", "segment": 0, "source": source[5],
                    "reached": []},
    }  # fmt: skip
    verdicts = {row["id"]: row["verdicts"] for row in out("kept.verdicts")}
    assert list(verdicts) == [5, 3, 4, 0, 1]
    assert verdicts[0] == [
        {"filter": "even", "keep": True, "score": 1.0},
        {"filter": "small", "keep": True, "score": 1.0},
    ]
    assert [row["keep"] for row in verdicts[4]] == [True, False]
    assert [row["keep"] for row in verdicts[3]] == [False]
    assert dropped[2]["dropped"]["reached"] == [{"filter": "even", "keep": True, "score": 1.0}]
    assert told.pop("seconds") >= 0
    assert told == {"records": 5, "kept": 1, "dropped": {"even": {"rule": 3}, "small": {"rule": 1}}}


def test_order_is_kept_over_windows_and_chunks(sifted, monkeypatch):
    monkeypatch.setattr(judging, "_ROWS", 4)
    rows = [{"id": n, "text": f"{n}"} for n in range(25)]
    rule = Rule(lambda text: int(text) % 3)
    told, out = sifted(rows, rows, {"third": rule})
    assert ids(out()) == [n for n in range(25) if n % 3]
    assert ids(out("kept.verdicts")) == list(range(25))
    assert [len(batch) for batch in rule.batches] == [4, 4, 4, 4, 4, 4, 1]
    assert told["kept"] == 16


def test_pairs_come_from_the_segments_file_or_are_guessed_without_it(sifted):
    source = [{"id": "1", "text": "One.\n- Two"}, {"id": "2", "text": "One.\nTwo"}]
    target = [{"id": "1", "text": "Eins.\n- Zwei"}, {"id": "2", "text": "Eins und zwei"}]
    rule = Rule(lambda text: True)
    sifted(source, target, {"all": rule})
    found = [[(pair.source, pair.target, pair.text) for pair in item.pairs] for item in rule.batches[0]]
    assert found == [[("One.", "Eins.", 0), ("Two", "Zwei", 0)], [("One.\nTwo", "Eins und zwei", 0)]]
    segments = [
        {
            "id": "1",
            "translated": True,
            "pairs": [{"source": "a", "target": "b", "text": 0, "origin": "person"}],
        },
        {"id": "2", "translated": False, "pairs": []},
    ]
    rule = Rule(lambda text: True)
    sifted(source, target, {"all": rule}, segments)
    first, second = rule.batches[0]
    assert (first.pairs[0].target, first.pairs[0].origin, first.translated) == ("b", "person", True)
    assert (second.pairs, second.translated) == ((), False)


def test_a_translation_without_its_source_is_told(sifted):
    with pytest.raises(DataError, match=r"'2' has no row of its shape in .*in\.jsonl"):
        sifted([{"id": "1", "text": "a"}], [{"id": "2", "text": "b"}], {})
    with pytest.raises(DataError, match="'1' has no row of its shape"):
        sifted([chat("1", "a", "b", "c")], [chat("1", "a", "b")], {})

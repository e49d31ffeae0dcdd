"""Checkpoints against each other: what is compared, what is refused, and what is said of it."""

import json

import numpy as np
import pytest
from compared import LM, MT, finished, groups, harness, mt_bench, run, score, write

from langadapt.compare import compare, sides
from langadapt.errors import DataError
from langadapt.records import write_rows
from langadapt.statistics import holm, mean_interval, paired

DRAW = np.random.default_rng(5)
EASY = [float(n % 3 == 0) for n in range(120)]
BETTER = [float(n % 3 != 1) for n in range(120)]


def two(folder, first, second, make=harness, **more):
    """One run with two checkpoints, compared."""
    run(folder, trained=("sft",))
    make(folder / "evaluate" / "base", first)
    make(folder / "evaluate" / "sft", second, **more)
    return compare(sides([str(folder)]))


def test_a_real_difference_is_told_from_none(tmp_path):
    run(tmp_path, trained=("sft", "dpo"))
    for name, right in (("base", EASY), ("sft", BETTER), ("dpo", BETTER)):
        harness(tmp_path / "evaluate" / name, right)
    found = compare(sides([str(tmp_path)]))
    assert [(row.first, row.second, row.real) for row in found.rows] == [
        ("base", "sft", True),
        ("base", "dpo", True),
        ("sft", "dpo", False),
    ]
    row, _, same = found.rows
    assert row.values == pytest.approx((1 / 3, 2 / 3))
    assert row.test.difference == pytest.approx(1 / 3)
    assert row.test.interval[0] > 0.2
    assert (same.test.difference, same.test.p, same.bootstrap) == (0, 1, None)
    assert [one.corrected for one in found.rows] == holm([one.test.p for one in found.rows])
    assert row.smallest_in_family > row.smallest > 0


def test_only_common_items_are_compared_and_that_is_said(tmp_path):
    limited = LM.replace("limit:all", "limit:60").replace("seed:42", "seed:7")
    (row,) = two(tmp_path, EASY, BETTER[:60], signature=limited).rows
    assert row.test.items == 60
    assert row.values == pytest.approx((np.mean(EASY[:60]), np.mean(BETTER[:60])))
    assert row.notes == ("60 items in common, of 120 and 60", "limit all and 60", "seed 42 and 7")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("shots:5", "shots:0", "shots (5, 0)"),
        ("chat:no", "chat:abc", "chat (no, abc)"),
        ("v:1|", "v:2|", "v (1, 2)"),
        ("dtype:float32", "dtype:bfloat16", "dtype (float32, bfloat16)"),
        ("lm-eval:0.4.13", "lm-eval:0.4.14", "lm-eval (0.4.13, 0.4.14)"),
    ],
)
def test_signatures_that_differ_never_share_a_row(tmp_path, old, new, told):
    mt_bench(tmp_path / "evaluate" / "base", [(5, 5)] * 9)
    mt_bench(tmp_path / "evaluate" / "sft", [(5, 6)] * 9)
    found = two(tmp_path, EASY, BETTER, signature=LM.replace(old, new))
    assert [row.task for row in found.rows] == ["mt-bench"]
    assert found.left_out == (f"arc acc, base and sft: the signatures differ in {told}",)


def test_each_model_may_have_its_own_chat_template_and_speed(tmp_path):
    other = MT.replace("chat:0c", "chat:ff").replace("batch:8", "batch:1").replace("2026-01-02", "2026-01-03")
    other = other.replace("questions:0b", "questions:ee").replace("unread:0/18", "unread:2/18")
    (row,) = two(tmp_path, [(5, 5)] * 9, [(6, 6)] * 9, mt_bench, signature=other).rows
    assert row.notes == ("batch 8 and 1", "date 2026-01-02 and 2026-01-03", "each with its own chat template")


def test_another_judge_is_another_measurement(tmp_path):
    with pytest.raises(DataError, match=r"judge \(judge-1, judge-2\)"):
        two(tmp_path, [(5, 5)] * 9, [(6, 6)] * 9, mt_bench, signature=MT.replace("judge-1", "judge-2"))


def test_the_same_id_with_another_question_is_another_item(tmp_path):
    with pytest.raises(DataError, match="0 items in common"):
        two(tmp_path, [(5, 5)] * 9, [(6, 6)] * 9, mt_bench, asked="Andere Frage {}?")


def test_the_same_number_in_another_data_set_is_another_item(tmp_path):
    targets = [n % 2 for n in range(120)]
    (row,) = two(tmp_path, EASY, BETTER, targets=targets).rows
    assert row.test.items == 60


def test_turns_of_a_question_count_as_one(tmp_path):
    first = [(rated, rated) for rated in DRAW.integers(1, 10, 12).tolist()]
    second = [
        (min(10, a + gain), min(10, a + gain))
        for (a, _), gain in zip(first, [1, 1, 0, 2, -1, 1] * 2, strict=True)
    ]
    (row,) = two(tmp_path, first, second, mt_bench).rows
    once = paired([a for a, _ in first], [a for a, _ in second], seed=42)
    assert (row.test.items, row.test.clusters) == (24, 12)
    assert row.test.p == pytest.approx(once.p, abs=0.02)
    assert row.test.smallest() == pytest.approx(once.smallest(), rel=1e-6)


def test_verdicts_that_nobody_could_read_leave_their_pair_out(tmp_path):
    (row,) = two(tmp_path, [(5, None), (None, 4)] + [(5, 4)] * 9, [(6, 5)] * 11, mt_bench).rows
    assert row.test.items == 20
    assert row.values == pytest.approx((4.5, 5.5))


def test_parts_are_compared_when_they_are_named(tmp_path):
    two(tmp_path, [(5, 4)] * 9, [(6, 5)] * 9, mt_bench)
    found = compare(sides([str(tmp_path)]), tasks=("mt-bench/writing", "mt-bench/turn-2"))
    assert [(row.task, row.test.items) for row in found.rows] == [
        ("mt-bench/turn-2", 9),
        ("mt-bench/writing", 10),
    ]


@pytest.mark.parametrize("weighted", [True, False])
def test_a_group_is_weighed_as_its_score_was(tmp_path, weighted):
    run(tmp_path, trained=("sft",))
    for name, right in (("base", EASY), ("sft", BETTER)):
        members = {"law": right[:30], "art": [1 - value for value in right[30:]]}
        groups(tmp_path / "evaluate" / name, members, "mmlu", weighted=weighted)
    (row,) = compare(sides([str(tmp_path)])).rows
    assert row.task == "mmlu"
    assert row.values == pytest.approx(_weighed(weighted))
    assert row.test.difference == pytest.approx(row.values[1] - row.values[0])


def _weighed(weighted):
    values = []
    for right in (EASY, BETTER):
        law, art = right[:30], [1 - value for value in right[30:]]
        values.append(np.mean(law + art) if weighted else (np.mean(law) + np.mean(art)) / 2)
    return tuple(values)


def test_a_score_that_is_no_mean_of_items_is_told(tmp_path):
    run(tmp_path, trained=("sft",))
    for name in ("base", "sft"):
        mt_bench(tmp_path / "evaluate" / name, [(5, 6)] * 9, metric="BLEU", value=31.0)
        harness(tmp_path / "evaluate" / name, EASY)
    found = compare(sides([str(tmp_path)]))
    assert [row.task for row in found.rows] == ["arc"]
    assert found.left_out == ("mt-bench BLEU: no values by item that it is the mean of were kept for base",)


def test_what_has_not_finished_is_left_out(tmp_path):
    mt_bench(tmp_path / "evaluate" / "base", [(5, 5)] * 9)
    mt_bench(tmp_path / "evaluate" / "sft", [(5, 6)] * 9)
    found = two(tmp_path, EASY, BETTER, done=False)
    assert [row.task for row in found.rows] == ["mt-bench"]
    assert found.left_out == ("sft: harness has not finished", "arc acc: only base has it")


def test_each_filter_of_the_harness_has_a_row(tmp_path):
    run(tmp_path, trained=("sft",))
    for name, right in (("base", EASY), ("sft", BETTER)):
        place = harness(tmp_path / "evaluate" / name, right, metric="exact_match")
        rows = [json.loads(line) for line in (place / "samples.jsonl").read_text().splitlines()]
        loose = [
            {**row, "filter": "loose", "metrics": {"exact_match": 1.0 - row["metrics"]["exact_match"]}}
            for row in rows
        ]
        write_rows(place / "samples.jsonl", [*rows, *loose])
        told = json.loads((place / "scores.json").read_text())
        write(
            place / "scores.json",
            [*told, score("arc", "exact_match", 1 - np.mean(right), f"{LM}|filter:loose")],
        )
    found = compare(sides([str(tmp_path)]))
    assert [(row.metric, round(row.test.difference, 3)) for row in found.rows] == [
        ("exact_match", 0.333),
        ("exact_match,loose", -0.333),
    ]


def test_another_evaluators_values_are_read_by_their_keys(tmp_path):
    run(tmp_path, trained=("sft",))
    for name, wins in (("base", [0, 0, 1, 0.5] * 5), ("sft", [1, 1, 1, 0.5] * 5)):
        place = tmp_path / "evaluate" / name / "pairwise"
        write(place / "scores.json", [score("pairwise", "win-rate", np.mean(wins), "pairwise|judge:j")])
        rows = [
            {"id": n // 2, "order": n % 2, "metric": "win-rate", "value": win} for n, win in enumerate(wins)
        ]
        write_rows(
            place / "verdicts.jsonl",
            [*rows, {"id": 3, "note": "no value"}, {"metric": "win-rate", "value": None, "id": 1}],
        )
        finished(place)
    (row,) = compare(sides([str(tmp_path)])).rows
    assert (row.test.items, row.test.clusters) == (20, 10)


@pytest.mark.parametrize("text", ['{"task": "arc", "doc', "[1]", "\x00"])
def test_a_broken_file_is_named_with_its_line(tmp_path, text):
    place = harness(tmp_path / "evaluate" / "base", EASY)
    with (place / "samples.jsonl").open("a") as out:
        out.write(text)
    with pytest.raises(DataError, match=r"samples\.jsonl, line 121"):
        two_more(tmp_path)


def two_more(folder):
    run(folder, trained=("sft",))
    harness(folder / "evaluate" / "sft", EASY)
    return compare(sides([str(folder)]))


@pytest.mark.parametrize(
    "content", [{}, [{"task": "arc"}], [{"task": "arc", "metric": "acc", "value": "x"}], ["a"]]
)
def test_scores_that_are_none_are_refused(tmp_path, content):
    place = harness(tmp_path / "evaluate" / "base", EASY)
    write(place / "scores.json", content)
    with pytest.raises(DataError, match="scores"):
        two_more(tmp_path)


def test_two_items_are_too_few(tmp_path):
    with pytest.raises(DataError, match="1 items in common, too few"):
        two(tmp_path, EASY[:1], BETTER[:1])


def test_intervals_of_a_mean_of_turns_are_by_question():
    values, hang = [1, 2, 3, 4, 5, 6.5], {"clusters": [1, 1, 2, 2, 3, 3], "parts": [1, 2] * 3}
    assert mean_interval(values, **hang) == pytest.approx(mean_interval([1.5, 3.5, 5.75]))

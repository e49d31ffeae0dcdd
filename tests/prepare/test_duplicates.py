"""Duplicates: the first stays, the others name it; what is near is judged side by side."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langadapt.prepare.duplicates import CROWD, Duplicates, shingles
from langadapt.records import Conversation, Message, Preference, Text

WORDS = [a + b + c for a in ("ka", "lo", "mi", "tre", "su") for b in ("ran", "del", "po", "vi") for c in ("", "ta", "s", "ner", "k")]  # fmt: skip


def words(seed, count):
    return random.Random(seed).choices(WORDS, k=count)


def text(name, words):
    return Text(id=name, text=words if isinstance(words, str) else " ".join(words))


def pair(name, prompt, chosen, rejected):
    return Preference(id=name, prompt=prompt, chosen=chosen, rejected=rejected)


def reasons(records, duplicates):
    told = []
    for record in records:
        look = duplicates.look(record)
        told.append(look.reason)
        if not look.reason:
            duplicates.keep(look)
    return told


def changed(listed, places):
    return [f"new{place}" if place in places else word for place, word in enumerate(listed)]


def jaccard(one, two):
    a, b = shingles(" ".join(one)), shingles(" ".join(two))
    return len(a & b) / len(a | b)


def test_exact_duplicates_name_the_first():
    rows = [text("a", "one  two"), text("b", " one two\n"), text("c", "one two!"), text("d", "one two")]
    assert reasons(rows, Duplicates()) == ["", "duplicate: of a", "", "duplicate: of a"]
    assert reasons(rows, Duplicates(exact=False)) == [""] * 4
    assert reasons(rows, Duplicates(near=0.8)) == ["", "duplicate: of a", "near duplicate: of a", "duplicate: of a"]  # fmt: skip


def test_near_duplicates_are_found_and_others_stay():
    first = words(1, 200)
    near, far = changed(first, {50, 130}), changed(first, range(0, 200, 12))
    assert jaccard(first, near) > 0.9
    assert jaccard(first, far) < 0.5
    rows = [text(7, first), text("far", far), text("near", near), text("other", words(2, 200))]
    assert reasons(rows, Duplicates(near=0.8)) == ["", "", "near duplicate: of 7", ""]


def test_what_is_left_out_is_not_compared_with():
    duplicates = Duplicates(near=0.8)
    first = words(1, 60)
    assert duplicates.look(text("gone", first)).repeats is None
    assert reasons([text("a", first), text("b", first)], duplicates) == ["", "duplicate: of a"]
    chain = [changed(first, set(range(2 * n))) for n in range(1, 6)]
    told = reasons([text(n, one) for n, one in enumerate(chain)], duplicates)
    assert told[0] == "near duplicate: of a"
    assert not told[-1]


def test_a_prompt_with_other_answers_stays():
    prompt = " ".join(words(1, 400))
    answers = [" ".join(words(seed, 8)) for seed in range(2, 6)]
    rows = [
        pair("a", prompt, answers[0], answers[1]),
        pair("b", prompt, answers[0], answers[2]),
        pair("c", prompt, answers[3], answers[1]),
        pair("d", prompt, answers[1], answers[0]),
        pair("e", f"{prompt}!", answers[0].upper(), answers[1]),
        pair("f", answers[0], prompt, answers[1]),
    ]
    assert reasons(rows, Duplicates(near=0.8)) == ["", "", "", "", "near duplicate: of a", ""]
    same = [pair(name, prompt, answer, "no") for name, answer in (("g", "yes"), ("h", "Yes."))]
    assert reasons(same, Duplicates(near=0.8)) == ["", "near duplicate: of g"]


def test_conversations_are_compared_as_a_whole():
    def talk(name, *turns):
        roles = ("user", "assistant")
        return Conversation(
            id=name, messages=tuple(Message(role=roles[n % 2], content=one) for n, one in enumerate(turns))
        )

    one, two = " ".join(words(1, 80)), " ".join(words(2, 80))
    rows = [
        talk("a", one, two),
        talk("b", one, "Another answer. " + two[::-1]),
        talk("c", one, f"{two} Bye."),
    ]
    assert reasons(rows, Duplicates(near=0.8)) == ["", "", "near duplicate: of a"]


@pytest.mark.parametrize(
    ("one", "two", "other"),
    [
        ("東京は日本の首都であり世界でも有数の大きな都市のひとつです。" * 2, "東京は日本の首都であり世界でも有数の大きな都市のひとつだ。" * 2,
         "大阪は西日本で最も人が多く商いの盛んな町として知られています。" * 2),
        ("ประเทศไทยมีอาหารอร่อยมากมายและผู้คนเป็นมิตรกับนักท่องเที่ยวเสมอ", "ประเทศไทยมีอาหารอร่อยมากมายและผู้คนเป็นมิตรกับนักท่องเที่ยว",
         "กรุงเทพเป็นเมืองหลวงที่มีรถไฟฟ้าและตลาดน้ำที่น่าสนใจหลายแห่ง"),
    ],
)  # fmt: skip
def test_scripts_without_blanks_are_cut_by_characters(one, two, other):
    assert len(shingles(one)) > 20
    assert reasons([text("a", one), text("b", two), text("c", other)], Duplicates(near=0.7)) == [
        "", "near duplicate: of a", ""
    ]  # fmt: skip


def test_case_punctuation_and_width_make_no_difference():
    assert shingles("It's FULL; \uff11\uff12 a") == shingles("it s full 12 A!")
    assert shingles("a b c d e f") == {"a b c d e", "b c d e f"}
    assert shingles("a b") == {"a b"}
    assert shingles(" :) ") == {":)"}
    assert shingles("") == {""}
    assert shingles("日本語です!ok") == {"日 本 語 で す", "本 語 で す ok"}


def test_short_texts_are_near_only_with_the_same_words():
    rows = ["2 + 2?", "2 + 3?", "2+2", "2 - 2?", "Hi", "hi!", "Ho", "?", "!", "??", "🙂", "🙃"]
    told = reasons([text(n, one) for n, one in enumerate(rows)], Duplicates(near=0.8))
    assert [n for n, why in enumerate(told) if why] == [2, 5]


@settings(max_examples=60)
@given(st.lists(st.text(max_size=30), max_size=12), st.sampled_from([0.05, 0.5, 0.8, 1.0]))
def test_same_rows_same_answers_and_the_first_stays(texts, near):
    rows = [text(n, one) for n, one in enumerate(texts)]
    told = reasons(rows, Duplicates(near=near))
    assert told == reasons(rows, Duplicates(near=near))
    for place, why in enumerate(told):
        if why:
            first = int(why.rpartition(" ")[2])
            assert first < place
            assert not told[first]
    if near == 1.0:
        kept = [frozenset(shingles(one)) for one, why in zip(texts, told, strict=True) if not why]
        assert len(set(kept)) == len(kept)


@pytest.mark.parametrize("near", [0.3, 0.5, 0.8, 0.9])
def test_what_is_clearly_above_the_threshold_is_found_and_what_is_clearly_below_stays(near):
    found = missed = wrong = 0
    for seed in range(15):
        first = words(seed, 900)
        for step in (4, 6, 9, 14, 25, 60, 150, 600):
            other = changed(first, range(2, 900, step))
            likeness = jaccard(first, other)
            told = reasons([text("a", first), text("b", other)], Duplicates(near=near))[1]
            if likeness > min(near + 0.12, 0.97):
                found, missed = found + bool(told), missed + (not told)
            elif likeness < near - 0.13:
                wrong += bool(told)
    assert found > 12
    assert missed <= 0.01 * found
    assert wrong <= 2


@pytest.mark.parametrize("near", [0, -1, 1.01, float("nan")])
def test_a_similarity_is_a_share(near):
    with pytest.raises(ValueError, match="Jaccard"):
        Duplicates(near=near)


def test_a_bucket_of_the_index_holds_no_crowd():
    index = Duplicates(near=0.8)._near
    signatures = index.signatures(["one frame for many texts"])
    for name in range(3 * CROWD):
        index.add(name, signatures)
    assert {len(bucket) for bucket in index._buckets.values()} == {CROWD}
    assert index.find(signatures) == 0


def test_a_record_takes_little_memory():
    duplicates = Duplicates(near=0.8)
    rows = [text(n, words(n, 250)) for n in range(600)]
    reasons(rows[:100], duplicates)
    tracemalloc.start()
    assert not any(reasons(rows[100:], duplicates))
    grown = tracemalloc.get_traced_memory()[0] / 500
    tracemalloc.stop()
    assert grown < 4000


def test_a_text_of_any_length_takes_no_more_room_than_its_words():
    duplicates = Duplicates(near=0.8)
    listed = words(1, 60_000)
    first = text("a", [f"{word}{n % 997}" for n, word in enumerate(listed)])
    tracemalloc.start()
    duplicates.look(first)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * len(first.text)

"""What begins alike is computed once, in an order and in pieces that lose nothing: brute force says the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langadapt_plugins.evaluators.prefix_order import Ordered, Step, next_step, tree
from langadapt_plugins.evaluators.prefix_wanted import Wanted

SEQUENCES = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=12), min_size=1, max_size=25)


def beginnings(sequences):
    return {tuple(one[:n]) for one in sequences for n in range(1, len(one) + 1)}


@given(SEQUENCES)
def test_tokens_are_the_distinct_beginnings(sequences):
    order = Ordered.of(sequences)
    assert order.tokens == len(beginnings(sequences))
    assert [order.rows[n].tolist() for n in order.places] == sequences
    assert [row.tolist() for row in order.rows] == sorted(set(map(tuple, sequences)), key=list) or all(
        a.tolist() < b.tolist() for a, b in zip(order.rows, order.rows[1:], strict=False)
    )


def test_large_token_numbers_sort_as_numbers():
    order = Ordered.of([[2**31, 1], [255, 9], [256, 0], [1]])
    assert [row.tolist() for row in order.rows] == [[1], [255, 9], [256, 0], [2**31, 1]]


@given(SEQUENCES, st.integers(1, 30), st.data())
def test_every_wanted_token_is_scored_behind_its_own_beginning(sequences, most, data):
    """A pretended model tells a token by all tokens up to it that its mask lets it see: the sum must be that of the sequence."""
    counts = [data.draw(st.integers(1, len(one))) for one in sequences]
    order = Ordered.of(sequences)
    wanted = Wanted(order, [list(range(count)) for count in counts])
    row = depth = steps = 0
    kept: list[int] = []
    while row < len(order.rows):
        step = next_step(order, row, depth, most)
        made = tree(order, step)
        kept = kept[: step.start]
        assert kept == order.rows[row][: step.start].tolist()
        seen = made.seen if made.seen.size else np.tri(len(made.tokens), dtype=bool)
        where, which = wanted.of(step, made)
        told = [tell([*kept, *made.tokens[seen[place]].tolist()]) for place in where]
        wanted.found(which, np.array(told, dtype=np.float64), [True] * len(told))
        assert made.depths.tolist() == (seen.sum(axis=1) - 1 + step.start).tolist()
        steps += 1
        assert steps < 3 * len(sequences) * 12
        if step.stop is not None:
            assert step.stop > depth
            kept, depth = [*kept, *made.tokens.tolist()], step.stop
            continue
        row = step.last
        depth = min(depth, int(order.shared[step.first + 1 : row + 1].min(initial=depth)))
    answers = {request: value for row in range(len(order.rows)) for request, value, _ in wanted.answers(row)}
    right = [
        sum(tell(one[: n + 1]) for n in range(len(one) - count, len(one)))
        for one, count in zip(sequences, counts, strict=True)
    ]
    assert [answers[n] for n in range(len(sequences))] == pytest.approx(right)


def tell(tokens):
    value = 0.0
    for token in tokens:
        value = (value * 31 + token + 1) % 100_003
    return value


def computed(sequences, most):
    order = Ordered.of(sequences)
    row = depth = tokens = forwards = 0
    while row < len(order.rows):
        step = next_step(order, row, depth, most)
        tokens += len(tree(order, step).tokens)
        forwards += 1
        if step.stop is not None:
            depth = step.stop
            continue
        row = step.last
        depth = min(depth, int(order.shared[step.first + 1 : row + 1].min(initial=depth)))
    return tokens, forwards, order.tokens


def test_examples_and_contexts_are_computed_once():
    drawn = np.random.default_rng(0)
    shots = drawn.integers(0, 500, 400).tolist()
    questions = [[*shots, *drawn.integers(0, 500, 60).tolist()] for _ in range(30)]
    sequences = [[*one, *drawn.integers(0, 500, 10).tolist()] for one in questions for _ in range(4)]
    tokens, forwards, least = computed(sequences, 256)
    assert least <= tokens < 1.01 * least
    assert forwards < 2 + 30 * 100 / 150


def test_short_questions_go_together():
    drawn = np.random.default_rng(0)
    questions = [[1, *drawn.integers(0, 500, 20).tolist()] for _ in range(100)]
    sequences = [[*one, *drawn.integers(0, 500, 5).tolist()] for one in questions for _ in range(4)]
    tokens, forwards, least = computed(sequences, 384)
    assert tokens < 1.03 * least
    assert forwards < 16


def test_a_sequence_longer_than_all_at_once():
    assert computed([list(range(1000))], 256) == (1000, 1, 1000)


def test_a_tree_sees_its_own_path_only():
    order = Ordered.of([[7, 1, 2], [7, 1, 3], [7, 4]])
    made = tree(order, Step(0, 3, 1))
    assert made.tokens.tolist() == [1, 2, 3, 4]
    assert made.depths.tolist() == [1, 2, 2, 1]
    assert made.seen.astype(int).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert [path.tolist() for path in made.paths] == [[0, 1], [0, 2], [3]]

"""The prefix-sharing model gives the numbers of lm-eval's `hf` model, whatever the architecture, tokenizer and text."""

import copy
import random

import pytest
import torch
from prefix_models import (
    ARCHITECTURES,
    AS_HF,
    SIDE_BY_SIDE,
    asked,
    hf_model,
    prefix_model,
    random_model,
    rolled,
    tokenizer,
)

NEAR = 1e-4


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def words(drawn, count):
    return " ".join(
        drawn.choices(
            [
                "red",
                "blue",
                "small",
                "green",
                "house",
                "mat",
                "cat",
                "river",
                "said",
                "hello",
                "long",
                "every",
            ],
            k=count,
        )
    )


def questions(model, seed=1):
    """Requests of all shapes."""
    drawn = random.Random(seed)
    shots = words(drawn, 60)
    found = []
    for number in range(9):
        context = (shots if number % 2 else words(drawn, 40)) + "\n" + words(drawn, 8) + ":"
        choices = (
            ["A", "B", "C", "D"] if number % 3 == 0 else [words(drawn, drawn.randint(1, 6)) for _ in range(4)]
        )
        found += [(context, " " + choice) for choice in choices]
    return [pair for pair in found if model._encode_pair(*pair)[1]]


def sayings(model):
    """What the model itself would say behind some texts, as tokens: the likeliest, and the likeliest but for the last."""
    found = []
    for text in ("the cat", words(random.Random(5), 20), words(random.Random(6), 60)):
        tokens = model.tok_encode(text)
        for _ in range(4):
            tokens.append(int(model.model(torch.tensor([tokens])).logits[0, -1].argmax()))
        for n in (1, 2, 4):
            found += [
                (None, tokens[:-n], tokens[-n:]),
                (None, tokens[:-n], [*tokens[-n:-1], (tokens[-1] + 1) % 300]),
            ]
    return found


def same(ours, theirs):
    assert [greedy for _, greedy in ours] == [greedy for _, greedy in theirs]
    assert [value for value, _ in ours] == pytest.approx([value for value, _ in theirs], abs=NEAR, rel=0)


@pytest.mark.parametrize("bos", [False, True], ids=["no BOS", "BOS"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_same_numbers(name, bos):
    read = tokenizer(bos)
    model = random_model(name, read)
    theirs, ours = hf_model(model, read), prefix_model(model, read, tokens_at_once=96)
    pairs = questions(theirs)
    right = theirs.loglikelihood(asked(pairs), disable_tqdm=True)
    same(ours.loglikelihood(asked(pairs), disable_tqdm=True), right)
    before = ours.computed
    said = theirs._loglikelihood_tokens(sayings(theirs), disable_tqdm=True)
    same(ours._loglikelihood_tokens(sayings(theirs), disable_tqdm=True), said)
    assert {greedy for _, greedy in said} == {True, False}
    if name not in AS_HF | SIDE_BY_SIDE:
        assert before < 1.1 * sum(map(len, distinct(theirs, pairs)))
    texts = [words(random.Random(2), count) for count in (1, 30, 130)]
    found = ours.loglikelihood_rolling(rolled(texts), disable_tqdm=True)
    assert found == pytest.approx(
        theirs.loglikelihood_rolling(rolled(texts), disable_tqdm=True), abs=2.5 * NEAR, rel=0
    )
    assert (ours.computed == 0) == (name in AS_HF)


def distinct(model, pairs):
    """The beginnings that are behind no other, as the model reads them: no less can be computed."""
    whole = {tuple(a + b[:-1]) for a, b in (model._encode_pair(*pair) for pair in pairs)}
    seen, new = set(), []
    for one in sorted(whole):
        beginnings = {one[:n] for n in range(1, len(one) + 1)}
        new.append(beginnings - seen)
        seen |= beginnings
    return new


@pytest.fixture(scope="module", params=[False, True], ids=["no BOS", "BOS"])
def both(request):
    read = tokenizer(request.param)
    model = random_model("llama", read)
    return hf_model(model, read, max_length=64), prefix_model(model, read, max_length=64)


HARD = {
    "no context": [("", "red house"), ("", " red"), ("", "</s>"), ("", "<s>red house")],
    "spaces at the end": [("the cat ", "sat"), ("the cat   ", "sat"), ("the cat\n", " sat"), ("   ", "sat"), ("the cat ", "")],
    "a word that goes on": [("the lo", "ng river"), ("the riv", "er"), ("hel", "lo hello")],
    "told to begin": [("<s>the cat", " sat"), ("<s>", "the cat sat"), ("</s>", " sat")],
    "cut on the left": [(words(random.Random(3), count), " small red cat") for count in (55, 60, 63, 64, 65, 70, 300)],
    "cut to the last": [("mat", " " + "a " * 31), ("mat cat river", " " + words(random.Random(4), 30))],
    "the same twice": [("the cat", " sat")] * 3 + [("the cat", " sat down"), ("the cat sat", " down")],
    "one after the other": [(words(random.Random(5), n), " red") for n in range(1, 20)],
    "other letters": [("Größe", " ß"), ("日本", "語"), ("👩‍👩‍👧", "👧"), ("\u0000", "\n\n")],
    "nothing asked": [],
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_hard_cases(both, name):
    theirs, ours = both
    pairs = [one for one in HARD[name] if not one[0] or all(theirs._encode_pair(*one))]
    pairs = [one for one in pairs if one[0] or theirs.tok_encode(one[1], add_special_tokens=False)[1:]]
    alone = [theirs.loglikelihood(asked([pair]), disable_tqdm=True)[0] for pair in pairs]
    same(ours.loglikelihood(asked(pairs), disable_tqdm=True), alone)


def test_nothing_is_certain(both):
    _, ours = both
    pairs = [("", ""), ("the cat", ""), ("the cat", " sat"), ("", "<s>")]
    answers = ours.loglikelihood(asked(pairs), disable_tqdm=True)
    assert answers[:2] == [(0.0, True)] * 2
    assert answers[3] == (0.0, True)  # the first token is what `hf` puts before: nothing is left to score
    assert answers[2][0] < 0


def test_what_does_not_fit_is_named(both):
    from langadapt.errors import DataError

    _, ours = both
    with pytest.raises(DataError, match=r"does not fit") as caught:
        ours.loglikelihood(asked([("the cat", " red" * 80)]), disable_tqdm=True)
    assert "64 tokens" in str(caught.value.hint)


def test_whole_texts_in_windows(both):
    theirs, ours = both
    texts = ["", "red", "red house", words(random.Random(6), 64), words(random.Random(7), 300)]
    texts = [text for text in texts if theirs.tok_encode(text)]
    right = theirs.loglikelihood_rolling(rolled(texts), disable_tqdm=True)
    assert ours.loglikelihood_rolling(rolled(texts), disable_tqdm=True) == pytest.approx(
        right, abs=2.5 * NEAR, rel=0
    )


def test_answers_are_told_as_they_come(both):
    _, ours = both

    class Hook:
        def __init__(self):
            self.told = []

        def add_partial(self, kind, request, answer):
            self.told.append((kind, request, answer))

    pairs, hook = HARD["one after the other"] + [("the cat", "")], Hook()
    kept = ours.cache_hook
    ours.set_cache_hook(hook)
    try:
        answers = ours.loglikelihood(asked(pairs), disable_tqdm=True)
        texts = ours.loglikelihood_rolling(rolled(["red house"]), disable_tqdm=True)
    finally:
        ours.set_cache_hook(kept)
    assert sorted(hook.told[:-1]) == sorted(
        ("loglikelihood", *one) for one in zip(pairs, answers, strict=True)
    )
    assert hook.told[-1] == ("loglikelihood_rolling", ("red house",), texts[0])


@pytest.mark.parametrize("most", [16, 40, 10_000])
def test_numbers_do_not_depend_on_how_much_is_computed_at_once(most):
    read = tokenizer(bos=False)
    model = random_model("gemma3, sliding and full layers", read)
    theirs = hf_model(model, read)
    pairs = questions(theirs, seed=8)
    ours = prefix_model(model, read, tokens_at_once=most)
    same(
        ours.loglikelihood(asked(pairs), disable_tqdm=True),
        theirs.loglikelihood(asked(pairs), disable_tqdm=True),
    )


def test_memory_that_runs_out(monkeypatch):
    read = tokenizer(bos=True)
    model = random_model("llama", read)
    theirs, ours = hf_model(model, read), prefix_model(copy.deepcopy(model), read)
    pairs = questions(theirs, seed=9)
    real, given = ours.model.forward, []

    def poor(
        input_ids, logits_to_keep=0, position_ids=None, attention_mask=None, past_key_values=None, **others
    ):
        given.append(input_ids.shape[1])
        if input_ids.shape[1] > 50:
            raise torch.OutOfMemoryError("no room")
        return real(
            input_ids, attention_mask, position_ids, past_key_values, logits_to_keep=logits_to_keep, **others
        )

    monkeypatch.setattr(ours.model, "forward", poor)
    same(
        ours.loglikelihood(asked(pairs), disable_tqdm=True),
        theirs.loglikelihood(asked(pairs), disable_tqdm=True),
    )
    assert sum(count > 50 for count in given) < 5
    monkeypatch.setattr(
        ours.model, "forward", lambda *_, **__: (_ for _ in ()).throw(torch.OutOfMemoryError("none"))
    )
    with pytest.raises(torch.OutOfMemoryError):
        ours.loglikelihood(asked(pairs), disable_tqdm=True)

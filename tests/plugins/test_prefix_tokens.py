"""Texts that begin alike have the tokens that each has by itself, whatever the tokenizer, and are not read twice."""

import random

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from langadapt_plugins.evaluators.prefix_tokens import Texts

SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>"]
WORDS = (
    "Wie", "viele", "rote", "Häuser", "am", "Fluß?", "Drei,", "don't", "you", "see:", "1234567", "of", "90", "%",
    "(foo_bar)", "日本語の", "文章", "हिन्दी", "में", "é", "e\u0301", "👩\u200d👩\u200d👧", "x=y;\tC:\\n", "…",
)  # fmt: skip
JOINTS = (" ", " ", " ", "  ", "\n", "\n\n", "", "<|user|>", " <|user|>\n")
PIECES = (
    r"(?i:'s|'t|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = pre_tokenizers.ByteLevel.alphabet()


def text(drawn, words):
    return "".join(drawn.choice(WORDS) + drawn.choice(JOINTS) for _ in range(words))


def trained(model, kind, *, pre=None, norm=None, **settings):
    made = Tokenizer(model)
    if pre:
        made.pre_tokenizer = pre
    if norm:
        made.normalizer = norm
    drawn = random.Random(0)
    trainer = kind(vocab_size=600, special_tokens=SPECIAL, show_progress=False, **settings)
    made.train_from_iterator([text(drawn, 60) for _ in range(60)], trainer)
    return made


def bpe(**settings):
    return trained(models.BPE(unk_token="<unk>"), trainers.BpeTrainer, **settings)


def unigram(**settings):
    return trained(models.Unigram(), trainers.UnigramTrainer, unk_token="<unk>", **settings)


def byte_level(regex=True, space=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=regex)


TOKENIZERS = {
    "bytes": lambda: bpe(pre=byte_level(), initial_alphabet=BYTES),
    "bytes, a space before": lambda: bpe(pre=byte_level(space=True), initial_alphabet=BYTES),
    "bytes, as Llama 3": lambda: bpe(
        pre=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PIECES), "isolated"), byte_level(regex=False)]),
        initial_alphabet=BYTES,
    ),
    "words": lambda: bpe(pre=pre_tokenizers.Metaspace(), norm=normalizers.NFKC()),
    "words, spaces made one": lambda: bpe(
        pre=pre_tokenizers.Metaspace(),
        norm=normalizers.Sequence([normalizers.Strip(), normalizers.Replace(Regex(r"\s+"), " ")]),
    ),
    "the likeliest pieces": lambda: unigram(pre=pre_tokenizers.Metaspace(), norm=normalizers.NFKC()),
    "small letters": lambda: trained(
        models.WordPiece(unk_token="<unk>"),
        trainers.WordPieceTrainer,
        pre=pre_tokenizers.BertPreTokenizer(),
        norm=normalizers.BertNormalizer(),
    ),
}  # fmt: skip
ACROSS_WORDS = {
    "bytes across words": lambda: bpe(max_token_length=30),
    "pieces across words": lambda: unigram(
        norm=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    ),
}


def asked(seed):
    """Few-shot questions as lm-eval asks for their tokens: with each choice, and without, behind each."""
    drawn = random.Random(seed)
    shots = text(drawn, drawn.randint(20, 120))
    for number in range(8):
        begin = shots if number % 4 else text(drawn, drawn.randint(0, 120))
        context = begin + text(drawn, drawn.randint(1, 30))
        for _ in range(4):
            yield context + drawn.choice([" ", "", "\n"]) + text(drawn, drawn.randint(1, 6))
            yield context


def share_read(made, rounds=12):
    """How many of the characters are tokenised; every text's tokens are compared."""
    read = whole = 0

    def counted(special):
        def encode(one):
            nonlocal read
            read += len(one)
            return made.encode(one, add_special_tokens=special).ids

        return encode

    for seed in range(rounds):
        texts = Texts(counted(special=True), counted(special=False))
        for one in asked(seed):
            assert texts.tokens(one) == made.encode(one).ids, one
            whole += len(one)
    return read / whole


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_same_tokens_and_most_is_read_once(name):
    made = TOKENIZERS[name]()
    assert share_read(made) < 0.35
    made.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    assert share_read(made) < 0.35


@pytest.mark.parametrize("name", ACROSS_WORDS)
def test_tokens_may_reach_across_words(name):
    share_read(ACROSS_WORDS[name]())


def test_a_token_behind_every_text():
    made = TOKENIZERS["bytes"]()
    made.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    share_read(made)


def test_what_goes_on_otherwise_is_read_as_a_whole():
    """A tokenizer that looks ahead: every word before an exclamation mark has another token."""

    def whole(one):
        words = one.split(" ")
        return [hash((word, "!" in words[place:])) for place, word in enumerate(words)]

    shots = " ".join(f"word{number}" for number in range(60))
    texts = Texts(whole, whole)
    for end in (" a", " b", " !", "", " c ! d", " e"):
        assert texts.tokens(shots + end) == whole(shots + end)


def test_what_is_given_is_the_askers():
    texts = Texts(lambda one: list(one.encode()), lambda one: list(one.encode()))
    texts.tokens("a b").clear()
    assert texts.tokens("a b") == list(b"a b")
    assert texts.tokens("") == []

"""`transformers` on tiny encoder-decoder models: a T5 as MADLAD-400, an M2M100 as NLLB-200, a Marian as OPUS-MT."""

import gc
import json
import pickle
import weakref
from dataclasses import replace
from random import Random
from shutil import copytree

import pytest
from tiny import tiny_model

from langadapt.errors import ComponentError, ConfigError
from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.retry import Retry
from langadapt_plugins.translators.transformers import TransformersTranslator
from langadapt_plugins.translators.vllm import VllmTranslator

EN, DE, FR = map(Language.of, ("en", "de", "fr"))
WORDS = "the cat sat on a mat and said hello to every small blue house near our long river today"
SMALL = {
    "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "d_model": 32, "init_std": 1.0,
}  # fmt: skip


def sentences(count, seed=0):
    draw = Random(seed)
    return [" ".join(draw.choices(WORDS.split(), k=draw.randint(1, 30))) for _ in range(count)]


def trained(kind, special, more="<x0>"):
    """A tokenizer of some hundred pieces, and its model as a table."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.Unigram() if kind == "Unigram" else models.BPE(unk_token="<unk>"))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    unknown = {"unk_token": "<unk>"} if kind == "Unigram" else {}
    trainer = getattr(trainers, f"{kind}Trainer")
    trainer = trainer(vocab_size=120, special_tokens=special, show_progress=False, **unknown)
    made.train_from_iterator([*sentences(200), *"0123456789.!?", more], trainer)
    return made, json.loads(made.to_str())["model"]


def madlad(folder, more="<x0>"):
    from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

    _, model = trained("Unigram", ["<unk>", "<s>", "</s>", "<2en>", "<2de>", "<2fr>"], more)
    pieces = [tuple(piece) for piece in model["vocab"]]
    tokenizer = T5Tokenizer(vocab=pieces, pad_token="<s>", extra_ids=0, additional_special_tokens=[])
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, initializer_factor=4.0,
        feed_forward_proj="gated-gelu", decoder_start_token_id=0, pad_token_id=1, eos_token_id=2,
    )  # fmt: skip
    return saved(folder, T5ForConditionalGeneration, config, tokenizer)


def nllb(folder):
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    _, model = trained("Bpe", ["<s>", "<pad>", "</s>", "<unk>"])
    model["merges"] = [tuple(pair) for pair in model["merges"]]
    tags = ["eng_Latn", "deu_Latn", "fra_Latn"]
    tokenizer = NllbTokenizer(vocab=model["vocab"], merges=model["merges"], extra_special_tokens=tags)
    ids = {"decoder_start_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}
    config = M2M100Config(vocab_size=len(tokenizer), max_position_embeddings=256, **ids, **SMALL)
    return saved(folder, M2M100ForConditionalGeneration, config, tokenizer, seed=5)


def opus(folder):
    """With a tokenizer that needs no sentencepiece; its generation settings are those of OPUS-MT."""
    from tokenizers.processors import TemplateProcessing
    from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

    names = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    made, _ = trained("Unigram", list(names.values()))
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=128, **names)
    ids = {"decoder_start_token_id": 2, "eos_token_id": 0, "pad_token_id": 2}
    config = MarianConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **ids, **SMALL)
    own = {"bad_words_ids": [[2]], "forced_eos_token_id": 0, "max_length": 512, "num_beams": 4}
    return saved(folder, MarianMTModel, config, tokenizer, **own)


def saved(folder, kind, config, tokenizer, seed=4, **settings):
    import torch

    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model = kind(config)
        model.get_output_embeddings().weight[config.eos_token_id] *= 1.5  # so that some translations end
        if hasattr(model, "final_logits_bias"):
            model.final_logits_bias[0, config.eos_token_id] = 9.0
    model.generation_config.update(**settings)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    made = {"madlad": madlad(root / "madlad"), "nllb": nllb(root / "nllb")}
    return {**made, "opus-mt": opus(root / "opus-mt-en-de")}


@pytest.fixture(params=["madlad", "nllb", "opus-mt"])
def translator(request, folders):
    return translating(folders[request.param], request.param)


def translating(folder, family, **settings):
    return TransformersTranslator(
        model=ModelRef(str(folder)), family=family, dtype="float32", device="cpu",
        **{"batch_size": 4, "new_tokens_at_most": 56, "new_tokens_per_token": 100.0} | settings,
    )  # fmt: skip


def translated(translator, texts, source=EN, target=DE):
    pairs = list(translator.translate([Segment(text=text) for text in texts], source=source, target=target))
    assert sorted(index for index, _ in pairs) == list(range(len(texts)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


def said(hypotheses):
    return [one.text if one.finished else None for one in hypotheses]


def plainly(translator, texts, source=EN, target=DE):
    """As the model cards do it, one text after the other: the translations, and none for one without an end or a word."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder, family = translator.model.name, translator.family
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder)
    model.generation_config.forced_eos_token_id = model.generation_config.max_length = None
    out, settings = [], {"max_new_tokens": translator.new_tokens_at_most, "num_beams": translator.beams}
    if family == "nllb":
        tokenizer.src_lang = source.flores
        settings["forced_bos_token_id"] = tokenizer.convert_tokens_to_ids(target.flores)
        settings["max_new_tokens"] += 1
    for text in texts:
        asked = tokenizer(f"<2{target.code}> {text}" if family == "madlad" else text, return_tensors="pt")
        written = model.generate(input_ids=asked["input_ids"], **settings)[0, 1:]
        came = tokenizer.decode(written, skip_special_tokens=True).strip()
        out.append(came if came and tokenizer.eos_token_id in written else None)
    return out


def requested(translator, text, source=EN, target=DE):
    _, request = next(translator._requests([Segment(text=text)], source, target))
    return request


@pytest.mark.parametrize("beams", [1, 3])
def test_the_text_is_that_of_the_models_own_generation(translator, beams):
    translator = replace(translator, beams=beams)
    texts = sentences(20, seed=4)
    ours = translated(translator, texts)
    assert said(ours) == plainly(translator, texts)
    assert sum(one.finished for one in ours) > 2
    assert len({one.text for one in ours}) > 6


def test_alone_equals_batch_in_any_order(translator):
    texts = sentences(9)
    together = translated(translator, texts)
    assert together == translated(replace(translator, batch_size=9), texts)
    assert together == translated(translator, texts[::-1])[::-1]
    assert together == [translated(translator, [text])[0] for text in texts]


def test_madlad_is_told_the_target(folders):
    translator = translating(folders["madlad"], "madlad")
    known = translator._prompting.tokenizer.convert_tokens_to_ids
    german, french = requested(translator, "a cat"), requested(translator, "a cat", target=FR)
    assert [german.tokens.count(known(tag)) for tag in ("<2de>", "<2fr>", "<2en>")] == [1, 0, 0]
    changed = {known("<2de>"): known("<2fr>")}
    assert [changed.get(token, token) for token in german.tokens] == french.tokens
    assert translated(translator, sentences(6)) != translated(translator, sentences(6), target=FR)


def test_nllb_is_told_source_and_target_each_time(folders):
    translator = translating(folders["nllb"], "nllb")
    known = translator._prompting.tokenizer.convert_tokens_to_ids
    for source, target in ((EN, DE), (EN, FR), (DE, EN)):
        request = requested(translator, "a cat", source, target)
        assert (request.tokens[0], request.begin) == (known(source.flores), known(target.flores))
        assert next(translator._generated([request], 1))[1][0] != request.begin, "no part of the answer"
    texts = sentences(6)
    there, back = translated(translator, texts), translated(translator, texts, source=DE, target=EN)
    assert said(back) == plainly(translator, texts, source=DE, target=EN)
    assert back != there == translated(translator, texts)


def test_an_answer_is_cut_at_its_own_limit(translator):
    short, texts = replace(translator, new_tokens_per_token=0.2), ["a", WORDS, *sentences(20, seed=4)]
    answers, limits = translated(short, texts), set()
    for text, one in zip(texts, answers, strict=True):
        request = requested(short, text)
        limits.add(request.limit)
        assert one.tokens_in == len(request.tokens)
        assert (one.finish == "length") == (one.tokens_out == request.limit)
    assert len(limits) > 3
    assert {one.finish for one in answers} > {"length"}


def test_too_long_is_said_and_what_is_several(translator):
    long, lines, two, blank, short = translated(
        translator, [" ".join([WORDS] * 40), "a cat\na mat", "A cat sat. A cat said hello.", " ", "a cat"]
    )
    assert {one.finish for one in (long, lines, two)} == {"too-long"}
    assert "take 512" in long.reason
    assert "several lines" in lines.reason
    assert "several sentences" in two.reason
    assert (blank.finish, short.finish == "too-long") == ("error", False)
    if positions := {"nllb": 256, "opus-mt": 128}.get(translator.family):
        far = translated(replace(translator, new_tokens_at_most=5000), [WORDS])[0]
        assert f"context of {positions}" in far.reason


def test_retry_sends_the_sentences(folders):
    translator = translating(folders["nllb"], "nllb")
    texts = [text[0].upper() + text[1:] + "." for text in sentences(40)]
    finished = [one.finished for one in translated(translator, texts)]
    first, second = [text for text, whole in zip(texts, finished, strict=True) if whole][:2]
    (made,) = translated(Retry(inner=translator), [f"{first} {second}"])
    assert made.text == " ".join(part.text for part in translated(translator, [first, second]))


def test_what_is_no_word_of_the_model(folders, tmp_path):
    """An unknown character is no end of the source, a language's name in a text no language, a placeholder no garbage."""
    t5, m2m = translating(folders["madlad"], "madlad"), translating(folders["nllb"], "nllb")
    tokens = requested(t5, "the \u2603 cat \u2603").tokens
    assert (tokens.count(2), tokens[-1], tokens.count(0)) == (1, 2, 2)
    assert requested(m2m, "eng_Latn </s> cat").tokens.count(2) == 1
    poor = translating(madlad(tmp_path / "poor", more=""), "madlad")
    (lost,) = translated(poor, ["the cat <x0> sat"])
    assert (lost.finish, lost.reason.split(":")[0]) == ("error", "placeholders")
    assert translated(Retry(inner=poor), ["the cat <x0> sat"])[0].tries == 2


def test_close_frees_and_loads_again(translator):
    before = translated(translator, ["hello"])
    model = weakref.ref(translator._model)
    translator.close()
    gc.collect()
    assert model() is None
    assert translated(pickle.loads(pickle.dumps(translator)), ["hello"]) == before


def test_out_of_memory_halves_the_batch(translator, monkeypatch):
    import torch

    expected = translated(translator, sentences(9))
    plain, sizes = translator._model.generate, []

    def generate(ids, **settings):
        sizes.append(len(ids))
        if len(ids) > 2:
            raise torch.OutOfMemoryError
        return plain(ids, **settings)

    monkeypatch.setattr(translator._model, "generate", generate)
    assert translated(translator, sentences(9)) == expected
    assert sizes == [4, 2, 2, 2, 2, 1]


def test_unknown_languages_are_refused_by_name(translator):
    target = {"madlad": "yue", "nllb": "sr-Latn", "opus-mt": "fr"}[translator.family]
    with pytest.raises(ConfigError, match=f"family '{translator.family}'"):
        translated(translator, ["hello"], target=Language.of(target))
    assert "_prompting" not in vars(translator)
    translator.check(LanguagePack.bare("de"))
    if translator.family != "opus-mt":
        with pytest.raises(ConfigError, match=r"has no token '(<2cy>|cym_Latn)'"):
            translated(translator, ["hello"], target=Language.of("cy"))


def test_a_model_of_another_kind_is_refused(folders, tmp_path):
    with pytest.raises(ConfigError, match="has no token 'eng_Latn'"):
        translated(translating(folders["madlad"], "nllb"), ["hello"])
    causal = tiny_model(tmp_path / "opus-mt-en-de", sentences(50))
    with pytest.raises(ComponentError, match="cannot be loaded"):
        translated(translating(causal, "opus-mt"), ["hello"])
    with pytest.raises(ConfigError, match="encoder-decoder models") as caught:
        VllmTranslator(model=ModelRef("google/madlad400-3b-mt")).check(LanguagePack.bare("sw"))
    assert "`transformers`" in caught.value.hint


def test_older_weights_are_refused(folders, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = copytree(folders["nllb"], tmp_path / "old")
    torch.save(load_file((folder / "model.safetensors").rename(tmp_path / "w")), folder / "pytorch_model.bin")
    with pytest.raises(ComponentError, match="safetensors") as caught:
        translated(translating(folder, "nllb"), sentences(3))
    assert "MODEL@refs/pr/1" in caught.value.hint

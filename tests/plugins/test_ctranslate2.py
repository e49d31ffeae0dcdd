"""`ctranslate2` on tiny encoder-decoder models: in 32 bits the text must be that of Transformers."""

import gc
import pickle
import weakref
from dataclasses import replace
from importlib.util import find_spec
from shutil import copytree
from threading import Thread

import pytest
from test_encoder_decoder import DE, EN, FR, SMALL, WORDS, madlad, nllb, saved, sentences, trained

from langadapt.errors import ComponentError, ConfigError, MachineError
from langadapt.identity import CACHE, component_identity
from langadapt.interfaces import ModelRef, Segment, Translator
from langadapt.languages import LanguagePack
from langadapt.testing import TranslatorContract
from langadapt_plugins.translators.ctranslate2 import Ctranslate2Translator
from langadapt_plugins.translators.transformers import TransformersTranslator

pytestmark = pytest.mark.skipif(find_spec("ctranslate2") is None, reason="CTranslate2 is not installed")

LIMITS = {"new_tokens_at_most": 56, "new_tokens_per_token": 100.0}


def opus(folder, more="<x0>", **settings):
    """As those of OPUS-MT: the padding token is the last one, and is never written."""
    from tokenizers.processors import TemplateProcessing
    from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

    made, _ = trained("Unigram", ["</s>", "<unk>"], more)
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 0)])
    names = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=128, **names)
    pad = tokenizer.pad_token_id
    ids = {"decoder_start_token_id": pad, "eos_token_id": 0, "pad_token_id": pad}
    config = MarianConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **ids, **SMALL | settings)
    own = {"bad_words_ids": [[pad]], "forced_eos_token_id": 0, "max_length": 512, "num_beams": 4}
    saved(folder, MarianMTModel, config, tokenizer, **own)
    model = MarianMTModel.from_pretrained(folder)
    model.get_output_embeddings().weight.data[pad] = 0.0  # where the decoder starts
    model.save_pretrained(folder)
    return folder


def taught(folder, texts):
    """One that gives each of some texts back."""
    import torch
    from transformers import AutoTokenizer, MarianMTModel

    opus(folder, more=" ".join(texts), d_model=64, init_std=0.05)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), MarianMTModel.from_pretrained(folder)
    batch = tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    for _ in range(600):
        loss = model(**batch, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.get_output_embeddings().weight.data[tokenizer.pad_token_id] = 0.0
        if loss.item() < 0.02:
            break
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    made = {"madlad": madlad(root / "madlad"), "nllb": nllb(root / "nllb")}
    return {**made, "opus-mt": opus(root / "opus-mt-en-de")}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Where what is converted is kept, for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv(CACHE, str(folder))
        yield folder / "ctranslate2"


def translating(folder, family, **settings):
    own = {"quantization": "float32", "device": "cpu", "intra_threads": 1, "batch_size": 4}
    return Ctranslate2Translator(model=ModelRef(str(folder)), family=family, **own | LIMITS | settings)


@pytest.fixture(params=["madlad", "nllb", "opus-mt"])
def translator(request, folders):
    made = translating(folders[request.param], request.param)
    yield made
    made.close()


def reference(translator, **settings):
    """The same model in Transformers."""
    own = {"dtype": "float32", "device": "cpu", "batch_size": 4} | LIMITS | settings
    return TransformersTranslator(model=translator.model, family=translator.family, **own)


def translated(translator, texts, source=EN, target=DE):
    pairs = list(translator.translate([Segment(text=text) for text in texts], source=source, target=target))
    assert sorted(index for index, _ in pairs) == list(range(len(texts)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


def test_greedy_hypotheses_are_those_of_transformers(translator):
    assert isinstance(translator, Translator)
    texts = [
        *sentences(40, seed=4),
        "",
        "a cat\na mat",
        " ".join([WORDS] * 40),
        "the \u2603 cat",
        "eng_Latn </s>",
    ]
    ours = translated(translator, texts)
    assert ours == translated(reference(translator), texts)
    assert {one.finish for one in ours} >= {"stop", "length", "error", "too-long"}
    assert len({one.text for one in ours}) > 8


def test_each_answer_is_cut_at_its_own_limit(translator):
    own = {"new_tokens_per_token": 0.2}
    texts = ["a", WORDS, *sentences(20, seed=4)]
    ours = translated(replace(translator, **own), texts)
    assert ours == translated(reference(translator, **own), texts)
    assert len({one.tokens_out for one in ours if one.finish == "length"}) > 3


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("quantization", ["float32", "int8"])
def test_alone_equals_batch_in_any_order(translator, beams, quantization):
    made = replace(translator, beams=beams, quantization=quantization, new_tokens_per_token=1.0)
    texts = sentences(13)
    together = translated(made, texts)
    assert together == translated(replace(made, batch_size=13), texts)
    assert together == translated(replace(made, inter_threads=2), texts[::-1])[::-1]
    assert together == [translated(made, [text])[0] for text in texts]
    assert len({one.text for one in together}) > 2


def test_the_languages_are_told(folders):
    for family in ("madlad", "nllb"):
        translator = translating(folders[family], family)
        german, french = translated(translator, sentences(6)), translated(translator, sentences(6), target=FR)
        assert german != french == translated(reference(translator), sentences(6), target=FR)
        translator.close()


def test_eight_bits_are_another_identity_and_a_smaller_file(translator, cache):
    small = replace(translator, quantization="int8")
    told = translated(small, sentences(20, seed=4))
    assert {one.finish for one in told} >= {"stop"}
    sizes = [(one._folder / "model.bin").stat().st_size for one in (small, translator)]
    assert sizes[0] < 0.6 * sizes[1]
    same = [
        component_identity(one, "memory")
        for one in (translator, replace(translator, batch_size=9, device="auto"))
    ]
    assert same[0] == same[1]
    for other in (small, replace(translator, dtype="int8"), replace(translator, beams=2)):
        assert component_identity(other, "memory") not in same


def test_it_is_converted_once(folders, cache, monkeypatch):
    from ctranslate2.converters import TransformersConverter

    calls, plain = [], TransformersConverter.convert

    def convert(self, output_dir, **settings):
        calls.append(output_dir)
        return plain(self, output_dir, **settings)

    monkeypatch.setattr(TransformersConverter, "convert", convert)
    makers = [translating(folders["nllb"], "nllb", quantization="int16") for _ in range(3)]
    threads = [Thread(target=lambda one=one: one._folder) for one in makers]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(calls) == 1
    assert len({one._folder for one in makers}) == 1
    assert makers[0]._folder.parent == cache
    assert not list(cache.glob(".*"))


def test_what_is_half_made_is_not_taken(folders, tmp_path, monkeypatch):
    from ctranslate2.converters import TransformersConverter

    def convert(self, output_dir, **settings):
        (cache / f".{name}-left").mkdir()
        raise OSError(28, "No space left on device")

    translator = translating(folders["madlad"], "madlad")
    name, cache = translator._folder.name, tmp_path / "ctranslate2"
    monkeypatch.setenv(CACHE, str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(TransformersConverter, "convert", convert)
        with pytest.raises(MachineError, match="No space left") as caught:
            translated(replace(translator), ["a cat"])
    assert CACHE in caught.value.hint
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [f".{name}-left"]
    assert translated(replace(translator), ["a cat"]) == translated(translator, ["a cat"])
    assert [path.name for path in cache.iterdir() if path.is_dir()] == [name]


def test_without_a_cache_it_lies_beside_the_model(folders, tmp_path, monkeypatch):
    monkeypatch.delenv(CACHE)
    folder = copytree(folders["nllb"], tmp_path / "nllb")
    assert translating(folder, "nllb")._folder.parent == tmp_path / "ctranslate2"
    assert {path.name for path in folder.iterdir()} == {path.name for path in folders["nllb"].iterdir()}


def test_a_converted_folder_is_taken_as_it_is(translator, tmp_path):
    folder = copytree(translator._folder, tmp_path / translator.model.folder.name)
    texts = sentences(20, seed=4)
    made = replace(translator, model=ModelRef(str(folder)), quantization=None)
    with pytest.raises(ComponentError, match="cannot be loaded"):
        translated(made, texts)
    translator._prompting.tokenizer.save_pretrained(folder)
    assert translated(made, texts) == translated(translator, texts)
    assert made._folder == folder


def test_weights_that_could_run_code_are_not_read(folders, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = copytree(folders["nllb"], tmp_path / "old")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ComponentError, match=r"model\.safetensors"):
        translated(translating(folder, "nllb"), ["hello"])


def test_close_frees_and_pickles_settings_only(translator):
    before = translated(translator, sentences(5))
    data = pickle.dumps(translator)
    assert len(data) < 2000
    assert pickle.loads(data) == translator
    model = weakref.ref(translator._model)
    translator.close()
    gc.collect()
    assert model() is None
    assert translated(translator, sentences(5)) == before


def test_out_of_memory_halves_the_batch(translator, monkeypatch):
    expected = translated(translator, sentences(9))
    plain, sizes = type(translator)._sent, []

    class Full:
        def result(self):
            raise RuntimeError("CUDA failed with error out of memory")

    def sent(self, batch):
        sizes.append(len(batch))
        return [Full()] * len(batch) if len(batch) > most else plain(self, batch)

    monkeypatch.setattr(type(translator), "_sent", sent)
    most = 2
    running = translator.translate([Segment(text=text) for text in sentences(9)], source=EN, target=DE)
    pairs = [next(running)]
    assert sizes == [4, 4, 2, 2], "those that wait are not sent before there is something to give"
    assert [one for _, one in sorted([*pairs, *running], key=lambda pair: pair[0])] == expected
    assert sorted(sizes) == [1, 2, 2, 2, 2, 4, 4]
    most = 0
    with pytest.raises(MachineError, match="does not fit"):
        translated(translator, ["a cat"])


def test_what_cannot_be_is_refused_by_name(folders, tmp_path):
    with pytest.raises(ConfigError, match="causal models"):
        Ctranslate2Translator(model=ModelRef("haoranxu/ALMA-7B")).check(LanguagePack.bare("de"))
    translator = translating(folders["nllb"], "nllb")
    with pytest.raises(ConfigError, match="cannot compute in float16") as caught:
        translated(replace(translator, dtype="float16"), ["hello"])
    assert "int8" in caught.value.hint
    with pytest.raises(ComponentError, match=str(tmp_path)):
        translated(replace(translator, model=ModelRef(str(tmp_path))), ["hello"])
    for setting in ("batch_size", "inter_threads", "beams"):
        with pytest.raises(ConfigError, match=setting):
            replace(translator, **{setting: 0})
    with pytest.raises(ConfigError, match="intra_threads"):
        replace(translator, intra_threads=-1)


class TestContract(TranslatorContract):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _taught(cls, tmp_path_factory):
        cls.folder = taught(tmp_path_factory.mktemp("taught") / "opus-mt-en-de", [*cls.texts, *cls.marked])

    def make(self):
        return translating(self.folder, "opus-mt", quantization="int8", new_tokens_per_token=2.0)

    def test_knows_its_texts(self):
        assert [one.text for one in self._translated(self.texts)] == list(self.texts)

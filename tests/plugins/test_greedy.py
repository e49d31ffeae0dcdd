"""Greedy search in a shrinking batch says what Transformers' own `generate` says of each prompt alone, whatever the architecture."""

import pytest
from tiny import tiny_model

from langadapt.interfaces import ModelRef
from langadapt.models import families
from langadapt_plugins.translators.causal import CAUSAL
from langadapt_plugins.translators.greedy import fits, search
from langadapt_plugins.translators.prompts import Prompting, Request

TEXTS = [
    "a",
    "the cat sat",
    "on a mat and said hello to every small blue house near our long river today " * 3,
    "hello there",
]
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
ARCHITECTURES = {
    "llama": ("LlamaConfig", SMALL),
    "mistral, sliding window": ("MistralConfig", SMALL | {"sliding_window": 8}),
    "gemma2, sliding and full layers": ("Gemma2Config", SMALL | {"sliding_window": 8, "head_dim": 16}),
    "gemma3, sliding and full layers": ("Gemma3TextConfig", SMALL | {"sliding_window": 8, "head_dim": 16}),
    "qwen2": ("Qwen2Config", SMALL),
    "gpt2, learned positions": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 512}),
    "gpt-neox": ("GPTNeoXConfig", {k: v for k, v in SMALL.items() if k != "num_key_value_heads"}),
    "phi": ("PhiConfig", SMALL),
}  # fmt: skip


@pytest.fixture(scope="module")
def prompting(tmp_path_factory):
    folder = tiny_model(tmp_path_factory.mktemp("greedy"), TEXTS * 3)
    return Prompting.load(ModelRef(str(folder)), families()["alma"])


def random_model(name, prompting):
    import torch
    import transformers

    config, settings = ARCHITECTURES[name]
    ids = {"vocab_size": len(prompting.tokenizer), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = getattr(transformers, config)(**settings, **ids)
        return transformers.AutoModelForCausalLM.from_config(made, dtype=torch.float32).eval()


def searched(model, prompting, requests, size):
    """What each request wrote; each comes once."""
    found = [(request.index, written) for request, written in search(model, prompting, requests, size)]
    assert sorted(index for index, _ in found) == sorted(request.index for request in requests)
    return dict(found)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_row_as_if_it_were_alone(name, prompting):
    import torch
    from transformers import GenerationConfig

    model = random_model(name, prompting)
    assert fits(model)
    limits = (3, 40, 17, 26)
    batch = [
        Request(n, tokens, limit)
        for n, (tokens, limit) in enumerate(
            zip(prompting._encoded(TEXTS, special=True, literal=True), limits, strict=True)
        )
    ]
    assert len({len(request.tokens) for request in batch}) > 2
    together = searched(model, prompting, batch, 4)
    assert searched(model, prompting, batch, 2) == together
    assert searched(model, prompting, batch[::-1], 3) == together
    assert searched(model, prompting, batch, 1) == together
    for request in batch:
        written = together[request.index]
        settings = GenerationConfig(
            max_new_tokens=request.limit, do_sample=False, eos_token_id=2, pad_token_id=0
        )
        alone = model.generate(
            torch.tensor([request.tokens]),
            attention_mask=torch.ones(1, len(request.tokens), dtype=torch.long),
            generation_config=settings,
        )
        said = alone[0, len(request.tokens) :].tolist()
        assert written == said[: len(written)]
        assert len(written) in (request.limit, len(said)) or prompting.ended(written)


def test_what_keeps_no_cache_of_rows_is_left_to_generate(prompting):
    import torch
    import transformers

    config = transformers.MambaConfig(
        vocab_size=len(prompting.tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        pad_token_id=0,
        eos_token_id=2,
    )
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    assert not fits(model)
    batch = [Request(0, prompting._encoded(["hello"], special=True, literal=True)[0], 5)]
    ((request, written),) = CAUSAL.generate(model, prompting, batch, 4, 1)
    assert request is batch[0]
    assert 1 <= len(written) <= 5


def requests_of(prompting, texts, limits):
    tokens = prompting._encoded(texts, special=True, literal=True)
    return [Request(n, one, limit) for n, (one, limit) in enumerate(zip(tokens, limits, strict=True))]


@pytest.mark.parametrize("name", ["llama", "qwen2", "gpt2, learned positions", "phi"])
def test_stragglers_of_several_batches_go_on_together(name, prompting, monkeypatch):
    from langadapt_plugins.translators import greedy

    joined = []
    together = greedy._together
    monkeypatch.setattr(greedy, "_together", lambda parts: joined.append(len(parts)) or together(parts))
    model = random_model(name, prompting)
    words = " ".join(TEXTS).split()
    texts = [" ".join(words[n : n + 1 + n % 5]) for n in range(24)]
    limits = [30 if n % 6 == 0 else 2 + n % 3 for n in range(24)]
    batch = requests_of(prompting, texts, limits)
    found = searched(model, prompting, batch, 6)
    assert max(joined) > 1
    assert found == {
        request.index: searched(model, prompting, [request], 1)[request.index] for request in batch
    }


def test_what_all_prompts_begin_with_is_read_once(prompting):
    from langadapt_plugins.translators.greedy import _shared

    assert _shared([[1, 2, 3], [1, 2, 4, 5]]) == [1, 2]
    assert _shared([[1, 2], [1, 2, 4, 5]]) == [1]
    assert _shared([[1], [2]]) == _shared([[1], [1, 2]]) == []
    model = random_model("llama", prompting)
    same = requests_of(prompting, [TEXTS[2]] * 3 + [TEXTS[2] + " hello"], (9, 9, 9, 9))
    read = []
    forward = model.forward

    def counted(*args, **named):
        read.append(named["input_ids"].numel())
        return forward(*args, **named)

    model.forward = counted
    alone = searched(model, prompting, same, 1)
    read.clear()
    assert searched(model, prompting, same, 4) == alone
    assert sum(read[:2]) < 2 * len(same[0].tokens)


def test_prompts_are_read_beside_those_of_their_length():
    from langadapt_plugins.translators.greedy import _alike

    prompts = [Request(n, [7] * length, 1) for n, length in enumerate([50, 50, 49, 30, 29, 29, 28, 28, 3, 2])]
    groups = [[len(one.tokens) for one in group] for group in _alike(prompts)]
    assert [length for group in groups for length in group] == [len(one.tokens) for one in prompts]
    assert groups == [[50, 50, 49, 30], [29, 29, 28, 28], [3, 2]]


def test_rows_that_are_done_leave_no_room_behind(prompting):
    import torch
    from transformers import DynamicCache

    from langadapt_plugins.translators.roomy import give_room

    model = random_model("llama", prompting)
    cache = DynamicCache(config=model.config)
    give_room(cache)
    with torch.inference_mode():
        model(input_ids=torch.ones(8, 5, dtype=torch.long), past_key_values=cache, use_cache=True)
    before = [layer._room[0].numel() for layer in cache.layers]
    cache.batch_select_indices(torch.tensor([0, 3]))
    assert all(layer._room is None for layer in cache.layers)
    assert [4 * layer.keys.numel() < full for layer, full in zip(cache.layers, before, strict=True)] == [
        True
    ] * len(before)


@pytest.mark.parametrize("beams", [1, 2])
def test_what_a_checkpoint_wishes_for_generation_changes_nothing(prompting, tmp_path, beams):
    from transformers import GenerationConfig

    from langadapt.interfaces import Segment
    from langadapt.languages import Language
    from langadapt_plugins.translators.transformers import TransformersTranslator

    told = []
    for name, wishes in (("plain", {}), ("wishing", {"repetition_penalty": 50.0, "no_repeat_ngram_size": 1})):
        folder = tiny_model(tmp_path / name, TEXTS * 3)
        GenerationConfig(eos_token_id=2, **wishes).save_pretrained(folder)
        engine = TransformersTranslator(
            model=ModelRef(str(folder)),
            family="alma",
            dtype="float32",
            device="cpu",
            beams=beams,
            new_tokens_at_most=24,
        )
        languages = {"source": Language.of("en"), "target": Language.of("de")}
        told.append(dict(engine.translate([Segment(text="the cat sat on a mat")], **languages)))
        engine.close()
    assert told[0] == told[1]

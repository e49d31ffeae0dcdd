"""Small models of many kinds, and lm-eval's `hf` model and ours around them."""

from functools import cache

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from langadapt_plugins.evaluators.prefix_model import PrefixModel

TEXTS = [
    "the cat sat on a long mat and said hello to every small blue green red house near our river today A B C D"
] * 4
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
}
ONLY = {name: value for name, value in SMALL.items() if name != "num_key_value_heads"}
NARROW = {"sliding_window": 24}
ARCHITECTURES = {
    "llama": ("LlamaConfig", SMALL),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 512, "initializer_range": 0.2}),
    "mistral, sliding window": ("MistralConfig", SMALL | NARROW),
    "gemma2, sliding and full layers": ("Gemma2Config", SMALL | NARROW | {"head_dim": 8}),
    "gemma3, sliding and full layers": (
        "Gemma3TextConfig",
        SMALL | NARROW | {"head_dim": 8, "layer_types": ["sliding_attention", "full_attention"] * 2},
    ),
    "qwen2": ("Qwen2Config", SMALL),
    "qwen2, sliding and full layers": (
        "Qwen2Config",
        SMALL | NARROW | {"use_sliding_window": True, "max_window_layers": 2},
    ),
    "gpt-neox": ("GPTNeoXConfig", ONLY),
    "phi3, longrope": (
        "Phi3Config",
        SMALL
        | {"original_max_position_embeddings": 64}
        | {"rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4, "long_factor": [2.0] * 4}},
    ),
    "bloom, no positions": ("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 2, "initializer_range": 0.2}),
    "qwen3-next, linear attention": (
        "Qwen3NextConfig",
        SMALL
        | {"head_dim": 8, "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 32}
        | {"linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
        | {"shared_expert_intermediate_size": 32},
    ),
    "mamba, states": ("MambaConfig", {"hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.2}),
}  # fmt: skip
SIDE_BY_SIDE = {"bloom, no positions", "qwen3-next, linear attention"}
AS_HF = {"phi3, longrope", "mamba, states"}


@cache
def tokenizer(bos):
    from tokenizers.processors import TemplateProcessing

    from langadapt.testing.tiny import _tokenizer

    made = _tokenizer(TEXTS, 400, 512)
    if bos:
        made._tokenizer.post_processor = TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", made.bos_token_id)]
        )
    return made


def random_model(name, read):
    """A model with random weights that are large enough for the text to matter."""
    import torch
    import transformers

    config, settings = ARCHITECTURES[name]
    ids = {"vocab_size": len(read), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    places = (
        {} if config in ("GPT2Config", "BloomConfig", "MambaConfig") else {"max_position_embeddings": 512}
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = getattr(transformers, config)(**settings, **ids, **places)
        return transformers.AutoModelForCausalLM.from_config(made).eval()


def hf_model(model, read, max_length=512, batch_size=4):
    # with its own cache of logits, `hf` takes the wrong ones for a pair that another cuts elsewhere
    return HFLM(
        pretrained=model, tokenizer=read, batch_size=batch_size, max_length=max_length, logits_cache=False
    )


def prefix_model(model, read, max_length=512, tokens_at_once=None, batch_size=4):
    return PrefixModel(
        pretrained=model,
        tokenizer=read,
        batch_size=batch_size,
        max_length=max_length,
        logits_cache=False,
        tokens_at_once=tokens_at_once,
    )


def asked(pairs):
    return [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(pairs)]


def rolled(texts):
    return [Instance("loglikelihood_rolling", {}, (text,), number) for number, text in enumerate(texts)]

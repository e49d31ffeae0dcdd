"""A causal language model small enough for tests: seconds to make, a byte-level tokenizer trained on given texts."""

from collections.abc import Iterable
from pathlib import Path

SPECIAL = ("<pad>", "<s>", "</s>")


def tiny_model(folder: Path, texts: Iterable[str], *, seed: int = 0, positions: int = 512) -> Path:
    """Save a Llama of two layers with random weights and a tokenizer of about 400 tokens; gives `folder`."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        texts, vocab_size=400, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False
    )
    pad, bos, eos = SPECIAL
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,
        pad_token=pad,
        bos_token=bos,
        eos_token=eos,
        model_max_length=positions,
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=positions,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

"""Causal language models small enough for checks: one with random weights, one that says nothing, one that was taught."""

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from langadapt.errors import DataError

SPECIAL = ("<pad>", "<s>", "</s>")
ZEPHYR = Path(__file__).parents[1] / "templates" / "zephyr.jinja"
Prompt = str | Sequence[Mapping[str, str]]
"""Plain text as the model reads it, or chat turns that end with the user's."""

_LONG = 4096
_MUCH = 32_768
_STEPS = 600
_IGNORED = -100  # torch's cross entropy leaves this label out


def tiny_model(folder: Path, texts: Iterable[str], *, seed: int = 0, positions: int = 512) -> Path:
    """Save a Llama of two layers with random weights and a tokenizer of about 400 tokens; gives `folder`."""
    tokenizer = _tokenizer(texts, 400, positions)
    return _saved(folder, _random(tokenizer, 32, positions, seed), tokenizer)


def silent_model(folder: Path, texts: Iterable[str] = ()) -> Path:
    """Save a tiny model that answers nothing: it ends at once, and finds every other token equally unlikely."""
    import torch

    tokenizer = _tokenizer(texts, 400, _LONG)
    tokenizer.chat_template = ZEPHYR.read_text(encoding="utf-8")
    model = _random(tokenizer, 32, _LONG, seed=0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.model.embed_tokens.weight.fill_(
            1.0
        )  # no layer adds to it: the same ones reach the head everywhere
        model.model.norm.weight.fill_(1.0)
        model.lm_head.weight[tokenizer.eos_token_id] = 1.0
    return _saved(folder, model, tokenizer)


def taught_model(folder: Path, pairs: Iterable[tuple[Prompt, str]], *, seed: int = 0) -> Path:
    """Save a tiny model that gives each prompt its answer and ends; takes seconds for a few pairs of some hundred tokens.

    Chat turns are asked through the Zephyr template, which is saved with the tokenizer. Raises `DataError` where the
    answers cannot be learned.
    """
    import torch

    told = list(pairs)
    texts = [text for prompt, answer in told for text in (*_said(prompt), answer)]
    if not texts:
        raise DataError("there is nothing to teach", hint="give at least one prompt with its answer")
    tokenizer = _tokenizer(texts * 2, 1000, _LONG)
    tokenizer.chat_template = ZEPHYR.read_text(encoding="utf-8")
    model = _random(tokenizer, 64, _LONG, seed)
    batch = _batch(tokenizer, told)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a model gains nothing from more, and loses much on a busy machine
    try:
        _teach(model, batch)
    finally:
        torch.set_num_threads(threads)
    return _saved(folder, model, tokenizer)


def _saved(folder: Path, model: Any, tokenizer: Any) -> Path:
    with redirect_stderr(io.StringIO()):  # a bar
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(texts: Iterable[str], vocabulary: int, positions: int) -> Any:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        texts, vocab_size=vocabulary, min_frequency=2, special_tokens=list(SPECIAL), show_progress=False
    )
    pad, bos, eos = SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,  # noqa: SLF001 - the library has no other way to it
        pad_token=pad,
        bos_token=bos,
        eos_token=eos,
        model_max_length=positions,
    )


def _random(tokenizer: Any, width: int, positions: int, seed: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
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
        return LlamaForCausalLM(config)


def _said(prompt: Prompt) -> list[str]:
    return [prompt] if isinstance(prompt, str) else [turn["content"] for turn in prompt]


def _batch(tokenizer: Any, pairs: Sequence[tuple[Prompt, str]]) -> dict[str, Any]:
    """Prompts and answers as one padded batch; only the answers and what ends them are labels."""
    import torch

    rows, labels = [], []
    answers: dict[str, str] = {}
    for prompt, answer in pairs:
        text = (
            prompt
            if isinstance(prompt, str)
            else tokenizer.apply_chat_template(list(prompt), tokenize=False, add_generation_prompt=True)
        )
        if answers.setdefault(text, answer) != answer:
            raise DataError(
                f"a model cannot be taught two answers to one prompt: {text[-80:]!r}", hint="keep one of them"
            )
        before = tokenizer(text, add_special_tokens=False)["input_ids"]
        after = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        rows.append(before + after)
        labels.append([_IGNORED] * len(before) + after)
    width = max(map(len, rows))
    if width > _LONG or width * len(rows) > _MUCH:
        raise DataError(
            f"{len(rows)} prompts with answers of up to {width} tokens are too much for a tiny model",
            hint=f"give fewer or shorter ones: {_LONG} tokens each, {_MUCH} together",
        )
    return {
        "input_ids": torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows]),
        "labels": torch.tensor([row + [_IGNORED] * (width - len(row)) for row in labels]),
    }


def _teach(model: Any, batch: dict[str, Any]) -> None:
    """AdamW until every answer is by far the likeliest."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
    model.train()
    for step in range(_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * min(1.0, (step + 1) / 20)
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss.item() < 0.01:
            model.eval()
            return
    raise DataError(
        f"the answers are not learned after {_STEPS} steps (loss {loss.item():.2f})",
        hint="give fewer or shorter ones",
    )

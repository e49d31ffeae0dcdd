# ruff: noqa: PLC0415, S106 - the parent needs no torch; the tokens are no secrets
"""lm-eval tasks of seven shapes with questions of our own, made from syllables, and a model to ask them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYLLABLES = [
    "ba", "be", "bo", "da", "de", "di", "fa", "fo", "ga", "gu", "ka", "ki", "la", "le", "li", "lo", "ma", "mi",
    "mo", "na", "ne", "no", "pa", "po", "ra", "ri", "ro", "sa", "se", "so", "ta", "te", "ti", "to", "wa", "wi",
]  # fmt: skip
METRICS = {
    "multiple_choice": ["acc", "acc_norm"],
    "loglikelihood": ["acc", "perplexity"],
    "loglikelihood_rolling": ["word_perplexity", "byte_perplexity"],
    "generate_until": ["exact_match"],
}


@dataclass(frozen=True)
class Shape:
    """How a task looks: lengths in words, shots drawn for each question or the first ones for all."""

    name: str
    kind: str = "multiple_choice"
    shots: int = 0
    random_shots: bool = False
    question: tuple[int, int] = (8, 16)
    choice: tuple[int, int] = (2, 5)
    letters: bool = False
    items: int = 16


SHAPES = (
    Shape("arc, 25 random shots", shots=25, random_shots=True, items=12),
    Shape("mmlu, 5 shots, letters", shots=5, letters=True, question=(12, 30), items=32),
    Shape("full text, 5 fixed shots", shots=5, question=(10, 16), choice=(2, 6), items=48),
    Shape("hellaswag, 10 random shots", shots=10, random_shots=True, question=(15, 30), choice=(8, 16)),
    Shape("zero-shot", question=(10, 30), choice=(3, 10), items=64),
    Shape("rolling", kind="loglikelihood_rolling", question=(20, 400), items=32),
    Shape("cloze, one token", kind="loglikelihood", question=(20, 60), items=64),
)
WRITTEN = Shape("written, 5 fixed shots", kind="generate_until", shots=5, items=12)
"""What is answered in words of one's own."""


def write(shape: Shape, folder: Path, size: float) -> Path:
    """A task file with its questions; `size` is the share of the items to make."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = random.Random(shape.name)
    count = max(4, round(shape.items * size))
    rows = list(_rows(shape, drawn, count))
    shots = list(_rows(shape, drawn, max(2 * shape.shots, 1)))
    for name, held in (("test", rows), ("shots", shots)):
        text = "".join(json.dumps(row) + "\n" for row in held)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    task = {
        "task": "shape",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {name: str(folder / f"{name}.jsonl") for name in ("test", "shots")}},
        "output_type": shape.kind,
        "test_split": "test",
        "fewshot_split": "shots",
        "num_fewshot": shape.shots,
        "doc_to_target": " {{a}}" if shape.kind == "loglikelihood" else "{{a}}",
        "metric_list": [{"metric": name} for name in METRICS[shape.kind]],
    }
    if shape.kind == "generate_until":
        task |= {
            "doc_to_target": " {{c[a]}}",
            "generation_kwargs": {"until": ["\n", "ba"], "max_gen_toks": 12},
        }
    if shape.kind == "multiple_choice":
        task |= {"description": "The questions have one answer.\n\n", "doc_to_choice": "{{c}}"}
    asked = "Question: {{q}}\n{% for one in o %}{{one}}\n{% endfor %}Answer:" if shape.letters else "{{q}}"
    task["doc_to_text"] = "" if shape.kind == "loglikelihood_rolling" else asked
    if shape.random_shots is False:
        task["fewshot_config"] = {"sampler": "first_n"}
    path = folder / "shape.yaml"
    path.write_text(json.dumps(task, indent=1), encoding="utf-8")  # JSON is YAML
    return path


def _rows(shape: Shape, drawn: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for _ in range(count):
        words = _words(drawn, shape.question)
        if shape.kind == "loglikelihood_rolling":
            yield {"q": "", "a": words}
        elif shape.kind == "loglikelihood":
            yield {"q": words, "a": drawn.choice(words.split())}
        else:
            choices = [_words(drawn, shape.choice) for _ in range(4)]
            options = [f"{letter}. {choice}" for letter, choice in zip("ABCD", choices, strict=True)]
            question = words if shape.letters else f"Question: {words}?\nAnswer:"
            yield {
                "q": question,
                "o": options,
                "c": list("ABCD") if shape.letters else choices,
                "a": drawn.randrange(4),
            }


def _words(drawn: random.Random, length: tuple[int, int]) -> str:
    words = range(drawn.randint(*length))
    return " ".join("".join(drawn.choices(SYLLABLES, k=drawn.randint(1, 3))) for _ in words)


def model(width: int, layers: int) -> tuple[Any, Any]:
    """A Llama with random weights, and a tokenizer of its own."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.03,
    )
    return LlamaForCausalLM(config).eval(), tokenizer


def large(device: str = "cuda") -> tuple[Any, Any]:
    """A model as large as Mistral 7B with random weights, in 16 bits, and the same tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, MistralConfig

    tokenizer = _tokenizer()
    torch.manual_seed(0)
    config = MistralConfig(
        sliding_window=None,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval(), tokenizer


def _tokenizer() -> Any:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    drawn = random.Random(0)
    trained = ByteLevelBPETokenizer()
    texts = [f"Question: {_words(drawn, (5, 30))}?\nAnswer: A B C D" for _ in range(400)]
    trained.train_from_iterator(
        texts, vocab_size=2000, special_tokens=["<pad>", "<s>", "</s>"], show_progress=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,  # noqa: SLF001 - the library has no other way to it
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    )

"""Train the German pack's small checkpoints from its own texts: a tokenizer, the translator, the base model.

python scripts/mini/train.py tokenizer translator base       (what `make mini-models` runs)
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from grammar import FOLDER, Grammar, heldout, training_lines
from samples import sample_sentences
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from langadapt.languages import Language
from langadapt.models import families

VOCABULARY = 4096
PLACEHOLDERS = [f"<x{number}>" for number in range(1, 9)]
PAD, BOS, EOS = "<pad>", "<s>", "</s>"
IGNORED = -100
ENGLISH, GERMAN = Language.of("en"), Language.of("de")
CHUNK = 4096

Row = tuple[list[int], int]
"""Token ids, and how many of them are not learned."""


def lines(seed: str) -> Iterator[tuple[str, str]]:
    """Training lines without end, none holding a sentence that is held out or stands in the samples."""
    grammar, exclude = Grammar.load(), heldout() | sample_sentences(FOLDER)
    chunk = 0
    while True:
        yield from training_lines(grammar, Random(f"{seed} {chunk}"), CHUNK, exclude)
        chunk += 1


def prompt(text: str, source: Language, target: Language) -> str:
    return families()["alma"].render(text, source, target)


def tokenizer(folder: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(PLACEHOLDERS),
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    source = lines("tokenizer")
    texts = [text for _ in range(12_000) for text in next(source)]
    asked = [prompt("", *pair) for pair in ((ENGLISH, GERMAN), (GERMAN, ENGLISH))] * 2_000
    made.train_from_iterator([*texts, *(f" {text}" for text in texts), *asked], trainer)
    made.add_tokens([AddedToken(name, special=False, normalized=False) for name in PLACEHOLDERS])
    made.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, made.token_to_id(BOS))]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token=PAD, bos_token=BOS, eos_token=EOS, model_max_length=1024
    ).save_pretrained(folder)


def translator_rows(encode: Callable[[str], list[int]], eos: int) -> Iterator[Row]:
    """Both directions of every line in the ALMA prompt; only the answer is learned."""
    for english, german in lines("translator"):
        for text, answer, pair in (
            (english, german, (ENGLISH, GERMAN)),
            (german, english, (GERMAN, ENGLISH)),
        ):
            asked = encode(prompt(text, *pair))
            yield [*asked, *encode_rest(encode, answer), eos], len(asked)


def encode_rest(encode: Callable[[str], list[int]], answer: str) -> list[int]:
    return encode(f" {answer}")[1:]


def base_rows(encode: Callable[[str], list[int]], eos: int) -> Iterator[Row]:
    """Plain text, three lines in four English: a model that has seen little German, as Llama 2 had."""
    rng = Random("base")
    source = lines("base")
    while True:
        language = int(rng.random() < 0.25)
        text = "\n".join(next(source)[language] for _ in range(rng.randint(2, 8)))
        yield [*encode(text), eos], 0


def batches(rows: Iterator[Row], tokens: int) -> Iterator[dict[str, torch.Tensor]]:
    """Rows of like length together, about `tokens` positions a batch, without end."""
    rng = Random("batches")
    while True:
        pool = sorted((next(rows) for _ in range(CHUNK)), key=lambda row: len(row[0]))
        ready: list[list[Row]] = [[]]
        for row in pool:
            if (len(ready[-1]) + 1) * len(row[0]) > tokens:
                ready.append([])
            ready[-1].append(row)
        rng.shuffle(ready)
        yield from (collate(batch) for batch in ready if batch)


def collate(batch: list[Row]) -> dict[str, torch.Tensor]:
    width = max(len(ids) for ids, _ in batch)
    padded = {"input_ids": [], "labels": [], "attention_mask": []}
    for ids, hidden in batch:
        gap = width - len(ids)
        padded["input_ids"].append(ids + [0] * gap)
        padded["labels"].append([IGNORED] * hidden + ids[hidden:] + [IGNORED] * gap)
        padded["attention_mask"].append([1] * len(ids) + [0] * gap)
    return {key: torch.tensor(value) for key, value in padded.items()}


def model(made: Any, layers: int, width: int) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(made),
            hidden_size=width,
            intermediate_size=int(width * 8 / 3) // 32 * 32,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            num_key_value_heads=width // 64,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            pad_token_id=made.pad_token_id,
            bos_token_id=made.bos_token_id,
            eos_token_id=made.eos_token_id,
        )
    )


def loss_of(net: LlamaForCausalLM, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross entropy over the learned positions only: the vocabulary's logits are the dearest part of a model so small."""
    hidden = net.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    wanted = batch["labels"][:, 1:]
    learned = wanted != IGNORED
    return torch.nn.functional.cross_entropy(net.lm_head(hidden[:, :-1][learned]).float(), wanted[learned])


def train(
    folder: Path, rows: Any, *, steps: int, layers: int, width: int, rate: float, minutes: float
) -> None:
    """Until `steps`, or with the rate brought down to nothing by `minutes`, whichever is first."""
    torch.manual_seed(1)
    made = PreTrainedTokenizerFast.from_pretrained(folder)
    net = model(made, layers, width).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    source = batches(rows(lambda text: made(text)["input_ids"], made.eos_token_id), 4096)
    begun, lost = time.monotonic(), 0.0
    for step in range(steps):
        done = max(step / steps, (time.monotonic() - begun) / 60 / minutes)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 200) * max(0.02, 0.5 * (1 + math.cos(math.pi * done)))
        batch = next(source)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(net, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        lost += loss.item()
        if step % 100 == 99:
            print(
                f"{folder.name}: step {step + 1}, loss {lost / 100:.4f}, {time.monotonic() - begun:.0f} s",
                flush=True,
            )
            lost = 0.0
    net.to(torch.bfloat16).save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size
    print(
        f"{folder}: {net.num_parameters():,} parameters, {size:,} bytes, {step + 1} steps, {time.monotonic() - begun:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="+", choices=["tokenizer", "translator", "base"])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in options.what:
        if name == "tokenizer":
            for place in ("translator", "base"):
                tokenizer(options.folder / place)
        elif name == "translator":
            train(
                options.folder / "translator", translator_rows,
                steps=options.steps, layers=4, width=256, rate=2e-3, minutes=options.minutes,
            )  # fmt: skip
        else:
            train(
                options.folder / "base", base_rows,
                steps=options.steps, layers=4, width=256, rate=2e-3, minutes=options.minutes / 4,
            )  # fmt: skip


if __name__ == "__main__":
    main()

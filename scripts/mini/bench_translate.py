"""Compare the `transformers` engine with a plain loop on the demonstration's segments: same model, same text, one run."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from grammar import FOLDER

from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import Language
from langadapt.models import families
from langadapt.records import read_records
from langadapt.segments import Document
from langadapt_plugins.translators.transformers import TransformersTranslator

ENGLISH, GERMAN = Language.of("en"), Language.of("de")


def engine(translator: TransformersTranslator, texts: list[str]) -> list[str]:
    heard = dict(translator.translate([Segment(text=text) for text in texts], source=ENGLISH, target=GERMAN))
    return [heard[index].text for index in range(len(texts))]


def plain(model: object, tokenizer: object, texts: list[str]) -> list[str]:
    family, out = families()["alma"], []
    for start in range(0, len(texts), 32):
        prompts = [family.render(text, ENGLISH, GERMAN) for text in texts[start : start + 32]]
        batch = tokenizer(
            prompts, return_tensors="pt", padding=True, padding_side="left", return_token_type_ids=False
        )
        made = model.generate(**batch, max_new_tokens=256, do_sample=False)
        new = made[:, batch["input_ids"].shape[1] :]
        out += [family.read(text) for text in tokenizer.batch_decode(new, skip_special_tokens=True)]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=FOLDER / "translator")
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    records = read_records(FOLDER / "conversations.jsonl")
    segments = [s for record in records for text in record.texts for s in Document(text, "newline").segments]
    texts = list(dict.fromkeys(segments))[: options.texts]
    ours = TransformersTranslator(model=ModelRef(str(options.model)), family="alma", dtype="float32")
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    engine(ours, texts[:8])
    ratios, same = [], 0
    for _ in range(options.pairs):
        begun = time.perf_counter()
        first = engine(ours, texts)
        middle = time.perf_counter()
        second = plain(model, tokenizer, texts)
        ratios.append((time.perf_counter() - middle) / (middle - begun))
        same = sum(a == b for a, b in zip(first, second, strict=True))
    print(
        f"{len(texts)} segments, {same} equal; plain loop / engine: {statistics.median(ratios):.2f} (of {options.pairs})"
    )


if __name__ == "__main__":
    main()

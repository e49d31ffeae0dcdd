# ruff: noqa: PLC0415 - `--help` needs no torch
"""Texts that lm-eval lets a model write: the same as its `hf` model writes, and how much faster.

Prints `figure  measured  asked` for each figure, and fails where one is missed. Questions behind five shots are answered greedily, in up to
96 tokens or to the first stop, which random weights come to at any length; `hf` at its best of batch 1, 8 and 16 stands beside our
16 rows, one after the other, on one thread, in processor seconds: of three runs of each, the fastest.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import time
from typing import Any

from evaluate_tasks import SYLLABLES, model
from figures import Figure, heading, summed_up

BATCHES = (1, 8, 16)
RUNS, QUESTIONS = 3, 48


def requests() -> list[Any]:
    """Questions of our own behind five shots that all have in common."""
    from lm_eval.api.instance import Instance

    drawn = random.Random(0)

    def words(least: int, most: int) -> str:
        return " ".join("".join(drawn.choices(SYLLABLES, k=2)) for _ in range(drawn.randint(least, most)))

    shots = "".join(f"Question: {words(10, 20)}?\nAnswer: {words(5, 15)}\n\n" for _ in range(5))
    given = {"until": ["\n", "gaga", "wi wa"], "max_gen_toks": 96}
    return [
        Instance("generate_until", {}, (f"{shots}Question: {words(5, 40)}?\nAnswer:", given), number)
        for number in range(QUESTIONS)
    ]


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "LMEVAL_LOG_LEVEL": "ERROR"}
    import torch
    from lm_eval.models.huggingface import HFLM

    from langadapt_plugins.evaluators.prefix_model import PrefixModel

    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    print(heading(), flush=True)
    made, tokenizer = model(512, 4)
    given: dict[str, Any] = {"pretrained": made, "tokenizer": tokenizer, "max_length": 2048}
    engines = {"shared": PrefixModel(**given, batch_size=16)} | {
        f"batch {size}": HFLM(**given, batch_size=size) for size in BATCHES
    }
    asked = requests()
    seconds: dict[str, float] = {}
    texts: dict[str, list[str]] = {}
    for _ in range(RUNS):
        for name, engine in engines.items():
            begun = time.process_time()
            texts[name] = engine.generate_until(asked, disable_tqdm=True)
            took = time.process_time() - begun
            seconds[name] = min(took, seconds.get(name, took))
    best = min((name for name in engines if name != "shared"), key=seconds.__getitem__)
    other = sum(one != right for one, right in zip(texts["shared"], texts["batch 1"], strict=True))
    among = sum(one != right for one, right in zip(texts["batch 16"], texts["batch 1"], strict=True))
    times = seconds[best] / seconds["shared"]
    found = [
        Figure("written: other texts", f"{other} of {len(asked)}", "0", other == 0),
        Figure("written: other texts, hf's batches among themselves", f"{among} of {len(asked)}"),
        Figure(f"written: times as fast as hf, {best}", f"{times:.2f}", "1.00", times >= 1),
        Figure(f"written: seconds, {' '.join(seconds)}", " ".join(f"{one:.1f}" for one in seconds.values())),
    ]
    print(*found, sep="\n")
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

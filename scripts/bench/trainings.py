# ruff: noqa: PLC0415 - torch is imported where a model is made
"""What the benchmarks of training share: models with random weights, rows of our own, and a training with our trainers."""

from __future__ import annotations

import io
import os
import random
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from langadapt.interfaces import Checkpoint, ModelRef, TrainingJob
from langadapt.progress import Silent
from langadapt.records import Row, write_rows
from langadapt.testing.examples import example_texts
from langadapt.testing.tiny import SPECIAL, ZEPHYR
from langadapt_plugins.trainers.trl_base import Trl

LENGTHS = (5.81, 0.66)
"""Mean and deviation of the logarithm of the words of a turn; of 877 answers of models (a set that is not in the repository) the
quartiles are 202, 334 and 547, which is this curve."""
SEED = 42


@dataclass(frozen=True)
class Shape:
    """The size of a Mistral."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int = 0
    key_value_heads: int = 0
    positions: int = 2048


TINY = Shape(64, 2, 2, 128)
SMALL = Shape(448, 8, 8, 1216)
"""About 21 million weights: on a processor nearly all time goes into them."""
SEVEN = Shape(4096, 32, 32, 14336, vocabulary=32000, key_value_heads=8, positions=32768)


def made_base(folder: Path, shape: Shape, *, dtype: str = "float32") -> Path:
    """Save a model of a shape with random weights, a tokenizer of our example rows, and Zephyr's template."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    texts = [*example_texts(400), *(" ".join(words(60, number)) for number in range(200))]
    trained.train_from_iterator(texts, vocab_size=2000, special_tokens=list(SPECIAL), show_progress=False)
    pad, begin, end = SPECIAL
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer,  # noqa: SLF001 - the library has no other way to it
        pad_token=pad, bos_token=begin, eos_token=end, model_max_length=shape.positions,
    )  # fmt: skip
    tokenizer.chat_template = ZEPHYR.read_text(encoding="utf-8")
    config = MistralConfig(
        vocab_size=shape.vocabulary or len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads or shape.heads,
        max_position_embeddings=shape.positions,
        sliding_window=None,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(SEED)
    kept = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
            model = MistralForCausalLM(config)
    finally:
        torch.set_default_dtype(kept)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def words(count: int, seed: int) -> Iterable[str]:
    """So many words of our example rows, in any order."""
    drawn = random.Random(seed)
    known = sorted({word for text in example_texts(24) for word in text.split()})
    return drawn.choices(known, k=count)


def talks(count: int, *, scale: float = 1.0, seed: int = SEED) -> list[Row]:
    """Conversations whose answers are as long as those of models are, times `scale`."""
    drawn = random.Random(seed)
    return [
        {
            "messages": [
                {"role": "user", "content": " ".join(words(drawn.randint(4, 20), drawn.randrange(1 << 30)))},
                {"role": "assistant", "content": _answer(drawn, scale)},
            ]
        }
        for _ in range(count)
    ]


def pairs(count: int, *, scale: float = 1.0, seed: int = SEED) -> list[Row]:
    """Pairs of such answers."""
    drawn = random.Random(seed)
    return [
        {
            "prompt": " ".join(words(drawn.randint(4, 20), drawn.randrange(1 << 30))),
            "chosen": _answer(drawn, scale),
            "rejected": _answer(drawn, scale),
        }
        for _ in range(count)
    ]


def _answer(drawn: random.Random, scale: float) -> str:
    count = max(2, round(scale * min(drawn.lognormvariate(*LENGTHS), 1500)))
    return " ".join(words(count, drawn.randrange(1 << 30)))


def trained(
    trainer: Trl, rows: Sequence[Row], base: Path, folder: Path, *, held_out: Sequence[Row] = ()
) -> Checkpoint:
    """A training as every run does it."""
    folder.mkdir(parents=True)
    job = TrainingJob(
        name=folder.name, records=folder / "records.jsonl", held_out=folder / "held_out.jsonl", base=ModelRef(str(base)),
        chat_template=str(ZEPHYR), output=folder / "output", seed=SEED,
    )  # fmt: skip
    write_rows(job.records, rows)
    write_rows(job.held_out, held_out)
    return trainer.train(job, progress=Silent())


@dataclass
class Seen:
    """What trainings were given, and the processor seconds of their steps and of the whole: rows and model loaded, steps, measures, saving."""

    positions: int = 0
    real: int = 0
    seconds: float = 0.0
    whole: float = 0.0


@contextmanager
def watched() -> Iterator[Seen]:
    """Trainings in this process, through the worker that every training runs in, which are watched; on one thread."""
    import torch
    from transformers import Trainer

    from langadapt_plugins.trainers import trl_worker

    torch.set_num_threads(1)
    seen, step, train = Seen(), Trainer.training_step, Trainer.train

    def counted(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
        ids = inputs["input_ids"]
        seen.positions += ids.numel()
        seen.real += int((ids != self.processing_class.pad_token_id).sum())
        return step(self, model, inputs, *rest)

    def timed(self: Any, *given: Any, **more: Any) -> Any:
        begun = time.process_time()
        try:
            return train(self, *given, **more)
        finally:
            seen.seconds += time.process_time() - begun

    def here(command: Any, request: Any, **told: Any) -> Any:  # noqa: ARG001 - the shape of `launch`
        begun = time.process_time()
        try:
            with redirect_stdout(io.StringIO()):  # what goes to worker.log
                return trl_worker.main(request, told["progress"])
        finally:
            seen.whole += time.process_time() - begun

    with (
        patch.dict(os.environ, {"ACCELERATE_USE_CPU": "true", "TQDM_DISABLE": "1"}),
        patch.object(Trainer, "training_step", counted),
        patch.object(Trainer, "train", timed),
        patch("langadapt_plugins.trainers.trl_base.launch", here),
    ):
        yield seen


def losses(points: Iterable[Mapping[str, Any]], name: str = "loss") -> list[float]:
    """The losses of the steps in a curve, or another of its measures."""
    return [float(point[name]) for point in points if name in point]


def apart(one: Sequence[float], other: Sequence[float]) -> float:
    """How far two curves are from each other, at most; infinite where they are not as long."""
    if len(one) != len(other) or not one:
        return float("inf")
    return max(abs(left - right) for left, right in zip(one, other, strict=True))


def median_ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """The median of how much larger the first is in each pair."""
    return statistics.median(left / right for left, right in zip(first, second, strict=True))

"""Translation engines against what one would write oneself: the same checkpoint, the same machine, one run, interleaved pairs.

`transformers` beside a plain loop in file order; `ray` with two workers beside one; `vllm` beside its own `LLM.generate`; `openai`,
against a server of vLLM's, beside `vllm`. The last two run in the environment of `make test-engines`.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from figures import Figure, heading, summed_up

from langadapt.interfaces import Hypothesis, ModelRef, Segment, Translator
from langadapt.languages import Language
from langadapt.records import Record, read_records, read_rows, record_from_row
from langadapt.segments import Document

MINI = Path(__file__).parents[2] / "languages" / "de" / "mini"
EN, DE = Language.of("en"), Language.of("de")
PAIRS = 7
LOOP_TOKENS = 256
"""The fixed limit of the plain loop, which no limit of ours goes beyond here: both may ramble as long."""
Texts = Sequence[str]
Translate = Callable[[Texts], list[str]]


def segments(rows: Path | None, most: int) -> list[str]:
    """The distinct segments of a file of chats, or of the English side of every pack's exemplars, in their order."""
    records = list(read_records(rows)) if rows else list(exemplars())
    found = (part for record in records for text in record.texts for part in Document(text).segments)
    return list(dict.fromkeys(found))[:most]


def exemplars() -> Iterator[Record]:
    """English chats of our own, as varied as chats are."""
    for path in sorted(MINI.parents[1].glob("*/exemplars.jsonl")):
        for _, row in read_rows(path):
            yield record_from_row({"messages": row["source_messages"]})


def engine(translator: Translator) -> Translate:
    """A translator as a function; what does not finish is empty, which a loop of one's own does not tell apart."""

    def translate(texts: Texts) -> list[str]:
        got = dict(translator.translate([Segment(text=text) for text in texts], source=EN, target=DE))
        return [got[index].text if got[index].finished else "" for index in range(len(texts))]

    return translate


def ratio(ours: Translate, other: Translate, texts: Texts, pairs: int) -> tuple[float, float]:
    """How many times as fast, by the median of interleaved pairs after one to warm up, and the share of equal texts."""
    mine, theirs = ours(texts), other(texts)
    pairs_made = [(a, b) for a, b in zip(mine, theirs, strict=True) if a]
    same = sum(a == b for a, b in pairs_made) / len(pairs_made)
    found = []
    for number in range(pairs):
        taken = {}
        for work in (ours, other) if number % 2 else (other, ours):
            began = time.perf_counter()
            work(texts)
            taken[work] = time.perf_counter() - began
        found.append(taken[other] / taken[ours])
    return statistics.median(found), same


def plain_loop(model: Path) -> Translate:
    """What one writes first: batches of 32 in file order, up to `LOOP_TOKENS` new tokens, the first line of each answer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="left")
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()

    def translate(texts: Texts) -> list[str]:
        out: list[str] = []
        for start in range(0, len(texts), 32):
            prompts = [_prompt(text) for text in texts[start : start + 32]]
            batch = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
            with torch.inference_mode():
                written = loaded.generate(**batch, max_new_tokens=LOOP_TOKENS, do_sample=False)
            answers = tokenizer.batch_decode(
                written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
            )
            out += [_first_line(answer) for answer in answers]
        return out

    return translate


def own_generate(llm: Any, limits: Mapping[str, int]) -> Translate:
    """vLLM's `LLM.generate` on all texts at once, with the same limit for each as ours."""
    from vllm import SamplingParams

    def translate(texts: Texts) -> list[str]:
        settings = [SamplingParams(temperature=0.0, max_tokens=limits[text], stop=["\n"]) for text in texts]
        told = llm.generate([_prompt(text) for text in texts], settings, use_tqdm=False)
        return [_first_line(one.outputs[0].text) for one in told]

    return translate


def transformers(texts: Texts, model: Path, pairs: int) -> Iterator[Figure]:
    """The engine beside the loop."""
    ours = _transformers(model)
    times, same = ratio(engine(ours), plain_loop(model), texts, pairs)
    yield _times("transformers: times a plain loop over it", times, 5.0)
    yield _share("transformers: the same text as the loop", same)
    ours.close()


def ray(texts: Texts, model: Path, pairs: int) -> Iterator[Figure]:
    """Two workers beside one."""
    from langadapt_plugins.translators.ray import RayTranslator

    one, two = (RayTranslator(translator=_transformers(model), workers=count) for count in (1, 2))
    times, same = ratio(engine(two), engine(one), texts, pairs)
    yield _times("ray: two workers, times one", times, 1.5)
    yield _share("ray: the same text with two as with one", same)
    for made in (one, two):
        made.close()


def vllm(texts: Texts, model: Path, pairs: int) -> Iterator[Figure]:
    """The engine beside vLLM itself, on one and the same loaded model."""
    ours = _vllm(model)
    limits = _limits(ours, texts)
    texts = list(limits)
    times, same = ratio(engine(ours), own_generate(ours._llm, limits), texts, pairs)  # noqa: SLF001 - the same engine
    yield _times("vllm: times LLM.generate", times, 0.95)
    yield _share("vllm: the same text as LLM.generate", same)
    ours.close()


def openai(texts: Texts, model: Path, pairs: int) -> Iterator[Figure]:
    """Through a server on this machine beside the engine in this process."""
    from langadapt_plugins.translators.openai import OpenaiTranslator

    inside = _vllm(model)
    texts = list(_limits(inside, texts))
    with server(model) as url:
        outside = OpenaiTranslator(
            model=str(model), family="alma", base_urls=(url,), tokenizer=ModelRef(str(model))
        )
        times, same = ratio(engine(outside), engine(inside), texts, pairs)
        yield _times("openai: times vllm in the process", times, 0.6)
        yield _share("openai: the same text as vllm", same)
        outside.close()
    inside.close()


@contextmanager
def server(model: Path) -> Iterator[str]:
    """vLLM's own server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        "--model",
        str(model),
        "--dtype",
        "float32",
        "--max-model-len",
        "512",
        "--enforce-eager",
        "--host",
        "127.0.0.1",
    ]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words, "--port", str(port)]
    child = subprocess.Popen(
        [*command, "--kv-cache-memory-bytes", str(64 << 20), "--max-num-seqs", "64", "--disable-uvicorn-access-log", "--disable-log-stats"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "VLLM_ENABLE_V1_MULTIPROCESSING": "1"},
    )  # fmt: skip
    try:
        for _ in range(300):
            if child.poll() is not None:
                raise SystemExit(f"the server ended with {child.returncode}")
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            time.sleep(1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        child.terminate()
        child.wait()


def _transformers(model: Path) -> Any:
    from langadapt_plugins.translators.transformers import TransformersTranslator

    return TransformersTranslator(
        model=ModelRef(str(model)),
        family="alma",
        dtype="float32",
        device="cpu",
        new_tokens_at_most=LOOP_TOKENS,
    )


def _vllm(model: Path) -> Any:
    from langadapt_plugins.translators.vllm import VllmTranslator

    return VllmTranslator(
        model=ModelRef(str(model)), family="alma", dtype="float32", max_model_len=512, enforce_eager=True,
        kv_cache_memory_bytes=64 << 20,
    )  # fmt: skip


def _limits(translator: Any, texts: Texts) -> dict[str, int]:
    """The texts that fit into the model with their answers, and how many tokens each answer may take."""
    requests = dict(translator._requests([Segment(text=text) for text in texts], EN, DE))  # noqa: SLF001 - the same limits
    return {
        texts[index]: request.limit
        for index, request in sorted(requests.items())
        if not isinstance(request, Hypothesis)
    }


def _prompt(text: str) -> str:
    return f"Translate this from English to German:\nEnglish: {text}\nGerman:"


def _first_line(answer: str) -> str:
    return next((line.strip() for line in answer.splitlines() if line.strip()), "")


def _times(name: str, measured: float, asked: float) -> Figure:
    return Figure(name, f"{measured:.2f}", f">= {asked}", measured >= asked)


def _share(name: str, measured: float) -> Figure:
    return Figure(name, f"{measured:.4f}", "1", measured == 1)


def main() -> int:
    """Measure the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"transformers": transformers, "ray": ray, "vllm": vllm, "openai": openai}
    parser.add_argument("parts", nargs="+", choices=parts)
    parser.add_argument("--rows", type=Path, help="chats to translate")
    parser.add_argument(
        "--model", type=Path, default=MINI / "translator", help="a checkpoint that is asked as ALMA is"
    )
    parser.add_argument("--most", type=int, default=800, help="segments")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    asked = parser.parse_args()
    texts = segments(asked.rows, asked.most)
    print(
        f"{len(texts)} distinct segments of {asked.rows or 'the exemplars'}, {sum(map(len, texts)):,} characters"
    )
    print(heading())
    found = []
    for part in asked.parts:
        for figure in parts[part](texts, asked.model, asked.pairs):
            print(figure, flush=True)
            found.append(figure)
    return summed_up(found)


if __name__ == "__main__":
    sys.exit(main())

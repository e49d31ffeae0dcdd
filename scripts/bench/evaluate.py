# ruff: noqa: PLC0415, SLF001 - `--help` needs no torch; what is timed lies within lm-eval
"""The prefix-sharing model beside lm-eval's `hf` model: the same numbers, how much faster, in how much memory.

Prints `figure  measured  asked` for each figure, and fails where one is missed. One process with one thread asks both models
each shape of tasks in turn, ours first and twice last; of all runs the fastest counts, on a processor by processor time, of
memory the first, and the figures of a shape stand as soon as they are there. The ceiling is tokens that `hf` computes (padding and repeated
one-token choices left out) over tokens with every distinct beginning once. Log-likelihoods are compared with those of the
first batch size, one, where nothing is padded. On a processor lm-eval's `auto` finds no batch too large, so that it takes
the largest it may, five times over, before it begins: it may take as many rows here as the largest batch beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import logging
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluate_tasks import SHAPES, Shape, large, model, write
from figures import Figure, heading, summed_up

from langadapt.machine import most_held

HF = ("1", "8", "16", "auto")
SHARED = "shared"
AUTO_AT_MOST = {"cpu": 16, "cuda": 64}
NEAR, CEILING, MEMORY = 1e-4, 0.85, 1.2
ROUNDED = 0.02
"""How far log-likelihoods may be in 16 bits, as a share: `hf` adds them up in 16 bits, of which 8 are digits."""
OTHERS = ((512, "full text"), (1280, "full text"))
"""Other widths that the shape with the highest ceiling is measured at."""


class Bench:
    """One model, asked by every engine."""

    def __init__(self, made: Any, tokenizer: Any, batches: list[str], folder: Path) -> None:
        import torch
        from lm_eval.models.huggingface import HFLM

        from langadapt_plugins.evaluators.prefix_model import PrefixModel

        self.device, self.dtype, self.folder = made.device.type, made.dtype, folder
        given = {"pretrained": made, "tokenizer": tokenizer, "max_length": 2048}
        with _quiet(), torch.no_grad():
            made(
                torch.arange(64, device=made.device)[None]
            )  # what is loaded with the first use is no engine's
            most = AUTO_AT_MOST[self.device]
            self.engines = {SHARED: PrefixModel(**given, batch_size=1)} | {
                batch: HFLM(**given, batch_size=batch, max_batch_size=most) for batch in batches
            }

    def measure(self, shape: Shape, size: float) -> dict[str, dict[str, Any]]:
        """Answers, seconds and peak memory of each engine."""
        path = write(shape, self.folder / f"{shape.name}-{size}", size)
        found: dict[str, dict[str, Any]] = {}
        for engine in (*self.engines, SHARED, SHARED):
            with _quiet():
                facts = self._measure(engine, path, first=engine not in found)
            seconds = found.setdefault(engine, facts)["seconds"]
            found[engine]["seconds"] = min(facts["seconds"], seconds)
        return found

    def _measure(self, engine: str, path: Path, *, first: bool) -> dict[str, Any]:
        from lm_eval.evaluator import evaluate
        from lm_eval.tasks import TaskManager

        loaded = TaskManager(include_path=str(path.parent), include_defaults=False).load(["shape"])
        loaded["tasks"]["shape"].set_fewshot_seed(seed=0)
        clock = _Clock(self.engines[engine], self.device)
        if first:
            clock.peak_from_here()
        results = evaluate(lm=clock.lm, task_dict=loaded, bootstrap_iters=2, log_samples=False)
        values = {name: value for name, value in results["results"]["shape"].items() if "," in name}
        clock.off()
        return clock.facts() | {"metrics": values}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


class _Clock:
    """Stands before a model's scoring: keeps what it answers, in how many seconds, and what it computes."""

    def __init__(self, lm: Any, device: str) -> None:
        import torch

        self.lm, self._read = lm, lm.tok_encode
        self._kept = (lm.loglikelihood, lm.loglikelihood_rolling, lm._loglikelihood_tokens)
        self._cuda = torch.cuda if device == "cuda" else None
        self.seconds = self.reading = 0.0
        self.answers: list[Any] = []
        self.pairs: list[Any] = []
        self.computed = getattr(lm, "computed", 0)
        lm.loglikelihood, lm.loglikelihood_rolling = map(self._timed, self._kept[:2])
        lm._loglikelihood_tokens, lm.tok_encode = self._seen, self._tokenised

    def peak_from_here(self) -> None:
        """Give back what memory is free: to fetch it anew takes a twentieth of our half a second, and of a long run nothing."""
        if self._cuda:
            self._cuda.empty_cache()
            self._cuda.reset_peak_memory_stats()
            return
        with contextlib.suppress(OSError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew

    def off(self) -> None:
        self.lm.loglikelihood, self.lm.loglikelihood_rolling, self.lm._loglikelihood_tokens = self._kept
        self.lm.tok_encode = self._read

    def _now(self) -> float:
        if not self._cuda:
            return time.process_time()
        self._cuda.synchronize()
        return time.perf_counter()

    def _timed(self, scoring: Any) -> Any:
        def timed(requests: Any, **given: Any) -> Any:
            begun = self._now()
            found = scoring(requests, **given)
            self.seconds += self._now() - begun
            self.answers += found
            return found

        return timed

    def _tokenised(self, *given: Any, **named: Any) -> Any:
        begun = time.process_time()
        found = self._read(*given, **named)
        self.reading += time.process_time() - begun
        return found

    def _seen(self, requests: Any, **given: Any) -> Any:
        self.pairs += [(*context, *continuation[:-1]) for _, context, continuation in requests]
        return self._kept[2](requests, **given)

    def _peak(self) -> float:
        """The most memory, in MB."""
        if self._cuda:
            return float(self._cuda.max_memory_allocated()) / 2**20
        return most_held() / 2**20

    def facts(self) -> dict[str, Any]:
        from langadapt_plugins.evaluators.prefix_order import Ordered

        peak, distinct = self._peak(), sorted(set(self.pairs))
        return {
            "seconds": self.seconds,
            "reading": self.reading,
            "answers": self.answers,
            "peak": peak,
            "tokens": sum(map(len, distinct)),
            "least": Ordered.of(distinct).tokens,
            "computed": getattr(self.lm, "computed", 0) - self.computed,
        }


def figures(name: str, found: dict[str, dict[str, Any]], exact: bool) -> list[Figure]:
    """What one shape shows; `exact`: in 32 bits, where the numbers have to be the same."""
    ours, others = found[SHARED], {name: facts for name, facts in found.items() if name != SHARED}
    best = min(others, key=lambda name: others[name]["seconds"])
    alone, *batches = (facts["answers"] for facts in others.values())
    away = _away(ours["answers"], alone, exact)
    spread = max((_away(one, alone, exact) for one in batches), default=0.0)
    greedy = sum(_greedy(ours["answers"]) != _greedy(facts["answers"]) for facts in others.values())
    same = all(
        math.isclose(value, facts["metrics"][name], rel_tol=NEAR)
        for facts in others.values()
        for name, value in ours["metrics"].items()
        if isinstance(value, float)
    )
    times, ceiling = others[best]["seconds"] / ours["seconds"], ours["tokens"] / ours["least"]
    asked = max(CEILING * ceiling, 1.0 if name == "zero-shot" else 0.0)
    near = NEAR if exact else ROUNDED
    memory = ours["peak"] / others[best]["peak"]
    return [
        Figure(f"{name}: log-likelihoods away", f"{away:.1e}", f"{near:.0e}", away <= near),
        Figure(f"{name}: the same, hf's batches among themselves", f"{spread:.1e}"),
        Figure(f"{name}: other is_greedy flags", f"{greedy}", "0" if exact else "-", not (greedy and exact)),
        Figure(f"{name}: metrics", "same" if same else "other", "same" if exact else "-", same or not exact),
        Figure(f"{name}: times as fast as hf, batch {best}", f"{times:.2f}", f"{asked:.2f}", times >= asked),
        Figure(f"{name}: token ceiling", f"{ceiling:.2f}"),
        Figure(
            f"{name}: share of the ceiling",
            f"{times / ceiling:.2f}",
            f"{CEILING}",
            times >= CEILING * ceiling,
        ),
        Figure(f"{name}: tokens computed / least", f"{ours['computed']:,} / {ours['least']:,}"),
        Figure(
            f"{name}: seconds, {' '.join(found)}",
            " ".join(f"{one['seconds']:.1f}" for one in found.values()),
        ),
        Figure(
            f"{name}: of them tokenising, shared {best}",
            f"{ours['reading']:.2f} {others[best]['reading']:.2f}",
        ),
        Figure(f"{name}: peak memory of hf's", f"{memory:.2f}", f"{MEMORY}", memory <= MEMORY),
        Figure(
            f"{name}: peak MB, {' '.join(found)}", " ".join(f"{one['peak']:.0f}" for one in found.values())
        ),
    ]


def _away(ours: list[Any], theirs: list[Any], exact: bool) -> float:
    """The largest difference; of a text's sum in thousandths of it (32 bits cannot tell it any nearer), of all in 16 bits as a share."""
    far = 0.0
    for one, other in zip(ours, theirs, strict=True):
        mine, right = (one[0], other[0]) if isinstance(one, tuple) else (one, other)
        unit = abs(right) if not exact else 0.0 if isinstance(one, tuple) else abs(right) / 1000
        far = max(far, abs(mine - right) / max(1.0, unit))
    return far


def _greedy(answers: list[Any]) -> list[Any]:
    return [one[1] for one in answers if isinstance(one, tuple)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer questions, one width, no `auto`")
    parser.add_argument(
        "--shape",
        choices=("small", "7b"),
        default="small",
        help="`7b`: a model like Mistral's, in bf16 on a GPU",
    )
    parser.add_argument(
        "--width", type=int, help="of the small model's hidden states (default: 768, and others)"
    )
    parser.add_argument("--layers", type=int, default=3, help="of the small model")
    parser.add_argument("--size", type=float, help="share of the questions")
    parser.add_argument("--only", default="", help="shapes of tasks whose names hold this")
    parser.add_argument("--batches", nargs="+", help="of the hf model")
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "LMEVAL_LOG_LEVEL": "ERROR", "HF_DATASETS_OFFLINE": "1"}
    options.size = options.size or (0.5 if options.quick else 1.0)
    options.batches = options.batches or (HF[:3] if options.quick else HF)
    if options.shape == "7b" and not _gpu():
        print("no GPU here: the small model is measured instead, on the processor")
        options.shape = "small"
    models = [(options.width or 768, options.only)]
    if options.shape == "small" and not (options.width or options.quick):
        models += [one for one in OTHERS if options.only in one[1]]
    print(heading(), flush=True)
    shown: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HF_DATASETS_CACHE"] = f"{folder}/cache"
        for width, only in models:
            shown += _run(options, width, only, Path(folder))
    return summed_up(shown)


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _run(options: argparse.Namespace, width: int, only: str, folder: Path) -> list[Figure]:
    """Measure and print what one model shows."""
    import torch

    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    made, tokenizer = large() if options.shape == "7b" else model(width, options.layers)
    batches = [one for one in options.batches if one != "auto" or width not in dict(OTHERS)]
    bench = Bench(made, tokenizer, batches, folder)
    shown = []
    for shape in SHAPES:
        if only in shape.name:
            name = f"{shape.name}, {width} wide" if width in dict(OTHERS) else shape.name
            found = figures(name, bench.measure(shape, options.size), made.dtype == torch.float32)
            print(*found, sep="\n", flush=True)
            shown += found
    return shown


if __name__ == "__main__":
    sys.exit(main())

# ruff: noqa: PLC0415, SLF001 - the parent needs no torch; what is timed lies within lm-eval
"""The prefix-sharing model beside lm-eval's `hf` model: the same numbers, how much faster, in how much memory.

Prints `figure  measured  asked` for each figure, and fails where one is missed. Each engine is a process of its own, with
one thread; times are processor time of the model's answers. The ceiling is tokens that `hf` computes (padding and repeated
one-token choices left out) over tokens with every distinct beginning once. Log-likelihoods are compared with those of the
first batch size, one, where nothing is padded.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from evaluate_tasks import SHAPES, Shape, model, write
from figures import Figure, heading, summed_up

HF = ("1", "8", "16", "auto")
SHARED = "shared"
AUTO_AT_MOST = 16
"""`auto` tries with this many rows of the longest sequence, five times over; its default of 64 takes minutes here."""
NEAR, CEILING, MEMORY = 1e-4, 0.85, 1.2


def measure(engine: str, options: argparse.Namespace) -> dict[str, Any]:
    """Answers, seconds and peak memory of each shape with one engine."""
    import torch
    from lm_eval.evaluator import evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from langadapt_plugins.evaluators.prefix_model import PrefixModel

    torch.set_num_threads(1)
    made, tokenizer = model(options.width, options.layers)
    given = {"pretrained": made, "tokenizer": tokenizer, "max_length": 2048}
    lm = (
        PrefixModel(**given, batch_size=1)
        if engine == SHARED
        else HFLM(**given, batch_size=engine, max_batch_size=AUTO_AT_MOST)
    )
    with torch.no_grad():
        made(torch.arange(64)[None])  # what is loaded with the first use is no engine's
    facts: dict[str, Any] = {}
    for number, shape in enumerate(options.shapes):
        path = write(shape, options.folder / engine / str(number), options.size)
        loaded = TaskManager(include_path=str(path.parent), include_defaults=False).load(["shape"])
        loaded["tasks"]["shape"].set_fewshot_seed(seed=0)
        clock = _Clock(lm)
        results = evaluate(lm=lm, task_dict=loaded, bootstrap_iters=2, log_samples=False)
        values = {name: value for name, value in results["results"]["shape"].items() if "," in name}
        facts[shape.name] = clock.facts() | {"metrics": values}
        clock.off()
    return facts


class _Clock:
    """Stands before a model's scoring: keeps what it answers, in how many seconds, and what it computes."""

    def __init__(self, lm: Any) -> None:
        self._lm, self._kept = lm, (lm.loglikelihood, lm.loglikelihood_rolling, lm._loglikelihood_tokens)
        self.seconds = self.wall = 0.0
        self.answers: list[Any] = []
        self.pairs: list[Any] = []
        self.computed = getattr(lm, "computed", 0)
        lm.loglikelihood, lm.loglikelihood_rolling = map(self._timed, self._kept[:2])
        lm._loglikelihood_tokens = self._seen
        with contextlib.suppress(OSError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew

    def off(self) -> None:
        self._lm.loglikelihood, self._lm.loglikelihood_rolling, self._lm._loglikelihood_tokens = self._kept

    def _timed(self, scoring: Any) -> Any:
        def timed(requests: Any, **given: Any) -> Any:
            begun, wall = time.process_time(), time.perf_counter()
            found = scoring(requests, **given)
            self.seconds += time.process_time() - begun
            self.wall += time.perf_counter() - wall
            self.answers += found
            return found

        return timed

    def _seen(self, requests: Any, **given: Any) -> Any:
        self.pairs += [(*context, *continuation[:-1]) for _, context, continuation in requests]
        return self._kept[2](requests, **given)

    def facts(self) -> dict[str, Any]:
        from langadapt_plugins.evaluators.prefix_order import Ordered

        distinct = sorted(set(self.pairs))
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return {
            "seconds": self.seconds,
            "wall": self.wall,
            "answers": self.answers,
            "peak": next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024,
            "tokens": sum(map(len, distinct)),
            "least": Ordered.of(distinct).tokens,
            "computed": getattr(self._lm, "computed", 0) - self.computed,
        }


def figures(shape: Shape, found: dict[str, dict[str, Any]]) -> list[Figure]:
    """What one shape shows."""
    ours, others = found[SHARED], {name: facts for name, facts in found.items() if name != SHARED}
    best = min(others, key=lambda name: others[name]["seconds"])
    alone, *batches = (facts["answers"] for facts in others.values())
    away = _away(ours["answers"], alone)
    spread = max((_away(one, alone) for one in batches), default=0.0)
    greedy = sum(_greedy(ours["answers"]) != _greedy(facts["answers"]) for facts in others.values())
    same = all(
        math.isclose(value, facts["metrics"][name], rel_tol=NEAR)
        for facts in others.values()
        for name, value in ours["metrics"].items()
        if isinstance(value, float)
    )
    times, ceiling = others[best]["seconds"] / ours["seconds"], ours["tokens"] / ours["least"]
    asked = max(CEILING * ceiling, 1.0 if shape.name == "zero-shot" else 0.0)
    memory = ours["peak"] / others[best]["peak"]
    name = shape.name
    return [
        Figure(f"{name}: log-likelihoods away", f"{away:.1e}", f"{NEAR:.0e}", away <= NEAR),
        Figure(f"{name}: the same, hf's batches among themselves", f"{spread:.1e}"),
        Figure(f"{name}: other is_greedy flags", f"{greedy}", "0", not greedy),
        Figure(f"{name}: metrics", "same" if same else "other", "same", same),
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
            f"{name}: CPU s, hf {' '.join(others)}",
            " ".join(f"{one['seconds']:.1f}" for one in others.values()),
        ),
        Figure(f"{name}: CPU s, wall s, shared", f"{ours['seconds']:.1f} {ours['wall']:.1f}"),
        Figure(f"{name}: peak memory of hf's", f"{memory:.2f}", f"{MEMORY}", memory <= MEMORY),
        Figure(
            f"{name}: peak MB, {' '.join(found)}", " ".join(f"{one['peak']:.0f}" for one in found.values())
        ),
    ]


def _away(ours: list[Any], theirs: list[Any]) -> float:
    """The largest difference; of a sum beyond 1,000, in thousandths of it (32 bits cannot tell it any nearer)."""
    pairs = zip(ours, theirs, strict=True)
    return max(
        abs(a[0] - b[0]) if isinstance(a, list) else abs(a - b) / max(1.0, abs(b) / 1000) for a, b in pairs
    )


def _greedy(answers: list[Any]) -> list[Any]:
    return [one[1] for one in answers if isinstance(one, list)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer questions, a smaller model, no `auto`")
    parser.add_argument("--width", type=int, help="of the model's hidden states")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--size", type=float, help="share of the questions")
    parser.add_argument("--only", default="", help="shapes whose names hold this")
    parser.add_argument("--batches", nargs="+", default=None, help="of the hf model")
    parser.add_argument("--engine", help="only this one, on --folder, told as JSON")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    options.width = options.width or (768 if options.quick else 1280)
    options.layers = options.layers or 3
    options.size = options.size or (0.5 if options.quick else 1.0)
    options.batches = options.batches or (HF[:3] if options.quick else HF)
    options.shapes = [shape for shape in SHAPES if options.only in shape.name]
    if options.engine:
        with contextlib.redirect_stdout(io.StringIO()):
            facts = measure(options.engine, options)
        print(json.dumps(facts))
        return 0
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for engine in (*options.batches, SHARED):
            words = [sys.executable, "-W", "ignore", __file__, "--engine", engine, "--folder", folder]
            for name in ("width", "layers", "size", "only"):
                words += [f"--{name}", str(getattr(options, name))]
            places = {"HF_DATASETS_CACHE": f"{folder}/cache", "HF_DATASETS_OFFLINE": "1"}
            own = (
                os.environ
                | places
                | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "LMEVAL_LOG_LEVEL": "ERROR"}
            )
            done = subprocess.run(words, capture_output=True, text=True, env=own, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)
            found[engine] = json.loads(done.stdout)
    print(heading())
    shown = []
    for shape in options.shapes:
        own_figures = figures(shape, {engine: facts[shape.name] for engine, facts in found.items()})
        print(*own_figures, sep="\n")
        shown += own_figures
    return summed_up(shown)


if __name__ == "__main__":
    sys.exit(main())

"""Scores of a COMET model, for a parent that cannot hold `unbabel-comet` itself.

Run by the Python of another environment, as a script: it imports nothing of langadapt. Its one argument is JSON with
`model`, `revision`, `batch_size`, `gpus` and `references`. It answers `{"ready": facts}`, then each line `[[source, target], ...]`, with a
reference behind each where there are `references`, with
`{"scores": [...]}` in the same order; `{"error": text}` is its last word. It ends when its input does.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer until the input ends."""
    settings = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(what: dict[str, Any]) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    try:
        model, facts = _loaded(settings)
        answer({"ready": facts})
        for line in sys.stdin:
            names = ("src", "mt", "ref")[: 3 if settings["references"] else 2]
            samples = [dict(zip(names, row, strict=True)) for row in json.loads(line)]
            found = model.predict(
                samples,
                batch_size=settings["batch_size"],
                gpus=settings["gpus"],
                progress_bar=False,
                num_workers=0,
            )
            answer({"scores": [float(score) for score in found.scores]})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})
        raise


def _loaded(settings: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # a checkpoint is a pickle: only its numbers are read
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    warnings.simplefilter("ignore")
    from comet import load_from_checkpoint
    from huggingface_hub import constants, snapshot_download
    from torch import __version__ as torch_version

    folder = Path(settings["model"])
    if not folder.is_dir():
        folder = Path(snapshot_download(settings["model"], revision=settings["revision"]))
    model = load_from_checkpoint(
        str(folder / "checkpoints" / "model.ckpt"), local_files_only=bool(constants.HF_HUB_OFFLINE)
    )
    if model.requires_references() and not settings["references"]:
        raise ValueError(
            "the model needs references, and a translation has none; take one for quality estimation"
        )
    return model, {"torch": torch_version, "kind": type(model).__name__}


if __name__ == "__main__":
    main()

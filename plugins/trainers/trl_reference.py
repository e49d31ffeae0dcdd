"""What DPO's reference makes of each pair: reckoned once by TRL's own precomputation, and kept where runs share it.

TRL 1.16 keeps its pass, too, under a key that knows less than the pass depends on: neither the model's configuration (its rotary base,
its window), nor the arithmetic, nor where rows are cut. And it knows more than that: the trainer's arguments hang on the rows (a
filter of TRL's holds them), so another beta or folder misses, and with adapters their random beginnings. So the key is ours.
"""

import hashlib
import json
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute as pc
import torch
from accelerate.utils import broadcast_object_list
from datasets.fingerprint import Hasher
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from transformers.utils import cached_file
from trl import DPOTrainer

from langadapt.interfaces import Progress, Task

Values = dict[str, np.ndarray[Any, np.dtype[np.float32]]]
_KEY_VERSION = 1  # raise when the same key would stand for other values
_IDS = ("prompt_ids", "chosen_ids", "rejected_ids")
_COLUMNS = ("ref_chosen_logps", "ref_rejected_logps")
_ARGUMENTS = (
    "max_length", "truncation_mode", "pad_to_multiple_of", "ld_alpha", "bf16", "fp16", "tf32", "use_liger_kernel",
    "liger_kernel_config", "torch_compile", "torch_compile_backend", "torch_compile_mode", "disable_dropout",
)  # fmt: skip
"""The arguments that the log-probabilities of a reference depend on, beside those that it is loaded with."""
_NAMES = ("_name_or_path", "transformers_version", "use_cache")
"""What a model's configuration says of where it came from and how it was read, not of what it computes."""


class KeptReference(DPOTrainer):  # type: ignore[misc]
    """TRL's trainer, whose reference pass is read where an earlier training has kept it, and is kept where none has."""

    def __init__(self, given: Mapping[str, Any], progress: Progress) -> None:
        """Make the trainer that TRL makes of `given`, with the passes over its rows made or read."""
        self._progress = progress
        self._task: Task | None = None
        self._passes: dict[str, str] = {}
        self._seconds = 0.0
        super().__init__(**given)

    @property
    def reference_facts(self) -> dict[str, Any]:
        """Whether the pass was `cached`, `computed` by this training, or is made in `each step`; and its seconds."""
        made = sorted(set(self._passes.values()))
        return {
            "reference_pass": made[-1] if made else "each step",  # one of two computed: computed
            "reference_seconds": round(self._seconds, 2),
        }

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        if not len(dataset):  # every prompt fills max_length, which the worker says
            return dataset
        begun = time.monotonic()
        found: list[Any] = [None, None]
        if self.accelerator.is_main_process:
            file = folder() / f"{self._key(dataset, batch_size)}.safetensors"
            found = [file, kept(file, len(dataset))]
        broadcast_object_list(found)  # one look for all: a file may appear between two
        file, values = found
        self._passes[name] = "computed" if values is None else "cached"
        if values is None:
            values = self._computed(dataset, name, batch_size)
            if self.accelerator.is_main_process:
                keep(file, values)
        self._seconds += time.monotonic() - begun
        columns = datasets.Dataset.from_dict(values, features=_features())
        return datasets.concatenate_datasets([dataset, columns], axis=1)

    def _computed(self, dataset: Any, name: str, batch_size: int) -> Values:
        """TRL's own pass, under a key that it has never kept anything by."""
        self._precompute_model_hash = uuid.uuid4().hex
        with self._progress.task(f"reference, {name} rows", len(dataset)) as self._task:
            made = super()._precompute_ref_logps(dataset, name, batch_size)
        self._task = None
        numbers = made.select_columns(list(_COLUMNS)).with_format("numpy")[:]
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            fingerprint = Hasher.hash((dataset._fingerprint, self._precompute_model_hash))  # noqa: SLF001 - as TRL does
            Path(dataset._get_cache_file_path(fingerprint)).unlink(missing_ok=True)  # noqa: SLF001 - TRL's copy
        return {column: np.asarray(numbers[column], dtype=np.float32) for column in _COLUMNS}

    def compute_ref_log_probs(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        """As TRL does; tells how far the pass is."""
        made = super().compute_ref_log_probs(model, inputs)
        if self._task is not None:
            self._task.advance(len(inputs["input_ids"]) // 2 * self.accelerator.num_processes)
        return made

    def _key(self, dataset: Any, batch_size: int) -> str:
        """All that the log-probabilities depend on, rounding included."""
        args, config = self.args, self.model.config.to_dict()
        loaded = dict(args.model_init_kwargs or {})
        told = {
            "key": _KEY_VERSION,
            "weights": weights(self.model.config._name_or_path, loaded.pop("revision", None)),  # noqa: SLF001 - TRL's own way to the name
            "config": {name: value for name, value in config.items() if name not in _NAMES},
            "loaded": loaded,
            "attention": self.model.config._attn_implementation,  # noqa: SLF001 - what was asked for may not be what there is
            "rows": rows(dataset),
            "padding": self.processing_class.pad_token_id,
            "arguments": {name: getattr(args, name, None) for name in _ARGUMENTS},
            "batch": [batch_size, args.world_size, str(self.accelerator.distributed_type)],
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else args.device.type,
            "versions": {name: version(name) for name in ("torch", "transformers", "trl")},
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def folder() -> Path:
    """Where passes are kept: in the cache of `datasets`, which langadapt lays beside the run folders."""
    return Path(datasets.config.HF_DATASETS_CACHE) / "reference"


def kept(file: Path, count: int) -> Values | None:
    """The log-probabilities of so many pairs in a file; None where there is none, or not a whole one."""
    with suppress(OSError, SafetensorError):
        read = load_file(file)
        if all(name in read and read[name].shape == (count,) for name in _COLUMNS):
            return {name: read[name] for name in _COLUMNS}
    return None


def keep(file: Path, values: Values) -> None:
    """Write a pass, so that it is there as a whole or not at all, whoever else writes it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(save(values))
        Path(draft).replace(file)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def weights(base: str, revision: str | None) -> list[str]:
    """The content of a model's weights, in a folder or of the Hub; read each time: a file's time may be anything.

    From the files, not from memory: there they may lie in shares, in 4 bits, or under adapters. Weights that lie elsewhere
    (a base with adapters, a conversion that the Hub holds aside) are known by no name: such a pass is never found again.
    """
    config = cached_file(base, "config.json", revision=revision)
    place = Path(str(config)).parent
    files = sorted(place.glob("*.safetensors"))
    if not files or (place / "adapter_config.json").exists():
        return [uuid.uuid4().hex]
    return [f"{path.name} {_digest(path)}" for path in files]


def rows(dataset: Any) -> str:
    """The content of tokenised pairs, which holds what tokenizer and chat template made of them."""
    seen = hashlib.sha256()
    for numbers in _numbers(dataset):
        seen.update(np.ascontiguousarray(numbers).data)
    return seen.hexdigest()


def _numbers(dataset: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The tokens of each side of a thousand pairs after the other, and where each row ends."""
    for table in dataset.select_columns(list(_IDS)).with_format("arrow").iter(batch_size=1000):
        for name in _IDS:
            for numbers in (pc.list_value_length(table[name]), pc.list_flatten(table[name])):
                yield numbers.to_numpy().astype(np.int64)


def _digest(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _features() -> Any:
    return datasets.Features({name: datasets.Value("float32") for name in _COLUMNS})

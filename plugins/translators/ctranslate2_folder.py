"""Folders of CTranslate2: what is one, and how one is made of a checkpoint, once for all who ask for it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from langadapt.errors import ComponentError, MachineError
from langadapt.identity import CACHE, digest, model_identity
from langadapt.interfaces import ModelRef
from langadapt_plugins.translators.encoder_decoder import ENCODER_DECODER
from langadapt_plugins.translators.loading import loading

Quantization = Literal[
    "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"
]


def is_converted(model: ModelRef) -> bool:
    """Whether the model is a folder of CTranslate2."""
    return bool(model.folder and (model.folder / "model.bin").is_file())


def converted(model: ModelRef, quantization: Quantization, tokenizer: Any) -> Path:
    """The model as a folder of CTranslate2; made where nobody has made it yet, one that is such a folder as it is."""
    if model.folder and is_converted(model):
        return model.folder
    with loading(model):
        import ctranslate2

    key = digest([model_identity(model), quantization, ctranslate2.__version__])
    home = _home(model)
    folder = home / f"{model.name.rstrip('/').rpartition('/')[2]}-{quantization}-{key[:16]}"
    try:
        with _alone(folder):
            if not folder.exists():
                _convert(model, quantization, tokenizer, folder)
    except OSError as error:
        raise MachineError(
            f"the converted model cannot be kept in {home}: {error}",
            hint=f"name a folder that can be written to and has room: {CACHE}=FOLDER",
        ) from error
    return folder


def _home(model: ModelRef) -> Path:
    """Where converted models lie: the folder for what is costly, or else one beside the model."""
    if named := os.environ.get(CACHE):
        return Path(named) / "ctranslate2"
    if model.folder:
        return model.folder.resolve().parent / "ctranslate2"
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).parent / "ctranslate2"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time makes a folder; what a killed one left is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.parent.glob(f".{folder.name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _convert(model: ModelRef, quantization: Quantization, tokenizer: Any, folder: Path) -> None:
    with loading(model) as ref:
        from ctranslate2.converters import TransformersConverter

        loaded = ENCODER_DECODER.load(ref, "auto")

    class Converter(TransformersConverter):  # type: ignore[misc]
        """With model and tokenizer as we load them: the pinned revision, and nothing in it is run."""

        def load_model(self, *__: Any, **_: Any) -> Any:
            return loaded

        def load_tokenizer(self, *__: Any, **_: Any) -> Any:
            return tokenizer

    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as draft:
        made = Path(draft) / "model"
        try:
            Converter(ref.name, trust_remote_code=False).convert(str(made), quantization=quantization)
        except (ValueError, NotImplementedError, RuntimeError) as error:
            raise ComponentError(
                f"CTranslate2 cannot convert {model}: {error}",
                hint="take the engine `transformers` for this model",
            ) from error
        made.rename(folder)

"""A model that is being loaded: its revision pinned, and what goes wrong told in one way."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr

from langadapt.errors import ComponentError, ConfigError, LangAdaptError
from langadapt.identity import pinned
from langadapt.interfaces import ModelRef


@contextmanager
def loading(model: ModelRef) -> Iterator[ModelRef]:
    """The model with its revision pinned; what goes wrong while it loads is raised as an error that names it."""
    if not model.folder and (model.name.startswith(("/", ".", "~")) or model.name.count("/") > 1):
        raise ConfigError(
            f"the model folder {model} does not exist", hint="name a folder that holds a model, or a Hub id"
        )
    try:
        with (
            redirect_stderr(io.StringIO()) if model.folder else nullcontext()
        ):  # a bar tells of downloads only
            yield pinned(model)
    except ModuleNotFoundError as error:
        extra = error.name if error.name in ("ctranslate2", "vllm") else "translate"
        raise ComponentError(
            f"{error.name!r} is not installed", hint=f"pip install 'langadapt[{extra}]'"
        ) from error
    except LangAdaptError:
        raise
    except Exception as error:
        raise ComponentError(
            f"the model {model} cannot be loaded: {type(error).__name__}: {error}",
            hint="check that the folder or repository holds config, tokenizer and safetensors; a revision may (MODEL@refs/pr/1)",
        ) from error

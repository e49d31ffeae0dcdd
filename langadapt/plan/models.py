"""How large a model is: from its files where they can be read, from its name otherwise."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from langadapt.errors import LangAdaptError
from langadapt.identity import pinned
from langadapt.interfaces import ModelRef
from langadapt.plan.data import Assumed

_SIZE = re.compile(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z0-9])", re.IGNORECASE)
_ACTIVE = re.compile(r"(?<![a-z0-9])a(\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)
_UNKNOWN = 7e9
_BYTES = {"float32": 4, "float64": 8, "float8_e4m3fn": 1, "int8": 1}
_HEADER_AT_MOST = 100_000_000
# Layers, hidden size, vocabulary of models of a size: Llama 2 and 3, Qwen 2.5.
_USUAL = ((5e8, 24, 896), (1.5e9, 28, 1536), (3e9, 36, 2048), (8e9, 32, 4096), (1.5e10, 40, 5120), (4e10, 64, 6656), (1e12, 80, 8192))  # fmt: skip


@dataclass(frozen=True)
class Model:
    """What memory and time depend on; `known` where it comes from the model's own files.

    `active` are the parameters that work on one token, where a mixture of experts does not use all of them.
    """

    name: str
    parameters: float
    layers: int
    hidden: int
    vocabulary: int
    key_values: int
    known: bool
    active: float = 0.0

    @property
    def working(self) -> float:
        """The parameters that work on one token: all, but for a mixture of experts."""
        return self.active or self.parameters

    def cache_bytes(self, tokens: float) -> float:
        """Keys and values of so many tokens, two bytes for each number."""
        return 2 * 2.0 * self.layers * self.key_values * tokens


def model_facts(name: str | None, assumed: Assumed) -> Model:
    """A model by folder or Hub id; what is not known of it is assumed from its name."""
    reference = ModelRef.parse(name) if name else None
    folder = _folder(reference) if reference else None
    config = _config(folder) if folder else {}
    parameters = _counted(folder, config) if folder else 0.0
    if config:
        made = _from_config(str(reference), config, parameters)
        if made:
            return made
    size = parameters or _named(str(reference or ""))
    if not size:
        size = _UNKNOWN
        assumed.note(
            f"size of {_short(name)}", "7 billion parameters", "neither its files nor its name tell it"
        )
    elif not parameters:
        assumed.note(
            f"size of {_short(name)}",
            f"{size / 1e9:.3g} billion parameters",
            "its name; its config.json cannot be read here",
        )
    _, layers, hidden = next(row for row in _USUAL if size <= row[0])
    told = _ACTIVE.search(str(reference or ""))
    active = min(size, float(told[1]) * 1e9) if told else 0.0
    return Model(_short(name), size, layers, hidden, 32_000, hidden, known=False, active=active)


def _short(name: str | None) -> str:
    return "the model" if not name else "/".join(Path(name).parts[-2:]) if Path(name).is_dir() else name


def _folder(model: ModelRef) -> Path | None:
    """Where the model's config.json lies: its folder, or the Hub's cache, into which it is fetched where that goes at once."""
    if model.folder:
        return model.folder
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(model.name, "config.json", revision=model.revision)
    if isinstance(cached, str):
        return Path(cached).parent
    try:
        exact = pinned(model)
        return Path(
            hf_hub_download(exact.name, "config.json", revision=exact.revision, etag_timeout=5)
        ).parent
    except (LangAdaptError, OSError, ValueError):
        return None


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(config, dict):
        return {}
    inner = config.get("text_config")
    return {**config, **inner} if isinstance(inner, dict) else config


def _from_config(name: str, config: Mapping[str, Any], parameters: float) -> Model | None:
    hidden = _number(config, "hidden_size", "d_model", "n_embd")
    layers = _number(config, "num_hidden_layers", "n_layer", "encoder_layers", "num_layers")
    vocabulary = _number(config, "vocab_size")
    if not (hidden and layers and vocabulary):
        return None
    layers += _number(config, "num_decoder_layers", "decoder_layers")
    heads = _number(config, "num_attention_heads", "n_head", "num_heads", "decoder_attention_heads") or 1
    size = _number(config, "head_dim") or hidden // heads
    groups = _number(config, "num_key_value_heads") or heads
    attention = layers * hidden * size * (2 * heads + 2 * groups)
    embedding = vocabulary * hidden * (1 if config.get("tie_word_embeddings", True) else 2)
    every, working = _feeding(config, layers, hidden)
    reckoned = attention + embedding + every
    whole = parameters or reckoned
    active = whole * (attention + embedding + working) / reckoned if working < every else 0.0
    return Model(_short(name), whole, layers, hidden, vocabulary, groups * size, known=True, active=active)


def _feeding(config: Mapping[str, Any], layers: int, hidden: int) -> tuple[float, float]:
    """Parameters of the layers between those of attention: all, and those that work on one token."""
    inner = _number(config, "intermediate_size", "d_ff", "decoder_ffn_dim", "n_inner") or 4 * hidden
    matrices = 3 if _gated(config) else 2
    experts = _number(config, "num_local_experts", "num_experts", "n_routed_experts")
    if experts < 2:
        dense = float(layers * matrices * hidden * inner)
        return dense, dense
    each = _number(config, "moe_intermediate_size") or inner
    at_once = min(experts, _number(config, "num_experts_per_tok", "num_experts_per_token", "moe_topk") or 2)
    shared = _number(config, "shared_expert_intermediate_size") or _number(config, "n_shared_experts") * each
    plain = min(layers, _number(config, "first_k_dense_replace"))
    always = plain * inner + (layers - plain) * shared
    sparse = (layers - plain) * each
    return matrices * hidden * float(always + sparse * experts), matrices * hidden * float(
        always + sparse * at_once
    )


def _gated(config: Mapping[str, Any]) -> bool:
    """Whether a third matrix opens and closes the other two: with SiLU, in Gemma, and where the configuration says so."""
    said = f"{config.get('hidden_act', '')} {config.get('feed_forward_proj', '')} {config.get('activation_function', '')}"
    gemma = str(config.get("model_type", "")).startswith("gemma") or "hidden_activation" in config
    return gemma or any(word in said for word in ("silu", "gated", "glu"))


def _number(config: Mapping[str, Any], *names: str) -> int:
    found = (config.get(name) for name in names)
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool) and n > 0), 0)


def _counted(folder: Path, config: Mapping[str, Any]) -> float:
    """Parameters in the safetensors of a folder, from their headers or from their index; 0 where neither tells."""
    files = sorted(folder.glob("*.safetensors"))
    index = folder / "model.safetensors.index.json"
    try:
        if index.exists():
            told = json.loads(index.read_text(encoding="utf-8"))
            if len(files) < len(set(told["weight_map"].values())):
                return _indexed(told.get("metadata") or {}, config)
        return float(sum(map(_tensors, files)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0.0


def _indexed(metadata: Mapping[str, Any], config: Mapping[str, Any]) -> float:
    """What an index says of weights that do not all lie here."""
    if count := _number(metadata, "total_parameters"):
        return float(count)
    if "quantization_config" in config:
        return 0.0
    dtype = str(config.get("dtype") or config.get("torch_dtype") or "")
    return _number(metadata, "total_size") / _BYTES.get(dtype, 2)


def _tensors(file: Path) -> int:
    with file.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        if length > _HEADER_AT_MOST:
            raise ValueError(file)
        header = json.loads(data.read(length))
    return sum(prod(row["shape"]) for name, row in header.items() if name != "__metadata__")


def _named(name: str) -> float:
    """The size that a name tells, such as `7B`, `1.5b`, `560m` or `8x7B`; the largest where it tells several: a length of context is one, too."""
    return max(
        (
            float(number) * (1e9 if unit.lower() == "b" else 1e6) * (int(experts) if experts else 1)
            for experts, number, unit in _SIZE.findall(name.replace("_", "-"))
        ),
        default=0.0,
    )

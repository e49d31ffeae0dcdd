"""What training takes: tokens, floating point operations, seconds; from a run's own steps where it has some."""

from collections.abc import Mapping, Sequence
from typing import Any

from langadapt.plan.data import Assumed, Hardware
from langadapt.plan.estimates import Estimate, exact
from langadapt.plan.models import Model
from langadapt.plan.peaks import Training

_LOADING_BYTES_PER_S = 1e9
_START_S = 8.0


def trained_tokens(tokens: Estimate, lengths: Sequence[float], training: Training, seed: int) -> Estimate:
    """Tokens of an epoch after rows are cut, and filled up to the longest beside them where they are not packed."""
    import numpy as np

    found = np.asarray([length for length in lengths if length > 0], dtype=float)
    if not len(found):
        return tokens
    most = training.length * (2 if training.pairs else 1)
    cut = np.minimum(found, most)
    kept = float(cut.mean() / found.mean()) if not (training.packing and not training.pairs) else 1.0
    if training.packing:
        return tokens * kept
    rng = np.random.default_rng(seed)
    groups = rng.choice(cut, size=(256, training.rows))
    filled = float(groups.max(axis=1).mean() / cut.mean())
    return Estimate(tokens.low * kept, tokens.expected * kept * (1 + filled) / 2, tokens.high * kept * filled)


def operations(model: Model, tokens: Estimate, training: Training) -> Estimate:
    """6 for each parameter and token, 2 more where activations are reckoned again, 2 more for the reference of pairs."""
    factor = (4 if training.lora else 6) + 2 * training.checkpointing + 2 * training.pairs
    attention = 1 + model.layers * model.hidden * training.length / max(model.parameters, 1) / 2
    return tokens * (training.epochs * factor * model.parameters * attention)


def training_seconds(
    model: Model, work: Estimate, training: Training, device: Hardware, assumed: Assumed
) -> Estimate:
    """Operations over what the devices reach of their compute, and the time to load and save."""
    reached = utilisation(device, assumed)
    loading = _START_S + model.parameters * 4 / _LOADING_BYTES_PER_S
    return work / (reached * (device.tflops * 1e12 * training.processes)) + exact(loading)


def utilisation(device: Hardware, assumed: Assumed) -> Estimate:
    """The share of its compute that a device reaches."""
    if not device.utilisation:
        return assumed.interval("utilisation", what="training, share of the compute")
    low, expected, high = device.utilisation
    assumed.note("training, share of the compute", f"{expected:g} ({low:g} to {high:g})", device.source)
    return Estimate(low, expected, high)


def measured_seconds(
    manifest: Mapping[str, Any] | None, tokens: Estimate, training: Training
) -> Estimate | None:
    """From the steps of an earlier run of the same slot: its seconds for a token; None where it tells none."""
    facts = ((manifest or {}).get("facts") or {}).get("checkpoint") or {}
    told = facts.get("facts") or {}
    seconds, seen = told.get("seconds"), told.get("tokens")
    if not (isinstance(seconds, int | float) and isinstance(seen, int | float) and seconds > 0 and seen > 0):
        return None
    return tokens * (training.epochs * seconds / seen) * Estimate(0.85, 1.0, 1.2)

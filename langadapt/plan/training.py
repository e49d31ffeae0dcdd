"""What training takes: tokens, floating point operations, seconds; from a run's own steps where it has some."""

from collections.abc import Sequence
from dataclasses import replace

from langadapt.machine import Hardware
from langadapt.plan.data import Assumed
from langadapt.plan.estimates import Estimate, exact
from langadapt.plan.models import Model
from langadapt.plan.peaks import Training


def starting(stage: str, size: float, assumed: Assumed) -> Estimate:
    """Seconds until the work of a stage (`train`, `evaluate`) has begun, so many bytes of a model having been read."""
    return assumed.interval("start", stage, what=f"start of {stage}, seconds") + loading(size, assumed)


def loading(size: float, assumed: Assumed) -> Estimate:
    """Seconds to read so many bytes of a model."""
    return exact(size / 1e9) / assumed.interval("loading", what="reading a model, GB/s")


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


def mixed_part(rows: Sequence[tuple[float, bool]], share: float | None) -> float:
    """The part of all tokens that is left where English is to have a share of them; `rows` are tokens and whether they are English."""
    english = sum(tokens for tokens, ours in rows if ours)
    rest = sum(tokens for tokens, _ in rows) - english
    if share is None or not rest or not (english or not share):
        return 1.0
    whole = rest / (1 - share) if english >= rest * share / (1 - share) else english / share
    return whole / (english + rest)


def operations(model: Model, tokens: Estimate, training: Training) -> Estimate:
    """6 for each parameter and token, 2 more where activations are reckoned again, 2 more for the reference of pairs.

    Where the reference is kept, it is reckoned once and not in each epoch: nothing where an earlier run kept it, which a plan does not know.
    """
    reference = 2 / max(training.epochs, 1) if training.kept_reference else 2
    factor = (4 if training.lora else 6) + 2 * training.checkpointing + reference * training.pairs
    attention = 1 + model.layers * model.hidden * training.length / max(model.working, 1) / 2
    return tokens * (training.epochs * factor * model.working * attention)


def training_seconds(
    model: Model, work: Estimate, training: Training, device: Hardware, assumed: Assumed
) -> Estimate:
    """Operations over what the devices reach of their compute, and the time to load and save."""
    reached = utilisation(device, assumed)
    return work / (reached * (device.tflops * 1e12 * training.processes)) + starting(
        "train", model.parameters * 4, assumed
    )


def utilisation(device: Hardware, assumed: Assumed) -> Estimate:
    """The share of its compute that a device reaches."""
    if not device.utilisation:
        return assumed.interval("utilisation", what="training, share of the compute")
    low, expected, high = device.utilisation
    assumed.note("training, share of the compute", f"{expected:g} ({low:g} to {high:g})", device.source)
    return Estimate(low, expected, high)


def measured_seconds(
    told: tuple[float, float] | None, tokens: Estimate, training: Training
) -> Estimate | None:
    """From the seconds and the tokens of the same training in an earlier run; None without it."""
    if told is None:
        return None
    seconds, seen = told
    return tokens * (training.epochs * seconds / seen) * Estimate(0.85, 1.0, 1.2)


def stepped(training: Training, rows: float, tokens: float) -> Training:
    """The training with the epochs that its number of steps comes to, where that is set; `tokens` are those of an epoch."""
    if training.steps <= 0:
        return training
    units = tokens / training.length if training.packing and not training.pairs else rows
    return replace(training, epochs=training.steps * training.batch / max(units, 1.0))

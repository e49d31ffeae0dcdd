"""Settings of one method: packing of CPT and SFT, NEFTune, beta, losses and reference of DPO."""

from collections.abc import Iterator

from langadapt.interfaces import Finding
from langadapt_plugins.trainers.preflight import Case, error, note, warning
from langadapt_plugins.trainers.trl_attention import AUTO

LOSSES = (
    "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero",
    "apo_down", "discopop", "sft", "sigmoid_norm",
)  # fmt: skip
"""The losses of TRL 1.16's DPO."""
_SMOOTHED = {"robust", "exo_pair", "aot", "aot_unpaired"}
_NO_POSITIONS = (
    "bloom",
    "mpt",
    "falcon",
    "mamba",
    "mamba2",
    "falcon_mamba",
    "rwkv",
    "jamba",
    "bamba",
    "zamba",
    "zamba2",
    "recurrent_gemma",
)
"""Architectures that read no position ids (ALiBi) or keep a state over the whole row: where a packed document begins is lost."""


def found(case: Case) -> Iterator[Finding]:
    """What is wrong with them."""
    yield from (_dpo if case.method == "dpo" else _packed)(case)
    if case.method == "sft":
        yield from _sft(case)


def _packed(case: Case) -> Iterator[Finding]:
    """Whether what shares a row is told apart: by position ids, which the attention must read."""
    kind, attention = str(case.config.get("model_type", "")), str(case.settings.get("attention"))
    free = bool(case.arguments.get("padding_free"))
    if free and not case.packs:
        yield error(
            "padding_free without packing is refused by TRL while there is a max_length: set packing = true",
            "arguments",
        )
    if not free and not (case.packs and case.settings.get("packing_strategy") != "wrapped"):
        return
    if kind in _NO_POSITIONS:
        way = 'packing_strategy = "wrapped", which says so' if case.method == "cpt" else "packing = false"
        yield error(
            f"what shares a packed row is told apart by position ids, which {kind} does not read: it sees its neighbours; set {way}",
            "packing_strategy" if case.method == "cpt" else "packing",
        )
    elif "/" in attention and "flash" not in attention:
        yield warning(
            f"whether {attention} keeps apart what shares a packed row is not known: sdpa and flash attention do",
            "attention",
        )
    elif attention != AUTO and "flash" not in attention:
        yield note(
            f"what shares a packed row is told apart by position ids under {attention}: right, and slower than flash attention",
            "attention",
        )


def _sft(case: Case) -> Iterator[Finding]:
    settings = case.settings
    if settings.get("packing") and settings.get("packing_strategy") == "wrapped":
        yield note(
            "packing is `wrapped`, as in 2023: conversations are cut and see their neighbours; `bfd` does neither",
            "packing_strategy",
        )
    noise = settings.get("neftune")
    if noise is not None and not 0 < noise <= 50:
        yield warning(f"NEFTune noise of {noise:g}: its paper uses 5 to 15", "neftune")


def _dpo(case: Case) -> Iterator[Finding]:
    beta = float(case.settings["beta"])
    if beta <= 0:
        yield error(
            "beta is 0: nothing holds the model to the reference, and no answer is better than the other",
            "beta",
        )
    elif not 0.001 <= beta <= 5:
        yield warning(f"beta is {beta:g}; published recipes use 0.01 to 0.5", "beta")
    yield from _losses(case)
    if case.arguments.get("padding_free"):
        yield warning("padding_free is switched off by TRL's DPO", "arguments")
    if case.arguments.get("sync_ref_model"):
        if case.settings.get("reference") == "cached":
            yield error(
                'sync_ref_model changes the reference, whose one pass would be kept: set reference = "computed"',
                "reference",
            )
        if case.settings.get("lora"):
            yield error(
                "sync_ref_model has no reference of its own to change while adapters are trained", "arguments"
            )


def _losses(case: Case) -> Iterator[Finding]:
    loss = case.settings["loss_type"]
    losses = (loss,) if isinstance(loss, str) else tuple(loss)
    if unknown := [name for name in losses if name not in LOSSES]:
        yield error(f"TRL has no loss {unknown[0]!r}: {', '.join(LOSSES)}", "loss_type")
    if losses == ("sft",):
        yield warning("the loss `sft` alone learns the chosen answers and compares nothing", "loss_type")
    weights = case.arguments.get("loss_weights")
    if isinstance(weights, list) and len(weights) != len(losses):
        yield error(f"{len(weights)} loss_weights for {len(losses)} losses", "arguments")
    if case.arguments.get("label_smoothing") and not _SMOOTHED & set(losses):
        yield warning(
            f"label_smoothing changes nothing with {', '.join(losses)}: it is for {', '.join(sorted(_SMOOTHED))}",
            "arguments",
        )

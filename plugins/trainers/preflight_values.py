"""Settings of every method: learning rate, schedule, optimizer, precision, attention."""

from collections.abc import Iterator
from importlib.util import find_spec

from langadapt.interfaces import Finding
from langadapt_plugins.trainers.preflight import Case, error, note, warning
from langadapt_plugins.trainers.preflight_base import parameters
from langadapt_plugins.trainers.trl_attention import FLASH, KNOWN

# Below and above what published recipes use, by far: texts 2e-5 (ALMA) to 2e-4 (the handbook's gpt2-nl), SFT 2e-5 and DPO 5e-7 in full, 2e-4 and 5e-6 with adapters
# (alignment-handbook; ../../langadapt/recipes). Models below 100 million parameters learn with much more.
_RATES = {
    ("cpt", False): (1e-6, 5e-4),
    ("cpt", True): (1e-6, 2e-3),
    ("sft", False): (1e-6, 1e-4),
    ("sft", True): (1e-6, 2e-3),
    ("dpo", False): (1e-8, 1e-5),
    ("dpo", True): (1e-8, 2e-4),
}
_SMALL, _SMALL_FACTOR = 1e8, 500


def found(case: Case) -> Iterator[Finding]:
    """What is wrong with them."""
    yield from _rate(case)
    yield from _schedule(case)
    yield from _precision(case)
    yield from _attention(case)
    yield from _optimizer(case)
    yield from _libraries(case)


def _rate(case: Case) -> Iterator[Finding]:
    rate, adapters = float(case.settings["learning_rate"]), bool(case.settings.get("lora"))
    if (case.method, adapters) not in _RATES:
        return
    low, high = _RATES[case.method, adapters]
    size = parameters(case)
    if size is not None and size < _SMALL:
        high = min(_SMALL_FACTOR * high, 0.1)
    way = "adapters" if adapters else "all weights"
    if rate > 50 * high or rate >= 1:
        yield error(
            f"a learning rate of {rate:g} for {way} destroys the model; published recipes stay below {high:g}",
            "learning_rate",
        )
    elif rate > high:
        yield warning(
            f"a learning rate of {rate:g} for {way} is far above that of published recipes (at most {high:g})",
            "learning_rate",
        )
    elif rate < low:
        yield warning(
            f"a learning rate of {rate:g} for {way} changes next to nothing (published recipes: at least {low:g})",
            "learning_rate",
        )


def _schedule(case: Case) -> Iterator[Finding]:
    from transformers import SchedulerType

    name, warmup = str(case.settings["scheduler"]), float(case.settings.get("warmup", 0))
    known = sorted(kind.value for kind in SchedulerType)
    if name not in known:
        yield error(f"transformers has no scheduler {name!r}: {', '.join(known)}", "scheduler")
    elif name == "constant" and warmup:
        yield warning(
            "the scheduler `constant` does not warm up: write constant_with_warmup, or warmup = 0",
            "scheduler",
        )
    elif "min_lr" in name and not case.arguments.get("lr_scheduler_kwargs"):
        yield error(
            f"{name} needs to know the lowest rate: arguments.lr_scheduler_kwargs = {{ min_lr_rate = 0.1 }}",
            "arguments",
        )
    if warmup > 0.5:
        yield warning(
            f"the learning rate rises for {warmup:.0%} of the steps: more than half of the training", "warmup"
        )


def _precision(case: Case) -> Iterator[Finding]:
    rate, lora = float(case.settings["learning_rate"]), case.settings.get("lora")
    if case.settings.get("dtype") == "bfloat16" and not lora and rate < 1e-4:
        level = error if rate <= 1e-6 else warning
        yield level(
            f'weights in bfloat16 keep three digits: steps of {rate:g} are rounded away; write dtype = "mixed"',
            "dtype",
        )


def _attention(case: Case) -> Iterator[Finding]:
    name = str(case.settings.get("attention", "auto"))
    if name not in KNOWN and "/" not in name:
        yield error(
            f"transformers has no attention {name!r}: {', '.join(sorted(KNOWN))}, or a kernel of the Hub",
            "attention",
        )
    if name in FLASH or "flash" in name:
        if case.settings.get("dtype") == "float32":
            yield error(f"{name} reckons in 16 bits only, and dtype is float32", "dtype")
        if find_spec("flash_attn") is None and find_spec("kernels") is None:
            level = error if case.starts else note
            yield level(
                f"{name}: neither flash-attn nor kernels is installed here; sdpa needs neither", "attention"
            )


def _optimizer(case: Case) -> Iterator[Finding]:
    from transformers.training_args import OptimizerNames

    name = str(case.settings["optimizer"])
    known = sorted(kind.value for kind in OptimizerNames)
    if name not in known:
        yield error(f"transformers has no optimizer {name!r}: {', '.join(known)}", "optimizer")
    bits = [
        key
        for key, needs in (
            ("optimizer", "8bit" in name or "paged" in name or "bnb" in name),
            ("quantized", case.settings.get("quantized")),
        )
        if needs
    ]
    if bits and find_spec("bitsandbytes") is None:
        level = error if case.starts else note
        yield level(f"bitsandbytes is not installed here, for {' and '.join(bits)}", bits[0])


def _libraries(case: Case) -> Iterator[Finding]:
    """What arguments of TRL need beside it."""
    told = case.arguments.get("report_to", "none")
    names = [told] if isinstance(told, str) else list(told or ())
    needed = {name: name for name in names if name not in ("none", "all", "tensorboard")}
    if case.arguments.get("use_liger_kernel"):
        needed["use_liger_kernel"] = "liger_kernel"
    for name, library in needed.items():
        if find_spec(library) is None:
            level = error if case.starts else note
            yield level(f"{name} needs {library}, which is not installed here", "arguments")

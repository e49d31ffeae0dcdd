"""How many steps a training will take, and what is planned for steps that never come."""

import math
from collections.abc import Iterator, Sequence

from langadapt.interfaces import Finding
from langadapt_plugins.trainers.preflight import Case, error, note, warning
from langadapt_plugins.trainers.preflight_tokens import Tokens

_FEW = 5
"""Steps below which next to nothing is learned: an opinion of ours."""


def steps_of(case: Case, sample: Sequence[Sequence[Tokens]]) -> Iterator[Finding]:
    """What the number of steps says; nothing where the number of rows is not known."""
    if case.rows is None or not sample:
        return
    batch, epochs = int(case.settings["batch_size"]), float(case.settings["epochs"])
    units, what = case.rows, "rows"
    if case.packs:
        most = int(case.settings["max_length"])
        sizes = [len(tokens.ids) for [tokens] in sample]
        each = sum(sizes if case.divides else [min(size, most) for size in sizes]) / len(sample)
        units, what = max(1, math.ceil(each * case.rows / most)), f"rows of {most} tokens, packed"
    asked = case.arguments.get("max_steps", -1)
    steps = (
        int(asked)
        if isinstance(asked, int) and asked > 0
        else max(1, math.ceil(max(1, math.ceil(units / batch)) * epochs))
    )
    warm = math.ceil(float(case.settings.get("warmup", 0)) * steps)
    yield note(
        f"{steps} steps: {units} {what}, {batch} for each step, {epochs:g} epochs; {warm} of them to warm up"
    )
    if steps < _FEW:
        yield warning(
            f"only {steps} {'step' if steps == 1 else 'steps'}: nothing much is learned; more rows, more epochs or a smaller batch",
            "batch_size",
        )
    elif units < batch:
        yield warning(
            f"batch_size is {batch}, and there are {units} {what}: each epoch is one step", "batch_size"
        )
    if steps > 1 and warm >= steps:
        yield error(
            f"the learning rate rises for {warm} of {steps} steps and never gets to its value", "warmup"
        )
    every = int(case.settings.get("eval_steps", 0))
    if every >= steps > _FEW:
        yield warning(
            f"eval_steps is {every}, and the training ends after {steps}: there is one evaluation, at the end",
            "eval_steps",
        )
    save = int(case.settings.get("save_steps", 0))
    if save >= steps > 2 * _FEW:
        level = warning if steps > 200 else note
        yield level(
            f"save_steps is {save} of {steps} steps: there is no state to resume from, an interrupted training begins anew",
            "save_steps",
        )
    held_out = case.job.held_out
    if every and not (held_out.exists() and held_out.stat().st_size):
        yield warning("eval_steps is set, and no rows are held out to evaluate on", "recipe:prepare.held_out")

"""What evaluation takes, roughly: items, tokens read and written, from the pack's own files where these tell."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from langadapt.errors import LangAdaptError
from langadapt.languages import LanguagePack, read_yaml
from langadapt.machine import Hardware
from langadapt.plan.data import Assumed, rates, translator_rate
from langadapt.plan.estimates import Estimate
from langadapt.plan.models import Model
from langadapt.plan.parts import Part
from langadapt.plan.training import starting, utilisation

_ROUGH = Estimate(0.3, 1.0, 3.0)
_CHARACTERS_PER_TOKEN = 4


def evaluation(
    part: Part, pack: LanguagePack, model: Model, limit: int | None, device: Hardware, assumed: Assumed
) -> tuple[Estimate, Estimate]:
    """Tokens and seconds for one checkpoint."""
    _, read, written = _work(part, pack, assumed)
    number = items(part, pack, limit)
    tokens = _ROUGH * (number * (read + written))
    reading = (
        _ROUGH * (number * read * 2 * model.working) / (utilisation(device, assumed) * (device.tflops * 1e12))
    )
    seconds = reading + starting("evaluate", model.parameters * 2, assumed)
    if written:
        rate = translator_rate("transformers", model.working, device, Assumed())
        seconds = seconds + _ROUGH * (number * written) / rate
    return tokens, seconds


def items(part: Part, pack: LanguagePack, limit: int | None) -> float:
    """How much one checkpoint is asked, with at most so many items of a task."""
    found, _, _ = _work(part, pack, Assumed())
    return max(1.0, min(found, limit * max(1, len(part.settings.get("tasks") or ()))) if limit else found)


def _work(part: Part, pack: LanguagePack, assumed: Assumed) -> tuple[float, float, float]:
    """Items, and the tokens that are read and written for each."""
    table: Mapping[str, Any] = rates()["evaluator"]
    row = table.get(part.slot.use, table["other"])
    items, read, written = float(row["items"]), float(row["read"]), float(row["written"])
    source = row["source"]
    new = part.settings.get("max_new_tokens")
    if isinstance(new, int) and written:
        written = min(written, new / 2)
    turns = 2 * len(pack.rows("mt_bench.jsonl"))
    own = {"mt-bench": turns, "pairwise": turns, "fidelity": turns, "probes": len(pack.probes)}.get(
        part.slot.use, 0
    )
    if own:
        items, source = float(own), "the pack's own rows"
    tasks = part.settings.get("tasks")
    if found := _tasks(pack, tasks if isinstance(tasks, list | tuple) else ()):
        items, read, source = *found, "the pack's own task files"
    assumed.note(
        f"{part.slot.address}, items of a checkpoint",
        f"{items:,.0f}, {read:,.0f} tokens read and {written:,.0f} written for each",
        source,
    )
    return items, read, written


def _tasks(pack: LanguagePack, names: list[str] | tuple[str, ...]) -> tuple[float, float] | None:
    """Items and tokens of tasks that are all the pack's own, from the size of their files; None for others."""
    names = [task for name in names for task in chain(*pack.sets.get(name, {name: [name]}).values())]
    folder = pack.path("tasks")
    known = dict(_files(folder)) if folder and folder.is_dir() else {}
    found = [max(known[name]) for name in names if known.get(name)]
    rows = sum(count for count, _ in found)
    if len(found) < len(names) or not rows:
        return None
    return float(rows), 2 * sum(length for _, length in found) / rows / _CHARACTERS_PER_TOKEN


def _files(folder: Path) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The rows and characters of each data file of a task, by the task's name."""
    for path in sorted(folder.rglob("*.yaml")):
        try:
            facts = read_yaml(path)
            above = facts.get("include")
            facts = {**(read_yaml(path.parent / above) if isinstance(above, str) else {}), **facts}
        except LangAdaptError:
            continue
        options = facts.get("dataset_kwargs")
        files = options.get("data_files") if isinstance(options, dict) else None
        named = files.values() if isinstance(files, dict) else [files]
        data = [
            path.parent / file for file in named if isinstance(file, str) and (path.parent / file).is_file()
        ]
        yield str(facts.get("task") or path.stem), [_size(file) for file in data]


def _size(file: Path) -> tuple[int, int]:
    content = file.read_bytes()
    return content.count(b"\n"), len(content)

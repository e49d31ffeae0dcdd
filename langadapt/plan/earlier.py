"""What the finished steps of an earlier run tell of this one: only those of the same model, settings, device and devices are believed."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langadapt.errors import LangAdaptError
from langadapt.identity import component_identity, model_identity
from langadapt.interfaces import ModelRef
from langadapt.languages import read_json
from langadapt.machine import Hardware, recognised
from langadapt.plan.estimates import Estimate
from langadapt.plan.parts import Part
from langadapt.recipe import Recipe

_SAME_WORK = {
    "epochs", "learning_rate", "scheduler", "warmup", "weight_decay", "logging_steps", "eval_steps", "beta", "lora_alpha",
    "lora_dropout",
}  # fmt: skip
"""Settings of a trainer that leave the time for a token as it is."""


@dataclass(frozen=True)
class Earlier:
    """The manifests of a run by their steps; `say` is told which of them do not fit and why."""

    manifests: Mapping[str, Mapping[str, Any]]
    recipe: Recipe
    device: Hardware
    say: Callable[[str], None]
    _identities: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, folder: Path | None, recipe: Recipe, device: Hardware, say: Callable[[str], None]
    ) -> "Earlier":
        """Of a run's folder; of none where there is no such folder. Files that are no manifests are passed over."""
        paths = sorted(folder.rglob("manifest.json")) if folder and folder.is_dir() else []
        found = {}
        for path in paths:
            try:
                told = read_json(path)
            except (LangAdaptError, OSError, ValueError):
                continue
            if isinstance(told, dict) and isinstance(told.get("step"), str):
                found[told["step"]] = told
        return cls(found, recipe, device, say)

    def training(self, part: Part, processes: int) -> tuple[float, float] | None:
        """Seconds and tokens of the same training; None where there is none that fits."""
        step = f"train/{part.slot.name}"
        told = _facts(self.manifests.get(step), "checkpoint", "facts")
        seconds, tokens = _above_zero(told.get("seconds")), _above_zero(told.get("tokens"))
        if not (seconds and tokens):
            return None
        other = [
            *self._other_settings(step, "trainer", part, _SAME_WORK),
            *self._other_device(told),
            *self._other_base(),
        ]
        if told.get("world_size", 1) != processes:
            other.append(f"it ran on {told.get('world_size', 1)} devices")
        return None if self._said(step, other) else (seconds, tokens)

    def evaluation(self, part: Part) -> list[tuple[float, int | None]]:
        """Seconds of each checkpoint that was evaluated in the same way, with the limit that held."""
        ends = f"/{part.slot.name}"
        found = []
        for step, manifest in self.manifests.items():
            seconds = _above_zero(manifest.get("seconds"))
            if not (step.startswith("evaluate/") and step.endswith(ends) and seconds):
                continue
            limit = _settings(manifest).get("limit")
            found.append((step, seconds, limit if isinstance(limit, int) else None))
        if not found:
            return []
        other = [*self._other_settings(found[0][0], "evaluator", part, set()), *self._other_model(part)]
        trained = [
            _facts(one, "checkpoint", "facts")
            for step, one in self.manifests.items()
            if step.startswith("train/")
        ]
        devices = [told for told in trained if told.get("device")]
        other += self._other_device(devices[0]) if devices else ["it does not say on which device"]
        return [] if self._said(f"evaluate/*{ends}", other) else [one[1:] for one in found]

    def kept(self, filters: Sequence[Part]) -> Estimate | None:
        """The share of rows that the same gates kept; the fewer rows they saw, the wider."""
        steps = [step for step in self.manifests if step.startswith("filter/")]
        told = [_facts(self.manifests[step]) for step in steps]
        records = sum(_above_zero(facts.get("records")) for facts in told)
        if not records:
            return None
        other = []
        for step in steps:
            then = _settings(self.manifests[step])
            if list(then) != [part.slot.name for part in filters]:
                other.append("its gates are others")
            other += [
                f"{part.slot.address} was set otherwise"
                for part in filters
                if part.slot.name in then and not _same(then[part.slot.name], part.component, set())
            ]
        sources = _facts(self.manifests.get("prepare")).get("sources")
        if isinstance(sources, Mapping) and set(sources) != {one.name for one in self.recipe.sources}:
            other.append("its sources are others")
        if self._said("filter", list(dict.fromkeys(other))):
            return None
        share = min(1.0, sum(_above_zero(facts.get("kept")) for facts in told) / records)
        spread = max(0.05 * share, 1.96 * math.sqrt(max(share * (1 - share), 0.01) / records))
        return Estimate(max(0.0, share - spread), share, min(1.0, share + spread))

    def _said(self, step: str, other: Sequence[str]) -> bool:
        """Whether something does not fit, which the reader is told."""
        if other:
            self.say(f"the earlier run's {step} is not believed: {'; '.join(other)}")
        return bool(other)

    def _other_settings(self, step: str, key: str, part: Part, free: set[str]) -> Iterator[str]:
        if not _same(_settings(self.manifests[step]).get(key), part.component, free):
            yield "it was set otherwise"

    def _other_device(self, told: Mapping[str, Any]) -> Iterator[str]:
        name = str(told.get("device", ""))
        own = recognised(name)
        if (own.name if own else name) != self.device.name:
            yield f"it ran on {name or 'a device that it does not name'}, not on {self.device.title}"

    def _other_base(self) -> Iterator[str]:
        """A first trainer's base is told; those of later ones are what the ones before them made."""
        first = self.recipe.train[0]
        then = _settings(self.manifests.get(f"train/{first.name}")).get("base")
        if not self._same_model(then):
            yield "its base is another"

    def _other_model(self, part: Part) -> Iterator[str]:
        then = _settings(self.manifests.get(f"evaluate/base/{part.slot.name}")).get("model")
        if then is not None and not self._same_model(then):
            yield "its base is another"
        if then is None and self.recipe.train:
            yield from self._other_base()

    def _same_model(self, then: Any) -> bool:
        base = self.recipe.base
        if not (isinstance(then, str) and base):
            return False
        if base not in self._identities:
            try:
                self._identities[base] = model_identity(ModelRef.parse(base))
            except (LangAdaptError, OSError, ValueError):
                self._identities[base] = ""
        now = self._identities[base]
        return then == now if now else then.partition("@")[0] == base.partition("@")[0]


def _same(then: Any, component: Any, free: set[str]) -> bool:
    """Whether a component that a manifest tells of is the one that is planned, but for what is `free`."""
    if not (isinstance(then, Mapping) and isinstance(then.get("settings"), Mapping)) or component is None:
        return False
    try:
        now = component_identity(component, "fingerprint")
    except (LangAdaptError, OSError, ValueError):
        return False
    defaults = {item.name: item.default for item in dataclasses.fields(component)}
    held = _plain(now["settings"])
    told = {name: _plain(value) for name, value in then["settings"].items()}
    names = (held.keys() | told.keys()) - free
    return then.get("class") == now["class"] and all(
        told.get(name, _plain(defaults.get(name))) == held.get(name) for name in names
    )


def _plain(value: Any) -> Any:
    """As JSON gives it back, without the digest of a component's source, which changes with every comment."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if key not in ("source", "known")}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _settings(manifest: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found = (manifest or {}).get("settings")
    return found if isinstance(found, Mapping) else {}


def _facts(manifest: Mapping[str, Any] | None, *path: str) -> Mapping[str, Any]:
    found: Any = manifest or {}
    for key in ("facts", *path):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _above_zero(value: Any) -> float:
    return (
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
        else 0.0
    )

"""A stage's work, and what it costs: seconds, hours of a device, money, energy, disk, memory."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from langadapt.errors import ConfigError
from langadapt.machine import Hardware
from langadapt.plan.data import per_euro, power, prices
from langadapt.plan.estimates import NOTHING, Estimate, total

Basis = Literal["measured", "reckoned", "table", "rough"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One stage: its work, its seconds on so many devices, bytes on disk, and the peak on one device in bytes.

    `fee` is what a service takes for it, in US dollars. `basis` says how well it is known: `measured` here or in an earlier run, `reckoned` from counts and formulas, from a
    `table` of other people's measurements, or `rough`.
    """

    stage: str
    basis: Basis
    rows: Estimate = NOTHING
    segments: Estimate = NOTHING
    tokens: Estimate = NOTHING
    seconds: Estimate = NOTHING
    devices: int = 1
    disk: Estimate = NOTHING
    memory: Estimate = NOTHING
    fee: Estimate = NOTHING


def check_finite(costs: Iterable[Cost]) -> None:
    """Raise `ConfigError` where a stage takes what is no number, which no JSON can hold."""
    for cost in costs:
        for name in ("tokens", "seconds", "disk", "memory"):
            found = getattr(cost, name)
            if not all(map(math.isfinite, (found.low, found.expected, found.high))):
                raise ConfigError(
                    f"{cost.stage}: its {name} come to no number",
                    hint="one of its settings is too large, or no number",
                )


@dataclass(frozen=True)
class Bill:
    """What costs come to on a device, of which `devices` are rented from the beginning to the end."""

    device: Hardware
    currency: str = "EUR"
    devices: int = 1

    def hours(self, cost: Cost) -> Estimate:
        """Hours of devices, those included that wait; none where there is no accelerator."""
        held = max(self.devices, cost.devices)
        return cost.seconds * (held / 3600) if self.device.accelerator else NOTHING

    def money(self, cost: Cost) -> Estimate:
        """What the devices are rented for, or on a machine of one's own the electricity, and what a service takes."""
        euros = per_euro(self.currency)
        fee = cost.fee * (euros / per_euro("USD"))
        if not self.device.accelerator:
            return self.energy(cost) * (float(power()["eur_per_kwh"]) * euros) + fee
        return self.hours(cost) * (self.device.hour / per_euro("USD") * euros) + fee

    def energy(self, cost: Cost) -> Estimate:
        """Kilowatt-hours at full power."""
        return cost.seconds * (cost.devices * self.device.watts / 3_600_000)

    def row(self, cost: Cost) -> dict[str, Any]:
        """A stage as JSON has it."""
        return {
            "stage": cost.stage,
            "basis": cost.basis,
            "devices": cost.devices,
            "rows": cost.rows.told(),
            "segments": cost.segments.told(),
            "tokens": cost.tokens.told(),
            "seconds": cost.seconds.told(),
            "device_hours": self.hours(cost).told(),
            "money": self.money(cost).told(),
            "energy_kwh": self.energy(cost).told(),
            "disk_bytes": cost.disk.told(),
            "memory_bytes": cost.memory.told(),
        }

    def totals(self, costs: Iterable[Cost]) -> dict[str, Estimate]:
        """Over all stages: sums, and the highest peak."""
        held = list(costs)
        peaks = [cost.memory for cost in held] or [NOTHING]
        return {
            "seconds": total(cost.seconds for cost in held),
            "device_hours": total(map(self.hours, held)),
            "money": total(map(self.money, held)),
            "energy_kwh": total(map(self.energy, held)),
            "disk_bytes": total(cost.disk for cost in held),
            "memory_bytes": Estimate(
                *(max(getattr(peak, name) for peak in peaks) for name in ("low", "expected", "high"))
            ),
        }


def services(characters: Estimate, currency: str) -> list[dict[str, Any]]:
    """What commercial services take for so many characters."""
    found = []
    for name, row in prices().items():
        if name != "currency":
            euros = row["eur"] if "eur" in row else row["usd"] / per_euro("USD")
            price = euros * per_euro(currency)
            found.append({
                "name": name, "title": row["title"], "per_million_characters": round(price, 2),
                "money": (characters * (price / 1e6)).told(), "source": row["source"], "date": row["date"],
            })  # fmt: skip
    return found


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A whole plan; `facts` is what `--json` prints beside the costs."""

    language: str
    recipe: str
    bill: Bill
    costs: tuple[Cost, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def expected(self, until: str = "report") -> Estimate:
        """The money for all stages up to one."""
        return total(self.bill.money(cost) for cost in self.costs if _reached(cost.stage, until))

    def unpriced(self, until: str = "report") -> list[str]:
        """The parts up to a stage that send text to a service elsewhere whose price nobody named."""
        return [address for address in self.facts.get("unpriced", ()) if _reached(address, until)]

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON: keys are described in docs/how-to/plan.md."""
        totals = self.bill.totals(self.costs)
        return {
            "plan": 1,
            "language": self.language,
            "recipe": self.recipe,
            "currency": self.bill.currency,
            "hardware": {
                "name": self.bill.device.name, "title": self.bill.device.title, "memory_gib": self.bill.device.memory,
                "tflops": self.bill.device.tflops, "watts": self.bill.device.watts,
                "usd_per_hour": self.bill.device.hour, "source": self.bill.device.source,
            },
            **self.facts,
            "stages": [self.bill.row(cost) for cost in self.costs],
            "totals": {name: estimate.told() for name, estimate in totals.items()},
        }  # fmt: skip


def _reached(address: str, until: str) -> bool:
    """Whether a stage is done by a run that ends after another."""
    order = ("prepare", "translate", "filter", "train", "evaluate", "report")
    return address.partition(".")[0] in order[: order.index(until) + 1]

"""The tables of prices and rates, which are data (`prices.toml`, `rates.toml`), and which device is meant."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from langadapt.errors import ConfigError
from langadapt.languages import read_toml
from langadapt.machine import Hardware, hardware, recognised
from langadapt.plan.estimates import Estimate
from langadapt.registry import did_you_mean

_HERE = Path(__file__).parent
DEFAULT = "a100-80gb"
"""What a recipe that needs an accelerator is planned for where none is found: the paper's own."""


@dataclass
class Assumed:
    """What a plan rests on that nobody measured here, each said once with its source."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note(self, what: str, value: object, source: str) -> None:
        """Say that something is assumed."""
        self.found.setdefault(what, {"what": what, "value": value, "source": source})

    def interval(self, table: str, key: str = "value", *, what: str) -> Estimate:
        """An interval of `rates.toml`, noted as assumed."""
        row = rates()[table]
        low, expected, high = row[key]
        self.note(what, f"{expected:g} ({low:g} to {high:g})", row["source"])
        return Estimate(low, expected, high)


@cache
def rates() -> Mapping[str, Any]:
    """`rates.toml`."""
    return read_toml(_HERE / "rates.toml")


@cache
def prices() -> Mapping[str, Any]:
    """`prices.toml`."""
    return read_toml(_HERE / "prices.toml")


@cache
def power() -> Mapping[str, Any]:
    """What a kilowatt-hour costs in euros, and the source."""
    row: Mapping[str, Any] = rates()["power"]
    return row


def named(name: str, hour: float | None = None) -> Hardware:
    """The device of that name, at a price of one's own where given; raises `ConfigError` for none."""
    found = hardware().get(name) or recognised(name)
    if found is None:
        raise ConfigError(f"no hardware is called {name!r}", hint=did_you_mean(name, list(hardware())))
    return found if hour is None else replace(found, hour=hour, source=f"{found.source}; the price as set")


def per_euro(currency: str) -> float:
    """How much of a currency a euro buys."""
    return 1.0 if currency == "EUR" else float(prices()["currency"][currency.lower()])


def translator_rate(engine: str, parameters: float, device: Hardware, assumed: Assumed) -> Estimate:
    """Output tokens in a second, from the nearest measured row: same engine first, then size, then compute."""
    known = hardware()

    def distance(row: Mapping[str, Any]) -> float:
        size = abs(math.log(row["parameters"] / parameters))
        compute = abs(math.log(known[row["hardware"]].tflops / device.tflops))
        other = known[row["hardware"]].accelerator != device.accelerator
        return float(size + compute + 3.0 * (row["engine"] != engine) + 6.0 * other)

    row = min(rates()["translator"], key=distance)
    scale = row["parameters"] / parameters * device.tflops / known[row["hardware"]].tflops
    rate = min(float(row["rate"]) * scale, max(float(row["rate"]), rates()["translating"]["most"]))
    low, expected, high = rates()["translating"]["spread"]
    assumed.note(
        "translation, output tokens/s",
        f"{rate:,.0f} ({rate * low:,.0f} to {rate * high:,.0f})",
        f"{row['source']}, scaled to {parameters / 1e9:.3g} billion parameters on {device.title}; "
        f"interval: {rates()['translating']['source']}",
    )
    return Estimate(rate * low, rate * expected, rate * high)

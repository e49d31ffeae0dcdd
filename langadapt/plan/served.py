"""Engines that are servers: whose they are nobody here knows, so nothing is sent to them unasked, and their tokens are paid."""

import dataclasses
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from langadapt.plan.estimates import Estimate, exact
from langadapt.schema import Plan

UNKNOWN_PRICE = "the price of this service is not known"


def servers(holder: Any) -> tuple[str, ...]:
    """The addresses that a component, or its settings, sends text to, itself or in what it holds; none for an engine of this machine."""
    return tuple(dict.fromkeys(_addresses(holder)))


def _addresses(holder: Any) -> Iterator[str]:
    if isinstance(holder, Mapping):
        values = dict(holder)
    elif dataclasses.is_dataclass(holder) and not isinstance(holder, type):
        values = {item.name: getattr(holder, item.name) for item in dataclasses.fields(holder)}
    else:
        return
    for name, value in values.items():
        if name in ("base_urls", "base_url"):
            yield from (
                [value] if isinstance(value, str) else (one for one in value or () if isinstance(one, str))
            )
        else:
            yield from _addresses(value)


def elsewhere(addresses: tuple[str, ...]) -> list[str]:
    """The hosts among them that are not this machine, without what may stand beside a host, such as a password."""
    hosts = dict.fromkeys(_host(address) for address in addresses)
    return [host for host in hosts if not _own(host)]


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or address
    except ValueError:
        return "a server"


def _own(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def fee(read: Estimate, written: Estimate, plan: Plan) -> Estimate | None:
    """What tokens cost in US dollars at the recipe's prices; None where it names none."""
    if plan.input_price is None and plan.output_price is None:
        return None
    return read * exact((plan.input_price or 0.0) / 1e6) + written * exact((plan.output_price or 0.0) / 1e6)

"""What somebody agreed that a run may take: asked before it starts, and kept in the run's folder."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from langadapt.cli import options, printable

if TYPE_CHECKING:
    from langadapt.plan import Planned
    from langadapt.recipe import Recipe

FILE = "agreed.json"
_ROUNDING = 1.01


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A run as it was agreed to: how far, how many rows, the money that was expected, and services whose price nobody knew."""

    request: Mapping[str, Any]
    until: str
    limit: int | None
    money: float
    currency: str
    unpriced: list[str] = field(default_factory=list)

    def covers(self, other: "Agreement") -> bool:
        """Whether another run asks for no more: of the same request, no further, no more rows, no dearer."""
        from langadapt.runner import STAGES

        return (
            self.request == other.request
            and STAGES.index(other.until) <= STAGES.index(self.until)
            and (self.limit is None or (other.limit is not None and other.limit <= self.limit))
            and self.currency == other.currency
            and other.money <= self.money * _ROUNDING
            and set(other.unpriced) <= set(self.unpriced)
        )

    def keep(self, folder: Path) -> None:
        """Write it into the run's folder."""
        draft = folder / f"{FILE}.part"
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        draft.replace(folder / FILE)

    @classmethod
    def kept(cls, folder: Path) -> "Agreement | None":
        """What was agreed to for the run in a folder; None where nothing that can be read was."""
        try:
            made = cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))
            made.covers(made)
        except (OSError, ValueError, TypeError):
            return None
        return made


def ask_before(
    made: "Planned", recipe: "Recipe", wanted: Agreement, folder: Path, *, yes: bool
) -> Agreement | None:
    """Show the plan and ask where a run may be dear: above the recipe's limit, or at a service whose price nobody knows.

    Gives what was agreed to now; None where nothing had to be asked, or no more is wanted than was agreed to before.
    Raises `ConfigError` where nobody can be asked.
    """
    from langadapt.cli.plan import lines, money_of
    from langadapt.errors import ConfigError

    most = recipe.plan.ask_above
    money = made.expected(wanted.until)
    before = Agreement.kept(folder)
    if (money.expected <= most and not wanted.unpriced) or (before and before.covers(wanted)):
        return None
    options.say("\n".join(lines(made, recipe.title, made.language)), err=True)
    said = f"this run is expected to cost {money_of(money.expected)} {wanted.currency} ({money_of(money.low)} to {money_of(money.high)})"
    if money.expected > most:
        said += f", more than plan.ask_above ({most:g})"
    if wanted.unpriced:
        said += f", beside what the service of {', '.join(wanted.unpriced)} takes, whose price is not known"
    if yes:
        return wanted
    if not sys.stdin.isatty():
        raise ConfigError(said, hint="--yes starts it all the same; `langadapt plan` shows what it takes")
    click.confirm(printable(f"{said[0].upper()}{said[1:]}. Start?"), default=False, abort=True)
    return wanted


def wanted_of(made: "Planned", request: Mapping[str, Any], until: str, limit: int | None) -> Agreement:
    """What a run up to a stage asks for, by its plan."""
    return Agreement(
        request=json.loads(json.dumps(request)),
        until=until,
        limit=limit,
        money=made.expected(until).expected,
        currency=made.bill.currency,
        unpriced=made.unpriced(until),
    )

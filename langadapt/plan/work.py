"""What is counted and measured, and what follows for the whole: tokens, seconds, ratios that several stages share."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langadapt.models.tokens import TokenCounter
from langadapt.plan.calibrating import Heard
from langadapt.plan.counting import Counted
from langadapt.plan.data import translator_rate
from langadapt.plan.earlier import Earlier
from langadapt.plan.estimates import NOTHING, Estimate, exact
from langadapt.plan.expanding import Expansion
from langadapt.plan.models import Model, model_facts
from langadapt.plan.parts import Part
from langadapt.plan.sampling import Sampled, Tokenizer, bare
from langadapt.plan.served import UNKNOWN_PRICE, elsewhere, fee, servers
from langadapt.plan.totals import Totals, new_share
from langadapt.plan.training import loading
from langadapt.translating import WINDOW

if TYPE_CHECKING:
    from langadapt.plan.planning import Request

_DRIFT = 0.04
"""How much a machine is faster or slower later, as a share: shared ones drift by that much."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What was counted and measured, and what follows from it; `notes` are for the reader."""

    request: "Request"
    parts: Mapping[str, Part]
    strata: Sequence[Counted]
    rows: Sequence[Sampled]
    whole: Totals
    streams: Mapping[str, Totals]
    told: Heard | None
    counter: TokenCounter | None
    earlier: Earlier
    notes: list[str] = field(default_factory=list)
    unpriced: list[str] = field(default_factory=list)

    @cached_property
    def translator(self) -> Model:
        """The translation model."""
        part = self.parts["translate"]
        own = bare(part.component)
        name = str(own.model) if hasattr(own, "model") else part.model
        return self.model(part.component or part.settings, name)

    def model(self, holder: Any, name: str | None) -> Model:
        """The model of an engine; of one that a server has nothing is known but what the server calls it."""
        if servers(holder):
            return Model(name or "a server's model", 0.0, 0, 0, 0, 0, known=False)
        return model_facts(name, self.request.assumed)

    @cached_property
    def base(self) -> Model:
        """The model that is trained."""
        return model_facts(self.request.recipe.base, self.request.assumed)

    @cached_property
    def expansion(self) -> Expansion:
        """How the target's texts differ in length from the source's."""
        return Expansion.of(self.request, self.told, self.counter)

    @cached_property
    def _row_bytes(self) -> float:
        """Bytes on disk for each character of a row."""
        rows = self.rows[:200]
        characters = sum(row.characters for row in rows)
        size = sum(
            len(json.dumps(row.record.to_row(), ensure_ascii=False).encode("utf-8", "replace"))
            for row in rows
        )
        return size / characters if characters else 1.1

    @cached_property
    def kept(self) -> Estimate:
        """The share of translated rows that the filters keep."""
        if not self.request.recipe.filters:
            return exact(1.0)
        gates = [self.parts[slot.address] for slot in self.request.recipe.filters]
        if (told := self.earlier.kept(gates)) is not None:
            return told
        return self.request.assumed.interval("kept", what="share of rows that the filters keep")

    @cached_property
    def stored(self) -> Estimate:
        """Bytes of the rows that go on to be translated."""
        return self.whole.estimate(lambda t: t["kept_characters"]) * self._row_bytes

    @cached_property
    def per_character(self) -> Estimate:
        """Tokens of a character of the source in the translator's tokenizer."""
        held = bare(self.parts["translate"].component)
        found = (
            Tokenizer(held.model).per_character(self.rows)
            if hasattr(held, "model") and not isinstance(held.model, str)
            else None
        )
        if found is not None:
            return exact(found)
        return exact(1.0) / self.request.assumed.interval(
            "characters_per_token", what="characters of a token"
        )

    @cached_property
    def tokens_out(self) -> Estimate:
        """Tokens that the engine has yet to write."""
        told = self.told
        if told and sum(h.tokens_out for h in told.hypotheses.values()):
            return self.whole.estimate(
                lambda t: _rest(t, told) * t["tokens_out"] / _some(t["heard"]),
                calibrated=True,
                more=_DRIFT / 4,
            )
        characters = self.whole.estimate(lambda t: _rest(t, told))
        return characters * self.per_character * self.expansion.tokens

    @property
    def workers(self) -> int:
        """How many devices translate."""
        workers = self.parts["translate"].settings.get("workers", 1)
        return workers if isinstance(workers, int) and self.request.device.accelerator else 1

    @cached_property
    def translating(self) -> Estimate:
        """Seconds of the engine, and those of everything around it."""
        told = self.told
        if told and told.rate:
            unsure = math.hypot(told.noise, _DRIFT)

            def seconds(table: Mapping[str, Any]) -> Any:
                rest = _rest(table, told)
                drawn = table["tokens_out"] / _some(table["heard"])
                level = drawn / drawn[0] if drawn[0] else 1.0
                windows = table["segments"] / WINDOW + len(self.streams)
                return (rest > 0) * (told.load + windows * told.waste + rest * told.rate * level)

            return self.whole.estimate(seconds, more=unsure, calibrated=True) + self._around
        part = self.parts["translate"]
        own = servers(part.component or part.settings)
        return (
            self.engine_seconds(self.tokens_out, part.slot.use, self.translator, served=bool(own))
            + self._around
        )

    def engine_seconds(self, written: Estimate, engine: str, model: Model, *, served: bool) -> Estimate:
        """Seconds for so many tokens by a table, and those to load the model; a server's model is loaded."""
        request = self.request
        if served:
            return written / request.assumed.interval("served", what="a service's output tokens/s")
        if not written.expected:
            return NOTHING
        rate = translator_rate(engine, model.working, request.device, request.assumed) * self.workers
        return written / rate + loading(model.parameters * 2, request.assumed)

    def fee(
        self, address: str, holder: Any, segments: Estimate, tokens: tuple[Estimate, Estimate]
    ) -> Estimate:
        """What a service takes in US dollars for the tokens of so many segments, read and written; what is not known is said."""
        if not (own := servers(holder)):
            return NOTHING
        asked = segments * self.request.assumed.interval("prompt", what="tokens of a service's instructions")
        found = fee(tokens[0] + asked, tokens[1], self.request.recipe.plan)
        if found is None:
            hosts = ", ".join(elsewhere(own)) or "this machine"
            self.unpriced.extend([address] if elsewhere(own) else [])
            self.notes.append(
                f"{address} sends text to {hosts}: {UNKNOWN_PRICE}, and not in the sums; set plan.input_price and"
                " plan.output_price, US dollars for a million tokens"
            )
        return found or NOTHING

    @property
    def _around(self) -> Estimate:
        """Seconds of cutting, looking up and putting together, which no engine's clock tells: 25,000 segments in one."""
        return self.whole.estimate(lambda t: t["segments"]) * Estimate(0.5 / 12_000, 1 / 12_000, 2 / 12_000)

    def written_rate(self, written: Estimate) -> Estimate:
        """Seconds for so many tokens at the rate that was measured for the way there."""
        told = self.told
        assert told is not None
        tokens = sum(h.tokens_out for h in told.hypotheses.values())
        per_token = (
            told.rate * told.characters / tokens if tokens else told.rate / self.per_character.expected
        )
        return written * (Estimate(0.7, 1.0, 1.4) * per_token) + exact(told.load + told.waste)


def _some(values: Any) -> Any:
    import numpy as np

    return np.maximum(values, 1e-9)


def _rest(table: Mapping[str, Any], told: Heard | None) -> Any:
    """Characters that are new, less those that the calibration has translated."""
    import numpy as np

    return np.maximum(table["sent"] * new_share(table) - (told.characters if told else 0), 0.0)

"""Stage by stage, in the order data passes: what each does, and how long, on what, with which memory and disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langadapt.plan.costs import Cost
from langadapt.plan.data import rates
from langadapt.plan.estimates import NOTHING, Estimate, exact
from langadapt.plan.evaluating import evaluation, items
from langadapt.plan.parts import Part, held_engine, held_translator
from langadapt.plan.peaks import GIB, Training, checkpoint_bytes, training_peak, translator_peak
from langadapt.plan.sampling import bare
from langadapt.plan.served import UNKNOWN_PRICE, elsewhere, servers
from langadapt.plan.totals import new_share
from langadapt.plan.training import (
    measured_seconds,
    mixed_part,
    operations,
    stepped,
    trained_tokens,
    training_seconds,
)
from langadapt.plan.work import Work


@dataclass(frozen=True)
class Reckoning:
    """The stages of a run, made of what its work is."""

    work: Work

    def costs(self) -> Iterator[Cost]:
        """One for each stage, for each training and evaluation its own."""
        yield self._prepare()
        yield self._translate()
        yield from self._filter()
        for slot in self.work.request.recipe.train:
            yield self._train(self.work.parts[slot.address])
        for slot in self.work.request.recipe.evaluate:
            yield self._evaluate(self.work.parts[slot.address])
        yield Cost(stage="report", basis="rough", seconds=Estimate(2.0, 5.0, 30.0), disk=exact(2e6))

    def _prepare(self) -> Cost:
        characters = sum(one.characters for one in self.work.strata) / 1e6
        table = rates()["seconds_per_million_characters"]
        counting = table["counting"] * characters if self.work.request.recipe.prepare.at_most_tokens else 0.0
        seconds = table["reading"] * characters + counting + 1.0
        return Cost(
            stage="prepare",
            basis="reckoned",
            rows=exact(sum(one.rows for one in self.work.strata)),
            tokens=self.work.whole.estimate(lambda t: t["tokens"]),
            seconds=Estimate(0.5, 1.0, 2.5) * seconds,
            disk=self.work.stored * Estimate(1.0, 1.0, 1.1),
        )

    def _translate(self) -> Cost:
        part = self.work.parts["translate"]
        held = held_translator(part)
        settings = part.settings if held is None else held_engine(held)[1]
        new = self.work.whole.estimate(lambda t: t["segments"] * new_share(t, "_segments"))
        sent = exact(len(self.work.told.hypotheses)) if self.work.told else NOTHING
        characters = self.work.whole.estimate(lambda t: t["sent"] * new_share(t))
        table = rates()["disk"]
        pairs = self.work.whole.estimate(lambda t: t["sent"]) * (self.work.expansion.characters + exact(1.0))
        read = characters * self.work.per_character
        written = self.work.tokens_out
        fee = self.work.fee("translate", part.component or settings, _less(new, sent), (read, written))
        peak = translator_peak(self.work.translator, settings, self.work.request.device.memory * GIB)
        self._fits("translate", peak, "fewer segments at once (batch_size), a smaller translator")
        disk = self.work.stored * self.work.expansion.bytes + pairs * 1.2
        grown = new * (table["memory_bytes_per_segment"] / 2) + characters * (
            self.work.expansion.characters + exact(1.0)
        )
        return Cost(
            stage="translate",
            basis="measured" if self.work.told else "table",
            rows=self.work.whole.estimate(lambda t: t["translated"]),
            segments=_less(new, sent),
            tokens=written,
            seconds=self.work.translating,
            devices=self.work.workers,
            disk=disk + grown,
            memory=peak,
            fee=fee,
        )

    def _filter(self) -> Iterator[Cost]:
        recipe = self.work.request.recipe
        if not recipe.filters:
            return
        characters = self.work.whole.estimate(lambda t: t["kept_characters"]) * self.work.expansion.characters
        low, expected, high = rates()["seconds_per_million_characters"]["filters"]
        seconds = characters * Estimate(low / 1e6, expected / 1e6, high / 1e6) + Estimate(1.0, 2.0, 10.0)
        rows = self.work.whole.estimate(lambda t: t["kept"])
        kept = self.work.stored * self.work.expansion.bytes
        yield Cost(
            stage="filter",
            basis="rough",
            rows=rows,
            seconds=seconds,
            disk=kept * 1.1 + rows * rates()["disk"]["verdict_bytes"],
        )
        for slot in recipe.filters:
            part = self.work.parts[slot.address]
            if (held := held_translator(part)) is not None:
                yield self._back(part, held)

    def _back(self, part: Part, held: Any) -> Cost:
        """A filter that translates back what the others kept."""
        share = part.settings.get("sample", 1.0)
        share = float(share) if isinstance(share, int | float) else 1.0
        work = self._kept_before * share
        new = self.work.whole.estimate(lambda t: t["segments"] * new_share(t, "_segments")) * work
        written = (
            self.work.whole.estimate(lambda t: t["sent"] * new_share(t)) * self.work.per_character * work
        )
        read = self.work.whole.estimate(lambda t: t["sent"] * new_share(t)) * self.work.expansion.characters
        engine, settings = held_engine(held)
        own = None if isinstance(held, Mapping) else bare(held)
        model = self.work.model(held, str(settings.get("model") or part.model or "") or None)
        if (
            self.work.told
            and self.work.told.rate
            and type(own) is type(bare(self.work.parts["translate"].component))
            and model == self.work.translator
        ):
            basis, seconds = "measured", self.work.written_rate(written)
        else:
            basis = "table"
            seconds = self.work.engine_seconds(written, engine, model, served=bool(servers(held)))
        peak = translator_peak(model, settings, self.work.request.device.memory * GIB)
        self._fits(part.slot.address, peak, "fewer segments at once (batch_size), a smaller translator")
        return Cost(
            stage=part.slot.address,
            basis="measured" if basis == "measured" else "table",
            segments=new,
            tokens=written,
            seconds=seconds,
            disk=new * rates()["disk"]["memory_bytes_per_segment"],
            memory=peak,
            fee=self.work.fee(part.slot.address, held, new, (read * self.work.per_character * work, written)),
        )

    @property
    def _kept_before(self) -> Estimate:
        """The share of rows that the gates before it leave to a filter that translates."""
        return Estimate(0.85, 0.96, 1.0)

    def _train(self, part: Part) -> Cost:
        request, name = self.work.request, part.slot.name
        pairs = part.component.takes == "preferences" if part.component is not None else name == "dpo"
        texts = part.component is not None and part.component.takes == "texts"
        training = Training.of(part.settings, pairs=pairs)
        stream = self.work.streams[name]
        prepared = request.recipe.prepare
        share = self.work.kept * (1 - prepared.held_out)
        rows = stream.estimate(lambda t: t["kept"] - t["held"]) * share
        number = [n for n, one in enumerate(self.work.strata) if one.source.stream == name]
        grown = exact(1.0) if texts else self.work.expansion.base_tokens
        sample = [row for row in self.work.rows if row.stratum in number and row.kept]
        lengths = [row.tokens * grown.expected for row in sample]
        if texts:
            english = [(row.tokens, row.record.language in ("", "en")) for row in sample]
            share = share * mixed_part(english, part.settings.get("english_share"))
        tokens = trained_tokens(
            stream.estimate(lambda t: t["tokens"]) * share * grown, lengths, training, request.recipe.seed
        )
        training = stepped(training, rows.expected, tokens.expected)
        if training.unread:
            self.work.notes.append(
                f"{part.slot.address}: a plan does not read arguments.{', arguments.'.join(training.unread)}, which may change"
                " what it takes"
            )
        earlier = measured_seconds(self.work.earlier.training(part, training.processes), tokens, training)
        work = operations(self.work.base, tokens, training)
        seconds = earlier or training_seconds(self.work.base, work, training, request.device, request.assumed)
        peak = training_peak(self.work.base, training)
        shard = "" if training.sharded else ", states shared out over several devices (scale: fsdp2)"
        self._fits(
            part.slot.address, peak,
            f"fewer rows at once (per_device_batch_size), an 8-bit optimizer, LoRA{shard}",
        )  # fmt: skip
        model, states = checkpoint_bytes(self.work.base, training)
        return Cost(
            stage=part.slot.address,
            basis="measured" if earlier else "reckoned",
            rows=rows,
            tokens=tokens * training.epochs,
            seconds=seconds,
            devices=training.processes,
            disk=Estimate(model, model + states, model + 1.2 * states) + rows * 2000.0,
            memory=peak,
        )

    def _fits(self, address: str, peak: Estimate, ways: str) -> None:
        memory = self.work.request.device.memory * GIB
        if memory and peak.expected > memory:
            self.work.notes.append(
                f"{address} needs about {peak.expected / GIB:,.0f} GiB on each device, and {self.work.request.device.title} has "
                f"{self.work.request.device.memory:g}: {ways}"
            )

    def _evaluate(self, part: Part) -> Cost:
        request = self.work.request
        tokens, seconds = evaluation(
            part, request.pack, self.work.base, request.limit, request.device, request.assumed
        )
        checkpoints = 1 + len(request.recipe.train)
        if earlier := self.work.earlier.evaluation(part):
            scaled = [
                took * items(part, request.pack, request.limit) / items(part, request.pack, then)
                for took, then in earlier
            ]
            seconds = Estimate(0.7, 1.0, 1.4) * (sum(scaled) / len(scaled))
        weights = self.work.base.parameters * (4 if part.settings.get("dtype") == "float32" else 2)
        peak = Estimate(
            weights,
            weights + self.work.base.cache_bytes(8 * 2048),
            weights + self.work.base.cache_bytes(32 * 2048) + GIB,
        )
        self._fits(part.slot.address, peak, "a smaller dtype, a larger device")
        if hosts := elsewhere(servers(part.component or part.settings)):
            self.work.notes.append(
                f"{part.slot.address} sends text to {', '.join(hosts)}: {UNKNOWN_PRICE}, and not in the sums"
            )
        return Cost(
            stage=part.slot.address,
            basis="measured" if earlier else "rough",
            tokens=tokens * checkpoints,
            seconds=seconds * checkpoints,
            disk=Estimate(1e5, 2e6, 5e7) * checkpoints,
            memory=peak,
        )


def _less(whole: Estimate, part: Estimate) -> Estimate:
    return Estimate(
        max(0.0, whole.low - part.high),
        max(0.0, whole.expected - part.expected),
        max(0.0, whole.high - part.low),
    )

"""The plan of a run: count, sample, calibrate where that is asked for, and reckon stage by stage."""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langadapt.errors import ComponentError, DataError, MachineError
from langadapt.interfaces import Progress, Translator
from langadapt.languages import Language, LanguagePack
from langadapt.machine import Hardware
from langadapt.memory import TranslationMemory
from langadapt.models.tokens import TokenCounter
from langadapt.plan.calibrating import Clock, Heard, heard
from langadapt.plan.costs import Bill, Planned, check_finite, services
from langadapt.plan.counting import Counted, Lines, Read, counted, mixed, read
from langadapt.plan.data import Assumed
from langadapt.plan.earlier import Earlier
from langadapt.plan.gating import gated
from langadapt.plan.parts import Part, parts
from langadapt.plan.reckoning import Reckoning
from langadapt.plan.sampling import Asking, Sampled, bare, base_counter, known_segments
from langadapt.plan.served import elsewhere, servers
from langadapt.plan.totals import Totals, new_share, once_share, totals
from langadapt.plan.work import Work
from langadapt.prepare.readers import settled
from langadapt.prepare.routing import Router
from langadapt.recipe import Recipe
from langadapt.segments import MODE

SHARE = 0.01
ROWS_AT_LEAST = 200
"""Rows of a source that are looked at closely, however small the share."""
SEGMENTS_AT_LEAST = 400
"""Segments that a calibration translates, however small the share."""
_CHARACTERS = 12_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is planned: `source` and the pack's language, how many rows of a source at most, and on which device.

    `calibrate` has the sample translated, by the recipe's translator unless another is given, and by one that is a server
    only with `servers`; `earlier` is a run's folder whose manifests may tell of steps.
    """

    recipe: Recipe
    pack: LanguagePack
    source: Language
    device: Hardware
    progress: Progress
    memory: TranslationMemory | None = None
    limit: int | None = None
    share: float = SHARE
    calibrate: bool = False
    servers: bool = False
    earlier: Path | None = None
    currency: str = "EUR"
    assumed: Assumed = field(default_factory=Assumed)
    translator: Translator | None = None
    clock: Clock = time.perf_counter
    read: Read = read

    @property
    def languages(self) -> tuple[Language, Language]:
        """From which to which."""
        return self.source, self.pack.language


def planned(request: Request) -> Planned:
    """The plan; raises `DataError` where a source has no row that goes on, and what reading it or building a component raises."""
    notes: list[str] = []
    recipe = request.recipe
    with ExitStack() as stack:
        built = parts(recipe, request.pack, request.memory, notes.append)
        for part in built.values():
            stack.callback(part.close)
        notes += [said for source in recipe.sources if (said := settled(source)[1])]
        lines, strata = _counted(request)
        notes += [
            f"{one.source.name}: {one.repeated} rows have an id that stands there before: a run refuses such a file"
            for one in strata
            if one.repeated
        ]
        counter = base_counter(recipe.base, recipe.chat_template)
        rows = _sampled(strata, request, _asking(request, lines, counter, notes))
        rows = gated(rows, recipe.select, built, request.source, notes.append)
        if recipe.prepare.near_duplicates:
            notes.append("near duplicates are not looked for: they are planned as if they were kept")
        translator = built["translate"]
        if request.translator is not None:
            translator = built["translate"] = dataclasses.replace(translator, component=request.translator)
        try:
            rows = known_segments(rows, translator.component, request.languages)
        except MachineError as error:
            notes.append(f"the memory cannot be asked what it holds: {error}")
        asks = _may_ask(translator, request, notes)
        told = _calibrated(rows, strata, translator, request, notes) if asks else None
        hypotheses = told.hypotheses if told else {}
        whole = totals(strata, rows, hypotheses, recipe.seed)
        streams = {
            name: _of_stream(name, strata, rows, recipe.seed)
            for name in dict.fromkeys(one.source.stream for one in strata)
        }
        work = Work(
            request=request, parts=built, strata=strata, rows=rows, whole=whole, streams=streams, told=told,
            counter=counter, earlier=Earlier.of(request.earlier, recipe, request.device, notes.append),
        )  # fmt: skip
        costs = tuple(Reckoning(work).costs())
        check_finite(costs)
        notes += work.notes
        bill = Bill(request.device, request.currency, max(cost.devices for cost in costs))
        facts = {
            "sources": [_source(one) for one in strata],
            "counts": _counts(whole, sum(one.taken * one.kept + one.dropped.total() for one in strata)),
            "sample": _sample(rows, whole, told),
            "unpriced": work.unpriced,
            "services": services(whole.estimate(lambda t: t["sent"] * new_share(t)), request.currency),
            "assumed": list(request.assumed.found.values()),
            "notes": notes,
        }
    return Planned(
        language=request.pack.language.code, recipe=recipe.name, bill=bill, costs=costs, facts=facts
    )


def _asking(request: Request, lines: Lines, counter: TokenCounter | None, notes: list[str]) -> Asking:
    """What the rows of the sample are asked with."""
    recipe = request.recipe
    per_token = 1.0
    if counter is None:
        per_token = request.assumed.interval("characters_per_token", what="characters of a token").expected
        notes.append(
            f"the tokenizer of {recipe.base or 'the base'} is not here: tokens are reckoned from characters"
        )
    return Asking(
        languages=request.languages,
        router=Router.over(
            recipe.sources, request.pack, routed=recipe.translate.options.get("routing", True)
        ),
        mode=recipe.translate.options.get("segmentation", MODE),
        context=recipe.translate.options.get("context", 0),
        lines=lines,
        counter=counter,
        at_most=recipe.prepare.at_most_tokens,
        per_token=per_token,
    )


def _counted(request: Request) -> tuple[Lines, list[Counted]]:
    """One pass over every source."""
    lines = Lines()
    seen: dict[str, set[int]] = {}
    strata = []
    for source in request.recipe.sources:
        with request.progress.task(f"count {source.name}", None) as task:
            records = _telling(request.read(source, request.limit), task)
            found = counted(
                source, records, request.recipe.prepare, seen.setdefault(source.stream, set()), lines
            )
        strata.append(found)
    for stream in seen:
        if not any(one.kept for one in strata if one.source.stream == stream):
            why = "; ".join(
                f"{one.source.name}: {dict(one.dropped) or 'no rows'}"
                for one in strata
                if one.source.stream == stream
            )
            raise DataError(
                f"stream {stream}: no row goes on ({why})",
                hint="choose other data, or change [prepare] in the recipe",
            )
    mixed(strata)
    return lines, strata


def _telling(records: Any, task: Any) -> Any:
    for number, record in enumerate(records, 1):
        if not number % 1000:
            task.advance(1000)
        yield record


def _sampled(strata: Sequence[Counted], request: Request, asking: Asking) -> list[Sampled]:
    """The rows of the sample, each source's own share."""
    found: list[Sampled] = []
    with request.progress.task("look closely", None) as task:
        for number, stratum in enumerate(strata):
            left = _CHARACTERS // len(strata)
            wanted = max(round(request.share * stratum.kept), ROWS_AT_LEAST)
            for record in stratum.sample(wanted):
                if left <= 0:
                    break
                made = asking.asked(number, record)
                left -= made.characters
                found.append(made)
                task.advance()
    return found


def _may_ask(part: Part, request: Request, notes: list[str]) -> bool:
    """Whether the translator may be given the sample: a server may be paid for each token, and is given none unasked."""
    own = servers(part.component or part.settings)
    if own and request.calibrate and not request.servers:
        notes.append(
            f"the sample is not sent to the translator's server ({', '.join(elsewhere(own)) or 'this machine'}), which may be"
            " paid for it: --calibrate sends it"
        )
    return request.servers if own else request.calibrate


def _calibrated(
    rows: Sequence[Sampled], strata: Sequence[Counted], part: Part, request: Request, notes: list[str]
) -> Heard | None:
    """Translate the sample's share of every source, as much as tells something; what fails is said and planned without."""
    wanted: dict[Any, None] = {}
    least = SEGMENTS_AT_LEAST / max(1, len(strata))
    for number, stratum in enumerate(strata):
        held = len(wanted)
        for count, row in enumerate(row for row in rows if row.stratum == number):
            if count >= request.share * stratum.kept and len(wanted) - held >= least:
                break
            wanted.update(dict.fromkeys(sent.segment for sent in row.segments if not sent.known))
    if part.component is None or not wanted:
        notes.append(
            "nothing was translated for this plan: "
            + ("the memory holds the sample" if part.component else "the translator cannot run here")
        )
        return None
    size = getattr(bare(part.component), "batch_size", None)
    try:
        with request.progress.task("translate the sample", None):
            return heard(
                part.component, list(wanted), request.languages,
                size=size if isinstance(size, int) else None, clock=request.clock,
            )  # fmt: skip
    except (ComponentError, MachineError) as error:
        notes.append(f"the sample could not be translated, so rates are those of a table: {error}")
        return None


def _of_stream(name: str, strata: Sequence[Counted], rows: Sequence[Sampled], seed: int) -> Totals:
    numbers = [number for number, one in enumerate(strata) if one.source.stream == name]
    own = [
        dataclasses.replace(row, stratum=numbers.index(row.stratum)) for row in rows if row.stratum in numbers
    ]
    return totals([strata[number] for number in numbers], own, {}, seed)


def _sample(rows: Sequence[Sampled], whole: Totals, told: Heard | None) -> dict[str, Any]:
    heard_of = told.hypotheses if told else {}
    return {
        "rows": len(rows),
        "share": round(whole.sampled, 6),
        "calibrated": bool(told),
        "segments_translated": len(heard_of),
        "seconds": round(told.seconds, 3) if told else 0.0,
        "unfinished": sum(not one.finished for one in heard_of.values()),
    }


def _source(one: Counted) -> dict[str, Any]:
    return {
        "name": one.source.name,
        "stream": one.source.stream,
        "path": Path(one.source.path).name if Path(one.source.path).is_absolute() else one.source.path,
        "rows": one.rows,
        "kept": one.kept,
        "characters": one.characters,
        "dropped": dict(one.dropped),
    }


def _counts(whole: Totals, rows: float) -> dict[str, Any]:
    """Rows, segments and tokens of all sources."""
    table = {
        "rows_dropped": lambda t: rows - t["kept"],
        "rows_kept": lambda t: t["kept"],
        "rows_translated": lambda t: t["translated"],
        "rows_untouched": lambda t: t["untouched"],
        "rows_held": lambda t: t["held"],
        "characters": lambda t: t["kept_characters"],
        "segments": lambda t: t["segments"],
        "segments_unique": lambda t: t["segments"] * once_share(t, "_segments"),
        "segments_to_translate": lambda t: t["segments"] * new_share(t, "_segments"),
        "characters_sent": lambda t: t["sent"],
        "characters_to_translate": lambda t: t["sent"] * new_share(t),
        "base_tokens": lambda t: t["tokens"],
    }
    return {name: whole.estimate(value).told() for name, value in table.items()}

"""One row's way, put together from what each step kept of it, and what it lacks of being complete."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from langadapt.identity import component_identity, digest
from langadapt.memory import PERSON, Entry, Remembering, normal
from langadapt.records import Row, record_from_row
from langadapt.segments import MODE, Document
from langadapt.translating import segments_of

SOURCE = "en"
ENDS = {"records": "trained on", "held_out": "held out"}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A segment and its translation; `memory` is the key of its entry, empty where a person corrected it."""

    text: int
    source: str
    target: str
    origin: str
    memory: str


@dataclass(frozen=True, kw_only=True)
class Way:
    """One row's way. `end` says how far it came, `reason` why no further, `missing` what the run does not show."""

    id: str | int
    stream: str
    source: Mapping[str, Any]
    license: str
    route: str = ""
    translator: Mapping[str, Any] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    gates: tuple[Mapping[str, Any], ...] = ()
    end: str = "prepared"
    reason: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stream:
    """What the manifests say of one stream."""

    name: str
    folder: Path
    manifests: Mapping[str, Mapping[str, Any]]

    def facts(self, step: str) -> Mapping[str, Any]:
        """What a step told; nothing where it is not done."""
        facts: Mapping[str, Any] = self.manifests.get(step, {}).get("facts", {})
        return facts

    def settings(self, stage: str) -> Mapping[str, Any]:
        """What the stage's step for this stream was made with."""
        settings: Mapping[str, Any] = self.manifests.get(f"{stage}/{self.name}", {}).get("settings") or {}
        return settings

    def file(self, stage: str, name: str) -> Path:
        """A file of the stage's step for this stream."""
        return self.folder / stage / self.name / name

    @property
    def translator(self) -> dict[str, Any]:
        """Engine, class and model below the wrappers."""
        told = self.settings("translate").get("translator") or {}
        while isinstance(inner := (told.get("settings") or {}).get("inner"), Mapping):
            told = inner
        engine = self.facts(f"translate/{self.name}").get("engine")
        facts = {
            "engine": engine,
            "class": told.get("class"),
            "model": (told.get("settings") or {}).get("model"),
        }
        return {key: value for key, value in facts.items() if value}

    def source(self, row: Row) -> dict[str, Any]:
        """Where a row of prepare stood: what the row says before what its source says."""
        name = str(row.get("source", ""))
        told = self.facts("prepare").get("sources", {}).get(name, {})
        origin = row["origin"] if isinstance(row.get("origin"), Mapping) else {}
        path = str(origin.get("path") or told.get("path") or "")
        return {
            "name": name,
            "path": Path(path).name if Path(path).is_absolute() else path,
            "revision": origin.get("revision") or told.get("revision"),
            "row": origin.get("row"),
        }

    def pairs(self, row: Row, told: Row) -> Iterator[Pair]:
        """The segment pairs of a row with their memory entries; raises `ValueError` where they are not those of its texts."""
        settings = self.settings("translate")
        mode, context = settings.get("mode", MODE), settings.get("context", 0)
        identity = self.facts(f"translate/{self.name}").get("memory")
        target = settings.get("target", "")
        sent = [
            (number, segment)
            for number, text in enumerate(record_from_row(row).texts)
            for segment in segments_of(Document(text, mode), context)
        ]
        pairs = told["pairs"]
        if [(number, segment.text) for number, segment in sent] != [(p["text"], p["source"]) for p in pairs]:
            raise ValueError("segments: those kept are not those of its source row")
        for (number, segment), pair in zip(sent, pairs, strict=True):
            person = pair.get("origin") == PERSON
            context_then = "" if pair.get("without_context") else segment.context
            entry = Entry(str(identity), SOURCE, target, normal(segment.text), context_then)
            yield Pair(
                text=number,
                source=segment.text,
                target=pair["target"],
                origin=PERSON if person else "model",
                memory="" if person or not identity else entry.key,
            )


def memory_identity(translator: object) -> str | None:
    """What the memory entries of a translator stand under, for the manifest; None for one that remembers nothing."""
    if not isinstance(translator, Remembering):
        return None
    return digest(component_identity(translator.inner, "memory"))


def way_of(
    stream: Stream, source: Row, told: Row | None, verdicts: Row | None, end: str, reason: str = ""
) -> Way:
    """The way of a row of prepare; `told` are its segment pairs, `verdicts` those of the gates."""
    found: list[str] = []
    pairs: tuple[Pair, ...] = ()
    route = ""
    if told and told.get("translated"):
        route = "translated"
        try:
            pairs = tuple(stream.pairs(source, told))
        except (ValueError, KeyError, TypeError) as error:
            found.append(str(error) if isinstance(error, ValueError) else f"segments: {error!r} is not there")
    elif told:
        language = source.get("language")
        route = f"as it stands, in {language}" if language else "as it stands, by a rule of routing"
    return Way(
        id=source["id"],
        stream=stream.name,
        source=stream.source(source),
        license=str(source.get("license", "")),
        route=route,
        translator=stream.translator if route == "translated" else {},
        pairs=pairs,
        gates=tuple(verdicts["verdicts"]) if verdicts else (),
        end=end,
        reason=reason,
        missing=tuple(found),
    )


def completed(stream: Stream, way: Way, found: Sequence[str] = ()) -> Way:
    """The way with what it lacks as that of a training row, beside what was `found`."""
    return replace(way, missing=(*way.missing, *found, *_missing(stream, way)))


def _missing(stream: Stream, way: Way) -> Iterator[str]:
    """What a training row lacks of a complete way."""
    yield from _unsourced(stream, way)
    if not way.route:
        yield "segments: translate kept none of this id"
    elif way.route == "translated":
        if not way.translator.get("class"):
            yield "translator: translate does not say which"
        if any(pair.origin != PERSON and not pair.memory for pair in way.pairs):
            yield "memory: translate does not say under which translator its entries stand"
    expected = list(stream.settings("filter"))
    if [verdict.get("filter") for verdict in way.gates] != expected:
        yield f"gates: {len(way.gates)} verdicts of {len(expected)} gates"
    elif any(not verdict.get("keep") for verdict in way.gates):
        yield "gates: one dropped it"


def _unsourced(stream: Stream, way: Way) -> Iterator[str]:
    source, known = way.source, stream.facts("prepare").get("sources", {})
    if source["name"] not in known:
        yield f"source: prepare read none called {source['name']!r}"
    if not source["path"] or source["row"] is None:
        yield "source row: the row does not say where it stood (`origin`)"
    local = Path(str(known.get(source["name"], {}).get("path", ""))).is_absolute()
    if not local and not source["revision"]:
        yield "revision: the source is no file, and which version of it was read is not recorded"
    if not way.license:
        yield "licence: none is stated"

"""Rows to translated rows: windows of segments, each distinct one sent once, and what becomes of every row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langadapt.errors import ConfigError
from langadapt.interfaces import Hypothesis, Segment, Task, Translator
from langadapt.languages import Language
from langadapt.prepare.routing import Route, Router
from langadapt.prepare.spoken import covers
from langadapt.records import Record, Row
from langadapt.segments import Damage, Document

WINDOW = 20_000
"""Segments handed to a translator at once: enough to fill any engine, few enough for any machine."""
_TOTALS = (
    "segments",
    "unique",
    "remembered",
    "corrected",
    "retried",
    "unfinished",
    "tokens_in",
    "tokens_out",
)


@dataclass(frozen=True)
class Planned:
    """A record with the route it takes; where it is translated, documents for its texts, and what is sent of each."""

    record: Record
    route: Route
    documents: tuple[Document, ...] | None
    segments: tuple[tuple[Segment, ...], ...] = ()


@dataclass(frozen=True)
class How:
    """What the stage may do otherwise: where rows go, and how many segments before each one it brings along."""

    router: Router = field(default_factory=lambda: Router(()))
    context: int = 0


@dataclass(frozen=True)
class Translating:
    """One file's way through a translator; counts as it goes."""

    translator: Translator
    languages: tuple[Language, Language]
    mode: str
    how: How
    _seen: set[int] = field(default_factory=set)
    _totals: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(_TOTALS, 0)))
    _rows: Counter[str] = field(default_factory=Counter)
    _held: Counter[str] = field(default_factory=Counter)
    _routed: dict[str, Counter[str]] = field(default_factory=dict)

    def results(self, records: Iterable[Record], task: Task) -> Iterator[tuple[Row, Row, Row | None]]:
        """Each row in order, its segment pairs, and why it is held back where it is."""
        for window in _windows(map(self._planned, records)):
            heard = self._hear(window, task)
            for planned in window:
                self._rows["records"] += 1
                try:
                    row, pairs = self._result(planned, heard)
                except Damage as damage:
                    why = str(damage)
                    self._held[why.split(":", maxsplit=1)[0]] += 1
                    yield planned.record.to_row(), {}, {"reason": why}
                else:
                    yield row, pairs, None

    def counts(self) -> dict[str, Any]:
        """Records and what became of them, segments and where they came from, tokens of the model."""
        routed = {action: dict(rules) for action, rules in sorted(self._routed.items())}
        translated = self._rows["translated"]
        return {
            "records": self._rows["records"],
            "translated": translated,
            "untouched": self._rows["untouched"],
            "routed": routed,
            "held": dict(self._held),
            **self._totals,
        }

    def _planned(self, record: Record) -> Planned:
        if record.language not in ("", self.languages[0].code):
            return Planned(record, Route(), None)
        route = self.how.router.route(record)
        if route.action == "translate":
            documents = tuple(Document(text, self.mode) for text in record.texts)
            return Planned(
                record, route, documents, tuple(segments_of(one, self.how.context) for one in documents)
            )
        self._routed.setdefault(route.action, Counter())[route.rule] += 1
        return Planned(record, route, None)

    def _hear(self, window: Sequence[Planned], task: Task) -> dict[Segment, Hypothesis]:
        """A hypothesis for every distinct segment; the task advances by rows as their share of segments is known."""
        segments = [s for planned in window for sent in planned.segments for s in sent]
        unique = list(dict.fromkeys(segments))
        heard: dict[Segment, Hypothesis] = {}
        totals, done = self._totals, 0
        new = {segment for segment in unique if hash(segment) not in self._seen}
        self._seen.update(map(hash, new))
        totals.update(segments=len(segments), unique=len(new))
        for index, hypothesis in self.translator.translate(
            unique, source=self.languages[0], target=self.languages[1]
        ):
            heard[unique[index]] = hypothesis
            if unique[index] in new:
                new.remove(unique[index])
                totals["remembered"] += hypothesis.origin == "memory"
                totals["corrected"] += hypothesis.origin == "person"
                totals["retried"] += hypothesis.tries > 1
                totals["unfinished"] += not hypothesis.finished
            by_model = hypothesis.origin == "model"
            totals["tokens_in"] += by_model * hypothesis.tokens_in
            totals["tokens_out"] += by_model * hypothesis.tokens_out
            now = len(heard) * len(window) // len(unique)
            task.advance(now - done, self._facts(len(new)))
            done = now
        task.advance(len(window) - done, self._facts(len(new)))
        return heard

    def _facts(self, waiting: int) -> Mapping[str, float]:
        totals = self._totals
        heard = totals["unique"] - waiting
        share = (totals["remembered"] + totals["corrected"]) / max(heard, 1)
        return {"segments": heard, "tokens": totals["tokens_out"], "remembered": share}

    def _result(self, planned: Planned, heard: Mapping[Segment, Hypothesis]) -> tuple[Row, Row]:
        """The row and its pairs; raises `Damage` where it is held back."""
        record, route = planned.record, planned.route
        if route.action == "drop":
            raise Damage(f"routing: {route.rule}: {route.reason}")
        if planned.documents is None:
            if route.action == "translate" and not covers(self.languages[1].code, record.language):
                raise Damage(
                    f"language: {record.language} is neither {self.languages[0].code} nor {self.languages[1].code}"
                )
            self._rows["untouched"] += 1
            return record.to_row(), {"id": record.id, "translated": False, "pairs": []}
        texts: list[str] = []
        pairs: list[Row] = []
        for number, document in enumerate(planned.documents):
            sent = planned.segments[number]
            hypotheses = [heard[segment] for segment in sent]
            pairs += (_pair(s.text, h, number) for s, h in zip(sent, hypotheses, strict=True))
            texts.append(document.assemble([hypothesis.text for hypothesis in hypotheses]))
        self._rows["translated"] += 1
        row = record.with_texts(texts).to_row()
        if "language" in row:
            row["language"] = self.languages[1].code
        return row, {"id": record.id, "translated": True, "pairs": pairs}


def check_context(translator: object, context: int) -> None:
    """Raise `ConfigError` where segments are to bring others along and the translator, below its wrappers, reads only texts."""
    if not context:
        return
    below = translator
    while inner := getattr(below, "inner", None) or getattr(below, "translator", None):
        below = inner
    if not hasattr(below, "check_context"):
        raise ConfigError(
            f"translate.context is {context}, and {type(below).__name__} does not say that it reads any",
            hint="leave `context` out of [translate], or name another translator",
        )
    below.check_context()


def segments_of(document: Document, context: int) -> tuple[Segment, ...]:
    """A document's segments, each with those before it as they stand in the text, a line each."""
    slots = document.slots
    if not context:
        return tuple(Segment(text=slot.sent) for slot in slots)
    stand = [" ".join(slot.filled(slot.sent).split()) for slot in slots]
    return tuple(
        Segment(text=slot.sent, context="\n".join(stand[max(0, number - context) : number]))
        for number, slot in enumerate(slots)
    )


def _pair(segment: str, hypothesis: Hypothesis, text: int) -> Row:
    """A segment pair as a row. A person's is marked; model or memory of it is no property of the text."""
    if not hypothesis.finished or not hypothesis.text.strip():
        kind = "empty" if hypothesis.finished else hypothesis.finish
        raise Damage(
            hypothesis.reason if ":" in hypothesis.reason else f"{kind}: {hypothesis.reason or segment[:80]}"
        )
    by: Row = {"origin": hypothesis.origin} if hypothesis.origin == "person" else {}
    alone = {"without_context": True} if hypothesis.without_context else {}
    return {"source": segment, "target": hypothesis.text, "text": text, **by, **alone}


def _windows(planned: Iterable[Planned]) -> Iterator[list[Planned]]:
    window: list[Planned] = []
    segments = 0
    for one in planned:
        window.append(one)
        segments += sum(map(len, one.segments))
        if segments >= WINDOW or len(window) >= WINDOW:
            yield window
            window, segments = [], 0
    if window:
        yield window

"""Rows to translated rows: windows of segments, each distinct one sent once, and what becomes of every row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langadapt.interfaces import Hypothesis, Segment, Task, Translator
from langadapt.languages import Language
from langadapt.prepare.routing import Route, Router
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
    """A record with the route it takes; documents for its texts where it is translated."""

    record: Record
    route: Route
    documents: tuple[Document, ...] | None


@dataclass(frozen=True)
class Translating:
    """One file's way through a translator; counts as it goes."""

    translator: Translator
    languages: tuple[Language, Language]
    mode: str
    router: Router
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
        route = self.router.route(record)
        if route.action == "translate":
            return Planned(record, route, tuple(Document(text, self.mode) for text in record.texts))
        self._routed.setdefault(route.action, Counter())[route.rule] += 1
        return Planned(record, route, None)

    def _hear(self, window: Sequence[Planned], task: Task) -> dict[str, Hypothesis]:
        """A hypothesis for every distinct segment; the task advances by rows as their share of segments is known."""
        segments = [
            s for planned in window for document in planned.documents or () for s in document.segments
        ]
        unique = list(dict.fromkeys(segments))
        heard: dict[str, Hypothesis] = {}
        totals, done = self._totals, 0
        new = {text for text in unique if hash(text) not in self._seen}
        self._seen.update(map(hash, new))
        totals.update(segments=len(segments), unique=len(new))
        for index, hypothesis in self.translator.translate(
            [Segment(text=text) for text in unique], source=self.languages[0], target=self.languages[1]
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

    def _result(self, planned: Planned, heard: Mapping[str, Hypothesis]) -> tuple[Row, Row]:
        """The row and its pairs; raises `Damage` where it is held back."""
        record, route = planned.record, planned.route
        if route.action == "drop":
            raise Damage(f"routing: {route.rule}: {route.reason}")
        if planned.documents is None:
            if route.action == "translate" and record.language != self.languages[1].code:
                raise Damage(
                    f"language: {record.language} is neither {self.languages[0].code} nor {self.languages[1].code}"
                )
            self._rows["untouched"] += 1
            return record.to_row(), {"id": record.id, "translated": False, "pairs": []}
        texts: list[str] = []
        pairs: list[Row] = []
        for number, document in enumerate(planned.documents):
            hypotheses = [heard[segment] for segment in document.segments]
            pairs += (_pair(s, h, number) for s, h in zip(document.segments, hypotheses, strict=True))
            texts.append(document.assemble([hypothesis.text for hypothesis in hypotheses]))
        self._rows["translated"] += 1
        row = record.with_texts(texts).to_row()
        if "language" in row:
            row["language"] = self.languages[1].code
        return row, {"id": record.id, "translated": True, "pairs": pairs}


def _pair(segment: str, hypothesis: Hypothesis, text: int) -> Row:
    """A segment pair as a row. A person's is marked; model or memory of it is no property of the text."""
    if not hypothesis.finished or not hypothesis.text.strip():
        kind = "empty" if hypothesis.finished else hypothesis.finish
        raise Damage(
            hypothesis.reason if ":" in hypothesis.reason else f"{kind}: {hypothesis.reason or segment[:80]}"
        )
    by = {"origin": hypothesis.origin} if hypothesis.origin == "person" else {}
    return {"source": segment, "target": hypothesis.text, "text": text, **by}


def _windows(planned: Iterable[Planned]) -> Iterator[list[Planned]]:
    window: list[Planned] = []
    segments = 0
    for one in planned:
        window.append(one)
        segments += sum(len(document.segments) for document in one.documents or ())
        if segments >= WINDOW or len(window) >= WINDOW:
            yield window
            window, segments = [], 0
    if window:
        yield window

"""The stages in the order data passes: prepare, translate, filter, train, evaluate. Files in, files out, counts back."""

import itertools
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langadapt.errors import DataError
from langadapt.interfaces import (
    Filter,
    Hypothesis,
    Progress,
    Segment,
    Translator,
    Verdict,
)
from langadapt.languages import Language, LanguagePack
from langadapt.prepare.readers import read_source
from langadapt.prepare.selection import Choice, TokenCount, is_held_out, select
from langadapt.records import KINDS, Record, Row, read_records, write_rows
from langadapt.schema import Prepare, Source
from langadapt.segments import Damage, Document
from langadapt.translations import Paths, read_translations

WINDOW = 20_000
CHUNK = 500
Counts = dict[str, Any]


def prepare(
    sources: Sequence[Source],
    settings: Prepare,
    count_tokens: TokenCount | None,
    *,
    folder: Path,
    limit: int | None,
    progress: Progress,
) -> Counts:
    """Sources to `folder/STREAM.jsonl`, those left out to `folder/dropped.jsonl`; counts by source."""
    streams: dict[str, list[Row]] = {source.stream: [] for source in sources}
    dropped: list[Row] = []
    counts: Counts = {}
    for source in sources:
        reasons: Counter[str] = Counter()
        with progress.task(f"read {source.name}", None) as task:
            for choice in select(read_source(source, limit), settings, count_tokens):
                _place(choice, source, streams, dropped)
                reasons[choice.reason] += 1
                task.advance()
        counts[source.name] = {"rows": reasons.total(), "kept": reasons.pop("", 0), "dropped": dict(reasons), "stream": source.stream,
                               "license": source.license, "path": source.path, "revision": source.revision}  # fmt: skip
    _check(streams, counts)
    for stream, rows in streams.items():
        write_rows(folder / f"{stream}.jsonl", rows)
    write_rows(folder / "dropped.jsonl", dropped)
    return {"sources": counts, "streams": {stream: len(rows) for stream, rows in streams.items()}}


def _place(choice: Choice, source: Source, streams: dict[str, list[Row]], dropped: list[Row]) -> None:
    row = choice.record.to_row()
    if choice.reason:
        dropped.append({**row, "dropped": {"by": "prepare", "reason": choice.reason}})
    else:
        streams[source.stream].append(row)


def _check(streams: Mapping[str, list[Row]], counts: Counts) -> None:
    for stream, rows in streams.items():
        if not rows:
            why = "; ".join(
                f"{name}: {told['dropped'] or 'no rows'}"
                for name, told in counts.items()
                if told["stream"] == stream
            )
            raise DataError(
                f"stream {stream}: no row goes on ({why})",
                hint="choose other data, or change [prepare] in the recipe",
            )
        twice = [key for key, count in Counter(row["id"] for row in rows).items() if count > 1]
        if twice:
            raise DataError(
                f"stream {stream}: id {twice[0]!r} comes from two rows",
                hint="give every row an id of its own, or none",
            )


def translate(
    source_rows: Path,
    out: Paths,
    translator: Translator,
    *,
    languages: tuple[Language, Language],
    mode: str,
    progress: Progress,
) -> Counts:
    """Translate a file of rows. A row is written only if every segment finished and everything protected came back."""
    begun = time.monotonic()
    counts = Counter(
        dict.fromkeys(("segments", "unique", "remembered", "tokens_in", "tokens_out", "unfinished"), 0)
    )
    held_why: Counter[str] = Counter()
    good: list[Row] = []
    held: list[Row] = []
    pairs: list[Row] = []
    for window in _windows(read_records(source_rows)):
        todo = {
            record.id: [Document(text, mode) for text in record.texts]
            for record in window
            if record.language in ("", languages[0].code)
        }
        heard = _hear(todo.values(), translator, languages, counts, progress)
        for record in window:
            if record.id not in todo and record.language == languages[1].code:
                good.append(record.to_row())
                pairs.append({"id": record.id, "translated": False, "pairs": []})
                continue
            try:
                row, found = _rebuild(record, todo.get(record.id), heard, languages)
            except Damage as damage:
                held.append({**record.to_row(), "held": {"reason": str(damage)}})
                held_why[str(damage).split(":")[0]] += 1
            else:
                good.append(row)
                pairs.append({"id": record.id, "translated": True, "pairs": found})
    write_rows(out.rows, good)
    write_rows(out.held, held)
    write_rows(out.segments, pairs)
    seconds = time.monotonic() - begun
    return {
        "records": len(good) + len(held),
        "translated": len(good),
        "held": dict(held_why),
        "seconds": round(seconds, 2),
        **counts,
    }


def _hear(
    documents: Iterable[Sequence[Document]],
    translator: Translator,
    languages: tuple[Language, Language],
    counts: Counter[str],
    progress: Progress,
) -> dict[str, Hypothesis]:
    """A hypothesis for every distinct segment."""
    segments = [segment for texts in documents for document in texts for segment in document.segments]
    unique = list(dict.fromkeys(segments))
    heard: dict[str, Hypothesis] = {}
    counts.update(segments=len(segments), unique=len(unique))
    with progress.task("segments", len(unique)) as task:
        for index, hypothesis in translator.translate(
            [Segment(text=text) for text in unique], source=languages[0], target=languages[1]
        ):
            heard[unique[index]] = hypothesis
            counts.update({
                "remembered": hypothesis.origin != "model",
                "tokens_in": hypothesis.tokens_in if hypothesis.origin == "model" else 0,
                "tokens_out": hypothesis.tokens_out if hypothesis.origin == "model" else 0,
                "unfinished": not hypothesis.finished,
            })  # fmt: skip
            task.advance(1, {"remembered": counts["remembered"] / len(heard)})
    return heard


def _by_person(hypothesis: Hypothesis) -> Row:
    """Who made it, where that is a person; whether a model or the memory of it is no property of the text."""
    return {"origin": hypothesis.origin} if hypothesis.origin == "person" else {}


def _rebuild(
    record: Record,
    documents: Sequence[Document] | None,
    heard: Mapping[str, Hypothesis],
    languages: tuple[Language, Language],
) -> tuple[Row, list[Row]]:
    if documents is None:
        raise Damage(f"language: {record.language} is neither {languages[0].code} nor {languages[1].code}")
    texts, pairs = [], []
    for number, document in enumerate(documents):
        hypotheses = [heard[segment] for segment in document.segments]
        for segment, hypothesis in zip(document.segments, hypotheses, strict=True):
            if not hypothesis.finished or not hypothesis.text.strip():
                raise Damage(
                    f"{hypothesis.finish if not hypothesis.finished else 'empty'}: {hypothesis.reason or segment[:80]}"
                )
            pairs.append(
                {"source": segment, "target": hypothesis.text, "text": number, **_by_person(hypothesis)}
            )
        texts.append(document.assemble([hypothesis.text for hypothesis in hypotheses]))
    row = record.with_texts(texts).to_row()
    return ({**row, "language": languages[1].code} if "language" in row else row), pairs


@dataclass(frozen=True)
class Named:
    """A filter and what the recipe calls it."""

    name: str
    filter: Filter


def filter_rows(
    source_rows: Path,
    translated: Paths,
    filters: Sequence[Named],
    *,
    pack: LanguagePack,
    source: Language,
    kept: Path,
    progress: Progress,
) -> Counts:
    """Judge each translation; kept rows to `kept`, dropped ones beside it with their reason, all verdicts too."""
    kept_rows: list[Row] = []
    dropped_rows: list[Row] = []
    verdicts: list[Row] = []
    reasons: dict[str, Counter[str]] = {named.name: Counter() for named in filters}
    for window in _windows(read_translations(source_rows, translated)):
        alive = list(window)
        told: dict[str, list[Row]] = {item.target.id: [] for item in window}
        for named in filters:
            judged: list[Verdict] = []
            with progress.task(named.name, len(alive)) as task:
                for start in range(0, len(alive), CHUNK):
                    judged += named.filter.filter(alive[start : start + CHUNK], source=source, pack=pack)
                    task.advance(len(alive[start : start + CHUNK]))
            survivors = []
            for item, verdict in zip(alive, judged, strict=True):
                told[item.target.id].append(_told(named.name, verdict))
                if verdict.keep:
                    survivors.append(item)
                    continue
                reasons[named.name][verdict.reason.split(":")[0]] += 1
                why = {"by": named.name, **_told(named.name, verdict), "source": item.source.to_row()}
                dropped_rows.append({**item.target.to_row(), "dropped": why})
            alive = survivors
        kept_rows += [item.target.to_row() for item in alive]
        verdicts += [{"id": key, "verdicts": told[key]} for key in told]
    write_rows(kept, kept_rows)
    write_rows(kept.with_suffix(".dropped.jsonl"), dropped_rows)
    write_rows(kept.with_suffix(".verdicts.jsonl"), verdicts)
    return {
        "records": len(verdicts),
        "kept": len(kept_rows),
        "dropped": {name: dict(why) for name, why in reasons.items()},
    }


def _told(name: str, verdict: Verdict) -> Row:
    facts = {
        "keep": verdict.keep,
        "reason": verdict.reason,
        "score": verdict.score,
        "segment": verdict.segment,
        "span": verdict.span,
    }
    return {"filter": name, **{key: value for key, value in facts.items() if value not in (None, "")}}


def split(rows: Path, records: Path, held_out: Path, *, share: float, takes: str) -> Counts:
    """Rows to those that are trained on and those that are not; raises `DataError` for the wrong kind of row."""
    train: list[Row] = []
    kept: list[Row] = []
    for record in read_records(rows):
        if not isinstance(record, KINDS[takes]):
            raise DataError(
                f"{rows}: the row {record.id!r} is none of {takes}", hint=f"this trainer takes {takes}"
            )
        (kept if is_held_out(record.id, share) else train).append(record.to_row())
    write_rows(records, train)
    write_rows(held_out, kept)
    return {"rows": len(train), "held_out": len(kept)}


def closing(stack: ExitStack, component: Any) -> Any:
    """The component, closed when the stack is."""
    stack.callback(component.close)
    return component


def _windows(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while window := list(itertools.islice(iterator, WINDOW)):
        yield window

"""The stages in the order data passes: prepare, translate, filter, train, evaluate. Files in, files out, counts back."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from langadapt.errors import DataError
from langadapt.interfaces import Progress, Translator, Verdict
from langadapt.judging import Named, judged
from langadapt.languages import Language, LanguagePack
from langadapt.prepare.selection import is_held_out
from langadapt.preparing import Preparing
from langadapt.records import KINDS, Row, read_records, read_rows, write_rows, writing
from langadapt.schema import Source
from langadapt.translating import How, Translating, check_context
from langadapt.translations import Paths, read_translations

Counts = dict[str, Any]


def prepare(sources: Sequence[Source], work: Preparing, folder: Path) -> Counts:
    """Sources to `folder/STREAM.jsonl`, those left out to `folder/dropped.jsonl`; counts by source."""
    begun = time.monotonic()
    return {**work.write(sources, folder), "seconds": round(time.monotonic() - begun, 2)}


def translate(
    source_rows: Path,
    out: Paths,
    translator: Translator,
    *,
    languages: tuple[Language, Language],
    mode: str,
    progress: Progress,
    how: How | None = None,
) -> Counts:
    """Translate a file of rows. A row is written only if every segment finished and everything protected came back."""
    begun = time.monotonic()
    work = Translating(translator, languages, mode, how or How())
    check_context(translator, work.how.context)
    with (
        writing(out.rows) as good,
        writing(out.held) as held,
        writing(out.segments) as pairs,
        progress.task("translate", sum(1 for _ in read_rows(source_rows))) as task,
    ):
        for row, found, why in work.results(read_records(source_rows), task):
            if why:
                held({**row, "held": why})
            else:
                good(row)
                pairs(found)
    counts, seconds = work.counts(), time.monotonic() - begun
    rate = counts["tokens_out"] / seconds if seconds else 0.0
    return {**counts, "seconds": round(seconds, 2), "tokens_per_s": round(rate, 1)}


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
    begun = time.monotonic()
    reasons: dict[str, Counter[str]] = {named.name: Counter() for named in filters}
    records = left = 0
    with (
        writing(kept) as keep,
        writing(kept.with_suffix(".dropped.jsonl")) as drop,
        writing(kept.with_suffix(".verdicts.jsonl")) as tell,
        progress.task("filter", sum(1 for _ in read_rows(translated.rows))) as task,
    ):
        for one in judged(read_translations(source_rows, translated), filters, source=source, pack=pack):
            records += 1
            told = [_told(name, verdict) for name, verdict in one.verdicts]
            row = one.item.target.to_row()
            if one.kept:
                keep(row)
                left += 1
            else:
                name, verdict = one.verdicts[-1]
                reasons[name][verdict.reason.split(":", maxsplit=1)[0]] += 1
                why = {"by": name, **told[-1], "source": one.item.source.to_row(), "reached": told[:-1]}
                drop({**row, "dropped": why})
            tell({"id": one.item.target.id, "verdicts": told})
            task.advance(1, {"kept": left / records})
    return {
        "records": records,
        "kept": left,
        "dropped": {name: dict(why) for name, why in reasons.items()},
        "seconds": round(time.monotonic() - begun, 2),
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

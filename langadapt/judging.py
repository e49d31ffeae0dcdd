"""Translations through filters, in order: those that hold no other component on all cores, the others where they are."""

import itertools
import os
import pickle
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, is_dataclass
from functools import lru_cache
from multiprocessing import connection, get_context, parent_process

from langadapt.errors import LangAdaptError
from langadapt.interfaces import Evaluator, Filter, Trainer, Translation, Translator, Verdict
from langadapt.languages import Language, LanguagePack

WINDOW = 20_000
"""Translations judged at once by a filter that holds another component: enough to fill an engine."""
_ROWS, _CHARACTERS = 200, 200_000
_WORTH_A_PROCESS = 2_000


@dataclass(frozen=True)
class Named:
    """A filter and what the recipe calls it."""

    name: str
    filter: Filter


@dataclass
class Judged:
    """A translation and the verdicts that it has reached; the last one may drop it."""

    item: Translation
    verdicts: list[tuple[str, Verdict]] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether no filter has dropped it so far."""
        return not self.verdicts or self.verdicts[-1][1].keep


def judged(
    items: Iterable[Translation],
    filters: Sequence[Named],
    *,
    source: Language,
    pack: LanguagePack,
    workers: int | None = None,
) -> Iterator[Judged]:
    """Each item in order with its verdicts, the same whatever the number of `workers` (all cores unless given)."""
    stream: Iterator[Judged] = (Judged(item) for item in items)
    with ExitStack() as stack:
        for alone, group in itertools.groupby(filters, lambda named: _alone(named.filter)):
            bench = _Bench(list(group), source, pack)
            if alone:
                stream = _in_windows(stream, bench)
            else:
                stream = _on_all_cores(stream, bench, workers or _cores(), stack)
        yield from stream


@dataclass(frozen=True)
class _Bench:
    """Filters that judge one after the other, each what those before it have kept."""

    filters: Sequence[Named]
    source: Language
    pack: LanguagePack

    def judge(self, chunk: list[Judged]) -> list[Judged]:
        for named in self.filters:
            alive = [one for one in chunk if one.kept]
            verdicts = self._verdicts(named, [one.item for one in alive])
            for one, verdict in zip(alive, verdicts, strict=True):
                one.verdicts.append((named.name, verdict))
        return chunk

    def _verdicts(self, named: Named, items: list[Translation]) -> list[Verdict]:
        """A filter's verdicts. What it cannot judge for a fault of its own is dropped, and named; the rest is judged."""
        if not items:
            return []
        try:
            return named.filter.filter(items, source=self.source, pack=self.pack)
        except LangAdaptError:
            raise
        except Exception as error:  # noqa: BLE001 - one row that a filter chokes on may not stop a data set
            if len(items) == 1:
                reason = f"error: {named.name} failed on it: {type(error).__name__}: {str(error)[:200]}"
                return [Verdict(keep=False, reason=reason)]
        return [verdict for item in items for verdict in self._verdicts(named, [item])]


def _alone(filter_: Filter) -> bool:
    """Whether a filter says that it may not run on every core, or holds a component, which may be a model on an accelerator."""
    if getattr(filter_, "alone", False):
        return True
    kinds = (Translator, Filter, Trainer, Evaluator)
    names: list[str] = [item.name for item in fields(filter_)] if is_dataclass(filter_) else []
    return any(isinstance(getattr(filter_, name), kinds) for name in names)


def _in_windows(stream: Iterator[Judged], bench: _Bench) -> Iterator[Judged]:
    while window := list(itertools.islice(stream, WINDOW)):
        yield from bench.judge(window)


def _on_all_cores(
    stream: Iterator[Judged], bench: _Bench, workers: int, stack: ExitStack
) -> Iterator[Judged]:
    """Chunk by chunk in processes of their own, or here where there is little to do."""
    first = list(itertools.islice(stream, _WORTH_A_PROCESS))
    stream = itertools.chain(first, stream)
    if workers < 2 or len(first) < _WORTH_A_PROCESS:
        for chunk in _chunks(stream):
            yield from bench.judge(chunk)
        return
    pool = stack.enter_context(
        ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    )
    pickled = pickle.dumps(bench)
    waiting: deque[Future[list[Judged]]] = deque()
    for chunk in _chunks(stream):
        waiting.append(pool.submit(_judge, pickled, chunk))
        if len(waiting) > 3 * workers:
            yield from waiting.popleft().result()
    while waiting:
        yield from waiting.popleft().result()


def _chunks(stream: Iterator[Judged]) -> Iterator[list[Judged]]:
    """Few rows at a time, and fewer where they are long: one that takes long holds up no others."""
    chunk: list[Judged] = []
    size = 0
    for one in stream:
        chunk.append(one)
        size += sum(map(len, one.item.target.texts))
        if len(chunk) >= _ROWS or size > _CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _begin() -> None:
    """A worker's start: a thread that ends it when its parent has died."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _judge(pickled: bytes, chunk: list[Judged]) -> list[Judged]:
    return _bench(pickled).judge(chunk)


@lru_cache(1)
def _bench(pickled: bytes) -> _Bench:
    """A worker's filters, with what they have loaded."""
    bench: _Bench = pickle.loads(pickled)  # noqa: S301 - written by the parent process
    return bench


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

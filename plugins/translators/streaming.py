"""What an event loop in a thread of its own hands out, as a plain generator."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Deliver = Callable[[T], Awaitable[None]]
"""Hands one item out; waits while nobody takes what is there."""
_PAUSE_S = 0.02
_LOOK_UP_S = 0.5
"""While nothing comes: Ctrl-C does not break every wait on every system."""


@dataclass(frozen=True)
class _End:
    """Nothing more comes, for this reason if there is one."""

    error: BaseException | None = None


class Streaming(Generic[T]):
    """`work`, run in a thread: `items` yields what it delivers, and ends it when nobody wants more.

    At most `room` items wait, or a few more. It does not matter whether the caller's thread runs an event loop.
    """

    def __init__(self, work: Callable[[Deliver[T]], Coroutine[Any, Any, None]], room: int) -> None:
        """Nothing runs before the first item is asked for."""
        self._work, self._room = work, room
        self._made: SimpleQueue[T | _End] = SimpleQueue()

    def items(self) -> Iterator[T]:
        """Each item as soon as it is there; then the error that `work` ended with, if any."""
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._work(self._deliver))
        thread = Thread(target=self._run, args=(loop, task), name="langadapt-streaming", daemon=True)
        thread.start()
        try:
            while not isinstance(made := self._next(), _End):
                yield made
            if made.error:
                raise made.error
        finally:
            with suppress(RuntimeError):  # the loop is closed: all is done
                loop.call_soon_threadsafe(task.cancel)
            thread.join()

    def _next(self) -> T | _End:
        while True:
            with suppress(Empty):
                return self._made.get(timeout=_LOOK_UP_S)

    async def _deliver(self, item: T) -> None:
        while self._made.qsize() >= self._room:  # noqa: ASYNC110 - another thread takes them
            await asyncio.sleep(_PAUSE_S)
        self._made.put(item)

    def _run(self, loop: asyncio.AbstractEventLoop, task: "asyncio.Task[None]") -> None:
        end = _End()
        try:
            loop.run_until_complete(task)
        except BaseException as error:  # noqa: BLE001 - raised again by `items`
            end = _End(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            self._made.put(end)

"""Many texts to several OpenAI-compatible servers: how many at once, to whom, and what happens when one fails."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from langadapt.errors import ComponentError
from langadapt.interfaces import Hypothesis
from langadapt_plugins.translators.completions import AgainError, Ask, BlankError
from langadapt_plugins.translators.exchange import Exchange, RefusedError, StrainedError, Terms

Deliver = Callable[[tuple[int, Hypothesis]], Awaitable[None]]
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_TICK_S = 0.001
_GREETINGS = 2
_PATIENCE = 8
"""So many times as often may a text be asked again where a server only wishes for fewer requests."""
_MANY = 8
"""Faults in a row, of whatever texts, that are the server's and not a text's."""


def pause(times: int, wish: float | None = None) -> float:
    """Seconds to wait after so many faults in a row: ever more, never less than a server wishes, and never all at once."""
    grown = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (times - 1))
    return max(grown * random.uniform(0.5, 1), (wish or 0) * random.uniform(1, 1.1))  # noqa: S311 - no secret


@dataclass(eq=False)
class Server:
    """A server as it stands. One in trouble is left alone for longer and longer, then tried with few requests.

    `window` is how many it is given at once now, `rounds` how often in a row it was in trouble.
    """

    url: str
    most: int
    window: int = 0
    brand: str | None = None
    in_flight: int = 0
    ready_at: float = 0.0
    rounds: int = 0
    faults: int = 0
    troubled_at: float = field(default=float("-inf"))
    why: str = ""
    answered: bool = False

    def __post_init__(self) -> None:
        self.window = self.most

    def free(self, now: float) -> bool:
        """Whether it may be given another request."""
        return now >= self.ready_at and self.in_flight < self.window

    def well(self) -> None:
        """It has answered as it should."""
        self.answered = True
        self.rounds = self.faults = 0
        self.window = min(self.most, self.window + 1)

    def ill(self, error: AgainError, sent_at: float, now: float) -> None:
        """It has not; what was sent before the last trouble is a part of that."""
        self.why = str(error)
        self.faults += 1
        grave = isinstance(error, RefusedError | StrainedError) or self.faults >= _MANY
        if not grave:
            return
        wait = error.wait if isinstance(error, StrainedError) else None
        if sent_at <= self.troubled_at:
            self.ready_at = max(self.ready_at, now + (wait or 0))
            return
        self.rounds += 1
        self.troubled_at = now
        self.ready_at = now + pause(self.rounds, wait)
        self.window = max(1, self.window // 2) if isinstance(error, StrainedError) else 1


class Servers:
    """Servers that share texts: each goes to the one with the fewest in flight."""

    def __init__(self, urls: Sequence[str], terms: Terms, key: str) -> None:
        """Nothing is sent yet."""
        self._servers = [Server(url.rstrip("/"), terms.in_flight) for url in urls]
        self._terms, self._key = terms, key
        self._waiting: deque[tuple[asyncio.Future[None], Server | None]] = deque()

    async def answer(self, asks: Sequence[Ask], deliver: Deliver) -> None:
        """Each hypothesis as it is known; raises `LangAdaptError` where none ever answers, or one cannot be used at all."""
        exchange = Exchange(self._terms, self._key)
        workers = [asyncio.create_task(self._greet(exchange, server)) for server in self._servers]
        try:
            await asyncio.gather(*workers)
            if all(server.brand is None for server in self._servers):
                raise self._none()
            left = iter(asks)
            count = min(len(asks), len(self._servers) * self._terms.in_flight)
            workers = [asyncio.create_task(self._work(exchange, left, deliver)) for _ in range(count)]
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await exchange.close()

    async def _greet(self, exchange: Exchange, server: Server) -> None:
        for number in range(1, _GREETINGS + 1):
            now = asyncio.get_running_loop().time()
            try:
                server.brand = await exchange.greet(server.url)
            except AgainError as error:
                server.why = str(error)
                if number == _GREETINGS:
                    self._ill(server, error, now)
                else:
                    await asyncio.sleep(pause(number))
            else:
                return

    async def _work(self, exchange: Exchange, left: Iterator[Ask], deliver: Deliver) -> None:
        for ask in left:
            await deliver((ask.index, await self._answered(exchange, ask)))

    async def _answered(self, exchange: Exchange, ask: Ask) -> Hypothesis:
        """The hypothesis for one text, after as many tries as it takes and may take."""
        server: Server | None = None
        fault: AgainError | None = None
        tries = faults = 0
        while faults <= self._terms.retries and tries < _PATIENCE * (self._terms.retries + 1):
            server = await self._slot(server if faults else None)
            if server is None:
                break
            tries += 1
            try:
                found = await self._tried(exchange, server, ask, again=isinstance(fault, BlankError))
            except StrainedError as error:
                fault = error
            except BlankError as error:
                if isinstance(fault, BlankError):
                    break  # asked greedily, a model says the same again
                fault = error
                faults += 1
            except AgainError as error:
                fault = error
                faults += 1
                if not isinstance(error, RefusedError) and faults <= self._terms.retries:
                    await asyncio.sleep(pause(faults, error.wait))
            else:
                return replace(found, tries=tries)
        last = (
            f"{fault} (asked {tries} times)" if fault else f"none answers any more ({self._servers[0].why})"
        )
        reason = "empty" if isinstance(fault, BlankError) else f"server: {last}"
        return Hypothesis(text="", finish="error", reason=reason, tries=max(tries, 1))

    async def _tried(self, exchange: Exchange, server: Server, ask: Ask, *, again: bool) -> Hypothesis:
        """One try, in a slot of the server that is then free again."""
        sent_at = asyncio.get_running_loop().time()
        try:
            if server.brand is None:  # it was down when all were greeted
                server.brand = await exchange.greet(server.url)
            found = await exchange.ask(server.url, ask, server.brand, again=again)
        except BlankError:
            server.well()
            raise
        except AgainError as error:
            self._ill(server, error, sent_at)
            raise
        else:
            server.well()
            return found
        finally:
            server.in_flight -= 1
            self._wake()

    def _ill(self, server: Server, error: AgainError, sent_at: float) -> None:
        loop = asyncio.get_running_loop()
        server.ill(error, sent_at, loop.time())
        if server.ready_at > loop.time():
            loop.call_at(server.ready_at + _TICK_S, self._wake)

    async def _slot(self, last: Server | None) -> Server | None:
        """A server that may be asked: another than the last, whose fault may be its own, where one stands; none where all are given up."""
        while any(server.rounds <= self._terms.retries for server in self._servers):
            if best := self._best(last):
                best.in_flight += 1
                return best
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((turn, last))
            await turn
        if not any(server.answered for server in self._servers):
            raise self._none()
        return None

    def _best(self, last: Server | None) -> Server | None:
        now = asyncio.get_running_loop().time()
        others = [server for server in self._servers if server is not last and server.ready_at <= now]
        free = [server for server in others or self._servers if server.free(now)]
        return min(free, key=lambda server: server.in_flight, default=None)

    def _wake(self) -> None:
        """Let as many look again as there are slots for, or all, where it is about to end."""
        now = asyncio.get_running_loop().time()
        slots = sum(server.window - server.in_flight for server in self._servers if server.free(now))
        over = all(server.rounds > self._terms.retries for server in self._servers)
        for _ in range(len(self._waiting) if slots or over else 0):
            turn, last = self._waiting.popleft()
            if turn.done():
                continue
            if over or (slots > 0 and self._best(last)):
                turn.set_result(None)
                slots -= 1
            else:
                self._waiting.append((turn, last))

    def _none(self) -> ComponentError:
        what = "; ".join(f"{server.url}: {server.why}" for server in self._servers)
        return ComponentError(f"no server answers: {what}", hint="start it, or check `base_urls`")

"""A small server with OpenAI's interface that does wrong what it is told to, and keeps a record of what it was asked."""

import asyncio
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from threading import Thread

from langadapt.interfaces import Segment
from langadapt.languages import Language
from langadapt_plugins.translators.openai import OpenaiTranslator

JSON = "application/json"
PLACEHOLDER = re.compile(r"(<x\d+>)")


def translation(text):
    """What a good server answers: the same words in the other case, with placeholders as they were."""
    pieces = PLACEHOLDER.split(text.replace("\n", " "))
    return "".join(piece if PLACEHOLDER.fullmatch(piece) else piece.swapcase() for piece in pieces).strip()


def source(prompt):
    """The text in a prompt of ALMA's, English to German or back."""
    found = re.fullmatch(r"Translate this from (.*) to (.*):\n\1: (.*)\n\2:", prompt, re.DOTALL)
    return found[3] if found else prompt


def faulted(fault, good):
    """Status, answer, kind and further headers of what goes wrong by this name; of a good answer where nothing does."""
    choice = good["choices"][0] if "choices" in good else {}
    several = {"no-choices": [], "two-choices": [choice, choice]}
    bodies = {
        None: good,
        "truncated": json.dumps(good)[:-9],
        "html": "<html>busy</html>",
        "object": [],
        "error-200": {"error": {"message": "worker lost"}},
    }
    match fault:
        case (int() as status, dict() as headers):
            return status, {"error": {"message": "not now"}}, JSON, headers
        case (int() as status, str() as message):
            return status, {"error": {"message": message, "code": status}}, JSON, {}
        case ("finish", reason):
            return 200, good | {"choices": [choice | {"finish_reason": reason}]}, JSON, {}
        case ("text", text, reason):
            return 200, good | {"choices": [choice | {"text": text, "finish_reason": reason}]}, JSON, {}
    if fault in several:
        return 200, good | {"choices": several[fault]}, JSON, {}
    return 400 if "error" in good else 200, bodies[fault], "text/html" if fault == "html" else JSON, {}


@dataclass
class Asked:
    """One request to complete something: when, what and with which headers."""

    at: float
    path: str
    body: dict
    headers: dict
    text: str


@dataclass
class FaultyServer:
    """Use it in `with`. `fault(number, asked)` names what goes wrong with a request, as `faulted` knows it; None is nothing.

    While it says "hold", no answer is given, and it is asked again.
    """

    fault: object = None
    slow: float = 0.0
    context: int = 4096
    brand: str = "faulty"
    tokens: list | None = None
    asked: list = field(default_factory=list)
    most: int = 0
    left: int = 0
    now: int = 0

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._open = set()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.kill()

    def kill(self):
        """As by SIGKILL: nothing is answered any more, open connections break."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def texts(self):
        return [one.text for one in self.asked]

    def _run(self):
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self):
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _serve(self, reader, writer):
        self._open.add(writer)
        first = b""
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while first is not None:
                head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
                raw = await reader.readexactly(int(headers.get("content-length", 0)))
                first = b""
                if method == "GET":
                    listed = {"object": "list", "data": [{"id": "alma", "owned_by": self.brand}]}
                    self._send(writer, 200, listed)
                elif path == "/tokenize":
                    self._send(writer, 200 if self.tokens else 404, {"tokens": self.tokens})
                else:
                    first = await self._completed(self._asked(path, headers, json.loads(raw)), reader, writer)
        self._open.discard(writer)
        writer.close()

    def _asked(self, path, headers, body):
        prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        if prompt and isinstance(prompt[0], dict):
            prompt = prompt[0]["text"]
        text = source(prompt) if isinstance(prompt, str) else " ".join(map(str, prompt))
        self.asked.append(Asked(time.monotonic(), path, body, headers, text))
        self.now += 1
        self.most = max(self.most, self.now)
        return self.asked[-1]

    async def _completed(self, asked, reader, writer):
        """The first byte of the next request, if it was there at once; None where the connection has ended."""
        byte = asyncio.create_task(reader.read(1))
        answer = asyncio.create_task(self._answer(len(self.asked), asked, writer))
        try:
            await asyncio.wait([byte, answer], return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and not byte.result():
                self.left += 1
                return None
            if not await answer:
                return None
        finally:
            self.now -= 1
            answer.cancel()
            byte.cancel()
            await asyncio.gather(byte, answer, return_exceptions=True)
        return b"" if byte.cancelled() else byte.result()

    async def _answer(self, number, asked, writer):
        await asyncio.sleep(self.slow)
        while (fault := self.fault(number, asked) if self.fault else None) == "hold":  # noqa: ASYNC110 - another thread ends it
            await asyncio.sleep(0.01)
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "drop":
            writer.transport.abort()
        if fault == "drop-half":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{")
            writer.close()
        return fault not in ("drop", "drop-half") and self._send(writer, *faulted(fault, self._good(asked)))

    def _good(self, asked):
        words = translation(asked.text).split(" ")
        if len(words) + asked.body["max_tokens"] > self.context:
            return {"error": {"message": f"This model's maximum context length is {self.context} tokens."}}
        cut = len(words) > asked.body["max_tokens"]
        text = " " + " ".join(words[: asked.body["max_tokens"]])
        said = (
            {"text": text} if "prompt" in asked.body else {"message": {"role": "assistant", "content": text}}
        )
        choices = [
            {"index": n, "finish_reason": "length" if cut else "stop", **said}
            for n in range(asked.body.get("n", 1))
        ]
        return {"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": len(words)}}

    def _send(self, writer, status, answer, kind=JSON, more=None):
        raw = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        head = {"content-type": kind, "content-length": len(raw), **(more or {})}
        lines = "".join(f"{key}: {value}\r\n" for key, value in head.items())
        writer.write(f"HTTP/1.1 {status} Told\r\n{lines}\r\n".encode() + raw)
        return True


WORDS = "the cat sat on a mat and said hello to every small blue house near our long river today"
EN, DE = Language.of("en"), Language.of("de")


def sentences(count, seed=0):
    draw = Random(seed)
    return [f"{n} " + " ".join(draw.choices(WORDS.split(), k=draw.randint(1, 20))) for n in range(count)]


def segments(texts):
    return [Segment(text=text) for text in texts]


def made(*servers, **settings):
    """A translator that asks these servers."""
    urls = tuple(one if isinstance(one, str) else one.url for one in servers)
    return OpenaiTranslator(model="alma", family="alma", base_urls=urls, **{"timeout": 10.0} | settings)


def translated(translator, texts, target=DE):
    pairs = list(translator.translate(segments(texts), source=EN, target=target))
    assert sorted(index for index, _ in pairs) == list(range(len(texts)))
    return [hypothesis for _, hypothesis in sorted(pairs, key=lambda pair: pair[0])]


def whole(texts, told):
    """Each text is translated, and into its own translation."""
    assert [one.text for one in told] == [translation(text) for text in texts]
    assert {one.finish for one in told} == {"stop"}

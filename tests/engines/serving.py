"""vLLM's real server on loopback, for the tests that ask one."""

import os
import signal
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

KEY = "sk-of-this-test"


class Serving:
    """vLLM's server with a model, in fp32; it asks for a key."""

    def __init__(self, model, name, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        words = [
            "--model", model, "--served-model-name", name, "--dtype", "float32", "--enforce-eager",
            "--max-model-len", "512", "--kv-cache-memory-bytes", 64 << 20, "--host", "127.0.0.1", "--port", self.port,
        ]  # fmt: skip
        self.log = log
        with log.open("w") as written:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *map(str, words)],
                stdout=written,
                stderr=subprocess.STDOUT,
                env={**os.environ, "VLLM_API_KEY": KEY},
                start_new_session=True,
            )

    def wait(self):
        opener = build_opener(ProxyHandler({}))
        end = time.monotonic() + 240
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                opener.open(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
            except (URLError, OSError):
                time.sleep(0.5)
            else:
                return self
        raise AssertionError(self.log.read_text()[-3000:])

    def kill(self):
        """The server and its engine, with nothing left to say."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

"""The part of the Hub's API that reading a data set meets, on loopback, for the real clients."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME, SHA = "own/rows", "0123456789abcdef0123456789abcdef01234567"
API, FILES = f"/api/datasets/{NAME}", f"/datasets/{NAME}/resolve/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.seen.append(path)
        if path == API or path.startswith(f"{API}/revision/"):
            self.answer({"id": NAME, "sha": SHA, "siblings": [{"rfilename": n} for n in self.server.files]})
        elif path.startswith(f"{API}/tree/{SHA}"):
            self.answer(self.tree(path.removeprefix(f"{API}/tree/{SHA}").strip("/")))
        elif (
            path.startswith(FILES)
            and (name := path.removeprefix(FILES).partition("/")[2]) in self.server.files
        ):
            self.file(self.server.files[name])
        else:
            self.send(
                404, b"{}", {"X-Error-Code": "EntryNotFound" if path.startswith(FILES) else "RepoNotFound"}
            )

    do_HEAD = do_GET  # noqa: N815 - the server's own names

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)["paths"] if b"{" in body[:1] else []
        self.answer([self.entry(name) for name in asked if name in self.server.files])

    def tree(self, folder):
        start = f"{folder}/" if folder else ""
        below = [name.removeprefix(start) for name in self.server.files if name.startswith(start)]
        folders = sorted({name.partition("/")[0] for name in below if "/" in name})
        return [self.entry(start + name) for name in below if "/" not in name] + [
            {"type": "directory", "path": start + name, "oid": "0" * 40, "size": 0} for name in folders
        ]

    def entry(self, name):
        data = self.server.files[name]
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

    def file(self, data):
        head = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if not asked or self.command == "HEAD":
            return self.send(200, data, head)
        first, last = (
            int(part) if part else len(data) - 1 for part in asked.removeprefix("bytes=").split("-")
        )
        last = min(last, len(data) - 1)
        return self.send(
            206, data[first : last + 1], head | {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
        )

    def answer(self, value):
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status, body, head):
        self.send_response(status)
        for key, value in {**head, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def hub(files):
    """A Hub that holds one data set of these files; `seen` are the paths that it was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files, server.seen = files, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(server, home, script, **environment):
    """The JSON that a script prints in a process whose Hub is `server`; the script sees `source`."""
    begin = (
        "import json\nfrom langadapt.errors import LangAdaptError\nfrom langadapt.schema import Source\n"
        "from langadapt.prepare.reading import pinned, rows\nfrom langadapt.prepare.readers import read_source, settled\n"
        f"source = Source(name='x', path='{NAME}', stream='sft', license='mit')\n"
    )
    address = f"http://127.0.0.1:{server.server_port}" if server else "http://127.0.0.1:1"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", begin + script],
        env={**kept, "HF_ENDPOINT": address, "HF_HOME": str(home), **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])

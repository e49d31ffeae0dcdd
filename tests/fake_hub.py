"""The part of the Hub's API that publishing meets, on loopback, for the real client: what it holds, and faults on order."""

import base64
import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_" + "a1B2" * 9
USER = "someone"
LARGE = (".safetensors", ".parquet")


def git_hash(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class FakeHub:
    """Repositories by (type, id): `private`, `sha`, `files`; `faults` are answered first: a status, or "drop"."""

    def __init__(self):
        self.repositories, self.blobs, self.seen, self.faults, self.yaml = {}, {}, [], {}, {}
        self.commits = 0

    def make(self, kind, name, address, *, private):
        url = {"url": f"{address}/{'datasets/' * (kind == 'dataset')}{name}"}
        if (kind, name) in self.repositories:
            return 409, {"error": "You already created this repo", **url}
        self.repositories[kind, name] = {
            "private": private,
            "sha": "0" * 40,
            "files": {".gitattributes": b"x"},
        }
        return 200, url

    def commit(self, repository, name, lines, address):
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repository["sha"]):
            return 412, {"error": "A commit has happened since"}
        files = dict(repository["files"])
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
            else:
                del files[value["path"]]
        self.commits += 1
        repository |= {"files": files, "sha": f"{self.commits:040x}"}
        return 200, {
            "commitUrl": f"{address}/{name}/commit/{self.commits:040x}",
            "commitOid": repository["sha"],
        }

    def modes(self, repository, files):
        there = repository["files"]

        def oid(path, large):
            if path not in there:
                return None
            return hashlib.sha256(there[path]).hexdigest() if large else git_hash(there[path])

        told = [(file["path"], file["path"].endswith(LARGE)) for file in files]
        return 200, {
            "files": [
                {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid(path, large)}
                for path, large in told
            ]
        }  # fmt: skip

    def objects(self, asked, address):
        return 200, {
            "objects": [
                {**one, **({} if one["oid"] in self.blobs else {"actions": {"upload": {"href": f"{address}/blob/{one['oid']}"}}})}
                for one in asked
            ]
        }  # fmt: skip

    def answer(self, method, path, body, address):
        if method == "PUT":
            self.blobs[path.rpartition("/")[2]] = body
            return 200, {}
        fixed = {
            "/api/whoami-v2": lambda: (200, {"name": USER, "orgs": []}),
            "/api/validate-yaml": lambda: self.validate(json.loads(body)),
            "/api/repos/create": lambda: self.create(json.loads(body), address),
        }
        if path.endswith(".git/info/lfs/objects/batch"):
            fixed[path] = lambda: self.objects(json.loads(body)["objects"], address)
        return fixed[path]() if path in fixed else self.about(path, body, address)

    def validate(self, asked):
        self.yaml[asked["repoType"]] = asked["content"]
        return 200, {"errors": [], "warnings": []}

    def create(self, asked, address):
        name = f"{asked['organization']}/{asked['name']}"
        return self.make(
            asked.get("type", "model"), name, address, private=asked.get("visibility") == "private"
        )

    def about(self, path, body, address):
        known = re.fullmatch(r"/api/(dataset|model)s/([^/]+/[^/]+)(?:/(\w+).*)?", path)
        kind, name, work = known.groups() if known else ("", "", "")
        repository = self.repositories.get((kind, name))
        if repository is None:
            return 404, {"error": "no such thing"}
        if work == "preupload":
            return self.modes(repository, json.loads(body)["files"])
        if work == "commit":
            return self.commit(repository, name, [json.loads(line) for line in body.splitlines()], address)
        siblings = [{"rfilename": path} for path in repository["files"]]
        return 200, {
            "id": name,
            "private": repository["private"],
            "sha": repository["sha"],
            "siblings": siblings,
        }


class Handler(BaseHTTPRequestHandler):
    """Answers for a hub; a fault is a status, "drop" before the work or "lose" the answer after it."""

    protocol_version = "HTTP/1.1"
    hub = None

    def do_GET(self):
        self.work()

    def do_POST(self):
        self.work()

    def do_PUT(self):
        self.work()

    def work(self):
        body, path = self.body(), self.path.partition("?")[0]
        key = self.headers.get("Authorization", "")
        self.hub.seen.append((self.command, path, key))
        fault = next(
            (faults.pop(0) for part, faults in self.hub.faults.items() if part in path and faults), None
        )
        if path.startswith("/api/") and "harness" not in path and key != f"Bearer {TOKEN}":
            fault = 401
        status, told = fault, {"error": f"no \x1b[31m{key}"}
        if fault in (None, "lose"):
            address = f"http://127.0.0.1:{self.server.server_port}"
            status, told = self.hub.answer(self.command, path, body, address)
        if fault in ("drop", "lose"):
            self.close_connection = True
            return
        data = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = b""
        while size := int(self.rfile.readline(), 16):
            out += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    """A fake Hub and its address."""
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

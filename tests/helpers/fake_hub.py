"""A Hub small enough for a test: repositories in memory, one revision, files sent within the commit."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class Hub(ThreadingHTTPServer):
    """`files`: repository -> name -> bytes. `token`: what a writer must show."""

    token = "hf_secret"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, dict[str, bytes]] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving() -> Iterator[Hub]:
    """A running Hub."""
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return self._json({"error": "Invalid user token."}, status=401)
        if path == "/api/repos/create":
            reported = json.loads(body)
            repo = f"{reported.get('organization') or 'user'}/{reported['name']}"
            self.server.files.setdefault(repo, {})
            return self._json({"url": f"{self.server.url}/{repo}", "name": repo})
        if path == "/api/validate-yaml":  # the card's front matter
            return self._json({"errors": [], "warnings": []})
        _, _, _, user, name, action, _ = path.split("/")
        repo = f"{user}/{name}"
        if action == "preupload":
            files = [file["path"] for file in json.loads(body)["files"]]
            reported = [{"path": file, "uploadMode": "regular", "shouldIgnore": False} for file in files]
            return self._json({"files": reported})
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                self.server.files[repo][entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
        commit = self._commit(repo)
        url = f"{self.server.url}/{repo}/commit/{commit}"
        return self._json({"commitUrl": url, "commitOid": commit, "hookOutput": ""})

    def do_GET(self) -> None:
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            repo = "/".join(parts[2:4])
            if repo not in self.server.files:
                return self._json({"error": "Repository not found"}, status=404, code="RepoNotFound")
            names = [{"rfilename": name} for name in self.server.files[repo]]
            if "tree" in parts:
                return self._json([self._entry(repo, name) for name in self.server.files[repo]])
            return self._json({"id": repo, "sha": self._commit(repo), "siblings": names, "private": False})
        repo, name = "/".join(parts[:2]), "/".join(parts[4:])
        data = self.server.files.get(repo, {}).get(name)
        if data is None:
            return self._json({"error": "Entry not found"}, status=404, code="EntryNotFound")
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", self._commit(repo))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)
        return None

    do_HEAD = do_GET  # noqa: N815 - the base class calls it so

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _entry(self, repo: str, name: str) -> dict:
        data = self.server.files[repo][name]
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

    def _commit(self, repo: str) -> str:
        content = b"".join(name.encode() + data for name, data in sorted(self.server.files[repo].items()))
        return hashlib.sha1(content).hexdigest()

    def _json(self, value: object, *, status: int = 200, code: str = "") -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

"""A client of the page without a browser: it sends the requests of the page and of programs, and fetches files."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from crt.errors import count_of
from scripts.provenance import ROOT

CAUGHT = "Internal error"
"""How the page's sentence for errors of its own begins."""
LIMIT_S = 120.0
PAGE = "change/explain"
"""The request that a new image causes in the page."""
MESSAGE_FIELDS = ("error", "message", "cannot", "detail")
"""The fields of an answer that may hold the sentence of a refusal."""
LONGEST = 400  # characters of a message
NEVER = ("Traceback", 'File "', "site-packages", "upstream Gradio app")
_OURS = tuple({str(ROOT), sys.prefix, tempfile.gettempdir() + "/", str(Path.home()) + "/"} - {"//"})


@dataclass(frozen=True)
class Endpoint:
    """One event of the page. `name`: what it is called; `kinds` and `values`: of its components."""

    number: int
    name: str
    kinds: tuple[str, ...]
    values: tuple[Any, ...]

    def good(self, image: dict[str, Any]) -> list[Any]:
        """Values that a page would send which has this image."""
        pairs = zip(self.kinds, self.values, strict=True)
        return [image if kind in ("image", "file") else value for kind, value in pairs]


@dataclass(frozen=True)
class Outcome:
    """The result of a request. `kind`: answered, refused or crashed. `message`: the sentence, or what is wrong.

    `seconds`: until the answer was here; `server_s`: the part that Gradio reports of its own work, from taking the
    request off the queue until the answer was packed; `first_s`: until the first part of the answer was here.
    """

    kind: str
    message: str
    seconds: float
    data: Any = None
    server_s: float = 0.0
    first_s: float = 0.0


class PageClient:
    """A client of one running page, with a session of its own. Raises httpx.HTTPError if it is not there."""

    def __init__(self, url: str, session: str) -> None:
        self.session = session
        with ExitStack() as opened:
            self.http = opened.enter_context(httpx.Client(base_url=url, timeout=LIMIT_S))
            self.endpoints = _endpoints(self.http.get("config").json())
            opened.pop_all()  # stays open, since the page is there

    def close(self) -> None:
        """End its connections."""
        self.http.close()

    def upload(self, name: str, data: bytes) -> dict[str, Any] | Outcome:
        """The file as a request names it, or the refusal. The name is sent as it is, quotes and line ends escaped."""
        began = time.monotonic()
        raw = name.encode("utf-8", "replace").replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        body = b'--fuzz\r\nContent-Disposition: form-data; name="files"; filename="' + raw + b'"\r\n\r\n'
        kind = {"content-type": "multipart/form-data; boundary=fuzz"}
        answer = self.http.post("gradio_api/upload", content=body + data + b"\r\n--fuzz--\r\n", headers=kind)
        if answer.status_code == 200 and answer.json():
            return {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        return outcome_of(answer, time.monotonic() - began)

    def send(self, endpoint: Endpoint, data: Any, event: Any = None) -> Outcome:
        """Put it into the queue and wait for the last answer."""
        began = time.monotonic()
        body = {"data": data, "event_data": event, "fn_index": endpoint.number, "session_hash": self.session}
        joined = self.http.post("gradio_api/queue/join", content=json.dumps(body), headers=JSON)
        if joined.status_code != 200:
            return outcome_of(joined, time.monotonic() - began)
        final: dict[str, Any] = {}
        first = server = 0.0
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if message["msg"] in ("process_generating", "process_completed"):
                    first = first or time.monotonic() - began
                    server += (message.get("output") or {}).get("duration") or 0.0  # of each part of a streamed answer
                if message["msg"] in ("process_completed", "unexpected_error"):
                    final = message
                    break
        seconds = time.monotonic() - began
        if not final.get("success"):
            sentence = (final.get("output") or {}).get("error") or final.get("message")
            if not sentence:
                return Outcome("crashed", "an error without a sentence", seconds)
            return _refusal([sentence], seconds)
        values = final["output"].get("data")
        sentences = list(_sentences(values))
        if sentences:
            return _refusal(sentences, seconds)
        return Outcome("answered", "", seconds, values, server, first)

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Outcome:
        """Any request. What streams is read for half a second."""
        began = time.monotonic()
        url = str(self.http.base_url).rstrip("/") + path
        with self.http.stream(method, url, content=body, headers=headers) as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                return Outcome("answered", "", time.monotonic() - began)
            answer.read()
        return outcome_of(answer, time.monotonic() - began)

    def file(self, path: str) -> httpx.Response:
        """A file by the path that the server sent."""
        return self.http.get(f"gradio_api/file={quote(path)}")


def _endpoints(config: dict[str, Any]) -> list[Endpoint]:
    """The events of a page by its own description."""
    parts = {part["id"]: part for part in config["components"]}
    return [
        Endpoint(
            entry["id"],
            f"{(entry['targets'] or [[None, 'load']])[0][1]}/{entry['api_name']}",
            tuple(parts[index]["type"] for index in entry["inputs"]),
            tuple(parts[index]["props"].get("value") for index in entry["inputs"]),
        )
        for entry in config["dependencies"]
    ]


JSON = {"content-type": "application/json"}


def outcome_of(answer: httpx.Response, seconds: float) -> Outcome:
    """A plain answer over HTTP as an outcome."""
    text = answer.text if "text" in answer.headers.get("content-type", "text") or len(answer.content) < 9999 else ""
    if answer.status_code >= 500:
        if answer.status_code == 503 and "full" in text:
            return Outcome("refused", "The queue is full.", seconds)
        return Outcome("crashed", f"status {answer.status_code}: {text[:100]}", seconds)
    if answer.status_code >= 400:
        leak = wrong(text, long=True)
        return Outcome("crashed" if leak else "refused", leak or f"status {answer.status_code}", seconds)
    return Outcome("answered", "", seconds)


def wrong(sentence: str, *, long: bool = False) -> str:
    """What keeps a refusal from being one plain sentence; nothing for one that is. `long`: JSON of a protocol."""
    if sentence.startswith(CAUGHT):
        return "an error of the page's own"
    if any(word in sentence for word in NEVER):
        return f"insides: {sentence[:100]!r}"
    if any(path in sentence for path in _OURS):
        return f"a path of the server: {sentence[:100]!r}"
    if not long and not re.fullmatch(rf"\S[^\r\n\0]{{8,{LONGEST}}}", sentence):
        return f"no plain sentence: {sentence[:100]!r} ({count_of(len(sentence), 'character')})"
    return ""


def _refusal(sentences: list[str], seconds: float) -> Outcome:
    faults = [fault for fault in map(wrong, sentences) if fault]
    return Outcome("crashed", faults[0], seconds) if faults else Outcome("refused", sentences[0], seconds)


def _sentences(value: Any) -> list[str]:
    """The refusals in what the page answers, wherever they stand."""
    found: list[str] = []
    rest = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            found += [one[name] for name in MESSAGE_FIELDS if isinstance(one.get(name), str) and one[name]]
            rest += [inner for name, inner in one.items() if name not in ("data", "records", "image")]
        elif isinstance(one, list) and len(one) < 1000:
            rest += one
    return found

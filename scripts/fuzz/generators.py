"""Invalid input, drawn at random: values of wrong types, sizes and characters, and requests."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import Any
from urllib.parse import quote

MARKUP = (
    "<img src=x onerror=\"document.title='evil'\">",
    "<script>document.title='evil'</script>",
    "'\"><svg onload=document.title='evil'>",
    "${document.title='evil'}",
    "{{7*7}}",
    "{{value}}",
    "javascript:alert(1)",
    "]]><!--<b>",
    "&lt;b&gt;",
)
PATHS = (
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%252e%252e%252fetc/passwd",
    "....//....//etc/passwd",
    "..\\..\\windows\\win.ini",
    "file:///etc/passwd",
    "/proc/self/environ",
    "~/.ssh/id_rsa",
    "pyproject.toml",
    "app/cli.py",
    "checkpoints/voc/config.json",
    ".",
    "/",
)
ADDRESSES = ("http://127.0.0.1:9/x.png", "https://localhost/x.png", "HTTP://[::1]:9/", "ftp://127.0.0.1/x")
CONTROL = (
    "\0",
    "\r\nSet-Cookie: a=b",
    "\t\v\f",
    "\x1b[31mred",
    "\x7f",
    "\ud800",
    "\udfff\ud800",
    "\u202egnp",
    "\ufeff",
)
TEXTS = (
    *("", " ", "0", "-1", "NaN", "1e999", "null", "[]", "{}", "%s%n%x", "{0.__class__}", "'; drop table x; --"),
    *("🐱" * 50, "ﷺ" * 300, "a" * 20_000, "cat," * 3_000, "Z͑ͫ̓ͪ̂ͫ̽", "true", "__proto__", "constructor"),
    *MARKUP,
    *PATHS,
    *ADDRESSES,
    *CONTROL,
)
NUMBERS = (
    *(0, -1, 1, 2, 255, 2**31, -(2**63), 2**64, 10**400, -(10**4000), 0.5, -0.0, 1e-320, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf")),
)


def file_at(path: str) -> dict[str, Any]:
    """A file as Gradio's pages send it, at another address."""
    return {"path": path, "url": path, "orig_name": path, "meta": {"_type": "gradio.FileData"}}


def value(chance: random.Random, depth: int = 0) -> Any:
    """A JSON value, or one that JSON cannot hold; nested at most three times."""
    kind = chance.randrange(8 if depth < 3 else 4)
    if kind < 2:
        return chance.choice(TEXTS)
    if kind == 2:
        return chance.choice(NUMBERS)
    if kind == 3:
        return chance.choice((None, True, False))
    if kind == 4:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 5:
        return {chance.choice(TEXTS)[:40]: value(chance, depth + 1) for _ in range(chance.randrange(4))}
    if kind == 6:
        return file_at(chance.choice((*PATHS, *ADDRESSES)))
    return chance.choice(
        (
            [0] * 5_000,
            _deep(600),
            {"path": chance.choice(PATHS)},
            {"path": "/etc/passwd", "meta": "x"},
            {"path": "/etc/passwd", "is_stream": True, "meta": {"_type": "gradio.FileData"}},
            {"__type__": "update", "value": chance.choice(TEXTS)},
            {"__type__": "update", "choices": [["evil", "evil"]], "value": "evil"},
        )
    )


def changed(good: Any, chance: random.Random) -> Any:
    """A copy of good JSON in which one to three values, at any depth, are others, gone, or joined by one unknown."""
    found = deepcopy(good)
    for _ in range(chance.randint(1, 3)):
        inner, key = _somewhere(found, chance)
        if inner is None:
            return value(chance)
        what = chance.randrange(5)
        if what == 0 and isinstance(inner, dict):
            del inner[key]
        elif what == 1 and isinstance(inner, dict):
            inner[chance.choice(TEXTS)[:40]] = value(chance)
        elif type(inner[key]) in (int, float):
            inner[key] = chance.choice(NUMBERS)
        else:
            inner[key] = value(chance)
    return found


def query(chance: random.Random) -> str:
    """The query of a link."""
    names = ("v", "pic", "s", "m", "c", "ck", "l", "r", "th", "cm", "__theme", "deep_link", "view", "zzz")
    pairs = []
    for _ in range(chance.randint(1, 6)):
        text = str(chance.choice((*TEXTS, "ex.cat", f"sha.{'0' * 32}", "ex." + chance.choice(PATHS))))
        pairs.append(f"{chance.choice(names)}={quote(text[:2000], errors='surrogatepass')}")
    return "&".join(pairs)


def request(chance: random.Random) -> tuple[str, str, bytes, dict[str, str]]:
    """Method, path, body and headers of a request that no page sends."""
    text = quote(chance.choice(TEXTS)[:2000], safe=chance.choice(("", "/%")), errors="surrogatepass")
    path = chance.choice(ROUTES).format(text)
    body = chance.choice(
        (
            b"",
            b"\xff\xfe\0",
            b"[" * 20_000,
            b'{"data":[],"fn_index":1e400,"session_hash":"a"}',
            json.dumps({"data": [value(chance)], "fn_index": chance.choice((0, 3, 17, 999, -1)), "x": 1}).encode(),
            json.dumps({"data": value(chance), "session_hash": value(chance), "event_data": value(chance)}).encode(),
            json.dumps({"image": value(chance), "size": value(chance)}).encode(),
            b'--a\r\nContent-Disposition: form-data; name="files"; filename="../../x.png"\r\n\r\nabc\r\n--a--\r\n',
            b"--a\r\nContent-Disposition: form-data; name=\"files\"; filename*=utf-8''%00\r\n\r\nabc",
        )
    )
    kinds = (
        "application/json",
        "multipart/form-data; boundary=a",
        "multipart/form-data",
        "text/plain",
        "x/y; charset=z",
    )
    headers = {"content-type": chance.choice(kinds)}
    if chance.random() < 0.2:
        headers |= {"range": chance.choice(("bytes=9-1", "bytes=-", "bytes=0-99999999999999999999", "x"))}
    if chance.random() < 0.2:
        headers |= {"x-forwarded-for": "1.1.1.1", "origin": "http://evil.example", "cookie": "a=" + "b" * 500}
    return chance.choice(("GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "OPTIONS")), path, body, headers


ROUTES = (
    *("/{}", "/?{}", "/config", "/config?deep_link={}", "/static/{}", "/assets/{}", "/svelte/{}", "/pwa_icon/{}"),
    *("/health", "/monitoring/{}", "/login", "/gradio_api/file={}", "/gradio_api/file/{}", "/gradio_api/proxy={}"),
    *("/gradio_api/upload", "/gradio_api/upload?upload_id={}", "/gradio_api/upload_progress?upload_id={}"),
    *("/gradio_api/queue/join", "/gradio_api/queue/data?session_hash={}", "/gradio_api/queue/status"),
    *("/gradio_api/run/{}", "/gradio_api/run/cams", "/gradio_api/call/{}", "/gradio_api/call/cams"),
    *("/gradio_api/call/v2/{}", "/gradio_api/call/v2/masks", "/gradio_api/call/cams/{}", "/gradio_api/api/predict"),
    *("/gradio_api/component_server", "/gradio_api/deep_link?session_hash={}", "/gradio_api/cancel"),
    *("/gradio_api/reset", "/gradio_api/stream/{}", "/gradio_api/process_recording", "/gradio_api/vibe-edit"),
    *("/gradio_api/run-history/records?{}", "/custom_component/{}/client/x/y.js", "/gradio_api/info", "/theme.css"),
)
"""Routes that Gradio has, with a field for invalid text. `/heartbeat` is not among them, because it never ends."""


def _deep(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def _somewhere(root: Any, chance: random.Random) -> tuple[Any, Any]:
    """A container in nested JSON and a key of it; None for what holds nothing."""
    found: list[tuple[Any, Any]] = []
    rest = [root]
    while rest:
        one = rest.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        found += [(one, key) for key in keys]
        rest += [one[key] for key in keys]
    return chance.choice(found[:500]) if found else (None, None)

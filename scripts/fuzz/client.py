"""One hostile client of a running page: its requests are drawn at random around the valid ones below."""

from __future__ import annotations

import io
import random
import time
from typing import Any

import httpx
import numpy as np
from PIL import Image

from crt.errors import InvalidSetting, reason_of
from scripts.fuzz import generators
from scripts.fuzz.corpus import UNSAFE_NAMES
from scripts.loadtest.client import JSON, PAGE, Endpoint, Outcome, PageClient

PROGRAM = "click/masks"
NATIVE = "native"
"""The input size that is the image's own."""
LINKS = ("reopen/reopen", "reopen_run/reopen_run")
FILES = ("png", "pdf", "svg", "zip")
"""What the page exports."""
SLOW_EVENTS = ("faithfulness",)
"""Measurements of many seconds: valid requests take a random map only."""
DETAILS: dict[str, Any] = {
    "shown": None, "request": "k", "method": "crt", "classes": [0], "loops": 1, "refined": True, "blocks": None,
    "pass_reduction": "sum", "threshold": 0.3, "size": "224", "mode": "overlap", "y": 0.5, "x": 0.5, "name": "gradcam",
    "measure": "confidence", "chance": True, "target": "k", "kind": "png", "id": "cat",
    "crf": {"iterations": 1, "gaussianSxy": 3, "gaussianCompat": 3, "bilateralSxy": 50, "bilateralSrgb": 5,
            "bilateralCompat": 10},
    "walk": {"beta": 8, "steps": 2}, "maps": [{"method": "crt", "letter": ""}], "image": False,
    "tab": "explore", "difference": False, "difference_unit": "share",
    "opacity": 0.6, "colormap": "viridis", "scale": "map",
    "absolute": {"cam": None, "product": None}, "outline": True, "boxes": False, "cells": False, "overlay": "heat",
    "rows": 60, "columns": 80, "ground_truth": None, "added_panel": None,
}  # fmt: skip
"""The values that the page sends with its events, all together: each event reads its own."""
LINK = {"act": "show", "pic": "", "size": "224", "mode": "overlap", "checkpoint": "", "request": "k"}


class Fuzzer:
    """One hostile client of a page. `chance` decides all its requests."""

    def __init__(self, url: str, seed: int) -> None:
        self.page_client = PageClient(url, session=f"fuzz{seed}")
        self.chance = random.Random(seed)  # noqa: S311 - no secret
        self.endpoints = {endpoint.name: endpoint for endpoint in self.page_client.endpoints}
        self.image: dict[str, Any] = {}

    def close(self) -> None:
        """End its connections."""
        self.page_client.close()

    def warm(self) -> None:
        """Upload the image of all valid requests, and run the networks on it."""
        self.image = self._noise(160, 120)
        for name in (PAGE, PROGRAM):
            self._run(name, self.good(self.endpoints[name]))

    def warm_all(self) -> None:
        """Send every request once, and for every kind of file, so that what loads on first use is loaded."""
        for endpoint in self.page_client.endpoints:
            if endpoint.name.startswith("unload/"):
                continue  # it would end the session of all others
            for kind in FILES if endpoint.name.startswith("export/") else FILES[:1]:
                self.page_client.send(endpoint, self.good(endpoint), DETAILS | {"kind": kind})

    def run_square(self, side: int) -> None:
        """Run the networks on an image of `side` × `side` pixels at its own size."""
        endpoint = self.endpoints[PAGE]
        values = self.good(endpoint, self._noise(side, side))
        values[endpoint.kinds.index("dropdown")] = NATIVE
        self._run(PAGE, values)

    def _noise(self, width: int, height: int) -> dict[str, Any]:
        small = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8))
        stream = io.BytesIO()
        small.resize((width, height), Image.Resampling.BICUBIC).save(stream, "PNG")
        uploaded = self.page_client.upload("good.png", stream.getvalue())
        if isinstance(uploaded, Outcome):
            raise InvalidSetting(f"The page takes no image: {uploaded.message}")
        return uploaded

    def _run(self, name: str, values: list[Any]) -> None:
        outcome = self.page_client.send(self.endpoints[name], values)
        if outcome.kind != "answered":
            raise InvalidSetting(f"The page does not answer a valid request: {outcome.message}")

    def good(self, endpoint: Endpoint, image: dict[str, Any] | None = None) -> list[Any]:
        """Values that a page would send."""
        return endpoint.good(image or self.image)

    def file(self, name: str, data: bytes, endpoint: str) -> Outcome:
        """Upload a file and send a request with it."""
        uploaded = self.page_client.upload(name, data)
        if isinstance(uploaded, Outcome):
            return uploaded
        asked = self.endpoints[endpoint]
        return self.page_client.send(asked, self.good(asked, uploaded))

    def settings(self) -> tuple[str, Outcome]:
        """Any request with other values, with other details, or with both."""
        endpoint = self.chance.choice(self.page_client.endpoints)
        data, event = self.good(endpoint), dict(DETAILS)
        which = self.chance.randrange(4)
        if which != 0:
            event = generators.changed(event, self.chance)
        if which in (0, 1):
            data = generators.changed(data, self.chance)
        if which == 3 and self.chance.random() < 0.2:
            event = generators.value(self.chance)
        if endpoint.name.startswith(SLOW_EVENTS) and isinstance(event, dict):
            event["chance"] = True
        return endpoint.name, self.page_client.send(endpoint, data, event)

    def links(self) -> tuple[str, Outcome]:
        """A link: its query to the server, or the page's request for it."""
        if self.chance.random() < 0.4:
            query = generators.query(self.chance)
            return "link", self.plain("GET", f"/?{query}")
        name = self.chance.choice(LINKS)
        event = generators.changed(LINK, self.chance)
        if self.chance.random() < 0.3 and isinstance(event, dict):
            event["pic"] = self.chance.choice(("ex.", "sha.")) + self.chance.choice(generators.TEXTS)
        endpoint = self.endpoints[name]
        return name, self.page_client.send(endpoint, self.good(endpoint), event)

    def names(self) -> tuple[str, Outcome]:
        """A file whose name, or a figure whose texts are markup, run, and what is served of it."""
        text = self.chance.choice((*generators.TEXTS, *UNSAFE_NAMES, "a.svg", "a.html", "a.js", "a.mjs", "a.xhtml"))
        if self.chance.random() < 0.5:
            found = next(one for one in self.page_client.endpoints if one.name.startswith("export/"))
            return found.name, self.page_client.send(found, self.good(found), _titled(text[:5000]))
        began = time.monotonic()
        uploaded = self.page_client.upload(
            text[:500], b"<svg onload=\"document.title='evil'\"><script>1</script></svg>"
        )
        if isinstance(uploaded, Outcome):
            return "upload", uploaded
        answer, seconds = self.page_client.file(uploaded["path"]), time.monotonic() - began
        if answer.status_code == 200 and not _harmless(answer.headers):
            return "upload", Outcome("crashed", f"{text[:40]!r} is served so that it runs", seconds)
        endpoint = self.endpoints[PAGE]
        return "upload", self.page_client.send(endpoint, self.good(endpoint, uploaded))

    def requests(self) -> tuple[str, Outcome]:
        """Any request that no page sends."""
        method, path, body, headers = generators.request(self.chance)
        return f"{method} {path[:60]}", self.plain(method, path, body, headers)

    def plain(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Outcome:
        """A request, a broken connection being a crash."""
        began = time.monotonic()
        try:
            return self.page_client.request(method, path, body, headers or JSON)
        except httpx.HTTPError as error:
            return Outcome("crashed", f"{type(error).__name__}: {reason_of(error)}", time.monotonic() - began)


def _titled(text: str) -> dict[str, Any]:
    """A figure with one more map whose title and note are this text."""
    values = "AACAPwAAgD8AAIA/AACAPw=="  # four ones
    extra = {"title": text, "note": text, "unit": "attention", "h": 2, "w": 2, "down": 2, "across": 2, "values": values}
    return DETAILS | {"kind": "svg", "maps": [], "added_panel": extra}


def _harmless(headers: httpx.Headers) -> bool:
    """Whether a browser would save a file, or draw it as pixels."""
    kind, how = headers.get("content-type", ""), headers.get("content-disposition", "")
    drawn = kind.startswith(("image/", "text/plain", "application/octet-stream", "application/json"))
    drawn = drawn and "svg" not in kind
    return how.startswith("attachment") or drawn

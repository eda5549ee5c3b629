"""What a first visit to the page loads: requests, scripts and bytes of the app and of Gradio.

    python -m scripts.bench.page_weight --against old --json results/page_weight.json

Starts `app.py`, of another version too where its folder is given, opens its page without an image in Debian's chromium
(`pip install -r requirements-dev.txt`) with an empty cache, and counts what comes until the page is at rest. Bytes are
those on the wire, with their headers.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tyro

from crt.errors import InvalidSetting
from scripts.bench.latency import wait_until_ready
from scripts.chromium import VIEWPORT, chromium
from scripts.cli import run_cli
from scripts.loadtest.run import checkpoint_of, commit_of
from scripts.loadtest.server import START_S, served
from scripts.output import write_json
from scripts.provenance import ROOT, command_of, program

EMPTY = "?v=1"
"""The query of a page without an image, which else opens with an example."""
VIEWER = ".crt-viewer"
REST_S = 3.0
"""The page is at rest after so long without a request."""
THE_APP, GRADIO = "the app", "Gradio"
THEME = "theme.css"
"""The style sheet that Gradio makes of a theme."""


@dataclass(frozen=True)
class PageWeightBench:
    """What is measured, and where the result goes."""

    checkpoint: Path = Path("checkpoints/voc")
    """A checkpoint folder."""
    against: Path | None = None
    """A folder with another version of this program, whose page is loaded too."""
    json: Path | None = None
    """Write the result here."""


@dataclass
class Loaded:
    """What one page has loaded. `requests`: by the browser's number, each with `url`, `kind` and, once it is there,
    `bytes`; data in the page's own addresses is no request.
    """

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    newest: float = field(default_factory=time.monotonic)

    def sent(self, event: dict[str, Any]) -> None:
        """`Network.requestWillBeSent`."""
        url = event["request"]["url"]
        if urlsplit(url).scheme not in ("data", "blob"):
            self.requests[event["requestId"]] = {"url": url, "kind": event.get("type", "Other")}
            self.newest = time.monotonic()

    def finished(self, event: dict[str, Any]) -> None:
        """`Network.loadingFinished`."""
        if event["requestId"] in self.requests:
            self.requests[event["requestId"]]["bytes"] = round(event["encodedDataLength"])
            self.newest = time.monotonic()

    def result(self, server: str) -> dict[str, Any]:
        """JSON values: what the app and Gradio have loaded, and how many requests were for other machines."""
        here = urlsplit(server).netloc
        counts = {owner: {"requests": 0, "scripts": 0, "bytes": 0, "script_bytes": 0} for owner in (THE_APP, GRADIO)}
        elsewhere = 0
        for request in self.requests.values():
            address = urlsplit(request["url"])
            if address.netloc != here:
                elsewhere += 1
                continue
            count = counts[GRADIO if is_of_gradio(address.path) else THE_APP]
            size, is_script = request.get("bytes", 0), request["kind"] == "Script"
            count["requests"] += 1
            count["bytes"] += size
            count["scripts"] += is_script
            count["script_bytes"] += size * is_script
        return {"page": counts, "elsewhere": elsewhere}


def bench_page_weight(config: PageWeightBench) -> dict[str, Any]:
    """Measure, print and write. Raises CrtError without chromium or playwright, or if a page does not start."""
    if config.against is not None and not (config.against / "app.py").is_file():
        raise InvalidSetting(f"There is no app.py in {config.against}: give the folder of another version.")
    with chromium() as browser:
        result = {
            **measure_visit(browser, str(config.checkpoint), ROOT),
            "command": command(config),
            **program(),
            "chromium": browser.version,
            "viewport_px": VIEWPORT,
        }
        if config.against is not None:
            other = measure_visit(browser, str(config.checkpoint), config.against)
            result["against"] = other | {"commit": commit_of(config.against)}
    print(json.dumps(result, indent=1))
    if config.json is not None:
        write_json(config.json, result)
    return result


def measure_visit(browser: Any, checkpoint: str, root: Path) -> dict[str, Any]:
    """A first visit to the page of one version. Raises InvalidSetting if it does not start."""
    with served(["--checkpoint", checkpoint_of(checkpoint, root)], root=root) as server:
        wait_until_ready(server, time.perf_counter())
        context = browser.new_context(viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]})
        page, loaded = context.new_page(), Loaded()
        session = context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", loaded.sent)
        session.on("Network.loadingFinished", loaded.finished)
        session.send("Network.enable")
        page.goto(server.url + EMPTY)
        page.wait_for_selector(VIEWER, timeout=1000 * START_S)
        while time.monotonic() - loaded.newest < REST_S:
            page.wait_for_timeout(100)
        context.close()
        return loaded.result(server.url)


def is_of_gradio(path: str) -> bool:
    """Whether a path of the server is a file of Gradio's own page."""
    name = path.lstrip("/")
    return name == THEME or (bool(name) and (gradio_folder() / name).is_file())


def gradio_folder() -> Path:
    """The files of Gradio's own page, found without importing it."""
    spec = find_spec("gradio")
    if spec is None or spec.origin is None:
        raise InvalidSetting("gradio is missing: pip install -r requirements.txt.")
    return Path(spec.origin).parent / "templates" / "frontend"


def command(config: PageWeightBench) -> str:
    """The command that measures the same again, without the folders of one machine."""
    return command_of("python -m scripts.bench.page_weight", config, leave=("json",))


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(PageWeightBench, description=__doc__), bench_page_weight))

"""How long a user waits for CAMs: the server's time of a first run and of one from the cache, and its start-up.

    python -m scripts.bench.latency --json results/latency.json

Starts `app.py` in float32 and, where that is faster on this machine, in bfloat16, and drives it with Debian's chromium
(`pip install -r requirements-dev.txt`). The server's time is what Gradio reports of an event in its own messages: from
taking it off the queue until the answer is packed. A new visitor uploads an image, which is in no cache; then the
input size is changed and changed back, which is answered from the cache. Before that as many visitors come without a
browser and send its requests, as a user's browser on a machine of its own leaves these cores to the server, and as many
with photographs of 0.2, 12 and 24 megapixels in turns, of which the first part of the answer is timed; the first map of
such photographs is also timed in the browser. Every visitor has an image of their own. Nothing else should run on these
cores.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from crt.checkpoint import read_config
from crt.errors import InvalidSetting
from scripts.bench.frontend import SHOWN, percentiles, uploadable
from scripts.bench.reading import jpeg_photo
from scripts.chromium import VIEWPORT, chromium
from scripts.cli import run_cli
from scripts.loadtest.client import PAGE, Outcome, PageClient
from scripts.loadtest.server import START_S, Server, served
from scripts.output import write_json
from scripts.provenance import ROOT, command_of, program

PHOTO_MEGAPIXELS = (0.2, 12.0, 24.0)
"""Sizes of the photographs whose first part is timed."""
PAGE_LOOPS = 4
"""What the page records of an image, `app.core.input_sizes.LOOPS`."""
FIRST_DRAWN = SHOWN.replace("[data-state='shown']", ":is([data-state='partial'], [data-state='shown'])")
"""A drawn map, while others may still be computed."""
DRAWN_POLL_MS = 20  # at every frame the browser would draw every frame, on the cores that the server has
SETTLE_MS = 500  # for small events that follow the one that is waited for
BROWSER_SEED = 1000
"""Of the photographs that a browser uploads, which no visitor without one has."""
AWAY = "224"
"""The input size that is run between the two runs at the first."""
# Keeps what the server reports of its own time: `duration` of every completed event, summed over its parts, in seconds.
LISTEN = """(() => {
  window.durations = [];
  const parts = {};
  const plain = window.fetch;
  window.fetch = async (...words) => {
    const answer = await plain(...words);
    if (!String(words[0]?.url ?? words[0]).includes('/queue/data')) return answer;
    const [mine, theirs] = answer.body.tee();
    (async () => {
      const reader = mine.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const lines = (text + part.value).split('\\n\\n');
        text = lines.pop();
        for (const line of lines) {
          const message = JSON.parse(line.replace(/^data: /, ''));
          const { msg, event_id: id } = message;
          const ends = msg === 'process_completed';
          if (ends || msg === 'process_generating') parts[id] = (parts[id] ?? 0) + (message.output.duration ?? 0);
          if (ends) window.durations.push(parts[id]);
        }
      }
    })();
    return new Response(theirs, { headers: answer.headers, status: answer.status });
  };
})()"""


@dataclass(frozen=True)
class LatencyBench:
    """What is measured, and where the result goes."""

    checkpoint: Path = Path("checkpoints/voc")
    """A checkpoint folder."""
    image: Path = ROOT / "app/examples/astronaut.jpg"
    """The image; a row less of it is uploaded, with another pixel each time, so that the networks run."""
    visitors: int = 10
    """New visitors, one after the other; the first does not count."""
    json: Path | None = None
    """Write the result here."""

    def __post_init__(self) -> None:
        if self.visitors < 1:
            raise InvalidSetting("Measure at least 1 visitor.")


def bench_latency(config: LatencyBench) -> dict[str, Any]:
    """Measure, print and write. Raises CrtError without chromium or playwright, or if the page does not start."""
    from crt.precision import resolve
    from crt.train.machine import describe_machine

    fast = resolve("auto", "cpu")
    checkpoint = read_config(config.checkpoint)
    times = {precision: measure_visitors(config, precision) for precision in dict.fromkeys(("fp32", fast))}
    result = {
        "latency": times,
        "command": command(config),
        **program(),
        "machine": describe_machine(),
        "checkpoint": checkpoint.name,
        "networks": list(checkpoint.networks),
        "loops": PAGE_LOOPS,
        "visitors": config.visitors,
    }
    print(json.dumps(times, indent=1))
    if config.json is not None:
        write_json(config.json, result)
    return result


def measure_visitors(config: LatencyBench, precision: str) -> dict[str, Any]:
    """The times of all visitors of a page in this precision, and of its start."""
    first: list[float] = []
    cached: list[float] = []
    waited: list[float] = []
    alone: list[float] = []
    began = time.perf_counter()
    words = ["--checkpoint", str(config.checkpoint), "--precision", precision]
    with tempfile.TemporaryDirectory() as folder, served(words) as server, ExitStack() as later:
        started = time.perf_counter() - began
        ready = wait_until_ready(server, began)
        images = [uploadable(config.image, Path(folder), number) for number in range(2 * config.visitors + 2)]
        for visitor in range(config.visitors + 1):
            image = images.pop()
            outcome = run_without_browser(server, image.name, image.read_bytes(), f"visitor{visitor}")
            if visitor:
                alone.append(1000 * outcome.server_s)
        first_part = first_parts(server, config.visitors)
        browser = later.enter_context(chromium())
        for visitor in range(config.visitors + 1):
            page = open_page(browser, server)
            seconds = until(SHOWN, page, images.pop())
            found = longest(page)
            page.locator(".inspector .fields").evaluate("fields => { fields.open = true; }")
            size = page.get_by_role("combobox", name="Input size", exact=True)
            home = size.input_value()
            choose_size(page, size, AWAY)
            longest(page)
            choose_size(page, size, home)
            again = longest(page)
            if visitor:
                first.append(1000 * found)
                waited.append(1000 * seconds)
                cached.append(1000 * again)
            page.context.close()
        first_map = first_maps(browser, server, Path(folder), config.visitors)
    return {
        "start_s": round(started, 1),
        "model_loaded_s": round(ready, 1),
        "server_only_ms": percentiles(alone),
        "first_part": first_part,
        "first_map": first_map,
        "first_ms": percentiles(first),
        "browser_ms": percentiles(waited),
        "cached_ms": percentiles(cached),
    }


def run_without_browser(server: Server, name: str, data: bytes, session: str) -> Outcome:
    """A new visitor's upload and run. Raises InvalidSetting if it gives no maps."""
    with closing(PageClient(server.url, session)) as page_client:
        endpoint = next(one for one in page_client.endpoints if one.name == PAGE)
        uploaded = page_client.upload(name, data)
        if isinstance(uploaded, Outcome):
            raise InvalidSetting(f"The page takes no image: {uploaded.message}")
        outcome = page_client.send(endpoint, endpoint.good(uploaded))
    if outcome.kind != "answered":
        raise InvalidSetting(f"The page gives no maps: {outcome.message}")
    return outcome


def open_page(browser: Any, server: Server) -> Any:
    """A new visitor's page, before there is an image of theirs."""
    context = browser.new_context(viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]})
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.goto(f"{server.url}?v=1")
    page.wait_for_selector(".crt-viewer[data-tab]")
    page.wait_for_timeout(SETTLE_MS)
    return page


def until(drawn: str, page: Any, image: Path) -> float:
    """Seconds from the choice of a file until its maps are drawn. `drawn`: the selector of what is waited for."""
    page.evaluate("durations.length = 0")
    began = time.perf_counter()
    page.set_input_files("#crt-image input[type=file]", str(image))
    page.wait_for_function(f"() => document.querySelector({drawn!r})", timeout=1000 * START_S, polling=DRAWN_POLL_MS)
    return time.perf_counter() - began


def first_parts(server: Server, visitors: int) -> dict[str, Any]:
    """Milliseconds from the request to the first part of its answer, as `in_turns_by_photo` gives them."""

    def first_part(megapixels: float, visitor: int) -> float:
        name = f"photo{megapixels:g}-{visitor}"
        return run_without_browser(server, f"{name}.jpg", jpeg_photo(megapixels, visitor), name).first_s

    return in_turns_by_photo(first_part, visitors)


def first_maps(browser: Any, server: Server, folder: Path, visitors: int) -> dict[str, Any]:
    """Milliseconds from the choice of a photograph to its first drawn map, as `in_turns_by_photo` gives them."""

    def first_map(megapixels: float, visitor: int) -> float:
        image = folder / f"photo{megapixels:g}-{visitor}.jpg"
        image.write_bytes(jpeg_photo(megapixels, BROWSER_SEED + visitor))
        page = open_page(browser, server)
        seconds = until(FIRST_DRAWN, page, image)
        page.context.close()
        return seconds

    return in_turns_by_photo(first_map, visitors)


def in_turns_by_photo(measure: Callable[[float, int], float], visitors: int) -> dict[str, Any]:
    """Milliseconds of `measure`, which takes megapixels and the number of a visitor and gives seconds, by megapixels;
    and the ratio of the largest photograph to the smallest. The first visitor does not count.
    """
    spent: dict[float, list[float]] = {megapixels: [] for megapixels in PHOTO_MEGAPIXELS}
    for visitor in range(visitors + 1):
        for megapixels, times in spent.items():
            times.append(1000 * measure(megapixels, visitor))
    counted = {f"{megapixels:g}": times[1:] for megapixels, times in spent.items()}
    small, *_, large = counted.values()
    ratios = [own / other for own, other in zip(large, small, strict=True)]
    return {"ms": {name: percentiles(times) for name, times in counted.items()}, "ratio": percentiles(ratios)}


def command(config: LatencyBench) -> str:
    """The command that measures the same again, without the folders of one machine."""
    return command_of("python -m scripts.bench.latency", config, leave=("json",))


def choose_size(page: Any, size: Any, name: str) -> None:
    """Choose an input size, as a user does."""
    page.evaluate("durations.length = 0")
    size.click()
    page.get_by_role("option", name=name).first.click()


def longest(page: Any) -> float:
    """Seconds of the longest event that the server has answered since the last request, once there is an answer."""
    page.wait_for_function("durations.length > 0", timeout=1000 * START_S, polling=DRAWN_POLL_MS)
    page.wait_for_timeout(SETTLE_MS)
    return float(page.evaluate("Math.max(...durations)"))


def wait_until_ready(server: Server, began: float) -> float:
    """Seconds from `began` until the networks are loaded. Raises InvalidSetting if they cannot be."""
    while True:
        if server.health()["status"] == "ok":
            return time.perf_counter() - began
        if time.perf_counter() - began > START_S:
            raise InvalidSetting("The networks are not loaded after minutes: see the log of python app.py.")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(LatencyBench, description=__doc__), bench_latency))

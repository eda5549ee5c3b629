"""How fast the page is: redraws of one to four maps, at zoom 1 and 3, and the first maps after an upload.

    python -m scripts.bench.frontend --json results/viewer.json

Starts `app.py` and drives it with Debian's chromium (`pip install -r requirements-dev.txt`). A redraw is one step of
the threshold slider, which changes the outline and the caption of every map and draws them anew: from the beginning of
its frame until the page is laid out, painted and every canvas has its pixels. Nothing else should run on the machine.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from tqdm import tqdm

from crt.checkpoint import read_config
from crt.errors import InvalidSetting
from scripts.chromium import VIEWPORT, chromium
from scripts.cli import run_cli
from scripts.loadtest.server import START_S, served
from scripts.output import write_json
from scripts.provenance import ROOT, command_of, program

METHODS = ("resnet", "tscam", "crt", "crt_cnn")
ZOOMS = (1, 3)
WARM = 5  # redraws of a scene that do not count
SHOWN = ".crt-viewer[data-state='shown'] canvas[data-method]"
# One redraw after the other, each from the start of its frame. Reading a pixel makes the browser finish its canvas.
CANVAS = "(({ width, height }) => [width, height])(document.querySelector('.panel canvas'))"
COUNTED = "count => document.querySelectorAll('.panel').length === count"
REDRAWS = """async (count) => {
  const slider = document.querySelector('[data-role="threshold"]');
  const root = document.querySelector('.crt-viewer');
  const found = { frame: [], script: [] };
  for (let i = 0; i < count; i++) {
    await new Promise((done) => setTimeout(done, 30));
    let began = 0;
    requestAnimationFrame(() => { began = performance.now(); });
    slider.value = String(0.15 + 0.01 * (i % 20));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => {
      const painted = new MessageChannel();
      painted.port1.onmessage = () => {
        const all = document.querySelectorAll('.panel canvas');
        for (const canvas of all) canvas.getContext('2d').getImageData(0, 0, 1, 1);
        found.frame.push(performance.now() - began);
        found.script.push(Number(root.dataset.redrawMs));
        done();
      };
      painted.port2.postMessage(0);
    }));
  }
  return found;
}"""


@dataclass(frozen=True)
class FrontendBench:
    """What is measured, and where the result goes."""

    checkpoint: Path = Path("checkpoints/voc")
    """A checkpoint folder."""
    image: Path = ROOT / "app/examples/astronaut.jpg"
    """The image; a row less of it is uploaded, with another pixel each time, so that the networks run."""
    repeats: int = 60
    """Redraws of every scene; the first five do not count."""
    pixel_ratio: float = 1.0
    """Pixels of the screen for one of CSS."""
    json: Path | None = None
    """Write the result here."""

    def __post_init__(self) -> None:
        if self.repeats < 1 or not 0.5 <= self.pixel_ratio <= 4:
            raise InvalidSetting("Measure at least 1 redraw, at a pixel ratio from 0.5 to 4.")


def bench_frontend(config: FrontendBench) -> dict:
    """Measure, print and write. Raises CrtError without chromium or playwright, or if the page does not start."""
    checkpoint = read_config(config.checkpoint)
    methods = [method for method in METHODS if method in checkpoint.networks]
    scenes = [(count, zoom) for count in range(1, len(methods) + 1) for zoom in ZOOMS]
    redraws, uploads = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        served(["--checkpoint", str(config.checkpoint)]) as server,
        chromium() as browser,
    ):
        for index, (count, zoom) in enumerate(tqdm([scenes[0], *scenes], desc="scenes", file=sys.stderr)):
            image = uploadable(config.image, Path(folder), index)
            context = browser.new_context(
                viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]}, device_scale_factor=config.pixel_ratio
            )
            page = context.new_page()
            page.goto(f"{server.url}?v=1&p={'.'.join(methods[-count:])}&zk={zoom}&th=0.15")
            page.wait_for_selector(".crt-viewer[data-tab]")
            began = time.perf_counter()
            page.set_input_files("#crt-image input[type=file]", str(image))
            page.wait_for_selector(SHOWN, timeout=1000 * START_S)
            waited = time.perf_counter() - began
            if index:  # the first time loads the networks and warms the browser up
                page.wait_for_function(COUNTED, arg=count)
                found = page.evaluate(REDRAWS, config.repeats + WARM)
                times = {f"{name}_ms": percentiles(values[WARM:]) for name, values in found.items()}
                redraws.append({"maps": count, "zoom": zoom, "canvas_px": page.evaluate(CANVAS), **times})
                uploads.append(waited)
            context.close()
        version = browser.version
    result = {
        "command": command(config),
        **program(),
        "measure": "one step of the threshold slider, from the start of its frame until all canvases have their pixels",
        "machine": machine(),
        "chromium": version,
        "checkpoint": checkpoint.name,
        "viewport_px": VIEWPORT,
        "pixel_ratio": config.pixel_ratio,
        "repeats": config.repeats,
        "redraws": redraws,
        "worst_median_ms": max(row["frame_ms"]["median"] for row in redraws),
        "first_map_s": percentiles(uploads),
    }
    print(redraw_table(result))
    if config.json is not None:
        write_json(config.json, result)
    return result


def uploadable(image: Path, folder: Path, number: int) -> Path:
    """The image without its last row as a file: no example has these pixels, nor has that of another number."""
    from crt.data.images import load_image

    pixels = load_image(image)[:-1].copy()
    pixels[0, 0] = [number >> shift & 255 for shift in (16, 8, 0)]
    path = folder / f"image{number}.png"
    Image.fromarray(pixels).save(path)
    return path


def percentiles(values: list[float]) -> dict[str, float]:
    """Median, 10th and 90th percentile and maximum."""
    low, middle, high = np.percentile(values, [10, 50, 90])
    found = {"median": middle, "p10": low, "p90": high, "max": max(values)}
    return {name: round(float(value), 2) for name, value in found.items()}


def machine() -> dict[str, str | int]:
    """Processor, its cores that this process may use, and the system."""
    cpu = platform.processor() or platform.machine()
    if (about := Path("/proc/cpuinfo")).exists():
        names = re.findall(r"^model name\s*: (.+)$", about.read_text(), re.MULTILINE)
        cpu = names[0].strip() if names else cpu
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "system": f"{platform.system()} {platform.machine()}"}


def command(config: FrontendBench) -> str:
    """The command that measures the same again, without the folders of one machine."""
    return command_of("python -m scripts.bench.frontend", config, leave=("json",))


def redraw_table(result: dict) -> str:
    """The result as lines of text."""
    lines = [f"{'maps':>4}{'zoom':>6}{'median ms':>12}{'p10':>8}{'p90':>8}{'max':>8}"]
    for row in result["redraws"]:
        frame = row["frame_ms"]
        numbers = "".join(f"{frame[name]:>8.1f}" for name in ("p10", "p90", "max"))
        lines.append(f"{row['maps']:>4}{row['zoom']:>6}{frame['median']:>12.1f}{numbers}")
    first = result["first_map_s"]
    lines.append(f"first maps after an upload: {first['median']:.2f} s ({first['p10']:.2f} to {first['p90']:.2f})")
    lines.append(f"{result['machine']['cpu']}, {result['machine']['cores']} cores")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(FrontendBench, description=__doc__), bench_frontend))

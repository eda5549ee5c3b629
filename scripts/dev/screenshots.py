"""Make the screenshots of the documentation from a running app: docs/images.

    python -m scripts.dev.screenshots
    python -m scripts.dev.screenshots --names masks explore-animated

Starts `app.py` with a checkpoint and drives it with Debian's chromium. Every screenshot begins with a link to a view,
so that the same command renews it after a change of the page or of the weights.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from PIL import Image
from tqdm import tqdm

from crt.errors import InvalidSetting
from crt.io_utils import atomic_path
from scripts.chromium import chromium
from scripts.cli import run_cli
from scripts.loadtest.server import START_S, served

WINDOW = (1440, 900)
"""Pixels of the browser's window."""
AMONG_CELLS = 10
"""The place of a cell of Layers that is in view: block 3, pass 3 of up to three loops."""
ANIMATED_WIDTH = 960
"""Pixels across of an animated screenshot."""
FRAME_MS = 900
QUALITY = 82
"""Of WebP, 0 to 100."""
ANIMATED_QUALITY = 65
WITH_RUN = ".crt-viewer[data-state='shown']"
LOADED = "() => !document.querySelector('.crt-viewer [role=tabpanel]:not([hidden])[inert]')"
"""Whether the modules of the open tab are here."""
ALL_COMPUTED = """() => {
  const viewer = document.querySelector('.crt-viewer');
  const charts = [...viewer.querySelectorAll('.curve-plot')].filter((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return one.checkVisibility() && bottom > 0 && top < innerHeight;
  });
  return !viewer.querySelector('[aria-busy=true]')
    && charts.every((one) => one.querySelector('.main-svg')) && !/omputing[^.…]*…|Not run yet/.test(viewer.innerText);
}"""
"""Whether what the view requests and the charts in sight are here."""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SET_VALUE = """(node, value) => {
  node.value = value;
  node.dispatchEvent(new Event('input', { bubbles: true }));
}"""

Act = Callable[[Any], None]
"""What is done with the page before it is photographed."""


def _role(page: Any, name: str) -> Any:
    return page.locator(f'[data-role="{name}"]')


def _click(name: str) -> Act:
    return lambda page: _role(page, name).click()


def _slide(name: str, value: float) -> Act:
    return lambda page: _role(page, name).evaluate(SET_VALUE, str(value))


def _check(name: str, *, on: bool) -> Act:
    return lambda page: _role(page, name).set_checked(on, force=True)


def _scroll_to(name: str) -> Act:
    return lambda page: _role(page, name).evaluate("(node) => node.scrollIntoView({ block: 'center' })")


def _choose_cell(page: Any) -> None:
    """A cell of Layers beside the middle of the page, and its heads."""
    cells = _role(page, "layers-grid").locator("[role=gridcell] button").all()
    cells[min(AMONG_CELLS, len(cells) - 1)].click()
    _role(page, "layers-heads-load").click()


def _add_scenes(page: Any) -> None:
    """Three scenes of the view with other loop counts, and the dialog that lists them."""
    for loops in (0, 1, 3):
        _slide("loops", loops)(page)
        page.evaluate(TWO_FRAMES)
        _role(page, "scenes-open").click()
        _role(page, "scenes-title").fill(f"CRT with {loops} {'loop' if loops == 1 else 'loops'}")
        _role(page, "scenes-add").click()
        _role(page, "scenes-close").click()
    _role(page, "scenes-open").click()


def _present(page: Any) -> None:
    _role(page, "present-start").click()
    page.wait_for_selector(".crt-viewer[data-present='on']", timeout=1000 * START_S)


@dataclass(frozen=True)
class Screenshot:
    """One screenshot.

    Attributes:
        query: of the link to its view, after `v=1&`.
        acts: what is done then, in order.
        frames: for an animated screenshot, what is done before each frame.
    """

    query: str
    acts: tuple[Act, ...] = ()
    frames: tuple[Act, ...] = ()


EXAMPLE = "pic=ex.motorcycle&c=motorbike"
SCREENSHOTS: dict[str, Screenshot] = {
    "explore": Screenshot(f"{EXAMPLE}&l=4"),
    "explore-animated": Screenshot(
        "pic=ex.motorcycle&c=motorbike&l=0&r=0&p=resnet.tscam.crt",
        frames=(
            *(_slide("loops", loops) for loops in range(5)),
            _check("refined", on=True),
            *(_slide("threshold", level) for level in (0.25, 0.4, 0.25)),
            _check("refined", on=False),
        ),
    ),
    "compare": Screenshot(f"{EXAMPLE}&w=swipe&wa=resnet&wb=crt&ws=0.5"),
    "difference": Screenshot(f"{EXAMPLE}&w=difference&wa=tscam&wb=crt"),
    "ground-truth": Screenshot(f"{EXAMPLE}&l=4", (_scroll_to("ground-truth-card"),)),
    "ablate": Screenshot(f"{EXAMPLE}&t=ablate", (_click("ablate-run"),)),
    "layers": Screenshot(f"{EXAMPLE}&t=layers", (_choose_cell,)),
    "masks": Screenshot(f"{EXAMPLE}&l=4&t=masks"),
    "results": Screenshot(f"{EXAMPLE}&t=results"),
    "scenes": Screenshot(f"{EXAMPLE}&l=4", (_add_scenes,)),
    "present": Screenshot(EXAMPLE, (_present,)),
    "export": Screenshot(f"{EXAMPLE}&l=4", (_click("export-open"),)),
}
"""By the name of the file, without its extension."""


@dataclass(frozen=True)
class Screenshots:
    """Which screenshots are made, of what, and where they go."""

    checkpoint: Path = Path("checkpoints/voc")
    """A checkpoint folder; the examples of the page must have maps of its classes."""
    out: Path = Path("docs/images")
    """Folder of the screenshots."""
    names: tuple[str, ...] = ()
    """Make these only; all of them if left out."""

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.names) - set(SCREENSHOTS)):
            raise InvalidSetting(f"There is no screenshot {unknown[0]!r}: choose among {', '.join(SCREENSHOTS)}.")


def make_screenshots(config: Screenshots) -> list[Path]:
    """Write the screenshots -> their files. Raises InvalidSetting without chromium, or if the page does not start."""
    config.out.mkdir(parents=True, exist_ok=True)
    chosen = {name: SCREENSHOTS[name] for name in config.names or SCREENSHOTS}
    written = []
    with served(["--checkpoint", str(config.checkpoint)]) as server, chromium() as browser:
        for name, screenshot in tqdm(chosen.items(), unit="screenshot"):
            path = config.out / f"{name}.webp"
            save(take(browser, server.url, screenshot), path)
            written.append(path)
    return written


def take(browser: Any, url: str, screenshot: Screenshot) -> list[Image.Image]:
    """Open the view of a screenshot in a context of its own -> its frames, one if it is not animated.

    Args:
        browser: playwright's.
        url: of the page, with a slash at its end.
        screenshot: what is photographed.
    """
    context = browser.new_context(viewport={"width": WINDOW[0], "height": WINDOW[1]}, color_scheme="light")
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * START_S)
        page.goto(f"{url}?__theme=light&v=1&{screenshot.query}")
        page.wait_for_selector(WITH_RUN)
        page.wait_for_function(LOADED)
        page.evaluate(TWO_FRAMES)
        for act in screenshot.acts:
            act(page)
        for _ in range(2):  # what has come may request more
            page.wait_for_function(ALL_COMPUTED)
            page.evaluate(TWO_FRAMES)
        taken = []
        for act in screenshot.frames or (lambda page: None,):  # noqa: ARG005 - a still has one frame, and nothing is done
            act(page)
            page.evaluate(TWO_FRAMES)
            taken.append(Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB"))
        return taken
    finally:
        context.close()


def save(frames: Sequence[Image.Image], path: Path) -> None:
    """Write one frame as a still, several as an animation that is smaller.

    Args:
        frames: of one size.
        path: of the WebP file.
    """
    with atomic_path(path) as temporary:
        if len(frames) == 1:
            frames[0].save(temporary, "WEBP", quality=QUALITY, method=6)
            return
        height = round(frames[0].height * ANIMATED_WIDTH / frames[0].width)
        small = [frame.resize((ANIMATED_WIDTH, height), Image.Resampling.LANCZOS) for frame in frames]
        small[0].save(
            temporary,
            "WEBP",
            save_all=True,
            append_images=small[1:],
            duration=FRAME_MS,
            loop=0,
            quality=ANIMATED_QUALITY,
            method=6,
        )


def print_written(config: Screenshots) -> None:
    """Make the screenshots and print their sizes."""
    for path in make_screenshots(config):
        print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    sys.exit(run_cli(lambda: tyro.cli(Screenshots, description=__doc__), print_written))

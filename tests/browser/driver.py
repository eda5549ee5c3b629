"""What every browser test does with a page."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, FloatRect, Locator, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = "${document.title='evil'}<img src=x onerror=\"document.title='evil'\">{{value}}"
PATIENCE = 120_000
"""Milliseconds that a test waits for what must come, however busy the machine is."""
PIXELS = "name => document.querySelector(`canvas[data-method=${name}]`).toDataURL()"
SHOWN = '.crt-viewer[data-state="shown"]'
RECTANGLES = """nodes => nodes.map((node) => {
  const { x, y, width, height } = node.getBoundingClientRect();
  return { x, y, width, height };
})"""


def new_page(browser: Browser, width: int) -> Page:
    """A page in a context of its own."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE)
    return page


def upload(page: Page, path: str) -> None:
    """Choose an image and wait for its maps."""
    page.set_input_files("#crt-image input[type=file]", path)
    page.wait_for_selector(SHOWN)
    page.wait_for_selector("canvas[data-method=crt]")
    settle(page)


def settle(page: Page) -> None:
    """Wait until two frames have gone by, so that every change is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def boxes_of(*elements: Locator) -> list[FloatRect]:
    """Where the elements are at one moment: two calls of `bounding_box` may have a change of the page between them."""
    found = elements[0].page.evaluate(RECTANGLES, [one.element_handle() for one in elements])
    assert all(box["width"] and box["height"] for box in found), f"an element has no area: {found}"
    return found


def move(page: Page, role: str, value: float) -> None:
    """Move the slider with this data-role."""
    page.locator(f'[data-role="{role}"]').evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )
    settle(page)


def open_tab(page: Page, name: str) -> None:
    """Open one of the viewer's tabs, whose modules may still have to be loaded."""
    page.get_by_role("tab", name=name).click()
    settle(page)
    page.wait_for_function("() => !document.querySelector('[role=tabpanel]:not([hidden])[inert]')")
    settle(page)


@contextmanager
def settings(page: Page) -> Iterator[None]:
    """With all settings of the maps in reach: a narrow page keeps most of them in a sheet, and Input may be folded."""
    more = page.get_by_role("button", name="More settings")
    in_sheet = more.is_visible()
    if in_sheet:
        more.click()
    page.evaluate("document.querySelectorAll('.inspector .fields:not([open]) > summary').forEach((one) => one.click())")
    yield
    if in_sheet:
        page.locator('[data-role="sheet-close"]').click()
    settle(page)


def pixels(page: Page) -> dict[str, str]:
    """The maps on the page, as data URLs, once every change is drawn."""
    settle(page)
    return {name: page.evaluate(PIXELS, name) for name in ("resnet", "tscam", "crt")}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Which maps have other pixels."""
    return {name for name in before if before[name] != after[name]}

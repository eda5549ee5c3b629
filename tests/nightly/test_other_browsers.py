"""The walk of a visitor in Firefox and in WebKit: upload, redraw, compare, mask, export, link.

Firefox is Debian's firefox-esr, driven by Playwright over WebDriver BiDi; WebKit is the MiniBrowser of Debian's
webkit2gtk-driver, driven by Selenium over WebDriver, on a display of its own. `bash scripts/test.sh --nightly` installs
them where it may.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright
from selenium.webdriver import WebKitGTK
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from app.cli import AppConfig
from tests.helpers.missing import missing
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

LONGEST = 300
"""Seconds that the walk waits for each thing that must come."""
WIDTH, HEIGHT = 1440, 1000
FIREFOX = shutil.which("firefox-esr")
WEBKIT = shutil.which("WebKitWebDriver")
MINI_BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"), None)
XVFB = shutil.which("Xvfb")
VIEW = """[...['loops', 'threshold', 'opacity'].map(role => document.querySelector(`[data-role=${role}]`).value),
  document.querySelector('.class-row[aria-pressed=true]').dataset.index]"""
"""The settings of Explore, and the class."""
PNG = '[role="menuitem"][data-kind="png"]'
SAVE = """(HTMLAnchorElement.prototype.click = function () {
  fetch(this.href).then(answer => answer.arrayBuffer())
    .then(bytes => { window.savedFile = Array.from(new Uint8Array(bytes).slice(0, 8)); });
}, 1)"""
"""Makes the page keep the first bytes of a file that it saves; the file's address holds in that page alone."""
LISTEN = """(() => {
  if (!window.troubles) {
    const heard = window.troubles = [];
    const log = console.error;
    console.error = (...parts) => { heard.push(parts.map(String).join(' ')); log.apply(console, parts); };
    addEventListener('unhandledrejection', event => heard.push(String(event.reason)));
    addEventListener('error', ({ message, target }) => {
      if (message) heard.push(message);
      else if (target.rel !== 'modulepreload') heard.push(`not loaded: ${target.outerHTML}`);
    }, true);
  }
  return window.troubles;
})()"""
"""The errors of the page since this ran first, for browsers whose driver reports none. A module that Gradio could not
load ahead is none: where it is needed it is loaded again."""
pytestmark = pytest.mark.nightly


class Browser(Protocol):
    """What the walk needs of a browser."""

    def open(self, url: str) -> None:
        """Go to an address."""

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON has it."""

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector, as a user does."""

    def upload(self, selector: str, path: str) -> None:
        """Choose a file in a field."""


class Firefox:
    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, url: str) -> None:
        self.page.goto(url)

    def run(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()

    def upload(self, selector: str, path: str) -> None:
        self.page.set_input_files(selector, path)


class WebKit:
    def __init__(self, driver: WebKitGTK) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get(url)

    def run(self, expression: str) -> Any:
        return self.driver.execute_script(f"return ({expression})")

    def click(self, selector: str) -> None:
        element = self.driver.find_element("css selector", selector)
        self.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def upload(self, selector: str, path: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(path)


@contextmanager
def firefox() -> Iterator[Browser]:
    if FIREFOX is None:
        missing("firefox-esr is not installed")
    with sync_playwright() as driver:
        browser = driver.firefox.launch(channel="moz-firefox", executable_path=FIREFOX)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(1000 * LONGEST)
        yield Firefox(page)
        browser.close()


@contextmanager
def webkit() -> Iterator[Browser]:
    if WEBKIT is None or MINI_BROWSER is None or XVFB is None:
        missing("webkit2gtk-driver or xvfb is not installed")
    command = [XVFB, "-displayfd", "1", "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as display:
        assert display.stdout is not None
        number = display.stdout.readline().strip()
        options = Options()
        options.binary_location = str(MINI_BROWSER)
        options.add_argument("--automation")
        driver = WebKitGTK(
            options=options, service=Service(WEBKIT, env={"DISPLAY": f":{number}", "GDK_BACKEND": "x11"})
        )
        try:
            driver.set_window_size(WIDTH, HEIGHT)
            driver.set_script_timeout(LONGEST)
            yield WebKit(driver)
        finally:
            driver.quit()
            display.terminate()


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("walk") / "tiny", classes=("cat", "dog", "person"))
    config = AppConfig(checkpoint=str(folder), host="127.0.0.1")
    with running_app(config) as (demo, _):
        yield f"http://127.0.0.1:{demo.server_port}/"


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("image") / "photo.png"
    small = np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return str(path)


def wait(browser: Browser, expression: str) -> Any:
    """The first value of a JavaScript expression that is true."""
    end = time.monotonic() + LONGEST
    while not (value := browser.run(expression)):
        assert time.monotonic() < end, f"this has not come true: {expression}"
        time.sleep(0.2)
    return value


def role(name: str) -> str:
    return f'[data-role="{name}"]'


def move(browser: Browser, name: str, value: float) -> None:
    """Move the slider with this data-role and wait until the page is drawn."""
    drawn = browser.run("document.querySelector('.crt-viewer').dataset.drawn")
    browser.run(
        f"(node => {{ node.value = {value}; node.dispatchEvent(new Event('input', {{ bubbles: true }})); return 1; }})"
        f"(document.querySelector({json.dumps(role(name))}))"
    )
    wait(browser, f"document.querySelector('.crt-viewer').dataset.drawn !== {json.dumps(drawn)}")


def canvas(selector: str) -> str:
    """JavaScript for what a canvas shows."""
    return f"document.querySelector({json.dumps(selector)})?.toDataURL()"


@pytest.mark.parametrize("start", [firefox, webkit])
def test_a_visitor_gets_from_an_upload_to_a_link(start: Callable[[], Any], url: str, image: str) -> None:
    crt = canvas("canvas[data-method=crt]")
    with start() as browser:
        browser.open(f"{url}?__theme=light")
        browser.run(LISTEN)
        wait(browser, "document.querySelector('.crt-viewer')?.dataset.tab")
        browser.upload("#crt-image input[type=file]", image)
        wait(browser, """document.querySelector('.crt-viewer[data-state="shown"] canvas[data-method=crt]') && 1""")

        before = browser.run(crt)
        move(browser, "loops", 0)
        wait(browser, f"{crt} !== {json.dumps(before)}")
        move(browser, "threshold", 0.4)

        browser.click("label:has(input[value=difference])")
        wait(browser, "document.querySelectorAll('.panel.compare canvas').length > 0")
        browser.click("label:has(input[value=side])")

        browser.click('[role="tab"][data-tab="masks"]')
        seed = canvas(role("mask-seed"))
        wait(browser, seed)
        before = browser.run(seed)
        move(browser, "mask-threshold", 0.6)
        wait(browser, f"{seed} !== {json.dumps(before)}")
        browser.click('[role="tab"][data-tab="explore"]')

        browser.run(SAVE)
        wait(browser, f"!document.querySelector({json.dumps(role('export-open'))}).disabled")
        browser.click(role("export-open"))
        wait(browser, f"document.querySelector({json.dumps(PNG)}).getClientRects().length > 0")
        browser.click(PNG)
        assert bytes(wait(browser, "window.savedFile")) == b"\x89PNG\r\n\x1a\n"

        browser.click(role("copy-link"))
        wait(browser, f"!document.querySelector({json.dumps(role('permalink-note'))}).hidden")
        link = wait(browser, "location.search.includes('v=1') && location.href")
        view = browser.run(VIEW)
        assert browser.run(LISTEN) == []
        browser.run("console.error('heard')")
        assert browser.run(LISTEN) == ["heard"]

        browser.open("about:blank")
        browser.open(link)
        browser.run(LISTEN)
        wait(browser, """document.querySelector('.crt-viewer[data-state="shown"] canvas[data-method=crt]') && 1""")
        assert browser.run(VIEW) == view
        assert browser.run(LISTEN) == []

"""A browser and a server with a tiny checkpoint, shared by all browser tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from app.cli import AppConfig
from app.page import build, launch_options
from tests.browser.driver import CHROMIUM, HOSTILE
from tests.helpers.tiny import tiny_checkpoint

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """All tests here need chromium."""
    for item in items:
        if HERE in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> str:
    classes = ("cat", HOSTILE, "person")
    return str(tiny_checkpoint(tmp_path_factory.mktemp("browser") / "tiny", classes=classes, masks=True))


@pytest.fixture(scope="session")
def server(checkpoint):
    config = AppConfig(checkpoint=checkpoint, host="127.0.0.1")
    demo = build(config)
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options(config))
    yield url
    demo.close()


@pytest.fixture(scope="session")
def browser():
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=CHROMIUM, args=arguments)


@pytest.fixture
def open_page(server, browser):
    """Opens the page in a theme and width; at the end no error and no request to another machine is allowed."""
    troubles: list[str] = []
    contexts = []

    def open_one(theme: str = "light", width: int = 1440, *, query: str = "", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        own = (server, "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
        page.goto(f"{server}?__theme={theme}{'&' if query else ''}{query}")
        page.wait_for_selector(".crt-viewer[data-tab]")  # set when the modules have been loaded
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="session")
def image(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("image") / f"{HOSTILE.replace('/', '')}.png"
    small = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return str(path)

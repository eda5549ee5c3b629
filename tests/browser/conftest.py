"""A browser and a server with a tiny checkpoint, shared by all browser tests."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from app.cli import AppConfig
from app.core.cache import PredictionCache
from tests.browser.driver import CHROMIUM, HOSTILE, PATIENCE
from tests.helpers.running_app import running_app
from tests.helpers.tiny import tiny_checkpoint

HERE = Path(__file__).parent
expect.set_options(timeout=PATIENCE)
OPEN_ALL = (
    "document.querySelectorAll('.inspector details').forEach((one) =>"
    " (one.open ? ['fold', 'open'] : ['open']).forEach(() => one.firstElementChild.click()))"
)
"""Opens the groups of the settings by hand, as they then stay."""
LOST = ("Failed to load resource", "TypeError: Failed to fetch", "Unexpected client exception")
"""How errors of a request that has no answer begin, and those of Gradio's client about an answer without its start."""
HEARD: list[tuple[str, str]] = []
"""Errors in the consoles of all pages since the test began: their text, and the address they are about."""
Contexts = defaultdict[tuple[int, str], list[BrowserContext]]
"""Of one server, by width and other options."""


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
def browser():
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as driver, pytest.MonkeyPatch.context() as patch:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=PATIENCE)
        new_context, new_page = launched.new_context, launched.new_page

        def heard_context(**options) -> BrowserContext:
            context = new_context(**options)
            hear(context)
            return context

        def heard_page(**options) -> Page:
            page = new_page(**options)
            hear(page.context)
            return page

        patch.setattr(launched, "new_context", heard_context)
        patch.setattr(launched, "new_page", heard_page)
        yield launched


def hear(context: BrowserContext) -> None:
    """Keep the errors of all its pages in `HEARD`."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            HEARD.append((message.text, message.location["url"]))

    context.on("console", note)
    context.on("weberror", lambda error: HEARD.append((str(error.error), "")))


@pytest.fixture(autouse=True)
def _no_errors(refused: tuple[str, ...]) -> Iterator[None]:
    """At the end no page of the test may have an error in its console."""
    HEARD.clear()
    yield
    troubles = [
        f"{text} ({url})"
        for text, url in HEARD
        if not (text.startswith(LOST) and any(part in f"{text} {url}" for part in refused))
    ]
    assert troubles == []


@pytest.fixture(scope="session")
def contexts() -> dict[str, Contexts]:
    """Browser contexts of each server that runs: the next test takes them with what they have fetched and compiled."""
    return {}


@pytest.fixture(scope="session")
def caches() -> dict[str, PredictionCache]:
    """The Predictions of each server that runs."""
    return {}


@pytest.fixture(scope="session")
def serve(browser, contexts, caches) -> Callable[[AppConfig], AbstractContextManager[str]]:
    """Runs the app: `with serve(config) as address`."""

    @contextmanager
    def serving(config: AppConfig) -> Iterator[str]:
        with running_app(config) as (app, url):
            contexts[url], caches[url] = defaultdict(list), app.cache
            yield url
            for context in [one for kind in contexts.pop(url).values() for one in kind]:
                context.close()

    return serving


@pytest.fixture(scope="session")
def server(checkpoint, serve):
    with serve(AppConfig(checkpoint=checkpoint, host="127.0.0.1")) as url:
        yield url


@pytest.fixture
def refused() -> tuple[str, ...]:
    """Parts of the addresses whose requests a test lets fail; chromium itself writes such a failure to the console."""
    return ()


@pytest.fixture
def open_page(server, browser, contexts, caches):
    """Opens the page in a theme and width; at the end no request to another machine is allowed, and what the networks
    gave is forgotten, as many tests upload the same image.
    """
    troubles: list[str] = []
    pages = []
    taken = Counter[tuple[int, str]]()

    def open_one(theme: str = "light", width: int = 1440, *, query: str = "", **options):
        page = context(width, **options).new_page()
        pages.append(page)
        own = (server, "data:", "blob:")
        page.on("request", lambda request: None if request.url.startswith(own) else troubles.append(request.url))
        page.goto(f"{server}?__theme={theme}{'&' if query else ''}{query}")
        page.wait_for_selector(".crt-viewer[data-tab]")  # set when the modules have been loaded
        page.evaluate(OPEN_ALL)
        return page

    def context(width: int, **options) -> BrowserContext:
        """One in which no page of this test is open."""
        kind = (width, json.dumps(options, sort_keys=True))
        kept = contexts[server][kind]
        if taken[kind] == len(kept):
            kept.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
            kept[-1].set_default_timeout(PATIENCE)
            kept[-1].new_page().goto(f"{server}health")  # while a page is open, so is its process with compiled code
        taken[kind] += 1
        return kept[taken[kind] - 1]

    yield open_one
    for page in pages:
        page.context.set_offline(False)
        storage = {"origin": server.rstrip("/"), "storageTypes": "cookies,local_storage,indexeddb"}
        page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", storage)
        page.close()
    for session in {one for entry in caches[server]._entries.values() for one in entry.sessions}:
        caches[server].drop(session)
    assert troubles == []


@pytest.fixture(scope="session")
def image(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("image") / f"{HOSTILE.replace('/', '')}.png"
    small = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).save(path)
    return str(path)

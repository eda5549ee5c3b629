"""Debian's chromium, which draws charts and opens pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crt.errors import InvalidSetting

VIEWPORT = (1440, 900)
"""Pixels of a window."""


def find_chromium() -> str:
    """The path of the program. Raises InvalidSetting where it is not installed."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise InvalidSetting("chromium is missing: apt-get install chromium.")
    return program


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of playwright's. Raises InvalidSetting without one of the two."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise InvalidSetting("playwright is missing: pip install -r requirements-dev.txt.") from error
    program = find_chromium()
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()

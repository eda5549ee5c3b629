"""One user in a browser, while many others send requests to the same page."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crt.errors import reason_of
from scripts.chromium import VIEWPORT

PATIENCE_S = 120.0
POLL_MS = 200  # at every frame the browser would draw every frame
DISMISS = """() => {
  for (const node of document.querySelectorAll('[data-role="message"]')) node.hidden = true;
  for (const close of document.querySelectorAll('.toast-body button')) close.click();
}"""
# The result of a request: new maps, or a message of the viewer's or of Gradio's own.
RESULT = """before => {
  const viewer = document.querySelector('.crt-viewer');
  if (!viewer) return null; // while Gradio loads the page anew, since the server was away
  if (viewer.dataset.run && viewer.dataset.run !== before) return { message: '' };
  const messages = [viewer.querySelector('[data-role="message"]:not([hidden])'), document.querySelector('.toast-body')];
  const message = messages.map(node => node?.innerText.trim()).find(Boolean);
  return message ? { message } : null;
}"""


@dataclass(frozen=True)
class BrowserResult:
    """The result of a request: new maps after `seconds`, or the `message` in their place."""

    seconds: float
    message: str


class BrowserUser:
    """A user who keeps one page open, uploads images and changes the input size. `page`: of playwright's."""

    def __init__(self, page: Any, url: str, images: Sequence[str], sizes: Sequence[str], seed: int) -> None:
        self.page = page
        self.images = list(images)
        self.image = ""
        self.sizes = list(sizes)
        self.chance = random.Random(seed)  # noqa: S311 - a simulated user's choices, no secret
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(reason_of(error)))
        page.set_viewport_size({"width": VIEWPORT[0], "height": VIEWPORT[1]})
        page.goto(url)
        page.wait_for_selector(".crt-viewer[data-tab]")

    def send(self) -> BrowserResult:
        """Send another image, or the same at another size -> the result, also where the page is lost meanwhile."""
        began = time.monotonic()
        try:
            message = self._send()
        except Exception as error:  # noqa: BLE001 - what went wrong is what is counted
            message = reason_of(error)
        return BrowserResult(time.monotonic() - began, " ".join(message.split()))

    def _send(self) -> str:
        self.page.evaluate(DISMISS)
        before = self.page.get_attribute(".crt-viewer", "data-run") or ""
        others = [image for image in self.images if image != self.image]  # the one shown would bring no new maps
        if others and (not before or self.chance.random() < 0.5):
            self.image = self.chance.choice(others)
            self.page.set_input_files("#crt-image input[type=file]", self.image)
        else:
            field = self.page.get_by_role("combobox", name="Input size", exact=True)
            self.page.locator(".inspector .fields").evaluate("fields => { fields.open = true; }")
            now = field.input_value()
            field.click()
            other = self.chance.choice([size for size in self.sizes if not now.startswith(size)])
            self.page.get_by_role("option", name=other).first.click()
        found = self.page.wait_for_function(RESULT, arg=before, timeout=1000 * PATIENCE_S, polling=POLL_MS)
        return found.json_value()["message"]

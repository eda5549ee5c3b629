"""An image taken away while the page works on it: everything ends, the next image works, and the settings stay."""

import re
import threading
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.features import faithfulness
from crt.metrics.faithfulness import measure
from crt.predictor import Predictor
from tests.browser.driver import PATIENCE, SHOWN, move, open_tab, settle, upload
from tests.browser.faults import Queue

EMPTY = '.crt-viewer[data-state="empty"]'
BUSY = "progress, .waiting, [aria-busy=true], [data-role=inspect], [data-role=tour]"


def remove(page: Page) -> None:
    page.locator("#crt-image").get_by_role("button", name="Remove Image").click()


def press(role: str) -> Callable[[Page], None]:
    return lambda page: page.locator(f'[data-role="{role}"]').click()


def export(page: Page) -> None:
    page.locator('[data-role="export-open"]').click()
    page.get_by_role("menuitem", name="PNG").click()


def in_tab(name: str, then: Callable[[Page], None] | None = None) -> Callable[[Page], None]:
    def work(page: Page) -> None:
        open_tab(page, name)
        if then:
            then(page)

    return work


def other_size(page: Page) -> None:
    page.evaluate(
        "document.querySelector('.crt-viewer').dispatchEvent("
        "new CustomEvent('crt-settings', { detail: { size: '224', mode: 'non-overlap' } }))"
    )


def scene(page: Page) -> None:
    page.get_by_role("button", name="Scenes").click()
    page.get_by_role("button", name="Add scene").click()
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def polygon(page: Page) -> None:
    page.get_by_role("button", name="polygon").first.click()
    page.locator(".panel.resnet .stage").click(position={"x": 60, "y": 60})


def preview(page: Page) -> None:
    page.locator('[data-role="export-open"]').click()
    page.get_by_role("menuitem", name="Figure for print").click()


WORKS: dict[str, Callable[[Page], object]] = {
    "explain": lambda page: page.locator('[data-role="added_panel"]').select_option("gradcam crt"),
    "inspect": lambda page: page.locator("canvas[data-method=crt]").click(),
    "load_heads": in_tab("Layers", press("layers-deepen")),
    "ablate": in_tab("Ablate", press("ablate-run")),
    "segment": in_tab("Masks"),
    "walk": in_tab("Masks"),
    "deeplab": in_tab("Masks"),
    "faithfulness": press("faithfulness-start"),
    "export": export,
    "keep": press("copy-link"),
    "scene": scene,
    "preview": preview,
    "polygon": polygon,
    "tour": press("tour-start"),
    "blink": lambda page: page.locator('input[name="crt-view"][value="blink"]').check(force=True),
    "example": lambda page: page.locator(".example").first.click(),
    "reopen": other_size,
    "reopen_run": other_size,
}


UNNAMED = ("/cancel", "/reset")
"""Refused by Gradio, whose page also cancels an event that has no id yet."""


EVENTS = {"scene": "keep", "preview": "export", "polygon": "", "tour": "", "blink": ""}
"""What a work requests, where it has another name; empty for nothing."""
HELD = ("example", "reopen", "reopen_run")  # which Gradio cancels when the image goes


@pytest.mark.parametrize(("work", "refused"), [(name, UNNAMED if name in HELD else ()) for name in WORKS], ids=WORKS)
def test_the_work_on_an_image_that_is_gone_ends_and_the_next_image_works(open_page, image, work):
    page = open_page()
    upload(page, image)
    queue, event = Queue(page), EVENTS.get(work, work)
    with queue.hold(event or work):
        WORKS[work](page)
        if event:
            queue.wait_for(event)
        if work == "preview":
            page.keyboard.press("Escape")  # the dialog lies over the upload
        remove(page)
        page.wait_for_selector(EMPTY)
        settle(page)
    expect(page.locator(BUSY).locator("visible=true")).to_have_count(0)
    queue.wait_for_answers()  # the answer comes, and is dropped
    page.set_input_files("#crt-image input[type=file]", image)
    page.wait_for_selector(SHOWN)
    open_tab(page, "Explore")
    page.wait_for_selector(".panel canvas.map")
    expect(page.locator(BUSY).locator("visible=true")).to_have_count(0)
    expect(page.locator('[data-role="faithfulness-start"]')).to_be_enabled()
    expect(page.locator('[data-role="message"]')).to_be_hidden()


def test_a_measurement_under_way_ends_on_the_server_too(open_page, image, monkeypatch):
    stopped = threading.Event()

    def measure_until_stopped(*arguments, should_stop, **keywords):
        while not should_stop():
            time.sleep(0.05)
        stopped.set()
        return measure(*arguments, should_stop=should_stop, **keywords)

    monkeypatch.setattr(faithfulness, "measure", measure_until_stopped)
    page = open_page()
    upload(page, image)
    page.get_by_role("button", name="Measure faithfulness").click()
    page.locator('[data-role="faithfulness-progress"]').wait_for()
    remove(page)
    page.wait_for_selector(EMPTY)
    until = time.monotonic() + PATIENCE / 1000
    while not stopped.is_set():
        assert time.monotonic() < until, "the server goes on measuring"
        page.wait_for_timeout(50)
    monkeypatch.setattr(faithfulness, "measure", measure)
    upload(page, image)
    page.get_by_role("button", name="Measure faithfulness").click()
    expect(page.locator('[data-role="faithfulness-found"]')).to_be_visible()
    remove(page)
    page.wait_for_selector(EMPTY)


@pytest.fixture
def gate(monkeypatch):
    """Networks that run only while this event is set."""
    opened, run = threading.Event(), Predictor.predict
    opened.set()

    def slow(self, *arguments, **keywords):
        opened.wait(600)
        return run(self, *arguments, **keywords)

    monkeypatch.setattr(Predictor, "predict", slow)
    yield opened
    opened.set()


@pytest.mark.parametrize("refused", [UNNAMED])
def test_the_page_is_empty_at_once_while_the_networks_are_busy(open_page, image, gate):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    gate.clear()
    page.get_by_role("combobox", name="Input size", exact=True).click()
    page.get_by_role("option", name="448 px").click()
    remove(page)
    page.wait_for_selector(EMPTY)
    gate.set()
    queue.wait_for_answers()
    assert page.get_attribute(".crt-viewer", "data-state") == "empty"
    upload(page, image)
    expect(page.locator('[data-role="status"]')).to_contain_text("Input 448 × 336 px")


@pytest.mark.parametrize("refused", [UNNAMED])
def test_what_was_requested_before_the_removal_and_runs_after_it_is_not_shown(open_page, image):
    page = open_page()
    upload(page, image)
    queue = Queue(page)
    with queue.hold(""):
        page.get_by_role("combobox", name="Input size", exact=True).click()
        page.get_by_role("option", name="448 px").click()
        queue.wait_for("")
        remove(page)
        page.wait_for_selector(EMPTY)
    queue.wait_for_answers()
    assert page.get_attribute(".crt-viewer", "data-state") == "empty"
    upload(page, image)
    expect(page.locator('[data-role="status"]')).to_contain_text("Input 448 × 336 px")


def test_settings_stay_and_what_was_added_for_an_image_does_not(open_page, image, tmp_path):
    page = open_page()
    upload(page, image)
    move(page, "threshold", 0.4)
    page.locator('[data-role="colormap"]').select_option("magma")
    page.locator('[data-role="added_panel"]').select_option("gradcam crt")
    expect(page.locator(".panel.more")).to_contain_text(re.compile(r"\d+ ms"))
    remove(page)
    page.wait_for_selector(EMPTY)
    page.locator(".example").first.click()
    page.wait_for_selector('.crt-viewer[data-state="shown"]')
    remove(page)
    page.wait_for_selector(EMPTY)
    upload(page, image)
    expect(page.locator(".panel.more")).to_have_count(0)
    expect(page.locator('[data-role="colormap"]')).to_have_value("magma")
    settle(page)


def test_the_threshold_stays_when_the_next_image_comes(open_page, image):
    page = open_page()
    upload(page, image)
    move(page, "threshold", 0.4)
    remove(page)
    page.wait_for_selector(EMPTY)
    upload(page, image)
    expect(page.locator('[data-role="threshold-value"]')).to_contain_text("40 %")

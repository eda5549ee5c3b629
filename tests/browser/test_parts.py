"""A run that has not ended: the maps that are there are drawn, and the others have their places."""

import threading

import pytest
from playwright.sync_api import expect

import crt.predictor
from tests.browser.driver import SHOWN, settle, upload
from tests.browser.faults import Queue

PARTIAL = '.crt-viewer[data-state="partial"]'
OTHER_SIZE = "448 px"


@pytest.fixture
def gate(monkeypatch):
    """Transformers that run only while this event is set, and fail if it has `fails`."""
    opened, run = threading.Event(), crt.predictor.run_transformer

    def slow(*arguments, **keywords):
        opened.wait(600)
        if getattr(opened, "fails", False):
            raise MemoryError
        return run(*arguments, **keywords)

    monkeypatch.setattr(crt.predictor, "run_transformer", slow)
    yield opened
    opened.set()


@pytest.fixture
def empty_page(open_page):
    page = open_page()
    page.wait_for_selector(".crt-viewer[data-tab]")
    return page


def test_the_first_map_is_drawn_while_the_transformers_run(empty_page, image, gate):
    page = empty_page
    page.set_input_files("#crt-image input[type=file]", image)
    page.wait_for_selector(PARTIAL)
    settle(page)
    panels = page.locator(".panel")
    expect(panels.locator("h3")).to_have_text(["ResNet", "TS-CAM", "CRT"])
    assert panels.nth(0).locator(".none").is_hidden()
    expect(panels.nth(1).locator(".none")).to_have_text("Computing…")
    expect(panels.nth(2).locator(".none")).to_have_text("Computing…")
    page.locator('[data-role="threshold"]').evaluate(
        "node => { node.value = 0.5; node.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    gate.set()
    page.wait_for_selector(SHOWN)
    settle(page)
    assert panels.locator(".none").locator("visible=true").count() == 0
    assert page.locator('[data-role="threshold-value"]').inner_text() == "50 % of max"


def test_a_run_that_fails_half_way_leaves_no_map_and_a_sentence(empty_page, image, gate):
    page = empty_page
    page.set_input_files("#crt-image input[type=file]", image)
    page.wait_for_selector(PARTIAL)
    gate.fails = True
    gate.set()
    page.wait_for_selector('.crt-viewer[data-state="empty"]')
    expect(page.locator('[data-role="message"]')).to_contain_text("Internal error")


def test_the_maps_stay_while_the_same_image_runs_at_another_size(empty_page, image, gate):
    page = empty_page
    gate.set()
    upload(page, image)
    gate.clear()
    queue = Queue(page)
    page.get_by_role("combobox", name="Input size", exact=True).click()
    page.get_by_role("option", name=OTHER_SIZE).click()
    queue.wait_for_part()
    assert page.get_attribute(".crt-viewer", "data-state") == "shown"
    before = page.get_attribute(".crt-viewer", "data-run")
    gate.set()
    page.wait_for_function("run => document.querySelector('.crt-viewer').dataset.run !== run", arg=before)
